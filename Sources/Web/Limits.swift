/// What one listener lets its clients take. The defaults suit a monitoring agent: some scrapers, a few browsers.
public struct Limits: Sendable {
    /// Connections at one time on each listener; further ones wait in the kernel's backlog. When seven eighths of them are
    /// there, each new one takes the place of one that asks for nothing, of the address that has most of those.
    public var connections: Int

    /// Connections at one time from one address on each listener; further ones are closed. A browser opens six.
    public var connectionsPerAddress: Int

    /// Seconds without a byte in either direction, after which a connection is closed. It does not run while a request
    /// waits for its handler's answer.
    public var inactivitySeconds: Int

    /// Seconds in all from the start of a connection, or the end of its last answer, to the end of the next request's
    /// headers. It ends clients that send a byte now and then, whom inactivity does not.
    public var requestSeconds: Int

    /// Seconds in all that a client may take to receive an answer. It ends clients that read a byte now and then, and
    /// bounds how long a body stays lent.
    public var answerSeconds: Int

    /// Bytes of memory for each connection: request line, headers and answer headers must fit. More is answered 431 or
    /// 414. With 256 connections that is 8 MiB at most.
    public var memoryPerConnection: Int

    /// Limits; what is below the least that makes sense is raised to it.
    public init(
        connections: Int = 256,
        connectionsPerAddress: Int = 64,
        inactivitySeconds: Int = 30,
        requestSeconds: Int = 60,
        answerSeconds: Int = 120,
        memoryPerConnection: Int = 32 * 1024
    ) {
        self.connections = max(1, connections)
        self.connectionsPerAddress = max(1, connectionsPerAddress)
        self.inactivitySeconds = max(1, inactivitySeconds)
        self.requestSeconds = max(1, requestSeconds)
        self.answerSeconds = max(1, answerSeconds)
        self.memoryPerConnection = max(1024, memoryPerConnection)
    }
}
