internal import Glibc
internal import NetnsCore

/// Learns whether containers could write their own sysctls: runtimes mount /proc/sys read-only unless a container is
/// privileged. Source: /proc/PID/mountinfo, proc_pid_mountinfo(5).
///
/// Concurrency: belongs to the thread that collects.
struct WritabilityReader: ~Copyable {
    /// Seconds between two looks at one container: 30 us each, and mounts hardly ever change.
    private static let interval = 30.0

    private let procfs: FileDescriptor
    private var reader = FileReader(capacity: 16384)

    init(procfs path: String) throws {
        do { procfs = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", path, error)
        }
    }

    /// Looks at the namespace's container, when there is one and it is time to.
    mutating func check(_ namespace: PortableNamespace) {
        guard let owner = namespace.sample.owner, let pid = owner.pid ?? namespace.sample.leader?.pid else {
            namespace.sample.isWritableInside = nil
            namespace.writability = nil
            return
        }
        let now = Instant.now()
        if let last = namespace.writability, last.pid == pid, now < last.next { return }
        // Not all at the same time.
        let spread = Double(namespace.inode % 16) / 16 * Self.interval / 2
        namespace.writability = (pid, now.advanced(bySeconds: Self.interval / 2 + spread))
        namespace.sample.isWritableInside =
            (try? reader.read("\(pid)/mountinfo", at: procfs.rawValue, limit: 1 << 20) {
                MountInfo.isProcSysWritable($0)
            }) ?? nil
    }
}
