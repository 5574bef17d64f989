/// Why the web server could not be set up. Each description is one line that a person can act on.
public enum WebError: Error, Sendable, Equatable {
    /// A socket could not be opened, bound or listened on: the address as given, the C function that failed, its errno.
    case listen(address: String, operation: String, errno: Int32)
    /// A host name gave no address: the name, and what getaddrinfo(3) said.
    case resolve(address: String, reason: String)
    /// An agent could not be asked: its address, the C function that failed, its errno.
    case ask(address: String, operation: String, errno: Int32)
    /// The sockets that systemd should have handed over are not there, or not such as can be served on.
    case inherited(String)
    /// Two routes have the same path and the same method.
    case duplicateRoute(method: String, path: String)
    /// libmicrohttpd did not start on this address; what it said went to the log.
    case startFailed(address: String)
    /// `start` was called twice, or after `stop`.
    case alreadyStarted
    /// libdeflate could not make a compressor: out of memory, or the level is not within 0 and 12.
    case compressorUnavailable(level: Int)
    /// libdeflate could not compress this many bytes into the room it says is always enough.
    case compressionFailed(byteCount: Int)
}

extension WebError: CustomStringConvertible {
    /// One line for a person.
    public var description: String {
        switch self {
        case .listen(let address, let operation, let errno):
            "cannot listen on \(address): \(ErrnoText.describe(errno))\(Self.advice(address, operation, errno))"
        case .ask(let address, let operation, let errno):
            "no answer from \(address): \(ErrnoText.describe(errno)) in \(operation)"
        case .resolve(let address, let reason):
            "cannot use \(address): the host name has no address: \(reason)"
        case .inherited(let reason):
            "no socket was handed over: \(reason)"
        case .duplicateRoute(let method, let path):
            "two routes for \(method) \(path)"
        case .startFailed(let address):
            "cannot serve on \(address): libmicrohttpd did not start, its reason is in the log"
        case .alreadyStarted:
            "the web server was started before"
        case .compressorUnavailable(let level):
            "cannot make a gzip compressor of level \(level): out of memory, or not within 0 and 12"
        case .compressionFailed(let byteCount):
            "cannot compress \(byteCount) bytes with gzip"
        }
    }

    /// What to do about it, where that is known; the failed function otherwise.
    private static func advice(_ address: String, _ operation: String, _ errno: Int32) -> String {
        if address.hasPrefix("unix:") {
            switch errno {
            case ErrnoText.addressInUse: return ": another process listens there; choose another path"
            case ErrnoText.exists: return ": something that is no socket has the path; choose another"
            case ErrnoText.noSuchFile: return ": there is no such directory; make it, or choose another path"
            case ErrnoText.accessDenied: return ": this user may make no socket there; choose another path"
            default: return " in \(operation)"
            }
        }
        return switch errno {
        case ErrnoText.addressInUse: ": another process has the port; choose another with --web.listen-address"
        case ErrnoText.accessDenied:
            ": this user may not use the port; choose one above 1023 with --web.listen-address, "
                + "or give CAP_NET_BIND_SERVICE"
        case ErrnoText.addressNotAvailable:
            ": no interface of this host has the address; choose another with --web.listen-address"
        default: " in \(operation)"
        }
    }
}
