internal import CNetnsBPF
internal import Glibc
internal import NetnsCore

/// What holds namespaces that no process is in: threads, descriptors, sockets, and mounts of other mount namespaces.
///
/// Threads are known of each collection. To look at every descriptor costs 0.7 us for each that the host has, so that is
/// done at first, when a namespace shows up that nothing known holds, and now and then while there are such namespaces.
struct KernelHolders: ~Copyable {
    /// What holds namespaces, by inode.
    private(set) var holders: [UInt64: [Holder]] = [:]
    /// Descriptors and mounts, as of the last look.
    private var lasting: [UInt64: [Holder]] = [:]
    private var threads: [KernelTasks.Thread] = []
    /// Namespaces that nothing was found to hold at the last look, by cookie: they are not looked for again before the next.
    private var unexplained: Set<UInt64> = []
    private var next = Instant(nanoseconds: 0)
    private var rested = Instant(nanoseconds: 0)
    /// A look that is not over, and what it has found.
    private var iteration: KernelIteration?
    private var partial: [UInt64: [Holder]] = [:]
    private var isFirst = true
    private let procfs: FileDescriptor
    private let interval: Double
    private var reader = FileReader(capacity: 65536)
    private let ledger: ErrorLedger

    /// How long the mount tables may take, and then the descriptors, seconds: whoever collects waits for them.
    private static let patience = 0.5
    /// After a look that took longer than this, seconds, it is ten times as long until the next, however many namespaces show
    /// up that nothing known holds.
    private static let tiring = 0.1
    private static let rest = 10.0

    init(procfs path: String, interval: Double, ledger: ErrorLedger) throws {
        do { procfs = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", path, error)
        }
        // Without deep scans, the next look is when one is needed, and as seldom as it may be.
        self.interval = interval > 0 ? interval : 300
        self.ledger = ledger
    }

    /// Something that was held in a way that is remembered could not be reached by it: look again the next time.
    mutating func distrust() { next = Instant(nanoseconds: 0) }

    /// Brings `holders` up to date; true when they changed. `unheld` are the namespaces in which no process is and which are
    /// not mounted here: inode and cookie.
    mutating func refresh(
        _ programs: KernelPrograms, _ tasks: borrowing KernelTasks, unheld: [(inode: UInt64, cookie: UInt64)],
        own: Int32
    ) -> Bool {
        let now = Instant.now()
        let stray = Set(tasks.strayThreads.map(\.inode))
        let isNew = unheld.contains { namespace in
            lasting[namespace.inode] == nil && !stray.contains(namespace.inode)
                && !unexplained.contains(namespace.cookie)
        }
        var changed = false
        let isUnderWay = iteration != nil
        if now >= rested, isUnderWay || isNew || (now >= next && (isFirst || !unheld.isEmpty)) {
            isFirst = false
            next = now.advanced(bySeconds: interval)
            isUnderWay ? lookOn(programs, tasks, own) : look(programs, tasks, own)
            let end = Instant.now()
            let took = end.seconds(since: now)
            rested = end.advanced(bySeconds: took > Self.tiring ? Self.rest * took : 0)
            unexplained = Set(unheld.filter { lasting[$0.inode] == nil && !stray.contains($0.inode) }.map(\.cookie))
            changed = true
        }
        if changed || threads != tasks.strayThreads {
            threads = tasks.strayThreads
            holders = lasting
            for thread in threads { Self.add(.thread(pid: thread.pid, tid: thread.tid), to: thread.inode, &holders) }
            changed = true
        }
        return changed
    }

    /// Looks at every descriptor, and at the mount table of every mount namespace.
    private mutating func look(_ programs: KernelPrograms, _ tasks: borrowing KernelTasks, _ own: Int32) {
        var found: [UInt64: [Holder]] = [:]
        // Those of longest standing come first.
        let end = Instant.now().advanced(bySeconds: Self.patience)
        for view in tasks.mountViews {
            guard Instant.now() < end else {
                ledger.count("mounts", "too_long")
                break
            }
            let path = view.thread == view.pid ? "\(view.pid)" : "\(view.pid)/task/\(view.thread)"
            let mounts = try? reader.read("\(path)/mountinfo", at: procfs.rawValue, limit: DeepScan.mountTableLimit) {
                MountInfo.namespaceMounts($0)
            }
            for mount in mounts ?? [] {
                Self.add(.foreignMount(pid: view.thread, path: mount.path), to: mount.inode, &found)
            }
        }
        partial = found
        do throws(Errno) { iteration = .some(try programs.beginFiles()) } catch {
            ledger.count("files", error)
            keepPartial()
            return
        }
        lookOn(programs, tasks, own)
    }

    /// Looks at descriptors, from where it was left off; a host may have more than there is time for.
    private mutating func lookOn(_ programs: KernelPrograms, _ tasks: borrowing KernelTasks, _ own: Int32) {
        guard var iteration = iteration.take() else { return }
        var found = partial
        let end = Instant.now().advanced(bySeconds: Self.patience)
        do throws(Errno) {
            let isOver = try programs.resumeFiles(&iteration, until: end) { file in
                let pid = Int32(bitPattern: file.pid)
                let inode = UInt64(file.inode)
                // Ours are those of a collection under way.
                guard pid != own else { return }
                if file.is_socket == 0 {
                    Self.add(.descriptor(pid: pid, fd: Int32(bitPattern: file.fd)), to: inode, &found)
                } else if tasks.index(of: pid).map({ tasks.processes[$0].inode }) != inode {
                    // What its own process holds anyway needs no second holder.
                    Self.add(.socket(pid: pid, fd: Int32(bitPattern: file.fd)), to: inode, &found)
                }
            }
            partial = found
            if isOver {
                lasting = found
                partial = [:]
                return
            }
            ledger.count("files", "too_long")
            self.iteration = consume iteration
        } catch {
            ledger.count("files", error)
            partial = found
        }
        keepPartial()
    }

    /// What was not looked at is as it was, as far as is known: each is proven when it is used.
    private mutating func keepPartial() { lasting.merge(partial) { $1 } }

    private static func add(_ holder: Holder, to inode: UInt64, _ holders: inout [UInt64: [Holder]]) {
        if holders[inode, default: []].count < DeepScan.holdersKept { holders[inode, default: []].append(holder) }
    }
}
