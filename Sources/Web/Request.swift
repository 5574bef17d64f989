/// A request as a handler sees it: a value, with nothing of libmicrohttpd's in it.
public struct Request: Sendable {
    /// The method as it was sent; methods are case-sensitive (RFC 9110, section 9.1).
    public let method: String

    /// The path, percent-decoded, without the query. `%00` stays as it is written, bytes that are no UTF-8 become
    /// U+FFFD.
    public let path: String

    /// The query's parameters in their order, decoded; repeated names are kept (`collect[]=a&collect[]=b`). One
    /// without a value (`?debug`) has an empty one.
    public let query: [(name: String, value: String)]

    /// The header fields in their order, names as they were sent.
    public let headers: [(name: String, value: String)]

    /// The client's address and port, `192.0.2.1:54321` or `[2001:db8::1]:54321`; `nil` if it is not known.
    public let remoteAddress: String?

    /// A request from its parts; for tests of handlers.
    public init(
        method: String = "GET",
        path: String,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [],
        remoteAddress: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.remoteAddress = remoteAddress
    }

    /// The value of a header, whose name is compared without case; `nil` when there is none. Several of one name are
    /// joined by `", "` in their order (RFC 9110, section 5.2).
    public func header(_ name: String) -> String? {
        let values = headers.lazy.filter { ASCII.equalIgnoringCase($0.name, name) }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// All values of one query parameter, in their order.
    public func queryValues(_ name: String) -> [String] {
        query.filter { $0.name == name }.map(\.value)
    }
}
