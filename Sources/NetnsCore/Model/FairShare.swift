/// Who is admitted where there are more than fit: max-min fairness over a tree of owners.
///
/// At each level of the tree those who ask for little get all of it, and the rest is shared evenly by those who ask for
/// more, so the greediest owner loses first. Since owners share what their parent was given, whoever splits into many
/// below a node of its own gets nothing by it.
public struct FairShare {
    private struct Node {
        /// Children by name, in the order in which they came.
        var places: [String: Int] = [:]
        var children: [Int] = []
        /// Those who stand here and not in a child.
        var members: [Int] = []
        /// How many stand here and below.
        var count = 0
        /// The first of them.
        var oldest: Int
    }

    /// One of those who share what a node was given: a child, or the node's own members (nil).
    private struct Party {
        let child: Int?
        let demand: Int
        let oldest: Int
    }

    /// Deeper owners are taken for their ancestor at this depth, so that nobody makes the tree as deep as it likes.
    public static let maximumDepth = 40

    private var nodes: [Node] = []
    private var admitted: [Bool]

    /// Which of them are admitted: `limit` of them, or all where they are fewer. Each is told by the path of its owner, from
    /// the root of the tree; of one owner's, and of owners that are alike, those that come first are admitted first. The
    /// same owners give the same answer.
    public static func admitted(_ owners: [[String]], limit: Int) -> [Bool] {
        var share = FairShare(admitted: Array(repeating: false, count: owners.count))
        share.nodes.append(Node(oldest: 0))
        for (index, owner) in owners.enumerated() { share.add(index, owner) }
        share.give(max(0, min(limit, owners.count)), to: 0)
        return share.admitted
    }

    private init(admitted: [Bool]) { self.admitted = admitted }

    private mutating func add(_ index: Int, _ owner: [String]) {
        var node = 0
        nodes[node].count += 1
        for component in owner.prefix(Self.maximumDepth) {
            if let child = nodes[node].places[component] {
                node = child
            } else {
                nodes.append(Node(oldest: index))
                nodes[node].places[component] = nodes.count - 1
                nodes[node].children.append(nodes.count - 1)
                node = nodes.count - 1
            }
            nodes[node].count += 1
        }
        nodes[node].members.append(index)
    }

    private mutating func give(_ room: Int, to node: Int) {
        guard room > 0 else { return }
        var parties = nodes[node].children.map {
            Party(child: $0, demand: nodes[$0].count, oldest: nodes[$0].oldest)
        }
        if let first = nodes[node].members.first {
            parties.append(Party(child: nil, demand: nodes[node].members.count, oldest: first))
        }
        // The least greedy first, then who was there first.
        parties.sort { ($0.demand, $0.oldest) < ($1.demand, $1.oldest) }
        var left = room
        var level: (share: Int, extra: Int)?
        for (index, party) in parties.enumerated() {
            let others = parties.count - index
            if level == nil, party.demand > left / others { level = (left / others, left % others) }
            var part = min(party.demand, level?.share ?? party.demand)
            // What cannot be divided.
            if let extra = level?.extra, extra > 0 {
                part += 1
                level?.extra -= 1
            }
            left -= part
            if let child = party.child {
                give(part, to: child)
            } else {
                for member in nodes[node].members.prefix(part) { admitted[member] = true }
            }
        }
    }
}
