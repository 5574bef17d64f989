import Glibc

/// A bound TCP or unix socket that listens; closed when the last reference goes.
///
/// Concurrency: immutable. The descriptor is valid for as long as the object is alive.
public final class ListenSocket: Sendable {
    /// The descriptor: close-on-exec, non-blocking.
    let descriptor: Int32

    /// Where it listens, as the kernel says after bind(2): `127.0.0.1:10124`, `[::]:10124`. Port 0 has become a number.
    public let boundAddress: String

    /// The file of a unix socket that is ours to remove.
    private let file: SocketFile?

    /// Opens, binds and listens.
    ///
    /// SO_REUSEADDR is set, so that a restart is not held up by connections in TIME_WAIT; SO_REUSEPORT is not, since
    /// two agents would then share the port without a word. A name is looked up, IPv4 first, and the first of its
    /// addresses that this host has is taken. Throws `WebError.listen` or `WebError.resolve`.
    public init(_ address: ListenAddress, backlog: Int32 = 512) throws(WebError) {
        var file: SocketFile?
        let descriptor = try Self.open(address, &file)
        guard listen(descriptor, backlog) == 0 else {
            let error = errno
            close(descriptor)
            file?.remove()
            throw .listen(address: "\(address)", operation: "listen", errno: error)
        }
        self.descriptor = descriptor
        self.file = file
        boundAddress = SocketAddress(boundTo: descriptor)?.description ?? "\(address)"
    }

    /// A socket that listens already, and that somebody else has bound.
    init(inherited descriptor: Int32) {
        self.descriptor = descriptor
        file = nil
        boundAddress = SocketAddress(boundTo: descriptor)?.description ?? "descriptor \(descriptor)"
    }

    deinit {
        close(descriptor)
        file?.remove()
    }

    /// Removes the file of a unix socket, where it is ours and still there.
    func removeFile() { file?.remove() }

    /// Ends listening at once: the kernel refuses further connections, while the descriptor stays valid.
    ///
    /// A socket that only were closed would go on completing handshakes until the last user of it let go.
    func refuseConnections() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private static func open(_ address: ListenAddress, _ file: inout SocketFile?) throws(WebError) -> Int32 {
        switch address.host {
        case .unix(let path):
            let descriptor: Int32
            (descriptor, file) = try SocketFile.bind(path)
            return descriptor
        case .any:
            do {
                let all = SocketAddress(ipv6: in6_addr(), scope: 0, port: address.port)
                return try bound(all, dualStack: true, address)
            } catch WebError.listen(_, _, let error) where error == EAFNOSUPPORT || error == EADDRNOTAVAIL {
                // The kernel was started with ipv6.disable=1, or without IPv6 at all.
                return try bound(SocketAddress(ipv4: in_addr(), port: address.port), dualStack: false, address)
            }
        case .ipv4, .ipv6:
            guard let target = try addresses(of: address).first else {
                throw .resolve(address: "\(address)", reason: "it has no address")
            }
            return try bound(target, dualStack: false, address)
        case .name:
            let candidates = try addresses(of: address)
            for candidate in candidates.dropLast() {
                do {
                    return try bound(candidate, dualStack: false, address)
                } catch WebError.listen(_, _, let error) where error == EADDRNOTAVAIL || error == EAFNOSUPPORT {
                    continue
                }
            }
            guard let last = candidates.last else {
                throw .resolve(address: "\(address)", reason: "it has neither an IPv4 nor an IPv6 address")
            }
            return try bound(last, dualStack: false, address)
        }
    }

    /// An open socket, bound to `target`. `address` is for the error alone.
    private static func bound(
        _ target: SocketAddress, dualStack: Bool, _ address: ListenAddress
    ) throws(WebError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(target.family, type, 0)
        guard descriptor >= 0 else { throw .listen(address: "\(address)", operation: "socket", errno: errno) }

        var failed: String?
        if !set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) { failed = "setsockopt SO_REUSEADDR" }
        // Said in both directions: net.ipv6.bindv6only decides otherwise.
        if failed == nil, target.family == AF_INET6,
            !set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, dualStack ? 0 : 1)
        {
            failed = "setsockopt IPV6_V6ONLY"
        }
        if failed == nil, unsafe target.withPointer({ unsafe bind(descriptor, $0, $1) }) != 0 { failed = "bind" }
        guard let failed else { return descriptor }
        let error = errno
        close(descriptor)
        throw .listen(address: "\(address)", operation: failed, errno: error)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    /// The addresses that one of IPv4, IPv6 or by name stands for; none for the others.
    static func addresses(of address: ListenAddress) throws(WebError) -> [SocketAddress] {
        switch address.host {
        case .any, .unix: return []
        case .ipv4(let text):
            var native = in_addr()
            guard unsafe inet_pton(AF_INET, text, &native) == 1 else {
                throw .resolve(address: "\(address)", reason: "'\(text)' is not an IPv4 address")
            }
            return [SocketAddress(ipv4: native, port: address.port)]
        case .ipv6(let text, let zone):
            var native = in6_addr()
            guard unsafe inet_pton(AF_INET6, text, &native) == 1 else {
                throw .resolve(address: "\(address)", reason: "'\(text)' is not an IPv6 address")
            }
            let scope = try zone.map { zone throws(WebError) in try interfaceIndex(zone, address) } ?? 0
            return [SocketAddress(ipv6: native, scope: scope, port: address.port)]
        case .name(let name): return try resolve(name, address)
        }
    }

    private static func interfaceIndex(_ zone: String, _ address: ListenAddress) throws(WebError) -> UInt32 {
        if let index = UInt32(zone) { return index }
        let index = unsafe if_nametoindex(zone)
        guard index != 0 else {
            throw .listen(address: "\(address)", operation: "if_nametoindex", errno: errno)
        }
        return index
    }

    /// The addresses of a name, IPv4 first: `localhost` is then 127.0.0.1, whatever /etc/gai.conf prefers.
    private static func resolve(_ name: String, _ address: ListenAddress) throws(WebError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(name, "\(address.port)", &hints, &list)
        guard result == 0 else {
            let reason = unsafe gai_strerror(result).map { unsafe String(cString: $0) } ?? "error \(result)"
            throw .resolve(address: "\(address)", reason: reason)
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let native = unsafe entry.pointee.ai_addr, let one = unsafe SocketAddress(copying: native) {
                found.append(one)
            }
            unsafe next = entry.pointee.ai_next
        }
        return found.filter { $0.family == AF_INET } + found.filter { $0.family == AF_INET6 }
    }
}
