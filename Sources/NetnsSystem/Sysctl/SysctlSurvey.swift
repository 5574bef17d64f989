internal import CLinux
internal import Glibc
public import NetnsCore
internal import Synchronization

/// Every sysctl below /proc/sys/net of one namespace, read once: for commands, and for what a new namespace has.
///
/// Nothing of it stays in the kernel: the namespace is entered on a thread of its own, which ends, and with it the
/// descriptors and a namespace that was made for it. Nothing is ever written.
public struct SysctlSurvey: Sendable {
    /// What there is of one sysctl.
    public enum Value: Hashable, Sendable {
        /// Its value with single spaces between elements, as `SysctlReadings.value(of:)` gives it.
        case text(String)
        /// Not everybody may read it, so it was not: a key (`tcp_fastopen_key`), or a command (`route.flush`).
        case secret
        /// Longer than `SysctlReadings.maximumLength`: not kept.
        case tooLong
        /// What the kernel answered.
        case unreadable(Errno)
    }

    /// One sysctl of the namespace.
    public struct Entry: Hashable, Sendable {
        /// Its value.
        public let value: Value
        /// The permission bits of its file, as the kernel gives them to this namespace: 0o644, 0o444, ...
        public let mode: UInt32

        /// A sysctl with its value and its file's permission bits.
        public init(value: Value, mode: UInt32) {
            self.value = value
            self.mode = mode
        }

        /// Whether anybody may write it, by its file's mode: what a namespace is only shown has no such bit.
        public var isWritable: Bool { mode & 0o222 != 0 }

        /// The value as text, nil when there is none to show.
        public var text: String? {
            guard case .text(let text) = value else { return nil }
            return text
        }
    }

    /// What exists in the namespace, by name.
    public let values: [SysctlName: Entry]

    /// A survey of these entries.
    public init(values: [SysctlName: Entry]) { self.values = values }

    /// The value of a sysctl as text; nil when the namespace has none, or it was not read.
    public func text(of name: SysctlName) -> String? { values[name]?.text }

    /// The sysctls of a namespace made for this and let go: what a new one has on this kernel now. Throws `SystemError`
    /// without CAP_SYS_ADMIN (EPERM), and when the host has no room for one more (ENOSPC).
    public static func fresh(procfs: String = "/proc") throws -> SysctlSurvey {
        try onOwnThread { () throws(SystemError) in
            do throws(Errno) { _ = try syscall { nd_unshare_net() } } catch {
                throw SystemError(
                    "make", "a network namespace", error, advice: error.meansDenied ? "this needs CAP_SYS_ADMIN" : nil)
            }
            return try here(procfs: procfs)
        }
    }

    /// The sysctls of the namespace that this program is in.
    public static func current(procfs: String = "/proc") throws -> SysctlSurvey {
        try onOwnThread { () throws(SystemError) in try here(procfs: procfs) }
    }

    /// The sysctls of the namespace that lies at a path: `/run/netns/NAME`, `/proc/PID/ns/net`.
    public static func at(_ path: String, procfs: String = "/proc") throws -> SysctlSurvey {
        try onOwnThread { () throws(SystemError) in
            do throws(Errno) { try NamespaceHandle.namespace(at: path).enter() } catch {
                throw SystemError("enter", path, error, advice: advice(error))
            }
            return try here(procfs: procfs)
        }
    }

    /// The sysctls of a namespace that an engine found, by the first of its holders that still leads to it.
    public static func of(_ sample: NamespaceSample, paths: SystemPaths) throws -> SysctlSurvey {
        if sample.isHost {
            guard let path = paths.hostNamespace else { return try current(procfs: paths.procfs) }
            return try at(path, procfs: paths.procfs)
        }
        let inode = sample.inode
        let name = sample.name
        let ways =
            sample.mounts.map { Holder.mount(path: $0) } + (sample.leader.map { [.process(pid: $0.pid)] } ?? [])
            + sample.holders
        return try onOwnThread { () throws(SystemError) in
            var failure = Errno.noSuchFile
            for way in ways {
                do throws(Errno) {
                    try NamespaceHandle.open(way, inode: inode, paths: paths).enter()
                } catch {
                    if failure == .noSuchFile || !error.meansGone { failure = error }
                    continue
                }
                return try here(procfs: paths.procfs)
            }
            throw SystemError(
                "enter", "namespace \(name)", failure, advice: failure.meansGone ? "it ended" : advice(failure))
        }
    }

