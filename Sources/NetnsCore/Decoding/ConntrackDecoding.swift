/// Attributes of IPCTNL_MSG_CT_GET_STATS, `enum ctattr_stats_global` in <linux/netfilter/nfnetlink_conntrack.h>; held
/// against the header by a test, as are the message's types.
package enum ConntrackConstant {
    package static let globalEntries: UInt16 = 1
    package static let globalMaximum: UInt16 = 2
    package static let getStatisticsOfCPU: UInt16 = 1 << 8 | 4
    package static let getStatistics: UInt16 = 1 << 8 | 5
    package static let headerLength = 4
}

extension ConntrackStatistics {
    /// Sets entries and limit from the payload of an IPCTNL_MSG_CT_GET_STATS message: `struct nfgenmsg`, then attributes of
    /// 32 bits in network byte order. The limit is there since Linux 4.18.
    /// Source: net/netfilter/nf_conntrack_netlink.c ctnetlink_stat_ct_fill_info().
    public mutating func set(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        try Self.forEachNumber(payload, ConntrackConstant.getStatistics) { type, number in
            switch type {
            case ConntrackConstant.globalEntries: entries = number
            case ConntrackConstant.globalMaximum: limit = number
            default: break
            }
        }
    }

    /// Adds the counters of one CPU, the payload of an IPCTNL_MSG_CT_GET_STATS_CPU message.
    /// Source: net/netfilter/nf_conntrack_netlink.c ctnetlink_ct_stat_cpu_fill_info().
    public mutating func add(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        try Self.forEachNumber(payload, ConntrackConstant.getStatisticsOfCPU) { type, number in
            if let counter = ConntrackCounter(rawValue: Int(type)) { self[counter] = (self[counter] ?? 0) + number }
        }
    }

    private static func forEachNumber(
        _ payload: borrowing RawSpan, _ type: UInt16, _ body: (UInt16, UInt64) -> Void
    ) throws(NetlinkDecodingError) {
        guard payload.byteCount >= ConntrackConstant.headerLength else {
            throw .tooShort(type: type, length: payload.byteCount)
        }
        try NetlinkDecoding.forEachAttribute(in: payload, from: ConntrackConstant.headerLength) {
            (type, value) throws(NetlinkDecodingError) in
            if value.byteCount >= 4 { body(type, UInt64(UInt32(bigEndian: value.load(UInt32.self, at: 0)))) }
        }
    }
}
