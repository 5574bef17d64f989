internal import CLinux
internal import Glibc
public import NetnsCore

/// What a deep scan found: what holds namespaces beside processes and our own mounts.
public struct DeepFindings: Sendable {
    /// Holders by namespace inode; at most `DeepScan.holdersKept` of each.
    public var holders: [UInt64: [Holder]] = [:]
    /// Processes that could not be looked into, for want of rights.
    public var denied = 0
    /// Sockets whose namespace could not be asked for (SIOCGSKNS needs CAP_NET_ADMIN there).
    public var socketsDenied = 0
    /// How long it took, seconds.
    public var duration = 0.0
    /// When it ended, seconds since the epoch.
    public var finished = 0.0

    /// Nothing found.
    public init() {}
}

/// The scan for namespaces that no process is in and that are not mounted here: mounts of other mount namespaces, threads,
/// open nsfs descriptors and sockets, by every process's /proc entries.
///
/// It looks at each descriptor of the host (about 3 us each), so it runs on its own cadence, not at each scrape.
struct DeepScan: ~Copyable {
    /// A namespace may be held a thousand times; a few ways in are enough to reach it and to say who holds it.
    static let holdersKept = 16
    /// More root directories of one mount namespace are not looked from: a container may chroot(2) as often as it likes.
    static let viewsKept = 8
    /// A longer mount table of another mount namespace is not read.
    static let mountTableLimit = 16 << 20

    private let paths: SystemPaths
    private let procfs: FileDescriptor
    private let processes = DirectoryReader()
    private let entries = DirectoryReader(capacity: 32768)
    private let links = LinkReader()
    private var reader = FileReader(capacity: 65536)
    private let own: Int32
    /// The namespace of every socket seen in the last scan: a socket never changes its namespace, and its sockfs inode
    /// names it, so only new sockets are asked. A wrong entry would show when the namespace is opened.
    private var socketNamespaces: [UInt64: UInt64] = [:]

