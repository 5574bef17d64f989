/// An answer. `Content-Length`, `Date` and the common security headers are added by the server.
public struct Response: Sendable {
    /// The status code, from 200 to 599.
    public var status: Int

    /// Header fields, in their order. One that HTTP does not allow (a line break in its value, say) or that the server
    /// writes itself (`Content-Length`) is left out, and the log says so.
    public var headers: [(name: String, value: String)]

    /// The content. An answer to HEAD has its length and not its bytes.
    public var body: Body

    /// An answer from its parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Plain text, in UTF-8.
    public static func text(_ status: Int, _ text: String) -> Response {
        Response(status, "text/plain; charset=utf-8", text)
    }

    /// An HTML page, in UTF-8.
    public static func html(_ status: Int, _ page: String) -> Response {
        Response(status, "text/html; charset=utf-8", page)
    }

    /// A JSON text that is already encoded.
    public static func json(_ status: Int, _ text: String) -> Response {
        Response(status, "application/json", text)
    }

    private init(_ status: Int, _ contentType: String, _ content: String) {
        self.init(status: status, headers: [(name: "Content-Type", value: contentType)], body: Body(content))
    }
}
