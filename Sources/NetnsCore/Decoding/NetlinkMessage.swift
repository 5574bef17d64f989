/// Constants of netlink and rtnetlink that the decoders need. A pure module cannot import the kernel's headers, so they
/// stand here once and a test holds each against <linux/netlink.h>, <linux/rtnetlink.h> and what that includes.
package enum NetlinkConstant {
    package static let headerLength = 16
    package static let attributeHeaderLength = 4
    package static let attributeTypeMask: UInt16 = 0x3FFF
    package static let flagDumpInterrupted: UInt16 = 0x10
    package static let messageError: UInt16 = 2
    package static let messageDone: UInt16 = 3
    package static let newLink: UInt16 = 16
    package static let newAddress: UInt16 = 20
    package static let newRoute: UInt16 = 24
    package static let newNeighbour: UInt16 = 28
    package static let newQdisc: UInt16 = 36
    package static let newNamespaceID: UInt16 = 88
    package static let newStatistics: UInt16 = 92
    package static let statisticsOfLink: UInt16 = 1
    package static let statisticsHeaderLength = 12
    package static let linkHeaderLength = 16
    package static let addressHeaderLength = 8
    package static let routeHeaderLength = 12
    package static let nexthopHeaderLength = 8
    package static let neighbourHeaderLength = 12
    package static let rtgenHeaderLength = 4
}

/// Why bytes are not what a netlink peer may send. The rest of the datagram is then unreadable.
public enum NetlinkDecodingError: Error, Hashable, Sendable {
    /// A message's length is below its header's or beyond the datagram's end.
    case messageLength(Int)
    /// An attribute's length is below its header's or beyond its message's end.
    case attributeLength(type: UInt16, length: Int)
    /// A message is shorter than the structure it must begin with.
    case tooShort(type: UInt16, length: Int)
    /// A link came without IFLA_IFNAME.
    case linkWithoutName(index: Int32)
}

/// The header of a netlink message, `struct nlmsghdr`. Source: netlink(7).
public struct NetlinkHeader: Sendable, Hashable {
    /// nlmsg_type
    public var type: UInt16
    /// nlmsg_flags
    public var flags: UInt16
    /// nlmsg_seq: that of the request it answers.
    public var sequence: UInt32
    /// nlmsg_pid: the port the answer is for.
    public var port: UInt32

    /// NLM_F_DUMP_INTR: what is dumped changed meanwhile, so that the dump may hold something twice or not at all.
    public var isDumpInterrupted: Bool { flags & NetlinkConstant.flagDumpInterrupted != 0 }
}

/// What to do after a message.
public enum NetlinkStep: Sendable {
    case next
    case stop
}

/// Reading of netlink datagrams.
public enum NetlinkDecoding {
    /// Calls `body` with each message of a datagram, header and payload, until it says stop.
    public static func forEachMessage(
        in datagram: borrowing RawSpan,
        _ body: (NetlinkHeader, borrowing RawSpan) throws(NetlinkDecodingError) -> NetlinkStep
    ) throws(NetlinkDecodingError) {
        var offset = 0
        while offset < datagram.byteCount {
            let left = datagram.byteCount - offset
            guard left >= NetlinkConstant.headerLength else { throw .messageLength(left) }
            let length = Int(datagram.load(UInt32.self, at: offset))
            guard length >= NetlinkConstant.headerLength, length <= left else { throw .messageLength(length) }
            let header = NetlinkHeader(
                type: datagram.load(UInt16.self, at: offset + 4), flags: datagram.load(UInt16.self, at: offset + 6),
                sequence: datagram.load(UInt32.self, at: offset + 8), port: datagram.load(UInt32.self, at: offset + 12))
            let payload = datagram.extracting(offset + NetlinkConstant.headerLength..<offset + length)
            if case .stop = try body(header, payload) { return }
            offset += aligned(length)
        }
    }

    /// Calls `body` with each attribute from `offset` of a payload on: its type without flags, and its value.
    @inline(__always)
    static func forEachAttribute(
        in payload: borrowing RawSpan, from offset: Int,
        _ body: (UInt16, borrowing RawSpan) throws(NetlinkDecodingError) -> Void
    ) throws(NetlinkDecodingError) {
        var offset = offset
        while offset < payload.byteCount {
            let left = payload.byteCount - offset
            // Fewer bytes than a header are padding, as libmnl and the kernel's nla_ok() take them.
            guard left >= NetlinkConstant.attributeHeaderLength else { return }
            let length = Int(payload.load(UInt16.self, at: offset))
            let type = payload.load(UInt16.self, at: offset + 2) & NetlinkConstant.attributeTypeMask
            guard length >= NetlinkConstant.attributeHeaderLength, length <= left else {
                throw .attributeLength(type: type, length: length)
            }
            try body(type, payload.extracting(offset + NetlinkConstant.attributeHeaderLength..<offset + length))
            offset += aligned(length)
        }
    }

    /// The errno of an NLMSG_ERROR or NLMSG_DONE payload: 0 for an acknowledgement, positive for a failure.
    public static func errorNumber(_ payload: borrowing RawSpan) -> Int32 {
        guard payload.byteCount >= 4 else { return 0 }
        let code = payload.load(Int32.self, at: 0)
        return code == .min ? .max : abs(code)
    }

    /// NETNSA_NSID of an RTM_NEWNSID payload: the id, or nil when the namespace has none (NETNSA_NSID_NOT_ASSIGNED, -1).
    public static func namespaceID(_ payload: borrowing RawSpan) throws(NetlinkDecodingError) -> Int32? {
        guard payload.byteCount >= NetlinkConstant.rtgenHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newNamespaceID, length: payload.byteCount)
        }
        var found: Int32?
        try forEachAttribute(in: payload, from: NetlinkConstant.rtgenHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            if type == 1, value.byteCount >= 4 { found = value.load(Int32.self, at: 0) }
        }
        return found.flatMap { $0 < 0 ? nil : $0 }
    }

    @inline(__always)
    static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
}
