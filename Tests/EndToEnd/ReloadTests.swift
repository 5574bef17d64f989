import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The configuration, loaded again.
    @Suite(.needs(.root, .tool("ip"))) struct ReloadTests {
        private static let keepalive = "net.ipv4.tcp_keepalive_time"
        private let directory = Result { try TemporaryDirectory() }

        private func write(_ text: String) throws -> String { try directory.get().write("netdrift.yml", text) }

        private static func rule(_ expected: String, _ more: String = "") -> String {
            "expectations: [{ rule: r, sysctls: { \(keepalive): \(expected)\(more) } }]\n"
        }

        /// Asks for it over HTTP and gives the answer's status and text.
        private static func reload(_ agent: AgentProcess) throws -> (status: Int, text: String) {
            let answer = try agent.get("/-/reload", method: "POST")
            return (answer.status, answer.text ?? "")
        }

        @Test("rules, sysctls, filters and the saved state change at the next scrape, and a drift keeps its beginning")
        func everything() throws {
            let namespace = try NamedNamespace()
            let other = try NamedNamespace()
            let name = namespace.name
            try namespace.set("net/ipv4/tcp_keepalive_time", "700")
            let path = try write("namespaces: { include: [\(name)] }\n" + Self.rule("600"))
            let agent = try AgentProcess(["--config.file=\(path)", "--web.enable-lifecycle"])
            var exposition = try agent.scrape()
            #expect(exposition.namespaces == [name])
            let series = ["netns": name, "sysctl": Self.keepalive, "rule": "r"]
            let start = try #require(exposition.value("netns_sysctl_drift_start_timestamp_seconds", series))
            let firstSeen = exposition.value("netns_first_seen_timestamp_seconds", ["netns": name])
            try namespace.set("net/ipv4/tcp_keepalive_time", "701")
            _ = try agent.scrape()
            #expect(try agent.drift().drift.map(\.actual) == ["701"])
            #expect(exposition.value("netdrift_config_last_reload_successful") == 1)

            _ = try directory.get().write(
                "state.yml", "version: 1\nnamespaces: { \(other.name): { net.core.somaxconn: 5 } }\n")
            _ = try write(
                "namespaces: { include: [\(name), \(other.name)] }\nsysctls: [net.ipv4.tcp_early_retrans]\n"
                    + "baseline: state.yml\n"
                    + Self.rule("601", ", net.core.somaxconn: { same_as: baseline }"))
            #expect(try Self.reload(agent) == (200, "loaded\n"))
            exposition = try agent.scrape()
            #expect(exposition.namespaces == [name, other.name])
            #expect(exposition.sysctl("net.ipv4.tcp_early_retrans", in: name) != nil)
            #expect(exposition.value("netns_sysctl_drift_start_timestamp_seconds", series) == start)
            #expect(exposition.value("netns_first_seen_timestamp_seconds", ["netns": name]) == firstSeen)
            #expect(
                exposition.value("netns_sysctl_changes_total", ["netns": name, "sysctl": Self.keepalive]) == 1)
            #expect(exposition.series("netns_sysctl_drift_info", series).first?.labels["expected"] == "601")
            #expect(
                exposition.drifts(of: other.name).contains("net.core.somaxconn r baseline warning 1"))
            #expect(exposition.expectations(of: name)["absent"] == 1)

            // Less of everything, by the signal.
            _ = try write("namespaces: { exclude: [\(name)], include: [\(name), \(other.name)] }\nexpectations: []\n")
            agent.send(SIGHUP)
            let isReloaded = eventually {
                agent.log.components(separatedBy: "was loaded again").count == 3 ? true : nil
            }
            #expect(isReloaded == true)
            exposition = try agent.scrape()
            #expect(exposition.namespaces == [other.name])
            #expect(exposition.series("netns_sysctl_drift").isEmpty)
            #expect(exposition.sysctl("net.ipv4.tcp_early_retrans", in: other.name) == nil)
        }

        @Test("a bad file changes nothing, and is told with its lines; a good one then counts")
        func aBadFile() throws {
            let namespace = try NamedNamespace()
            let path = try write(Self.rule("600"))
            let agent = try AgentProcess([
                "--config.file=\(path)", "--web.enable-lifecycle", "--discovery.include=\(namespace.name)",
            ])
            let success = "netdrift_config_last_reload_successful"
            let time = "netdrift_config_last_reload_success_timestamp_seconds"
            let loaded = try #require(try agent.scrape().value(time))
            _ = try write("expectations:\n  - rule: r\n    sysctls: { net.ipv4.x: ~ }\n    servity: info\n")
            let (status, text) = try Self.reload(agent)
            #expect(status == 500 && text.contains("\(path):3:") && text.contains("\(path):4:5: "), "\(text)")
            #expect(agent.log.contains("\(path):4:5: "))
            var exposition = try agent.scrape()
            #expect(exposition.value(success) == 0 && exposition.value(time) == loaded)
            #expect(exposition.drifts(of: namespace.name) == ["\(Self.keepalive) r config warning 1"])
            // The state that a file names is part of it.
            _ = try write("baseline: gone.yml\n")
            #expect(try Self.reload(agent).status == 500)
            _ = try write(Self.rule("7200"))
            #expect(try Self.reload(agent).status == 200)
            exposition = try agent.scrape()
            #expect(exposition.value(success) == 1)
            #expect(try #require(exposition.value(time)) > loaded)
            #expect(exposition.drifts(of: namespace.name) == ["\(Self.keepalive) r config warning 0"])
        }

        @Test("over HTTP only where it is allowed, and by POST")
        func lifecycle() throws {
            let path = try write(Self.rule("600"))
            let closed = try AgentProcess(["--config.file=\(path)", "--discovery.include=none"])
            let (status, text) = try Self.reload(closed)
            #expect(status == 403 && text.contains("--web.enable-lifecycle"))
            #expect(!closed.log.contains("again"))
            let open = try AgentProcess(["--discovery.include=none", "--web.enable-lifecycle"])
            #expect(try open.get("/-/reload").status == 405)
            #expect(try Self.reload(open).status == 200)
            // Many at once are all answered.
            let address = try open.listening()
            let answers = try concurrently(20) { _ in
                try HTTPConnection.get(address, "/-/reload", [], method: "POST").status
            }
            #expect(answers == Array(repeating: 200, count: 20))
            #expect(open.stop() == 0)
        }
    }
}
