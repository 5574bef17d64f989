internal import Foundation

/// A process that holds something for a test: it says `ready` when it does, and ends when the test lets go of it, or
/// dies, since its standard input ends then.
public final class ChildProcess {
    /// Its process id.
    public let pid: Int32
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var hasEnded = false

    /// Starts a program that prints `ready` and waits for the end of its standard input.
    public convenience init(_ arguments: String...) throws { try self.init(arguments) }

    /// As above.
    public init(_ arguments: [String]) throws {
        guard let name = arguments.first, let path = Command.path(of: name) else {
            throw Command.Failure(description: "no such program: \(arguments)")
        }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = Array(arguments.dropFirst())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        pid = process.processIdentifier
        var line = ""
        do { line = try readLine() } catch {
            end()
            throw error
        }
        guard line == "ready" else {
            end()
            throw Command.Failure(description: "\(arguments) said '\(line)' instead of 'ready'")
        }
    }

    deinit { end() }

    /// The next line it prints, waited for at most `seconds`; empty when it ended.
    public func readLine(within seconds: Double = 30) throws -> String {
        let file = output.fileHandleForReading.fileDescriptor
        var line: [UInt8] = []
        while true {
            var waiting = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&waiting, 1, Int32(seconds * 1000)) > 0 else {
                throw Command.Failure(description: "process \(pid) says nothing")
            }
            var byte: UInt8 = 0
            guard unsafe read(file, &byte, 1) == 1, byte != UInt8(ascii: "\n") else {
                return String(decoding: line, as: UTF8.self)
            }
            line.append(byte)
        }
    }

    /// Whether it has not ended yet.
    public var isRunning: Bool { process.isAlive }

    /// Ends it: by the end of its input, so that it can clean up, and by force when it does not.
    public func end() {
        guard !hasEnded else { return }
        hasEnded = true
        try? input.fileHandleForWriting.close()
        if process.awaitEnd(within: 20) == nil {
            kill(process.processIdentifier, SIGKILL)
            _ = process.awaitEnd(within: 10)
        }
    }
}

/// Processes that hold a network namespace in one way alone.
public enum NamespaceHolder {
    /// How.
    public enum Kind: String, CaseIterable, Sendable {
        /// An open descriptor of it.
        case descriptor
        /// An IPv4 socket in it.
        case inetSocket = "inet"
        /// A unix socket in it.
        case unixSocket = "unix"
        /// A netlink socket in it.
        case netlinkSocket = "netlink"
        /// A thread in it, of a process that is not.
        case thread
    }

    /// A process of the host's namespace that holds the namespace at `path`.
    public static func hold(_ path: String, by kind: Kind) throws -> ChildProcess {
        try ChildProcess("/usr/bin/python3", "-c", script, kind.rawValue, path)
    }

    /// A process that a new namespace is its own.
    public static func process() throws -> ChildProcess {
        try ChildProcess("unshare", "--net", "sh", "-c", "echo ready; read wait")
    }

    private static let script = """
        import ctypes, os, socket, sys, threading
        libc = ctypes.CDLL(None, use_errno=True)
        def enter(fd):
            if libc.setns(fd, 0x40000000): raise OSError(ctypes.get_errno(), 'setns')
        kind, path = sys.argv[1:3]
        home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        target = os.open(path, os.O_RDONLY)
        if kind == 'thread':
            started = threading.Event()
            def run():
                enter(target)
                started.set()
                threading.Event().wait()
            threading.Thread(target=run, daemon=True).start()
            started.wait()
        elif kind != 'descriptor':
            enter(target)
            kept = {
                'inet': lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
                'unix': lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
                'netlink': lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
            }[kind]()
            enter(home)
        if kind != 'descriptor': os.close(target)
        os.close(home)
        print('ready', flush=True)
        sys.stdin.read()
        """
}
