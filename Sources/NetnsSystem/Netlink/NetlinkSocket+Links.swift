internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

/// What ethtool said of a link's speed; nothing, where its driver knows none.
struct LinkSpeed: Sendable {
    var bytesPerSecond: UInt64?
    var duplex: StaticString?
}

extension NetlinkSocket {
    /// Reads all links of the socket's namespace by one RTM_GETLINK dump into `links`, whose memory is used again; sorted
    /// by index, as the kernel gives them since 6.8.
    ///
    /// A dump that holds one name twice (a rename in between) counts as interrupted. Source: rtnetlink(7).
    mutating func dumpLinks(into links: inout [Link], buffer: NetlinkBuffer) throws(NetlinkError) {
        try untilConsistent { (socket) throws(NetlinkError) in
            links.removeAll(keepingCapacity: true)
            try socket.dump(UInt16(RTM_GETLINK), headerLength: MemoryLayout<ifinfomsg>.size, buffer: buffer) {
                (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newLink { links.append(try Link(decoding: payload)) }
                return .next
            }
            if Self.hasNameTwice(links) { throw .interrupted }
            if !Self.areSorted(links) { links.sort { $0.index < $1.index } }
        }
    }

    private static func areSorted(_ links: [Link]) -> Bool {
        for position in links.indices.dropFirst() where links[position].index < links[position - 1].index {
            return false
        }
        return true
    }

    private static func hasNameTwice(_ links: [Link]) -> Bool {
        // Namespaces of containers have a few links: comparing each with each beats a table up to about a hundred.
        if links.count <= 64 {
            for index in links.indices {
                for other in links.indices where other > index && links[index].name == links[other].name { return true }
            }
            return false
        }
        var names = Set<InlineBytes<16>>(minimumCapacity: links.count)
        for link in links where !names.insert(link.name).inserted { return true }
        return false
    }

    /// Adds speed and duplex by ethtool to those links whose driver knows them: 1.9 us a link that is asked.
    ///
    /// Not asked are lo, which has none, and veths once one was: their speed is fixed in the driver
    /// (drivers/net/veth.c veth_get_link_ksettings()), so `veth` remembers it. Everything else is asked each time, since
    /// an index may be another link's the next time. With `skipsVethsToElsewhere` the veths that are not reported here
    /// are left out.
    mutating func readSpeeds(of links: inout [Link], veth: inout LinkSpeed?, skipsVethsToElsewhere: Bool) {
        for position in links.indices {
            links[position].speed = nil
            links[position].duplex = nil
            // Without a carrier the driver has nothing to say (sysfs answers EINVAL there).
            guard links[position].carrier == true, links[position].isAdministrativelyUp, !links[position].isLoopback,
                !(skipsVethsToElsewhere && links[position].isVethToElsewhere)
            else { continue }
            let isVeth = links[position].isVeth
            if isVeth, let veth {
                links[position].speed = veth.bytesPerSecond
                links[position].duplex = veth.duplex
                continue
            }
            var megabits: UInt32 = 0
            var duplex: UInt8 = 0
            var name = InlineArray<17, CChar>(repeating: 0)
            for offset in 0..<min(links[position].name.count, 15) {
                name[offset] = CChar(bitPattern: links[position].name[offset])
            }
            let result = unsafe name.span.withUnsafeBufferPointer {
                unsafe nd_ethtool_speed(rawValue, $0.baseAddress, &megabits, &duplex)
            }
            guard result == 0 else { continue }
            if megabits != 0, megabits != ND_SPEED_UNKNOWN { links[position].speed = UInt64(megabits) * 125_000 }
            switch duplex {
            case 0: links[position].duplex = "half"
            case 1: links[position].duplex = "full"
            default: break
            }
            if isVeth {
                veth = LinkSpeed(bytesPerSecond: links[position].speed, duplex: links[position].duplex)
            }
        }
    }

    /// The link with an index in the namespace that the socket's own calls `id` (IFLA_TARGET_NETNSID, Linux 4.15); nil
    /// where there is none, and where we may not look: it takes CAP_NET_ADMIN over that namespace.
    mutating func link(_ index: Int32, in id: Int32, buffer: NetlinkBuffer) -> Link? {
        var found: Link?
        try? unsafe request(
            UInt16(RTM_GETLINK), dump: false, buffer: buffer,
            { header in
                guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<ifinfomsg>.size) else {
                    return
                }
                unsafe extra.storeBytes(of: ifinfomsg(index), as: ifinfomsg.self)
                unsafe mnl_attr_put_u32(header, UInt16(IFLA_TARGET_NETNSID), UInt32(bitPattern: id))
            },
            { (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newLink { found = try Link(decoding: payload) }
                return .stop
            })
        return found
    }

    /// The id that the socket's namespace has for another, given by an open descriptor; nil when none is assigned.
    /// Source: RTM_GETNSID, net/core/net_namespace.c rtnl_net_getid().
    mutating func namespaceID(of namespace: Int32, buffer: NetlinkBuffer) throws(NetlinkError) -> Int32? {
        var id: Int32?
        try unsafe request(
            UInt16(RTM_GETNSID), dump: false, buffer: buffer,
            { header in
                guard unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<rtgenmsg>.size) != nil else { return }
                unsafe mnl_attr_put_u32(header, UInt16(NETNSA_FD), UInt32(bitPattern: namespace))
            },
            { (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newNamespaceID { id = try NetlinkDecoding.namespaceID(payload) }
                return .stop
            })
        return id
    }
}

extension ifinfomsg {
    fileprivate init(_ index: Int32) {
        self.init()
        ifi_index = index
    }
}
