internal import NetnsCore

/// The namespaces drawn as they hang together: the host, its bridges, the veth pairs and what is at their other ends.
///
/// Each namespace is drawn once, below the first link that leads to it; where another link leads there too, only its name
/// stands. Those that no link leads to stand by themselves.
struct NamespaceTree {
    /// The marks that lines are drawn with.
    struct Marks {
        let branch: String
        let last: String
        let through: String
        let empty: String

        static let unicode = Marks(branch: "├─ ", last: "└─ ", through: "│  ", empty: "   ")
        static let ascii = Marks(branch: "|- ", last: "`- ", through: "|  ", empty: "   ")
    }

    /// One line, with those below it.
    private struct Node {
        var text: String
        var children: [Node] = []
    }

    private let entries: [String: NamespaceListing.Entry]
    private let order: [NamespaceListing.Entry]
    private var drawn: Set<String> = []
    /// How many namespaces are above the one that is being drawn.
    private var depth = 0

    /// Deeper, only the name stands, and the namespace by itself below: no terminal is wider, and no stack endless, while
    /// whoever may make namespaces may chain any number of them.
    static let maximumDepth = 100

    /// A tree of a listing's namespaces; the host first, the others by name.
    init(_ listing: NamespaceListing) {
        entries = Dictionary(listing.namespaces.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let byName = listing.namespaces.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        order =
            byName.filter { $0.name == NamespaceNames.host } + byName.filter { $0.name != NamespaceNames.host }
    }

    /// The lines, each cut at `width`.
    mutating func text(_ marks: Marks, width: Int?) -> String {
        var lines: [String] = []
        // What is linked hangs below what it is linked to: the host, else whoever comes first.
        for entry in order where !drawn.contains(entry.name) {
            Self.append(namespace(entry, reachedBy: nil), to: &lines, "", "", marks)
        }
        return lines.map { line in width.map { String(line.prefix($0)) } ?? line }.joined(separator: "\n") + "\n"
    }

    private static func append(
        _ node: Node, to lines: inout [String], _ first: String, _ rest: String, _ marks: Marks
    ) {
        lines.append(first + node.text)
        for (index, child) in node.children.enumerated() {
            let isLast = index == node.children.count - 1
            append(
                child, to: &lines, rest + (isLast ? marks.last : marks.branch),
                rest + (isLast ? marks.empty : marks.through), marks)
        }
    }

    /// A namespace with its interfaces, but for the one that led here.
    private mutating func namespace(_ entry: NamespaceListing.Entry, reachedBy device: String?) -> Node {
        drawn.insert(entry.name)
        depth += 1
        defer { depth -= 1 }
        var node = Node(text: Self.title(entry))
        guard let interfaces = entry.interfaces else {
            node.text += "  (not read)"
            return node
        }
        if let device, let interface = interfaces.first(where: { $0.device == device }) {
            node.text += "  " + Self.describe(interface)
        }
        let others = interfaces.filter { $0.device != "lo" && $0.device != device }
        let ports = Dictionary(
            grouping: others.filter { $0.master != nil && !$0.isPeersMaster }, by: { $0.master ?? "" })
        for interface in others where interface.master == nil || interface.isPeersMaster {
            node.children.append(self.interface(interface, of: entry, ports))
        }
        // A port whose master is not shown is still there.
        for (master, orphans) in ports.sorted(by: { $0.key < $1.key })
        where !others.contains(where: { $0.device == master }) {
            for port in orphans { node.children.append(self.interface(port, of: entry, [:])) }
        }
        return node
    }

    private mutating func interface(
        _ interface: NamespaceListing.Interface, of entry: NamespaceListing.Entry,
        _ ports: [String: [NamespaceListing.Interface]]
    ) -> Node {
        var node = Node(text: Self.describe(interface))
        for port in ports[interface.device] ?? [] { node.children.append(self.interface(port, of: entry, ports)) }
        guard let netns = interface.peerNetns, let device = interface.peerDevice else { return node }
        guard netns != entry.name, depth < Self.maximumDepth, let other = entries[netns], !drawn.contains(netns) else {
            node.text += " -- " + (netns == entry.name ? device : "\(netns) \(device)")
            return node
        }
        let child = namespace(other, reachedBy: device)
        node.text += " -- " + child.text
        node.children += child.children
        return node
    }

    private static func title(_ entry: NamespaceListing.Entry) -> String {
        var about = [entry.origin]
        if let runtime = entry.runtime { about = [runtime] }
        if let command = entry.command { about.append(command) }
        return "\(entry.name) (\(about.joined(separator: ", ")))"
    }

    /// A device with what is unusual of it, and its addresses but those of the link alone.
    private static func describe(_ interface: NamespaceListing.Interface) -> String {
        var text = interface.device
        if let kind = interface.kind, kind != "veth" { text += " (\(kind))" }
        if let state = interface.operstate, state != "up", state != "unknown" { text += " \(state)" }
        if let state = interface.portState, !interface.isPeersMaster, state != "forwarding" { text += " [\(state)]" }
        for address in interface.addresses ?? [] where !address.hasPrefix("fe80:") { text += " \(address)" }
        return text
    }
}
