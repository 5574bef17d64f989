/// The registers of a rule, in which each byte is known or not.
struct FilterRegisters {
    /// `struct nft_regs`: 20 words of 32 bits, of which the first four are the verdict.
    static let byteCount = 80
    private var bytes = [UInt8](repeating: 0, count: byteCount)
    private var known = [Bool](repeating: false, count: byteCount)

    /// Whether one holds.
    enum Answer {
        case yes, no, maybe

        var inverted: Answer {
            switch self {
            case .yes: .no
            case .no: .yes
            case .maybe: .maybe
            }
        }
    }

    /// Some bytes; nil is one that is not known. What is beyond the end is not known either.
    func read(_ register: Int, _ length: Int) -> [UInt8?] {
        (register..<register + length).map { $0 >= 0 && $0 < Self.byteCount && known[$0] ? bytes[$0] : nil }
    }

    /// Writes bytes, and zeros to the word's end as the kernel does.
    mutating func write(_ register: Int, _ value: [UInt8?]) {
        let padding = [UInt8?](repeating: 0, count: (4 - value.count % 4) % 4)
        for (offset, byte) in (value + padding).enumerated() {
            let position = register + offset
            guard position >= 0, position < Self.byteCount else { return }
            bytes[position] = byte ?? 0
            known[position] = byte != nil
        }
    }

    /// Nothing is known any more.
    mutating func forget() {
        for position in known.indices { known[position] = false }
    }

    /// Whether a value, of which some bytes may not be known, is below, equal to or above bytes, as memcmp(3) has it.
    static func compare(_ value: [UInt8?], _ bytes: [UInt8], _ comparison: FilterExpression.Comparison) -> Answer {
        switch comparison {
        case .equal: return isEqual(value, bytes)
        case .notEqual: return isEqual(value, bytes).inverted
        case .less, .lessOrEqual, .greater, .greaterOrEqual: break
        }
        for (byte, other) in zip(value, bytes) where byte != other {
            guard let byte else { return .maybe }
            let isBelow = comparison == .less || comparison == .lessOrEqual
            return (byte < other) == isBelow ? .yes : .no
        }
        return comparison == .lessOrEqual || comparison == .greaterOrEqual ? .yes : .no
    }

    private static func isEqual(_ value: [UInt8?], _ bytes: [UInt8]) -> Answer {
        var answer = Answer.yes
        for (byte, other) in zip(value, bytes) where byte != other {
            if byte != nil { return .no }
            answer = .maybe
        }
        return answer
    }

    /// Whether a value is within both bounds.
    static func isWithin(_ value: [UInt8?], _ first: [UInt8], _ last: [UInt8]) -> Answer {
        let (above, below) = (compare(value, first, .greaterOrEqual), compare(value, last, .lessOrEqual))
        if above == .no || below == .no { return .no }
        return above == .yes && below == .yes ? .yes : .maybe
    }
}
