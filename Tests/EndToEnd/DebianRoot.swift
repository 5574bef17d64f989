import Foundation
import TestSupport

/// A root directory with a small Debian 12 in it, made by debootstrap; it goes when the test lets go of it.
///
/// Commands run in mount, process and network namespaces of their own, so nothing stays mounted and none of them runs on.
final class DebianRoot {
    /// Where it is.
    let path: String
    private let directory: TemporaryDirectory
    private var mirror = ""

    /// A system with systemd and iproute2, from the archive that this machine's own packages come from.
    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/debian"
        mirror = try Self.mirror()
        let result = try Command.run(
            [
                "debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,init-system-helpers,iproute2",
                "bookworm", path, mirror,
            ], timeout: 600)
        guard result.status == 0 else { throw Trouble("debootstrap: \(result.output.suffix(2000)) \(result.errors)") }
        // How this machine reaches the archive, where it takes more than its address.
        for name in try FileManager.default.contentsOfDirectory(atPath: "/etc/apt/apt.conf.d") {
            let text = (try? String(contentsOfFile: "/etc/apt/apt.conf.d/\(name)", encoding: .utf8)) ?? ""
            if text.contains("Proxy") { try write("etc/apt/apt.conf.d/\(name)", text) }
        }
    }

    /// The archive of Debian's main section, as apt knows it.
    private static func mirror() throws -> String {
        let lines = try Command.check(
            "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3, words[1] == "bookworm", words[2] == "main" { return String(words[0]) }
        }
        throw Trouble("apt knows no archive of Debian 12: \(lines)")
    }

    /// Writes a file in it.
    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    /// The text of a file in it.
    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    /// Whether there is such a file.
    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

    /// Runs a command of a shell in it, as root, with /proc, and without a network unless it is wanted.
    func run(_ command: String, network: Bool = false) throws -> Command.Result {
        let script = """
            set -e
            mount -t proc proc "$1/proc"
            mount -t tmpfs -o mode=755 tmpfs "$1/run"
            mkdir -p "$1/run/lock"
            exec chroot "$1" /bin/sh -c "$2"
            """
        let isolation = ["--mount", "--pid", "--ipc", "--fork", "--kill-child"] + (network ? [] : ["--net"])
        return try Command.run(
            ["unshare"] + isolation + ["/bin/sh", "-c", script, "sh", path, command],
            environment: [
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
            ], timeout: 300)
    }

    /// Runs one that has to exit with 0, and gives its standard output.
    @discardableResult
    func check(_ command: String, network: Bool = false) throws -> String {
        let result = try run(command, network: network)
        guard result.status == 0 else {
            throw Trouble(
                "in the chroot, \(command): exit \(result.status): \(result.output.suffix(500)) \(result.errors)")
        }
        return result.output
    }

    /// Every path in it, but for what apt and dpkg have of their own, and logs.
    func files() throws -> Set<String> {
        let list = try Command.check(
            "find", path, "-xdev", "-printf", "%P\n", "(", "-path", "\(path)/var/cache", "-o", "-path",
            "\(path)/var/lib/apt", "-o", "-path", "\(path)/var/log", "-o", "-path", "\(path)/tmp", ")", "-prune")
        return Set(list.split(separator: "\n").map(String.init)).subtracting(["var/lib/dpkg/status-old"])
    }
}
