/// Why a text is no expectation, or one that its sysctl can never meet: what is wrong and what to write.
public struct ExpectationError: Error, Hashable, CustomStringConvertible {
    /// One sentence, to be put behind the place it was found in.
    public let description: String

    init(_ description: String) { self.description = description }
}

extension Expectation {
    /// Reads an expectation from a text: values, comparisons (`>= 4096`, `!= 0`) and ranges (`1024..65535`), as many as
    /// the sysctl has elements, with white space between. The empty text is the empty value.
    public init(_ text: String) throws(ExpectationError) {
        var terms: [Expectation] = []
        var words = text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }[...]
        while let word = words.popFirst() {
            if let (comparison, rest) = Self.operation(word) {
                // White space after an operator is free: `>= 4096` and `>=4096` are the same.
                guard let operand = rest.isEmpty ? words.popFirst() : rest else {
                    throw ExpectationError("'\(word)' compares with nothing: write a number after it, as in >= 4096")
                }
                guard let number = SysctlNumber(operand) else {
                    throw ExpectationError("'\(word)' compares numbers, and '\(operand)' is none of 64 bits")
                }
                try Self.refuseOctal(operand)
                terms.append(comparison.map { .compare($0, number) } ?? .equal(operand))
            } else if let range = try Self.range(word) {
                terms.append(.range(range))
            } else {
                terms.append(.equal(word))
            }
        }
        switch terms.count {
        case 0: self = .equal("")
        case 1: self = terms[0]
        default: self = .tuple(terms)
        }
    }

    /// The operator a word begins with (nil: `=`) and what follows it.
    private static func operation(_ word: String) -> (comparison: Comparison?, rest: String)? {
        // The longer ones first.
        for comparison in [Comparison.notEqual, .lessOrEqual, .greaterOrEqual, .less, .greater]
        where word.utf8.starts(with: comparison.rawValue.utf8) {
            return (comparison, String(word.unicodeScalars.dropFirst(comparison.rawValue.utf8.count)))
        }
        guard word.utf8.first == UInt8(ascii: "=") else { return nil }
        return (nil, String(word.unicodeScalars.dropFirst(word.utf8.starts(with: "==".utf8) ? 2 : 1)))
    }

    private static func range(_ word: String) throws(ExpectationError) -> ClosedRange<SysctlNumber>? {
        let bytes = Array(word.utf8)
        let dot = UInt8(ascii: ".")
        guard bytes.count > 2,
            let middle = bytes.indices.dropLast().first(where: { bytes[$0] == dot && bytes[$0 + 1] == dot })
        else { return nil }
        let ends = [bytes[..<middle], bytes[(middle + 2)...]].map { String(decoding: $0, as: UTF8.self) }
        guard let low = SysctlNumber(ends[0]), let high = SysctlNumber(ends[1]) else {
            throw ExpectationError("'\(word)' is no range: write two numbers, as in 1024..65535")
        }
        for end in ends { try refuseOctal(end) }
        guard low <= high else {
            throw ExpectationError("'\(word)' is a range that runs backwards: write \(high)..\(low)")
        }
        return low...high
    }

    /// A number that begins with 0 is octal when it is written to a sysctl, and decimal to whoever wrote it.
    private static func refuseOctal(_ text: String) throws(ExpectationError) {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard digits.count > 1, digits.first == UInt8(ascii: "0"), digits.allSatisfy({ $0 &- 0x30 < 10 }) else {
            return
        }
        let decimal = String(decoding: digits.drop { $0 == UInt8(ascii: "0") }, as: UTF8.self)
        throw ExpectationError(
            "'\(text)' begins with 0, which the kernel reads as octal: write '\(decimal.isEmpty ? "0" : decimal)'")
    }
}

extension Expectation {
    /// Throws when no value of the sysctls that `pattern` names can ever be what is asked, or the text is a trap: a
    /// comparison of what is no number, a word where the kernel has 0 and 1, `1_000`, `1e3`, `010`.
    public func validate(for pattern: SysctlPattern) throws(ExpectationError) {
        switch pattern.interpretation {
        case .elements: try forEachWord { (word) throws(ExpectationError) in try Self.refuseTrap(word) }
        case .ports:
            try refuseComparison("is a set of ports")
            try forEachWord { (word) throws(ExpectationError) in
                let utf8 = word.utf8Span
                if PortSet(utf8.span) == nil {
                    throw ExpectationError("'\(word)' is no list of ports: write it as in 8080,9000-9010")
                }
                for port in word.split(whereSeparator: { $0 == "," || $0 == "-" }) {
                    try Self.refuseOctal(String(port))
                }
            }
        case .text: try refuseComparison("is text")
        case .words: try refuseComparison("is a set of words")
        case nil: break
        }
    }

    private func forEachWord(_ body: (String) throws(ExpectationError) -> Void) throws(ExpectationError) {
        switch self {
        case .equal(let text): for word in text.split(whereSeparator: \.isWhitespace) { try body(String(word)) }
        case .oneOf(let parts), .tuple(let parts): for part in parts { try part.forEachWord(body) }
        case .not(let part): try part.forEachWord(body)
        case .compare, .range, .sameAs: break
        }
    }

    private func refuseComparison(_ what: String) throws(ExpectationError) {
        switch self {
        case .compare, .range:
            throw ExpectationError("the sysctl \(what): '\(self)' compares numbers")
        case .oneOf(let parts), .tuple(let parts): for part in parts { try part.refuseComparison(what) }
        case .not(let part): try part.refuseComparison(what)
        case .equal, .sameAs: break
        }
    }

    private static func refuseTrap(_ word: String) throws(ExpectationError) {
        switch word.lowercased() {
        case "yes", "true", "on": throw ExpectationError("'\(word)' is no value of a sysctl: write 1")
        case "no", "false", "off": throw ExpectationError("'\(word)' is no value of a sysctl: write 0")
        default: break
        }
        try refuseOctal(word)
        // A word that begins as a number and goes on as one of another language: the kernel never shows such a thing.
        let digits = word.utf8.first == UInt8(ascii: "-") ? word.utf8.dropFirst() : word.utf8[...]
        guard let first = digits.first, first &- 0x30 < 10, SysctlNumber(word) == nil else { return }
        if digits.allSatisfy({ $0 &- 0x30 < 10 }) {
            throw ExpectationError("'\(word)' does not fit into 64 bits")
        }
        let others = digits.filter { $0 &- 0x30 >= 10 }
        let marks: [[UInt8]] = ["_", ".", "e", "E", "o", "O", "b", "B"].map { Array($0.utf8) }
        if marks.contains(others) || (!others.isEmpty && others.allSatisfy { $0 == UInt8(ascii: "_") }) {
            throw ExpectationError("'\(word)' is no number to the kernel: write its digits alone, as in 1000, or 0x10")
        }
    }
}

extension SysctlPattern {
    /// How the values of all it names are compared; nil for wildcards that name sysctls of several kinds.
    var interpretation: SysctlInterpretation? {
        if let literal { return SysctlInterpretation(literal) }
        let isMixed = BuiltinSysctls.text.contains { (try? SysctlName($0)).map(matches) ?? false }
        return isMixed ? nil : .elements
    }

    /// The one sysctl it names, nil when it has wildcards.
    public var literal: SysctlName? {
        var parts: [String] = []
        for component in components {
            guard let bytes = component.literal else { return nil }
            parts.append(String(decoding: bytes, as: UTF8.self))
        }
        return SysctlName(components: parts)
    }
}
