import Foundation
import TestSupport

/// A Debian whose systemd runs, as in a container: in namespaces of its own, all of them, with the kernel of this machine.
/// It ends, with all its processes, when the test lets go of it.
final class BootedDebian {
    private let process = Process()
    private let group: String
    /// systemd's process id, as this machine has it.
    private var systemd: Int32 = 0

    /// Boots a system to its default target.
    init(_ root: DebianRoot) throws {
        group = "\(try Self.unifiedGroups())/\(NamedNamespace.uniqueName("netdrift"))"
        guard let shell = Command.path(of: "sh") else { throw Trouble("no sh") }
        process.executableURL = URL(fileURLWithPath: shell)
        process.arguments = ["-c", Self.outer, "sh", group, root.path, Self.inner]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // unshare(1) stays and waits for its child, which becomes systemd.
        let children = "/proc/\(process.processIdentifier)/task/\(process.processIdentifier)/children"
        let child = eventually(within: 20) { () -> Int32? in
            guard let text = try? String(contentsOfFile: children, encoding: .utf8),
                let pid = text.split(separator: " ").first.flatMap({ Int32($0) }),
                (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) == "systemd\n"
            else { return nil }
            return pid
        }
        guard let child else {
            end()
            throw Trouble("systemd did not start")
        }
        systemd = child
        let isUp = eventually(within: 60) { () -> Bool? in
            let state = try? run("systemctl is-system-running").output.trimmingCharacters(in: .whitespacesAndNewlines)
            return state == "running" || state == "degraded" ? true : nil
        }
        guard isUp == true else {
            let state = (try? run("systemctl list-jobs; journalctl -b --no-pager | tail -n 30").output) ?? ""
            end()
            throw Trouble("systemd did not come up: \(state)")
        }
    }

    deinit { end() }

    private func end() {
        if systemd > 0 { kill(systemd, SIGKILL) }
        if process.isAlive { kill(process.processIdentifier, SIGKILL) }
        _ = process.awaitEnd(within: 20)
        // What systemd made below it, the deepest first, once the kernel has let go of the processes.
        _ = eventually(within: 10) { () -> Bool? in
            _ = try? Command.run(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
            return FileManager.default.fileExists(atPath: group) ? nil : true
        }
    }

    /// Runs a command of a shell in it.
    func run(_ command: String) throws -> Command.Result {
        try Command.run([
            "nsenter", "--target", "\(systemd)", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root",
            "--wd", "/bin/sh", "-c", command,
        ])
    }

    /// Runs one that has to exit with 0, and gives its standard output without white space around it.
    @discardableResult
    func check(_ command: String) throws -> String {
        let result = try run(command)
        guard result.status == 0 else {
            let log = (try? run("journalctl -b -u netdrift --no-pager | tail -n 20").output) ?? ""
            throw Trouble("\(command): exit \(result.status): \(result.output.suffix(500)) \(result.errors) \(log)")
        }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A scrape of an agent in it, parsed. The program that asks is this machine's.
    func scrape(_ address: String = "127.0.0.1:10124") throws -> Exposition {
        let text = try Command.check(
            "nsenter", "--target", "\(systemd)", "--net", "curl", "-sSf", "http://\(address)/metrics")
        return try Exposition(parsing: text)
    }

    /// A property of the service.
    func property(_ name: String) throws -> String { try check("systemctl show --value -p \(name) netdrift.service") }

    /// The directory of control groups (v2).
    private static func unifiedGroups() throws -> String {
        let table = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        for line in table.split(separator: "\n") where line.contains(" - cgroup2 ") {
            let fields = line.split(separator: " ")
            if fields.count > 4 { return String(fields[4]) }
        }
        throw Trouble("cgroup2 is not mounted, which systemd needs")
    }

    private static let outer = """
        mkdir "$1" && echo $$ >"$1/cgroup.procs" || exit 1
        exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup /bin/bash -c "$3" bash "$2"
        """

    /// What a container manager prepares for systemd: https://systemd.io/CONTAINER_INTERFACE
    private static let inner = """
        set -e
        mount --bind "$1" "$1"
        cd "$1"
        mount -t proc proc proc
        mount -t sysfs sysfs sys
        mount -t cgroup2 cgroup2 sys/fs/cgroup
        mount -t tmpfs -o mode=755 tmpfs run
        mount -t tmpfs tmpfs tmp
        mount -t tmpfs -o mode=755 tmpfs dev
        mkdir dev/pts dev/shm run/old
        for device in null zero full random urandom tty; do
            touch dev/$device
            mount --bind /dev/$device dev/$device
        done
        mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
        ln -s pts/ptmx dev/ptmx
        ln -s /proc/self/fd dev/fd
        pivot_root . run/old
        umount -l /run/old
        rmdir /run/old
        # As on a host: what is mounted comes through to the services' own mount namespaces.
        mount --make-rshared /
        ip link set lo up
        exec env -i container=netdrift-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal
        """
}
