import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What the alerts of reachability mute of each other, by the real Prometheus and Alertmanager.
    @Suite(.needs(.tool("curl"), .tool("prometheus"), .tool("prometheus-alertmanager"), .tool("python3")))
    struct ReachabilityAlertTests {
        @Test("what explains a failure mutes what follows from it, in the same namespace and nowhere else")
        func inhibition() throws {
            func probe(_ netns: String, _ probe: String, _ target: String, _ kind: String, _ success: Int) -> [String] {
                let labels = #"netns="\#(netns)",probe="\#(probe)",target="\#(target)""#
                return [
                    "netns_probe_success{\(labels)} \(success)",
                    #"netns_probe_info{\#(labels),kind="\#(kind)",socket="raw"} 1"#,
                ]
            }
            let gateway =
                #"netns_network_default_route_info{netns="db",device="eth0",family="ipv4",gateway="192.0.2.1"} 1"#
            let exporter = try StubExporter(
                [gateway]
                    // The host reaches api and not old.
                    + probe("host", "api", "192.0.2.10:443", "tcp", 1) + probe("host", "old", "192.0.2.99:80", "tcp", 0)
                    + probe("web", "api", "192.0.2.10:443", "tcp", 0) + probe("web", "dns", "192.0.2.53", "dns", 0)
                    + probe("db", "gateway", "192.0.2.1", "icmp", 0) + probe("db", "peer", "192.0.2.2", "icmp", 0)
                    + probe("lab", "dns", "192.0.2.53", "dns", 0) + probe("lab", "old", "192.0.2.99:80", "tcp", 0)
                    // Without a gateway there is nothing to reach.
                    + probe("lab", "gateway", "gateway", "icmp", 0))
            let stack = try AlertStack(scraping: exporter.address)

            let told: [[String: String]] = [
                ["alertname": "NetnsUnreachableHostReachable", "netns": "web", "probe": "api"],
                ["alertname": "NetnsGatewayUnreachable", "netns": "db", "target": "192.0.2.1"],
                ["alertname": "NetnsDnsFailing", "netns": "lab"],
                ["alertname": "NetnsUnreachable", "netns": "host", "probe": "old"],
            ]
            for labels in told { _ = try stack.alert("firing", labels) }
            let muted: [[String: String]] = [
                ["alertname": "NetnsUnreachable", "netns": "web", "probe": "api"],
                ["alertname": "NetnsDnsFailing", "netns": "web"],
                ["alertname": "NetnsUnreachable", "netns": "db", "probe": "peer"],
                ["alertname": "NetnsUnreachable", "netns": "lab", "probe": "old"],
            ]
            for labels in muted {
                #expect(try eventually(within: 20) { try stack.isInhibited(labels) ? true : nil } == true, "\(labels)")
            }
            for labels in told { #expect(try !stack.isInhibited(labels), "\(labels)") }
            #expect(try stack.prometheus.count(#"ALERTS{alertname="NetnsGatewayUnreachable",netns="lab"}"#) == 0)
            #expect(stack.stop())
        }
    }
}
