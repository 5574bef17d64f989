import CLinux
import Glibc

/// Gives up what a process does not need, for good. Called while the process has one thread: capabilities are a
/// thread's own, and those that are started later have no more than the one that starts them.
public enum Privileges {
    /// What is left of the rights.
    public struct Report: Sendable {
        /// What can still be used, by name, sorted.
        public var kept: [String] = []
        /// What could not be given up, and why; empty where all went well.
        public var failures: [String] = []
        /// Whether the filter of system calls is in force.
        public var isFiltered = false
    }

    /// The last capability that Linux has today (CAP_CHECKPOINT_RESTORE is 40), and room for some more.
    private static let highest = 63

    /// Keeps those of `wanted` that the process has; drops all others from every set, and the way to get them back.
    ///
    /// Where CAP_SETPCAP is missing, as for an ordinary user, the bounding set stays as it is: with no_new_privs nothing
    /// can be gained from it. Source: capabilities(7), prctl(2), seccomp(2).
    /// With `runsPrograms`, loaded BPF programs may be run still, and nothing else of bpf(2) is allowed.
    public static func reduce(to wanted: Set<Capability>, runsPrograms: Bool = false) -> Report {
        var report = Report()
        func attempt(_ what: String, _ result: Int32) {
            if result < 0 { report.failures.append("\(what): \(Errno(rawValue: -result))") }
        }
        var effective: UInt64 = 0
        attempt("capget", unsafe nd_effective_capabilities(&effective))
        let mask = wanted.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue) }
        let setpcap: UInt64 = 1 << 8
        if effective & setpcap != 0 {
            for capability in 0...highest where mask & 1 << UInt64(capability) == 0 {
                let result = nd_drop_bounding_capability(Int32(capability))
                if result == -EINVAL { break }
                attempt("prctl PR_CAPBSET_DROP \(capability)", result)
            }
        }
        attempt("prctl PR_CAP_AMBIENT_CLEAR_ALL", nd_clear_ambient_capabilities())
        let kept = effective & mask
        let set = nd_set_capabilities(kept, kept, 0)
        // A service manager that refuses the call has left no more than was asked for; what could be inherited is for
        // programs that are never started.
        var permitted: UInt64 = 0
        attempt("capget", unsafe nd_permitted_capabilities(&permitted))
        if set != -EPERM || permitted & ~kept != 0 { attempt("capset", set) }
        attempt("prctl PR_SET_NO_NEW_PRIVS", nd_set_no_new_privileges())
        let filter = SyscallFilter.program(runsPrograms: runsPrograms)
        let filtered = unsafe filter.withUnsafeBufferPointer { program in
            unsafe nd_set_syscall_filter(program.baseAddress, UInt16(program.count))
        }
        // More than 0 is a thread that could not be bound: there is one thread.
        report.isFiltered = filtered == 0
        if filtered != 0 { attempt("seccomp", filtered < 0 ? filtered : -EBUSY) }

        // What the kernel says afterwards, not what was asked for.
        var proven: UInt64 = 0
        attempt("capget", unsafe nd_effective_capabilities(&proven))
        if proven & ~mask != 0 { report.failures.append("capset: more is left than was to be kept") }
        report.kept = Capability.allCases.filter { proven & 1 << UInt64($0.rawValue) != 0 }.map(\.name).sorted()
        return report
    }

    /// No core dumps, and no ptrace(2) by others of the same user: for a process that has keys in its memory.
    /// Returns whether the kernel did so.
    public static func hideMemory() -> Bool { nd_set_dumpable(0) == 0 }
}
