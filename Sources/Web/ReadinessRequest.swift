import Glibc

/// One request for `/-/ready`, to an agent of this host: what a container engine's health check is made of.
public enum ReadinessRequest {
    /// What came back.
    public enum Answer: Sendable, Equatable {
        /// It is ready; or it asked for a password, which only one that serves does.
        case ready
        /// It answered with this status: 503 while it starts.
        case status(Int)
        /// What came was no HTTP: with TLS nothing can be asked this way.
        case unintelligible
    }

    /// Asks, over plain HTTP. An address that stands for all of the host's is asked on its loopback address. Throws
    /// `WebError.ask` or `WebError.resolve` when nobody listens, or nothing came within `seconds`.
    public static func send(to address: ListenAddress, within seconds: Int) throws(WebError) -> Answer {
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
        let request = Array("GET /-/ready HTTP/1.1\r\nHost: netdrift\r\nConnection: close\r\n\r\n".utf8)
        guard unsafe Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw failure("send")
        }
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < 64 {
            let count = unsafe recv(descriptor, &byte, 1, 0)
            // One that speaks TLS may end the connection without a word.
            if count < 0, errno != ECONNRESET { throw failure("recv") }
            guard count > 0, byte != UInt8(ascii: "\r") else { break }
            line.append(byte)
        }
        return answer(String(decoding: line, as: UTF8.self))
    }

    /// What a status line says.
    static func answer(_ line: String) -> Answer {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return .unintelligible
        }
        return status == 200 || status == 401 ? .ready : .status(status)
    }
}

extension ListenSocket {
    /// Where somebody connects who wants to reach what listens on `address`.
    static func target(of address: ListenAddress) throws(WebError) -> SocketAddress {
        func bad(_ reason: String) -> WebError { .resolve(address: "\(address)", reason: reason) }
        switch address.host {
        case .unix(let path):
            guard let target = SocketAddress(unix: path) else { throw bad("the path is too long") }
            return target
        case .any:
            // What listens on all addresses takes IPv4 too.
            return SocketAddress(ipv4: in_addr(s_addr: UInt32(0x7F00_0001).bigEndian), port: address.port)
        case .ipv4, .ipv6, .name:
            guard let target = try addresses(of: address).first else { throw bad("it has no address") }
            return target
        }
    }
}
