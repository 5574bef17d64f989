internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

extension NetlinkSocket {
    /// Reads the counters alone of links that are known from before, sorted by index: RTM_GETSTATS, Linux 4.7, takes half of
    /// what RTM_GETLINK takes.
    ///
    /// False when the namespace has other links by now, or they could not be read: then the counters are of no use. With
    /// `skipsVethsToElsewhere` the veths that are not reported here have none.
    mutating func readCounters(
        of links: inout [Link], skipsVethsToElsewhere: Bool, buffer: NetlinkBuffer
    ) -> Bool {
        var isDumped = true
        if skipsVethsToElsewhere {
            // A host has a veth for each container: to ask for what is left one by one costs less than to dump them all.
            let wanted = links.count { !$0.isVethToElsewhere }
            isDumped = wanted * 4 > links.count
        }
        do throws(NetlinkError) {
            return try isDumped ? dumpCounters(of: &links, buffer) : askForCounters(of: &links, buffer)
        } catch { return false }
    }

    private mutating func dumpCounters(of links: inout [Link], _ buffer: NetlinkBuffer) throws(NetlinkError) -> Bool {
        var found = 0
        var isOther = false
        try untilConsistent { (socket) throws(NetlinkError) in
            found = 0
            isOther = false
            try unsafe socket.request(
                UInt16(RTM_GETSTATS), dump: true, buffer: buffer, { unsafe Self.composeCounters($0, 0) },
                { (header, payload) throws(NetlinkDecodingError) in
                    guard header.type == NetlinkConstant.newStatistics,
                        let counters = try LinkCounters(decoding: payload)
                    else { return .next }
                    // By ascending index since Linux 6.8.
                    var position = found
                    if position >= links.count || links[position].index != counters.index {
                        guard let other = Topology.position(of: counters.index, in: links) else {
                            isOther = true
                            return .next
                        }
                        position = other
                    }
                    links[position].statistics = counters.statistics
                    found += 1
                    return .next
                })
        }
        return !isOther && found == links.count
    }

    private mutating func askForCounters(of links: inout [Link], _ buffer: NetlinkBuffer) throws(NetlinkError) -> Bool {
        for position in links.indices {
            if links[position].isVethToElsewhere {
                if links[position].statistics.count > 0 { links[position].statistics = LinkStatistics() }
                continue
            }
            let index = links[position].index
            var found: LinkStatistics?
            try unsafe request(
                UInt16(RTM_GETSTATS), dump: false, buffer: buffer, { unsafe Self.composeCounters($0, index) },
                { (header, payload) throws(NetlinkDecodingError) in
                    if header.type == NetlinkConstant.newStatistics, let counters = try LinkCounters(decoding: payload),
                        counters.index == index
                    {
                        found = counters.statistics
                    }
                    return .stop
                })
            guard let found else { return false }
            links[position].statistics = found
        }
        return true
    }

    /// `struct if_stats_msg` with the one bit of IFLA_STATS_LINK_64.
    private static func composeCounters(_ header: UnsafeMutablePointer<nlmsghdr>, _ index: Int32) {
        guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<if_stats_msg>.size) else { return }
        var message = if_stats_msg()
        message.ifindex = UInt32(bitPattern: index)
        message.filter_mask = 1 << (UInt32(IFLA_STATS_LINK_64) - 1)
        unsafe extra.storeBytes(of: message, as: if_stats_msg.self)
    }
}
