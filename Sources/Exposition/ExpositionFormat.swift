/// The two languages a Prometheus understands, and the choice between them.
///
/// Source: Prometheus "Exposition formats" 0.0.4, OpenMetrics 1.0, RFC 9110 section 12.5.1 (Accept).
public enum ExpositionFormat: Sendable, Hashable {
    /// `text/plain; version=0.0.4`
    case text
    /// `application/openmetrics-text; version=1.0.0`
    case openMetrics
    /// The same bytes under the draft's name, for a client that asks only for `version=0.0.1`.
    case openMetricsDraft

    var isOpenMetrics: Bool { self != .text }

    /// The value of the Content-Type header; Prometheus 3 fails a scrape whose Content-Type it does not know.
    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .openMetricsDraft: "application/openmetrics-text; version=0.0.1; charset=utf-8"
        }
    }

    /// The format for an Accept header: the offer with the highest q-value; of equals, the one listed first. Without a
    /// header, or when nothing matches or can be read, text 0.0.4, which every client of an exporter reads.
    public static func negotiate(accept: String?) -> ExpositionFormat {
        guard let accept else { return .text }
        var best: (format: ExpositionFormat, quality: Double)?
        var refused: Set<ExpositionFormat> = []
        for range in accept.split(separator: ",").prefix(64) {
            guard let offer = MediaRange(range), let format = offer.format else { continue }
            if offer.quality == 0 {
                refused.insert(format)
            } else if best.map({ offer.quality > $0.quality }) ?? true {
                best = (format, offer.quality)
            }
        }
        guard let best, !refused.contains(best.format) else { return .text }
        return best.format
    }
}

/// One element of an Accept header.
private struct MediaRange {
    let type: String
    let version: String?
    let quality: Double

    /// nil when it cannot be read, which leaves that element out and no other.
    init?(_ text: Substring) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.trim)
        guard let first = parts.first, first.contains("/") else { return nil }
        type = first.lowercased()
        var version: String?
        var quality = 1.0
        for parameter in parts.dropFirst() {
            guard let equals = parameter.firstIndex(of: "=") else { continue }
            let value = Self.trim(parameter[parameter.index(after: equals)...])
            switch Self.trim(parameter[..<equals]).lowercased() {
            case "q":
                guard let number = Double(value), number >= 0, number <= 1 else { return nil }
                quality = number
            case "version":
                version =
                    value.hasPrefix("\"") && value.hasSuffix("\"") && value.utf8.count >= 2
                    ? String(value.dropFirst().dropLast()) : String(value)
            default:
                break
            }
        }
        self.version = version
        self.quality = quality
    }

    /// What we have for it, nil when nothing.
    var format: ExpositionFormat? {
        switch (type, version) {
        case ("application/openmetrics-text", "1.0.0"), ("application/openmetrics-text", nil): .openMetrics
        case ("application/openmetrics-text", "0.0.1"): .openMetricsDraft
        case ("text/plain", "0.0.4"), ("text/plain", nil), ("text/*", _), ("*/*", _): .text
        default: nil
        }
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
