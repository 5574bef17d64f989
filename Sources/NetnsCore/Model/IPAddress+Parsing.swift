extension IPAddress {
    /// The address that a text is, in the forms of inet_pton(3) and no other: four decimal numbers without leading zeros,
    /// or the eight groups of RFC 4291 section 2.2 with at most one `::`, where the last two may be four decimal numbers.
    /// No scope, no prefix length, no brackets, no space around it.
    public init?(_ text: String) { unsafe self.init(parsing: Array(text.utf8).span.bytes) }

    /// As `init(_:)`, of a text's bytes; no text is longer than 45 of them.
    public init?(parsing text: borrowing RawSpan) {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        var isIPv6 = false
        for offset in 0..<min(text.byteCount, 46) where text.loadByte(at: offset) == UInt8(ascii: ":") {
            isIPv6 = true
        }
        if isIPv6 {
            guard text.byteCount <= 45, Self.parseGroups(text, into: &bytes) else { return nil }
            unsafe self.init(bytes.span.bytes)
        } else {
            guard text.byteCount <= 15, Self.parseDecimal(text, from: 0, into: &bytes, at: 0) else { return nil }
            unsafe self.init(bytes.span.bytes.extracting(0..<4))
        }
    }

    /// `D.D.D.D` from `start` to the end of the text, as four bytes at `position`.
    private static func parseDecimal(
        _ text: borrowing RawSpan, from start: Int, into bytes: inout InlineArray<16, UInt8>, at position: Int
    ) -> Bool {
        var offset = start
        for index in 0..<4 {
            if index > 0 {
                guard offset < text.byteCount, text.loadByte(at: offset) == UInt8(ascii: ".") else { return false }
                offset += 1
            }
            let first = offset
            var value = 0
            while offset < text.byteCount, offset - first < 3 {
                let digit = text.loadByte(at: offset) &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                value = value * 10 + Int(digit)
                offset += 1
            }
            let hasLeadingZero = offset - first > 1 && text.loadByte(at: first) == UInt8(ascii: "0")
            guard offset > first, value <= 255, !hasLeadingZero else { return false }
            bytes[position + index] = UInt8(value)
        }
        return offset == text.byteCount
    }

    private static func parseGroups(_ text: borrowing RawSpan, into bytes: inout InlineArray<16, UInt8>) -> Bool {
        var position = 0
        var gap: Int?
        var offset = 0
        if text.loadByte(at: 0) == UInt8(ascii: ":") {
            guard text.byteCount > 1, text.loadByte(at: 1) == UInt8(ascii: ":") else { return false }
            gap = 0
            offset = 2
        }
        while offset < text.byteCount {
            let first = offset
            var value: UInt16 = 0
            while offset < text.byteCount, offset - first < 5, let digit = digit(text.loadByte(at: offset)) {
                value = value << 4 | digit
                offset += 1
            }
            if offset < text.byteCount, text.loadByte(at: offset) == UInt8(ascii: ".") {
                guard position <= 12, parseDecimal(text, from: first, into: &bytes, at: position) else { return false }
                position += 4
                break
            }
            guard offset > first, offset - first <= 4, position <= 14 else { return false }
            bytes[position] = UInt8(value >> 8)
            bytes[position + 1] = UInt8(truncatingIfNeeded: value)
            position += 2
            guard offset < text.byteCount else { break }
            guard text.loadByte(at: offset) == UInt8(ascii: ":") else { return false }
            offset += 1
            // One colon has to be followed by something, the second of two need not.
            guard offset < text.byteCount else { return false }
            if text.loadByte(at: offset) == UInt8(ascii: ":") {
                guard gap == nil else { return false }
                gap = position
                offset += 1
            }
        }
        guard let gap else { return position == 16 }
        guard position < 16 else { return false }
        let moved = position - gap
        for index in 0..<moved {
            bytes[15 - index] = bytes[position - 1 - index]
            bytes[position - 1 - index] = 0
        }
        return true
    }

    private static func digit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
