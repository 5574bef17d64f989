internal import NetnsCore
internal import NetnsSystem

/// What the target of a command line or of a probe asks for.
enum DiagnosisTarget {
    /// How it is tried, when that is said.
    struct Manner {
        var kind: Probe.Kind?
        var query: String?
        var queryType: Probe.QueryType?
        var timeout: Double?
    }

    /// `gateway`, `resolver`, `peer`, `host`, the name of a probe, an address, a name, or one of these two with a port: an
    /// IPv6 address in brackets then. Throws a sentence for anything else, and for a port where there can be none.
    static func request(_ text: String, _ manner: Manner, probes: [Probe] = []) throws -> DiagnosisRequest {
        var request: DiagnosisRequest
        if let probe = probes.first(where: { $0.name == text }),
            !["gateway", "resolver", "peer", "host"].contains(text)
        {
            request = try self.request(probe)
            request.text = text
        } else {
            let (target, port) = try parse(text)
            request = DiagnosisRequest(target, text: NamespaceFinder.printable(text), port: port)
            request.kind = target == .resolver ? .dns : port == nil ? .icmp : .tcp
        }
        if manner.query != nil { request.kind = .dns }
        if let kind = manner.kind { request.kind = kind }
        request.query = manner.query ?? request.query
        request.queryType = manner.queryType ?? request.queryType
        request.timeout = manner.timeout ?? request.timeout
        return try checked(request)
    }

    /// What a probe tries.
    static func request(_ probe: Probe) throws -> DiagnosisRequest {
        var request: DiagnosisRequest
        switch probe.target {
        case .gateway: request = DiagnosisRequest(.gateway, text: "gateway")
        case .resolver: request = DiagnosisRequest(.resolver, text: "resolver")
        case .peer: request = DiagnosisRequest(.peer, text: "peer")
        case .ownHost: request = DiagnosisRequest(.host, text: "host")
        case .host(let host, let port):
            request = DiagnosisRequest(
                try address(host), text: NamespaceFinder.printable(probe.target.text), port: port)
        }
        request.kind = probe.kind
        request.query = probe.query
        request.queryType = probe.queryType
        request.timeout = probe.timeout
        return try checked(request)
    }

    private static func checked(_ request: DiagnosisRequest) throws -> DiagnosisRequest {
        if case .address(let address) = request.target, !address.isOfOneHost {
            throw Failure("\(request.text) is no address of one host: nobody answers for it alone")
        }
        switch request.kind {
        case .icmp:
            if request.port != nil { throw Failure("\(request.text) has a port, and an echo request has none") }
        case .tcp:
            if request.port == nil {
                throw Failure("a connection to \(request.text) needs a port, as in 192.0.2.10:443")
            }
        case .dns:
            if let query = request.query, !isName(query) {
                throw Failure("\(NamespaceFinder.printable(query)) is no name of the DNS")
            }
        }
        return request
    }

    private static func parse(_ text: String) throws -> (DiagnosisRequest.Target, UInt16?) {
        switch text {
        case "gateway": return (.gateway, nil)
        case "resolver": return (.resolver, nil)
        case "peer": return (.peer, nil)
        case "host": return (.host, nil)
        default: break
        }
        if IPAddress(text) != nil { return (try address(text), nil) }
        let bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "["), let end = bytes.lastIndex(of: UInt8(ascii: "]")) {
            let host = String(decoding: bytes[1..<end], as: UTF8.self)
            guard let found = IPAddress(host), found.family == .ipv6 else { throw unknown(text) }
            if end == bytes.count - 1 { return (.address(found), nil) }
            guard bytes[end + 1] == UInt8(ascii: ":"), let port = port(bytes[(end + 2)...]) else { throw unknown(text) }
            return (.address(found), port)
        }
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return (try address(text), nil) }
        guard let port = port(bytes[(colon + 1)...]) else { throw unknown(text) }
        return (try address(String(decoding: bytes[..<colon], as: UTF8.self)), port)
    }

    private static func address(_ text: String) throws -> DiagnosisRequest.Target {
        if let address = IPAddress(text) { return .address(address) }
        guard isName(text) else { throw unknown(text) }
        return .name(text)
    }

    private static func unknown(_ text: String) -> Failure {
        Failure(
            "\(NamespaceFinder.printable(text)) is no target: gateway, resolver, peer, host, an address, ADDRESS:PORT, "
                + "[IPV6]:PORT, a name, NAME:PORT or the name of a probe")
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard !digits.isEmpty, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self)).flatMap { $0 == 0 ? nil : $0 }
    }

    /// Labels of letters, digits, `-` and `_`; one that is numbers alone would be an address that is none.
    private static func isName(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
        return isPlain && (1...254).contains(text.utf8.count)
            && !text.utf8.allSatisfy { $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") }
    }
}
