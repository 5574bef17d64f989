import Glibc

/// An IPv4, IPv6 or unix socket address: a copy of the kernel's struct, with its length.
///
/// Its text is numeric, as `127.0.0.1:10124` or `[fe80::1%2]:10124`. An IPv4 client of a dual-stack socket
/// (`::ffff:10.0.0.1`) is written as the IPv4 address that it is.
struct SocketAddress {
    private var storage: sockaddr_storage
    let length: socklen_t

    init(ipv4 address: in_addr, port: UInt16) {
        var native = sockaddr_in()
        native.sin_family = sa_family_t(AF_INET)
        native.sin_port = port.bigEndian
        native.sin_addr = address
        self = unsafe withUnsafeBytes(of: &native) { unsafe SocketAddress(copying: $0) }
    }

    init(ipv6 address: in6_addr, scope: UInt32, port: UInt16) {
        var native = sockaddr_in6()
        native.sin6_family = sa_family_t(AF_INET6)
        native.sin6_port = port.bigEndian
        native.sin6_addr = address
        native.sin6_scope_id = scope
        self = unsafe withUnsafeBytes(of: &native) { unsafe SocketAddress(copying: $0) }
    }

    /// The address of a unix socket; `nil` for a path that does not fit.
    init?(unix path: String) {
        var native = sockaddr_un()
        native.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: native.sun_path) else { return nil }
        unsafe withUnsafeMutableBytes(of: &native.sun_path) { unsafe $0.copyBytes(from: bytes) }
        self = unsafe withUnsafeBytes(of: &native) { unsafe SocketAddress(copying: $0) }
    }

    /// The path of a unix socket; `nil` for any other address, and for one without a path.
    private var path: String? {
        guard family == AF_UNIX else { return nil }
        return unsafe withUnsafeBytes(of: storage) { bytes in
            let path = unsafe bytes[MemoryLayout<sa_family_t>.size..<min(Int(length), bytes.count)].prefix { $0 != 0 }
            return unsafe path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
        }
    }

    /// Copies a struct of the kernel's; what does not fit a `sockaddr_storage` is cut.
    init(copying bytes: UnsafeRawBufferPointer) {
        storage = sockaddr_storage()
        let count = min(bytes.count, MemoryLayout<sockaddr_storage>.size)
        unsafe withUnsafeMutableBytes(of: &storage) { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        length = socklen_t(count)
    }

    /// Copies what `pointer` points at, whose length follows from its family; `nil` if that is not IPv4 or IPv6.
    init?(copying pointer: UnsafePointer<sockaddr>) {
        let size: Int
        // By offset: Swift takes the members of `struct sockaddr` for those of whichever module includes it first.
        switch unsafe Int32(UnsafeRawPointer(pointer).load(as: sa_family_t.self)) {
        case AF_INET: size = MemoryLayout<sockaddr_in>.size
        case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        unsafe self.init(copying: UnsafeRawBufferPointer(start: pointer, count: size))
    }

    /// The address a socket is bound to (getsockname(2)); `nil` if the kernel does not say.
    init?(boundTo descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard result == 0 else { return nil }
        self.storage = storage
        self.length = length
    }

    /// `AF_INET` or `AF_INET6`.
    var family: Int32 { Int32(storage.ss_family) }

    /// Lends the struct to a system call.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    var description: String {
        if let path { return "unix:\(path)" }
        return unsafe withPointer { pointer, length in
            // NI_MAXHOST and NI_MAXSERV of netdb.h.
            unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1025 + 32) { text in
                guard let base = text.baseAddress else { return "?" }
                let port = unsafe base + 1025
                let result = unsafe getnameinfo(
                    pointer, length, base, 1025, port, 32, NI_NUMERICHOST | NI_NUMERICSERV)
                guard result == 0 else { return "?" }
                let host = unsafe String(cString: base)
                let service = unsafe String(cString: port)
                let mapped = "::ffff:"
                if host.hasPrefix(mapped), host.contains(".") { return "\(host.dropFirst(mapped.count)):\(service)" }
                return host.contains(":") ? "[\(host)]:\(service)" : "\(host):\(service)"
            }
        }
    }
}
