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

    /// What is known of a namespace's name.
    public struct Claim: Hashable, Sendable {
        /// The namespace's inode.
        public let inode: UInt64
        /// The name it would have if nobody else had it.
        public let name: String
        /// Whether root of this host gave the name. One that a container can choose for itself (a mount in its own
        /// mount namespace) gives way, so that no container can take a name from another.
        public let isTrusted: Bool

        /// A claim of `inode` to `name`.
        public init(inode: UInt64, name: String, isTrusted: Bool) {
            self.inode = inode
            self.name = name
            self.isTrusted = isTrusted
        }
    }

    /// One name for each claim, in their order, no two equal: those that would share one get `@INODE` appended, all of
    /// them when all are trusted (or none is), otherwise those that are not. Inodes are unique among live namespaces.
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
                let trusted = group.filter { claims[$0].isTrusted }
                for index in group where trusted.count != 1 || !claims[index].isTrusted {
                    names[index] += "@\(claims[index].inode)"
                }
            }
            if !collided { return names }
        }
    }
}
