/// Where the value of a sysctl comes from in a new network namespace: told by what the host and a namespace made for
/// this show on this kernel, and where both show the same, by what Linux is known to copy.
public struct SysctlBirth: Hashable, Sendable {
    /// The kinds there are. The raw value is what `explain --json` says.
    public enum Kind: String, CaseIterable, Sendable {
        /// Copied from the initial namespace, which is the host's, when the namespace is made.
        case inherited
        /// Set to the kernel's default when the namespace is made, whatever the host has.
        case reinitialised = "re-initialised"
        /// One value for the whole host, which other namespaces are only shown.
        case global
        /// Only the host's namespace has it.
        case absent
        /// It belongs to an interface, and begins with it.
        case interface
        /// It can be written nowhere: the kernel tells something by it.
        case readOnly = "read-only"
    }

    /// What one namespace shows of a sysctl.
    public struct Observation: Hashable, Sendable {
        /// Its value, nil when it was not read.
        public let value: String?
        /// Whether its file can be written there.
        public let isWritable: Bool

        /// What was seen.
        public init(value: String?, isWritable: Bool) {
            self.value = value
            self.isWritable = isWritable
        }
    }

    /// Which kind it is.
    public let kind: Kind
    /// Whether this kernel showed it. Otherwise it is what Linux is known to do.
    public let isSeen: Bool
    /// One sentence with what was seen.
    public let evidence: String
    /// The function of the kernel that does it, nil where it is not known.
    public let source: String?

    /// Whether each namespace has a value of its own.
    public var isPerNamespace: Bool { kind == .inherited || kind == .reinitialised || kind == .interface }

    /// In words: `inherited at creation`.
    public var description: String {
        switch kind {
        case .inherited: "inherited at creation"
        case .reinitialised: "re-initialised at creation"
        case .global: "global, shown read-only in other namespaces"
        case .absent: "absent in a new namespace: only the host has it"
        case .interface: "set when its interface is made"
        case .readOnly: "cannot be set"
        }
    }

    /// Tells the kind from what the host and a fresh namespace show; nil where there is no such sysctl.
    /// `devconfInheritance` is the value of net.core.devconf_inherit_init_net, which decides for `conf.all` and
    /// `conf.default`; nil counts as 0, the kernel's default.
    public init(_ name: SysctlName, host: Observation?, fresh: Observation?, devconfInheritance: Int?) {
        if let device = name.device {
            kind = .interface
            isSeen = false
            (evidence, source) = Self.interface(name, device)
            return
        }
        guard let fresh else {
            kind = .absent
            isSeen = host != nil
            evidence =
                "a new namespace has no such sysctl here: it is the host's, for all, or its module does nothing in other "
                + "namespaces"
            source = nil
            return
        }
        guard fresh.isWritable else {
            kind = host?.isWritable == true ? .global : .readOnly
            isSeen = true
            evidence =
                kind == .global
                ? "a new namespace shows it and cannot write it here, the host can" : "nobody can write it here"
            source = nil
            return
        }
        let differs = Self.differ(name, host?.value, fresh.value)
        if let source = Self.copied(name, devconfInheritance ?? 0) {
            kind = .inherited
            isSeen = false
            self.source = source
            evidence = Self.evidence(
                host, fresh, differs,
                whenDifferent:
                    "what is called host here is not the initial namespace, or the kernel could not take it over",
                known: "Linux copies this one from the host")
            return
        }
        kind = .reinitialised
        isSeen = differs == true
        source = Self.initialiser(name, devconfInheritance ?? 0)
        evidence = Self.evidence(
            host, fresh, differs, whenDifferent: nil, known: "Linux does not copy this one from the host")
    }

    /// What was seen, and what is known where that proves nothing.
    private static func evidence(
        _ host: Observation?, _ fresh: Observation, _ differs: Bool?, whenDifferent: String?, known: String
    ) -> String {
        guard let differs, let mine = host?.value, let new = fresh.value else {
            return "the values were not compared, but \(known)"
        }
        let values = "a new namespace has \(shown(new)) here, the host \(shown(mine))"
        if differs { return values + (whenDifferent.map { ": \($0)" } ?? "") }
        return values + "; equal values prove nothing by themselves, but \(known)"
    }

    private static func shown(_ value: String) -> String { value.isEmpty ? "the empty value" : value }

    private static func differ(_ name: SysctlName, _ a: String?, _ b: String?) -> Bool? {
        guard let a, let b else { return nil }
        return !SysctlInterpretation(name).areEqual(a.utf8Span.span, b.utf8Span.span)
    }

    // MARK: What Linux is known to do

    /// The function that copies a sysctl from the initial namespace, nil when none does: the literal table. Source:
    /// net/ipv4/tcp_ipv4.c, net/ipv4/devinet.c, net/ipv6/addrconf.c, as of 6.1 to 6.18.
    private static func copied(_ name: SysctlName, _ devconfInheritance: Int) -> String? {
        switch name.dotted {
        case "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem":
            return "tcp_sk_init(), net/ipv4/tcp_ipv4.c"
        case "net.ipv4.ip_forward":
            return devconfInheritance == 2 ? nil : devinet
        default: break
        }
        let parts = name.components
        guard parts.count == 5, parts[2] == "conf" else { return nil }
        // 3 copies from the namespace of whoever makes the new one, as a runtime of the host does.
        switch parts[1] {
        case "ipv4": return devconfInheritance == 2 ? nil : devinet
        case "ipv6": return devconfInheritance == 1 || devconfInheritance == 3 ? addrconf : nil
        default: return nil
        }
    }

    /// The function that sets a sysctl anew in each namespace, nil where it is not known.
    private static func initialiser(_ name: SysctlName, _ devconfInheritance: Int) -> String? {
        if let function = initialisers[name.dotted] { return function }
        let parts = name.components
        if parts.count == 5, parts[2] == "conf" { return parts[1] == "ipv6" ? addrconf : devinet }
        if parts.count == 3, parts[1] == "ipv4", parts[2].hasPrefix("tcp_") {
            return "tcp_sk_init(), net/ipv4/tcp_ipv4.c"
        }
        return nil
    }

    private static let devinet =
        "devinet_init_net(), net/ipv4/devinet.c, as net.core.devconf_inherit_init_net says"
    private static let addrconf =
        "addrconf_init_net(), net/ipv6/addrconf.c, as net.core.devconf_inherit_init_net says"

    private static let initialisers: [String: String] = [
        "net.core.somaxconn": "net_defaults_init_net(), later preinit_net_sysctl(), net/core/net_namespace.c",
        "net.ipv4.ip_default_ttl": "inet_init_net(), net/ipv4/af_inet.c",
        "net.ipv4.ip_local_port_range": "inet_init_net(), net/ipv4/af_inet.c",
        "net.ipv4.ip_unprivileged_port_start": "inet_init_net(), net/ipv4/af_inet.c",
        "net.ipv4.ping_group_range": "inet_init_net(), net/ipv4/af_inet.c",
    ]

    private static func interface(_ name: SysctlName, _ device: String) -> (String, String?) {
        let parts = name.components
        if parts[2] == "neigh" {
            return (
                "\(device)'s own: it begins with what the host has in net.\(parts[1]).neigh.default",
                "neigh_parms_alloc(), net/core/neighbour.c"
            )
        }
        let source = ["ipv4": "inetdev_init(), net/ipv4/devinet.c", "ipv6": "ipv6_add_dev(), net/ipv6/addrconf.c"]
        return (
            "\(device)'s own: it begins with what its namespace has in net.\(parts[1]).conf.default when the interface "
                + "comes into it", source[parts[1]]
        )
    }
}
