internal import CLinux
internal import Glibc
internal import NetnsCore

/// Reads the facts of one path.
///
/// Concurrency: belongs to its thread, which enters namespaces and ends. The samples are only read.
final class PathReader {
    let request: DiagnosisRequest
    let source: NamespaceSample
    let site: ProbeSite
    let namespaces: [NamespaceSample]
    let paths: SystemPaths
    let buffer = NetlinkBuffer()
    var facts: PathFacts
    /// The port of the name server that was found.
    var port: UInt16?
    /// The namespace that the thread began in; opened before it enters another.
    private var home: NamespaceHandle?
    private var files = FileReader(capacity: 256)

    init(
        _ request: DiagnosisRequest, _ source: NamespaceSample, _ site: ProbeSite, _ namespaces: [NamespaceSample],
        _ paths: SystemPaths
    ) {
        self.request = request
        self.source = source
        self.site = site
        self.namespaces = namespaces
        self.paths = paths
        facts = PathFacts(source: Self.place(source, paths), target: request.text)
    }

    /// Reads and tries everything.
    func read() throws(SystemError) -> PathFacts {
        do throws(Errno) {
            home = try NamespaceHandle.current()
            try enter(source)
        } catch {
            throw SystemError(
                "enter", "namespace \(source.name)", error,
                advice: error.meansGone
                    ? "it ended" : error.meansDenied ? "this needs CAP_SYS_ADMIN, and CAP_SYS_PTRACE" : nil)
        }
        findTarget()
        readSource()
        let link = facts.outgoingLink
        readAttachment(link)
        tryTarget(link)
        readNeighbour(link)
        readRouter()
        readFar()
        readVLANs()
        readFilters()
        tryFromRouter()
        return facts
    }

    /// Moves the thread into a namespace.
    func enter(_ sample: NamespaceSample) throws(Errno) {
        if sample.isHost, paths.hostNamespace == nil {
            try home?.enter()
            return
        }
        var failure = Errno.noSuchFile
        for way in Self.ways(sample, paths) {
            do throws(Errno) { return try NamespaceHandle.open(way, inode: sample.inode, paths: paths).enter() } catch {
                if failure == .noSuchFile || !error.meansGone { failure = error }
            }
        }
        throw failure
    }

    private static func ways(_ sample: NamespaceSample, _ paths: SystemPaths) -> [Holder] {
        var ways = sample.mounts.map { Holder.mount(path: $0) }
        if sample.isHost, let path = paths.hostNamespace { ways.insert(.mount(path: Array(path.utf8)), at: 0) }
        if let leader = sample.leader { ways.append(.process(pid: leader.pid)) }
        return ways + sample.holders
    }

    /// Does something in a namespace; nil when it cannot be entered.
    func visit<R>(_ sample: NamespaceSample, _ body: () throws(Errno) -> R) -> R? {
        do throws(Errno) {
            try enter(sample)
            return try body()
        } catch { return nil }
    }

    // MARK: Places

    /// A namespace as the facts have it.
    static func place(_ sample: NamespaceSample, _ paths: SystemPaths) -> PathFacts.Place {
        PathFacts.Place(
            name: sample.name, prefix: prefix(sample, paths), links: sample.hasLinks ? sample.links : [],
            addresses: sample.hasAddresses ? sample.addresses : [])
    }

    /// What stands before a command that is to run in a namespace.
    private static func prefix(_ sample: NamespaceSample, _ paths: SystemPaths) -> String? {
        if sample.isHost, paths.hostNamespace == nil { return "" }
        var mounts = sample.mounts
        if sample.isHost, let path = paths.hostNamespace { mounts.insert(Array(path.utf8), at: 0) }
        for path in mounts {
            let text = PrintableText.string(path)
            guard Array(text.utf8) == path else { continue }
            if let name = NamespaceNames.name(ofMount: path), !name.hasPrefix("-") {
                return "ip netns exec \(ShellWord.quoted(name)) "
            }
            return "nsenter --net=\(ShellWord.quoted(text)) "
        }
        return sample.leader.map { "nsenter --net=/proc/\($0.pid)/ns/net " }
    }

    /// What a link leads to.
    func attachment(of link: Int32, in sample: NamespaceSample) -> (sample: NamespaceSample, link: Int32)? {
        guard sample.hasLinks, let position = sample.links.firstIndex(where: { $0.index == link }),
            let peer = namespaces.peer(of: position, in: sample)
        else { return nil }
        return (peer.namespace, peer.link.index)
    }

    /// The other end of the source's link, and the link by which its packets come in there.
    var entry: (sample: NamespaceSample, peer: Link, ingress: Link)? {
        guard let link = facts.outgoingLink, let end = attachment(of: link.index, in: source),
            let peer = end.sample.links.first(where: { $0.index == end.link })
        else { return nil }
        let master = peer.master.flatMap { master in end.sample.links.first { $0.index == master } }
        return (end.sample, peer, master.flatMap { $0.takesPortsPackets ? $0 : nil } ?? peer)
    }

