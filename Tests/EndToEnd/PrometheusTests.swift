import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Debian's Prometheus.
    @Suite struct PrometheusTests {
        @Test("Prometheus scrapes the agent and answers a query", .needs(.root, .tool("ip"), .tool("prometheus")))
        func scrapes() throws {
            let wired = try WiredNamespace(keepalive: 817)
            let agent = try AgentProcess(["--discovery.include=\(wired.name)"])
            let prometheus = try Prometheus(scraping: try agent.listening())
            #expect(try prometheus.value("up") == 1)
            #expect((try prometheus.value("scrape_samples_scraped") ?? 0) > 100)
            #expect(
                try prometheus.value(
                    "netns_sysctl_value{netns=\"\(wired.name)\",sysctl=\"net.ipv4.tcp_keepalive_time\"}") == 817)
            // The label that everything else is joined with.
            #expect(
                try prometheus.value(
                    "netns_network_mtu_bytes{device=\"eth0\"} * on(netns) group_left(origin) "
                        + "netns_info{origin=\"mount\",inode=\"\(wired.inode)\"}") == 1500)
            let types = try prometheus.query("/api/v1/metadata?metric=netns_network_receive_bytes")
            #expect(types.contains("\"type\":\"counter\""))
            #expect(prometheus.stop())
            #expect(!FileManager.default.fileExists(atPath: prometheus.path))
        }
    }
}
