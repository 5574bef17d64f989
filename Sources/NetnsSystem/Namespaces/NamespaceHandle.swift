internal import CLinux
internal import Glibc
internal import NetnsCore

/// An open descriptor of a network namespace: it holds the namespace, so it lives only as long as a visit.
struct NamespaceHandle: ~Copyable {
    private let file: FileDescriptor

    private init(_ file: consuming FileDescriptor) { self.file = file }

    /// The descriptor; valid while this value lives.
    var rawValue: Int32 { file.rawValue }

    /// Moves the calling thread into the namespace.
    func enter() throws(Errno) { _ = try syscall { nd_setns_net(file.rawValue) } }

    /// The inode.
    func inode() throws(Errno) -> UInt64 { UInt64(try file.status().st_ino) }

    /// The user who may do in it what root may: who made the user namespace that it belongs to.
    func owner() throws(Errno) -> UInt32 {
        var owner: UInt32 = 0
        _ = try syscall { unsafe nd_ns_owner(file.rawValue, &owner) }
        return owner
    }

    /// The namespace the calling thread is in. /proc/self would be the leader's.
    static func current() throws(Errno) -> NamespaceHandle {
        NamespaceHandle(try FileDescriptor.open("/proc/thread-self/ns/net", O_RDONLY))
    }

    /// The namespace that the first thread of this process is in.
    static func ofProcess() throws(Errno) -> NamespaceHandle {
        NamespaceHandle(try FileDescriptor.open("/proc/self/ns/net", O_RDONLY))
    }

