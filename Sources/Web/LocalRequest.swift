import Glibc

/// One request to an agent of this host, over plain HTTP.
public enum LocalRequest {
    /// What came back.
    public enum Answer: Sendable, Equatable {
        /// A status and a body.
        case answer(Int, [UInt8])
        /// What came was no HTTP: with TLS nothing can be asked this way.
        case unintelligible
    }

    /// A longer answer is not read to its end.
    static let maximum = 64 << 20

    /// Asks for a path with its query. An address that stands for all of the host's is asked on its loopback address. Throws
    /// `WebError.ask` or `WebError.resolve` when nobody listens, or nothing came within `seconds`.
    public static func send(
        _ path: String, to address: ListenAddress, within seconds: Int
    ) throws(WebError) -> Answer {
        func failure(_ operation: String) -> WebError {
            .ask(address: "\(address)", operation: operation, errno: errno)
        }
        let target = try ListenSocket.target(of: address)
        let descriptor = socket(target.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        // connect(2) is bound by the time to send.
        for option in [SO_SNDTIMEO, SO_RCVTIMEO]
        where unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, size) != 0 { throw failure("setsockopt") }
        guard unsafe target.withPointer({ unsafe connect(descriptor, $0, $1) }) == 0 else { throw failure("connect") }
        let request = Array("GET \(path) HTTP/1.0\r\nHost: netdrift\r\nConnection: close\r\n\r\n".utf8)
        guard unsafe Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw failure("send")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while bytes.count < maximum {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            // One that speaks TLS may end the connection without a word.
            if count < 0, errno == EINTR { continue }
            // One that keeps the connection has said what it had to say.
            if count < 0, errno == EAGAIN, !bytes.isEmpty { break }
            if count < 0, errno != ECONNRESET { throw failure("recv") }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return answer(bytes)
    }

    /// What an answer says: a status line, headers, an empty line and the body up to the end of the connection.
    static func answer(_ bytes: [UInt8]) -> Answer {
        let line = String(decoding: bytes.prefix(64).prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return .unintelligible
        }
        let end = Array("\r\n\r\n".utf8)
        var index = 0
        while index + end.count <= bytes.count {
            if bytes[index] == end[0], Array(bytes[index..<index + end.count]) == end {
                return .answer(status, Array(bytes[(index + end.count)...]))
            }
            index += 1
        }
        return .answer(status, [])
    }
}
