import Foundation
import TestSupport
import Testing

/// Named namespaces, each with an `eth0` whose other end is a port of one bridge on the host.
private final class BridgedCrowd {
    let crowd: NamespaceCrowd
    let bridge = NamedNamespace.uniqueName("b")

    init(_ count: Int) throws {
        crowd = try NamespaceCrowd(count)
        var lines = "link add \(bridge) type bridge\nlink set \(bridge) up\n"
        for (index, name) in crowd.names.enumerated() {
            lines += "link add \(port(index)) type veth peer name eth0 netns \(name)\n"
            lines += "link set \(port(index)) master \(bridge) up\n"
        }
        try Command.check("ip", "-batch", "-", input: lines)
        let up = crowd.names.map { "-n \($0) link set eth0 up\n" }.joined()
        for line in up.split(separator: "\n") { try Command.check("sh", "-c", "exec ip \(line)") }
    }

    /// The host's end of the veth of the namespace at `index`.
    func port(_ index: Int) -> String { "v" + crowd.names[index].dropFirst() }

    // The veths go with their namespaces.
    deinit { _ = try? Command.run(["ip", "link", "del", bridge]) }
}

extension EndToEnd {
    /// The other ends of links.
    @Suite(.needs(.root, .tool("ip"))) struct BridgeTests {
        /// The labels of each namespace's other end of `eth0`, but for `device`.
        private static func peers(_ exposition: Exposition) -> [String: [String: String]] {
            var peers: [String: [String: String]] = [:]
            for series in exposition.series("netns_network_peer_info", ["device": "eth0"]) {
                guard let name = series.labels["netns"] else { continue }
                peers[name] = series.labels.filter { !["device", "netns"].contains($0.key) }
            }
            return peers
        }

        @Test("every eth0 of many has its own peer and bridge, and one that moves has moved at the next scrape")
        func peers() throws {
            let other = try NamedNamespace()
            let world = try BridgedCrowd(50)
            // With the host left out its links are known nevertheless.
            let agent = try AgentProcess([
                world.crowd.include, "--discovery.include=\(other.name)", "--no-collector.sysctl",
                "--discovery.deep-interval=0",
            ])
            var expected: [String: [String: String]] = [:]
            for (index, name) in world.crowd.names.enumerated() {
                expected[name] = ["peer_netns": "host", "peer_device": world.port(index), "master": world.bridge]
            }
            #expect(Self.peers(try agent.scrape()) == expected)
            let forwarding = eventually { () -> Bool? in
                let states = (try? agent.scrape())?.series("netns_network_peer_port_state") ?? []
                return states.count == 50 ? true : nil
            }
            #expect(forwarding == true)

            let moved = world.crowd.names[17]
            try Command.check("ip", "link", "set", world.port(17), "netns", other.name)
            expected[moved] = ["peer_netns": other.name, "peer_device": world.port(17)]
            let exposition = try agent.scrape()
            #expect(Self.peers(exposition) == expected)
            #expect(
                exposition.series("netns_network_peer_info", ["netns": other.name]).map { $0.labels["peer_netns"] } == [
                    moved
                ])
            // And back, as a port of no bridge.
            try Command.check("ip", "-n", other.name, "link", "set", world.port(17), "netns", "1")
            expected[moved] = ["peer_netns": "host", "peer_device": world.port(17)]
            #expect(Self.peers(try agent.scrape()) == expected)
            // The host's own ends are counted where the other end is, unless asked for.
            let host = try AgentProcess(["--discovery.include=host", world.crowd.include, "--no-collector.sysctl"])
            let devices = try host.scrape().devices(of: "host")
            #expect(devices.contains(world.bridge) && !devices.contains(world.port(1)))
            let all = try AgentProcess([
                "--discovery.include=host", world.crowd.include, "--no-collector.sysctl",
                "--collector.interface.host-veths",
            ])
            #expect(try all.scrape().devices(of: "host").isSuperset(of: [world.bridge, world.port(1)]))
        }

        @Test("list --tree draws the bridge, its ports and what is behind them", arguments: ["C", "C.UTF-8"])
        func tree(_ locale: String) throws {
            let world = try BridgedCrowd(3)
            try Command.check("ip", "-n", world.crowd.names[1], "addr", "add", "198.18.0.2/24", "dev", "eth0")
            let inner = try NamedNamespace()
            try Command.check(
                "ip", "-n", world.crowd.names[1], "link", "add", "behind", "type", "veth", "peer", "name", "eth0",
                "netns", inner.name)
            let flags = ["--discovery.include=host", world.crowd.include, "--discovery.include=\(inner.name)"]
            let result = try AgentProcess.run(["list", "--tree"] + flags, prefix: ["env", "LC_ALL=\(locale)"])
            #expect(result.status == 0 && result.errors.isEmpty)
            var output = result.output
            if locale != "C" {
                #expect(output.contains("├─ "))
                for (mark, plain) in [("├─ ", "|- "), ("└─ ", "`- "), ("│  ", "|  ")] {
                    output = output.replacingOccurrences(of: mark, with: plain)
                }
            }
            let lines = output.split(separator: "\n").map(String.init)
            #expect(lines.first?.hasPrefix("host (process, ") == true)
            let start = try #require(lines.firstIndex { $0.dropFirst(3).hasPrefix("\(world.bridge) (bridge)") })
            let names = world.crowd.names
            let drawn = lines[start..<min(start + 5, lines.count)].map { $0.dropFirst(3) }
            try #require(drawn.count == 5)
            #expect(drawn[1].hasSuffix("|- \(world.port(0)) -- \(names[0]) (mount)  eth0"), "\(output)")
            #expect(drawn[2].hasSuffix("|- \(world.port(1)) -- \(names[1]) (mount)  eth0 198.18.0.2/24"), "\(output)")
            #expect(drawn[3].contains("`- behind down -- \(inner.name) (mount)  eth0 down"), "\(output)")
            #expect(drawn[4].hasSuffix("`- \(world.port(2)) -- \(names[2]) (mount)  eth0"), "\(output)")
            // Each namespace once.
            for name in names + [inner.name] { #expect(lines.count { $0.contains(" \(name) (mount)") } == 1) }
            #expect(try AgentProcess.run(["list", "--tree", "--json"]).status != 0)
        }
    }
}
