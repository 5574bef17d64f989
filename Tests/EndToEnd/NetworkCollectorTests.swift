import TestSupport
import Testing

extension EndToEnd {
    /// Addresses, routes and neighbours of a real namespace over HTTP.
    @Suite struct NetworkCollectorTests {
        private func world() throws -> WiredNamespace {
            let wired = try WiredNamespace()
            try wired.namespace.check("ip", "address", "add", "192.0.2.7/24", "dev", "eth0")
            try wired.namespace.check("ip", "link", "set", "eth0", "up")
            try wired.namespace.check("ip", "route", "replace", "default", "via", "192.0.2.1")
            try wired.namespace.check(
                "ip", "neigh", "replace", "192.0.2.8", "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "permanent")
            return wired
        }

        @Test("collect[], --no-collector and --collector.neighbour", .needs(.root, .tool("ip")))
        func collectors() throws {
            let wired = try world()
            let agent = try AgentProcess(["--discovery.include=\(wired.name)", "--collector.neighbour"])
            let families = [
                "address": "netns_network_address_info", "route": "netns_network_default_route_info",
                "neighbour": "netns_neighbours",
            ]
            for (collector, family) in families {
                let text = try #require(try agent.get("/metrics?collect[]=\(collector)").text)
                #expect(text.contains("\n\(family){"))
                for other in families.values where other != family { #expect(!text.contains("\n\(other){")) }
                #expect(text.contains("netdrift_scrape_collector_success{collector=\"\(collector)\"} 1\n"))
            }
            let text = try #require(try agent.get("/metrics").text)
            for line in [
                #"netns_network_address_info{netns="\#(wired.name)",device="eth0",address="192.0.2.7",family="ipv4",prefix_length="24",scope="global"} 1"#,
                #"netns_network_default_route_info{netns="\#(wired.name)",device="eth0",family="ipv4",gateway="192.0.2.1"} 1"#,
                #"netns_neighbours{netns="\#(wired.name)",state="permanent"} 1"#,
            ] { #expect(text.contains("\n\(line)\n"), "\(line)") }
        }

        @Test("neighbours are off by default, routes may be too many", .needs(.root, .tool("ip")))
        func limits() throws {
            let wired = try world()
            let agent = try AgentProcess([
                "--discovery.include=\(wired.name)", "--collector.route.max-routes=1",
                "--collector.address.max-addresses=1",
            ])
            let text = try #require(try agent.get("/metrics").text)
            #expect(!text.contains("netns_neighbours") && !text.contains("\nnetns_routes{"))
            #expect(text.contains(#"netdrift_namespace_errors_total{operation="routes",reason="too_many"}"#))
            #expect(text.split(separator: "\n").count { $0.hasPrefix("netns_network_address_info{") } == 1)
            #expect(!text.contains("netdrift_addresses_left_out 0"))
            #expect(try agent.get("/metrics?collect[]=neighbour").status == 400)
        }
    }
}
