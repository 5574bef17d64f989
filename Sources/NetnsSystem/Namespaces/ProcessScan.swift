internal import CLinux
internal import Glibc
internal import NetnsCore

/// The namespaces that processes are in, by one pass over /proc.
struct ProcessScan: ~Copyable {
    /// The processes of one namespace.
    struct Membership {
        /// How many thread groups.
        var processes: Int
        /// The lowest process id.
        var lowest: Int32
        /// The highest.
        var highest: Int32

        fileprivate mutating func add(_ pid: Int32) {
            processes += 1
            lowest = min(lowest, pid)
            highest = max(highest, pid)
        }
    }

    /// Members by namespace inode.
    private(set) var members: [UInt64: Membership] = [:]
    /// Processes whose namespace we may not see.
    private(set) var denied = 0
    /// Why processes could not be looked at that neither ended nor are denied: they may be in namespaces that seem empty.
    private(set) var failures: [Errno] = []
    /// The processes, ascending, and beside each its namespace.
    private var pids: [Int32] = []
    private var inodes: [UInt64] = []
    private let procfs: FileDescriptor
    private let directory = DirectoryReader()
    private let links = LinkReader()

    /// A scan of the processes below `procfs`.
    init(procfs path: String) throws { procfs = try Self.open(path) }

    private static func open(_ path: String) throws -> FileDescriptor {
        let directory: FileDescriptor
        do { directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", path, error, advice: "is procfs mounted there? --path.procfs says where")
        }
        // A directory that is no procfs shows no process and no sysctl: that must not pass for a host without any.
        guard unsafe faccessat(directory.rawValue, "self", F_OK, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw SystemError(
                "use", path, .noSuchFile,
                advice: "there is no 'self' in it; is procfs mounted there? --path.procfs says where")
        }
        return directory
    }

    /// Looks again. A process that ends in between is normal and leaves no trace.
    mutating func run() throws(Errno) {
        members.removeAll(keepingCapacity: true)
        denied = 0
        failures.removeAll()
        var path = ProcessPath()
        // Most processes share a few namespaces: the last one is tried before the table.
        var last: (inode: UInt64, member: Membership)?
        var members = self.members
        var pids = self.pids
        var inodes = self.inodes
        self.members = [:]
        self.pids = []
        self.inodes = []
        pids.removeAll(keepingCapacity: true)
        inodes.removeAll(keepingCapacity: true)
        var denied = 0
        var failures: [Errno] = []
        defer {
            if let last { members[last.inode] = last.member }
            self.members = members
            self.pids = pids
            self.inodes = inodes
            self.denied = denied
            self.failures = failures
        }
        let procfs = procfs.rawValue
        try directory.forEachNumber(of: self.procfs) { pid in
            let inode: UInt64?
            do throws(Errno) {
                inode = try unsafe path.withPath(pid, "/ns/net") { (path) throws(Errno) in
                    try unsafe links.read(path, at: procfs) { NamespaceLinkText.inode($0) }
                }
            } catch {
                if error.meansDenied { denied += 1 } else if !error.meansGone { failures.append(error) }
                return
            }
            guard let inode else { return }
            pids.append(pid)
            inodes.append(inode)
            var member: Membership
            if let known = last, known.inode == inode {
                member = known.member
            } else {
                if let last { members[last.inode] = last.member }
                member = members[inode] ?? Membership(processes: 0, lowest: pid, highest: pid)
            }
            member.add(pid)
            last = (inode, member)
        }
    }

    /// Takes what the kernel told of all processes, by ascending id, in the place of a pass over /proc.
    mutating func take(_ tasks: borrowing KernelTasks) {
        members.removeAll(keepingCapacity: true)
        denied = 0
        failures.removeAll()
        pids.removeAll(keepingCapacity: true)
        inodes.removeAll(keepingCapacity: true)
        for process in tasks.processes {
            pids.append(process.pid)
            inodes.append(process.inode)
            members[process.inode, default: Membership(processes: 0, lowest: process.pid, highest: process.pid)]
                .add(process.pid)
        }
    }

    /// The namespace that a process was in, nil when there was none of that id or it may not be seen. /proc lists
    /// processes by ascending id (fs/proc/base.c proc_pid_readdir()).
    func namespace(of pid: Int32) -> UInt64? {
        var low = 0
        var high = pids.count
        while low < high {
            let middle = (low + high) / 2
            if pids[middle] < pid { low = middle + 1 } else { high = middle }
        }
        return low < pids.count && pids[low] == pid ? inodes[low] : nil
    }
}

/// Paths of the form `PID/ns/net`, composed without an allocation: there is one for each process of the host.
struct ProcessPath {
    private var bytes = InlineArray<48, CChar>(repeating: 0)

    mutating func withPath<R>(
        _ pid: Int32, _ rest: StaticString, _ body: (UnsafePointer<CChar>) throws(Errno) -> R
    ) throws(Errno) -> R {
        var digits = InlineArray<10, CChar>(repeating: 0)
        var count = 0
        var value = pid
        repeat {
            digits[count] = CChar(0x30 + value % 10)
            count += 1
            value /= 10
        } while value > 0
        for index in 0..<count { bytes[index] = digits[count - 1 - index] }
        precondition(count + rest.utf8CodeUnitCount < 48)
        for index in 0..<rest.utf8CodeUnitCount {
            bytes[count + index] = unsafe CChar(bitPattern: rest.utf8Start[index])
        }
        bytes[count + rest.utf8CodeUnitCount] = 0
        return try unsafe bytes.span.withUnsafeBufferPointer { (buffer) throws(Errno) in
            guard let base = buffer.baseAddress else { throw .invalid }
            return try unsafe body(base)
        }
    }
}
