/// Text out of bytes that somebody else chose: interface names, mount points, command lines.
public enum PrintableText {
    /// The bytes as a string in which nothing is lost: a byte that is not part of well-formed UTF-8 becomes `\xHH`, as
    /// do control characters, so that a name can neither break a terminal nor look like another one.
    public static func string(_ bytes: borrowing Span<UInt8>) -> String {
        var plain = true
        for index in bytes.indices where bytes[index] < 0x20 || bytes[index] >= 0x7F {
            plain = false
            break
        }
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        if plain { return String(decoding: copy, as: UTF8.self) }
        return string(copy[...])
    }

    /// As `string(_:)`, of an array's bytes.
    public static func string(_ bytes: [UInt8]) -> String { string(bytes.span) }

    private static func string(_ bytes: ArraySlice<UInt8>) -> String {
        var result = ""
        var decoder = UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var consumed = bytes.startIndex
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let encoded):
                let scalar = UTF8.decode(encoded)
                consumed += encoded.count
                if isControl(scalar) {
                    for byte in encoded { result += escape(byte) }
                } else {
                    result.unicodeScalars.append(scalar)
                }
            case .error(let length):
                for byte in bytes[consumed..<consumed + length] { result += escape(byte) }
                consumed += length
            case .emptyInput:
                return result
            }
        }
    }

    /// C0, DEL, C1, and the marks that change the direction of what follows (a name may not rewrite its line).
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func escape(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return "\\x" + (digits.utf8.count < 2 ? "0" + digits : digits)
    }
}
