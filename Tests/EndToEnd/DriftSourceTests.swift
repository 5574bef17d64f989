import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What a configuration file says of real namespaces.
    @Suite(.needs(.root, .tool("ip"))) struct DriftSourceTests {
        private static let keepalive = "net.ipv4.tcp_keepalive_time"
        private let directory = Result { try TemporaryDirectory() }

        private func file(_ text: String) throws -> String { try directory.get().write("netdrift.yml", text) }

        /// As the kernel has it, with single spaces.
        private static func host(_ path: String) throws -> String {
            try Command.check("cat", "/proc/sys/\(path)").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }

        @Test("config, host, fresh and baseline, each with its label; the host is compared with though it is left out")
        func sources() throws {
            let namespace = try NamedNamespace()
            let name = namespace.name
            try namespace.set("net/ipv4/tcp_keepalive_time", "7777")
            let state = try directory.get().path + "/state.yml"
            let filter = "--discovery.include=\(name)"
            #expect(try AgentProcess.run(["check", filter, "--save", state]).status == 0)
            // Nothing that exists is overwritten.
            let saved = try String(contentsOfFile: state, encoding: .utf8)
            let again = try AgentProcess.run(["check", filter, "--save", state])
            #expect(again.status == 2 && again.errors.contains(state) && again.errors.contains("File exists"))
            #expect(try String(contentsOfFile: state, encoding: .utf8) == saved)

            let file = try file(
                """
                baseline: state.yml
                expectations:
                  - { rule: c, sysctls: { \(Self.keepalive): 600 } }
                  - { rule: h, severity: info, sysctls: { \(Self.keepalive): { same_as: host } } }
                  - { rule: f, severity: critical, sysctls: { \(Self.keepalive): { same_as: fresh } } }
                  - { rule: b, sysctls: { \(Self.keepalive): { same_as: baseline }, net.core.somaxconn: { same_as: baseline } } }
                """)
            let agent = try AgentProcess([filter, "--config.file=\(file)"])
            let exposition = try agent.scrape()
            #expect(exposition.namespaces == [name])
            let b = "b baseline warning 0"
            #expect(
                exposition.drifts(of: name) == [
                    "net.core.somaxconn \(b)", "\(Self.keepalive) \(b)", "\(Self.keepalive) c config warning 1",
                    "\(Self.keepalive) f fresh critical 1", "\(Self.keepalive) h host info 1",
                ])
            for (rule, expected) in [("c", "600"), ("f", "7200"), ("h", try Self.host("net/ipv4/tcp_keepalive_time"))] {
                #expect(
                    exposition.series("netns_sysctl_drift_info", ["rule": rule]).first?.labels["expected"]?
                        .contains(expected) == true)
            }
            let (status, report) = try DriftReport.check([filter, "--config=\(file)"])
            #expect(status == 1)
            #expect(report.drift.map(\.rule) == ["f", "c", "h"])
            #expect(report.drift.allSatisfy { $0.remedy.contains("/run/netns/\(name)") })

            try namespace.set("net/ipv4/tcp_keepalive_time", "7200")
            #expect(try agent.scrape().drifts(of: name).contains("\(Self.keepalive) b baseline warning 1"))
            #expect(try agent.scrape().drifts(of: name).contains("\(Self.keepalive) f fresh critical 0"))
        }

        @Test("what a rule is about is read though it is in no list and excluded; what is not there is absent")
        func required() throws {
            let namespace = try NamedNamespace()
            try namespace.check("ip", "link", "add", "d.1", "type", "veth", "peer", "name", "e.1")
            let file = try file(
                """
                expectations:
                  - rule: r
                    sysctls:
                      net.ipv4.tcp_early_retrans: 3
                      net.ipv4.conf.*.rp_filter: { not: 9 }
                      net.ipv4.conf.nowhere.rp_filter: 0
                      net.ipv4.tcp_nothing*: 1
                """)
            let agent = try AgentProcess([
                "--discovery.include=\(namespace.name)", "--config.file=\(file)", "--no-collector.sysctl.builtin",
                "--collector.sysctl.exclude=net.ipv4.tcp_*", "--collector.sysctl.exclude=net.ipv4.conf.*.rp_filter",
            ])
            let names = try agent.scrape().drifts(of: namespace.name)
            #expect(
                names == [
                    "net.ipv4.conf.all.rp_filter r config warning 0",
                    "net.ipv4.conf.d/1.rp_filter r config warning 0",
                    "net.ipv4.conf.default.rp_filter r config warning 0",
                    "net.ipv4.conf.e/1.rp_filter r config warning 0",
                    "net.ipv4.conf.lo.rp_filter r config warning 0",
                    "net.ipv4.tcp_early_retrans r config warning 0",
                ])
            #expect(
                try agent.scrape().expectations(of: namespace.name) == [
                    "absent": 1, "drifted": 0, "matched": 6, "unreadable": 0,
                ])
            #expect(
                try agent.drift().unknown == [
                    .init(
                        netns: namespace.name, sysctl: "net.ipv4.conf.nowhere.rp_filter", rule: "r", state: "absent")
                ])
            // The interface goes, and what was asked of it.
            try namespace.check("ip", "link", "del", "d.1")
            #expect(try agent.scrape().expectations(of: namespace.name)["matched"] == 4)
            let text = try AgentProcess.run(["check", "--discovery.include=\(namespace.name)", "--config=\(file)"])
            #expect(text.status == 0)
            #expect(text.output.hasPrefix("\(namespace.name)  net.ipv4.conf.nowhere.rp_filter  absent  rule r\n"))
        }

        @Test("without the collector there are no families, and the API says why")
        func switchedOff() throws {
            let file = try file("expectations: [{ rule: r, sysctls: { net.core.somaxconn: 1 } }]\n")
            let namespace = try NamedNamespace()
            let flags = ["--discovery.include=\(namespace.name)", "--config.file=\(file)"]
            let off = try AgentProcess(flags + ["--no-collector.drift"])
            let families = try off.scrape().families
            #expect(!families.contains { $0.contains("drift") && !$0.hasPrefix("netdrift_") })
            #expect(!families.contains("netns_sysctl_writable") && !families.contains("netns_sysctl_changes_total"))
            let answer = try off.get("/api/v1/drift")
            #expect(answer.status == 404 && answer.text?.contains("collector drift is switched off") == true)
            #expect(try off.get("/metrics?collect[]=drift").status == 400)

            let on = try AgentProcess(flags + ["--no-collector.sysctl"])
            for target in ["/metrics", "/metrics?collect[]=drift"] {
                let exposition = try on.scrape(target)
                #expect(exposition.drifts(of: namespace.name) == ["net.core.somaxconn r config warning 1"])
                #expect(exposition.series("netns_sysctl_value").isEmpty)
            }
        }

        @Test("the API answers HEAD, gzip, and GET alone, and is not to be cached")
        func overHTTP() throws {
            let namespace = try NamedNamespace()
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)", "--collect.min-interval=1m"])
            let answer = try agent.get("/api/v1/drift")
            #expect(answer.status == 200 && answer.header("Content-Type") == "application/json")
            #expect(answer.header("Cache-Control") == "no-store" && answer.header("Vary") == "Accept-Encoding")
            let head = try agent.get("/api/v1/drift", method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.header("Content-Length") == "\(answer.body.count)")
            let gzip = try agent.get("/api/v1/drift", [("Accept-Encoding", "gzip")])
            #expect(gzip.header("Content-Encoding") == "gzip" && gzip.body.starts(with: [0x1F, 0x8B]))
            #expect(try agent.get("/api/v1/drift", method: "POST").status == 405)
        }

        @Test("a file at fault: exit 2 with every line")
        func wrongFile() throws {
            let path = try file("expectations:\n  - rule: r\n    sysctl: {}\n  - { rule: r, sysctls: { x: 1 } }\n")
            for arguments in [["serve", "--config.file=\(path)"], ["check", "--config=\(path)"]] {
                let result = try AgentProcess.run(arguments + ["--discovery.include=none"])
                #expect(result.status == 2 && result.output.isEmpty, "\(arguments)")
                #expect(result.errors.contains("\(path):3:5: "), "\(result.errors)")
                #expect(result.errors.contains("\(path):4:"), "\(result.errors)")
            }
            let result = try AgentProcess.run(["check", "--config=/nonexistent.yml"])
            #expect(result.status == 2 && result.errors.contains("/nonexistent.yml: No such file or directory"))
        }
    }
}
