import TestSupport
import Testing

@testable import NetnsCore

@Suite struct EchoMessageTests {
    private static let reply = EchoReply(identifier: 0x1234, sequence: 5, nonce: 0x0102_0304_0506_0708)

    private static func decode(_ bytes: [UInt8], _ family: IPFamily, hasHeader: Bool = false) -> EchoReply? {
        unsafe EchoReply(decoding: bytes.span.bytes, family: family, hasHeader: hasHeader)
    }

    @Test func requests() {
        let request = EchoRequest(
            family: .ipv4, identifier: 0x1234, sequence: 5, nonce: 0x0102_0304_0506_0708, size: 20)
        #expect(
            request.bytes
                == hex(
                    """
                    08 00 b3 8e              # echo request, code 0, checksum
                    12 34 00 05              # identifier, sequence
                    01 02 03 04 05 06 07 08  # nonce
                    10 11 12 13              # the pattern
                    """))
        var other = request
        other.family = .ipv6
        #expect(other.bytes == [128, 0, 0, 0] + request.bytes[4...])
    }

    @Test(arguments: [(0, 16), (-1, 16), (16, 16), (17, 17), (64, 64), (1500, 1500), (70_000, 65_515), (.max, 65_515)])
    func sizes(_ given: Int, _ expected: Int) {
        for family in IPFamily.allCases {
            let request = EchoRequest(family: family, identifier: 1, sequence: 2, nonce: 3, size: given)
            #expect(request.bytes.count == expected)
        }
    }

    /// A request with the type of a reply, as a host sends it back; the checksum changes with the type.
    private static func answered(_ size: Int, nonce: UInt64, family: IPFamily) -> [UInt8] {
        var bytes = EchoRequest(
            family: family, identifier: 0x1234, sequence: 5, nonce: nonce, size: size
        ).bytes
        guard family == .ipv4 else { return [129] + bytes.dropFirst() }
        bytes[0] = 0
        let sum = (UInt32(bytes[2]) << 8) + UInt32(bytes[3]) + 0x0800
        let folded = sum > 0xFFFF ? sum - 0xFFFF : sum
        bytes[2] = UInt8(folded >> 8)
        bytes[3] = UInt8(folded & 0xFF)
        return bytes
    }

    @Test func repliesOfEverySizeAndNonce() {
        var generator = SplitMix64(seed: 792)
        for family in IPFamily.allCases {
            for size in Array(16...80) + [1472, 65_515] {
                let nonce = generator.next()
                let bytes = Self.answered(size, nonce: nonce, family: family)
                #expect(Self.decode(bytes, family) == EchoReply(identifier: 0x1234, sequence: 5, nonce: nonce))
            }
        }
    }

    /// As raw(7) gives it.
    private static let packet = hex(
        """
        45 00 00 28 8f 5a 00 00  # version 4, 20 bytes of header, 40 in all, id, not a fragment
        40 01 00 00              # TTL 64, ICMP, header checksum (the kernel has looked at it)
        c6 12 00 02 c6 12 00 01  # 198.18.0.2 to 198.18.0.1
        00 00 bb 8e 12 34 00 05  # echo reply, code 0, checksum, identifier, sequence
        01 02 03 04 05 06 07 08  # nonce
        10 11 12 13              # the pattern
        """)

    @Test func headers() {
        var whole = Self.packet
        #expect(Self.decode(whole, .ipv4, hasHeader: true) == Self.reply)
        // What is behind the packet's end is not looked at; options are passed over.
        #expect(Self.decode(whole + [9, 9, 9], .ipv4, hasHeader: true) == Self.reply)
        var options = Array(whole[..<20]) + [1, 1, 1, 1] + whole[20...]
        options[0] = 0x46
        options[3] += 4
        #expect(Self.decode(options, .ipv4, hasHeader: true) == Self.reply)
        // Not without being told, and never of IPv6.
        #expect(Self.decode(whole, .ipv4) == nil)
        #expect(Self.decode(whole, .ipv6, hasHeader: true) == nil)
        for (offset, byte) in [
            (0, 0x44), (0, 0x65), (0, 0x4F), (2, 1), (3, 19), (3, UInt8(whole.count + 1)), (6, 0x20), (7, 1), (9, 17),
            (20, 8), (21, 1), (22, 0), (24, 0), (30, 0xFF),
        ] as [(Int, UInt8)] {
            var broken = whole
            broken[offset] = byte
            #expect(Self.decode(broken, .ipv4, hasHeader: true) == nil, "\(offset)")
        }
        // DF is no fragment.
        whole[6] = 0x40
        #expect(Self.decode(whole, .ipv4, hasHeader: true) == Self.reply)
    }

    @Test func notOfThatFamily() {
        let four = Self.answered(64, nonce: 1, family: .ipv4)
        let six = Self.answered(64, nonce: 1, family: .ipv6)
        #expect(Self.decode(four, .ipv6) == nil && Self.decode(six, .ipv4) == nil)
        let request = EchoRequest(family: .ipv6, identifier: 1, sequence: 2, nonce: 3)
        #expect(Self.decode(request.bytes, .ipv6) == nil)
    }

    @Test func everyTruncation() {
        for family in IPFamily.allCases {
            let bytes = Self.answered(64, nonce: 77, family: family)
            for length in 0..<bytes.count {
                let reply = Self.decode(Array(bytes[..<length]), family)
                #expect((reply != nil) == (family == .ipv6 && length >= 16))
                _ = Self.decode(Array(bytes[..<length]), family, hasHeader: true)
            }
        }
    }

    /// One bit more or less anywhere is noticed for IPv4; nothing traps.
    @Test func mutations() {
        let bytes = Self.answered(40, nonce: 0xFEDC_BA98_7654_3210, family: .ipv4)
        for bit in 0..<bytes.count * 8 {
            var broken = bytes
            broken[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(Self.decode(broken, .ipv4) == nil)
        }
        let packet = [0x45, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0, 198, 18, 0, 2, 198, 18, 0, 1] + bytes
        #expect(Self.decode(packet, .ipv4, hasHeader: true) != nil)
        var generator = SplitMix64(seed: 4443)
        for _ in 0..<20_000 {
            let broken = generator.mutation(of: packet, alphabet: [0, 1, 0x45, 0x4F, 0xFF])
            for family in IPFamily.allCases {
                for hasHeader in [true, false] { _ = Self.decode(broken, family, hasHeader: hasHeader) }
            }
        }
    }
}