    init(paths: SystemPaths) throws {
        self.paths = paths
        do { procfs = try FileDescriptor.open(paths.procfs, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", paths.procfs, error)
        }
        // Our process id as this procfs counts: getpid(2) is that of our own process-id namespace.
        own = (try? links.read("self", at: procfs.rawValue) { Self.number($0) }) ?? getpid()
    }

    private static func number(_ text: borrowing RawSpan) -> Int32? {
        let digits = unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        return Int32(digits)
    }

    /// Looks at every process but our own, whose descriptors are those of a collection under way.
    ///
    /// It stops, with what it has found, as soon as `isEnough` says so between two processes.
    mutating func run(until isEnough: () -> Bool = { false }) throws(Errno) -> DeepFindings {
        let start = Instant.now()
        var findings = DeepFindings()
        var sockets: [UInt64: UInt64] = [:]
        sockets.reserveCapacity(socketNamespaces.count)
        var mountNamespaces: [UInt64: Set<[UInt8]>] = [:]
        if let mine = view(of: "self") { mountNamespaces[mine.namespace] = [mine.root] }
        var pids: [Int32] = []
        try processes.forEachNumber(of: procfs) { pids.append($0) }
        for pid in pids where pid != own {
            if isEnough() { break }
            let namespace = namespace("\(pid)/ns/net")
            lookAtMounts("\(pid)", pid, &mountNamespaces, &findings)
            lookAtThreads(pid, namespace, &mountNamespaces, &findings)
            lookAtDescriptors(pid, namespace, &sockets, &findings)
        }
        socketNamespaces = sockets
        findings.duration = Instant.now().seconds(since: start)
        findings.finished = WallClock.now()
        return findings
    }

    /// A mount namespace as seen from a root directory: mountinfo shows what lies below it.
    private struct MountView {
        let namespace: UInt64
        let root: [UInt8]
    }

    private func view(of process: String) -> MountView? {
        guard
            let found = try? links.read(
                "\(process)/ns/mnt", at: procfs.rawValue, { NamespaceLinkText.mountNamespaceInode($0) }),
            let root = try? links.read(
                "\(process)/root", at: procfs.rawValue,
                { text in unsafe text.withUnsafeBytes { unsafe [UInt8]($0) } })
        else { return nil }
        return MountView(namespace: found, root: root)
    }

    private func namespace(_ path: String) -> UInt64? {
        (try? links.read(path, at: procfs.rawValue) { NamespaceLinkText.inode($0) }) ?? nil
    }

    private mutating func lookAtMounts(
        _ process: String, _ pid: Int32, _ known: inout [UInt64: Set<[UInt8]>], _ findings: inout DeepFindings
    ) {
        guard let view = view(of: process), known[view.namespace]?.contains(view.root) != true,
            known[view.namespace, default: []].count < Self.viewsKept
        else { return }
        known[view.namespace, default: []].insert(view.root)
        let mounts = try? reader.read("\(process)/mountinfo", at: procfs.rawValue, limit: DeepScan.mountTableLimit) {
            MountInfo.namespaceMounts($0)
        }
        for mount in mounts ?? [] {
            findings.add(.foreignMount(pid: pid, path: mount.path), to: mount.inode)
        }
    }

    private mutating func lookAtThreads(
        _ pid: Int32, _ namespace: UInt64?, _ known: inout [UInt64: Set<[UInt8]>], _ findings: inout DeepFindings
    ) {
        guard let tasks = try? FileDescriptor.open("\(pid)/task", at: procfs.rawValue, O_RDONLY | O_DIRECTORY) else {
            return
        }
        var threads: [Int32] = []
        try? entries.forEachNumber(of: tasks) { if $0 != pid { threads.append($0) } }
        for thread in threads {
            if let inode = self.namespace("\(pid)/task/\(thread)/ns/net"), inode != namespace {
                findings.add(.thread(pid: pid, tid: thread), to: inode)
            }
            // /proc/TID is there too, though it is not listed: a thread's root is reached as a process's is.
            lookAtMounts("\(pid)/task/\(thread)", thread, &known, &findings)
        }
    }

    private func lookAtDescriptors(
        _ pid: Int32, _ namespace: UInt64?, _ sockets: inout [UInt64: UInt64], _ findings: inout DeepFindings
    ) {
        let directory: FileDescriptor
        do throws(Errno) {
            directory = try FileDescriptor.open("\(pid)/fd", at: procfs.rawValue, O_RDONLY | O_DIRECTORY)
        } catch {
            if error.meansDenied { findings.denied += 1 }
            return
        }
        let raw = directory.rawValue
        var asked: [(fd: Int32, socket: UInt64)] = []
        try? entries.forEachNumber(of: directory) { fd in
            let target = try? links.read("\(fd)", at: raw) { text -> Target? in
                if let inode = NamespaceLinkText.inode(text) { return .namespace(inode) }
                if let inode = NamespaceLinkText.socketInode(text) { return .socket(inode) }
                // Opened through a mount (`ip netns`, docker) that has been taken away since: the link then says `/`,
                // not `net:[INODE]` (fs/d_path.c d_path()). As long as it is mounted the mount is found.
                let isRoot = unsafe text.withUnsafeBytes { unsafe $0.count == 1 && $0[0] == UInt8(ascii: "/") }
                return isRoot ? NamespaceHandle.inode(ofDetached: fd, in: raw).map { .namespace($0) } : nil
            }
            switch target ?? nil {
            case .namespace(let inode):
                findings.add(.descriptor(pid: pid, fd: fd), to: inode)
            case .socket(let socket):
                guard let inode = socketNamespaces[socket] ?? sockets[socket] else {
                    asked.append((fd, socket))
                    return
                }
                sockets[socket] = inode
                // What its own process holds anyway needs no second holder.
                if inode != namespace { findings.add(.socket(pid: pid, fd: fd), to: inode) }
            case nil:
                return
            }
        }
        guard !asked.isEmpty else { return }
        for (question, answer) in zip(asked, ForeignSockets.namespaces(of: asked.map(\.fd), pid) ?? []) {
            do throws(Errno) {
                let inode = UInt64(try answer.result.get().take().status().st_ino)
                sockets[question.socket] = inode
                if inode != namespace { findings.add(.socket(pid: pid, fd: question.fd), to: inode) }
            } catch { if error.meansDenied { findings.socketsDenied += 1 } }
        }
    }

    private enum Target {
        case namespace(UInt64)
        case socket(UInt64)
    }
}

extension DeepFindings {
    fileprivate mutating func add(_ holder: Holder, to inode: UInt64) {
        if holders[inode, default: []].count < DeepScan.holdersKept { holders[inode, default: []].append(holder) }
    }
}
