internal import FoundationEssentials
internal import NetnsCore

/// What the probes found, for a person or a program: names are those of the labels. What is not known is left out.
struct ProbeListing: Encodable {
    struct Entry: Encodable {
        let netns: String
        let probe: String
        let kind: String
        let target: String
        let socket: String?
        /// Whether the last try was answered; absent before the first has ended.
        let success: Bool?
        /// Why it was not.
        let reason: String?
        /// Since when tries end so, seconds since the epoch.
        let since: Double?
        let lastTry: Double?
        /// Of the last answer.
        let rttSeconds: Double?
        /// Over the last packets.
        let lossRatio: Double?
        let sent: UInt64
        let received: UInt64
        let duplicates: UInt64
        let late: UInt64
        let failures: [String: UInt64]
    }

    let probes: [Entry]

    /// The results in the order of the namespaces, which are sorted by name.
    init(_ namespaces: [NamespaceSample], _ results: [ProbeResult]) {
        let known = Dictionary(grouping: results) { $0.serial }
        probes = namespaces.flatMap { namespace in (known[namespace.serial] ?? []).map { Entry(namespace.name, $0) } }
    }

    func json(pretty: Bool) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}

extension ProbeListing.Entry {
    fileprivate init(_ netns: String, _ result: ProbeResult) {
        let statistics = result.statistics
        var failures: [String: UInt64] = [:]
        for failure in ProbeFailure.allCases where statistics.failures(failure) > 0 {
            failures[failure.rawValue] = statistics.failures(failure)
        }
        self.init(
            netns: netns, probe: result.probe, kind: result.kind.rawValue, target: result.target,
            socket: result.socket?.rawValue, success: statistics.isSuccess, reason: statistics.failure?.rawValue,
            since: statistics.since, lastTry: statistics.lastTry, rttSeconds: statistics.lastRoundTrip,
            lossRatio: statistics.loss, sent: statistics.sent, received: statistics.received,
            duplicates: statistics.duplicates, late: statistics.late, failures: failures)
    }
}
