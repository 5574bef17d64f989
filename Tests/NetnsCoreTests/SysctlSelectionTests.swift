import Testing

@testable import NetnsCore

@Suite struct SysctlSelectionTests {
    /// Every entry is found by its name, and nothing else is.
    @Test(arguments: [0, 1, 2, 3, 7, 64]) func entriesByName(_ count: Int) throws {
        let names = try (0..<count).map { try SysctlName("net.ipv4.n\($0)") }
        let table = SysctlTable(names)
        for name in names { #expect(table.index(of: name).map { table.entries[$0].name } == name) }
        for other in ["net.a", "net.ipv4.n", "net.ipv4.n0a", "net.z"] {
            #expect(table.index(of: try SysctlName(other)) == nil)
        }
    }

    private static func selection(
        builtin: Bool = true, include: [String] = [], exclude: [String] = []
    ) throws -> SysctlSelection {
        SysctlSelection(
            builtin: builtin, include: try include.map { try SysctlPattern($0) },
            exclude: try exclude.map { try SysctlPattern($0) })
    }

    /// The list that the documentation promises, entry by entry.
    @Test func builtinListIsExactlyThis() {
        let ipv4 = """
            ip_forward ip_default_ttl ip_local_port_range ip_local_reserved_ports ip_nonlocal_bind \
            ip_unprivileged_port_start ping_group_range icmp_echo_ignore_all tcp_congestion_control tcp_ecn tcp_fastopen \
            tcp_fin_timeout tcp_keepalive_intvl tcp_keepalive_probes tcp_keepalive_time tcp_max_syn_backlog \
            tcp_max_tw_buckets tcp_mtu_probing tcp_notsent_lowat tcp_retries1 tcp_retries2 tcp_rmem tcp_sack \
            tcp_slow_start_after_idle tcp_syn_retries tcp_synack_retries tcp_syncookies tcp_timestamps tcp_tw_reuse \
            tcp_window_scaling tcp_wmem
            """
        var expected = ["net.core.somaxconn"] + ipv4.split(separator: " ").map { "net.ipv4.\($0)" }
        for scope in ["all", "default"] {
            for entry in [
                "forwarding", "rp_filter", "accept_redirects", "send_redirects", "arp_ignore", "arp_announce",
            ] {
                expected.append("net.ipv4.conf.\(scope).\(entry)")
            }
            for entry in ["disable_ipv6", "forwarding", "accept_ra"] {
                expected.append("net.ipv6.conf.\(scope).\(entry)")
            }
        }
        for entry in ["nf_conntrack_max", "nf_conntrack_tcp_timeout_established", "nf_conntrack_tcp_be_liberal"] {
            expected.append("net.netfilter.\(entry)")
        }
        #expect(BuiltinSysctls.names.map(\.dotted) == expected.sorted())
        #expect(Set(expected).count == 53)
        #expect(BuiltinSysctls.names.allSatisfy { !$0.isSecret })
    }

    @Test func builtinAlone() throws {
        let selection = try Self.selection()
        #expect(selection.literals == BuiltinSysctls.names)
        #expect(selection.patterns.isEmpty)
        #expect(selection.refusedSecrets.isEmpty)
        #expect(selection.table().entries.map(\.name) == BuiltinSysctls.names)
        #expect(try Self.selection(builtin: false).literals.isEmpty)
    }

    @Test func includeAddsNamesAndPatterns() throws {
        let selection = try Self.selection(
            builtin: false,
            include: ["net.ipv4.tcp_mem", "net.ipv4.tcp_*", "net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.tcp_\\*"])
        #expect(
            selection.literals.map(\.dotted) == [
                "net.ipv4.tcp_mem", "net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.tcp_*",
            ])
        #expect(selection.patterns.map(\.description) == ["net.ipv4.tcp_*"])
        let found = SysctlTable.Item(try SysctlName("net.ipv4.tcp_ecn"))
        #expect(
            selection.table(adding: [found]).entries.map(\.name.dotted) == [
                "net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.tcp_*", "net.ipv4.tcp_ecn", "net.ipv4.tcp_mem",
            ])
    }

    @Test func whatIsAskedForTwiceIsReadOnce() throws {
        let selection = try Self.selection(include: ["net.core.somaxconn", "net.core.somaxconn"])
        #expect(selection.table().entries.count == BuiltinSysctls.names.count)
    }

    @Test func excludeWins() throws {
        let selection = try Self.selection(
            include: ["net.ipv4.tcp_mem", "net.ipv4.conf.*.rp_filter"],
            exclude: ["net.ipv4.tcp_*", "net.*.conf.*.*", "net.core.somaxconn"])
        let names = selection.literals.map(\.dotted)
        #expect(!names.contains { $0.hasPrefix("net.ipv4.tcp_") || $0.contains(".conf.") || $0.hasPrefix("net.core") })
        #expect(names.contains("net.ipv4.ip_forward"))
        #expect(names.contains("net.netfilter.nf_conntrack_max"))
        #expect(!selection.admits(try SysctlName("net.ipv4.tcp_mem")))
        #expect(!selection.admits(try SysctlName("net.ipv4.conf.eth0.rp_filter")))
        #expect(selection.admits(try SysctlName("net.ipv4.ip_forward")))
    }

    @Test func keysAreNeverIn() throws {
        let selection = try Self.selection(
            include: ["net.ipv4.tcp_fastopen_key", "net.ipv6.conf.eth0.stable_secret", "net.ipv4.tcp_*"])
        #expect(selection.literals == BuiltinSysctls.names)
        #expect(
            selection.refusedSecrets.map(\.dotted) == ["net.ipv4.tcp_fastopen_key", "net.ipv6.conf.eth0.stable_secret"])
        #expect(!selection.admits(try SysctlName("net.ipv4.tcp_fastopen_key")))
        #expect(!selection.admits(try SysctlName("net.ipv6.conf.all.stable_secret")))
        #expect(selection.admits(try SysctlName("net.ipv4.tcp_fastopen")))
    }
}

