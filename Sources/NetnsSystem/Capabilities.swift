internal import CLinux

/// The rights this program needs beyond an ordinary user's. Source: capabilities(7).
public enum Capability: Int, CaseIterable, Sendable {
    case dacReadSearch = 2
    case netAdmin = 12
    case netRaw = 13
    case sysPtrace = 19
    case sysAdmin = 21
    case perfmon = 38
    case bpf = 39

    /// The name as capabilities(7) writes it.
    public var name: String {
        switch self {
        case .dacReadSearch: "CAP_DAC_READ_SEARCH"
        case .netAdmin: "CAP_NET_ADMIN"
        case .netRaw: "CAP_NET_RAW"
        case .sysPtrace: "CAP_SYS_PTRACE"
        case .sysAdmin: "CAP_SYS_ADMIN"
        case .perfmon: "CAP_PERFMON"
        case .bpf: "CAP_BPF"
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
        case .perfmon, .bpf: "what the kernel itself knows, by its BPF programs"
        }
    }

    /// Those with which namespaces are found and entered in the portable way.
    public static let portable: Set<Capability> = [.dacReadSearch, .netAdmin, .netRaw, .sysPtrace, .sysAdmin]

    /// Those of the portable way that the calling thread's effective set lacks; CAP_NET_RAW is needed for probes alone.
    public static func missing(probing: Bool = false) -> [Capability] {
        missing(of: portable.filter { probing || $0 != .netRaw })
    }

    /// Those of `wanted` that the calling thread's effective set lacks (capget(2)), by their numbers. CAP_SYS_ADMIN stands
    /// for CAP_BPF and CAP_PERFMON, which were parts of it before Linux 5.8.
    public static func missing(of wanted: Set<Capability>) -> [Capability] {
        var mask: UInt64 = 0
        guard unsafe nd_effective_capabilities(&mask) == 0 else { return [] }
        func has(_ capability: Capability) -> Bool { mask & 1 << UInt64(capability.rawValue) != 0 }
        return allCases.filter { capability in
            guard wanted.contains(capability), !has(capability) else { return false }
            return !((capability == .bpf || capability == .perfmon) && has(.sysAdmin))
        }
    }
}
