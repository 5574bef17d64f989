import Glibc

/// Where to listen, as `--web.listen-address` gives it: parsed, not yet looked up or bound.
///
/// Forms: `127.0.0.1:10124`, `[::1]:10124`, `[fe80::1%eth0]:10124`, `localhost:10124`, and for all addresses of the
/// host `:10124` or `10124`. Port 0 lets the kernel choose. A unix socket is `unix:/run/netdrift.sock`.
public struct ListenAddress: Sendable, Hashable {
    /// What stands before the port.
    public enum Host: Sendable, Hashable {
        /// All addresses: `[::]` for both protocols, `0.0.0.0` where the kernel has no IPv6.
        case any
        /// An IPv4 address, dotted.
        case ipv4(String)
        /// An IPv6 address without brackets, and its zone (an interface's name or index) if one was given.
        case ipv6(String, zone: String?)
        /// A name, to be looked up when it is bound.
        case name(String)
        /// The path of a unix socket; there is no port.
        case unix(String)
    }

    /// The host.
    public let host: Host

    /// The TCP port; 0 is the kernel's choice.
    public let port: UInt16

    /// An address from its parts; nothing is checked.
    public init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses the text of one `--web.listen-address`. Throws what is wrong with it; looks nothing up.
    public init(parsing text: String) throws(ListenAddressError) {
        func fail(_ problem: ListenAddressError.Problem) -> ListenAddressError {
            ListenAddressError(input: text, problem: problem)
        }
        guard !text.isEmpty else { throw fail(.empty) }
        if text.hasPrefix("unix:/") {
            let path = String(text.dropFirst(5))
            // sun_path of unix(7), with its terminator.
            guard path.utf8.count < 108, !path.utf8.contains(0), !path.hasSuffix("/") else { throw fail(.badPath) }
            self.init(host: .unix(path), port: 0)
            return
        }
        if text.hasPrefix("unix:") || text.hasPrefix("/") || text.hasPrefix("@") { throw fail(.unixSocket) }
        if text.contains("/") { throw fail(.url) }

        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw fail(.unclosedBracket) }
            let inside = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard let host = Self.ipv6(inside) else { throw fail(.badIPv6(String(inside))) }
            guard rest.hasPrefix(":") else { throw fail(.missingPort) }
            self.init(host: host, port: try Self.port(rest.dropFirst(), of: text))
            return
        }

        guard let colon = text.firstIndex(of: ":") else {
            // A lone number is a port; anything else is a host whose port is missing.
            guard text.utf8.allSatisfy(Self.isDigit) else { throw fail(.missingPort) }
            self.init(host: .any, port: try Self.port(text[...], of: text))
            return
        }
        let before = text[..<colon]
        let after = text[text.index(after: colon)...]
        guard !after.contains(":") else { throw fail(.unbracketedIPv6) }
        let host = try Self.ipv4OrName(before, of: text)
        self.init(host: host, port: try Self.port(after, of: text))
    }

    private static func port(_ digits: Substring, of text: String) throws(ListenAddressError) -> UInt16 {
        guard !digits.isEmpty else { throw ListenAddressError(input: text, problem: .missingPort) }
        // UInt16's own parser would take a sign.
        guard digits.utf8.allSatisfy(isDigit), let port = UInt16(digits) else {
            throw ListenAddressError(input: text, problem: .badPort(String(digits)))
        }
        return port
    }

    private static func ipv6(_ inside: Substring) -> Host? {
        let parts = inside.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.map(String.init) else { return nil }
        let zone = parts.count == 2 ? String(parts[1]) : nil
        var scratch = in6_addr()
        guard zone != "", unsafe inet_pton(AF_INET6, address, &scratch) == 1 else { return nil }
        return .ipv6(address, zone: zone)
    }

    private static func ipv4OrName(_ text: Substring, of input: String) throws(ListenAddressError) -> Host {
        guard !text.isEmpty else { return .any }
        let name = String(text)
        var scratch = in_addr()
        if unsafe inet_pton(AF_INET, name, &scratch) == 1 { return .ipv4(name) }
        // getaddrinfo would take "1.2.3" for 1.2.0.3: what has only digits and dots must be a whole IPv4 address.
        if name.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
            throw ListenAddressError(input: input, problem: .badIPv4(name))
        }
        let isName = name.utf8.allSatisfy { byte in
            let lower = ASCII.lowercased(byte)
            return isDigit(byte) || (lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z"))
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        }
        guard isName, !name.hasPrefix("-") else {
            throw ListenAddressError(input: input, problem: .badName(name))
        }
        return .name(name)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}

extension ListenAddress: CustomStringConvertible {
    /// The address as `--web.listen-address` takes it.
    public var description: String {
        switch host {
        case .any: ":\(port)"
        case .ipv4(let address): "\(address):\(port)"
        case .ipv6(let address, let zone): "[\(address)\(zone.map { "%\($0)" } ?? "")]:\(port)"
        case .name(let name): "\(name):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
