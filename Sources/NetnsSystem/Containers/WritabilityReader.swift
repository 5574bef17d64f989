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

    /// Of one namespace's containers, this many are looked at.
    private static let maximumContainers = 32

    /// Looks at the namespace's containers, when there are any and it is time to. One of them is enough: those of a pod
    /// share its sandbox's namespace, and any may be privileged.
    mutating func check(_ namespace: PortableNamespace) {
        guard namespace.sample.owner != nil else {
            namespace.sample.isWritableInside = nil
            namespace.writability = nil
            return
        }
        let now = Instant.now()
        let pid = namespace.sample.owner?.pid ?? namespace.sample.leader?.pid
        let count = namespace.sample.containers.count
        if let last = namespace.writability, last.pid == pid, last.count == count, now < last.next { return }
        // Not all at the same time.
        let spread = Double(namespace.inode % 16) / 16 * Self.interval / 2
        namespace.writability = (pid, count, now.advanced(bySeconds: Self.interval / 2 + spread))
        var pids = namespace.sample.containers.prefix(Self.maximumContainers).compactMap(\.pid)
        if pids.isEmpty, let pid { pids = [pid] }
        var found: Bool?
        for pid in pids {
            guard let isWritable = isProcSysWritable(pid) else { continue }
            found = isWritable
            if isWritable { break }
        }
        namespace.sample.isWritableInside = found
    }

    private mutating func isProcSysWritable(_ pid: Int32) -> Bool? {
        (try? reader.read("\(pid)/mountinfo", at: procfs.rawValue, limit: 1 << 20) {
            MountInfo.isProcSysWritable($0)
        }) ?? nil
    }
}
