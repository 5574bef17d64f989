import Glibc
import Synchronization

/// An HTTP/1.1 server: libmicrohttpd, one daemon with one thread for each listener, and one thread that cuts
/// connections which take too long.
///
/// Every answer carries `X-Content-Type-Options: nosniff`, `X-Frame-Options: DENY` and `Referrer-Policy: no-referrer`
/// unless something else was given, except the few that libmicrohttpd writes itself when it
/// cannot parse a request. No request may have a body.
///
/// The server's threads inherit the signal mask of the thread that calls `start`: block there what another thread is
/// to wait for.
///
/// Concurrency: `start` and `stop` may be called from any thread but not from a handler; the daemons are owned by
/// `state`.
public final class Server: Sendable {
    private enum State {
        case idle
        case running([Daemon], watch: pthread_t)
        case stopped
    }

    /// After the grace time, how long the 503 answers of `stop` may take to be sent.
    private static let partingTime = Duration.milliseconds(500)

    private let listeners: [ListenSocket]
    private let limits: Limits
    private let core: ServerCore
    private let state = Mutex(State.idle)

    /// A server that is not started yet.
    ///
    /// `log` gets one line at a time, from any thread: what libmicrohttpd reports, and headers that could not be sent.
    /// `security` is asked at each connection and each request; if it has TLS when the server starts, all listeners speak
    /// TLS, and else none does. Throws `WebError.duplicateRoute`.
    public init(
        listeners: [ListenSocket],
        routes: [Route],
        limits: Limits = Limits(),
        security: @escaping SecuritySource = { WebSecurity() },
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(WebError) {
        self.listeners = listeners
        self.limits = limits
        core = ServerCore(router: try Router(routes), limits: limits, security: security, log: log)
    }

    deinit {
        stop(grace: .zero)
    }

    /// Where the server listens: `127.0.0.1:10124`, `[::]:10124`.
    public var boundAddresses: [String] { listeners.map(\.boundAddress) }

    /// The requests under way: being handled, waiting for an answer, or being sent.
    public var exchangesUnderWay: Int { core.ledger.count }

    /// What became of attempts to be served.
    public var securityCounts: SecurityCounts { core.gate.counts }

    /// Starts to accept. Throws `WebError.startFailed`, after which nothing runs, or `WebError.alreadyStarted`.
    public func start() throws(WebError) {
        try state.withLock { state throws(WebError) in
            guard case .idle = state else { throw .alreadyStarted }
            state = .stopped
            guard let watch = core.watch.start() else {
                core.log("no thread to watch the connections")
                throw .startFailed(address: boundAddresses.joined(separator: ", "))
            }
            var daemons: [Daemon] = []
            for listener in listeners {
                guard let daemon = Daemon(listener, limits, core) else {
                    end(daemons, watch, grace: .zero)
                    throw .startFailed(address: listener.boundAddress)
                }
                daemons.append(daemon)
            }
            state = .running(daemons, watch: watch)
        }
    }

    /// Stops: refuses connections at once, waits up to `grace` for the requests under way to be answered and sent,
    /// answers the rest 503, and closes everything.
    ///
    /// Returns within `grace` and half a second, provided that no handler blocks. New requests on connections that are
    /// already open are answered 503 meanwhile. A second call does nothing; if the first is still at it, it waits.
    /// The listeners are of no use afterwards; each keeps its port until its last reference, the server's own among
    /// them, goes.
    public func stop(grace: Duration) {
        state.withLock { state in
            if case .running(let daemons, let watch) = state { end(daemons, watch, grace: grace) }
            state = .stopped
        }
    }

    private func end(_ daemons: [Daemon], _ watch: pthread_t, grace: Duration) {
        for daemon in daemons { daemon.quiesce() }
        core.ledger.startDraining()
        // Those that are left and not answered may be suspended, with which libmicrohttpd must not be stopped. An
        // exchange that enters from now on is answered as it enters: none becomes suspended afterwards.
        let left = core.ledger.drain(for: grace)
        let unanswered = left.filter { $0.answer(ServerCore.unavailable) }
        // Those that were answered before had the grace time to be sent in.
        if !unanswered.isEmpty { _ = core.ledger.drain(for: Self.partingTime) }
        for daemon in daemons { daemon.stop() }
        for listener in listeners { listener.removeFile() }
        core.gate.stop()
        core.watch.stop()
        pthread_join(watch, nil)
    }
}
