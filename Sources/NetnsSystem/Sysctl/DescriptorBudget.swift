internal import Glibc

/// How many descriptors the sysctl reader may keep, shared out among the namespaces.
///
/// A kept file is the fastest way to read a sysctl (1.9 us), a kept directory the next (6 to 7 us), a full path costs more
/// with every namespace on the host (140 us at 1,000). Directories come first, since without them the cost of a pass
/// grows with the square of the namespaces; what is left goes to files, the same number in each namespace.
public struct DescriptorBudget: Sendable, Hashable {
    /// What one namespace may keep.
    public struct Share: Sendable, Hashable {
        /// How many directories, in the order of `SysctlTable.directoryRank`.
        public var directories: Int
        /// How many files, in the order of `SysctlTable.keepRank`.
        public var files: Int

        /// What a namespace with this many directories and files keeps of its allowance: directories first.
        public init(allowance: Int, directories: Int, files: Int) {
            self.directories = max(0, min(directories, allowance))
            self.files = max(0, min(files, allowance - directories))
        }
    }

    /// Each pins about 2 KiB of the kernel's memory (file, dentry, inode; the slabs grew by 32 MB with 14,600): so this many
    /// are some 70 MB at most, whatever the limit allows.
    public static let ceiling = 32768
    /// Left for connections, collections, libraries and whatever comes.
    public static let reserve = 384

    /// How many may be kept.
    public let total: Int
    /// How many probes may have open at a time: each has a socket for at most its timeout.
    public let probes: Int

    /// A budget of this many.
    public init(total: Int, probes: Int = 0) {
        self.total = max(total, 0)
        self.probes = max(probes, 0)
    }

    /// Raises the soft limit of descriptors to the hard one (getrlimit(2)) and makes a budget of it; a quarter of it at most
    /// is for probes, when there are any.
    public static func raisingLimit(probes: Bool = false) -> (budget: DescriptorBudget, limit: Int) {
        var limit = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < limit.rlim_max {
            var raised = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        let allowed = Int(clamping: limit.rlim_cur)
        let sockets = probes ? min(allowed / 4, 8192) : 0
        let left = allowed - sockets
        return (DescriptorBudget(total: min(left - min(reserve, left / 2), ceiling), probes: sockets), allowed)
    }

    /// How many descriptors the namespace at `position` of `namespaces` may keep.
    ///
    /// Every descriptor is given to somebody: the first few namespaces get one more than the rest, so the cost of a
    /// collection has no step where the number of namespaces passes a limit.
    public func allowance(position: Int, of namespaces: Int) -> Int {
        guard namespaces > 0 else { return 0 }
        let (each, rest) = total.quotientAndRemainder(dividingBy: namespaces)
        return each + (position < rest ? 1 : 0)
    }
}