    private static func advice(_ error: Errno) -> String? {
        if error.meansDenied { return "this needs CAP_SYS_ADMIN, and CAP_SYS_PTRACE for a process of another user" }
        return error == .invalid ? "it is no network namespace" : nil
    }

    /// Runs `body` on a thread that ends with it, since it may enter a namespace.
    private static func onOwnThread(
        _ body: @escaping @Sendable () throws(SystemError) -> SysctlSurvey
    ) throws -> SysctlSurvey {
        let result = ResultBox()
        let thread = try NativeThread("survey") {
            do throws(SystemError) {
                let survey = try body()
                result.value.withLock { $0 = .success(survey) }
            } catch {
                result.value.withLock { $0 = .failure(error) }
            }
        }
        thread.join()
        return try result.value.withLock { $0 }.get()
    }

    private final class ResultBox: Sendable {
        let value = Mutex<Result<SysctlSurvey, SystemError>>(
            .failure(SystemError("run", "thread survey", Errno(rawValue: ECANCELED))))
    }

    /// The sysctls of the namespace that the calling thread is in.
    private static func here(procfs: String) throws(SystemError) -> SysctlSurvey {
        let root = procfs + "/sys/net"
        var found = SysctlFiles()
        do throws(Errno) { try found.walk(FileDescriptor.open(root, O_RDONLY | O_DIRECTORY)) } catch {
            throw SystemError("read", root, error)
        }
        // A key by its name is never read either, whatever its mode.
        let table = SysctlTable(items: found.readable)
        var readings = SysctlReadings(table: table)
        var reader = SysctlReader(procfs: procfs)
        reader.read(table, into: &readings, kept: KeptDescriptors(), allowance: 0, round: 0)
        var values: [SysctlName: Entry] = [:]
        values.reserveCapacity(found.modes.count)
        for (name, mode) in found.modes { values[name] = Entry(value: .secret, mode: mode) }
        for (index, entry) in table.entries.enumerated() {
            guard let mode = found.modes[entry.name] else { continue }
            let value: Value
            switch readings.readings[index].state {
            case .value: value = .text(readings.text(at: index))
            case .tooLong: value = .tooLong
            case .unreadable(let number): value = .unreadable(Errno(rawValue: number))
            case .absent:
                // It went while it was looked at, with its interface.
                values[entry.name] = nil
                continue
            }
            values[entry.name] = Entry(value: value, mode: mode)
        }
        return SysctlSurvey(values: values)
    }
}

/// The files below /proc/sys/net, as the calling thread's namespace has them.
private struct SysctlFiles: ~Copyable {
    /// The permission bits of each.
    var modes: [SysctlName: UInt32] = [:]
    /// Those that everybody may read.
    var readable: [SysctlTable.Item] = []
    private var path: [[UInt8]] = [Array("net".utf8)]

    /// Adds what is below an open directory. What goes meanwhile is left out.
    mutating func walk(_ directory: consuming FileDescriptor) throws(Errno) {
        // A buffer for each level: the deepest is net.ipv4.conf.NAME.
        let reader = DirectoryReader(capacity: 32768)
        var names: [[UInt8]] = []
        try unsafe reader.forEachName(of: directory) { name in
            unsafe names.append(
                UnsafeBufferPointer(start: name, count: strlen(name)).map { UInt8(bitPattern: $0) })
        }
        for name in names {
            guard let file = try? FileDescriptor.open(name, at: directory.rawValue, ND_O_PATH | O_NOFOLLOW),
                let status = try? file.status()
            else { continue }
            path.append(name)
            defer { path.removeLast() }
            if status.st_mode & S_IFMT == S_IFDIR {
                if let child = try? FileDescriptor.open(name, at: directory.rawValue, O_RDONLY | O_DIRECTORY) {
                    // What is below an interface that goes now is left out, and nothing else.
                    try? walk(child)
                }
            } else if status.st_mode & S_IFMT == S_IFREG {
                let item = SysctlTable.Item(path: path)
                modes[item.name] = status.st_mode & 0o777
                if status.st_mode & S_IROTH != 0, !item.name.isSecret { readable.append(item) }
            }
        }
    }
}
