/// The states of an entry of the neighbour table (ARP, NDP). Source: ndmsg.ndm_state, NUD_* in <linux/neighbour.h>.
public enum NeighbourState: UInt16, CaseIterable, Sendable {
    case incomplete = 0x01
    case reachable = 0x02
    case stale = 0x04
    case delay = 0x08
    case probe = 0x10
    case failed = 0x20
    case noarp = 0x40
    case permanent = 0x80

    /// The name as ip(8) writes it, in lower case.
    public var name: StaticString {
        switch self {
        case .incomplete: "incomplete"
        case .reachable: "reachable"
        case .stale: "stale"
        case .delay: "delay"
        case .probe: "probe"
        case .failed: "failed"
        case .noarp: "noarp"
        case .permanent: "permanent"
        }
    }
}

/// How many neighbours of a namespace are in each state, those of IPv4 and IPv6 together.
public struct NeighbourCounts: Sendable {
    /// By the number of the state's bit.
    private var counts = InlineArray<8, Int>(repeating: 0)

    /// None.
    public init() {}

    /// The neighbours in a state.
    public internal(set) subscript(state: NeighbourState) -> Int {
        get { counts[state.rawValue.trailingZeroBitCount] }
        set { counts[state.rawValue.trailingZeroBitCount] = newValue }
    }
}