    /// The namespace at a path that an administrator gave.
    static func at(_ path: String) throws -> NamespaceHandle {
        let file: FileDescriptor
        do { file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK) } catch {
            throw SystemError(
                "open the network namespace", path, error, advice: "--path.host-netns says which is called host")
        }
        guard isNetworkNamespace(file.rawValue) else {
            throw SystemError(
                "use", path, .invalid,
                advice:
                    "--path.host-netns: it is no network namespace here: if ip netns lists it, it was mounted after this mount namespace "
                    + "was made private; run with mount propagation slave (systemd: PrivateMounts=no, Kubernetes: "
                    + "mountPropagation: HostToContainer)")
        }
        return NamespaceHandle(file)
    }

    /// The namespace at a path, EINVAL when it is no network namespace. Nothing is opened that is not on nsfs: a path on a
    /// command line may be of a device or a FIFO.
    static func namespace(at path: String) throws(Errno) -> NamespaceHandle {
        let found = try FileDescriptor.open(path, ND_O_PATH)
        guard try isOnNsfs(found.rawValue) else { throw .invalid }
        let file = try FileDescriptor.open("/proc/self/fd/\(found.rawValue)", O_RDONLY)
        guard isNetworkNamespace(file.rawValue) else { throw .invalid }
        return NamespaceHandle(file)
    }

    /// Opens namespace `inode` through one of its holders. Throws `stale` when something else is there by now, and what
    /// the kernel says otherwise; a holder that went (`meansGone`) is normal.
    static func open(_ holder: Holder, inode: UInt64, paths: SystemPaths) throws(Errno) -> NamespaceHandle {
        switch holder {
        case .process(let pid):
            return try verified(FileDescriptor.open("\(paths.procfs)/\(pid)/ns/net", O_RDONLY), inode)
        case .thread(let pid, let tid):
            return try verified(FileDescriptor.open("\(paths.procfs)/\(pid)/task/\(tid)/ns/net", O_RDONLY), inode)
        case .mount(let path):
            return try verified(FileDescriptor.open(path, O_RDONLY | O_NONBLOCK), inode)
        case .descriptor(let pid, let fd):
            return try reopened(
                FileDescriptor.open("\(paths.procfs)/\(pid)/fd/\(fd)", ND_O_PATH), inode, procfs: paths.procfs)
        case .foreignMount(let pid, let path):
            let found = try ForeignPath.open(path, below: pid, procfs: paths.procfs)
            return try reopened(found.file, inode, procfs: paths.procfs)
        case .socket(let pid, let fd):
            guard let found = ForeignSockets.namespaces(of: [fd], pid)?.first else { throw Errno(rawValue: ETIMEDOUT) }
            return try verified(found.result.get().take(), inode)
        }
    }

    /// Opens namespace `inode` by the NUL-terminated path of a mount of our own.
    static func open(mount path: [CChar], inode: UInt64) throws(Errno) -> NamespaceHandle {
        try verified(
            syscall {
                unsafe path.withUnsafeBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return -EINVAL }
                    return unsafe nd_openat(AT_FDCWD, base, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                }
            }.asDescriptor, inode)
    }

    /// The inode of the network namespace that entry `fd` of a /proc/PID/fd stands for, nil when it is anything else.
    /// Nothing is opened before it is known to lie on nsfs, and no server is asked: it may be the root of a dead NFS.
    static func inode(ofDetached fd: Int32, in directory: Int32) -> UInt64? {
        guard mayBeNamespace(fd, in: directory),
            let path = try? FileDescriptor.open("\(fd)", at: directory, ND_O_PATH),
            (try? isOnNsfs(path.rawValue)) == true,
            let file = try? FileDescriptor.open("/proc/self/fd/\(path.rawValue)", O_RDONLY),
            isNetworkNamespace(file.rawValue), let status = try? file.status()
        else { return nil }
        return UInt64(status.st_ino)
    }

    /// Whether the inode number of entry `fd` of a /proc/PID/fd is as high as those of namespaces are (0xEFFFFFF0 and more,
    /// fs/proc/generic.c, include/uapi/linux/nsfs.h). The roots of other file systems have low ones; they are not even gone to, which with NFS asks
    /// its server (d_weak_revalidate). True where fdinfo does not tell (before Linux 5.14).
    private static func mayBeNamespace(_ fd: Int32, in directory: Int32) -> Bool {
        var reader = FileReader(capacity: 1024)
        let inode = try? reader.read("../fdinfo/\(fd)", at: directory, limit: 65536) { text -> UInt64? in
            let lines = unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            return lines.split(separator: "\n").first { $0.hasPrefix("ino:") }
                .flatMap { UInt64($0.dropFirst(4).drop { $0 == "\t" || $0 == " " }) }
        }
        guard let inode = inode ?? nil else { return true }
        return inode >= 0xE000_0000
    }

    /// Whether a descriptor, which may be of O_PATH, is of a file on nsfs; its file system is not asked.
    private static func isOnNsfs(_ file: Int32) throws(Errno) -> Bool {
        var device: UInt64 = 0
        _ = try syscall { unsafe nd_device(file, &device) }
        return device == UInt64(nsfsDevice)
    }

    /// Opens what an O_PATH descriptor stands for, once it is known to be the namespace: opening a device or a FIFO that
    /// a container put there instead could block, or do something.
    private static func reopened(
        _ path: borrowing FileDescriptor, _ inode: UInt64, procfs: String
    ) throws(Errno) -> NamespaceHandle {
        guard try isOnNsfs(path.rawValue), try path.status().st_ino == inode else { throw .stale }
        return try verified(FileDescriptor.open("/proc/self/fd/\(path.rawValue)", O_RDONLY), inode)
    }

    /// The descriptor when it is network namespace `inode`.
    private static func verified(
        _ file: consuming FileDescriptor, _ inode: UInt64
    ) throws(Errno) -> NamespaceHandle {
        // Namespaces of all types share one file system and its inode numbers (proc_alloc_inum()), so device and inode
        // together are this namespace and no other.
        let status = try file.status()
        guard status.st_ino == inode, status.st_dev == nsfsDevice else { throw .stale }
        return NamespaceHandle(file)
    }

    /// The device number of nsfs; 0, which no file has, when our own namespace cannot be opened. An engine asks for it
    /// before it begins.
    static let nsfsDevice: dev_t = {
        guard let own = try? current(), let status = try? own.file.status() else { return 0 }
        return status.st_dev
    }()

    private static func isNetworkNamespace(_ file: Int32) -> Bool {
        nd_ns_get_nstype(file) == ND_CLONE_NEWNET
    }
}
