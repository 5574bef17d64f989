/// What a metric family measures, by the words of OpenMetrics 1.0.
public enum MetricKind: Sendable {
    /// Only rises; its samples are named `NAME_total`.
    case counter
    /// May rise and fall.
    case gauge
    /// A constant 1 that carries text in its labels; its sample is named `NAME_info`.
    case info
    /// How often values fell below bounds, and their sum; its samples are named `NAME_bucket`, `NAME_sum` and `NAME_count`.
    case histogram
}

/// One metric family: its name, help text, kind and unit, with its two headers rendered once.
///
/// The name is that of the *sample* (`netns_network_receive_bytes_total`, `netns_info`), since that is what is queried.
/// OpenMetrics names the family without `_total` and `_info`; the text format 0.0.4 names it in full.
public struct MetricFamily: Sendable {
    /// The name of the samples.
    public let name: String
    /// One sentence, with the kernel's own name of what is measured.
    public let help: String
    /// The type.
    public let kind: MetricKind
    /// The base unit, which the family's name ends with, or nil: `bytes`, `seconds`.
    public let unit: String?

    let sampleName: [UInt8]
    private let textHeader: [UInt8]
    private let openMetricsHeader: [UInt8]

    /// A family; traps on a name that breaks the conventions, since families are literals of this program.
    public init(_ name: String, _ kind: MetricKind, unit: String? = nil, help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.help = help
        let family: String
        switch kind {
        case .counter:
            precondition(name.hasSuffix("_total"), "a counter ends in _total: \(name)")
            family = String(name.dropLast("_total".count))
        case .info:
            precondition(name.hasSuffix("_info"), "an info ends in _info: \(name)")
            family = String(name.dropLast("_info".count))
        case .gauge, .histogram:
            family = name
        }
        if let unit { precondition(family.hasSuffix("_" + unit), "the unit ends the name: \(name)") }
        sampleName = Array(name.utf8)

        let textType =
            switch kind {
            case .counter: "counter"
            case .gauge, .info: "gauge"
            case .histogram: "histogram"
            }
        textHeader = Array(
            "# HELP \(name) \(Self.escape(help, quotes: false))\n# TYPE \(name) \(textType)\n".utf8)
        let openType =
            switch kind {
            case .counter: "counter"
            case .gauge: "gauge"
            case .info: "info"
            case .histogram: "histogram"
            }
        let unitLine = unit.map { "# UNIT \(family) \($0)\n" } ?? ""
        openMetricsHeader = Array(
            "# HELP \(family) \(Self.escape(help, quotes: true))\n# TYPE \(family) \(openType)\n\(unitLine)".utf8)
    }

    func header(_ format: ExpositionFormat) -> [UInt8] {
        format.isOpenMetrics ? openMetricsHeader : textHeader
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var out = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\"" where quotes: out += "\\\""
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }
}
