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
        switch try LocalRequest.send("/-/ready", to: address, within: seconds) {
        case .unintelligible: return .unintelligible
        case .answer(let status, _): return status == 200 || status == 401 ? .ready : .status(status)
        }
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
