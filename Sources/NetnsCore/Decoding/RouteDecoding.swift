/// Attributes of RTM_NEWROUTE, `enum rtattr_type_t` in <linux/rtnetlink.h>, and values of `struct rtmsg`; held against the
/// header by a test.
package enum RouteAttribute {
    package static let outgoingLink: UInt16 = 4
    package static let gateway: UInt16 = 5
    package static let multipath: UInt16 = 9
    package static let table: UInt16 = 15
    package static let via: UInt16 = 18

    package static let mainTable: UInt32 = 254
    package static let localTable: UInt32 = 255
    package static let unicast: UInt8 = 1
    package static let flagCloned: UInt32 = 0x200
}

extension RouteSummary {
    /// Adds the route of an RTM_NEWROUTE message: `struct rtmsg`, then attributes.
    ///
    /// Passed over are routes of the table `local`, clones (RTM_F_CLONED: what was learnt of a destination, no route of its
    /// own) and families other than IPv4 and IPv6, such as those of multicast routing. A default route that is not of type
    /// unicast (unreachable, blackhole, prohibit) is counted and leads nowhere. A next hop that is told by its id alone
    /// (RTA_NH_ID, with the sysctl `nexthop_compat_mode` off) is not known.
    /// Source: rtnetlink(7), net/ipv4/fib_semantics.c fib_dump_info(), net/ipv6/route.c rt6_fill_node().
    public mutating func add(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.routeHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newRoute, length: payload.byteCount)
        }
        guard let family = IPFamily(rawValue: payload.loadByte(at: 0)) else { return }
        let isCloned = payload.load(UInt32.self, at: 8) & RouteAttribute.flagCloned != 0
        // Eight bits only; the attribute has all 32.
        var table = UInt32(payload.loadByte(at: 4))
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.routeHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            if type == RouteAttribute.table, value.byteCount >= 4 { table = value.load(UInt32.self, at: 0) }
        }
        guard !isCloned, table != RouteAttribute.localTable else { return }
        count(family)
        let isDefault = payload.loadByte(at: 1) == 0
        guard isDefault, table == RouteAttribute.mainTable, payload.loadByte(at: 7) == RouteAttribute.unicast else {
            return
        }
        var route = DefaultRoute(family: family, link: 0, gateway: nil)
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.routeHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            if type == RouteAttribute.multipath { try addNexthops(of: family, value) } else { route.set(type, value) }
        }
        if route.link != 0 { add(route) }
    }

    /// RTA_MULTIPATH: for each next hop `struct rtnexthop`, then attributes of its own.
    private mutating func addNexthops(of family: IPFamily, _ value: borrowing RawSpan) throws(NetlinkDecodingError) {
        var offset = 0
        while value.byteCount - offset >= NetlinkConstant.nexthopHeaderLength {
            let length = Int(value.load(UInt16.self, at: offset))
            guard length >= NetlinkConstant.nexthopHeaderLength, length <= value.byteCount - offset else {
                throw .attributeLength(type: RouteAttribute.multipath, length: length)
            }
            var route = DefaultRoute(family: family, link: value.load(Int32.self, at: offset + 4), gateway: nil)
            try NetlinkDecoding.forEachAttribute(
                in: value.extracting(offset..<offset + length), from: NetlinkConstant.nexthopHeaderLength
            ) { (type, value) throws(NetlinkDecodingError) in route.set(type, value) }
            if route.link != 0 { add(route) }
            offset += NetlinkDecoding.aligned(length)
        }
    }
}

extension DefaultRoute {
    fileprivate mutating func set(_ type: UInt16, _ value: borrowing RawSpan) {
        switch type {
        case RouteAttribute.outgoingLink where value.byteCount >= 4: link = value.load(Int32.self, at: 0)
        case RouteAttribute.gateway: gateway = IPAddress(value)
        // struct rtvia: a family of 16 bits, then the address.
        case RouteAttribute.via where value.byteCount >= 2:
            gateway = IPAddress(value.extracting(2..<value.byteCount))
        default: break
        }
    }
}
