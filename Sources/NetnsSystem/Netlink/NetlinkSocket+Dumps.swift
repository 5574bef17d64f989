internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

extension NetlinkSocket {
    /// Does `body`, a dump, and does it again when it was interrupted, three times in all: it would hold some of before
    /// and some of after a change.
    mutating func untilConsistent(
        _ body: (inout NetlinkSocket) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        for attempt in 1...3 {
            do throws(NetlinkError) { return try body(&self) } catch {
                guard case .interrupted = error, attempt < 3 else { throw error }
            }
        }
    }

    /// Asks for everything of a kind in the socket's namespace. The request's structure, `headerLength` bytes, is all
    /// zeros: of every family (AF_UNSPEC is 0), and no filter.
    mutating func dump(
        _ type: UInt16, headerLength: Int, buffer: NetlinkBuffer,
        _ body: (NetlinkHeader, borrowing RawSpan) throws(NetlinkDecodingError) -> NetlinkStep
    ) throws(NetlinkError) {
        try unsafe request(
            type, dump: true, buffer: buffer, { _ = unsafe mnl_nlmsg_put_extra_header($0, headerLength) }, body)
    }

    /// Reads all IPv4 and IPv6 addresses by one RTM_GETADDR dump into `addresses`, whose memory is used again.
    mutating func dumpAddresses(
        into addresses: inout [InterfaceAddress], buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        try untilConsistent { (socket) throws(NetlinkError) in
            addresses.removeAll(keepingCapacity: true)
            try socket.dump(UInt16(RTM_GETADDR), headerLength: MemoryLayout<ifaddrmsg>.size, buffer: buffer) {
                (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newAddress, let address = try InterfaceAddress(decoding: payload) {
                    addresses.append(address)
                }
                return .next
            }
        }
        addresses.removeRepeated()
    }

    /// Counts the neighbours by one RTM_GETNEIGH dump.
    ///
    /// The kernel has one table for all namespaces and walks all of it for each dump (net/core/neighbour.c
    /// neigh_dump_table()): 12 us in each of 1,000 small namespaces, 2,400 us once another has 40,000 neighbours.
    mutating func dumpNeighbours(into counts: inout NeighbourCounts, buffer: NetlinkBuffer) throws(NetlinkError) {
        try untilConsistent { (socket) throws(NetlinkError) in
            counts = NeighbourCounts()
            try socket.dump(UInt16(RTM_GETNEIGH), headerLength: MemoryLayout<ndmsg>.size, buffer: buffer) {
                (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newNeighbour { try counts.add(decoding: payload) }
                return .next
            }
        }
    }

    /// Counts the routes of all tables by one RTM_GETROUTE dump; `tooMany` when there are more than `limit` of them, those
    /// of the table `local` too. The socket must not be asked again then.
    mutating func dumpRoutes(
        into routes: inout RouteSummary, limit: Int, buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        // Without it the kernel also gives what it has learnt of destinations (path MTUs, redirects). Before Linux 4.20 it
        // does anyway, and the decoder passes over them.
        var on: Int32 = 1
        _ = unsafe setsockopt(rawValue, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, socklen_t(MemoryLayout<Int32>.size))
        try untilConsistent { (socket) throws(NetlinkError) in
            routes.removeAll()
            var count = 0
            try socket.dump(UInt16(RTM_GETROUTE), headerLength: MemoryLayout<rtmsg>.size, buffer: buffer) {
                (header, payload) throws(NetlinkDecodingError) in
                guard header.type == NetlinkConstant.newRoute else { return .next }
                count += 1
                if count > limit { return .stop }
                try routes.add(decoding: payload)
                return .next
            }
            if count > limit { throw .tooMany }
        }
    }
}
