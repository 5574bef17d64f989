internal import CLinux
internal import CNetnsBPF
internal import Glibc
public import NetnsCore
internal import Synchronization

/// Hears every write of a sysctl of a network namespace, by a BPF program on the root of the cgroup v2 hierarchy.
///
/// Loading needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; hearing needs nothing. The kernel keeps some 13,000 writes that
/// nobody has taken yet, and counts those that there is no room for. Other programs on the same cgroup stay; the program is
/// detached when this ends, or its process does. Source: bpf(2), fs/proc/proc_sysctl.c proc_sys_call_handler(),
/// kernel/bpf/cgroup.c.
///
/// Concurrency: sites go in and counts come out under locks; the ring buffer belongs to the thread.
@safe public final class WriteWatch: @unchecked Sendable {
    /// How much was heard.
    public struct Counts: Sendable, Equatable {
        /// Writes that were reported.
        public var heard: UInt64 = 0
        /// Writes that there was no room for: they are in no list.
        public var lost: UInt64 = 0
        /// Calls that the kernel began again, which are the same write.
        public var begunAgain: UInt64 = 0

        /// Nothing was heard.
        public init() {}
    }

    /// What the thread is to be told.
    struct Inbox: Sendable {
        var sites: [ProbeSite]?
        var isStopping = false
    }

    /// Which namespaces were written in, for who reads them.
    public let written = WrittenNamespaces()
    let inbox = Mutex(Inbox())
    private var writes: nd_bpf_writes
    private let wakeup: FileDescriptor

    /// Loads the program and attaches it. `cgroup` is where the root of the hierarchy is mounted; nil to look for it, first below
    /// `rootfs`.
    public init(cgroup: String? = nil, rootfs: String = "") throws(KernelProgramsUnavailable) {
        if let known = KernelPrograms.obstacle() { throw known }
        do throws(Errno) { wakeup = try syscall { nd_eventfd() }.asDescriptor } catch {
            throw KernelProgramsUnavailable(reason: .refused, description: "eventfd(2): \(error)", log: "")
        }
        let root = try Self.root(cgroup, rootfs)
        var log = [CChar](repeating: 0, count: 65536)
        var step = ND_BPF_STEP_NONE
        unsafe writes = unsafe nd_bpf_writes()
        let result = unsafe nd_bpf_load_writes(&writes, root.rawValue, &step, &log, log.count)
        guard result == 0 else {
            let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw KernelPrograms.failure(
                step, Errno(rawValue: -result), text, needed: [.bpf, .perfmon, .netAdmin])
        }
    }

    deinit { unsafe nd_bpf_unload_writes(&writes) }

    // MARK: The cgroup

    /// Where the hierarchy is mounted as a rule: version 2 alone, and beside version 1.
    private static let usualMounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
    /// CGROUP2_SUPER_MAGIC, linux/magic.h.
    private static let magic: UInt64 = 0x6367_7270
    /// PROC_CGROUP_INIT_INO, include/linux/proc_ns.h.
    private static let firstCgroupNamespace: UInt64 = 4_026_531_835

    /// The root of the hierarchy; -1 for a mount of our own, which works in the first cgroup namespace alone.
    private static func root(_ path: String?, _ rootfs: String) throws(KernelProgramsUnavailable) -> FileDescriptor {
        for candidate in path.map({ [$0] }) ?? usualMounts.map({ rootfs + $0 }) + usualMounts {
            if let root = try? FileDescriptor.open(candidate, O_RDONLY | O_DIRECTORY), isRoot(root) { return root }
        }
        if let path {
            throw KernelProgramsUnavailable(
                reason: .cgroup,
                description: "--path.cgroup: \(path) is not the root of the cgroup v2 hierarchy", log: "")
        }
        var status = stat()
        guard unsafe stat("/proc/self/ns/cgroup", &status) == 0, UInt64(status.st_ino) == firstCgroupNamespace else {
            throw KernelProgramsUnavailable(
                reason: .cgroup,
                description:
                    "this process is in a cgroup namespace, and sees no process but its container's: mount the host's "
                    + "/sys/fs/cgroup and name it by --path.cgroup", log: "")
        }
        return FileDescriptor(adopting: -1)
    }

    /// Whether a directory is the root that all processes are below: the first inode of the file system.
    private static func isRoot(_ directory: borrowing FileDescriptor) -> Bool {
        var found: UInt64 = 0
        guard unsafe nd_filesystem_magic(directory.rawValue, &found) == 0, found == magic,
            let status = try? directory.status()
        else { return false }
        return status.st_ino == 1
    }

    // MARK: Work

    /// Starts the thread, which calls `deliver` with writes once it is known what became of them: within 50 ms, or 400 ms
    /// where the kernel has writers wait for its RTNL lock.
    public func start(
        paths: SystemPaths, ledger: ErrorLedger, _ deliver: @escaping @Sendable ([SysctlWrite]) -> Void
    ) throws {
        let start = WriteLoopStart(watch: self, paths: paths, ledger: ledger, deliver: deliver)
        try NativeThread("writes") { start.run() }.detach()
    }

    /// These are the namespaces from now on.
    public func update(_ sites: [ProbeSite]) { inbox.withLock { $0.sites = sites } }

    /// Lets the thread end.
    public func stop() {
        inbox.withLock { $0.isStopping = true }
        var one: UInt64 = 1
        _ = unsafe write(wakeup.rawValue, &one, 8)
    }

    /// How much was heard since the program was loaded.
    public var counts: Counts {
        var counts = Counts()
        guard let kernel = unsafe writes.counts else { return counts }
        counts.heard = unsafe kernel.pointee.heard
        counts.lost = unsafe kernel.pointee.lost
        counts.begunAgain = unsafe kernel.pointee.begun_again
        return counts
    }

    var wakeupDescriptor: Int32 { wakeup.rawValue }

    var descriptor: Int32 { unsafe nd_bpf_writes_descriptor(&writes) }

    /// Takes what was heard, oldest first. By the thread alone.
    func take(_ records: inout [nd_bpf_write]) throws(Errno) -> Int {
        let result = unsafe records.withUnsafeMutableBufferPointer {
            unsafe nd_bpf_take_writes(&writes, $0.baseAddress, $0.count)
        }
        if result < 0 { throw Errno(rawValue: -result) }
        return Int(result)
    }
}

/// What the thread needs to make its loop, which lives on that thread alone.
private struct WriteLoopStart: Sendable {
    let watch: WriteWatch
    let paths: SystemPaths
    let ledger: ErrorLedger
    let deliver: @Sendable ([SysctlWrite]) -> Void

    func run() {
        let loop = WriteLoop(watch, paths, ledger, deliver)
        while loop.turn() {}
    }
}
