/// What an evaluation found.
public enum Verdict: Hashable, Sendable {
    /// The value is what was asked.
    case matched
    /// It is not.
    case drifted
    /// The expectation is that of another place, and that place has no value.
    case noReference
}

/// An expectation bound to the way its sysctl's values are compared: made once, evaluated at every scrape. A value that
/// matches is compared in place and allocates nothing.
public struct Check: Sendable {
    /// The expectation, for whoever wants to print it.
    public let expectation: Expectation
    private let condition: Condition

    /// Binds an expectation to a way of comparing.
    public init(_ expectation: Expectation, _ interpretation: SysctlInterpretation) {
        self.expectation = expectation
        condition = Condition(expectation, interpretation)
    }

    /// Binds an expectation to a sysctl.
    public init(_ expectation: Expectation, for name: SysctlName) {
        self.init(expectation, SysctlInterpretation(name))
    }

    /// Compares a value, as it was read, with an expectation that stands for itself; `noReference` when it does not.
    public func evaluate(_ actual: borrowing Span<UInt8>) -> Verdict {
        if case .same = condition { return .noReference }
        return condition.holds(actual) ? .matched : .drifted
    }

    /// Compares a value with what its reference has; where the expectation stands for itself, `reference` is not looked at.
    public func evaluate(_ actual: borrowing Span<UInt8>, reference: borrowing Span<UInt8>) -> Verdict {
        guard case .same(let interpretation) = condition else { return evaluate(actual) }
        return interpretation.areEqual(actual, reference) ? .matched : .drifted
    }
}

/// An expectation, compiled: numbers parsed, words split, sets sorted.
private indirect enum Condition: Sendable {
    case number(SysctlNumber)
    case elements([Element])
    case ports(PortSet)
    case words([Element])
    case compare(Expectation.Comparison, SysctlNumber)
    case range(ClosedRange<SysctlNumber>)
    case oneOf([Condition])
    case not(Condition)
    case tuple([Condition])
    case same(SysctlInterpretation)

    struct Element: Sendable {
        let text: [UInt8]
        /// nil when it is compared as text.
        let number: SysctlNumber?

        func matches(_ value: borrowing Span<UInt8>) -> Bool {
            if let number { return SysctlNumber(value) == number }
            return areSame(text.span, value)
        }
    }

    init(_ expectation: Expectation, _ interpretation: SysctlInterpretation) {
        switch expectation {
        case .equal(let text): self = Self.equal(text, interpretation)
        case .compare(let comparison, let number): self = .compare(comparison, number)
        case .range(let range): self = .range(range)
        case .oneOf(let choices): self = .oneOf(choices.map { Condition($0, interpretation) })
        case .not(let part): self = .not(Condition(part, interpretation))
        case .sameAs: self = .same(interpretation)
        case .tuple(let parts):
            // Of a set, a list names the members; what has no order has no first element.
            if let members = Self.texts(parts), interpretation == .ports || interpretation == .words {
                self = Self.equal(members.joined(separator: " "), interpretation)
            } else {
                self = .tuple(parts.map { Condition($0, interpretation) })
            }
        }
    }

    private static func texts(_ parts: [Expectation]) -> [String]? {
        var texts: [String] = []
        for part in parts {
            guard case .equal(let text) = part else { return nil }
            texts.append(text)
        }
        return texts
    }

    private static func equal(_ text: String, _ interpretation: SysctlInterpretation) -> Condition {
        let bytes = Array(text.utf8)
        if interpretation == .ports, let ports = PortSet(bytes.span) { return .ports(ports) }
        var elements: [Element] = []
        SysctlForm.forEachElement(of: bytes.span) { _, element in
            let number = interpretation == .elements ? SysctlNumber(element) : nil
            elements.append(Element(text: element.indices.map { element[$0] }, number: number))
        }
        if interpretation == .words { return .words(elements) }
        if elements.count == 1, let number = elements[0].number { return .number(number) }
        return .elements(elements)
    }

    func holds(_ value: borrowing Span<UInt8>) -> Bool {
        switch self {
        case .number(let number):
            return Self.number(value) == number
        case .compare(let comparison, let number):
            guard let actual = Self.number(value) else { return false }
            switch comparison {
            case .notEqual: return actual != number
            case .less: return actual < number
            case .lessOrEqual: return actual <= number
            case .greater: return actual > number
            case .greaterOrEqual: return actual >= number
            }
        case .range(let range):
            return Self.number(value).map(range.contains) ?? false
        case .elements(let elements):
            var position = 0
            for element in elements {
                guard let found = nextElement(value, &position), element.matches(value.extracting(found)) else {
                    return false
                }
            }
            return nextElement(value, &position) == nil
        case .tuple(let parts):
            var position = 0
            for part in parts {
                guard let found = nextElement(value, &position), part.holds(value.extracting(found)) else {
                    return false
                }
            }
            return nextElement(value, &position) == nil
        case .ports(let ports):
            return ports.isListed(in: value)
        case .words(let words):
            for word in words where !contains(value, word.text.span) { return false }
            var position = 0
            while let found = nextElement(value, &position) {
                guard words.contains(where: { $0.matches(value.extracting(found)) }) else { return false }
            }
            return true
        case .oneOf(let choices):
            for choice in choices where choice.holds(value) { return true }
            return false
        case .not(let part):
            return !part.holds(value)
        case .same:
            return false
        }
    }

    /// The one number that a value is; nil when it has more elements, or is no number.
    @inline(__always)
    private static func number(_ value: borrowing Span<UInt8>) -> SysctlNumber? {
        var position = 0
        guard let found = nextElement(value, &position), nextElement(value, &position) == nil else { return nil }
        return SysctlNumber(value.extracting(found))
    }
}

