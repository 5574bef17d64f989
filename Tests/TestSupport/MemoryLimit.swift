import Foundation

/// A control group that limits the memory of what is run in it: cgroup(7), v1 or v2. It goes when its owner lets go of it, which
/// has to be after all that runs in it.
public final class MemoryLimit {
    private let path: String
    private let isUnified: Bool

    /// One of `bytes`, without swap. Throws where there is no controller, or no right to.
    public init(_ bytes: Int) throws {
        isUnified = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.procs")
        path = "/sys/fs/cgroup/\(isUnified ? "" : "memory/")\(NamedNamespace.uniqueName("m"))"
        guard isUnified || FileManager.default.fileExists(atPath: "/sys/fs/cgroup/memory/memory.limit_in_bytes") else {
            throw CocoaError(.fileNoSuchFile)
        }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        do {
            try write(isUnified ? "memory.max" : "memory.limit_in_bytes", "\(bytes)")
        } catch {
            _ = unsafe rmdir(path)
            throw error
        }
        try? isUnified ? write("memory.swap.max", "0") : write("memory.memsw.limit_in_bytes", "\(bytes)")
    }

    deinit {
        // A process that has just ended is in it for a moment.
        let path = path
        _ = eventually(within: 5) { unsafe rmdir(path) == 0 ? true : nil }
    }

    /// A program and its arguments, to which a command is to be added that shall run in the group, in its place.
    public var prefix: [String] { ["sh", "-c", "echo $$ > '\(path)/cgroup.procs' && exec \"$@\"", "sh"] }

    /// How many processes the kernel has killed in it for want of memory.
    public var kills: Int? { number(after: "oom_kill", in: isUnified ? "memory.events" : "memory.oom_control") }

    private func read(_ file: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
    }

    private func write(_ file: String, _ text: String) throws {
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(path)/\(file)"))
        defer { try? handle.close() }
        try handle.write(contentsOf: Data(text.utf8))
    }

    private func number(after key: String, in file: String) -> Int? {
        (try? read(file))?.split(separator: "\n").first { $0.hasPrefix("\(key) ") }
            .flatMap { Int($0.dropFirst(key.count + 1)) }
    }
}
