/// How a network namespace is held: what keeps it from being freed. The first that applies, in this order, is shown.
public enum Origin: String, CaseIterable, Sendable {
    /// It is the namespace of at least one process.
    case process
    /// It is bind-mounted, in this or another mount namespace (`ip netns add`, docker, CNI).
    case mount
    /// A process has a descriptor of it open.
    case fd
    /// A process has a socket that lives in it.
    case socket
    /// A thread is in it, though its process is not.
    case thread
    /// The kernel has it in its list, and what holds it is not known: it could not be seen, or is the kernel itself.
    case unknown
}

/// One thing that holds a namespace, with what is needed to reach the namespace through it.
public enum Holder: Hashable, Sendable {
    /// The namespace of process `pid`: /proc/PID/ns/net.
    case process(pid: Int32)
    /// A bind mount in our own mount namespace, at this path (raw bytes, not NUL-terminated).
    case mount(path: [UInt8])
    /// A bind mount that only the mount namespace of process `pid` has, at this path below that process's root.
    case foreignMount(pid: Int32, path: [UInt8])
    /// An open nsfs descriptor of process `pid`.
    case descriptor(pid: Int32, fd: Int32)
    /// A socket of process `pid` that lives in the namespace.
    case socket(pid: Int32, fd: Int32)
    /// A thread of process `pid`.
    case thread(pid: Int32, tid: Int32)

    /// The origin it makes.
    public var origin: Origin {
        switch self {
        case .process: .process
        case .mount, .foreignMount: .mount
        case .descriptor: .fd
        case .socket: .socket
        case .thread: .thread
        }
    }

    /// The process it depends on; nil for a mount of our own.
    public var pid: Int32? {
        switch self {
        case .process(let pid), .foreignMount(let pid, _), .descriptor(let pid, _), .socket(let pid, _),
            .thread(let pid, _):
            pid
        case .mount: nil
        }
    }
}

extension Origin: Comparable {
    /// In the order of preference.
    public static func < (a: Origin, b: Origin) -> Bool { a.rank < b.rank }

    /// The position in the order of preference, from 0.
    public var rank: Int {
        switch self {
        case .process: 0
        case .mount: 1
        case .fd: 2
        case .socket: 3
        case .thread: 4
        case .unknown: 5
        }
    }
}
