import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What the flags of the collectors do.
    @Suite struct CollectorFlagTests {
        /// What is exported of one namespace by default, and exists in every kernel.
        private static let always: Set<String> = [
            "net.core.somaxconn", "net.ipv4.ip_forward", "net.ipv4.ip_local_port_range",
            "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_rmem", "net.ipv4.conf.all.rp_filter",
            "net.ipv6.conf.default.disable_ipv6",
        ]

        @Test("numbers, tuples and text are what cat shows", .needs(.root, .tool("ip")))
        func builtin() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/ip_local_reserved_ports", "8080,9000-9010")
            try namespace.set("net/ipv4/ip_local_port_range", "20001 30002")
            try namespace.set("net/ipv4/conf/all/rp_filter", "2")
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)"])
            let exposition = try agent.scrape()
            #expect(exposition.sysctls(of: namespace.name).isSuperset(of: Self.always))
            let netns = namespace.name
            for (index, value) in [(0, 20001.0), (1, 30002.0)] {
                let labels = ["netns": netns, "sysctl": "net.ipv4.ip_local_port_range", "index": "\(index)"]
                #expect(exposition.value("netns_sysctl_value", labels) == value)
            }
            let reserved = exposition.series("netns_sysctl_info", ["sysctl": "net.ipv4.ip_local_reserved_ports"])
            #expect(reserved.map { $0.labels["value"] } == ["8080,9000-9010"])
            let control = exposition.series("netns_sysctl_info", ["sysctl": "net.ipv4.tcp_congestion_control"])
            #expect(control.map { $0.labels["value"] } == [try namespace.get("net/ipv4/tcp_congestion_control")])
            #expect(exposition.sysctl("net.ipv4.conf.all.rp_filter", in: netns) == 2)
            for name in exposition.sysctls(of: netns) {
                let words = try namespace.get(name.replacing(".", with: "/")).split { $0 == "\t" || $0 == " " }
                let series = exposition.series("netns_sysctl_value", ["sysctl": name])
                if series.isEmpty { continue }
                let values = series.sorted { Int($0.labels["index"] ?? "0") ?? 0 < Int($1.labels["index"] ?? "0") ?? 0 }
                #expect(values.map { exposition.samples[$0] } == words.map(String.init), "\(name)")
            }
            // A value that is unset is there, as empty text.
            try namespace.set("net/ipv4/ip_local_reserved_ports", "\n")
            let after = try agent.scrape().series(
                "netns_sysctl_info", ["sysctl": "net.ipv4.ip_local_reserved_ports"])
            #expect(after.map { $0.labels["value"] ?? "" } == [""])
        }

        @Test("--collector.sysctl.include, .exclude and .builtin", .needs(.root, .tool("ip")))
        func selection() throws {
            let namespace = try NamedNamespace()
            func sysctls(_ flags: String...) throws -> Set<String> {
                try AgentProcess(["--discovery.include=\(namespace.name)"] + flags).scrape().sysctls(of: namespace.name)
            }
            let builtin = try sysctls()
            #expect(builtin.isSuperset(of: Self.always) && !builtin.contains("net.ipv4.tcp_app_win"))
            #expect(
                try sysctls("--collector.sysctl.include=net.ipv4.tcp_app_win")
                    == builtin.union(["net.ipv4.tcp_app_win"]))
            let nothing = "--no-collector.sysctl.builtin"
            #expect(try sysctls(nothing).isEmpty)
            #expect(try sysctls(nothing, "--collector.sysctl.include=net.ipv4.tcp_app_win") == ["net.ipv4.tcp_app_win"])
            let keepalive = try sysctls(nothing, "--collector.sysctl.include=net.ipv4.tcp_keepalive_*")
            #expect(
                keepalive == ["intvl", "probes", "time"].reduce(into: []) { $0.insert("net.ipv4.tcp_keepalive_\($1)") })
            // A star is one component.
            let conf = try sysctls(nothing, "--collector.sysctl.include=net.ipv4.conf.*.rp_filter")
            #expect(conf == ["all", "default", "lo"].reduce(into: []) { $0.insert("net.ipv4.conf.\($1).rp_filter") })
            #expect(try sysctls(nothing, "--collector.sysctl.include=net.*.rp_filter").isEmpty)
            #expect(
                try sysctls(
                    "--collector.sysctl.exclude=net.ipv4.tcp_*", "--collector.sysctl.exclude=net.core.somaxconn")
                    == builtin.filter { !$0.hasPrefix("net.ipv4.tcp_") && $0 != "net.core.somaxconn" })
            #expect(
                try sysctls(
                    nothing, "--collector.sysctl.include=net.ipv4.tcp_keepalive_*",
                    "--collector.sysctl.exclude=net.ipv4.tcp_keepalive_time")
                    == ["net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"])
            #expect(try sysctls("--no-collector.sysctl").isEmpty)
            #expect(try sysctls(nothing, "--collector.sysctl.include=net.ipv4.there_is_no_such").isEmpty)
        }

        @Test("an interface's sysctls, whatever the interface is called", .needs(.root, .tool("ip")))
        func interfaceNames() throws {
            let wired = try WiredNamespace()
            try wired.namespace.check("ip", "link", "set", "eth0", "down")
            try wired.namespace.check("ip", "link", "set", "eth0", "name", "eth0.100")
            try wired.namespace.set("net/ipv4/conf/eth0.100/rp_filter", "2")
            for pattern in ["net.ipv4.conf.*.rp_filter", "net.ipv4.conf.eth0/100.rp_filter"] {
                let agent = try AgentProcess([
                    "--discovery.include=\(wired.name)", "--no-collector.sysctl.builtin",
                    "--collector.sysctl.include=\(pattern)",
                ])
                #expect(
                    try agent.scrape().sysctl("net.ipv4.conf.eth0/100.rp_filter", in: wired.name) == 2, "\(pattern)")
            }
        }

        @Test("keys are never read, even when asked for by name", .needs(.root, .tool("ip")))
        func secrets() throws {
            let namespace = try NamedNamespace()
            let key = "0a1b2c3d-4e5f6071-8293a4b5-c6d7e8f9"
            try namespace.set("net/ipv4/tcp_fastopen_key", key)
            try namespace.set("net/ipv6/conf/lo/stable_secret", "2001:db8::dead:beef")
            for include in [
                ["net.ipv4.tcp_fastopen_key", "net.ipv6.conf.lo.stable_secret"], ["net.ipv4.*", "net.ipv6.conf.*.*"],
                ["net.ipv4.tcp_fastopen_ke?", "net.ipv6.conf.*.stable_*"], ["net.*.*", "net.*.*.*.*"],
            ] {
                let agent = try AgentProcess(
                    ["--discovery.include=\(namespace.name)", "--log.level=debug"]
                        + include.map { "--collector.sysctl.include=\($0)" })
                let text = try #require(try agent.get("/metrics").text)
                for secret in [
                    key, "c6d7e8f9", "2001:db8::dead:beef", "dead:beef", "tcp_fastopen_key", "stable_secret",
                ] {
                    #expect(!text.contains(secret), "\(include)")
                }
                #expect(!agent.log.contains("c6d7e8f9") && !agent.log.contains("beef"))
                if include[0] == "net.ipv4.tcp_fastopen_key" {
                    #expect(agent.logLines.filter { $0.contains("level=warn") && $0.contains("never read") }.count == 2)
                }
            }
        }

        @Test("which interfaces are reported", .needs(.root, .tool("ip")))
        func devices() throws {
            let wired = try WiredNamespace()
            for name in ["br0", "br1"] { try wired.namespace.check("ip", "link", "add", name, "type", "bridge") }
            func exposition(_ flags: String...) throws -> Exposition {
                try AgentProcess(["--discovery.include=\(wired.name)", "--discovery.include=host"] + flags).scrape()
            }
            func devices(_ flags: String...) throws -> Set<String> {
                try AgentProcess(["--discovery.include=\(wired.name)"] + flags).scrape().devices(of: wired.name)
            }
            #expect(try devices() == ["lo", "eth0", "br0", "br1"])
            #expect(try devices("--no-collector.interface").isEmpty)
            #expect(try devices("--collector.interface.device-include=^br") == ["br0", "br1"])
            // Not anchored, as node_exporter's.
            #expect(try devices("--collector.interface.device-include=0") == ["eth0", "br0"])
            #expect(try devices("--collector.interface.device-exclude=^(lo|br.)$") == ["eth0"])
            let few = try exposition("--collector.interface.max-devices=1")
            #expect(few.devices(of: wired.name).count == 1)
            let left = try #require(few.value("netdrift_devices_left_out"))
            // Three here, and all of the host's but one.
            #expect(left >= 3)
            let all = try exposition()
            #expect(all.value("netdrift_devices_left_out") == 0)
            // The host's end of a veth is reported inside, and on the host only when asked for.
            #expect(!all.devices(of: "host").contains(wired.hostDevice) && all.devices(of: "host").contains("lo"))
            #expect(try exposition("--collector.interface.host-veths").devices(of: "host").contains(wired.hostDevice))
        }

        /// Sends three UDP datagrams of one byte.
        private static func send(_ address: String, in wired: WiredNamespace) throws {
            let script = """
                import socket, sys
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                for _ in range(3):
                    s.sendto(b"x", (sys.argv[1], 9))
                """
            try wired.namespace.check(Holder.python, "-c", script, address)
        }

        @Test("states and counters of an interface", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func interfaceValues() throws {
            let wired = try WiredNamespace()
            try wired.namespace.check("ip", "link", "set", "eth0", "mtu", "1400")
            try wired.namespace.check("ip", "link", "set", "eth0", "address", "02:00:00:0a:0b:0c")
            try wired.namespace.check("ip", "addr", "add", "198.18.77.2/24", "dev", "eth0")
            let agent = try AgentProcess(["--discovery.include=\(wired.name)"])
            let labels = ["netns": wired.name, "device": "eth0"]
            let up = try eventually { () -> Exposition? in
                let exposition = try agent.scrape()
                return exposition.value("netns_network_up", labels) == 1 ? exposition : nil
            }
            let exposition = try #require(up)
            #expect(exposition.value("netns_network_mtu_bytes", labels) == 1400)
            #expect(exposition.value("netns_network_carrier", labels) == 1)
            let info = try #require(exposition.series("netns_network_info", labels).first).labels
            #expect(info["address"] == "02:00:00:0a:0b:0c" && info["kind"] == "veth" && info["operstate"] == "up")
            #expect(info["adminstate"] == "up")
            // lo answers itself: what it receives is what it sends.
            try Self.send("127.0.0.1", in: wired)
            let after = try agent.scrape()
            let loop = ["netns": wired.name, "device": "lo"]
            let received = try #require(after.value("netns_network_receive_packets_total", loop))
            #expect(received >= 3)
            #expect(received == after.value("netns_network_transmit_packets_total", loop))
            // Every counter of the kernel's is there, for every device.
            let counters = after.types.filter { $0.key.hasPrefix("netns_network_") && $0.value == "counter" }
            #expect(counters.count == 25 + 3)
            try wired.namespace.check("ip", "link", "set", "eth0", "down")
            #expect(try agent.scrape().value("netns_network_up", labels) == 0)
        }

        @Test("what is sent is not what is received", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func directions() throws {
            let wired = try WiredNamespace()
            // A host's end without an address answers nothing, and without IPv6 neither end says anything by itself.
            try Data("1".utf8).write(
                to: URL(fileURLWithPath: "/proc/sys/net/ipv6/conf/\(wired.hostDevice)/disable_ipv6"))
            try wired.namespace.set("net/ipv6/conf/all/disable_ipv6", "1")
            try wired.namespace.check("ip", "addr", "add", "198.18.78.2/24", "dev", "eth0")
            // Nobody has to be asked for the address: what is sent are three frames.
            try wired.namespace.check(
                "ip", "neigh", "add", "198.18.78.99", "lladdr", "02:00:00:00:00:63", "dev", "eth0")
            let agent = try AgentProcess([
                "--discovery.include=host", "--discovery.include=\(wired.name)", "--collector.interface.host-veths",
            ])
            func counts(_ exposition: Exposition, _ name: String, _ netns: String, _ device: String) -> Double? {
                exposition.value("netns_network_\(name)_total", ["netns": netns, "device": device])
            }
            let before = try agent.scrape()
            try Self.send("198.18.78.99", in: wired)
            let after = try agent.scrape()
            func grown(_ name: String, _ netns: String, _ device: String) throws -> Double {
                try #require(counts(after, name, netns, device)) - #require(counts(before, name, netns, device))
            }
            // Of Ethernet, IPv4, UDP and one byte.
            let bytes = Double(3 * (14 + 20 + 8 + 1))
            #expect(try grown("transmit_packets", wired.name, "eth0") == 3)
            #expect(try grown("transmit_bytes", wired.name, "eth0") == bytes)
            #expect(try grown("receive_packets", wired.name, "eth0") == 0)
            #expect(try grown("receive_packets", "host", wired.hostDevice) == 3)
            #expect(try grown("receive_bytes", "host", wired.hostDevice) == bytes)
            #expect(try grown("transmit_packets", "host", wired.hostDevice) == 0)
        }
    }
}
