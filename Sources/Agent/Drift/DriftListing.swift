internal import FoundationEssentials
internal import NetnsCore

/// What drifted, for a person or a program: names are those of the labels.
struct DriftListing: Encodable {
    struct Entry: Encodable {
        let netns: String
        let sysctl: String
        let rule: String
        let source: String
        let severity: String
        let expected: String
        let actual: String?
        /// When it was first seen, RFC 3339; absent when there was no earlier look.
        let since: String?
        /// How to mend it: at once, and for good.
        let remedy: String
        /// Who wrote it last; absent where that was not heard.
        let written: WriteListing.Entry?
    }

    /// By severity, then namespace, sysctl and rule.
    let drift: [Entry]
    /// How many expectations are in each state.
    let expectations: [String: Int]
    /// The expectations that are absent or unreadable, of which nothing is known.
    let unknown: [Unknown]

    struct Unknown: Encodable {
        let netns: String
        let sysctl: String
        let rule: String
        let state: String
    }

    /// What the monitor's last evaluation of these namespaces found.
    init(_ namespaces: [NamespaceSample], _ monitor: DriftMonitor, tellsTime: Bool = true) {
        var drift: [(rank: Int, entry: Entry)] = []
        var unknown: [Unknown] = []
        var counts = Dictionary(uniqueKeysWithValues: ExpectationState.allCases.map { ($0.rawValue, 0) })
        for namespace in namespaces {
            guard let watch = monitor[namespace] else { continue }
            for (index, state) in watch.states.enumerated() {
                guard let state else { continue }
                counts[state.rawValue, default: 0] += 1
                let assertion = watch.list.assertions[index]
                switch state {
                case .matched: break
                case .drifted:
                    let remedy = Remedy(
                        assertion.sysctl, value: watch.wanted(index, host: monitor.host), in: Remedy.Place(namespace))
                    let entry = Entry(
                        netns: namespace.name, sysctl: assertion.sysctl.dotted, rule: assertion.rule,
                        source: assertion.source.rawValue, severity: assertion.severity.rawValue,
                        expected: watch.expected(index, host: monitor.host),
                        actual: watch.actual(index, namespace.sysctls),
                        since: tellsTime ? watch.since(index).map(Self.time) : nil, remedy: remedy.description,
                        written: monitor.lastWrite(assertion.sysctl, namespace).map { WriteListing.Entry($0) })
                    drift.append((Severity.allCases.firstIndex(of: assertion.severity) ?? 0, entry))
                case .absent, .unreadable:
                    unknown.append(
                        Unknown(
                            netns: namespace.name, sysctl: assertion.sysctl.dotted, rule: assertion.rule,
                            state: state.rawValue))
                }
            }
        }
        self.drift = drift.sorted {
            ($0.rank, $0.entry.netns, $0.entry.sysctl, $0.entry.rule) < (
                $1.rank, $1.entry.netns, $1.entry.sysctl, $1.entry.rule
            )
        }.map(\.entry)
        self.unknown = unknown
        expectations = counts
    }

    private static func time(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }

    /// The listing as JSON with sorted keys, ended by a line feed.
    func json(pretty: Bool) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
