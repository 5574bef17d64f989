import Glibc

/// The sockets that systemd hands over (sd_listen_fds(3)): from descriptor 3 on, as many as `LISTEN_FDS` says, if
/// `LISTEN_PID` is this process.
public enum InheritedSockets {
    /// Takes them, and removes the variables, so that no child takes them for its own. Throws `WebError.inherited` if there
    /// is none, or if one does not listen for connections.
    public static func take() throws(WebError) -> [ListenSocket] {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) } }
        guard let pid = variable("LISTEN_PID"), let text = variable("LISTEN_FDS") else {
            throw .inherited(
                "LISTEN_FDS and LISTEN_PID are not set: systemd sets them for a service with a socket unit")
        }
        guard Int32(pid) == getpid() else {
            throw .inherited("LISTEN_PID is \(quoted(pid)), and this process is \(getpid())")
        }
        guard let count = Int32(text), (1...64).contains(count) else {
            throw .inherited("LISTEN_FDS is \(quoted(text)), which is no number from 1 to 64")
        }
        var sockets: [ListenSocket] = []
        for descriptor in 3..<3 + count {
            guard option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(descriptor, SO_ACCEPTCONN) == 1
            else {
                throw .inherited(
                    "descriptor \(descriptor) is no stream socket that listens: the socket unit needs ListenStream=")
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
            sockets.append(ListenSocket(inherited: descriptor))
        }
        return sockets
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    private static func quoted(_ text: String) -> String { "'\(text.prefix(20))'" }

    private static func option(_ descriptor: Int32, _ option: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : nil
    }
}
