import Testing

@testable import NetnsCore

@Suite struct SysctlNameTests {
    @Test(arguments: [
        ("net.ipv4.tcp_rmem", ["net", "ipv4", "tcp_rmem"]),
        ("net.ipv4.conf.eth0/100.rp_filter", ["net", "ipv4", "conf", "eth0.100", "rp_filter"]),
        ("net.core.somaxconn", ["net", "core", "somaxconn"]),
        ("net.unix.max_dgram_qlen", ["net", "unix", "max_dgram_qlen"]),
        ("net.nf_conntrack_max", ["net", "nf_conntrack_max"]),
        ("net.ipv4.conf.a/b/c.forwarding", ["net", "ipv4", "conf", "a.b.c", "forwarding"]),
        ("net.ipv4.conf.é.forwarding", ["net", "ipv4", "conf", "é", "forwarding"]),
        ("net.ipv4.conf.///.forwarding", ["net", "ipv4", "conf", "...", "forwarding"]),
    ])
    func dotsAndSlashes(_ dotted: String, _ components: [String]) throws {
        let name = try SysctlName(dotted)
        #expect(name.components == components)
        #expect(name.dotted == dotted)
        #expect(name.description == dotted)
        #expect(SysctlName(components: components) == name)
    }

    @Test(arguments: ["", "net", "kernel.hostname", "network.x", ".net.x", "net/ipv4/tcp_rmem", "NET.ipv4.x", " net.x"])
    func notUnderNet(_ text: String) {
        #expect(throws: SysctlNameError.notUnderNet(text)) { try SysctlName(text) }
        #expect(throws: SysctlNameError.notUnderNet(text)) { try SysctlPattern(text) }
    }

    /// Nothing that would leave /proc/sys/net, or name a directory.
    @Test(arguments: [
        "net.", "net..ipv4", "net.ipv4.", "net.ipv4..x", "net./.x", "net.//.x", "net.ipv4.//.//.//.kernel",
        "net.a\0b", "net.ipv4./",
    ])
    func badComponents(_ text: String) {
        #expect(throws: SysctlNameError.badComponent(text)) { try SysctlName(text) }
        #expect(throws: SysctlNameError.badComponent(text)) { try SysctlPattern(text) }
    }

    @Test func errorsSayWhatToWrite() {
        #expect(
            SysctlNameError.notUnderNet("x").description
                == "'x' is not a network sysctl: write its dotted name, as in net.ipv4.tcp_keepalive_time")
        #expect(SysctlNameError.badComponent("net..x").description.hasPrefix("'net..x' has an empty or impossible"))
    }

    @Test(arguments: [
        ("net.ipv4.tcp_fastopen_key", true), ("net.ipv6.conf.eth0.stable_secret", true),
        ("net.ipv6.conf.all.stable_secret", true), ("net.ipv4.tcp_fastopen", false),
        ("net.ipv4.stable_secret.x", false), ("net.ipv4.tcp_fastopen_key_", false),
    ])
    func secrets(_ name: String, _ expected: Bool) throws {
        #expect(try SysctlName(name).isSecret == expected)
    }

    /// What Unicode joins to one character with the dot beside it does not hide that dot: a container names its
    /// interfaces, and one may end in U+0600, which joins what follows, or begin with a combining mark.
    @Test(arguments: ["x\u{600}", "\u{600}", "\u{301}x", "\u{110BD}", "e\u{301}", "\u{200D}"])
    func unicodeDoesNotHideASeparator(_ interface: String) throws {
        let path = ["net", "ipv6", "conf", interface, "stable_secret"]
        let name = SysctlName(components: path)
        #expect(name.components.map { Array($0.utf8) } == path.map { Array($0.utf8) })
        #expect(name.isSecret)
        #expect(try SysctlPattern("net.ipv6.conf.*.*").matches(name))
        #expect(try SysctlPattern("net.ipv6.conf.*.stable_secret").matches(name))
    }

    @Test func unicodeDoesNotHideADotInAComponent() {
        let name = SysctlName(components: ["net", "ipv4", "conf", "eth0.\u{301}", "rp_filter"])
        #expect(Array(name.dotted.utf8) == Array("net.ipv4.conf.eth0/\u{301}.rp_filter".utf8))
        #expect(name.components.count == 5)
    }

    /// The same two interfaces to Swift's String, two to the kernel.
    @Test func namesAreComparedByTheirBytes() {
        let composed = SysctlName(components: ["net", "ipv4", "conf", "\u{E9}", "rp_filter"])
        let decomposed = SysctlName(components: ["net", "ipv4", "conf", "e\u{301}", "rp_filter"])
        #expect(composed != decomposed)
        #expect(SysctlTable([composed, decomposed]).entries.count == 2)
    }
}

@Suite struct SysctlPatternTests {
    @Test(arguments: [
        ("net.ipv4.tcp_*", "net.ipv4.tcp_rmem", true), ("net.ipv4.tcp_*", "net.ipv4.ip_forward", false),
        ("net.ipv4.*", "net.ipv4.conf.all.rp_filter", false),
        ("net.ipv4.conf.*.rp_filter", "net.ipv4.conf.all.rp_filter", true),
        ("net.ipv4.conf.*.rp_filter", "net.ipv4.conf.eth0/100.rp_filter", true),
        ("net.ipv4.conf.*.rp_filter", "net.ipv4.conf.all.forwarding", false),
        ("net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter", true),
        ("net.ipv4.conf.eth0/*.rp_filter", "net.ipv4.conf.eth0/100.rp_filter", true),
        ("net.ipv4.conf.eth0?100.rp_filter", "net.ipv4.conf.eth0/100.rp_filter", true),
        ("net.*.*", "net.ipv4.tcp_rmem", true), ("net.*", "net.ipv4.tcp_rmem", false),
        ("net.*", "net.nf_conntrack_max", true),
        ("net.ipv[46].conf.[ad]*.*", "net.ipv6.conf.default.forwarding", true),
        ("net.ipv4.tcp_rmem", "net.ipv4.tcp_rmem_", false),
    ])
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try SysctlPattern(pattern).matches(SysctlName(name)) == expected)
        #expect(try SysctlPattern(pattern).description == pattern)
    }

    @Test(arguments: [("net.ipv4.tcp_rmem", true), ("net.ipv4.tcp_*", false), ("net.ipv4.conf.eth0/1.x", true)])
    func literal(_ pattern: String, _ expected: Bool) throws {
        #expect(try SysctlPattern(pattern).isLiteral == expected)
    }
}
