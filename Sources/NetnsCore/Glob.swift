/// A shell pattern: `*` any run of characters, `?` one, `[a-z]` one of a set, `[!a-z]` one not of it, `\` takes the next
/// character as it is. It has to match the whole text. Source: glob(7), without its special treatment of `/` and `.`.
public struct Glob: Hashable, Sendable, CustomStringConvertible {
    private enum Token: Hashable, Sendable {
        case any
        case one
        case byte(UInt8)
        case set([ClosedRange<UInt8>], negated: Bool)
    }

    private let pattern: String
    private let tokens: [Token]

    /// The pattern as it was written.
    public var description: String { pattern }

    /// Whether it matches one text only.
    public var isLiteral: Bool { literal != nil }

    /// The one text it matches, nil when it has wildcards.
    public var literal: [UInt8]? {
        var bytes: [UInt8] = []
        for token in tokens {
            guard case .byte(let byte) = token else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Compiles a pattern; a `[` without its `]` is an ordinary character, as in the shell.
    public init(_ pattern: String) {
        self.pattern = pattern
        var tokens: [Token] = []
        let bytes = Array(pattern.utf8)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "*"):
                if tokens.last != .any { tokens.append(.any) }
            case UInt8(ascii: "?"):
                tokens.append(.one)
            case UInt8(ascii: "\\") where index + 1 < bytes.count:
                index += 1
                tokens.append(.byte(bytes[index]))
            case UInt8(ascii: "["):
                if let (token, end) = Self.set(bytes, from: index) {
                    tokens.append(token)
                    index = end
                } else {
                    tokens.append(.byte(bytes[index]))
                }
            case let byte:
                tokens.append(.byte(byte))
            }
            index += 1
        }
        self.tokens = tokens
    }

    /// Parses a set that begins at `start`, and gives where its `]` is.
    private static func set(_ bytes: [UInt8], from start: Int) -> (Token, Int)? {
        var index = start + 1
        var negated = false
        if index < bytes.count, bytes[index] == UInt8(ascii: "!") || bytes[index] == UInt8(ascii: "^") {
            negated = true
            index += 1
        }
        var ranges: [ClosedRange<UInt8>] = []
        let first = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "]"), index > first { return (.set(ranges, negated: negated), index) }
            if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "-"), bytes[index + 2] != UInt8(ascii: "]") {
                if byte <= bytes[index + 2] { ranges.append(byte...bytes[index + 2]) }
                index += 3
            } else {
                ranges.append(byte...byte)
                index += 1
            }
        }
        return nil
    }

    /// Whether the whole text matches.
    public func matches(_ text: String) -> Bool {
        let utf8 = text.utf8Span
        return matches(utf8.span)
    }

    /// Whether all the bytes match. Time is at most pattern length times text length.
    public func matches(_ text: borrowing Span<UInt8>) -> Bool {
        var position = 0
        var token = 0
        var retry: (token: Int, position: Int)?
        while position < text.count {
            if token < tokens.count, tokens[token] == .any {
                retry = (token, position)
                token += 1
                continue
            }
            // `?` and a negated set take a whole UTF-8 scalar, not a byte of one.
            if token < tokens.count, let length = Self.accepts(tokens[token], text, at: position) {
                token += 1
                position += length
                continue
            }
            guard let back = retry else { return false }
            retry = (back.token, back.position + 1)
            token = back.token + 1
            position = back.position + 1
        }
        while token < tokens.count, tokens[token] == .any { token += 1 }
        return token == tokens.count
    }

    private static func accepts(_ token: Token, _ text: borrowing Span<UInt8>, at position: Int) -> Int? {
        let byte = text[position]
        switch token {
        case .any: return nil
        case .byte(let wanted): return byte == wanted ? 1 : nil
        case .one: return scalarLength(text, at: position)
        case .set(let ranges, let negated):
            let found = ranges.contains { $0.contains(byte) }
            guard found != negated else { return nil }
            return negated ? scalarLength(text, at: position) : 1
        }
    }

    private static func scalarLength(_ text: borrowing Span<UInt8>, at position: Int) -> Int {
        var end = position + 1
        if text[position] >= 0xC0 {
            while end < text.count, end < position + 4, text[end] & 0xC0 == 0x80 { end += 1 }
        }
        return end - position
    }
}
