import Foundation
import TestSupport

/// What `netdrift check --json` and `/api/v1/drift` say.
struct DriftReport: Decodable, Equatable {
    struct Entry: Decodable, Equatable {
        let netns, sysctl, rule, source, severity, expected: String
        let actual, since: String?
        let remedy: String
    }

    struct Unknown: Decodable, Equatable {
        let netns, sysctl, rule, state: String
    }

    let drift: [Entry]
    let expectations: [String: Int]
    let unknown: [Unknown]

    init(_ data: Data) throws { self = try JSONDecoder().decode(DriftReport.self, from: data) }

    /// `netdrift check --json`, with its exit status.
    static func check(_ flags: [String]) throws -> (status: Int32, report: DriftReport) {
        let result = try AgentProcess.run(["check", "--json"] + flags)
        guard result.errors.isEmpty else { throw Trouble(result.errors) }
        return (result.status, try DriftReport(Data(result.output.utf8)))
    }
}

extension AgentProcess {
    /// What the API says of drift, which has to answer.
    func drift() throws -> DriftReport {
        let answer = try get("/api/v1/drift")
        guard answer.status == 200 else { throw Trouble("\(answer.status) \(answer.text ?? "")") }
        return try DriftReport(answer.body)
    }

    /// The lines of the log about a sysctl's drift, without their time.
    var driftLines: [String] {
        logLines.filter { $0.contains("drifted") }.map { line in
            line.split(separator: " ").filter { !$0.hasPrefix("time=") && !$0.hasPrefix("ts=") }.joined(separator: " ")
        }
    }
}

extension Exposition {
    /// `STATE COUNT` of a namespace's expectations, sorted.
    func expectations(of netns: String) -> [String: Double] {
        var counts: [String: Double] = [:]
        for series in series("netns_sysctl_expectations", ["netns": netns]) {
            if let state = series.labels["state"] { counts[state] = samples[series].flatMap { Double($0) } }
        }
        return counts
    }

    /// Of the drift of a namespace: `SYSCTL RULE SOURCE SEVERITY VALUE`, sorted.
    func drifts(of netns: String) -> [String] {
        series("netns_sysctl_drift", ["netns": netns]).map { series in
            ["sysctl", "rule", "source", "severity"].map { series.labels[$0] ?? "" }.joined(separator: " ")
                + " \(samples[series] ?? "")"
        }.sorted()
    }
}

extension Container {
    /// Sets a sysctl of its namespace from the host, by its path below /proc/sys.
    func set(_ path: String, _ value: String) throws {
        try Command.check(
            "nsenter", "--target", "\(pid)", "--net", "sh", "-c", "printf '%s' \"$2\" > \"/proc/sys/$1\"", "sh", path,
            value)
    }
}
