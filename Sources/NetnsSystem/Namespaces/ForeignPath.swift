internal import CLinux
internal import Glibc
internal import NetnsCore

/// What lies at a path in another mount namespace, opened with O_PATH: the path is in a container's hands, and so may be the
/// file system that leads there.
///
/// A path that the kernel knows by heart, as it does that of a mount point, is gone at once (RESOLVE_CACHED, Linux 5.12).
/// Where it would have to ask the file system (FUSE, NFS), a thread that may be lost does it.
///
/// Source: openat2(2).
final class ForeignPath: Sendable {
    /// Of O_PATH.
    let file: FileDescriptor

    /// How long a file system may take, seconds.
    private static let patience = 1.0

    private init(_ file: consuming FileDescriptor) { self.file = file }

    /// Opens `path` as process `pid` sees it. ETIMEDOUT when its file system does not answer.
    static func open(_ path: [UInt8], below pid: Int32, procfs: String) throws(Errno) -> ForeignPath {
        let process = "\(procfs)/\(pid)"
        let root = try FileDescriptor.open("\(process)/root", ND_O_PATH | O_DIRECTORY)
        do throws(Errno) { return ForeignPath(try openBelow(root, path, ND_RESOLVE_CACHED)) } catch {
            // EINVAL and ENOSYS: the kernel does not know the flag, or not the call.
            guard [Errno(rawValue: EAGAIN), .invalid, .notImplemented].contains(error) else { throw error }
        }
        // All processes of a mount namespace would wait for the same file system.
        var status = stat()
        let place =
            unsafe stat("\(process)/ns/mnt", &status) == 0 ? "\(status.st_ino)" : "of process \(pid)"
        let result = LosableThread.run(.init(.mounts, place), within: patience) { () -> Result<ForeignPath, Errno> in
            do throws(Errno) {
                // It begins where the thread is that made it, and must not hold that namespace.
                try home().enter()
                let root = try FileDescriptor.open("\(process)/root", ND_O_PATH | O_DIRECTORY)
                do throws(Errno) { return .success(ForeignPath(try openBelow(root, path, 0))) } catch {
                    guard error == .notImplemented else { throw error }
                    // Before 5.6: the path of a mount point has no links but those the container puts there now; the
                    // inode is compared afterwards, and O_PATH opens nothing.
                    return .success(
                        ForeignPath(
                            try FileDescriptor.open(
                                Array(path.drop { $0 == UInt8(ascii: "/") }), at: root.rawValue,
                                ND_O_PATH | O_NOFOLLOW)))
                }
            } catch { return .failure(error) }
        }
        guard let result else { throw Errno(rawValue: ETIMEDOUT) }
        return try result.get()
    }

    /// The first thread's namespace: it never leaves it.
    private static func home() throws(Errno) -> NamespaceHandle { try .ofProcess() }

    /// What is at `path` below `root`, without following a link out of it.
    private static func openBelow(
        _ root: borrowing FileDescriptor, _ path: [UInt8], _ resolve: UInt64
    ) throws(Errno) -> FileDescriptor {
        let raw = root.rawValue
        let text = path.map { CChar(bitPattern: $0) } + [0]
        return try syscall {
            unsafe text.withUnsafeBufferPointer { buffer -> Int32 in
                guard let base = buffer.baseAddress else { return -EINVAL }
                return unsafe nd_openat2(raw, base, UInt64(ND_O_PATH | O_CLOEXEC), ND_RESOLVE_IN_ROOT | resolve)
            }
        }.asDescriptor
    }
}
