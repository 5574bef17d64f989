import TestSupport

@testable import NetnsCore

/// Bytes out of annotated hex: what is behind a `#` on a line is a remark.
func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in text.split(separator: "\n") {
        let digits = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
        var rest = digits[...]
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
    }
    return bytes
}

extension SplitMix64 {
    /// Some bytes changed, put in or left out.
    mutating func mutation(of bytes: [UInt8], alphabet: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...next() % 4 {
            let position = Int(next() % UInt64(bytes.count + 1))
            let byte =
                next() % 2 == 0 ? UInt8(truncatingIfNeeded: next()) : alphabet[Int(next() % UInt64(alphabet.count))]
            switch next() % 5 {
            case 0: bytes.insert(byte, at: position)
            case 1 where position < bytes.count: bytes.remove(at: position)
            case 2 where next() % 4 == 0: bytes.removeLast(bytes.count - position)
            case 3 where position < bytes.count: bytes[position] ^= 1 << UInt8(next() % 8)
            default: if position < bytes.count { bytes[position] = byte }
            }
        }
        return bytes
    }
}