@Suite struct SysctlTableTests {
    private static func path(_ table: SysctlTable, _ index: Int) -> String {
        let entry = table.entries[index]
        let directory = table.directories[entry.directory].prefix { $0 != 0 }
        let rest = table.paths[entry.pathOffset...].prefix { $0 != 0 }
        return String(decoding: (directory + [47] + rest).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func layout() throws {
        let names = [
            "net.ipv4.tcp_rmem", "net.ipv4.conf.eth0/100.rp_filter", "net.core.somaxconn", "net.ipv4.ip_forward",
            "net.nf_conntrack_max", "net.ipv4.tcp_rmem",
        ]
        let table = SysctlTable(try names.map { try SysctlName($0) })
        #expect(
            table.entries.map(\.name.dotted) == [
                "net.core.somaxconn", "net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.ip_forward", "net.ipv4.tcp_rmem",
                "net.nf_conntrack_max",
            ])
        #expect(
            table.directories.map { String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self) } == [
                "net/core\0", "net/ipv4\0", "net\0",
            ])
        #expect(table.entries.map(\.directory) == [0, 1, 1, 1, 2])
        #expect(
            table.entries.indices.map { Self.path(table, $0) } == [
                "net/core/somaxconn", "net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/ip_forward", "net/ipv4/tcp_rmem",
                "net/nf_conntrack_max",
            ])
        #expect(table.paths.last == 0)
        // The deepest first, then in order.
        #expect(table.keepRank == [1, 0, 2, 3, 4])
        // The fullest first.
        #expect(table.directoryRank == [1, 0, 2])
    }

    @Test func everyBuiltinHasItsPathAndRank() {
        let table = SysctlTable(BuiltinSysctls.names)
        for index in table.entries.indices {
            #expect(Self.path(table, index) == table.entries[index].name.components.joined(separator: "/"))
        }
        #expect(table.keepRank.sorted() == Array(table.entries.indices))
        let deep = table.entries.indices.filter { table.entries[$0].name.components.count == 5 }
        #expect(Set(deep.map { table.keepRank[$0] }) == Set(0..<deep.count))
        let text = table.entries.filter(\.isText).map(\.name.dotted)
        #expect(text == ["net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_congestion_control"])
    }

    @Test func rawPathsAreKept() {
        let raw: [[UInt8]] = [
            Array("net".utf8), Array("ipv4".utf8), Array("conf".utf8), [0x61, 0xFF], Array("x".utf8),
        ]
        let item = SysctlTable.Item(path: raw)
        #expect(item.name.dotted == "net.ipv4.conf.a\\xff.x")
        let table = SysctlTable(items: [item])
        #expect(table.paths.map { UInt8(bitPattern: $0) } == Array("conf/a".utf8) + [0xFF] + Array("/x".utf8) + [0])
    }

    /// The literal interface name `a\xff` looks like the byte's: the first counts, so that no series is there twice.
    @Test func ofEqualNamesTheFirstCounts() {
        let net = Array("net".utf8)
        let first = SysctlTable.Item(path: [net, [0xFF]])
        let second = SysctlTable.Item(path: [net, Array("\\xff".utf8)])
        #expect(first.name == second.name)
        let table = SysctlTable(items: [first, second])
        #expect(table.entries.count == 1)
        #expect(table.paths.map { UInt8(bitPattern: $0) } == [0xFF, 0])
    }

    @Test func empty() {
        let table = SysctlTable([SysctlName]())
        #expect(table.entries.isEmpty && table.directories.isEmpty && table.paths.isEmpty && table.keepRank.isEmpty)
    }
}
