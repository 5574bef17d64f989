/// User and password of an Authorization header.
package struct BasicCredentials: Equatable {
    package let user: String
    package let password: [UInt8]

    /// Nil for what is not `Basic` and base64 of `user:password` (RFC 7617).
    package init?(header: String) {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, ASCII.equalIgnoringCase(String(parts[0]), "Basic"),
            let bytes = Self.base64(parts[1].drop { $0 == " " }.utf8),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let user = String(validating: bytes[..<colon], as: UTF8.self)
        else { return nil }
        self.user = user
        password = Array(bytes[bytes.index(after: colon)...])
    }

    /// The bytes of a base64 text (RFC 4648, section 4), padded or not; nil for any other.
    private static func base64(_ text: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        var digits = 0
        var padding = 0
        for byte in text {
            let digit: UInt32
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(byte - UInt8(ascii: "A"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(byte - UInt8(ascii: "a")) + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte - UInt8(ascii: "0")) + 52
            case UInt8(ascii: "+"): digit = 62
            case UInt8(ascii: "/"): digit = 63
            case UInt8(ascii: "="):
                padding += 1
                continue
            default: return nil
            }
            guard padding == 0 else { return nil }
            digits += 1
            bits = bits << 6 | digit
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard padding <= 2, digits % 4 != 1, padding == 0 || (digits + padding) % 4 == 0 else { return nil }
        return bytes
    }
}
