/// Why a request is refused before any route is looked at: it carries a body, or where it ends cannot be relied on.
enum RequestRefusal: Equatable {
    /// Two ways to tell where the body ends, or one that makes no sense: what a request smuggler sends
    /// (RFC 9112, section 6.3). libmicrohttpd 0.9.75 answers such a request as if nothing were wrong.
    case ambiguousFraming
    /// A header name with white space or another character that no name has: `Content-Length : 5` is a length to some
    /// and none to others (RFC 9112, section 5.1). libmicrohttpd takes it for a header of another name. Or a value with a
    /// control character: one that ends a line or a text for others (RFC 9110, section 5.5). Or a line that libmicrohttpd
    /// does not tell of: see `HeaderText`.
    case malformedHeader
    /// More than one `Host` (RFC 9112, section 3.2): each reader may believe another.
    case severalHosts
    /// A `Host` with a character that no name, address and port have (RFC 9112, section 3.2).
    case malformedHost
    /// A body: no route takes one.
    case body

    /// Looks at the headers of a request; `nil` when there is no body.
    static func check(_ headers: [(name: String, value: String)]) -> RequestRefusal? {
        var lengths: [String] = []
        var isTransferEncoded = false
        var hosts: [String] = []
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte), value.utf8.allSatisfy(isValueByte) else {
                return .malformedHeader
            }
            if ASCII.equalIgnoringCase(name, "Host") { hosts.append(value) }
            if ASCII.equalIgnoringCase(name, "Content-Length") { lengths.append(value) }
            if ASCII.equalIgnoringCase(name, "Transfer-Encoding") { isTransferEncoded = true }
        }
        if hosts.count > 1 { return .severalHosts }
        if let host = hosts.first, !host.utf8.allSatisfy(isHostByte) { return .malformedHost }
        if lengths.count + (isTransferEncoded ? 1 : 0) > 1 { return .ambiguousFraming }
        if isTransferEncoded { return .body }
        guard let length = lengths.first else { return nil }
        guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            return .ambiguousFraming
        }
        return length.utf8.allSatisfy { $0 == UInt8(ascii: "0") } ? nil : .body
    }

    /// The answer; the connection ends with it, since what follows on it is not known to be a request.
    var response: Response {
        var response =
            switch self {
            case .ambiguousFraming: Response.text(400, "Bad request: it is not clear where the body ends.\n")
            case .malformedHeader: Response.text(400, "Bad request: a header is malformed.\n")
            case .severalHosts: Response.text(400, "Bad request: more than one Host.\n")
            case .malformedHost: Response.text(400, "Bad request: the Host is malformed.\n")
            case .body: Response.text(413, "Content too large: requests here have no body.\n")
            }
        response.headers.append((name: "Connection", value: "close"))
        return response
    }

    /// What a field value may have (RFC 9110, section 5.5): a tab, and everything but control characters.
    private static func isValueByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\t") || byte >= 0x20 && byte != 0x7F
    }

    /// uri-host and port of RFC 3986, section 3.2: unreserved, sub-delims, escapes, an address in brackets.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        isTokenByte(byte) && !"#^`|".utf8.contains(byte) || "()[],;=:".utf8.contains(byte)
    }

    /// tchar of RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch ASCII.lowercased(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
