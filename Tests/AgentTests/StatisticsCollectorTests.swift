import Glibc
import NetnsCore
import NetnsSystem
import Testing

@testable import Agent
@testable import Exposition

/// Protocols, sockets, connection tracking, queues and CPUs as they are written.
@Suite struct StatisticsCollectorTests {
    private static func samples() throws -> [NamespaceSample] {
        let links = [Samples.link(2, "eth0"), Samples.link(3, "eth1")]
        let first = try Samples.namespace("a", inode: 1, links: links)
        let host = try Samples.namespace("host", inode: 3, isHost: true, links: links)
        for sample in [first, host] { Samples.addStatistics(to: sample) }
        return [try Samples.namespace("A", inode: 2), first, host]
    }

    /// The samples of some families in namespace `a`, without their `netns`.
    private static func lines(_ collector: CollectorName, netns: String = "a") throws -> [String] {
        let text = try Stage(try samples()).expose(.text, [collector])
        return text.samples.filter { $0.contains("{netns=\"\(netns)\"") && !$0.hasPrefix("netns_info") }
            .map { String($0).replacing("{netns=\"\(netns)\"", with: "{").replacing("{,", with: "{") }
            .filter { !$0.hasPrefix("netns_processes") && !$0.hasPrefix("netns_first_seen") }
    }

