import TestSupport
import Testing

@testable import NetnsCore

extension Netlink {
    static func addresses(_ datagram: [UInt8]) throws(NetlinkDecodingError) -> [InterfaceAddress] {
        var addresses: [InterfaceAddress] = []
        for message in try messages(datagram) where message.header.type == 20 {
            if let address = try unsafe InterfaceAddress(decoding: message.payload.span.bytes) {
                addresses.append(address)
            }
        }
        return addresses
    }

    static func routes(_ datagram: [UInt8]) throws(NetlinkDecodingError) -> RouteSummary {
        var summary = RouteSummary()
        for message in try messages(datagram) where message.header.type == 24 {
            try unsafe summary.add(decoding: message.payload.span.bytes)
        }
        return summary
    }

    static func neighbours(_ datagram: [UInt8]) throws(NetlinkDecodingError) -> NeighbourCounts {
        var counts = NeighbourCounts()
        for message in try messages(datagram) where message.header.type == 28 {
            try unsafe counts.add(decoding: message.payload.span.bytes)
        }
        return counts
    }

    /// Gives the bytes to each decoder; false when one of them refused.
    @discardableResult
    static func decodeAll(_ datagram: [UInt8]) -> Bool {
        do {
            for address in try addresses(datagram) { _ = address.address.text }
            let summary = try routes(datagram)
            if summary.defaults.count > RouteSummary.maximumDefaults { Issue.record("too many default routes") }
            _ = try neighbours(datagram)
            return true
        } catch { return false }
    }
}

/// Addresses, routes and neighbours as no kernel here sends them: older, newer, broken.
@Suite struct NetworkDecodingTests {
    private static func address(_ header: [UInt8], _ attributes: [UInt8]) throws -> InterfaceAddress? {
        let payload = header + bytes(Int32(3)) + attributes
        return try unsafe InterfaceAddress(decoding: payload.span.bytes)
    }

    /// Before IFA_FLAGS (3.14) there are the header's 8 bits; IPv6 without a peer has no IFA_LOCAL.
    @Test func flagsAndLocal() throws {
        let only = try Self.address([10, 64, 0x20, 0], Netlink.attribute(1, [UInt8](repeating: 1, count: 16)))
        #expect(only?.flags == .deprecated && only?.hasPeer == false && only?.link == 3)
        let both = try Self.address(
            [2, 32, 0, 0],
            Netlink.attribute(1, [198, 18, 0, 2]) + Netlink.attribute(2, [198, 18, 0, 1])
                + Netlink.attribute(8, bytes(UInt32(0x80008))))
        #expect(both?.address.description == "198.18.0.1" && both?.hasPeer == true)
        #expect(both?.flags.rawValue == 0x80008 && both?.flags.contains(.dadFailed) == true)
    }

    @Test func noAddresses() throws {
        let four = Netlink.attribute(1, [198, 18, 0, 2])
        #expect(try Self.address([28, 24, 0, 0], four) == nil)
        #expect(try Self.address([10, 24, 0, 0], four) == nil)
        #expect(try Self.address([2, 24, 0, 0], []) == nil)
        #expect(try Self.address([2, 24, 0, 0], Netlink.attribute(1, [1, 2, 3])) == nil)
    }

    /// An attribute of length 0 ends with an error, not with an endless loop.
    @Test func attributesOfLengthZero() {
        let zero = Netlink.attribute(1, [], length: 0)
        #expect(throws: NetlinkDecodingError.attributeLength(type: 1, length: 0)) {
            try Self.address([2, 24, 0, 0], zero)
        }
        let hop = bytes(UInt16(0)) + [0, 0] + bytes(Int32(2))
        let header: [UInt8] = [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]
        for (attributes, type) in [(zero, UInt16(1)), (Netlink.attribute(9, hop), 9)] {
            #expect(throws: NetlinkDecodingError.attributeLength(type: type, length: 0)) {
                try Netlink.routes(Netlink.message(type: 24, header + attributes))
            }
        }
    }

    private static func route(
        family: UInt8 = 2, length: UInt8 = 0, table: UInt8 = 254, type: UInt8 = 1, flags: UInt32 = 0,
        _ attributes: [UInt8] = Netlink.attribute(4, bytes(Int32(2)))
    ) -> [UInt8] {
        Netlink.message(type: 24, [family, length, 0, 0, table, 3, 0, type] + bytes(flags) + attributes)
    }

    @Test func whatIsCountedAndWhatLeadsOut() throws {
        let inTable = { (table: UInt32) in Netlink.attribute(15, bytes(table)) + Netlink.attribute(4, bytes(Int32(2))) }
        for (message, count, defaults) in [
            (Self.route(), 1, 1), (Self.route(length: 24), 1, 0), (Self.route(table: 255), 0, 0),
            (Self.route(table: 252, inTable(4711)), 1, 0), (Self.route(table: 0, inTable(254)), 1, 1),
            (Self.route(table: 254, inTable(255)), 0, 0), (Self.route(type: 6), 1, 0), (Self.route(type: 7), 1, 0),
            (Self.route(flags: 0x200), 0, 0), (Self.route(family: 128), 0, 0), (Self.route([]), 1, 0),
        ] {
            let summary = try Netlink.routes(message)
            #expect(summary.ipv4 == count && summary.ipv6 == 0 && summary.defaults.count == defaults)
        }
    }

    /// The same next hop of another metric is the same; of many, the first in their order are kept, however they come.
    @Test func sixteenDefaultRoutes() throws {
        let links = Array(Int32(1)...40)
        let expected = links.prefix(16)
        var generator = SplitMix64(seed: 16)
        for _ in 0..<50 {
            var messages: [UInt8] = []
            for link in (links + links).shuffled(using: &generator) {
                messages += Self.route(Netlink.attribute(4, bytes(link)) + Netlink.attribute(6, bytes(link)))
            }
            let summary = try Netlink.routes(messages)
            #expect(summary.ipv4 == 80)
            #expect(summary.defaults.map(\.link) == Array(expected))
        }
    }

    @Test func neighboursOfNoStateOrFamily() throws {
        func neighbour(_ family: UInt8, _ state: UInt16) -> [UInt8] {
            Netlink.message(type: 28, [family, 0, 0, 0] + bytes(Int32(2)) + bytes(state) + [0, 1])
        }
        let counts = try Netlink.neighbours(
            neighbour(2, 0) + neighbour(7, 2) + neighbour(2, 6) + neighbour(10, 4) + neighbour(2, 4))
        #expect(NeighbourState.allCases.map { counts[$0] } == [0, 0, 2, 0, 0, 0, 0, 0])
    }
}
