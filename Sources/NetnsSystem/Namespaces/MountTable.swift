internal import Glibc
internal import NetnsCore

/// The network namespaces that are bind-mounted in our own mount namespace.
///
/// The kernel says when the mount table changes: poll(2) on an open mountinfo answers POLLPRI (proc_pid_mountinfo(5)), so
/// a still host is not read again.
struct MountTable: ~Copyable {
    /// The mounts, in the table's order.
    private(set) var mounts: [NamespaceMount] = []
    /// Goes up whenever `mounts` was read again.
    private(set) var generation = 0
    private let watch: FileDescriptor
    private let path: String
    private var reader = FileReader(capacity: 65536)

    /// The table of this process.
    init() throws {
        path = "/proc/self/mountinfo"
        do { watch = try FileDescriptor.open(path, O_RDONLY) } catch { throw SystemError("open", path, error) }
    }

    /// Reads the table when it changed since the last time, and the first time.
    mutating func refresh() throws {
        // Asked before reading: a change during the reading then shows the next time.
        var poll = pollfd(fd: watch.rawValue, events: Int16(POLLPRI), revents: 0)
        let events = unsafe Glibc.poll(&poll, 1, 0)
        guard generation == 0 || events != 0 else { return }
        do {
            mounts = try reader.read(path) { MountInfo.namespaceMounts($0) }
            generation += 1
        } catch { throw SystemError("read", path, error) }
    }
}
