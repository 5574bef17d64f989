/// A domain name in the form that DNS messages carry. Source: RFC 1035 section 3.1.
public struct DNSName: Sendable {
    /// Why a text is no domain name.
    public enum Problem: Error, Hashable, Sendable {
        /// It has no character.
        case empty
        /// Two dots stand side by side, or one in front.
        case emptyLabel
        /// What is between two dots has more than 63 bytes.
        case labelTooLong
        /// It has more than 253 bytes, a last dot not counted.
        case tooLong
        /// It has a byte that is not printable ASCII, or a space.
        case character(UInt8)
    }

    /// Labels with their lengths, and the root's 0: at most 255 bytes.
    package let wire: [UInt8]

    /// The name that a text is, with or without the last dot. `.` is the root. A backslash is no escape.
    public init(_ text: String) throws(Problem) {
        guard !text.isEmpty else { throw .empty }
        var wire: [UInt8] = []
        if text != "." {
            var bytes = Array(text.utf8)
            if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
            for label in bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
                guard !label.isEmpty else { throw .emptyLabel }
                if let byte = label.first(where: { $0 <= 0x20 || $0 >= 0x7F }) { throw .character(byte) }
                guard label.count <= 63 else { throw .labelTooLong }
                wire.append(UInt8(label.count))
                wire += label
            }
        }
        guard wire.count < 255 else { throw .tooLong }
        self.wire = wire + [0]
    }

    /// The name at `offset` of a message, which is moved behind it; nil where there is no whole one.
    ///
    /// Each compression pointer has to lead further to the front than everything read before it, so that no message can
    /// make this run in circles. Source: RFC 1035 section 4.1.4.
    init?(decoding message: borrowing RawSpan, at offset: inout Int) {
        var wire: [UInt8] = []
        var position = offset
        var floor = offset
        var end: Int?
        while position < message.byteCount {
            let length = message.loadByte(at: position)
            switch length {
            case 0:
                self.wire = wire + [0]
                offset = end ?? position + 1
                return
            case 1...63:
                let next = position + 1 + Int(length)
                // The root's byte has to fit as well.
                guard next <= message.byteCount, wire.count + 1 + Int(length) < 255 else { return nil }
                for index in position..<next { wire.append(message.loadByte(at: index)) }
                position = next
            case 0xC0...:
                guard position + 2 <= message.byteCount else { return nil }
                let target = Int(length & 0x3F) << 8 | Int(message.loadByte(at: position + 1))
                guard target < floor else { return nil }
                if end == nil { end = position + 2 }
                position = target
                floor = target
            default:
                // 0x40 and 0x80 were never given a meaning that lasted.
                return nil
            }
        }
        return nil
    }
}

extension DNSName: Hashable {
    /// Equal whatever the case of ASCII letters. Source: RFC 4343.
    public static func == (a: DNSName, b: DNSName) -> Bool {
        a.wire.count == b.wire.count && zip(a.wire, b.wire).allSatisfy { folded($0) == folded($1) }
    }

    /// Hashes the name in lower case.
    public func hash(into hasher: inout Hasher) { for byte in wire { hasher.combine(Self.folded(byte)) } }

    /// A letter in lower case; lengths are below all letters, and stay what they are.
    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
