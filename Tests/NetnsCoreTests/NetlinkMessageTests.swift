import TestSupport
import Testing

@testable import NetnsCore

@Suite struct NetlinkMessageTests {
    @Test func nothingIsNoMessage() throws { #expect(try Netlink.messages([]).isEmpty) }

    @Test func headersInOrder() throws {
        let datagram =
            Netlink.message(type: 16, flags: 0x12, sequence: 0xDEAD_BEEF, port: 0x0102_0304, [1, 2, 3, 4, 5])
            + Netlink.message(type: 3, flags: 2, sequence: 8, port: 9, [])
        let messages = try Netlink.messages(datagram)
        #expect(
            messages.map(\.header) == [
                NetlinkHeader(type: 16, flags: 0x12, sequence: 0xDEAD_BEEF, port: 0x0102_0304),
                NetlinkHeader(type: 3, flags: 2, sequence: 8, port: 9),
            ])
        #expect(messages.map(\.payload) == [[1, 2, 3, 4, 5], []])
        #expect(messages.map(\.header.isDumpInterrupted) == [true, false])
    }

    /// NLM_F_DUMP_INTR alone makes a dump an interrupted one.
    @Test(
        arguments: [
            (0, false), (0x10, true), (0x12, true), (2, false), (0x20, false), (0xFFEF, false), (0xFFFF, true),
        ] as [(UInt16, Bool)])
    func dumpInterrupted(_ flags: UInt16, _ expected: Bool) {
        #expect(NetlinkHeader(type: 16, flags: flags, sequence: 0, port: 0).isDumpInterrupted == expected)
    }

    @Test func stopsWhenTold() throws {
        let datagram = Netlink.message(type: 1, []) + Netlink.message(type: 2, []) + [1, 2, 3]
        var seen: [UInt16] = []
        try unsafe NetlinkDecoding.forEachMessage(in: datagram.span.bytes) {
            (header, _) throws(NetlinkDecodingError) in
            seen.append(header.type)
            return header.type == 2 ? .stop : .next
        }
        #expect(seen == [1, 2])
    }

    @Test(arguments: [0, 1, 15] as [UInt32])
    func aLengthBelowTheHeaderIsAnError(_ length: UInt32) {
        #expect(throws: NetlinkDecodingError.messageLength(Int(length))) {
            try Netlink.messages(Netlink.message(type: 16, [1, 2, 3, 4], length: length))
        }
    }

    @Test(arguments: [21, 24, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
    func aLengthBeyondTheEndIsAnError(_ length: UInt32) {
        #expect(throws: NetlinkDecodingError.messageLength(Int(length))) {
            try Netlink.messages(Netlink.message(type: 16, [1, 2, 3, 4], length: length))
        }
    }

    @Test(arguments: 1..<16)
    func aCutHeaderIsAnError(_ length: Int) {
        #expect(throws: NetlinkDecodingError.messageLength(length)) {
            try Netlink.messages(Array(Netlink.message(type: 16, [])[..<length]))
        }
        #expect(throws: NetlinkDecodingError.messageLength(length)) {
            try Netlink.messages(
                Netlink.message(type: 16, [7, 7, 7]) + Array(Netlink.message(type: 16, [])[..<length]))
        }
    }

    /// The last message need not be padded.
    @Test func theLastMessageMayEndUnaligned() throws {
        let datagram = Array(Netlink.message(type: 16, [1, 2, 3, 4, 5]).dropLast(3))
        #expect(try Netlink.messages(datagram).map(\.payload) == [[1, 2, 3, 4, 5]])
    }

    @Test(
        arguments: [
            (bytes(Int32(-19)), 19), (bytes(Int32(0)), 0), (bytes(Int32(-1)) + [1, 2, 3, 4], 1), (bytes(Int32(5)), 5),
            (bytes(Int32.min), Int32.max),
        ] as [([UInt8], Int32)])
    func errorNumbers(_ payload: [UInt8], _ expected: Int32) {
        #expect(Netlink.errorNumber(payload) == expected)
    }

    /// An NLMSG_DONE of an old kernel may carry nothing.
    @Test(arguments: 0..<4)
    func errorNumberOfTooLittle(_ length: Int) {
        let payload = [UInt8](repeating: 0xFF, count: length)
        #expect(Netlink.errorNumber(payload) == 0)
    }

    @Test(
        arguments: [
            (Netlink.attribute(1, bytes(Int32(-1))), nil), (Netlink.attribute(1, bytes(Int32(0))), 0),
            (Netlink.attribute(1, bytes(Int32(4711))), 4711), (Netlink.attribute(1, bytes(Int32.min)), nil),
            ([], nil), (Netlink.attribute(4, bytes(Int32(3))), nil), (Netlink.attribute(1, [1, 2]), nil),
            (Netlink.attribute(4, bytes(Int32(3))) + Netlink.attribute(1, bytes(Int32(8))), 8),
        ] as [([UInt8], Int32?)])
    func namespaceIDs(_ attributes: [UInt8], _ expected: Int32?) throws {
        let payload: [UInt8] = [0, 0, 0, 0] + attributes
        #expect(try Netlink.namespaceID(payload) == expected)
    }

    @Test func brokenNamespaceIDs() {
        #expect(throws: NetlinkDecodingError.tooShort(type: 88, length: 3)) {
            try Netlink.namespaceID([0, 0, 0])
        }
        #expect(throws: NetlinkDecodingError.attributeLength(type: 1, length: 0)) {
            try Netlink.namespaceID([0, 0, 0, 0] + Netlink.attribute(1, bytes(Int32(1)), length: 0))
        }
    }
}

