internal import CLinux
internal import Glibc
internal import NetnsCore

/// The files that say how names are resolved in a namespace: /etc/netns/NAME/FILE for one of `ip netns`, those that its
/// process sees, else the host's. Source: ip-netns(8), resolv.conf(5), hosts(5).
///
/// What a container has is its own choice: only a regular file of at most 64 KiB is read, which is found without following
/// a link out of the container's root. Even so, the path may lie on a file system that never answers (FUSE): whoever calls
/// this does so on a thread that may be lost.
enum ResolverFiles {
    /// More is no file that a resolver reads.
    static let limit = 65_536
    /// FUSE_SUPER_MAGIC of <linux/magic.h>, which Debian 12's has not got.
    private static let fuse: UInt64 = 0x6573_5546

    /// Seconds after which a file system has not answered.
    private static let patience = 1.0

    /// As `resolution`, on a thread that may be lost: nil when a file system does not answer.
    static func guardedResolution(of name: String?, in site: ProbeSite, _ paths: SystemPaths) -> NameResolution? {
        LosableThread.run(.init(.resolver, "\(site.inode)"), within: patience) {
            resolution(of: name, in: site, paths)
        } ?? nil
    }

    /// What the namespace resolves names with; nil when its resolv.conf cannot be read.
    static func resolution(of name: String?, in site: ProbeSite, _ paths: SystemPaths) -> NameResolution? {
        let known = name.flatMap { name in
            bytes("hosts", site, paths).map { HostsFile.addresses(of: name, in: unsafe $0.span.bytes) }
        }
        guard let text = bytes("resolv.conf", site, paths) else {
            guard let known, !known.isEmpty else { return nil }
            return NameResolution(servers: [], names: [], known: known)
        }
        let configuration = unsafe ResolvConf(decoding: text.span.bytes)
        let servers = configuration.nameServers.map { server in
            ProbeAddress(server.address, port: 53)
        }
        return NameResolution(
            servers: servers, names: name.map { configuration.names(for: $0) } ?? [], known: known ?? [])
    }

    private static func bytes(_ file: String, _ site: ProbeSite, _ paths: SystemPaths) -> [UInt8]? {
        if let name = site.mountName, !name.contains("/"), name != "..",
            let found = try? read(FileDescriptor.open("/etc/netns/\(name)/\(file)", O_RDONLY | O_NONBLOCK))
        {
            return found
        }
        if !site.isHost, let pid = site.pid, let found = try? read(below: pid, file, site, paths) { return found }
        guard site.isHost || site.pid == nil || site.identity.container == nil else { return nil }
        return try? read(FileDescriptor.open("/etc/\(file)", O_RDONLY | O_NONBLOCK))
    }

    private static func read(
        below pid: Int32, _ file: String, _ site: ProbeSite, _ paths: SystemPaths
    ) throws(Errno) -> [UInt8] {
        let root = try FileDescriptor.open("\(paths.procfs)/\(pid)/root", ND_O_PATH | O_DIRECTORY)
        // Another process may have the number by now: the one whose root was opened is in the namespace, or was.
        let namespace = try FileDescriptor.open("\(paths.procfs)/\(pid)/ns/net", O_RDONLY)
        guard try namespace.status().st_ino == site.inode else { throw .stale }
        let raw = root.rawValue
        let path = try syscall {
            unsafe "etc/\(file)".withCString {
                unsafe nd_openat2(raw, $0, UInt64(ND_O_PATH | O_CLOEXEC), ND_RESOLVE_IN_ROOT | ND_RESOLVE_NO_MAGICLINKS)
            }
        }.asDescriptor
        var magic: UInt64 = 0
        let found = path.rawValue
        _ = try syscall { unsafe nd_filesystem_magic(found, &magic) }
        // Opened only once it is known to be a file that can be read without waiting.
        guard magic != fuse, try path.status().st_mode & S_IFMT == S_IFREG else { throw .invalid }
        return try read(FileDescriptor.open("/proc/self/fd/\(found)", O_RDONLY | O_NONBLOCK))
    }

    private static func read(_ file: consuming FileDescriptor) throws(Errno) -> [UInt8] {
        guard try file.status().st_mode & S_IFMT == S_IFREG else { throw .invalid }
        var reader = FileReader(capacity: 4096)
        return try reader.read(file, limit: limit) { span in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(span.byteCount)
            for offset in 0..<span.byteCount {
                unsafe bytes.append(span.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            }
            return bytes
        }
    }
}

/// Reads those files for the prober, on a thread of its own: one that does not answer holds up the others for a second, once.
///
/// Concurrency: requests and answers pass through a monitor.
final class ResolverReader: Sendable {
    private struct Request: Sendable {
        let token: UInt64
        let name: String?
        let site: ProbeSite
    }

    private struct State: Sendable {
        var requests: [Request] = []
        var isStopping = false
    }

    /// More requests than this do not wait: they are refused.
    private static let maximumRequests = 10_000

    private let monitor = Monitor(State())

    /// A reader; `answer` is called on its thread.
    init(_ paths: SystemPaths, answer: @escaping @Sendable (UInt64, NameResolution?) -> Void) throws {
        let monitor = monitor
        try NativeThread("resolv.conf") {
            while true {
                let request: Request?? = monitor.wait { state in
                    if state.isStopping { return .some(nil) }
                    return state.requests.isEmpty ? nil : .some(state.requests.removeFirst())
                }
                guard let request = request ?? nil else { return }
                answer(request.token, ResolverFiles.guardedResolution(of: request.name, in: request.site, paths))
            }
        }.detach()
    }

    deinit { monitor.withLock { $0.isStopping = true } }

    /// Asks for what a namespace resolves a name with; false when too many wait.
    func request(_ token: UInt64, _ name: String?, in site: ProbeSite) -> Bool {
        monitor.withLock { state in
            guard state.requests.count < Self.maximumRequests else { return false }
            state.requests.append(Request(token: token, name: name, site: site))
            return true
        }
    }
}
