import NetnsCore
import Testing

/// Where a sysctl's value comes from in a new namespace.
@Suite struct SysctlBirthTests {
    private static func birth(
        _ name: String, host: String?, fresh: String?, hostWritable: Bool = true, freshWritable: Bool = true,
        devconf: Int? = nil
    ) throws -> SysctlBirth {
        SysctlBirth(
            try SysctlName(name), host: host.map { .init(value: $0, isWritable: hostWritable) },
            fresh: fresh.map { .init(value: $0, isWritable: freshWritable) }, devconfInheritance: devconf)
    }

    @Test(
        arguments: [
            ("net.ipv4.tcp_keepalive_time", "600", "7200", SysctlBirth.Kind.reinitialised, true),
            ("net.ipv4.tcp_keepalive_time", "7200", "7200", .reinitialised, false),
            ("net.ipv4.tcp_keepalive_time", "0x1c20", "7200", .reinitialised, false),
            ("net.ipv4.tcp_congestion_control", "bbr", "bbr", .inherited, false),
            ("net.ipv4.tcp_congestion_control", "bbr", "reno", .inherited, false),
            ("net.ipv4.tcp_rmem", "4096 1 2", "4096 1 2", .inherited, false),
            ("net.ipv4.ip_forward", "1", "1", .inherited, false),
            ("net.core.somaxconn", "4096", "4096", .reinitialised, false),
            ("net.ipv4.conf.lo.rp_filter", "1", "0", .interface, false),
            ("net.ipv4.conf.eth0.rp_filter", "1", nil, .interface, false),
            ("net.core.netdev_max_backlog", "1000", nil, .absent, true),
        ] as [(String, String?, String?, SysctlBirth.Kind, Bool)])
    func kinds(_ name: String, _ host: String?, _ fresh: String?, _ kind: SysctlBirth.Kind, _ isSeen: Bool) throws {
        let birth = try Self.birth(name, host: host, fresh: fresh)
        #expect(birth.kind == kind)
        #expect(birth.isSeen == isSeen)
    }

    /// What a new namespace is shown and cannot write is the host's.
    @Test func readOnly() throws {
        let global = try Self.birth("net.netfilter.nf_conntrack_max", host: "1", fresh: "1", freshWritable: false)
        #expect(global.kind == .global && global.isSeen && !global.isPerNamespace)
        let fact = try Self.birth(
            "net.ipv4.tcp_available_congestion_control", host: "a", fresh: "a", hostWritable: false,
            freshWritable: false)
        #expect(fact.kind == .readOnly)
    }

    /// net.core.devconf_inherit_init_net: 0 copies IPv4's alone, 1 both, 2 neither, 3 from the maker's namespace.
    @Test(arguments: [(0, true, false), (1, true, true), (2, false, false), (3, true, true)])
    func interfaceDefaults(_ devconf: Int, _ ipv4: Bool, _ ipv6: Bool) throws {
        let a = try Self.birth("net.ipv4.conf.all.rp_filter", host: "0", fresh: "0", devconf: devconf)
        let b = try Self.birth("net.ipv6.conf.default.accept_ra", host: "0", fresh: "0", devconf: devconf)
        #expect((a.kind == .inherited) == ipv4)
        #expect((b.kind == .inherited) == ipv6)
        #expect(a.source?.hasPrefix("devinet_init_net()") == true)
        #expect(b.source?.hasPrefix("addrconf_init_net()") == true)
    }

    @Test func itSaysWhatIsSeenAndWhatIsKnown() throws {
        let equal = try Self.birth("net.ipv4.tcp_keepalive_time", host: "7200", fresh: "7200")
        #expect(equal.evidence.contains("equal values prove nothing by themselves"))
        #expect(equal.source == "tcp_sk_init(), net/ipv4/tcp_ipv4.c")
        let seen = try Self.birth("net.ipv4.tcp_keepalive_time", host: "600", fresh: "7200")
        #expect(seen.evidence == "a new namespace has 7200 here, the host 600")
        let lost = try Self.birth("net.ipv4.tcp_congestion_control", host: "bbr", fresh: "reno")
        #expect(lost.evidence.contains("is not the initial namespace"))
        let unread = SysctlBirth(
            try SysctlName("net.ipv4.tcp_fastopen_key"), host: .init(value: nil, isWritable: true),
            fresh: .init(value: nil, isWritable: true), devconfInheritance: nil)
        #expect(unread.evidence.hasPrefix("the values were not compared"))
    }
}