    @Test func netstat() throws {
        #expect(
            try Self.lines(.netstat) == [
                #"netns_ip_in_mcast_pkts_total{family="ipv6"} 7"#, "netns_tcp_established_connections{} 4",
                "netns_tcp_retransmitted_segments_total{} 18446744073709551615", "netns_tcp_rto_min_seconds{} 0.200",
                "netns_tcpext_tcpdsack_recv_total{} 10", #"netns_udp_no_ports_total{family="ipv4"} 5"#,
                #"netns_udp_no_ports_total{family="ipv6"} 6"#, #"netns_udplite_in_errors_total{family="ipv4"} 8"#,
                #"netns_udplite_in_errors_total{family="ipv6"} 9"#,
            ])
        let text = try Stage(try Self.samples()).expose()
        #expect(text.contains("# TYPE netns_tcp_established_connections gauge\n"))
        #expect(
            text.contains(
                "# HELP netns_udp_no_ports_total Datagrams to a port where nobody listens (Udp NoPorts, Udp6 NoPorts).\n"
            ))
    }

    @Test func sockstat() throws {
        let own = try Self.lines(.sockstat)
        #expect(
            own == [
                #"netns_ip_fragment_memory_bytes{family="ipv4"} 9"#,
                #"netns_ip_fragment_memory_bytes{family="ipv6"} 0"#,
                #"netns_ip_fragment_queues{family="ipv4"} 8"#, #"netns_ip_fragment_queues{family="ipv6"} 0"#,
                #"netns_sockets_in_use{protocol="tcp",family="ipv4"} 1"#,
                #"netns_sockets_in_use{protocol="udp",family="ipv4"} 6"#,
                #"netns_sockets_in_use{protocol="tcp",family="ipv6"} 10"#, "netns_sockets_used{} 37",
                "netns_tcp_time_wait_sockets{} 3",
            ])
        let page = sysconf(Int32(_SC_PAGESIZE))
        #expect(
            Set(try Self.lines(.sockstat, netns: "host")).subtracting(own) == [
                "netns_tcp_allocated_sockets{} 4", "netns_tcp_memory_bytes{} \(5 * page)",
                "netns_tcp_orphan_sockets{} 2", "netns_udp_memory_bytes{} \(7 * page)",
            ])
    }

    @Test func conntrack() throws {
        #expect(
            try Self.lines(.conntrack) == [
                "netns_conntrack_chaintoolong_total{} 0", "netns_conntrack_drop_total{} 3",
                "netns_conntrack_entries{} 256", "netns_conntrack_entries_limit{} 262144",
            ])
    }

    @Test func tcpStates() throws {
        let lines = try Self.lines(.tcp)
        #expect(lines.count == 22)
        #expect(
            lines.filter { !$0.hasSuffix(" 0") } == [
                #"netns_tcp_connections{family="ipv4",state="established"} 1"#,
                #"netns_tcp_connections{family="ipv4",state="listen"} 1"#,
                #"netns_tcp_connections{family="ipv6",state="time_wait"} 1"#,
            ])
    }

    @Test func qdiscs() throws {
        let lines = try Self.lines(.qdisc)
        #expect(lines.count == 21)
        #expect(
            lines.filter { $0.hasPrefix("netns_qdisc_drops_total") } == [
                #"netns_qdisc_drops_total{device="eth0",kind="tbf",handle="8001:",parent="root"} 5"#,
                #"netns_qdisc_drops_total{device="eth0",kind="tbf",handle="ffff:",parent="ingress"} 13"#,
                #"netns_qdisc_drops_total{device="eth1",kind="tbf",handle="0:",parent="8001:a"} 24"#,
            ])
        let values = [
            "sent_bytes_total 1", "sent_packets_total 2", "backlog_packets 3", "backlog_bytes 4", "requeues_total 6",
            "overlimits_total 7",
        ]
        for value in values {
            let words = value.split(separator: " ")
            #expect(
                lines.contains {
                    $0.hasPrefix("netns_qdisc_\(words[0]){") && $0.contains("8001:\"") && $0.hasSuffix(" \(words[1])")
                })
        }
    }

    @Test func softnet() throws {
        #expect(try Self.lines(CollectorName(SoftnetCollector.self)).isEmpty)
        #expect(
            try Self.lines(CollectorName(SoftnetCollector.self), netns: "host").filter {
                $0.contains(#"cpu="0""#) || $0.contains("backlog")
            } == [
                #"netns_softnet_backlog_packets{cpu="0"} 4"#, #"netns_softnet_dropped_total{cpu="0"} 0"#,
                #"netns_softnet_flow_limited_total{cpu="0"} 3"#, #"netns_softnet_processed_total{cpu="0"} 10"#,
                #"netns_softnet_received_rps_total{cpu="0"} 2"#, #"netns_softnet_times_squeezed_total{cpu="0"} 1"#,
            ])
    }

    @Test func whatWasNotReadHasNoSamples() throws {
        let stage = try Stage(try Self.samples())
        let parts: CollectionParts = [
            .mib, .sockets, .conntrack, .tcpStates, .qdiscs, SoftnetCollector.parts,
        ]
        stage.engine.unread = parts
        let text = try stage.expose()
        let prefixes = ["tcp", "udp", "ip", "sockets", "conntrack", "qdisc", "softnet"].map { "netns_\($0)_" }
        #expect(!text.samples.contains { line in prefixes.contains { line.hasPrefix($0) } })
        #expect(stage.engine.asked.last?.parts.isSuperset(of: parts) == true)
    }

    @Test(arguments: [
        ("TCPHPHits", "tcphp_hits"), ("InCsumErrors", "in_csum_errors"), ("TW", "tw"), ("InECT0Pkts", "in_ect0_pkts"),
        ("TCPDSACKRecv", "tcpdsack_recv"), ("MPCapableSYNRX", "mp_capable_synrx"),
        ("TcpTimeoutRehash", "tcp_timeout_rehash"),
        ("TCPMD5Failure", "tcpmd5_failure"), ("SyncookiesSent", "syncookies_sent"), ("a", "a"), ("", ""),
    ])
    func snakeCase(_ kernel: String, _ ours: String) { #expect(MIBFamily.snakeCase(kernel) == ours) }

    /// Every field has one family, and every family a name of its own, whatever the kernel prints.
    @Test func everyFieldOfTheKernelHasAName() throws {
        let kernel = KernelFeatures.mibFields(SystemPaths())
        #expect(kernel.count > 300)
        var options = StatisticsOptions()
        options.fields = ""
        let selection = try options.selection(of: kernel)
        #expect(Set(selection.fields) == Set(kernel).union(MIBFamily.table.flatMap(\.fields)))
        let families = MIBFamily.families(of: selection)
        let fields = families.flatMap(\.fields)
        #expect(Set(fields).count == fields.count && Set(fields) == Set(selection.fields))
        #expect(Set(families.map(\.name)).count == families.count)
        // One of each version in a family at most, or its series would be there twice.
        #expect(families.allSatisfy { Set($0.fields.map(\.group.version)).count == $0.fields.count })
        #expect(NetstatCollector(selection).emitters.count == families.count)
        // The table's names are the kernel's, where it has the protocol at all.
        let groups = Set(kernel.map(\.group))
        let unknown = MIBFamily.table.flatMap(\.fields).filter { groups.contains($0.group) && !kernel.contains($0) }
        #expect(unknown.isEmpty, "\(unknown)")
    }

    @Test func fieldsAreChosen() throws {
        let kernel = [MIBField(.tcpExt, "TCPDSACKRecv"), MIBField(.tcp, "RetransSegs"), MIBField(.tcp, "Newer")]
        func chosen(_ expression: String) throws -> [String] {
            var options = StatisticsOptions()
            options.fields = expression
            return try options.selection(of: kernel).fields.map(\.description)
        }
        #expect(try chosen("^Tcp_Re") == ["Tcp_RetransSegs"])
        #expect(try chosen("Newer|DSACK") == ["TcpExt_TCPDSACKRecv", "Tcp_Newer"])
        #expect(try chosen("^$").isEmpty)
        let defaults = try chosen(MIBFamily.defaultFields)
        #expect(defaults.count > 50 && defaults.contains("Ip6_InNoRoutes") && !defaults.contains("Tcp_Newer"))
        for name in [
            "Tcp_CurrEstab", "TcpExt_ListenOverflows", "TcpExt_SyncookiesSent", "Udp6_NoPorts", "Icmp6_OutDestUnreachs",
        ] {
            #expect(defaults.contains(name))
        }
    }
}
