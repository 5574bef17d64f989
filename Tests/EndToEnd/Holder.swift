import Foundation
import TestSupport
import Testing

/// A process that holds a new network namespace in one way, with a tcp_keepalive_time of its own. It ends when the test
/// lets go of it, and when the test process dies: its standard input ends then.
final class Holder {
    /// The ways.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        /// The process is in it.
        case process
        /// Only an open nsfs descriptor.
        case fd
        /// Only a socket.
        case socket
        /// Only a thread.
        case thread
        /// A mount that only another mount namespace has.
        case mount

        var testDescription: String { rawValue }
    }

    let way: Way
    /// The inode of the namespace.
    let inode: UInt64
    /// The process.
    var pid: Int32 { process.processIdentifier }

    private let process = Process()
    private let input = Pipe()
    private let directory: TemporaryDirectory

    static let python = "/usr/bin/python3"

    private static let script = """
        import ctypes, os, socket, sys, threading
        way, keepalive = sys.argv[1], sys.argv[2]
        libc = ctypes.CDLL(None, use_errno=True)
        CLONE_NEWNS, CLONE_NEWNET, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x40000000, 4096, 16384, 1 << 18
        HERE = "/proc/thread-self/ns/net"
        def check(result):
            if result != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        def mount(source, target, kind, flags):
            check(libc.mount(source, target, kind, ctypes.c_ulong(flags), None))
        def fresh():
            check(libc.unshare(CLONE_NEWNET))
            with open("/proc/sys/net/ipv4/tcp_keepalive_time", "w") as file:
                file.write(keepalive)
            return os.stat(HERE).st_ino
        def away(hold):
            home = os.open(HERE, os.O_RDONLY)
            inode = fresh()
            held = hold()
            check(libc.setns(home, CLONE_NEWNET))
            os.close(home)
            return inode, held
        def mounted():
            mount(b"none", b"/mnt", b"tmpfs", 0)
            open("/mnt/ns", "w").close()
            mount(HERE.encode(), b"/mnt/ns", None, MS_BIND)
        if way == "process":
            inode = fresh()
        elif way == "fd":
            inode, held = away(lambda: os.open(HERE, os.O_RDONLY))
        elif way == "socket":
            inode, held = away(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        elif way == "mount":
            check(libc.unshare(CLONE_NEWNS))
            mount(b"none", b"/", None, MS_REC | MS_PRIVATE)
            inode, held = away(mounted)
        elif way == "thread":
            found, ready = [], threading.Event()
            def stay():
                found.append(fresh())
                ready.set()
                threading.Event().wait()
            threading.Thread(target=stay, daemon=True).start()
            if not ready.wait(20):
                sys.exit("the thread did not start")
            inode = found[0]
        print(inode, flush=True)
        sys.stdin.read()
        os._exit(0)
        """

    init(_ way: Way, keepalive: Int) throws {
        self.way = way
        directory = try TemporaryDirectory()
        let output = try directory.write("out", "")
        let errors = try directory.write("err", "")
        process.executableURL = URL(fileURLWithPath: Self.python)
        process.arguments = [try directory.write("hold.py", Self.script), way.rawValue, "\(keepalive)"]
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try process.run()
        let process = process
        let line = eventually(within: 20) { () -> String? in
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            if text.hasSuffix("\n") { return text }
            return process.isAlive ? nil : ""
        }
        guard let line, let inode = UInt64(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            kill(process.processIdentifier, SIGKILL)
            let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
            throw Trouble("no namespace held by \(way): \(said)")
        }
        self.inode = inode
    }

    deinit { end() }

    /// Ends it now.
    func end() {
        guard process.isAlive else { return }
        kill(process.processIdentifier, SIGKILL)
        _ = process.awaitEnd(within: 10)
    }
}

/// A container of runc's: busybox asleep, with a declared sysctl when there is one.
final class Container {
    /// Where its network namespace comes from.
    enum Network {
        case own, host
        case path(String)

        fileprivate var entry: String {
            switch self {
            case .own: #", {"type": "network"}"#
            case .path(let path): #", {"type": "network", "path": "\#(path)"}"#
            case .host: ""
            }
        }
    }

    let id: String
    /// The process id of its first process.
    let pid: Int32
    /// The inode of its namespace.
    let inode: UInt64
    /// runc's `--root`, its own or that of the container it was made beside.
    let root: String
    /// Whose directory that is: it goes after this one.
    private let other: Container?
    private let directory: TemporaryDirectory

    init(
        keepalive: Int?, id: String = NamedNamespace.uniqueName("nd"), network: Network = .own,
        beside other: Container? = nil, sysctls: [String: String] = [:], readOnly paths: [String] = []
    ) throws {
        directory = try TemporaryDirectory()
        self.id = id
        let bundle = directory.path
        self.other = other
        let root = other?.root ?? "\(bundle)/state"
        self.root = root
        var sysctls = sysctls
        if let keepalive { sysctls["net.ipv4.tcp_keepalive_time"] = "\(keepalive)" }
        let sysctl = sysctls.map { #""\#($0)": "\#($1)""# }.joined(separator: ", ")
        let readOnly = paths.map { "\"\($0)\"" }.joined(separator: ", ")
        try FileManager.default.createDirectory(atPath: "\(bundle)/rootfs/bin", withIntermediateDirectories: true)
        guard let busybox = Command.path(of: "busybox") else { throw Trouble("no busybox") }
        try FileManager.default.copyItem(atPath: busybox, toPath: "\(bundle)/rootfs/bin/busybox")
        _ = try directory.write(
            "config.json",
            """
            {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hostname": "\(id)",
             "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/busybox", "sleep", "600"]},
             "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
             "linux": {"sysctl": {\(sysctl)}, "readonlyPaths": [\(readOnly)],
                       "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}\(network.entry)]}}
            """)
        let pidFile = "\(bundle)/pid"
        do {
            try Command.check(
                "runc", "--root", root, "run", "-d", "--bundle", bundle, "--pid-file", pidFile, id)
            guard let pid = Int32(try String(contentsOfFile: pidFile, encoding: .utf8)) else {
                throw Trouble("runc wrote no process id")
            }
            self.pid = pid
            inode = try NamedNamespace.inode(of: "/proc/\(pid)/ns/net")
        } catch {
            _ = try? Command.run(["runc", "--root", root, "delete", "-f", id])
            throw error
        }
    }

    deinit { delete() }

    /// Kills it and removes what runc keeps of it.
    func delete() { _ = try? Command.run(["runc", "--root", root, "delete", "-f", id]) }
}
