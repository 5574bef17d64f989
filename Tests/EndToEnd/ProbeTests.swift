import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Probes from inside real namespaces, as the metrics tell them.
    @Suite(.serialized) struct ProbeTests {
        private static let fast = "interval: 200ms, timeout: 100ms"

        /// Scrapes until a probe's series is as wanted.
        private func wait(
            _ agent: AgentProcess, for seconds: Double = 10, _ condition: (Exposition) -> Bool
        ) throws -> Exposition {
            var last: Exposition?
            let found: Exposition? = try eventually(within: seconds) {
                let exposition = try agent.scrape()
                last = exposition
                return condition(exposition) ? exposition : nil
            }
            if let found { return found }
            let lines = last?.samples.filter { $0.key.name.contains("probe") && !$0.key.name.contains("bucket") }
            throw Trouble("it did not come to be: \(lines.map { "\($0)" } ?? "nothing"); \(agent.log)")
        }

        @Test("the gateways of both families, and their round trips", .needs(.root, .tool("ip")))
        func gateways() throws {
            let world = try ProbeWorld()
            let agent = try world.agent("  - { name: gateway, kind: icmp, target: gateway, \(Self.fast) }")
            for target in ["198.18.7.1", "2001:db8:7::1"] {
                let labels = ["netns": world.inside.name, "probe": "gateway", "target": target]
                let exposition = try wait(agent) { ($0.any("netns_probe_received_total", labels) ?? 0) >= 3 }
                #expect(exposition.any("netns_probe_success", labels) == 1)
                let received = exposition.any("netns_probe_received_total", labels)
                #expect(exposition.any("netns_probe_rtt_seconds_count", labels) == received)
                #expect(
                    exposition.any("netns_probe_rtt_seconds_bucket", labels.merging(["le": "+Inf"]) { $1 })
                        == received)
                #expect((exposition.any("netns_probe_rtt_seconds_sum", labels) ?? 0) > 0)
                #expect(exposition.any("netns_probe_loss_ratio", labels) == 0)
                #expect(exposition.any("netns_probe_duplicates_total", labels) == 0)
                #expect(exposition.series("netns_probe_failures_total", labels).isEmpty)
                let info = labels.merging(["kind": "icmp", "socket": "raw"]) { $1 }
                #expect(exposition.any("netns_probe_info", info) == 1)
            }
            // The host of this world has no gateway: it says so, and sends nothing.
            let host = try wait(agent) {
                ($0.any("netns_probe_failures_total", ["netns": "host", "reason": "no_gateway"]) ?? 0) >= 1
            }
            #expect(host.any("netns_probe_success", ["netns": "host", "target": "gateway"]) == 0)
            #expect(host.any("netns_probe_sent_total", ["netns": "host", "target": "gateway"]) == 0)
            let json = try agent.get("/api/v1/probes")
            #expect(json.text?.contains("\"target\":\"2001:db8:7::1\"") == true)
            #expect(agent.stop() == 0)
        }

        @Test("reasons", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func reasons() throws {
            let world = try ProbeWorld()
            try world.serveNames(tcp: false)
            try world.setResolver("nameserver 198.18.7.1\nsearch example.test\n")
            let probes: [(name: String, fields: String, reason: String?)] = [
                ("silent", "kind: icmp, target: 198.18.7.77", "timeout"),
                ("refused", "kind: tcp, target: \"198.18.7.1:81\"", "refused"),
                ("refused6", "kind: tcp, target: \"[2001:db8:7::1]:81\"", "refused"),
                ("nowhere", "kind: icmp, target: 2001:db8:99::1", "no_route"),
                ("nxdomain", "kind: dns, target: resolver, query: nothing.test.", "name_error"),
                ("unanswered", "kind: dns, target: resolver, query: silent.test.", "name_timeout"),
                ("cut", "kind: dns, target: resolver, query: big.test.", "refused"),
                ("known", "kind: dns, target: resolver, query: known.test.", nil),
                ("noname", "kind: icmp, target: nothing.test", "name_error"),
                ("name", "kind: icmp, target: gate", nil),
            ]
            try Command.check("ip", "-n", world.inside.name, "-6", "route", "del", "default")
            let agent = try world.agent(
                probes.map {
                    "  - { name: \($0.name), \($0.fields), interval: 500ms, timeout: 300ms, namespaces: { name: \(world.inside.name) } }"
                }.joined(separator: "\n"))
            for probe in probes {
                let labels = ["netns": world.inside.name, "probe": probe.name]
                let exposition = try wait(agent) { $0.any("netns_probe_success", labels) != nil }
                #expect(
                    exposition.any("netns_probe_success", labels) == (probe.reason == nil ? 1 : 0), "\(probe.name)")
                let reasons = exposition.series("netns_probe_failures_total", labels).compactMap { $0.labels["reason"] }
                if let reason = probe.reason {
                    // A neighbour that does not answer for three seconds is reported by the kernel once in a while.
                    #expect(
                        reasons.contains(reason) || (probe.name == "silent" && reasons == ["unreachable_host"]),
                        "\(probe.name): \(reasons)")
                } else {
                    #expect(reasons.isEmpty, "\(probe.name): \(reasons)")
                }
            }
            // Explicit targets are probed from the host too; words for addresses of the namespace are not.
            let exposition = try wait(agent) {
                $0.any("netns_probe_success", ["netns": "host", "probe": "refused"]) != nil
            }
            #expect(exposition.series("netns_probe_success", ["netns": "host", "probe": "known"]).isEmpty)
            #expect(agent.stop() == 0)
        }

        @Test("what another client asks for makes no peer unknown", .needs(.root, .tool("ip")))
        func otherClients() throws {
            let world = try ProbeWorld()
            let agent = try world.agent(
                "  - { name: peer, kind: icmp, target: peer, \(Self.fast), namespaces: { name: \(world.inside.name) } }"
            )
            let labels = ["netns": world.inside.name, "probe": "peer"]
            let first = try wait(agent) { $0.any("netns_probe_success", labels) == 1 }
            let sent = try #require(first.any("netns_probe_sent_total", labels))
            for number in 0..<12 {
                // Neither asks for links.
                let target = number % 2 == 0 ? "/api/v1/probes" : "/metrics?collect[]=sysctl"
                #expect(try agent.get(target).status == 200)
                usleep(250_000)
            }
            let exposition = try agent.scrape("/metrics?collect[]=probe")
            #expect(exposition.any("netns_probe_success", labels) == 1)
            #expect(exposition.series("netns_probe_failures_total", labels).isEmpty)
            #expect(try #require(exposition.any("netns_probe_sent_total", labels)) >= sent + 5)
            #expect(agent.stop() == 0)
        }

        @Test("a truncated answer is asked for again over TCP", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func truncated() throws {
            let world = try ProbeWorld()
            try world.serveNames(tcp: true)
            let agent = try world.agent(
                "  - { name: big, kind: dns, target: 198.18.7.1, query: big.test., \(Self.fast) }")
            let labels = ["netns": world.inside.name, "probe": "big"]
            let exposition = try wait(agent) { $0.any("netns_probe_success", labels) == 1 }
            #expect(exposition.any("netns_probe_info", labels.merging(["socket": "tcp"]) { $1 }) == 1)
            #expect(agent.stop() == 0)
            // No connection of it stays behind.
            #expect(try world.inside.check("ss", "-Htan").isEmpty)
        }

        @Test(
            "a name server that lies fails its own probes, and no others",
            .needs(.root, .tool("ip"), .tool(Holder.python)))
        func lies() throws {
            let world = try ProbeWorld()
            try world.serveLies()
            let reasons = [
                "forged": ["name_timeout"], "broken": ["name_timeout"], "elsewhere": ["name_timeout"],
                "flood": ["name_timeout"], "circle": ["name_error"], "stranger": ["name_error"],
                "cut": ["name_timeout", "refused"],
                "tcp-drip": ["name_timeout"], "tcp-nothing": ["name_timeout", "refused"],
                "tcp-noise": ["name_timeout", "refused"], "tcp-silent": ["name_timeout", "refused"],
            ]
            let probes = reasons.keys.sorted().map {
                "  - { name: \($0), kind: dns, target: 198.18.7.1, query: \($0).test., interval: 300ms, timeout: 150ms }"
            }
            let agent = try world.agent(
                ([
                    "  - { name: honest, kind: dns, target: 198.18.7.1, query: honest.test., interval: 500ms, timeout: 400ms }",
                    "  - { name: echo, kind: icmp, target: 198.18.7.1, interval: 200ms, timeout: 150ms }",
                ] + probes).joined(separator: "\n"))
            func labels(_ probe: String) -> [String: String] { ["netns": world.inside.name, "probe": probe] }
            let exposition = try wait(agent, for: 20) { exposition in
                reasons.keys.allSatisfy { (exposition.any("netns_probe_sent_total", labels($0)) ?? 0) >= 8 }
            }
            for (probe, allowed) in reasons {
                #expect(exposition.any("netns_probe_success", labels(probe)) == 0, "\(probe)")
                #expect(exposition.any("netns_probe_received_total", labels(probe)) == 0, "\(probe)")
                let told = exposition.series("netns_probe_failures_total", labels(probe)).compactMap {
                    $0.labels["reason"]
                }
                #expect(!told.isEmpty && told.allSatisfy(allowed.contains), "\(probe): \(told)")
            }
            func count(_ what: String, _ probe: String) throws -> Double {
                try #require(exposition.any("netns_probe_\(what)_total", labels(probe)), "\(probe)")
            }
            // The kernel answers echo requests; the honest answers come from the program that is busy with its lies.
            #expect(try count("sent", "echo") >= 8 && count("received", "echo") >= count("sent", "echo") - 1)
            #expect(try count("received", "honest") * 2 >= count("sent", "honest"))
            #expect(agent.stop() == 0)
        }

        @Test(
            "replies that are no answers are not counted as such", .needs(.root, .tool("ip"), .tool(Holder.python)),
            arguments: ["malformed", "spoofed"])
        func noAnswers(_ mode: String) throws {
            let world = try ProbeWorld()
            try Command.check("ip", "-n", world.host.name, "address", "add", "198.18.7.9/24", "dev", "veth0")
            try world.answerEchoes(mode)
            let agent = try world.agent(
                "  - { name: echo, kind: icmp, target: 198.18.7.1, \(Self.fast), namespaces: { name: \(world.inside.name) } }"
            )
            let labels = ["netns": world.inside.name, "probe": "echo"]
            let exposition = try wait(agent) {
                ($0.any("netns_probe_failures_total", labels.merging(["reason": "timeout"]) { $1 }) ?? 0) >= 3
            }
            #expect(exposition.any("netns_probe_success", labels) == 0)
            #expect(exposition.any("netns_probe_received_total", labels) == 0)
            #expect(exposition.any("netns_probe_rtt_seconds_count", labels) == 0)
            #expect(exposition.any("netns_probe_loss_ratio", labels) == 1)
            #expect(agent.stop() == 0)
        }

        @Test("replies that come twice, or late, are counted apart", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func twiceAndLate() throws {
            let world = try ProbeWorld()
            try world.answerEchoes("double")
            let probe = "  - { name: echo, kind: icmp, target: 198.18.7.1, interval: 300ms, timeout: 200ms }"
            let labels = ["netns": world.inside.name, "probe": "echo"]
            let agent = try world.agent(probe)
            let twice = try wait(agent) { ($0.any("netns_probe_duplicates_total", labels) ?? 0) >= 2 }
            #expect(twice.any("netns_probe_success", labels) == 1)
            let counts = ["sent", "received", "duplicates"].compactMap {
                twice.any("netns_probe_\($0)_total", labels)
            }
            #expect(counts[1] <= counts[0])
            #expect(counts[2] <= counts[1])
            #expect(agent.stop() == 0)

            let late = try ProbeWorld()
            try late.answerEchoes("late")
            let other = try late.agent(probe)
            let there = ["netns": late.inside.name, "probe": "echo"]
            let exposition = try wait(other) { ($0.any("netns_probe_late_total", there) ?? 0) >= 2 }
            #expect(exposition.any("netns_probe_received_total", there) == 0)
            #expect(exposition.any("netns_probe_success", there) == 0)
            #expect(other.stop() == 0)
        }

        @Test("loss that a filter makes", .needs(.root, .tool("ip"), .tool("nft")))
        func loss() throws {
            let world = try ProbeWorld()
            // Of every four requests one is dropped.
            try world.host.check(
                "nft",
                "add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                    + "add rule ip t c ip saddr 198.18.7.2 icmp type echo-request numgen inc mod 4 0 drop")
            let agent = try world.agent(
                "  - { name: echo, kind: icmp, target: 198.18.7.1, count: 8, interval: 400ms, timeout: 200ms, namespaces: { name: \(world.inside.name) } }"
            )
            let labels = ["netns": world.inside.name, "probe": "echo"]
            let exposition = try wait(agent) { ($0.any("netns_probe_sent_total", labels) ?? 0) >= 64 }
            let ratio = try #require(exposition.any("netns_probe_loss_ratio", labels))
            #expect((0.2...0.3).contains(ratio))
            #expect(exposition.any("netns_probe_success", labels) == 1)
            #expect(agent.stop() == 0)
        }

        @Test("a namespace that is probed can be deleted, and its series go", .needs(.root, .tool("ip")))
        func deletion() throws {
            let world = try ProbeWorld()
            // Nobody answers: a socket is open all the time.
            let agent = try world.agent(
                "  - { name: dead, kind: icmp, target: 198.18.7.77, interval: 500ms, timeout: 500ms }\n"
                    + "  - { name: tcp, kind: tcp, target: \"198.18.7.77:1\", interval: 500ms, timeout: 500ms }")
            let labels = ["netns": world.inside.name]
            _ = try wait(agent) { $0.series("netns_probe_success", labels).count == 2 }
            try world.inside.delete()
            // Its veth goes with it, and takes the other end along: as soon as no socket is left in it.
            let isGone = try eventually(within: 5) {
                try Command.run(["ip", "-n", world.host.name, "link", "show", "veth0"]).status != 0 ? true : nil
            }
            #expect(isGone == true)
            #expect(try agent.scrape().series("netns_probe_success", labels).isEmpty)
            #expect(agent.stop() == 0)
        }

        @Test("a reload changes what is probed", .needs(.root, .tool("ip")))
        func reload() throws {
            let world = try ProbeWorld()
            let agent = try world.agent(
                "  - { name: one, kind: icmp, target: 198.18.7.1, \(Self.fast) }\n"
                    + "  - { name: two, kind: icmp, target: 198.18.7.1, \(Self.fast) }")
            let first = ["netns": world.inside.name, "probe": "one"]
            let before = try wait(agent) { ($0.any("netns_probe_received_total", first) ?? 0) >= 3 }
            try world.rewrite(
                "  - { name: one, kind: icmp, target: 198.18.7.1, \(Self.fast) }\n"
                    + "  - { name: three, kind: icmp, target: peer, \(Self.fast) }")
            kill(agent.pid, SIGHUP)
            let after = try wait(agent) {
                $0.any("netns_probe_success", ["netns": world.inside.name, "probe": "three", "target": "198.18.7.1"])
                    == 1
            }
            // What stays as it was goes on counting.
            let count = try #require(before.any("netns_probe_received_total", first))
            _ = try wait(agent) { ($0.any("netns_probe_received_total", first) ?? 0) > count }
            #expect(after.series("netns_probe_success", ["probe": "two"]).isEmpty)
            #expect(agent.stop() == 0)
        }

        @Test("nothing is sent but to the targets", .needs(.root, .tool("ip"), .tool("nft")))
        func nothingElse() throws {
            let world = try ProbeWorld()
            let rules = """
                table inet t {
                  counter good { }
                  counter bad { }
                  chain out {
                    type filter hook output priority 0;
                    ip daddr 198.18.7.1 icmp type echo-request counter name good accept
                    ip daddr 198.18.7.1 tcp dport 99 counter name good accept
                    ip6 daddr 2001:db8:7::1 icmpv6 type echo-request counter name good accept
                    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
                    icmp type echo-reply accept
                    counter name bad
                  }
                }
                """
            try world.inside.check("nft", rules)
            let agent = try world.agent(
                "  - { name: gateway, kind: icmp, target: gateway, \(Self.fast) }\n"
                    + "  - { name: tcp, kind: tcp, target: \"198.18.7.1:99\", \(Self.fast) }")
            _ = try wait(agent) {
                ($0.any("netns_probe_sent_total", ["netns": world.inside.name, "probe": "tcp"]) ?? 0) >= 5
            }
            #expect(agent.stop() == 0)
            let counters = try world.inside.check("nft", "list counters")
            #expect(!counters.contains("good {\n\t\tpackets 0 "))
            #expect(counters.contains("bad {\n\t\tpackets 0 "), "\(counters)")
        }

        @Test("buckets", .needs(.root, .tool("ip")))
        func buckets() throws {
            let world = try ProbeWorld()
            let agent = try world.agent(
                "  - { name: gateway, kind: icmp, target: 198.18.7.1, \(Self.fast) }",
                flags: ["--collector.probe.buckets=100us,1ms,0.5"])
            let labels = ["netns": world.inside.name]
            let exposition = try wait(agent) { ($0.any("netns_probe_received_total", labels) ?? 0) >= 1 }
            let bounds = exposition.series("netns_probe_rtt_seconds_bucket", labels).compactMap { $0.labels["le"] }
            #expect(Set(bounds) == ["0.0001", "0.001", "0.5", "+Inf"])
            #expect(agent.stop() == 0)
        }
    }
}
