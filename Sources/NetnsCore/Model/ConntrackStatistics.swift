/// The counters of connection tracking that the kernel still keeps. Source: ctattr_stats_cpu in
/// <linux/netfilter/nfnetlink_conntrack.h>; their numbers there are the raw values here.
public enum ConntrackCounter: Int, CaseIterable, Sendable {
    case found = 2
    case invalid = 4
    case insert = 8
    case insertFailed = 9
    case drop = 10
    case earlyDrop = 11
    case error = 12
    case searchRestart = 13
    case clashResolve = 14
    case chainTooLong = 15
}

/// The connection tracking of a namespace.
public struct ConntrackStatistics: Sendable {
    /// Tracked connections (nf_conntrack_count).
    public internal(set) var entries: UInt64?
    /// How many there may be (nf_conntrack_max).
    public internal(set) var limit: UInt64?
    private var counters = OptionalValues<16>()

    /// Nothing was read.
    public init() {}

    /// A counter, summed over the CPUs; nil where the kernel has none.
    public internal(set) subscript(counter: ConntrackCounter) -> UInt64? {
        get { counters[counter.rawValue] }
        set { counters[counter.rawValue] = newValue }
    }
}
