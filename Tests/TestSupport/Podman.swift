internal import Foundation

/// A directory with a root file system of busybox alone, `rootfs`, which goes with its owner.
public final class BusyboxDirectory: Sendable {
    /// Its path.
    public let path: String

    /// A new one.
    public init() throws {
        path = FileManager.default.temporaryDirectory.path + "/netdrift-busybox-\(UUID().uuidString)"
        guard let busybox = Command.path(of: "busybox") else { throw Command.Failure(description: "no busybox") }
        try Command.check(
            "sh", "-ec",
            """
            mkdir -p "$1"; cd "$1"
            mkdir -p rootfs/bin rootfs/proc rootfs/sys rootfs/dev rootfs/tmp rootfs/etc rootfs/run
            cp "$2" rootfs/bin/busybox; ln -s busybox rootfs/bin/sleep
            """, "sh", path, busybox)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Podman with every file of its own below a directory, so that the host's podman never hears of it.
public final class Podman: Sendable {
    /// containers/storage's `runroot`. Podman wants it to have at most 50 characters.
    public let runRoot = "/tmp/\(NamedNamespace.uniqueName("netdrift-podman"))"
    /// containers/storage's `graphroot`.
    public var root: String { "\(directory.path)/root" }
    /// runc's `--root`.
    public var state: String { "\(directory.path)/state" }

    private let directory: BusyboxDirectory
    private let base: [String]

    /// Podman without a container.
    public init() throws {
        directory = try BusyboxDirectory()
        let path = directory.path
        base = [
            "podman", "--root", "\(path)/root", "--runroot", runRoot, "--tmpdir", "\(path)/tmp", "--runtime", "runc",
            "--runtime-flag", "root=\(path)/state", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
        ]
    }

    deinit {
        // It refuses one that another has joined, and goes on: the second time there is no other.
        for _ in 0..<2 { _ = try? Command.run(base + ["rm", "--all", "--force", "--time", "0"]) }
        // Podman mounts it on itself, and leaves it so.
        _ = try? Command.run(["umount", "-l", "\(root)/overlay"])
        try? FileManager.default.removeItem(atPath: runRoot)
    }

    /// Runs podman, which has to work, and gives what it prints.
    @discardableResult
    public func check(_ arguments: String...) throws -> String { try check(arguments) }

    private func check(_ arguments: [String]) throws -> String {
        let result = try Command.run(base + arguments)
        guard result.status == 0 else { throw Command.Failure(description: "podman \(arguments): \(result.errors)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Starts a container that sleeps: its id.
    public func run(_ name: String, _ options: String...) throws -> String {
        let limits = ["--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"]
        return try check(
            ["run", "-d", "--name", name] + options + limits + ["--rootfs", "\(directory.path)/rootfs", "sleep", "600"])
    }

    /// Removes a container at once.
    public func remove(_ name: String) throws {
        try check("stop", "-t", "0", name)
        // Podman 4.3 forgets the flag that says where runc's state is, in the helper that cleans up.
        let id = try check("inspect", "--format", "{{.Id}}", name)
        _ = try Command.run(["runc", "--root", state, "delete", "--force", id])
        try check("rm", name)
    }
}
