/// Attributes of RTM_NEWLINK, `enum` in <linux/if_link.h>; held against the header by a test.
package enum LinkAttribute {
    package static let address: UInt16 = 1
    package static let broadcast: UInt16 = 2
    package static let name: UInt16 = 3
    package static let mtu: UInt16 = 4
    package static let link: UInt16 = 5
    package static let master: UInt16 = 10
    package static let transmitQueueLength: UInt16 = 13
    package static let operationalState: UInt16 = 16
    package static let linkInfo: UInt16 = 18
    package static let alias: UInt16 = 20
    package static let statistics64: UInt16 = 23
    package static let carrier: UInt16 = 33
    package static let carrierChanges: UInt16 = 35
    package static let linkNamespaceID: UInt16 = 37
    package static let carrierUpCount: UInt16 = 47
    package static let carrierDownCount: UInt16 = 48
    package static let infoKind: UInt16 = 1
    package static let infoSlaveKind: UInt16 = 4
    package static let infoSlaveData: UInt16 = 5
    package static let bridgePortState: UInt16 = 1
}

extension Link {
    /// A link from the payload of an RTM_NEWLINK message: `struct ifinfomsg`, then attributes.
    ///
    /// Unknown attributes are skipped, shorter and longer structures are taken as far as they go: older kernels give
    /// fewer counters, later ones more. Source: rtnetlink(7), net/core/rtnetlink.c rtnl_fill_ifinfo().
    public init(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.linkHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newLink, length: payload.byteCount)
        }
        var link = Link()
        link.hardwareType = payload.load(UInt16.self, at: 2)
        link.index = payload.load(Int32.self, at: 4)
        link.flags = payload.load(UInt32.self, at: 8)
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.linkHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            try link.set(type, value)
        }
        guard !link.name.isEmpty else { throw .linkWithoutName(index: link.index) }
        self = link
    }

    private mutating func set(_ type: UInt16, _ value: borrowing RawSpan) throws(NetlinkDecodingError) {
        switch type {
        case LinkAttribute.name: name = InlineBytes(value.extracting(0..<Self.textLength(value)))
        case LinkAttribute.address: address = InlineBytes(value)
        case LinkAttribute.broadcast: broadcast = InlineBytes(value)
        case LinkAttribute.mtu: mtu = Self.number(value)
        case LinkAttribute.link: link = Self.number(value)
        case LinkAttribute.linkNamespaceID: linkNamespace = Self.number(value)
        case LinkAttribute.master: master = Self.number(value)
        case LinkAttribute.transmitQueueLength: transmitQueueLength = Self.number(value)
        case LinkAttribute.carrierChanges: carrierChanges = Self.number(value)
        case LinkAttribute.carrierUpCount: carrierUpCount = Self.number(value)
        case LinkAttribute.carrierDownCount: carrierDownCount = Self.number(value)
        case LinkAttribute.operationalState where value.byteCount >= 1:
            operationalState = OperationalState(rawValue: value.loadByte(at: 0))
        case LinkAttribute.carrier where value.byteCount >= 1:
            carrier = value.loadByte(at: 0) != 0
        case LinkAttribute.alias:
            var bytes: [UInt8] = []
            for offset in 0..<Self.textLength(value) { bytes.append(value.loadByte(at: offset)) }
            alias = bytes.isEmpty ? nil : bytes
        case LinkAttribute.statistics64:
            statistics = LinkStatistics(decoding: value)
        case LinkAttribute.linkInfo: try setInfo(value)
        default: break
        }
    }

    /// IFLA_LINKINFO: what kind of device it is, and what it is as a part of another. The kernel puts the kind of the
    /// master before its data.
    private mutating func setInfo(_ info: borrowing RawSpan) throws(NetlinkDecodingError) {
        var isBridgePort = false
        try NetlinkDecoding.forEachAttribute(in: info, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case LinkAttribute.infoKind: kind = InlineBytes(value.extracting(0..<Self.textLength(value)))
            case LinkAttribute.infoSlaveKind:
                isBridgePort =
                    InlineBytes<24>(value.extracting(0..<Self.textLength(value))) == InlineBytes<24>("bridge")
            case LinkAttribute.infoSlaveData where isBridgePort:
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                    guard type == LinkAttribute.bridgePortState, value.byteCount >= 1 else { return }
                    portState = BridgePortState(rawValue: value.loadByte(at: 0))
                }
            default: break
            }
        }
    }

    @inline(__always)
    private static func number<T: FixedWidthInteger & BitwiseCopyable>(_ value: borrowing RawSpan) -> T? {
        value.byteCount >= MemoryLayout<T>.size ? value.load(T.self, at: 0) : nil
    }

    /// How long a text attribute is without its NUL.
    private static func textLength(_ value: borrowing RawSpan) -> Int {
        var length = 0
        while length < value.byteCount, value.loadByte(at: length) != 0 { length += 1 }
        return length
    }
}

/// The counters of one link as an RTM_NEWSTATS message has them.
package struct LinkCounters {
    /// if_stats_msg.ifindex
    package let index: Int32
    /// IFLA_STATS_LINK_64
    package let statistics: LinkStatistics

    /// The counters from the payload of an RTM_NEWSTATS message: `struct if_stats_msg`, then attributes; nil when it has
    /// none. Source: net/core/rtnetlink.c rtnl_fill_statsinfo().
    package init?(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.statisticsHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newStatistics, length: payload.byteCount)
        }
        index = payload.load(Int32.self, at: 4)
        var found: LinkStatistics?
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.statisticsHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            if type == NetlinkConstant.statisticsOfLink { found = LinkStatistics(decoding: value) }
        }
        guard let found else { return nil }
        statistics = found
    }
}

extension LinkStatistics {
    /// The counters of an IFLA_STATS64 attribute: as many whole 64-bit numbers as it has and we know.
    init(decoding value: borrowing RawSpan) {
        self.init()
        count = min(value.byteCount / 8, Self.capacity)
        for position in 0..<count { values[position] = value.load(UInt64.self, at: position * 8) }
    }
}
