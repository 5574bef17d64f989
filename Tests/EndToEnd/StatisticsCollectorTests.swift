import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Protocols, sockets, connection tracking, queues and CPUs of a real namespace over HTTP.
    @Suite struct StatisticsCollectorTests {
        private static let families = [
            "netstat": "netns_tcp_retransmitted_segments_total", "sockstat": "netns_sockets_used",
            "conntrack": "netns_conntrack_entries", "tcp": "netns_tcp_connections",
            "qdisc": "netns_qdisc_drops_total", "softnet": "netns_softnet_processed_total",
        ]

        @Test("collect[] and --collector.NAME", .needs(.root, .tool("ip"), .tool("tc")))
        func collectors() throws {
            let wired = try WiredNamespace()
            try wired.namespace.check("tc", "qdisc", "add", "dev", "eth0", "root", "pfifo")
            let include = ["--discovery.include=\(wired.name)", "--discovery.include=host"]
            let agent = try AgentProcess(include + ["--collector.tcp", "--collector.qdisc"])
            for (collector, family) in Self.families {
                let exposition = try agent.scrape("/metrics?collect[]=\(collector)")
                let netns = collector == "softnet" ? "host" : wired.name
                #expect(!exposition.series(family, ["netns": netns]).isEmpty, "\(collector)")
                for other in Self.families.values where other != family {
                    #expect(exposition.series(other).isEmpty, "\(collector)")
                }
                #expect(exposition.value("netdrift_scrape_collector_success", ["collector": collector]) == 1)
            }
            let whole = try agent.scrape()
            #expect(whole.series("netdrift_namespace_errors_total").isEmpty)
            let labels = ["netns": wired.name, "device": "eth0", "kind": "pfifo", "parent": "root"]
            #expect(whole.series("netns_qdisc_drops_total", labels).count == 1)
            for family in ["netns_tcp_memory_bytes", "netns_tcp_orphan_sockets", "netns_softnet_dropped_total"] {
                #expect(whole.series(family).allSatisfy { $0.labels["netns"] == "host" }, "\(family)")
                #expect(!whole.series(family).isEmpty)
            }
            let plain = try AgentProcess(include + ["--no-collector.netstat"]).scrape()
            for (collector, family) in Self.families {
                let isOn = ["sockstat", "conntrack", "softnet"].contains(collector)
                #expect(plain.series(family).isEmpty != isOn, "\(collector)")
            }
        }

        @Test("--collector.netstat.fields", .needs(.root, .tool("ip")))
        func fields() throws {
            let namespace = try NamedNamespace()
            let agent = try AgentProcess([
                "--discovery.include=\(namespace.name)", "--collector.netstat.fields=^(Tcp_Rto.*|TcpExt_TCPHPHits)$",
            ])
            let exposition = try agent.scrape("/metrics?collect[]=netstat")
            let families = exposition.families.filter { $0.hasPrefix("netns_tcp") }
            #expect(
                families == [
                    "netns_tcp_rto_algorithm", "netns_tcp_rto_max_seconds", "netns_tcp_rto_min_seconds",
                    "netns_tcpext_tcphp_hits_total",
                ])
            #expect(exposition.value("netns_tcp_rto_min_seconds", ["netns": namespace.name]) == 0.2)
            let bad = try AgentProcess.run(["--collector.netstat.fields=(", "--web.listen-address=127.0.0.1:0"])
            #expect(bad.status == 2 && bad.errors.contains("--collector.netstat.fields: '(' is no regular expression"))
        }

        @Test("a namespace that was read is not held", .needs(.root, .tool("ip")))
        func nothingIsHeld() throws {
            let namespace = try NamedNamespace()
            let agent = try AgentProcess([
                "--discovery.include=\(namespace.name)", "--collector.tcp", "--collector.qdisc",
            ])
            for _ in 1...3 { _ = try agent.scrape() }
            let open = try agent.descriptors().filter { $0.hasPrefix("/proc/") && !$0.hasPrefix("/proc/sys/") }
            #expect(open.allSatisfy { !$0.contains("/net") }, "\(open)")
        }

        @Test("netdrift metrics", .needs(.root))
        func metrics() throws {
            let plain = try AgentProcess.run(["metrics"])
            #expect(plain.status == 0 && plain.errors.isEmpty)
            #expect(plain.output.contains("\nnetns_conntrack_entries\tgauge\tconntrack\tnetns\t"))
            let markdown = try AgentProcess.run(["metrics", "--markdown"])
            #expect(markdown.status == 0 && markdown.output.hasPrefix("# Metrics\n"))
            #expect(markdown.output.contains("\n## `netstat`\n"))
        }
    }
}
