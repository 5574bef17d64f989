/// Where a link is in one collection.
public struct LinkPlace: Hashable, Sendable {
    /// The position of its namespace among those that were resolved together.
    public let namespace: Int
    /// Its position among the namespace's links.
    public let link: Int
}

/// What one namespace's id for another stands for: the serial number of that other.
struct IDOwner: Sendable {
    let id: Int32
    let serial: UInt64
}

/// Finds the other end of every link: the peer of a veth, the lower device of a macvlan or vlan.
///
/// A link says the index of its other end (IFLA_LINK) and, when that is in another namespace, the id that its own
/// namespace has for it (IFLA_LINK_NETNSID). Indexes are unique in one namespace only, and ids differ by viewpoint, so
/// neither alone tells anything. The host's ids are known (RTM_GETNSID), which settles all that has one end there; of the
/// other namespaces' ids `questions` says which ones the kernel has to be asked for. What is not certain stays absent.
///
/// Concurrency: a value; `resolve` changes the samples it is given, and so runs where they may be changed.
public struct Topology: Sendable {
    /// A namespace's id of which nobody knows yet whom it stands for.
    public struct Question: Hashable, Sendable {
        /// The link that has it, and the namespace whose id it is.
        public let place: LinkPlace
        /// The id.
        public let id: Int32
    }

    /// What the last `resolve` could not tell, one for each namespace and id.
    public private(set) var questions: [Question] = []
    private var positions: [UInt64: Int] = [:]
    private var hostIDs: [Int32: Int] = [:]
    private var cookies: [UInt64: Int] = [:]

    /// Nothing is known.
    public init() {}

    /// Sets `peers` of every namespace. Only what this collection read takes part; links are sorted by index.
    public mutating func resolve(_ namespaces: [NamespaceSample]) {
        questions.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        hostIDs.removeAll(keepingCapacity: true)
        cookies.removeAll(keepingCapacity: true)
        for (position, namespace) in namespaces.enumerated() {
            namespace.peers.removeAll(keepingCapacity: true)
            guard namespace.wasRead, namespace.hasLinks else { continue }
            for _ in namespace.links.indices { namespace.peers.append(nil) }
            if let cookie = namespace.cookie { cookies[cookie] = position }
            positions[namespace.serial] = position
            if let id = namespace.nsid { hostIDs[id] = position }
        }
        // The host first: its ids are all known, and what it says of a pair saves asking the other end.
        for (position, namespace) in namespaces.enumerated() where namespace.isHost { resolve(position, namespaces) }
        for (position, namespace) in namespaces.enumerated() where !namespace.isHost { resolve(position, namespaces) }
    }

    /// Remembers the answer to a question, for as long as both namespaces live: an id is not given anew before that.
    public func learn(_ question: Question, is owner: Int, in namespaces: [NamespaceSample]) {
        let asking = namespaces[question.place.namespace]
        asking.idOwners.removeAll { $0.id == question.id || positions[$0.serial] == nil }
        asking.idOwners.append(IDOwner(id: question.id, serial: namespaces[owner].serial))
    }

    private mutating func resolve(_ position: Int, _ namespaces: [NamespaceSample]) {
        let namespace = namespaces[position]
        let firstQuestion = questions.count
        for link in namespace.peers.indices where namespace.peers[link] == nil {
            guard let index = namespace.links[link].link, index > 0 else { continue }
            if let cookie = namespace.links[link].linkCookie {
                if let owner = cookies[cookie] {
                    pair(LinkPlace(namespace: position, link: link), owner, index, namespaces)
                }
                continue
            }
            guard let id = namespace.links[link].linkNamespace else {
                if index != namespace.links[link].index {
                    pair(LinkPlace(namespace: position, link: link), position, index, namespaces)
                }
                continue
            }
            if let owner = owner(of: id, in: namespace) {
                pair(LinkPlace(namespace: position, link: link), owner, index, namespaces)
            } else if !namespace.isHost, !questions[firstQuestion...].contains(where: { $0.id == id }) {
                questions.append(Question(place: LinkPlace(namespace: position, link: link), id: id))
            }
        }
    }

    private func owner(of id: Int32, in namespace: NamespaceSample) -> Int? {
        if namespace.isHost { return hostIDs[id] }
        return namespace.idOwners.first { $0.id == id }.flatMap { positions[$0.serial] }
    }

    /// Joins a link with the one that has `index` in namespace `other`. A veth's peer has to say the same of it: the two
    /// namespaces were not read at the same moment.
    private func pair(_ place: LinkPlace, _ other: Int, _ index: Int32, _ namespaces: [NamespaceSample]) {
        let here = namespaces[place.namespace]
        let there = namespaces[other]
        guard let position = Self.position(of: index, in: there.links) else { return }
        let peer = LinkPlace(namespace: other, link: position)
        if here.links[place.link].isVeth {
            guard there.links[position].isVeth, there.links[position].link == here.links[place.link].index,
                isBack(there.links[position], from: there, to: place.namespace, here)
            else { return }
            there.peers[position] = place
        }
        here.peers[place.link] = peer
    }

    /// Whether what a peer says of its other end's namespace may mean the one we came from.
    private func isBack(_ peer: Link, from there: NamespaceSample, to place: Int, _ here: NamespaceSample) -> Bool {
        let isSame = here === there
        if let cookie = peer.linkCookie { return !isSame && cookie == here.cookie }
        guard let id = peer.linkNamespace else { return isSame }
        return !isSame && owner(of: id, in: there).map { $0 == place } ?? true
    }

    /// The position of the link with an index, among links sorted by it.
    package static func position(of index: Int32, in links: [Link]) -> Int? {
        var low = 0
        var high = links.count
        while low < high {
            let middle = (low + high) / 2
            if links[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low < links.count && links[low].index == index ? low : nil
    }
}

extension Array<NamespaceSample> {
    /// The other end of a link of one of these namespaces, which were resolved together: its namespace and itself.
    public func peer(of link: Int, in namespace: NamespaceSample) -> (namespace: NamespaceSample, link: Link)? {
        guard link < namespace.peers.count, let place = namespace.peers[link] else { return nil }
        return (self[place.namespace], self[place.namespace].links[place.link])
    }
}

extension NamespaceSample {
    /// The name of the device that a link of this namespace is a port of.
    public func master(of link: Link) -> InlineBytes<16>? {
        guard let master = link.master, let position = Topology.position(of: master, in: links) else { return nil }
        return links[position].name
    }
}
