internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// The service manager that started this process, and wants to be told how it goes: systemd, for a unit of `Type=notify`.
///
/// Each message is one datagram of lines `NAME=VALUE`. Source: sd_notify(3), sd_watchdog_enabled(3).
///
/// Concurrency: immutable; every message has a socket of its own, so any thread may tell one.
struct ServiceManager: Sendable {
    /// What there is to tell.
    enum Message: Equatable, Sendable {
        /// The agent answers scrapes, for the first time or after a reload; what to show beside its state.
        case ready(status: String)
        /// The threads that the agent's work depends on are alive; what to show beside its state.
        case alive(status: String)
        /// The configuration is loaded again from this moment on; `ready` ends it.
        case reloading(since: Instant)
        /// The agent ends.
        case stopping

        /// The datagram. Every sign of life counts for the watchdog, so that a long start or reload is none to fear.
        var text: String {
            switch self {
            case .ready(let status): "READY=1\nSTATUS=\(Self.line(status))\nWATCHDOG=1"
            case .alive(let status): "STATUS=\(Self.line(status))\nWATCHDOG=1"
            case .reloading(let start): "RELOADING=1\nMONOTONIC_USEC=\(start.nanoseconds / 1000)"
            case .stopping: "STOPPING=1"
            }
        }

        /// A status is one line: what follows would be taken for a message of its own.
        private static func line(_ status: String) -> String { status.replacing("\n", with: "; ") }
    }

    /// Why it cannot be told anything.
    struct BadVariable: Error, CustomStringConvertible {
        let description: String
    }

    /// How long it waits for a sign of life before it ends the process, seconds; nil when it does not.
    let watchdog: Double?
    private let socket: String

    /// The one that the environment names, if any: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` when `WATCHDOG_PID` is `process` or
    /// absent. Throws where these are not what sd_notify(3) says.
    init?(_ environment: (String) -> String?, process: Int32) throws(BadVariable) {
        guard let socket = environment("NOTIFY_SOCKET"), !socket.isEmpty else { return nil }
        guard socket.hasPrefix("/") || socket.hasPrefix("@"), (2..<Self.capacity).contains(socket.utf8.count) else {
            throw BadVariable(
                description: "NOTIFY_SOCKET is '\(socket.prefix(120))', which is neither a path nor @ with a name")
        }
        self.socket = socket
        guard let text = environment("WATCHDOG_USEC"),
            environment("WATCHDOG_PID").map({ Int32($0) == process }) ?? true
        else {
            watchdog = nil
            return
        }
        guard let microseconds = UInt64(text), microseconds > 0 else {
            throw BadVariable(
                description: "WATCHDOG_USEC is '\(text.prefix(40))', which is no number of microseconds above 0")
        }
        watchdog = Double(microseconds) / 1e6
    }

    /// The one of this process's environment.
    static func current() throws(BadVariable) -> ServiceManager? {
        try ServiceManager({ name in unsafe getenv(name).map { unsafe String(cString: $0) } }, process: getpid())
    }

    /// `sun_path` of unix(7).
    private static let capacity = 108

    /// Sends a message. Throws when nobody takes it.
    func tell(_ message: Message) throws(SystemError) {
        func failure(_ error: Int32) -> SystemError {
            SystemError("tell the service manager", "at \(socket)", Errno(rawValue: error))
        }
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // An abstract name begins with a zero byte, and has no other at its end.
        let name = socket.hasPrefix("@") ? [0] + Array(socket.utf8.dropFirst()) : Array(socket.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let isAbstract = name.first == 0
        let length = MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1)
        let bytes = Array(message.text.utf8)
        let sent = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, socklen_t(length))
            }
        }
        if sent < 0 { throw failure(errno) }
    }
}