/// Hostile bytes: an error or links, never a trap and never an endless loop.
@Suite struct NetlinkFuzzTests {
    /// The veth's message of a real datagram, without its largest attribute, so that more mutations hit something.
    private static func seed() throws -> [UInt8] {
        let payload = try Netlink.messages(try fixture("links-b-0.bin"))[1].payload
        var small = Array(payload[..<16])
        try unsafe NetlinkDecoding.forEachAttribute(in: payload.span.bytes, from: 16) {
            (type, value) throws(NetlinkDecodingError) in
            if value.byteCount < 256 {
                small += Netlink.attribute(type, unsafe value.withUnsafeBytes { unsafe Array($0) })
            }
        }
        return Netlink.message(type: 16, flags: 2, small) + Netlink.message(type: 3, bytes(Int32(0)))
    }

    @Test(arguments: 0..<8)
    func mutations(_ round: UInt64) throws {
        let seed = try Self.seed()
        #expect(seed.count < 1000)
        #expect(try Netlink.links(seed).count == 1)
        var generator = SplitMix64(seed: 5 + round)
        let odd: [UInt8] = [0, 1, 3, 4, 5, 0x7F, 0x80, 0xFF]
        var decoded = 0
        var failed = 0
        for _ in 0..<25_000 {
            var datagram = seed
            for _ in 0...generator.next() % 6 {
                let position = Int(generator.next() % UInt64(datagram.count))
                switch generator.next() % 4 {
                case 0: datagram[position] = UInt8(truncatingIfNeeded: generator.next())
                case 1: datagram[position & ~3] = odd[Int(generator.next() % 8)]
                case 2: datagram[position] ^= 1 << UInt8(generator.next() % 8)
                default: if generator.next() % 8 == 0 { datagram.removeLast(datagram.count - max(1, position)) }
                }
            }
            do {
                for link in try Netlink.links(datagram) where link.name.isEmpty || link.statistics.count > 25 {
                    Issue.record("a link that cannot be: \(datagram)")
                }
                decoded += 1
            } catch { failed += 1 }
        }
        #expect(decoded > 1000)
        #expect(failed > 1000)
    }

    @Test func noise() {
        var generator = SplitMix64(seed: 13)
        for _ in 0..<20_000 {
            let datagram = (0..<generator.next() % 96).map { _ in UInt8(truncatingIfNeeded: generator.next() % 40) }
            _ = try? Netlink.links(datagram)
            _ = Netlink.errorNumber(datagram)
            _ = try? Netlink.namespaceID(datagram)
        }
    }
}
