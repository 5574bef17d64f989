/// An ICMP or ICMPv6 echo request. Source: RFC 792 page 14, RFC 4443 section 4.1.
public struct EchoRequest: Sendable, Hashable {
    /// The sizes a message may have: 8 bytes of header and 8 of nonce, to what fits into an IPv4 packet.
    public static let sizes = 16...65_515

    /// Whether it is ICMP or ICMPv6.
    public var family: IPFamily
    /// What tells our replies from those of another program. A ping socket puts its own in its place (icmp(7)).
    public var identifier: UInt16
    /// Which request it is.
    public var sequence: UInt16
    /// What only who got the request can know: a reply that was not asked for cannot have it.
    public var nonce: UInt64
    /// Bytes of the whole ICMP message, without the IP header; what is outside `sizes` is taken to its nearest end.
    public var size: Int

    /// A request; of 64 bytes as ping(8) sends them unless it says otherwise.
    public init(family: IPFamily, identifier: UInt16, sequence: UInt16, nonce: UInt64, size: Int = 64) {
        self.family = family
        self.identifier = identifier
        self.sequence = sequence
        self.nonce = nonce
        self.size = size
    }

    /// The message: header, nonce in network order, then each byte its own offset modulo 256.
    ///
    /// The checksum is there for IPv4. For IPv6 it is 0: it covers the source address, which the kernel chooses, and the
    /// kernel always fills it in (RFC 3542 section 3.1).
    public var bytes: [UInt8] {
        let size = min(max(size, Self.sizes.lowerBound), Self.sizes.upperBound)
        var bytes: [UInt8] = [family == .ipv4 ? EchoType.request : EchoType.request6, 0, 0, 0]
        bytes.reserveCapacity(size)
        for field in [identifier, sequence] { bytes += [UInt8(field >> 8), UInt8(truncatingIfNeeded: field)] }
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: nonce >> shift)) }
        while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count)) }
        if family == .ipv4 {
            let sum = unsafe ~bytes.span.bytes.onesComplementSum
            bytes[2] = UInt8(sum >> 8)
            bytes[3] = UInt8(truncatingIfNeeded: sum)
        }
        return bytes
    }
}

/// An ICMP or ICMPv6 echo reply.
public struct EchoReply: Sendable, Hashable {
    /// The request's identifier.
    public var identifier: UInt16
    /// The request's sequence number.
    public var sequence: UInt16
    /// The request's nonce.
    public var nonce: UInt64

    /// A reply.
    public init(identifier: UInt16, sequence: UInt16, nonce: UInt64) {
        self.identifier = identifier
        self.sequence = sequence
        self.nonce = nonce
    }

    /// The reply that a received datagram is; nil for anything that is no whole, well-formed echo reply with a nonce.
    ///
    /// With `hasHeader` the datagram begins with its IPv4 header, as raw(7) gives it; a raw IPv6 socket and a ping socket
    /// give none. The checksum is verified for IPv4, since a raw socket gets its copy before icmp_rcv() looks; for IPv6
    /// the kernel has done so (rawv6_rcv_skb()). The datagram must not have been cut by a short buffer.
    public init?(decoding datagram: borrowing RawSpan, family: IPFamily, hasHeader: Bool) {
        var range = 0..<datagram.byteCount
        if family == .ipv4, hasHeader {
            guard let payload = Self.payload(datagram) else { return nil }
            range = payload
        }
        guard range.count >= EchoRequest.sizes.lowerBound else { return nil }
        let message = datagram.extracting(range)
        let type = family == .ipv4 ? EchoType.reply : EchoType.reply6
        guard message.loadByte(at: 0) == type, message.loadByte(at: 1) == 0 else { return nil }
        if family == .ipv4, message.onesComplementSum != 0xFFFF { return nil }
        identifier = UInt16(bigEndian: message.load(UInt16.self, at: 4))
        sequence = UInt16(bigEndian: message.load(UInt16.self, at: 6))
        nonce = UInt64(bigEndian: message.load(UInt64.self, at: 8))
    }

    /// Where the payload of an IPv4 packet is; nil unless it is a whole one of ICMP. Source: RFC 791 section 3.1.
    private static func payload(_ packet: borrowing RawSpan) -> Range<Int>? {
        guard packet.byteCount >= 20, packet.loadByte(at: 0) >> 4 == 4, packet.loadByte(at: 9) == 1 else { return nil }
        let headerLength = Int(packet.loadByte(at: 0) & 15) * 4
        let totalLength = Int(UInt16(bigEndian: packet.load(UInt16.self, at: 2)))
        // More fragments, or an offset: a socket gets whole datagrams.
        let fragment = UInt16(bigEndian: packet.load(UInt16.self, at: 6)) & 0x3FFF
        guard headerLength >= 20, headerLength <= totalLength, totalLength <= packet.byteCount, fragment == 0 else {
            return nil
        }
        return headerLength..<totalLength
    }
}

/// ICMP_ECHO, ICMP_ECHOREPLY and those of ICMPv6.
private enum EchoType {
    static let request: UInt8 = 8
    static let reply: UInt8 = 0
    static let request6: UInt8 = 128
    static let reply6: UInt8 = 129
}

extension RawSpan {
    /// The sum of all 16-bit words in ones' complement; 0xFFFF over bytes with their right checksum. Source: RFC 1071.
    fileprivate var onesComplementSum: UInt16 {
        var sum: UInt64 = 0
        var offset = 0
        while offset + 2 <= byteCount {
            sum &+= UInt64(UInt16(bigEndian: load(UInt16.self, at: offset)))
            offset += 2
        }
        if offset < byteCount { sum &+= UInt64(loadByte(at: offset)) << 8 }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return UInt16(sum)
    }
}
