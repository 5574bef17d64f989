import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The files of deploy/ that Prometheus and Alertmanager load, and the runbook.
    @Suite struct RulesTests {
        @Test("promtool and amtool accept what is shipped", .needs(.tool("promtool"), .tool("amtool")))
        func accepted() throws {
            try Command.check("promtool", "check", "config", Shipped.path(Shipped.prometheus))
            for name in Shipped.rules {
                try Command.check("promtool", "check", "rules", Shipped.path("deploy/prometheus/\(name)"))
            }
            try Command.check("amtool", "check-config", Shipped.path(Shipped.alertmanager))
        }

        @Test("the cases of the rules hold", .needs(.tool("promtool")))
        func cases() throws {
            let result = try Command.run(["promtool", "test", "rules"] + Shipped.ruleTests(), timeout: 120)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        @Test("each alert is complete, in the runbook, and tested", .needs(.tool("prometheus"), .tool("curl")))
        func complete() throws {
            let alerts = try rules(agent: "127.0.0.1:1").filter(\.isAlert)
            #expect(alerts.count >= 16)
            let sections = try Set(
                Shipped.text("docs/runbook.md").split(separator: "\n").filter { $0.hasPrefix("## ") }
                    .map { $0.dropFirst(3).lowercased().replacing(" ", with: "-") })
            let (fires, rests) = try tested()
            for alert in alerts {
                let name = alert.name
                #expect(name.hasPrefix("Netdrift") || name.hasPrefix("Netns"))
                #expect((alert.duration ?? 0) > 0, "\(name) has no `for`")
                #expect(
                    ["critical", "warning", "info", "{{ $labels.severity }}"].contains(alert.labels?["severity"]),
                    "\(name) has no severity")
                let annotations = alert.annotations ?? [:]
                #expect(annotations["summary"]?.contains("{{") == false, "the summary of \(name)")
                #expect(annotations["description"]?.isEmpty == false, "the description of \(name)")
                #expect(annotations["runbook_url"] == "docs/runbook.md#\(name.lowercased())")
                #expect(sections.contains(name.lowercased()), "the runbook has no section for \(name)")
                #expect(fires.contains(name), "no case in which \(name) fires")
                #expect(rests.contains(name), "no case in which \(name) does not fire")
            }
            #expect(sections.count == Set(alerts.map(\.name)).count, "sections without an alert")
        }

        @Test(
            "rules and runbook name metrics that there are, and Prometheus can evaluate the rules",
            .needs(.root, .tool("ip"), .tool("prometheus"), .tool("curl")))
        func metrics() throws {
            let wired = try WiredNamespace()
            let agent = try AgentProcess(["--discovery.include=\(wired.name)"])
            let rules = try rules(agent: try agent.listening())
            #expect(rules.allSatisfy { $0.health == "ok" }, "\(rules.filter { $0.health != "ok" })")

            // All that it can export: much is there only where something has drifted, failed, or is tracked.
            let families = try Command.check(AgentProcess.binary, "metrics").split(separator: "\n").dropFirst()
            let histograms = families.filter { $0.contains("\thistogram\t") }.map {
                $0.prefix { $0 != "\t" } + "_bucket"
            }
            let known = Set(families.map { String($0.prefix { $0 != "\t" }) }).union(histograms.map(String.init))
                .union(rules.filter { !$0.isAlert }.map(\.name))
            var named = names(in: try Shipped.text("docs/runbook.md"))
            for rule in rules {
                named.formUnion(names(in: rule.query))
                for text in (rule.annotations ?? [:]).values { named.formUnion(names(in: text)) }
            }
            #expect(named.count > 20)
            #expect(named.subtracting(known).sorted() == [])
        }

        /// The rules as Prometheus understood them, each evaluated at least once.
        private func rules(agent: String) throws -> [PrometheusRule] {
            let directory = try TemporaryDirectory()
            let config = try Shipped.copyRules(to: directory, agent: agent, alertmanager: "127.0.0.1:1")
            let prometheus = try Prometheus(config: config, in: directory)
            let rules = try eventually(within: 60) { () -> [PrometheusRule]? in
                // With what was scraped, not before.
                guard try prometheus.value("count_over_time(up[1m])").map({ $0 > 2 }) == true else { return nil }
                let rules = try prometheus.rules()
                return rules.isEmpty || rules.contains { $0.health == "unknown" } ? nil : rules
            }
            guard let rules else { throw Trouble("Prometheus does not evaluate the rules") }
            return rules
        }

        /// What looks like a metric of ours; a name that ends in an underscore is part of a regular expression.
        private func names(in text: String) -> Set<String> {
            let words = text.matches(of: /[a-zA-Z_][a-zA-Z0-9_:]*/).map { String($0.output) }
            return Set(words).filter { word in
                guard !word.hasSuffix("_"), !word.hasSuffix(":") else { return false }
                return word.hasPrefix("netns_") || word.hasPrefix("netdrift_") || word.contains(":netns_")
            }
        }

        /// The alerts of which a case of promtool's says that they fire, and that they do not.
        private func tested() throws -> (fires: Set<String>, rests: Set<String>) {
            var (fires, rests): (Set<String>, Set<String>) = ([], [])
            for path in try Shipped.ruleTests() {
                var name = ""
                for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                    let words = line.split(separator: " ")
                    if words.starts(with: ["-", "alertname:"]), words.count == 3 { name = String(words[2]) }
                    guard words.first == "exp_alerts:" else { continue }
                    if words.last == "[]" { rests.insert(name) } else { fires.insert(name) }
                }
            }
            return (fires, rests)
        }
    }
}
