internal import CLinux

/// The rights this program needs beyond an ordinary user's. Source: capabilities(7).
public enum Capability: Int, CaseIterable, Sendable {
    case dacReadSearch = 2
    case netAdmin = 12
    case netRaw = 13
    case sysPtrace = 19
    case sysAdmin = 21

    /// The name as capabilities(7) writes it.
    public var name: String {
        switch self {
        case .dacReadSearch: "CAP_DAC_READ_SEARCH"
        case .netAdmin: "CAP_NET_ADMIN"
        case .netRaw: "CAP_NET_RAW"
        case .sysPtrace: "CAP_SYS_PTRACE"
        case .sysAdmin: "CAP_SYS_ADMIN"
        }
    }

    /// What cannot be seen, or done, without it.
    public var purpose: String {
        switch self {
        case .dacReadSearch: "namespaces that only a descriptor of another user's process holds"
        case .netAdmin: "namespaces that only a socket holds, and connection tracking"
        case .netRaw: "echo requests where ping_group_range does not allow them"
        case .sysPtrace: "the namespaces of other users' processes"
        case .sysAdmin: "sysctls and interfaces of any namespace but our own"
        }
    }

    /// The needed ones that the calling thread's effective set lacks (capget(2)); CAP_NET_RAW is needed for probes alone.
    public static func missing(probing: Bool = false) -> [Capability] {
        var mask: UInt64 = 0
        guard unsafe nd_effective_capabilities(&mask) == 0 else { return [] }
        return allCases.filter { mask & 1 << UInt64($0.rawValue) == 0 && (probing || $0 != .netRaw) }
    }
}
