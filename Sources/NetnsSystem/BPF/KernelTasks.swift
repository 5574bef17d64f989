internal import CNetnsBPF
internal import NetnsCore

/// Every process and thread with the namespaces it is in, as the kernel's own iterator tells them.
///
/// 0.75 us a thread, where a readlink of /proc/PID/ns/net takes 10.
struct KernelTasks: ~Copyable {
    /// A process, by its first thread.
    struct Process {
        let pid: Int32
        let inode: UInt64
        let uid: UInt32
        let isKernelThread: Bool
        let command: InlineBytes<16>
    }

    /// A thread that is in another network namespace than its process, or whose first thread has ended.
    struct Thread: Hashable {
        let pid: Int32
        let tid: Int32
        let inode: UInt64
    }

    /// A mount namespace as seen from one root directory, and a thread to see it by.
    struct MountView {
        let thread: Int32
        let pid: Int32
    }

    private struct ViewKey: Hashable {
        let mounts: UInt32
        let root: UInt64
    }

    /// By ascending id.
    private(set) var processes: [Process] = []
    /// By ascending id.
    private(set) var strayThreads: [Thread] = []
    /// One for each mount namespace and root directory but this program's own.
    private(set) var mountViews: [MountView] = []
    private var threads: [Thread] = []
    private var views: [ViewKey: MountView] = [:]
    /// How many there are of each mount namespace.
    private var viewCounts: [UInt32: Int] = [:]

    /// More root directories of one mount namespace are not looked from: a container may chroot(2) as often as it likes.
    static let viewsKept = 8

    /// PF_KTHREAD, include/linux/sched.h.
    private static let kernelThread: UInt32 = 0x0020_0000

    /// Asks the kernel again; `own` is this process's id.
    mutating func refresh(_ programs: KernelPrograms, own: Int32) throws(Errno) {
        processes.removeAll(keepingCapacity: true)
        strayThreads.removeAll(keepingCapacity: true)
        threads.removeAll(keepingCapacity: true)
        views.removeAll(keepingCapacity: true)
        viewCounts.removeAll(keepingCapacity: true)
        var processes = self.processes
        var threads = self.threads
        var views = self.views
        var viewCounts = self.viewCounts
        var mine: ViewKey?
        var last: ViewKey?
        self.processes = []
        self.threads = []
        self.views = [:]
        self.viewCounts = [:]
        try programs.forEachTask { task in
            let pid = Int32(bitPattern: task.pid)
            let tid = Int32(bitPattern: task.tid)
            let inode = UInt64(task.inode)
            if pid == tid {
                let command = unsafe withUnsafeBytes(of: task.command) { text in
                    InlineBytes<16>(
                        unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: text.prefix { $0 != 0 })))
                }
                processes.append(
                    Process(
                        pid: pid, inode: inode, uid: task.uid, isKernelThread: task.flags & Self.kernelThread != 0,
                        command: command))
            } else if processes.last.map({ $0.pid != pid || $0.inode != inode }) ?? true {
                threads.append(Thread(pid: pid, tid: tid, inode: inode))
            }
            guard task.flags & Self.kernelThread == 0 else { return }
            let view = ViewKey(mounts: task.mounts, root: task.root)
            if pid == own, pid == tid { mine = view }
            guard view != last else { return }
            last = view
            if views[view] == nil, viewCounts[task.mounts, default: 0] < Self.viewsKept {
                views[view] = MountView(thread: tid, pid: pid)
                viewCounts[task.mounts, default: 0] += 1
            }
        }
        if let mine { views[mine] = nil }
        self.processes = processes
        self.threads = threads
        self.views = views
        self.viewCounts = viewCounts
        mountViews = views.values.sorted { $0.thread < $1.thread }
        strayThreads = threads.filter { namespace(of: $0.pid) != $0.inode }
    }

    /// The place of a process in `processes`.
    func index(of pid: Int32) -> Int? {
        var low = 0
        var high = processes.count
        while low < high {
            let middle = (low + high) / 2
            if processes[middle].pid < pid { low = middle + 1 } else { high = middle }
        }
        return low < processes.count && processes[low].pid == pid ? low : nil
    }

    private func namespace(of pid: Int32) -> UInt64? { index(of: pid).map { processes[$0].inode } }
}
