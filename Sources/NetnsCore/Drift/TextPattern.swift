internal import Synchronization

/// A pattern over a name: a glob, or a regular expression after a `~`. Either has to match the whole text, as a matcher
/// of Prometheus does: `~web-.*`, not `~web-`.
public struct TextPattern: Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Sendable {
        case glob(Glob)
        case regex(SharedRegex)
    }

    private let kind: Kind
    /// The pattern as it was written.
    public let description: String

    /// Compiles a pattern; throws when what follows the `~` is no regular expression.
    public init(_ text: String) throws(ExpectationError) {
        description = text
        guard text.utf8.first == UInt8(ascii: "~") else {
            kind = .glob(Glob(text))
            return
        }
        let expression = String(text.unicodeScalars.dropFirst())
        guard !expression.isEmpty else { throw ExpectationError("'~' is followed by no regular expression") }
        do { kind = .regex(SharedRegex(try Regex(expression).matchingSemantics(.unicodeScalar))) } catch {
            throw ExpectationError("'\(expression)' is no regular expression: \(error)")
        }
    }

    /// The one text it matches, nil when there may be several.
    public var literal: String? {
        guard case .glob(let glob) = kind, let bytes = glob.literal else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the whole text matches.
    public func matches(_ text: String) -> Bool {
        switch kind {
        case .glob(let glob): glob.matches(text)
        case .regex(let regex): regex.matches(text)
        }
    }

    /// By what was written.
    public static func == (a: Self, b: Self) -> Bool { a.description.utf8.elementsEqual(b.description.utf8) }

    /// By what was written.
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

/// A compiled regular expression that threads share.
///
/// Concurrency: the expression is used by one thread at a time.
private final class SharedRegex: Sendable {
    private let regex: Mutex<Regex<AnyRegexOutput>>

    init(_ regex: sending Regex<AnyRegexOutput>) { self.regex = Mutex(regex) }

    func matches(_ text: String) -> Bool { regex.withLock { ((try? $0.wholeMatch(in: text)) ?? nil) != nil } }
}
