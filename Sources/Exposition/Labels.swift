extension ByteBuffer {
    /// Opens a label set with its first label: `{NAME="VALUE"`. The writer of a sample closes it.
    public func openLabels(_ name: StaticString, _ value: borrowing Span<UInt8>) {
        append(UInt8(ascii: "{"))
        append(name)
        append("=\"" as StaticString)
        appendEscaped(value)
        append(UInt8(ascii: "\""))
    }

    /// Adds a label to an open set: `,NAME="VALUE"`.
    public func addLabel(_ name: StaticString, _ value: borrowing Span<UInt8>) {
        append(UInt8(ascii: ","))
        append(name)
        append("=\"" as StaticString)
        appendEscaped(value)
        append(UInt8(ascii: "\""))
    }

    /// Adds a label to an open set, unless there is no value or an empty one: to Prometheus an empty label is none.
    public func addLabel(_ name: StaticString, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        let utf8 = value.utf8Span
        addLabel(name, utf8.span)
    }

    /// Adds a label with a literal in which nothing needs to be escaped.
    public func addLabel(_ name: StaticString, _ value: StaticString) {
        append(UInt8(ascii: ","))
        append(name)
        append("=\"" as StaticString)
        append(value)
        append(UInt8(ascii: "\""))
    }

    /// Adds a label with a number.
    public func addLabel(_ name: StaticString, _ value: UInt64) {
        append(UInt8(ascii: ","))
        append(name)
        append("=\"" as StaticString)
        append(decimal: value)
        append(UInt8(ascii: "\""))
    }

    /// Appends a label's value with `\`, `"` and line feed escaped, as both formats ask.
    ///
    /// A byte that is not part of valid UTF-8, and NUL, are written as `\xHH` (and so as `\\xHH` in the exposition): a
    /// parser refuses the whole scrape for one bad byte, and two names that differ only in such bytes stay two series.
    public func appendEscaped(_ value: borrowing Span<UInt8>) {
        var start = 0
        var index = 0
        let end = value.count
        while index < end {
            let byte = value[index]
            if byte >= 0x80 {
                let length = UTF8Scan.scalarLength(value, at: index)
                if length > 0 {
                    index += length
                    continue
                }
                append(value.extracting(start..<index))
                append("\\\\x" as StaticString)
                append(hex: byte)
            } else if byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") {
                append(value.extracting(start..<index))
                append(UInt8(ascii: "\\"))
                append(byte)
            } else if byte == UInt8(ascii: "\n") {
                append(value.extracting(start..<index))
                append("\\n" as StaticString)
            } else if byte == 0 {
                append(value.extracting(start..<index))
                append("\\\\x00" as StaticString)
            } else {
                index += 1
                continue
            }
            index += 1
            start = index
        }
        append(value.extracting(start..<end))
    }

    /// Appends a byte as two hexadecimal digits.
    public func append(hex byte: UInt8) {
        for nibble in [byte >> 4, byte & 15] {
            append(nibble < 10 ? nibble + UInt8(ascii: "0") : nibble - 10 + UInt8(ascii: "a"))
        }
    }
}

/// Validation of UTF-8 one scalar at a time. Source: RFC 3629 section 4.
enum UTF8Scan {
    /// The length of the well-formed scalar at `index`, or 0 when there is none.
    static func scalarLength(_ bytes: borrowing Span<UInt8>, at index: Int) -> Int {
        let first = bytes[index]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xED: (length, high) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, high) = (4, 0x8F)
        default: return 0
        }
        guard index + length <= bytes.count else { return 0 }
        let second = bytes[index + 1]
        guard second >= low && second <= high else { return 0 }
        var next = index + 2
        while next < index + length {
            guard bytes[next] & 0xC0 == 0x80 else { return 0 }
            next += 1
        }
        return length
    }
}
