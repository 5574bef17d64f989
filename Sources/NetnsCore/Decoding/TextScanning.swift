extension RawSpan {
    /// Whether these bytes stand at `offset`; eight at a time, since the names of one file have 2,500.
    @inline(__always)
    func holds(_ bytes: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, bytes.count <= byteCount - offset else { return false }
        let other = unsafe bytes.span.bytes
        var index = 0
        while index + 8 <= bytes.count {
            if load(UInt64.self, at: offset + index) != other.load(UInt64.self, at: index) { return false }
            index += 8
        }
        while index < bytes.count {
            if loadByte(at: offset + index) != other.loadByte(at: index) { return false }
            index += 1
        }
        return true
    }

    /// Whether these bytes in `range` are those of a literal.
    @inline(__always)
    func equals(_ literal: StaticString, in range: Range<Int>) -> Bool {
        guard literal.utf8CodeUnitCount == range.count else { return false }
        for index in 0..<range.count where unsafe loadByte(at: range.lowerBound + index) != literal.utf8Start[index] {
            return false
        }
        return true
    }

    /// The offset behind the next line feed; nil when there is none.
    @inline(__always)
    func endOfLine(from offset: Int) -> Int? {
        var offset = offset
        while offset < byteCount {
            if loadByte(at: offset) == UInt8(ascii: "\n") { return offset + 1 }
            offset += 1
        }
        return nil
    }

    /// Reads a word as a decimal number, and moves `offset` behind it; nil when it is none, or does not fit.
    @inline(__always)
    func decimal(at offset: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var isNumber = offset < byteCount && loadByte(at: offset) > 0x20
        while offset < byteCount {
            let byte = loadByte(at: offset)
            guard byte > 0x20 else { break }
            let digit = byte &- UInt8(ascii: "0")
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if digit > 9 || overflow || carry { isNumber = false }
            value = sum
            offset += 1
        }
        return isNumber ? value : nil
    }

    /// Reads a word as a hexadecimal number, and moves `offset` behind it; nil when it is none, or does not fit.
    func hexadecimal(at offset: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var isNumber = offset < byteCount && loadByte(at: offset) > 0x20
        while offset < byteCount, loadByte(at: offset) > 0x20 {
            let digit: UInt8
            switch loadByte(at: offset) {
            case let byte where (0x30...0x39).contains(byte): digit = byte - 0x30
            case let byte where (0x61...0x66).contains(byte): digit = byte - 0x57
            case let byte where (0x41...0x46).contains(byte): digit = byte - 0x37
            default:
                digit = 0
                isNumber = false
            }
            if value >> 60 != 0 { isNumber = false }
            value = value << 4 | UInt64(digit)
            offset += 1
        }
        return isNumber ? value : nil
    }

    /// A copy of some bytes.
    func bytes(_ range: Range<Int>) -> [UInt8] { range.map { loadByte(at: $0) } }
}
