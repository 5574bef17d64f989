/// The two families of IP; the raw value is the kernel's AF_INET or AF_INET6.
public enum IPFamily: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    /// AF_INET
    case ipv4 = 2
    /// AF_INET6
    case ipv6 = 10

    /// IPv4 before IPv6.
    public static func < (a: IPFamily, b: IPFamily) -> Bool { a.rawValue < b.rawValue }

    /// The word of the label `family`.
    public var name: StaticString {
        switch self {
        case .ipv4: "ipv4"
        case .ipv6: "ipv6"
        }
    }
}

/// An IPv4 or IPv6 address, stored in place.
public struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes in network order.
    private var bytes: InlineBytes<16>

    /// An address of 4 or 16 bytes in network order; nil of any other number.
    public init?(_ bytes: borrowing RawSpan) {
        guard bytes.byteCount == 4 || bytes.byteCount == 16 else { return nil }
        self.bytes = InlineBytes(bytes)
    }

    /// Which family it is of.
    public var family: IPFamily { bytes.count == 4 ? .ipv4 : .ipv6 }

    /// Calls `body` with its 4 or 16 bytes in network order.
    public func withSpan<R>(_ body: (borrowing Span<UInt8>) -> R) -> R { bytes.withSpan(body) }

    /// Whether it is of 169.254.0.0/16 or fe80::/10: of a link, and meaning nothing beyond it.
    public var isLinkLocal: Bool {
        switch family {
        case .ipv4: bytes[0] == 169 && bytes[1] == 254
        case .ipv6: bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
        }
    }

    /// Whether it is of 127.0.0.0/8, or ::1.
    public var isLoopback: Bool {
        switch family {
        case .ipv4: bytes[0] == 127
        case .ipv6: self == IPAddress.loopback6
        }
    }

    /// Whether it may be one host's: not 0.0.0.0 and ::, multicast, or the broadcast of all links.
    public var isOfOneHost: Bool {
        switch family {
        case .ipv4:
            !(224...239).contains(bytes[0]) && text != InlineBytes("0.0.0.0") && text != InlineBytes("255.255.255.255")
        case .ipv6: bytes[0] != 0xFF && text != InlineBytes("::")
        }
    }

    private static let loopback6 = IPAddress(repeating: 0, last: 1)

    private init(repeating byte: UInt8, last: UInt8) {
        bytes = InlineBytes()
        for _ in 0..<15 { bytes.append(byte) }
        bytes.append(last)
    }
    /// Its 4 or 16 bytes in network order.
    public var octets: [UInt8] { (0..<bytes.count).map { bytes[$0] } }

    /// Its text as inet_ntop(3) and ip(8) write it, which for IPv6 is that of RFC 5952: lower case, no leading zeros, the
    /// first of the longest runs of two or more zero groups as `::`, and the last four bytes of an IPv4-mapped or
    /// IPv4-compatible address in decimal. Allocates nothing.
    public var text: InlineBytes<48> {
        var text = InlineBytes<48>()
        if bytes.count == 4 { appendDecimal(from: 0, to: &text) } else { appendGroups(to: &text) }
        return text
    }

    private func appendGroups(to text: inout InlineBytes<48>) {
        let zeros = longestRunOfZeros
        // ::192.0.2.1 and ::ffff:192.0.2.1
        let endsInDecimal =
            zeros.lowerBound == 0 && (zeros.count == 6 || (zeros.count == 5 && group(5) == 0xFFFF))
        var position = 0
        while position < (endsInDecimal ? 6 : 8) {
            if position == zeros.lowerBound, !zeros.isEmpty {
                text.append(UInt8(ascii: ":"))
                position = zeros.upperBound
                if position == 8 { text.append(UInt8(ascii: ":")) }
                continue
            }
            if position > 0 { text.append(UInt8(ascii: ":")) }
            Self.append(hexadecimal: group(position), to: &text)
            position += 1
        }
        if endsInDecimal {
            text.append(UInt8(ascii: ":"))
            appendDecimal(from: 12, to: &text)
        }
    }

    private func group(_ position: Int) -> UInt16 {
        UInt16(bytes[position * 2]) << 8 | UInt16(bytes[position * 2 + 1])
    }

    /// The first of the longest runs of at least two groups that are zero; empty when there is none.
    private var longestRunOfZeros: Range<Int> {
        var longest = 0..<0
        var start = 0
        for position in 0..<8 {
            if group(position) != 0 { start = position + 1 }
            let count = position + 1 - start
            if count >= 2, count > longest.count { longest = start..<position + 1 }
        }
        return longest
    }

    private static func append(hexadecimal group: UInt16, to text: inout InlineBytes<48>) {
        var shift = 12
        while shift > 0, group >> UInt16(shift) == 0 { shift -= 4 }
        while shift >= 0 {
            let digit = UInt8(group >> UInt16(shift) & 15)
            text.append(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a"))
            shift -= 4
        }
    }

    private func appendDecimal(from start: Int, to text: inout InlineBytes<48>) {
        for position in start..<start + 4 {
            if position > start { text.append(UInt8(ascii: ".")) }
            let byte = bytes[position]
            if byte >= 100 { text.append(byte / 100 + UInt8(ascii: "0")) }
            if byte >= 10 { text.append(byte / 10 % 10 + UInt8(ascii: "0")) }
            text.append(byte % 10 + UInt8(ascii: "0"))
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by the bytes.
    public static func < (a: IPAddress, b: IPAddress) -> Bool {
        guard a.bytes.count == b.bytes.count else { return a.bytes.count < b.bytes.count }
        for position in 0..<a.bytes.count where a.bytes[position] != b.bytes[position] {
            return a.bytes[position] < b.bytes[position]
        }
        return false
    }
}

extension IPAddress: CustomStringConvertible {
    /// `text` as a string.
    public var description: String { text.description }
}
