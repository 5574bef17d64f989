internal import Glibc
internal import NetnsCore

/// What is known of the process that stands for a namespace.
struct LeaderReader: ~Copyable {
    private let procfs: FileDescriptor
    private var reader = FileReader(capacity: 256)

    init(procfs path: String) throws {
        do { procfs = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", path, error)
        }
    }

    /// A process, nil when it has gone. Its name may have changed since the last time (exec), so it is read each time.
    mutating func read(_ pid: Int32, _ users: UserNames) -> LeaderProcess? {
        let raw = procfs.rawValue
        var status = stat()
        let isThere = unsafe "\(pid)".withCString { unsafe fstatat(raw, $0, &status, 0) } == 0
        guard isThere, let command = try? reader.read("\(pid)/comm", at: raw, { Self.line($0) }) else { return nil }
        return LeaderProcess(pid: pid, uid: status.st_uid, user: users.name(of: status.st_uid), command: command)
    }

    /// The command line of a process with its arguments joined by spaces, as ps(1) shows it; nil for a kernel thread.
    mutating func commandLine(_ pid: Int32) -> String? {
        let text = try? reader.read("\(pid)/cmdline", at: procfs.rawValue, limit: 1 << 20) { bytes -> String in
            var line: [UInt8] = []
            unsafe bytes.withUnsafeBytes { unsafe line.append(contentsOf: $0) }
            while line.last == 0 { line.removeLast() }
            return PrintableText.string(line.map { $0 == 0 ? UInt8(ascii: " ") : $0 })
        }
        guard let text, !text.isEmpty else { return nil }
        return text
    }

    private static func line(_ bytes: borrowing RawSpan) -> String {
        var line: [UInt8] = []
        unsafe bytes.withUnsafeBytes { unsafe line.append(contentsOf: $0) }
        if line.last == UInt8(ascii: "\n") { line.removeLast() }
        return PrintableText.string(line)
    }
}

/// Command lines, for display. They may hold passwords, so nothing that is served shows them.
public enum CommandLine {
    /// Seconds in which 256 processes are read, if all answer; it takes 5 ms.
    private static let patience = 2.0

    /// The arguments of processes joined by spaces, as ps(1) shows them, by process id; none for kernel threads and for
    /// processes that have gone or do not answer.
    public static func read(_ pids: [Int32], paths: SystemPaths) -> [Int32: String] {
        var lines: [Int32: String] = [:]
        let procfs = paths.procfs
        var left = pids[...]
        // One thread reads all, as long as it gets on: they are in the memory of processes, which need not answer.
        while !left.isEmpty {
            let job = left.prefix(256)
            let found = Monitor<[(pid: Int32, line: String?)]>([])
            let isWhole: Void? = LosableThread.run(
                .init(.commandLines, "\(job.first ?? 0)"), within: patience
            ) {
                guard var reader = try? LeaderReader(procfs: procfs) else { return }
                for pid in job {
                    let line = reader.commandLine(pid)
                    found.withLock { $0.append((pid, line)) }
                }
            }
            let read = found.withLock { $0 }
            for (pid, line) in read { lines[pid] = line }
            if isWhole != nil {
                left = left.dropFirst(job.count)
                continue
            }
            // Whoever did not answer is passed over; the lost thread goes on to nobody's use.
            left = left.dropFirst(read.count + 1)
            if LosableThread.lostThreads(.commandLines) == LosableThread.maximumLost { break }
        }
        return lines
    }
}

/// Names of users, asked once each: the name service may be slow.
///
/// Concurrency: belongs to the thread that collects.
final class UserNames {
    private var names: [UInt32: String] = [:]

    /// The name of a user id, or its number when there is none. Source: getpwuid_r(3).
    func name(of uid: UInt32) -> String {
        if let name = names[uid] { return name }
        // A host of containers may show any number of user ids.
        if names.count > 10_000 { names.removeAll() }
        // One that answers no more (LDAP) costs half a second now and then; until it does, the number will do.
        let answer = LosableThread.run(.init(.userNames, ""), within: Self.patience) { Self.find(uid) }
        guard let answer else { return String(uid) }
        let name = answer ?? String(uid)
        names[uid] = name
        return name
    }

    private static let patience = 0.5

    private static func find(_ uid: UInt32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16384) { buffer -> String? in
            var entry = unsafe passwd()
            var result: UnsafeMutablePointer<passwd>?
            guard let base = buffer.baseAddress,
                unsafe getpwuid_r(uid, &entry, base, buffer.count, &result) == 0, unsafe result != nil,
                let found = unsafe entry.pw_name
            else { return nil }
            return unsafe String(cString: found)
        }
    }
}
