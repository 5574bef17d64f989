import Foundation

/// An answer of the agent's.
struct HTTPAnswer: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: Data

    /// The first value of a header, whatever its case.
    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body, nil when it is no UTF-8.
    var text: String? { String(data: body, encoding: .utf8) }
}

/// One TCP connection to the agent, without a library between: a test says itself what is sent and when it reads.
final class HTTPConnection {
    private let descriptor: Int32

    /// Connects to `127.0.0.1:PORT` or `[::1]:PORT`. A small receive buffer keeps a long answer with its sender.
    init(_ address: String, receiveBuffer: Int32? = nil) throws {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            throw Trouble("no address: \(address)")
        }
        let isIPv6 = address.hasPrefix("[")
        let descriptor = socket(
            isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble("socket: errno \(errno)") }
        self.descriptor = descriptor
        if var size = receiveBuffer { unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result: Int32
        if isIPv6 {
            var target = sockaddr_in6()
            target.sin6_family = sa_family_t(AF_INET6)
            target.sin6_port = port.bigEndian
            target.sin6_addr = in6addr_loopback
            result = unsafe withUnsafePointer(to: &target) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var target = sockaddr_in()
            target.sin_family = sa_family_t(AF_INET)
            target.sin_port = port.bigEndian
            target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            result = unsafe withUnsafePointer(to: &target) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        guard result == 0 else { throw Trouble("connect to \(address): errno \(errno)") }
    }

    deinit { close(descriptor) }

    /// Sends a request that asks for the connection to be closed after the answer.
    func request(
        _ method: String, _ target: String, _ headers: [(String, String)] = [], host: String = "test", body: Data? = nil
    ) throws {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n"
        if let body { text += "Content-Length: \(body.count)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        var rest = (Array((text + "\r\n").utf8) + (body.map { Array($0) } ?? []))[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Trouble("send: errno \(errno)") }
            rest = rest.dropFirst(sent)
        }
    }

    /// Waits for the first bytes of the answer without taking them.
    func waitForAnswer() throws {
        var byte: UInt8 = 0
        guard unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK)) == 1 else {
            throw Trouble("no answer: errno \(errno)")
        }
    }

    /// Reads until the agent closes the connection, or, of one that `staysOpen`, as much as was announced. Throws when the
    /// body is shorter than that.
    func answer(toHead: Bool = false, staysOpen: Bool = false) throws -> HTTPAnswer {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count >= 0 else { throw Trouble("after \(data.count) bytes of an answer: errno \(errno)") }
            if count == 0 { break }
            data.append(contentsOf: buffer[..<count])
            if staysOpen, Self.isWhole(data) { break }
        }
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else {
            throw Trouble("no answer, but \(data.count) bytes")
        }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
        }
        let answer = HTTPAnswer(status: status ?? 0, headers: headers, body: Data(data[end.upperBound...]))
        guard let length = answer.header("Content-Length").flatMap({ Int($0) }) else {
            throw Trouble("an answer without Content-Length: \(lines)")
        }
        guard answer.body.count == (toHead ? 0 : length) else {
            throw Trouble("\(answer.body.count) bytes of \(length)")
        }
        return answer
    }

    /// Whether an answer has as many bytes after its header as that announces.
    private static func isWhole(_ data: Data) -> Bool {
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return false }
        let header = String(decoding: data[..<end.lowerBound], as: UTF8.self)
        guard let length = header.firstMatch(of: /(?i)\r\ncontent-length: *(\d+)/) else { return false }
        return Int(length.output.1).map { data.count - end.upperBound >= $0 } ?? false
    }

    /// One request and its answer.
    static func get(
        _ address: String, _ target: String, _ headers: [(String, String)] = [], method: String = "GET"
    ) throws -> HTTPAnswer {
        let connection = try HTTPConnection(address)
        try connection.request(method, target, headers)
        return try connection.answer(toHead: method == "HEAD")
    }
}
