internal import Glibc
internal import NetnsCore

/// To whom what a process holds is charged: its cgroup, and in that its user.
///
/// What was read is kept for a while, since a process may hold thousands of namespaces.
struct ProcessOwners: ~Copyable {
    private let procfs: FileDescriptor
    private var reader = FileReader(capacity: 4096)
    private var known: [Int32: [String]] = [:]
    private var forgetting: Instant?

    /// Seconds after which a process is looked at again: a runtime moves it into its cgroup after the start.
    private static let memory = 30.0
    /// No path of a cgroup holds a slash.
    static let unknown = ["/unknown"]

    init(procfs path: String) throws {
        do { procfs = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", path, error)
        }
    }

    /// The path in the tree of owners of a process, nil for no process that is known: all such are one owner.
    mutating func owner(of pid: Int32?, now: Instant) -> [String] {
        guard let pid else { return Self.unknown }
        if forgetting.map({ $0 <= now }) ?? true {
            known.removeAll()
            forgetting = now.advanced(bySeconds: Self.memory)
        }
        if let owner = known[pid] { return owner }
        let owner = (try? read(pid)) ?? Self.unknown
        known[pid] = owner
        return owner
    }

    private mutating func read(_ pid: Int32) throws(Errno) -> [String] {
        let file = try FileDescriptor.open("\(pid)/cgroup", at: procfs.rawValue, O_RDONLY)
        var status = stat()
        guard unsafe fstat(file.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        // Where nobody made cgroups the user is all that tells owners apart.
        return try reader.read(file, limit: 1 << 20) { CgroupPath.components($0) } + ["/user \(status.st_uid)"]
    }
}
