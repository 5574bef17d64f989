/// What /proc/net/{sockstat,sockstat6} count.
///
/// `tcpOrphans`, `tcpAllocated` and the memory of TCP and UDP are of the whole host, in whatever namespace they are read;
/// the others are the namespace's. Source: net/ipv4/proc.c sockstat_seq_show(), net/ipv6/proc.c sockstat6_seq_show().
public enum SocketStatistic: Int, CaseIterable, Sendable {
    case used
    case tcpInUse
    case tcpOrphans
    case tcpTimeWait
    case tcpAllocated
    /// Pages.
    case tcpMemory
    case udpInUse
    /// Pages.
    case udpMemory
    case udpLiteInUse
    case rawInUse
    case fragmentQueues
    /// Bytes.
    case fragmentMemory
    case tcp6InUse
    case udp6InUse
    case udpLite6InUse
    case raw6InUse
    case fragment6Queues
    /// Bytes.
    case fragment6Memory
}

/// The sockets of a namespace.
public struct SocketStatistics: Sendable {
    private var values = OptionalValues<18>()

    /// Nothing was read.
    public init() {}

    /// A number; nil where the kernel does not print it.
    public internal(set) subscript(statistic: SocketStatistic) -> UInt64? {
        get { values[statistic.rawValue] }
        set { values[statistic.rawValue] = newValue }
    }
}
