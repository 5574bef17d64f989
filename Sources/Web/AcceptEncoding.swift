/// What a client said about content codings in its `Accept-Encoding` header (RFC 9110, section 12.5.3).
///
/// Only `gzip` (with its alias `x-gzip`) and `identity` are of interest: nothing else is ever sent. Parsing is pure and
/// takes any text: an element that does not follow the grammar counts as absent, which is the safe side, since
/// `identity` is then sent.
public struct AcceptEncoding: Sendable, Equatable {
    /// The weight given to gzip, in thousandths: 0 is refused, `nil` is not mentioned (not even by `*`).
    public let gzipWeight: Int?

    /// The weight given to the unencoded form, in thousandths: 0 is refused, `nil` is not mentioned.
    public let identityWeight: Int?

    /// Parses a header's value; `nil` is an absent header.
    public init(_ header: String?) {
        var gzip: Int?
        var identity: Int?
        var any: Int?
        for element in (header ?? "").utf8.split(separator: UInt8(ascii: ",")) {
            guard let (coding, weight) = Self.parse(element) else { continue }
            // One that is listed twice keeps its lower weight: to refuse gzip never breaks a client.
            switch coding {
            case "gzip", "x-gzip": gzip = min(gzip ?? 1000, weight)
            case "identity": identity = min(identity ?? 1000, weight)
            case "*": any = min(any ?? 1000, weight)
            default: break
            }
        }
        gzipWeight = gzip ?? any
        // `*` refuses the unencoded form but does not ask for it: with "gzip;q=0.5, *" gzip is what the client wants.
        identityWeight = identity ?? (any == 0 ? 0 : nil)
    }

    /// Whether the client takes a gzip body at all.
    public var acceptsGzip: Bool { (gzipWeight ?? 0) > 0 }

    /// Whether the client refuses an unencoded body (`identity;q=0`, or `*;q=0` without a word on identity).
    ///
    /// A server that can send nothing else may still send it (RFC 9110, section 12.5.3).
    public var refusesIdentity: Bool { identityWeight == 0 }

    /// Whether gzip is to be sent: it is accepted, and not less wanted than the unencoded form.
    public var prefersGzip: Bool { acceptsGzip && (gzipWeight ?? 0) >= (identityWeight ?? 0) }

    /// One element, as coding in lower case and weight; `nil` when it does not follow the grammar.
    private static func parse(_ element: Substring.UTF8View.SubSequence) -> (coding: String, weight: Int)? {
        var parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)[...]
        guard let first = parts.popFirst() else { return nil }
        let coding = trim(first)
        guard !coding.isEmpty, !coding.contains(where: isSpace) else { return nil }
        var weight = 1000
        for part in parts {
            let parameter = trim(part)
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = trim(parameter[..<equals])
            guard lowercased(name) == "q" else { continue }
            guard let parsed = thousandths(trim(parameter[parameter.index(after: equals)...])) else { return nil }
            weight = parsed
        }
        return (lowercased(coding), weight)
    }

    /// A qvalue: `0` or `1`, with at most three decimals, not above 1.
    private static func thousandths(_ text: Substring.UTF8View) -> Int? {
        var digits = text[...]
        guard let whole = digits.popFirst(), whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else {
            return nil
        }
        var value = whole == UInt8(ascii: "1") ? 1000 : 0
        if let point = digits.popFirst() {
            guard point == UInt8(ascii: "."), digits.count <= 3 else { return nil }
            var scale = 100
            for digit in digits {
                guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
                value += Int(digit - UInt8(ascii: "0")) * scale
                scale /= 10
            }
        }
        return value <= 1000 ? value : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func trim(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var text = text
        while let first = text.first, isSpace(first) { text.removeFirst() }
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    private static func lowercased(_ text: Substring.UTF8View) -> String {
        String(decoding: text.map { ASCII.lowercased($0) }, as: UTF8.self)
    }
}
