/// Who says what a sysctl should be. The raw value is the label `source`.
public enum ExpectationSource: String, CaseIterable, Sendable {
    /// A rule in the configuration file.
    case config
    /// The container's own OCI spec: what the user asked the runtime for.
    case declared
    /// What the host has now.
    case host
    /// What a new namespace has on this kernel.
    case fresh
    /// A saved state.
    case baseline
}

/// Where a value to compare with is read: `same_as`.
public enum Reference: String, CaseIterable, Sendable {
    /// The host's namespace, now.
    case host
    /// A new namespace on this kernel.
    case fresh
    /// A saved state of the same namespace.
    case baseline

    /// The source of an expectation that compares with it.
    public var source: ExpectationSource {
        switch self {
        case .host: .host
        case .fresh: .fresh
        case .baseline: .baseline
        }
    }
}

/// What a rule asks of a sysctl's value, as it was written: not yet bound to a sysctl, which decides how values are
/// compared (`Check`).
public indirect enum Expectation: Hashable, Sendable {
    /// How a number is compared.
    public enum Comparison: String, CaseIterable, Sendable {
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// The value is this one. A text of several words is as many elements.
    case equal(String)
    /// The value is one number that compares so.
    case compare(Comparison, SysctlNumber)
    /// The value is one number within these two, which belong to it: `1024..65535`.
    case range(ClosedRange<SysctlNumber>)
    /// The value is what one of these asks.
    case oneOf([Expectation])
    /// The value is anything but what this asks.
    case not(Expectation)
    /// The value has as many elements as this, and each is what its own asks.
    case tuple([Expectation])
    /// The value is what another place has. It stands alone: within another expectation it is met by nothing.
    case sameAs(Reference)

    /// Where the value to compare with is read, nil when the expectation says itself what it wants.
    public var reference: Reference? {
        guard case .sameAs(let reference) = self else { return nil }
        return reference
    }
}

extension Expectation: CustomStringConvertible {
    /// As a person and the label `expected` see it: `600`, `>= 4096`, `1024..65535`, `one of bbr, cubic`, `not 0`,
    /// `4096 131072 >=6291456`, `same as host`.
    public var description: String {
        switch self {
        case .equal(let text): text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        case .compare(let comparison, let number): "\(comparison.rawValue) \(number)"
        case .range(let range): "\(range.lowerBound)..\(range.upperBound)"
        case .oneOf(let choices): "one of " + choices.map(\.description).joined(separator: ", ")
        case .not(let expectation): "not \(expectation)"
        case .tuple(let elements): elements.map(\.asElement).joined(separator: " ")
        case .sameAs(let reference): "same as \(reference.rawValue)"
        }
    }

    /// With the value that the reference has now: `same as host (7200)`.
    public func description(reference value: String?) -> String {
        guard reference != nil, let value else { return description }
        return "\(self) (\(value))"
    }

    /// As one element of several: no white space outside parentheses.
    private var asElement: String {
        switch self {
        case .compare(let comparison, let number): "\(comparison.rawValue)\(number)"
        case .oneOf, .not: "(\(self))"
        default: description
        }
    }
}