extension SysctlInterpretation {
    /// Whether two values are the same.
    public func areEqual(_ a: borrowing Span<UInt8>, _ b: borrowing Span<UInt8>) -> Bool {
        if areSame(a, b) { return true }
        switch self {
        case .ports:
            // Where one of them lists no ports, the text alone decides.
            if let ports = PortSet(a) { return ports.isListed(in: b) }
        case .words:
            return containsAll(a, of: b) && containsAll(b, of: a)
        case .elements, .text:
            break
        }
        var (inA, inB) = (0, 0)
        while true {
            let (first, second) = (nextElement(a, &inA), nextElement(b, &inB))
            guard let first, let second else { return first == nil && second == nil }
            let (elementOfA, elementOfB) = (a.extracting(first), b.extracting(second))
            if areSame(elementOfA, elementOfB) { continue }
            guard self == .elements, let number = SysctlNumber(elementOfA), number == SysctlNumber(elementOfB) else {
                return false
            }
        }
    }

    private func containsAll(_ whole: borrowing Span<UInt8>, of part: borrowing Span<UInt8>) -> Bool {
        var position = 0
        while let found = nextElement(part, &position) {
            if !contains(whole, part.extracting(found)) { return false }
        }
        return true
    }
}

/// The next element of a value at `position`, nil when only white space is left.
@inline(__always)
private func nextElement(_ value: borrowing Span<UInt8>, _ position: inout Int) -> Range<Int>? {
    while position < value.count, SysctlForm.isSpace(value[position]) { position += 1 }
    if position == value.count { return nil }
    let start = position
    while position < value.count, !SysctlForm.isSpace(value[position]) { position += 1 }
    return start..<position
}

private func contains(_ value: borrowing Span<UInt8>, _ word: borrowing Span<UInt8>) -> Bool {
    var position = 0
    while let found = nextElement(value, &position) {
        if areSame(value.extracting(found), word) { return true }
    }
    return false
}

@inline(__always)
private func areSame(_ a: borrowing Span<UInt8>, _ b: borrowing Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    for index in a.indices where a[index] != b[index] { return false }
    return true
}
