/// A queueing discipline of a link.
public struct Qdisc: Sendable {
    /// The link's index.
    public internal(set) var link: Int32 = 0
    /// TCA_KIND: `fq_codel`.
    public internal(set) var kind = InlineBytes<16>()
    /// tcm_handle: major and minor number, 16 bits each.
    public internal(set) var handle: UInt32 = 0
    /// tcm_parent: the handle of the class it hangs on.
    public internal(set) var parent: UInt32 = 0
    /// Bytes sent.
    public internal(set) var bytes: UInt64?
    /// Packets sent.
    public internal(set) var packets: UInt64?
    /// Packets dropped.
    public internal(set) var drops: UInt64?
    /// Times it was over its limits.
    public internal(set) var overlimits: UInt64?
    /// Packets queued again.
    public internal(set) var requeues: UInt64?
    /// Bytes in the queue now.
    public internal(set) var backlog: UInt64?
    /// Packets in the queue now.
    public internal(set) var queued: UInt64?

    /// TC_H_ROOT: the parent of what stands at a link's egress.
    public static let root = UInt32.max
    /// TC_H_INGRESS: the parent of what stands at its ingress, TC_H_CLSACT too.
    public static let ingress: UInt32 = 0xFFFF_FFF1
}
