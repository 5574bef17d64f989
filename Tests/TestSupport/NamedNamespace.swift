internal import Foundation
internal import Synchronization

/// A network namespace made by `ip netns add` for one test, deleted when the test lets go of it.
public final class NamedNamespace: Sendable {
    /// Its name, unique on this machine.
    public let name: String
    /// The inode.
    public let inode: UInt64

    private static let count = Atomic<Int>(0)

    /// A new namespace; `name` is made up when it is not given.
    public init(_ name: String? = nil) throws {
        self.name = name ?? Self.uniqueName()
        try Command.check("ip", "netns", "add", self.name)
        inode = try Self.inode(of: "/run/netns/\(self.name)")
    }

    deinit { _ = try? Command.run(["ip", "netns", "del", name]) }

    /// A name nothing else has: `nt`, our process id, a number.
    public static func uniqueName(_ prefix: String = "nt") -> String {
        "\(prefix)\(getpid())x\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// The path of its mount.
    public var path: String { "/run/netns/\(name)" }

    /// Runs a program inside, which has to exit with 0, and gives its output.
    @discardableResult
    public func check(_ arguments: String...) throws -> String { try check(arguments: arguments) }

    /// As above.
    @discardableResult
    public func check(arguments: [String]) throws -> String {
        let result = try Command.run(["ip", "netns", "exec", name] + arguments)
        guard result.status == 0 else {
            throw Command.Failure(description: "in \(name): \(arguments): exit \(result.status): \(result.errors)")
        }
        return result.output
    }

    /// Sets a sysctl, given by its path below /proc/sys.
    public func set(_ path: String, _ value: String) throws {
        try check("sh", "-c", "printf '%s' \"$2\" > \"/proc/sys/$1\"", "sh", path, value)
    }

    /// Reads a sysctl inside, by its path below /proc/sys, as `cat` shows it, without the line's end.
    public func get(_ path: String) throws -> String {
        try check("cat", "/proc/sys/\(path)").trimmingCharacters(in: .newlines)
    }

    /// Deletes it now.
    public func delete() throws { try Command.check("ip", "netns", "del", name) }

    /// The inode of the file at a path.
    public static func inode(of path: String) throws -> UInt64 {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw Command.Failure(description: "stat \(path): errno \(errno)")
        }
        return UInt64(status.st_ino)
    }
}
