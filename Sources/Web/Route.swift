/// What is served at one path.
public struct Route: Sendable {
    /// Handles a request. It runs on the server's own thread, which serves no other connection of that listener until
    /// it returns: answer at once or pass the responder on, never wait.
    public typealias Handler = @Sendable (Request, Responder) -> Void

    /// The path, which must be equal to the request's decoded path: no patterns, no trailing slash that goes unseen.
    public let path: String

    /// The methods. `GET` implies `HEAD`: its handler runs, and libmicrohttpd leaves the body out.
    public let methods: [String]

    let handler: Handler

    /// A route. `path` begins with `/`.
    public init(_ path: String, methods: [String] = ["GET"], handler: @escaping Handler) {
        self.path = path
        self.methods = methods.contains("GET") && !methods.contains("HEAD") ? methods + ["HEAD"] : methods
        self.handler = handler
    }
}
