import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `scripts/demo`, as a new user would run it.
    @Suite(
        .needs(
            .root, .tool("ip"), .tool("nsenter"), .tool("curl"), .tool("runc"), .tool("busybox"), .tool("prometheus"),
            .tool("prometheus-alertmanager"), .tool("python3")))
    struct DemoTests {
        @Test("the three breaks are alerts within a minute, and the demo ends by itself and leaves nothing")
        func story() throws {
            let forwarding = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_forward", encoding: .utf8)
            let demo = try Demo(seconds: 75, breakAfter: 4)
            let addresses = try demo.addresses()
            #expect(addresses.agent.hasPrefix("127.0.0.1:"))
            let alertsPage = demo.log.contains("/classic/alerts") ? "classic/alerts" : "alerts"
            for page in [
                "http://\(addresses.agent)/", "http://\(addresses.prometheus)/consoles/netdrift.html",
                "http://\(addresses.prometheus)/\(alertsPage)", "http://\(addresses.alertmanager)/",
            ] {
                #expect(demo.log.contains(page), "it does not say \(page)")
                #expect(
                    try Command.run(["curl", "-sfL", "-o", "/dev/null", page]).status == 0, "\(page) does not answer")
            }
            #expect(try alerts(addresses.alertmanager).isEmpty, "before anything breaks")

            try demo.awaitBreaks()
            var expected: [[String: String]] = [
                [
                    "alertname": "NetdriftSysctlDrift", "netns": demo.shop, "source": "declared",
                    "sysctl": "net.ipv4.tcp_keepalive_time",
                ],
                ["alertname": "NetdriftSysctlDrift", "netns": "host", "sysctl": "net.ipv4.conf.br-data.forwarding"],
                ["alertname": "NetdriftInterfaceDown", "netns": "\(demo.prefix)queue", "device": "eth0"],
            ]
            if try AgentProcess.exports("netns_probe_success") {
                expected.append([
                    "alertname": "NetnsUnreachableHostReachable", "netns": demo.db, "target": "198.18.0.2",
                ])
                expected.append(["alertname": "NetnsGatewayUnreachable", "netns": "\(demo.prefix)queue"])
            }
            var found: [[String: String]] = []
            let told = try eventually(within: 60) { () -> Bool? in
                found = try alerts(addresses.alertmanager)
                expected.removeAll { labels in
                    found.contains { alert in labels.allSatisfy { alert[$0.key] == $0.value } }
                }
                return expected.isEmpty ? true : nil
            }
            #expect(told == true, "not told: \(expected); told: \(found)")

            #expect(demo.status(within: 120) == 0, "\(demo.log)")
            #expect(try demo.remains() == [])
            #expect(try String(contentsOfFile: "/proc/sys/net/ipv4/ip_forward", encoding: .utf8) == forwarding)
        }

        @Test("it leaves nothing when it is told to end, when a program of it dies, and after it was killed")
        func ends() throws {
            let told = try Demo(seconds: 600, breakAfter: 300)
            _ = try told.addresses()
            told.terminate()
            #expect(told.status(within: 30) == 143)
            #expect(try told.remains() == [])

            let broken = try Demo(seconds: 600, breakAfter: 300)
            let agent = try broken.addresses().agent
            for process in try broken.processes() {
                let command = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
                guard let command, command.contains("--web.listen-address=\(agent)"), let pid = Int32(process) else {
                    continue
                }
                Foundation.kill(pid, SIGKILL)
            }
            #expect(broken.status(within: 30) == 1)
            #expect(broken.log.contains("a program has ended"))
            #expect(try broken.remains() == [])

            let killed = try Demo(seconds: 600, breakAfter: 300)
            _ = try killed.addresses()
            killed.kill()
            #expect(try !killed.leftovers().isEmpty)
            try killed.clean()
            #expect(try killed.remains() == [])
        }

        /// The labels of what Alertmanager has, muted or not.
        private func alerts(_ address: String) throws -> [[String: String]] {
            struct Alert: Decodable { let labels: [String: String] }
            let text = try Command.check("curl", "-sS", "http://\(address)/api/v2/alerts")
            return try JSONDecoder().decode([Alert].self, from: Data(text.utf8)).map(\.labels)
        }
    }
}
