/// The counters of `struct rtnl_link_stats64`, in its order. Source: include/uapi/linux/if_link.h.
public enum LinkCounter: Int, CaseIterable, Sendable {
    case rxPackets, txPackets, rxBytes, txBytes, rxErrors, txErrors, rxDropped, txDropped, multicast, collisions
    case rxLengthErrors, rxOverErrors, rxCRCErrors, rxFrameErrors, rxFIFOErrors, rxMissedErrors
    case txAbortedErrors, txCarrierErrors, txFIFOErrors, txHeartbeatErrors, txWindowErrors
    case rxCompressed, txCompressed, rxNoHandler, rxOtherhostDropped
}

/// The counters of one link. Older kernels give fewer (24 before 5.19): `count` says how many there are.
public struct LinkStatistics: Sendable {
    /// As many as the structure has today.
    public static let capacity = 25

    var values = InlineArray<25, UInt64>(repeating: 0)
    /// How many the kernel gave; what lies beyond is unknown, not zero.
    public internal(set) var count = 0

    /// No counters.
    public init() {}

    /// The counter, or nil when this kernel has not got it.
    public subscript(counter: LinkCounter) -> UInt64? {
        counter.rawValue < count ? values[counter.rawValue] : nil
    }

    /// The counter at a position that is below `count`.
    public subscript(position position: Int) -> UInt64 { values[position] }
}

/// The operational state of a link. Source: RFC 2863 section 3.1.14, Documentation/networking/operstates.rst.
public struct OperationalState: RawRepresentable, Hashable, Sendable {
    /// IFLA_OPERSTATE as the kernel gave it.
    public let rawValue: UInt8
    /// Any value, also one of a later kernel.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// IF_OPER_UP
    public static let up = OperationalState(rawValue: 6)

    /// The name as ip(8) and sysfs write it, in lower case.
    public var name: StaticString {
        switch rawValue {
        case 0: "unknown"
        case 1: "notpresent"
        case 2: "down"
        case 3: "lowerlayerdown"
        case 4: "testing"
        case 5: "dormant"
        case 6: "up"
        default: "unrecognised"
        }
    }
}

/// The state of a port of a bridge. Source: IFLA_BRPORT_STATE, BR_STATE_* in <linux/if_bridge.h>.
public struct BridgePortState: RawRepresentable, Hashable, Sendable {
    /// The state as the kernel gave it.
    public let rawValue: UInt8
    /// Any value, also one of a later kernel.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The name as bridge(8) writes it.
    public var name: StaticString {
        switch rawValue {
        case 0: "disabled"
        case 1: "listening"
        case 2: "learning"
        case 3: "forwarding"
        case 4: "blocking"
        default: "unrecognised"
        }
    }
}

/// A network interface as RTM_NEWLINK describes it. What the kernel did not say is nil. Source: rtnetlink(7).
public struct Link: Sendable {
    /// ifinfomsg.ifi_index, unique in its namespace only.
    public var index: Int32 = 0
    /// IFLA_IFNAME: 1 to 15 bytes, any but `/`, `:`, NUL and white space.
    public var name = InlineBytes<16>()
    /// ifinfomsg.ifi_type, ARPHRD_*.
    public var hardwareType: UInt16 = 0
    /// ifinfomsg.ifi_flags, IFF_*.
    public var flags: UInt32 = 0
    /// IFLA_OPERSTATE
    public var operationalState: OperationalState?
    /// IFLA_CARRIER: whether the link has a carrier.
    public var carrier: Bool?
    /// IFLA_CARRIER_CHANGES: how often the carrier came or went.
    public var carrierChanges: UInt32?
    /// IFLA_CARRIER_UP_COUNT
    public var carrierUpCount: UInt32?
    /// IFLA_CARRIER_DOWN_COUNT
    public var carrierDownCount: UInt32?
    /// IFLA_MTU, bytes.
    public var mtu: UInt32?
    /// IFLA_TXQLEN, packets.
    public var transmitQueueLength: UInt32?
    /// IFLA_ADDRESS, the hardware address.
    public var address = InlineBytes<32>()
    /// IFLA_BROADCAST
    public var broadcast = InlineBytes<32>()
    /// IFLA_INFO_KIND: `veth`, `bridge`, ...; empty for a physical device and for lo.
    public var kind = InlineBytes<24>()
    /// IFLA_IFALIAS, up to 255 bytes that an administrator chose.
    public var alias: [UInt8]?
    /// IFLA_MASTER: the index of the bridge or bond it is a port of, in the same namespace.
    public var master: Int32?
    /// IFLA_BRPORT_STATE: its state as a port, when its master is a bridge.
    public var portState: BridgePortState?
    /// IFLA_LINK: the index of its other end or lower device, in the namespace `linkNamespace`, or here when that is nil.
    public var link: Int32?
    /// IFLA_LINK_NETNSID: the id that *this* namespace has for the one its other end is in.
    public var linkNamespace: Int32?
    /// The cookie of the namespace its other end is in, when that is another one, where the kernel's own lists told it and
    /// no id of this namespace did.
    public var linkCookie: UInt64?
    /// IFLA_STATS64
    public var statistics = LinkStatistics()
    /// Bytes per second, by ethtool; nil where the driver does not know.
    public var speed: UInt64?
    /// ETHTOOL duplex, by name; nil where the driver does not know.
    public var duplex: StaticString?

    /// No link yet.
    public init() {}

    /// IFF_UP: an administrator has set it up.
    public var isAdministrativelyUp: Bool { flags & 1 != 0 }

    /// Whether it is a loopback device (ARPHRD_LOOPBACK).
    public var isLoopback: Bool { hardwareType == 772 }

    /// Whether it is a veth: its other end is a veth too, and says the same of it.
    public var isVeth: Bool {
        kind.count == 4 && kind[0] == UInt8(ascii: "v") && kind[1] == UInt8(ascii: "e") && kind[2] == UInt8(ascii: "t")
            && kind[3] == UInt8(ascii: "h")
    }

    /// Whether it is a veth whose other end is in another namespace.
    public var isVethToElsewhere: Bool { (linkNamespace != nil || linkCookie != nil) && isVeth }
}
