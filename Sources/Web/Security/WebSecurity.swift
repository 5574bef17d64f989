/// Who is served, and how: a value for each state of the file that says so.
public struct WebSecurity: Sendable {
    /// TLS; nil for plain HTTP. Whether there is any is decided when the server starts.
    public var tls: TLSContext?
    /// The users and their passwords' hashes, by bcrypt; empty: everybody.
    public var users: [String: PasswordHash]
    /// Header fields of every answer, in place of those that the server or a route gives.
    public var headers: [(name: String, value: String)]
    /// How many requests are served; nil: all.
    public var rateLimit: RateLimit?
    /// Why nobody is served: the file is broken since it was last read. What the rest says still holds for connections.
    public var breakage: String?

    /// Security by its parts.
    public init(
        tls: TLSContext? = nil, users: [String: PasswordHash] = [:], headers: [(name: String, value: String)] = [],
        rateLimit: RateLimit? = nil, breakage: String? = nil
    ) {
        self.tls = tls
        self.users = users
        self.headers = headers
        self.rateLimit = rateLimit
        self.breakage = breakage
    }
}

/// Tells what holds now. Called at each connection and each request, from any thread: it is quick.
public typealias SecuritySource = @Sendable () -> WebSecurity

/// What became of attempts to be served, for metrics.
public struct SecurityCounts: Sendable {
    /// Logins with a wrong name or password.
    public var failedLogins: UInt64 = 0
    /// Requests without credentials where they are needed.
    public var withoutCredentials: UInt64 = 0
    /// Requests refused for too many failed logins from their address, or too many at a time.
    public var throttled: UInt64 = 0
    /// Requests beyond the rate that is allowed.
    public var rateLimited: UInt64 = 0
    /// Requests of clients whose certificate is not, or no longer, welcome.
    public var refusedCertificates: UInt64 = 0
    /// Requests refused since the file is broken.
    public var broken: UInt64 = 0

    /// None.
    public init() {}
}
