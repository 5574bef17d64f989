import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Containers that do not have what they declared, in every answer.
    @Suite(.needs(.root, .tool("runc"), .tool("busybox"), .tool("nsenter"))) struct DriftTests {
        private static let keepalive = "net.ipv4.tcp_keepalive_time"
        private static let path = "net/ipv4/tcp_keepalive_time"

        @Test("a declared value that is changed from the host is told at the next scrape, until it is put back")
        func declared() throws {
            let container = try Container(keepalive: 600)
            let flags = ["--path.runc=\(container.root)", "--discovery.include=\(container.id)"]
            let agent = try AgentProcess(flags)
            let name = container.id
            let rule = ["netns": name, "sysctl": Self.keepalive, "rule": "as-declared"]
            let whole = rule.merging(["source": "declared", "severity": "critical"]) { $1 }
            let changes = ["netns": name, "sysctl": Self.keepalive]

            var exposition = try agent.scrape()
            #expect(exposition.value("netns_sysctl_drift", whole) == 0)
            #expect(exposition.value("netns_sysctl_changes_total", changes) == 0)
            #expect(exposition.series("netns_sysctl_drift_info").isEmpty)
            #expect(exposition.expectations(of: name) == ["absent": 0, "drifted": 0, "matched": 1, "unreadable": 0])
            #expect(try agent.drift().drift.isEmpty && agent.driftLines.isEmpty)

            let before = Date().timeIntervalSince1970
            try container.set(Self.path, "700")
            exposition = try agent.scrape()
            #expect(exposition.value("netns_sysctl_drift", whole) == 1)
            let info = rule.merging(["expected": "600", "actual": "700"]) { $1 }
            #expect(exposition.value("netns_sysctl_drift_info", info) == 1)
            #expect(exposition.value("netns_sysctl_changes_total", changes) == 1)
            #expect(exposition.expectations(of: name) == ["absent": 0, "drifted": 1, "matched": 0, "unreadable": 0])
            let start = try #require(exposition.value("netns_sysctl_drift_start_timestamp_seconds", rule))
            #expect(start >= before - 0.01 && start <= Date().timeIntervalSince1970)

            // It goes on from when it began, whatever is asked in between, and is told once.
            _ = try agent.scrape("/metrics?collect[]=interface")
            for target in ["/metrics?collect[]=drift", "/metrics?exclude[]=sysctl", "/metrics"] {
                exposition = try agent.scrape(target)
                #expect(exposition.value("netns_sysctl_drift_start_timestamp_seconds", rule) == start, "\(target)")
                #expect(exposition.value("netns_sysctl_changes_total", changes) == 1)
            }
            let lines = agent.driftLines
            #expect(lines.count == 1)
            for part in [
                "a sysctl drifted", "netns=\(name)", "sysctl=\(Self.keepalive)", "rule=as-declared", "source=declared",
                "severity=critical", "expected=600", "actual=700", "old=600",
            ] { #expect(lines.first?.contains(part) == true, "\(part): \(lines)") }

            let told = try agent.drift()
            let entry = try #require(told.drift.first)
            #expect(told.drift.count == 1 && told.unknown.isEmpty)
            #expect(told.expectations == ["absent": 0, "drifted": 1, "matched": 0, "unreadable": 0])
            #expect(entry.netns == name && entry.sysctl == Self.keepalive && entry.rule == "as-declared")
            #expect(entry.source == "declared" && entry.severity == "critical")
            #expect(entry.expected == "600" && entry.actual == "700")
            let since = try #require(entry.since.flatMap { ISO8601DateFormatter().date(from: $0) })
            #expect(abs(since.timeIntervalSince1970 - start) <= 1)
            #expect(entry.remedy.contains("nsenter") && entry.remedy.contains("linux.sysctl"))

            let checked = try DriftReport.check(flags)
            #expect(checked.status == 1)
            let one = try #require(checked.report.drift.first)
            #expect(one.since == nil && one.remedy == entry.remedy && one.actual == "700")
            #expect(checked.report.expectations == told.expectations)
            let text = try AgentProcess.run(["check"] + flags)
            #expect(text.status == 1 && text.errors.isEmpty)
            #expect(text.output.contains("\(name)  \(Self.keepalive)  critical\n"))
            #expect(text.output.contains("  expected 600  actual 700  rule as-declared (declared)\n"))
            #expect(text.output.hasSuffix("0 matched, 1 drifted, 0 absent, 0 unreadable\n"))

            // What is printed mends it.
            let now = try #require(text.output.firstMatch(of: /now: (nsenter .*?)(?: \(|\n)/)).output.1
            try Command.check("sh", "-c", String(now))
            exposition = try agent.scrape()
            #expect(exposition.value("netns_sysctl_drift", whole) == 0)
            #expect(exposition.series("netns_sysctl_drift_info").isEmpty)
            #expect(exposition.series("netns_sysctl_drift_start_timestamp_seconds").isEmpty)
            #expect(exposition.value("netns_sysctl_changes_total", changes) == 2)
            #expect(agent.driftLines.count == 2)
            #expect(agent.driftLines.last?.contains("a sysctl is no longer drifted") == true)
            #expect(try DriftReport.check(flags).status == 0)
        }

        @Test("one that ends leaves nothing, and another of its name begins anew")
        func comesAndGoes() throws {
            let container = try Container(keepalive: 600)
            let agent = try AgentProcess([
                "--path.runc=\(container.root)", "--discovery.include=\(container.id)", "--collect.min-interval=0s",
            ])
            try container.set(Self.path, "700")
            let rule = ["netns": container.id, "sysctl": Self.keepalive, "rule": "as-declared"]
            let start = try #require(
                try agent.scrape().value("netns_sysctl_drift_start_timestamp_seconds", rule))
            container.delete()
            let exposition = try agent.scrape()
            #expect(exposition.samples.keys.allSatisfy { $0.labels["netns"] != container.id })
            #expect(try agent.drift().drift.isEmpty)
            let other = try Container(keepalive: 601, id: container.id, beside: container)
            #expect(try agent.scrape().drifts(of: other.id) == ["\(Self.keepalive) as-declared declared critical 0"])
            try other.set(Self.path, "700")
            let second = try agent.scrape()
            #expect(try #require(second.value("netns_sysctl_drift_start_timestamp_seconds", rule)) > start)
            #expect(second.value("netns_sysctl_changes_total", ["netns": other.id, "sysctl": Self.keepalive]) == 1)
        }

        @Test("what is declared is read there and nowhere else, and a key is not")
        func declaredAndNotInTheList() throws {
            let key = "00000000-00000000-00000000-00000000"
            let container = try Container(
                keepalive: 600,
                sysctls: [
                    "net.ipv4.tcp_early_retrans": "0", "net.ipv4.tcp_fastopen_key": key,
                ])
            let agent = try AgentProcess(["--path.runc=\(container.root)", "--collector.sysctl.exclude=net.ipv4.*"])
            let exposition = try agent.scrape()
            #expect(exposition.sysctl("net.ipv4.tcp_early_retrans", in: container.id) == 0)
            #expect(exposition.sysctls(of: "host").isDisjoint(with: ["net.ipv4.tcp_early_retrans", Self.keepalive]))
            #expect(
                exposition.drifts(of: container.id) == [
                    "net.ipv4.tcp_early_retrans as-declared declared critical 0",
                    "\(Self.keepalive) as-declared declared critical 0",
                ])
            #expect(exposition.expectations(of: container.id)["absent"] == 0)
            try container.set("net/ipv4/tcp_early_retrans", "3")
            #expect(
                try agent.scrape().drifts(of: container.id).first
                    == "net.ipv4.tcp_early_retrans as-declared declared critical 1")
            let answers = try ["/metrics", "/api/v1/drift", "/api/v1/namespaces"].map { try agent.get($0).text ?? "" }
            for text in answers + [agent.log] {
                #expect(!text.contains("fastopen_key") && !text.contains(key))
            }
        }
    }
}
