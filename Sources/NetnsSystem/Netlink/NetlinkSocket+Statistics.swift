internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

extension NetlinkSocket {
    /// Reads the queueing disciplines of all links by one RTM_GETQDISC dump into `qdiscs`, whose memory is used again.
    mutating func dumpQdiscs(into qdiscs: inout [Qdisc], buffer: NetlinkBuffer) throws(NetlinkError) {
        try untilConsistent { (socket) throws(NetlinkError) in
            qdiscs.removeAll(keepingCapacity: true)
            try socket.dump(UInt16(RTM_GETQDISC), headerLength: MemoryLayout<tcmsg>.size, buffer: buffer) {
                (header, payload) throws(NetlinkDecodingError) in
                if header.type == NetlinkConstant.newQdisc, let qdisc = try Qdisc(decoding: payload) {
                    qdiscs.append(qdisc)
                }
                return .next
            }
        }
    }

    /// Reads the connection tracking of the namespace; the socket is one of NETLINK_NETFILTER. Where no rule asks for
    /// connection tracking it counts nothing, and asking does not begin it.
    mutating func readConntrack(
        into statistics: inout ConntrackStatistics, buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        statistics = ConntrackStatistics()
        try unsafe request(
            ConntrackConstant.getStatistics, dump: false, buffer: buffer,
            { _ = unsafe mnl_nlmsg_put_extra_header($0, MemoryLayout<nfgenmsg>.size) },
            { (header, payload) throws(NetlinkDecodingError) in
                if header.type == ConntrackConstant.getStatistics { try statistics.set(decoding: payload) }
                return .stop
            })
        try dump(ConntrackConstant.getStatisticsOfCPU, headerLength: MemoryLayout<nfgenmsg>.size, buffer: buffer) {
            (header, payload) throws(NetlinkDecodingError) in
            if header.type == ConntrackConstant.getStatisticsOfCPU { try statistics.add(decoding: payload) }
            return .next
        }
    }

    /// Counts the TCP sockets of the namespace by one dump; the socket is one of NETLINK_SOCK_DIAG.
    ///
    /// The kernel has one table of connections for all namespaces (unless `net.ipv4.tcp_child_ehash_entries` gave a
    /// namespace its own) and walks all of it for each dump. The request of before SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK,
    /// gives both families in one walk instead of two. Source: net/ipv4/inet_diag.c inet_diag_dump_compat().
    mutating func countTCPStates(
        into counts: inout TCPStateCounts, buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        counts = TCPStateCounts()
        try unsafe request(
            UInt16(TCPDIAG_GETSOCK), dump: true, buffer: buffer,
            { header in
                guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<inet_diag_req>.size) else {
                    return
                }
                var request = inet_diag_req()
                request.idiag_states = .max
                unsafe extra.storeBytes(of: request, as: inet_diag_req.self)
            },
            { (header, payload) throws(NetlinkDecodingError) in
                if header.type == UInt16(TCPDIAG_GETSOCK) { try counts.add(decoding: payload) }
                return .next
            })
    }
}
