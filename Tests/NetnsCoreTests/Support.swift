import Foundation
import NetnsCore

/// A file of Fixtures.
func fixture(_ name: String) throws -> [UInt8] {
    let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)")
    return Array(try Data(contentsOf: url))
}

/// The bytes of a number in the host's order, which is netlink's.
func bytes<T: FixedWidthInteger & BitwiseCopyable>(_ number: T) -> [UInt8] {
    unsafe Swift.withUnsafeBytes(of: number) { unsafe Array($0) }
}

/// Netlink, written by hand.
enum Netlink {
    /// An attribute with its padding; `length` when it is to lie about it.
    static func attribute(_ type: UInt16, _ value: [UInt8], length: UInt16? = nil) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        return bytes(length ?? UInt16(value.count + 4)) + bytes(type) + value + padding
    }

    /// A message with its padding; `length` when it is to lie about it.
    static func message(
        type: UInt16, flags: UInt16 = 0, sequence: UInt32 = 7, port: UInt32 = 0, _ payload: [UInt8],
        length: UInt32? = nil
    ) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
        return bytes(length ?? UInt32(payload.count + 16)) + bytes(type) + bytes(flags) + bytes(sequence) + bytes(port)
            + payload + padding
    }

    /// The payload of RTM_NEWLINK: struct ifinfomsg and attributes.
    static func link(
        index: Int32 = 3, hardwareType: UInt16 = 1, flags: UInt32 = 0x1043, name: String? = "eth0",
        _ attributes: [UInt8] = []
    ) -> [UInt8] {
        [0, 0] + bytes(hardwareType) + bytes(index) + bytes(flags) + bytes(UInt32(0))
            + (name.map { attribute(3, Array($0.utf8) + [0]) } ?? []) + attributes
    }

    /// The messages of a datagram.
    static func messages(_ datagram: [UInt8]) throws(NetlinkDecodingError) -> [(
        header: NetlinkHeader, payload: [UInt8]
    )] {
        var messages: [(header: NetlinkHeader, payload: [UInt8])] = []
        try unsafe NetlinkDecoding.forEachMessage(in: datagram.span.bytes) {
            (header, payload) throws(NetlinkDecodingError) in
            messages.append((header, unsafe payload.withUnsafeBytes { unsafe Array($0) }))
            return .next
        }
        return messages
    }

    /// The links of a datagram, as an engine decodes them.
    static func links(_ datagram: [UInt8]) throws(NetlinkDecodingError) -> [Link] {
        var links: [Link] = []
        try unsafe NetlinkDecoding.forEachMessage(in: datagram.span.bytes) {
            (header, payload) throws(NetlinkDecodingError) in
            if header.type == 16 { links.append(try Link(decoding: payload)) }
            return .next
        }
        return links
    }

    static func errorNumber(_ payload: [UInt8]) -> Int32 { unsafe NetlinkDecoding.errorNumber(payload.span.bytes) }

    static func namespaceID(_ payload: [UInt8]) throws(NetlinkDecodingError) -> Int32? {
        try unsafe NetlinkDecoding.namespaceID(payload.span.bytes)
    }

    static func link(decoding payload: [UInt8]) throws(NetlinkDecodingError) -> Link {
        try unsafe Link(decoding: payload.span.bytes)
    }
}

/// Not the one of Testing.
typealias Expectation = NetnsCore.Expectation
