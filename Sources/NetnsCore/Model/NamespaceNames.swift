/// The names of namespaces: what the label `netns` says.
public enum NamespaceNames {
    /// The name of the namespace the host's processes are in.
    public static let host = "host"

    /// The directories whose mounts `ip netns` knows by name. Source: ip-netns(8).
    public static let directories = ["/run/netns/", "/var/run/netns/"]

    /// The name that a mount gives: its last component, when it lies directly in one of `directories`.
    public static func name(ofMount path: [UInt8], in directories: [String] = directories) -> String? {
        for directory in directories where path.starts(with: directory.utf8) {
            let rest = path[directory.utf8.count...]
            if !rest.isEmpty, !rest.contains(UInt8(ascii: "/")) { return PrintableText.string(Array(rest)) }
        }
        return nil
    }

    /// The name of a namespace that nothing names, as the kernel writes it.
    public static func anonymous(_ inode: UInt64) -> String { "net:[\(inode)]" }

    /// How much a name is worth where two are equal.
    public enum Standing: Int, Comparable, Sendable {
        /// A container, or a user who is not root, chose it: it gives way, so that nobody can take a name from another.
        case chosen
        /// Root of this host gave it, or the kernel.
        case given
        /// It is the host's own.
        case host

        /// By worth.
        public static func < (a: Standing, b: Standing) -> Bool { a.rawValue < b.rawValue }
    }

    /// What is known of a namespace's name.
    public struct Claim: Hashable, Sendable {
        /// The namespace's inode.
        public let inode: UInt64
        /// The name it would have if nobody else had it.
        public let name: String
        /// What the name is worth.
        public let standing: Standing

        /// A claim of `inode` to `name`.
        public init(inode: UInt64, name: String, standing: Standing) {
            self.inode = inode
            self.name = name
            self.standing = standing
        }
    }

    /// One name for each claim, in their order, no two equal: those that would share one get `@INODE` appended, all of
    /// them unless one stands above the others and keeps it. Inodes are unique among live namespaces.
    public static func unique(_ claims: [Claim]) -> [String] {
        var names = claims.map(\.name)
        // A name may be made to look like another's with its suffix, so again until nothing collides; every round
        // lengthens a name with its own inode, so a group of equal names falls apart after at most a few.
        while true {
            var groups: [String: [Int]] = [:]
            groups.reserveCapacity(names.count)
            for (index, name) in names.enumerated() { groups[name, default: []].append(index) }
            var collided = false
            for group in groups.values where group.count > 1 {
                collided = true
                let best = group.map { claims[$0].standing }.max()
                let isAlone = group.filter { claims[$0].standing == best }.count == 1
                for index in group where !isAlone || claims[index].standing != best {
                    names[index] += "@\(claims[index].inode)"
                }
            }
            if !collided { return names }
        }
    }
}
