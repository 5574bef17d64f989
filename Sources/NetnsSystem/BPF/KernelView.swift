internal import CNetnsBPF
internal import Glibc
internal import NetnsCore

/// What the walk of the kernel's list told of one namespace.
struct KernelReading {
    /// The walk that saw it last; 0 before one did.
    var walk = 0
    /// Whether this collection's walk saw it.
    var isFresh = false
    /// The bytes of its values at the last walk, and by what they were written out: the same bytes give the same text.
    var bytes: [UInt8] = []
    var table: SysctlTable?
    var generation = -1
    /// The entries of the table that have to be read in the portable way.
    var leftover: [Int] = []
    /// `net.dev_base_seq`: another when a link came or went.
    var deviceSequence: UInt32 = 0
    /// What `deviceSequence` and the round of absent directories were when the patterns were last looked for.
    var expanded: (devices: UInt32, round: Int)?
    /// How many entries of the table the first walk after that found absent: more are gone, so that others may have come.
    var absent: Int?
    /// What `deviceSequence` was when the host's id for it was last asked for, and when that was.
    var asked: (devices: UInt32, time: Instant)?
    /// What its sysctls are taken for unchanged by, until something is written there.
    var trusted: TrustedReading?
    /// Whether this collection took them for unchanged.
    var isKept = false
    /// Its links.
    var links = KernelLinks()
    /// Whether it was left unvisited since this thread may not go there.
    var isOutOfReach = false
    /// What the visitor is to read of its sysctls.
    var sysctls = Task.all

    enum Task {
        /// Nothing: the walk has read them.
        case none
        /// Those of `leftover` alone.
        case leftover
        /// All.
        case all
    }
}

/// The kernel asked by its BPF programs: how the engine sees it.
///
/// Concurrency: belongs to the thread that collects.
final class KernelView {
    let programs: KernelPrograms
    let sysctls: KernelSysctls
    /// Whether processes are numbered here as the kernel numbers them, so that what the iterators tell can be used.
    let seesProcesses: Bool
    /// Whether this collection's walk was made.
    var isWalked = false
    /// What this collection's walk took, with the sysctls' values written out; 0 when it read none.
    var walkSeconds = 0.0
    /// How many walks were made.
    var walks = 0
    /// Namespaces that the last walk left out, since they are being freed.
    var dying = 0
    /// Whether this thread may enter namespaces.
    let canEnter: Bool
    /// Whether what the walk tells of links was as a dump of our own namespace had it, once: then it is used where there is
    /// no other way.
    var trustsLinks = false
    var own: Int32 = 0
    private var tasks = KernelTasks()
    private var finder: KernelHolders

    init(_ programs: KernelPrograms, _ settings: EngineSettings, ledger: ErrorLedger) throws {
        self.programs = programs
        sysctls = KernelSysctls(programs, procfs: settings.paths.procfs)
        finder = try KernelHolders(procfs: settings.paths.procfs, interval: settings.deepInterval, ledger: ledger)
        canEnter = Capability.missing(of: [.sysAdmin]).isEmpty
        seesProcesses = Self.isNumberedAsTheKernel(settings.paths.procfs)
    }

    /// Whether this process is in the first process-id namespace, and the procfs is of that one.
    ///
    /// Its inode number is fixed: PROC_PID_INIT_INO, include/linux/proc_ns.h.
    private static func isNumberedAsTheKernel(_ procfs: String) -> Bool {
        let links = LinkReader()
        guard let directory = try? FileDescriptor.open(procfs, O_RDONLY | O_DIRECTORY) else { return false }
        func text(_ path: String) -> String? {
            try? links.read(path, at: directory.rawValue) { text in
                unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            }
        }
        return text("self") == "\(getpid())" && text("self/ns/pid") == "pid:[4026531836]"
    }

    func reconfigure(_ settings: EngineSettings) { sysctls.reset() }

    /// What holds namespaces, by inode.
    var holders: [UInt64: [Holder]] { finder.holders }

    func distrust() { finder.distrust() }

    /// Asks for all processes, and takes them for the scan's.
    func readProcesses(into scan: inout ProcessScan) throws(Errno) {
        try tasks.refresh(programs, own: own)
        scan.take(tasks)
    }

    /// See `KernelHolders.refresh`.
    func refreshHolders(unheld: [(inode: UInt64, cookie: UInt64)]) -> Bool {
        finder.refresh(programs, tasks, unheld: unheld, own: own)
    }

    /// A process as the iterator told of it; nil for one whose name only /proc has. The same as `before` where nothing changed.
    func leader(_ pid: Int32, before: LeaderProcess?, _ users: UserNames) -> LeaderProcess? {
        guard let index = tasks.index(of: pid), !tasks.processes[index].isKernelThread else { return nil }
        let process = tasks.processes[index]
        if let before, before.pid == pid, before.uid == process.uid, before.command.utf8.count == process.command.count,
            before.command.utf8.enumerated().allSatisfy({ process.command[$0.offset] == $0.element })
        {
            return before
        }
        return LeaderProcess(
            pid: pid, uid: process.uid, user: users.name(of: process.uid), command: process.command.description)
    }
}
