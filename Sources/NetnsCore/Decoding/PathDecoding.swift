/// Constants of what is asked of a path, of <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_bridge.h> and
/// <linux/neighbour.h>; those of routes and links are held against the headers by a test.
package enum PathConstant {
    package static let destination: UInt16 = 1
    package static let source: UInt16 = 2
    package static let incomingLink: UInt16 = 3
    package static let outgoingLink: UInt16 = 4
    package static let preferredSource: UInt16 = 7
    package static let metrics: UInt16 = 8
    package static let metricMTU: UInt16 = 2
    package static let local: UInt8 = 2
    package static let blackhole: UInt8 = 6
    package static let unreachable: UInt8 = 7
    package static let prohibit: UInt8 = 8
    package static let throwing: UInt8 = 9
    package static let neighbourDestination: UInt16 = 1
    package static let extendedMask: UInt16 = 29
    package static let bridgeVLANs: UInt32 = 2
    package static let infoData: UInt16 = 2
    package static let vlanFiltering: UInt16 = 7
    package static let familySpecific: UInt16 = 26
    package static let vlanInfo: UInt16 = 2
    package static let vlanPVID: UInt16 = 1 << 1
    package static let vlanUntagged: UInt16 = 1 << 2
    package static let vlanRangeBegin: UInt16 = 1 << 3
    package static let vlanRangeEnd: UInt16 = 1 << 4
}

extension PathFacts.Route {
    /// The kernel's answer to RTM_GETROUTE for one destination: an RTM_NEWROUTE message. nil when it has no link.
    /// Source: rtnetlink(7), net/ipv4/route.c rt_fill_info(), net/ipv6/route.c rt6_fill_node().
    package init?(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.routeHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newRoute, length: payload.byteCount)
        }
        var route = PathFacts.Route(link: 0, isLocal: payload.loadByte(at: 7) == PathConstant.local)
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.routeHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            switch type {
            case RouteAttribute.outgoingLink where value.byteCount >= 4: route.link = value.load(Int32.self, at: 0)
            case RouteAttribute.gateway: route.gateway = IPAddress(value)
            case RouteAttribute.via where value.byteCount >= 2:
                route.gateway = IPAddress(value.extracting(2..<value.byteCount))
            case PathConstant.preferredSource: route.source = IPAddress(value)
            case PathConstant.metrics:
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                    if type == PathConstant.metricMTU, value.byteCount >= 4 {
                        route.mtu = value.load(UInt32.self, at: 0)
                    }
                }
            default: break
            }
        }
        guard route.link != 0 else { return nil }
        self = route
    }
}

extension PathFacts.RefusingRoute {
    /// A route of an RTM_GETROUTE dump; nil when it is none that refuses, or does not match a destination.
    package init?(decoding payload: borrowing RawSpan, matching target: IPAddress) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.routeHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newRoute, length: payload.byteCount)
        }
        guard payload.loadByte(at: 0) == target.family.rawValue, let type = Self.name(payload.loadByte(at: 7)),
            payload.load(UInt32.self, at: 8) & RouteAttribute.flagCloned == 0
        else { return nil }
        var destination: IPAddress?
        var table = UInt32(payload.loadByte(at: 4))
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.routeHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            switch type {
            case PathConstant.destination: destination = IPAddress(value)
            case RouteAttribute.table where value.byteCount >= 4: table = value.load(UInt32.self, at: 0)
            default: break
            }
        }
        let length = payload.loadByte(at: 1)
        // A default route has no destination.
        let network = destination ?? target.network(0)
        guard target.network(length) == network else { return nil }
        self.init(
            type: type, destination: network, prefixLength: length,
            table: table == RouteAttribute.mainTable ? nil : table)
    }

    /// The type as ip(8) has it.
    private static func name(_ type: UInt8) -> String? {
        switch type {
        case PathConstant.blackhole: "blackhole"
        case PathConstant.unreachable: "unreachable"
        case PathConstant.prohibit: "prohibit"
        case PathConstant.throwing: "throw"
        default: nil
        }
    }
}

/// What a single neighbour and a bridge's ports are.
package enum PathDecoding {
    /// The state of an RTM_NEWNEIGH message; nil when it has none (NUD_NONE), or one that is not known here.
    package static func neighbourState(_ payload: borrowing RawSpan) throws(NetlinkDecodingError) -> NeighbourState? {
        guard payload.byteCount >= NetlinkConstant.neighbourHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newNeighbour, length: payload.byteCount)
        }
        return NeighbourState(rawValue: payload.load(UInt16.self, at: 8))
    }

    /// IFLA_BR_VLAN_FILTERING of a bridge's RTM_NEWLINK message; nil when it is no bridge, or its kernel has no VLANs.
    package static func isVLANFiltering(_ payload: borrowing RawSpan) throws(NetlinkDecodingError) -> Bool? {
        guard payload.byteCount >= NetlinkConstant.linkHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newLink, length: payload.byteCount)
        }
        var found: Bool?
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.linkHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            guard type == LinkAttribute.linkInfo else { return }
            var isBridge = false
            try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                if type == LinkAttribute.infoKind {
                    isBridge = value.byteCount >= 6 && value.equals("bridge", in: 0..<6)
                }
                guard isBridge, type == PathConstant.infoData else { return }
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                    if type == PathConstant.vlanFiltering, value.byteCount >= 1 { found = value.loadByte(at: 0) != 0 }
                }
            }
        }
        return found
    }

    /// The link and the VLANs of a message of an RTM_GETLINK dump of AF_BRIDGE with RTEXT_FILTER_BRVLAN.
    /// Source: net/bridge/br_netlink.c br_fill_ifinfo(), `struct bridge_vlan_info`.
    package static func vlans(
        _ payload: borrowing RawSpan
    ) throws(NetlinkDecodingError) -> (link: Int32, port: PathFacts.VLANs.Port) {
        guard payload.byteCount >= NetlinkConstant.linkHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newLink, length: payload.byteCount)
        }
        var port = PathFacts.VLANs.Port()
        var first: UInt16?
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.linkHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            guard type == PathConstant.familySpecific else { return }
            try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                guard type == PathConstant.vlanInfo, value.byteCount >= 4 else { return }
                let flags = value.load(UInt16.self, at: 0)
                let vid = value.load(UInt16.self, at: 2)
                guard vid < 4095 else { return }
                if flags & PathConstant.vlanPVID != 0 { port.pvid = vid }
                if flags & PathConstant.vlanRangeBegin != 0 { first = vid }
                let start = flags & PathConstant.vlanRangeEnd != 0 ? first ?? vid : vid
                if flags & PathConstant.vlanUntagged != 0, start <= vid { port.untagged.formUnion(start...vid) }
            }
        }
        return (payload.load(Int32.self, at: 4), port)
    }
}
