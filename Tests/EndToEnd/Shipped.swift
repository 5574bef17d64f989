import Foundation

/// The files of this checkout that are delivered beside the program.
enum Shipped {
    /// The checkout.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let rules = ["netdrift-rules.yml", "netdrift-alerts.yml"]
    static let prometheus = "deploy/prometheus/prometheus.yml"
    static let alertmanager = "deploy/alertmanager/alertmanager.yml"

    /// What scripts/install-tools installed.
    static let tools = path(".build/tools/bin")
    static let toolPython = "\(tools)/python"
    static let kubectl = "\(tools)/kubectl"

    static func path(_ name: String) -> String { "\(root)/\(name)" }

    static func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// The paths of the cases for `promtool test rules`.
    static func ruleTests() throws -> [String] {
        let directory = path("deploy/prometheus/tests")
        return try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yml") }.sorted()
            .map { "\(directory)/\($0)" }
    }

    /// Copies the rules and Prometheus's configuration to a directory, with everything that takes time taking a second,
    /// and gives the path of the configuration.
    static func copyRules(to directory: TemporaryDirectory, agent: String, alertmanager: String) throws -> String {
        for name in rules {
            let text = try text("deploy/prometheus/\(name)")
            _ = try directory.write(name, text.replacing(/for: \d+[a-z]+/, with: "for: 1s"))
        }
        let text = try text(prometheus)
        return try directory.write(
            "prometheus.yml",
            replacing(
                in: text,
                [
                    ("scrape_interval: 15s", "scrape_interval: 1s"), ("scrape_timeout: 10s", "scrape_timeout: 1s"),
                    ("evaluation_interval: 15s", "evaluation_interval: 1s"), ("127.0.0.1:10124", agent),
                    ("127.0.0.1:9093", alertmanager),
                ]))
    }

    /// Copies Alertmanager's configuration to a directory, without its patience.
    static func copyAlertmanager(to directory: TemporaryDirectory, receiver: String) throws -> String {
        let text = try text(alertmanager).replacing(/(group_wait|group_interval): \d+[a-z]+/) { "\($0.output.1): 1s" }
        return try directory.write("alertmanager.yml", replacing(in: text, [("127.0.0.1:9095", receiver)]))
    }

    /// Throws when there is nothing to replace: the file has changed, and the test would not test what it says.
    private static func replacing(in text: String, _ changes: [(String, String)]) throws -> String {
        try changes.reduce(into: text) { text, change in
            guard text.contains(change.0) else { throw Trouble("there is no '\(change.0)' in a file that is shipped") }
            text = text.replacing(change.0, with: change.1)
        }
    }
}
