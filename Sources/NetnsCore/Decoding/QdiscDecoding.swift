/// Attributes of RTM_NEWQDISC, in <linux/rtnetlink.h> and <linux/gen_stats.h>; held against the headers by a test.
package enum QdiscAttribute {
    package static let headerLength = 20
    package static let kind: UInt16 = 1
    package static let statistics: UInt16 = 7
    package static let basic: UInt16 = 1
    package static let queue: UInt16 = 3
    package static let packets64: UInt16 = 8
}

extension Qdisc {
    /// A queueing discipline from the payload of an RTM_NEWQDISC message: `struct tcmsg`, then attributes. nil for
    /// `noqueue`, which queues and counts nothing. Source: rtnetlink(7), net/sched/sch_api.c tc_fill_qdisc().
    public init?(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= QdiscAttribute.headerLength else {
            throw .tooShort(type: NetlinkConstant.newQdisc, length: payload.byteCount)
        }
        var qdisc = Qdisc()
        qdisc.link = payload.load(Int32.self, at: 4)
        qdisc.handle = payload.load(UInt32.self, at: 8)
        qdisc.parent = payload.load(UInt32.self, at: 12)
        try NetlinkDecoding.forEachAttribute(in: payload, from: QdiscAttribute.headerLength) {
            (type, value) throws(NetlinkDecodingError) in
            switch type {
            case QdiscAttribute.kind:
                var length = 0
                while length < value.byteCount, value.loadByte(at: length) != 0 { length += 1 }
                qdisc.kind = InlineBytes(value.extracting(0..<length))
            case QdiscAttribute.statistics: try qdisc.setStatistics(value)
            default: break
            }
        }
        guard !qdisc.kind.isEmpty, qdisc.kind != InlineBytes("noqueue") else { return nil }
        self = qdisc
    }

    /// TCA_STATS2: struct gnet_stats_basic, struct gnet_stats_queue, and since Linux 5.5 the packets in 64 bits.
    private mutating func setStatistics(_ statistics: borrowing RawSpan) throws(NetlinkDecodingError) {
        var packets64: UInt64?
        try NetlinkDecoding.forEachAttribute(in: statistics, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case QdiscAttribute.basic where value.byteCount >= 12:
                bytes = value.load(UInt64.self, at: 0)
                packets = UInt64(value.load(UInt32.self, at: 8))
            case QdiscAttribute.queue where value.byteCount >= 20:
                queued = UInt64(value.load(UInt32.self, at: 0))
                backlog = UInt64(value.load(UInt32.self, at: 4))
                drops = UInt64(value.load(UInt32.self, at: 8))
                requeues = UInt64(value.load(UInt32.self, at: 12))
                overlimits = UInt64(value.load(UInt32.self, at: 16))
            case QdiscAttribute.packets64 where value.byteCount >= 8: packets64 = value.load(UInt64.self, at: 0)
            default: break
            }
        }
        if let packets64 { packets = packets64 }
    }
}