    /// Every namespace but the source that has an address, with the link.
    func owners(of address: IPAddress) -> [(sample: NamespaceSample, link: Int32)] {
        namespaces.compactMap { sample in
            guard sample !== source, sample.wasRead, sample.hasAddresses, sample.hasLinks else { return nil }
            return sample.addresses.first { $0.address == address }.map { (sample, $0.link) }
        }
    }

    /// The index of the bridge that a namespace's link leads to, when that is in `sample`.
    func bridge(behind link: Int32, of other: NamespaceSample, in sample: NamespaceSample) -> Int32? {
        guard let end = attachment(of: link, in: other), end.sample === sample else { return nil }
        return sample.links.first { $0.index == end.link }?.master
    }

    // MARK: The source

    private func readSource() {
        guard let destination = facts.destination else { return }
        facts.family = destination.family
        guard var socket = try? NetlinkSocket() else { return }
        let scoped = destination.isLinkLocal && destination.family == .ipv6 ? facts.outgoingLink?.index : nil
        facts.route = socket.route(to: destination, output: scoped, buffer: buffer)
        if case .refused = facts.route {
            facts.refusing = socket.refusingRoute(for: destination, limit: 100_000, buffer: buffer)
        }
        if destination.family == .ipv6, let link = facts.outgoingLink {
            facts.disablesIPv6 = sysctl(["ipv6", "conf"], link, "disable_ipv6").map { $0 != 0 }
        }
    }

    private func readAttachment(_ link: Link?) {
        guard let link, let end = attachment(of: link.index, in: source) else { return }
        facts.attachment = PathFacts.Attachment(place: Self.place(end.sample, paths), link: end.link)
        guard let own = facts.route.route?.source, let bridge = bridge(behind: link.index, of: source, in: end.sample)
        else { return }
        for owner in owners(of: own) where self.bridge(behind: owner.link, of: owner.sample, in: end.sample) == bridge {
            let device = owner.sample.links.first { $0.index == owner.link }?.name.description ?? "a device"
            facts.duplicate = "\(device) of \(owner.sample.name)"
        }
    }

    /// After what was tried, since that is what makes the kernel look for the next hop.
    private func readNeighbour(_ link: Link?) {
        guard let route = facts.route.route, !route.isLocal, let link,
            let hop = route.gateway ?? facts.destination, (try? enter(source)) != nil,
            var socket = try? NetlinkSocket()
        else { return }
        facts.neighbour = socket.neighbour(hop, on: link.index, buffer: buffer)
    }

    // MARK: The router

    /// Who routes: who has the gateway's address behind the link, or else what the link leads to.
    private func findRouter() -> (sample: NamespaceSample, ingress: Int32)? {
        guard let entry, let route = facts.route.route else { return nil }
        let here = entry.sample
        let isDirect = { (address: IPAddress) in here.addresses.contains { $0.address == address } }
        guard let gateway = route.gateway ?? (facts.kind == .gateway ? facts.destination : nil) else {
            // On the link: what it leads to takes part only when it is the target itself.
            return facts.destination.map(isDirect) == true ? (here, entry.ingress.index) : nil
        }
        if let own = here.addresses.first(where: {
            $0.address == gateway && (!gateway.isLinkLocal || $0.link == entry.ingress.index)
        }) {
            // A VLAN of the bridge.
            let link = here.links.first { $0.index == own.link }
            return (here, link?.isKind("vlan") == true ? own.link : entry.ingress.index)
        }
        for owner in owners(of: gateway)
        where bridge(behind: owner.link, of: owner.sample, in: here) == entry.ingress.index {
            return (owner.sample, owner.link)
        }
        // It answers for an address that nobody has (proxy_arp).
        return entry.ingress.index == entry.peer.index && entry.peer.isVeth ? (here, entry.peer.index) : nil
    }

    private func readRouter() {
        guard let found = findRouter(), let destination = facts.destination else { return }
        var router = PathFacts.Router(place: Self.place(found.sample, paths), ingress: found.ingress)
        let own = sourceAddress
        _ = visit(found.sample) { () throws(Errno) in
            var socket = try NetlinkSocket()
            if let own {
                let output = own.isLinkLocal && own.family == .ipv6 ? found.ingress : nil
                router.back = socket.route(to: own, output: output, buffer: buffer)
                router.through = socket.route(to: destination, from: own, input: found.ingress, buffer: buffer)
            }
            readSysctls(&router)
        }
        facts.router = router
    }

    private func readSysctls(_ router: inout PathFacts.Router) {
        guard let ingress = router.place.link(router.ingress) else { return }
        guard facts.family == .ipv4 else {
            let all = sysctl(["ipv6", "conf", "all", "forwarding"]).map { $0 != 0 }
            // Since Linux 6.17.
            let forced = sysctl(["ipv6", "conf"], ingress, "force_forwarding").map { $0 != 0 } ?? false
            router.forwardsAtAll = all
            router.forwardsIngress = all.map { $0 || forced }
            return
        }
        router.forwardsAtAll = sysctl(["ipv4", "ip_forward"]).map { $0 != 0 }
        router.forwardsIngress = sysctl(["ipv4", "conf"], ingress, "forwarding").map { $0 != 0 }
        if let egress = router.through.route.flatMap({ router.place.link($0.link) }) {
            router.forwardsEgress = sysctl(["ipv4", "conf"], egress, "forwarding").map { $0 != 0 }
        }
        router.rpFilter = (
            sysctl(["ipv4", "conf", "all", "rp_filter"]), sysctl(["ipv4", "conf"], ingress, "rp_filter")
        )
    }

