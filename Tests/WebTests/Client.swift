import Foundation

/// An answer as it came over the wire.
struct Reply: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: Data

    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// A client that does just what it is told, over one TCP connection to the loopback. No call takes over 20 s.
final class Client {
    enum Failure: Error {
        case system(String, Int32)
        case closed(after: Int)
        case notHTTP(String)
    }

    private var descriptor: Int32
    private var buffer = Data()

    init(port: UInt16, ipv6: Bool = false) throws {
        descriptor = socket(ipv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.system("socket", errno) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        let result: Int32
        if ipv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe inet_pton(AF_INET6, "::1", &address.sin6_addr)
            result = connect(&address)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            unsafe inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
            result = connect(&address)
        }
        guard result == 0 else {
            let error = errno
            close()
            throw Failure.system("connect", error)
        }
    }

    deinit { close() }

    private func connect<Address>(_ address: inout Address) -> Int32 {
        let descriptor = descriptor
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    func close() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
    }

    /// Closes with a reset instead of an orderly end.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let sent = unsafe bytes.withUnsafeBytes {
                unsafe Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Failure.system("send", errno) }
            bytes = bytes.dropFirst(sent)
        }
    }

    func send(_ method: String, _ target: String, _ headers: [String] = []) throws {
        let lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"] + headers
        try send(lines.joined(separator: "\r\n") + "\r\n\r\n")
    }

    /// Reads one answer, with as much body as its Content-Length says.
    func reply(toHead: Bool = false) throws -> Reply {
        let separator = Data("\r\n\r\n".utf8)
        while buffer.range(of: separator) == nil { try receive() }
        guard let end = buffer.range(of: separator) else { throw Failure.closed(after: buffer.count) }
        let head = String(decoding: buffer[buffer.startIndex..<end.lowerBound], as: UTF8.self)
        buffer = Data(buffer[end.upperBound...])
        let lines = head.components(separatedBy: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."),
            let status = Int(first.split(separator: " ").dropFirst().first ?? "")
        else { throw Failure.notHTTP(head) }
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
        let reply = Reply(status: status, headers: headers, body: Data())
        guard !toHead, let length = Int(reply.header("Content-Length") ?? "0") else { return reply }
        while buffer.count < length { try receive() }
        let body = Data(buffer.prefix(length))
        buffer = Data(buffer.dropFirst(length))
        return Reply(status: status, headers: headers, body: body)
    }

    /// Whether the server ends the connection and sends nothing more before.
    func isClosedByServer() -> Bool {
        do {
            try receive()
            return false
        } catch Failure.closed {
            return buffer.isEmpty
        } catch Failure.system(_, let error) {
            return error == ECONNRESET && buffer.isEmpty
        } catch {
            return false
        }
    }

    /// What the server sends until it closes the connection.
    func remainder() -> String {
        while (try? receive()) != nil {}
        return String(decoding: buffer, as: UTF8.self)
    }

    func readOneByte() {
        var byte: UInt8 = 0
        unsafe recv(descriptor, &byte, 1, 0)
    }

    private func receive() throws {
        let count = unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { space -> Int in
            let count = unsafe recv(descriptor, space.baseAddress, space.count, 0)
            if count > 0 { unsafe buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: space[..<count])) }
            return count
        }
        if count == 0 { throw Failure.closed(after: buffer.count) }
        if count < 0 { throw Failure.system("recv", errno) }
    }
}