    /// The address that the source sends from.
    var sourceAddress: IPAddress? {
        if let source = facts.route.route?.source,
            source.family == .ipv4
                || !source.isLoopback && (!source.isLinkLocal || facts.destination?.isLinkLocal == true)
        {
            return source
        }
        guard let link = facts.outgoingLink else { return nil }
        return facts.source.addresses.first {
            $0.link == link.index && $0.address.family == facts.family && $0.isUseful
        }?.address
    }

    // MARK: The far end

    private func findFar() -> (sample: NamespaceSample, link: Int32)? {
        guard let destination = facts.destination, !destination.isLoopback, !destination.isLinkLocal,
            facts.route.route?.isLocal != true
        else { return nil }
        let candidates = owners(of: destination).filter { $0.sample.name != facts.router?.place.name }
        // The one behind the link by which the router, or on the link the source, gets there.
        let place: NamespaceSample?
        let way: Int32?
        if let router = facts.router {
            place = namespaces.first { $0.name == router.place.name }
            way = router.through.route?.link
        } else {
            place = entry?.sample
            way = entry?.ingress.index
        }
        // The router, or the other end, has the address itself: another namespace that has it too is not what is meant.
        if let place, place.addresses.contains(where: { $0.address == destination }) { return nil }
        if let place, let way {
            for candidate in candidates {
                if bridge(behind: candidate.link, of: candidate.sample, in: place) == way { return candidate }
                if let end = attachment(of: candidate.link, in: candidate.sample), end.sample === place, end.link == way
                {
                    return candidate
                }
            }
        }
        // Behind another router, perhaps; one that hangs on nothing is not.
        guard candidates.count == 1, let only = candidates.first, attachment(of: only.link, in: only.sample) != nil
        else {
            return nil
        }
        return only
    }

    private func readFar() {
        guard let found = findFar() else { return }
        var far = PathFacts.Far(place: Self.place(found.sample, paths), link: found.link)
        if let end = attachment(of: found.link, in: found.sample) {
            far.attachment = PathFacts.Attachment(place: Self.place(end.sample, paths), link: end.link)
        }
        let own = sourceAddress
        _ = visit(found.sample) { () throws(Errno) in
            var socket = try NetlinkSocket()
            if let own { far.back = socket.route(to: own, buffer: buffer) }
            let name = facts.family == .ipv4 ? ["ipv4", "icmp_echo_ignore_all"] : ["ipv6", "icmp", "echo_ignore_all"]
            far.ignoresEcho = sysctl(name).map { $0 != 0 }
        }
        facts.far = far
    }

    /// Which VLANs the port of the source has on its bridge, and what its packets have to get to.
    private func readVLANs() {
        guard let entry, entry.ingress.isKind("bridge") else { return }
        let bridge = entry.ingress.index
        var other = bridge
        if facts.router == nil || facts.router?.place.name != entry.sample.name, let far = facts.far?.attachment,
            far.place.name == entry.sample.name, far.place.link(far.link)?.master == bridge
        {
            other = far.link
        }
        let found: PathFacts.VLANs?? = visit(entry.sample) { () throws(Errno) in
            var socket = try NetlinkSocket()
            guard let isFiltering = socket.isVLANFiltering(bridge, buffer: buffer) else { return nil }
            guard isFiltering else { return nil }
            let ports = socket.vlans(of: [entry.peer.index, other], buffer: buffer)
            return PathFacts.VLANs(
                isFiltering: true, port: ports[entry.peer.index] ?? .init(),
                counterpart: entry.sample.links.first { $0.index == other }?.name.description ?? "the bridge",
                other: ports[other] ?? .init())
        }
        facts.attachment?.vlans = found ?? nil
    }

    // MARK: Sysctls of the namespace the thread is in

    /// A number; nil when there is none.
    func sysctl(_ components: [String]) -> Int? { number(Array((["net"] + components).joined(separator: "/").utf8)) }

    /// One of a link.
    func sysctl(_ components: [String], _ link: Link, _ name: String) -> Int? {
        var path = Array((["net"] + components).joined(separator: "/").utf8) + [UInt8(ascii: "/")]
        link.name.withSpan { for index in $0.indices { path.append($0[index]) } }
        return number(path + Array("/\(name)".utf8))
    }

    private func number(_ path: [UInt8]) -> Int? {
        guard let file = try? FileDescriptor.open(Array("\(paths.procfs)/sys/".utf8) + path, O_RDONLY) else {
            return nil
        }
        let text = try? files.read(file, limit: 4096) { bytes in
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        return text.flatMap { Int($0.split(whereSeparator: \.isWhitespace).first ?? "") }
    }
}
