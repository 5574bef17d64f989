import CGnuTLS
import CMicrohttpd
import Glibc

/// What the callbacks of libmicrohttpd share: routes, log, the exchanges under way, the connections.
///
/// Concurrency: immutable, but for the ledger and the watch, which guard themselves. Alive as long as any daemon: `Daemon` keeps it.
final class ServerCore: Sendable {
    let ledger = ExchangeLedger()
    let watch: ConnectionWatch
    let log: @Sendable (String) -> Void
    let security: SecuritySource
    let gate = LoginGate()
    private let router: Router

    static let unavailable: Response = {
        var response = Response.text(503, "Service unavailable: the server is stopping.\n")
        response.headers.append((name: "Connection", value: "close"))
        return response
    }()

    init(
        router: Router, limits: Limits, security: @escaping SecuritySource, log: @escaping @Sendable (String) -> Void
    ) {
        self.security = security
        watch = ConnectionWatch(limits)
        self.router = router
        self.log = log
    }

    /// The first callback of a request, with its headers: refuses it, or lets the final callback come.
    ///
    /// What is refused here is answered before its body is read, and libmicrohttpd then closes the connection.
    func begin(_ exchange: Exchange, _ connection: ConnectionHandle, isHeaderWhole: Bool) -> Bool {
        watch.changed(connection, to: .handling)
        let isWelcome = ledger.enter(exchange)
        if let refusal = isHeaderWhole ? RequestRefusal.check(exchange.request.headers) : .malformedHeader {
            exchange.answer(refusal.response)
        } else if !isWelcome {
            exchange.answer(Self.unavailable)
        } else {
            return true
        }
        return proceed(exchange, connection)
    }

    /// The final callback of a request that nobody has looked at: runs the handler if the client may have it run, at once
    /// or when the password was checked.
    func handle(_ exchange: Exchange, _ connection: ConnectionHandle) {
        let security = security()
        if security.breakage != nil {
            gate.count { $0.broken += 1 }
            // What is wrong with the file is for the log: it may say too much to a stranger.
            exchange.answer(.text(500, "Nobody is served: the file of --web.config.file is broken, see the log.\n"))
            return
        }
        if let tls = security.tls, let session = unsafe connection.session {
            let reason: String
            switch unsafe tls.judge(session) {
            case .welcome: reason = ""
            case .missing: reason = "a certificate of the client's is needed"
            case .refused(let why): reason = why
            }
            if !reason.isEmpty {
                gate.count { $0.refusedCertificates += 1 }
                log("client \(exchange.request.remoteAddress ?? "?") refused: \(reason)")
                exchange.answer(.text(403, "Forbidden: \(reason).\n"))
                return
            }
        }
        let limit = security.rateLimit
        guard !security.users.isEmpty else { return serve(exchange, limit) }
        let decision = gate.check(exchange.request, users: security.users) { [weak self] refusal in
            if let refusal { exchange.answer(refusal) } else { self?.serve(exchange, limit) }
        }
        switch decision {
        case .allowed: serve(exchange, limit)
        case .refused(let response): exchange.answer(response)
        case .later: break
        }
    }

    /// Serves a client who is welcome. Others have taken nothing of what the limit allows.
    private func serve(_ exchange: Exchange, _ limit: RateLimit?) {
        if let limit, let refusal = gate.take(limit) {
            exchange.answer(refusal)
        } else {
            route(exchange)
        }
    }

    private func route(_ exchange: Exchange) {
        let request = exchange.request
        switch router.match(method: request.method, path: request.path) {
        case .handler(let handler):
            handler(request, Responder(exchange))
        case .methodNotAllowed(let methods):
            var response = Response.text(405, "Method not allowed.\n")
            response.headers.append((name: "Allow", value: methods.joined(separator: ", ")))
            exchange.answer(response)
        case .notFound:
            exchange.answer(.text(404, "Not found.\n"))
        }
    }

    /// Queues the answer, or suspends the connection until there is one. False: the connection is to be closed.
    func proceed(_ exchange: Exchange, _ connection: ConnectionHandle) -> Bool {
        switch exchange.settle(connection) {
        case .wait: true
        case .close: false
        case .queue(let response): queue(response, connection)
        }
    }

    /// libmicrohttpd is done with the request.
    func finish(_ exchange: Exchange, _ connection: ConnectionHandle) {
        exchange.finish()
        watch.changed(connection, to: .receiving)
        ledger.leave(exchange)
    }

    /// A response's own header fields, those that are configured in their place, and those that all have.
    private func headers(of response: Response) -> [(name: String, value: String)] {
        let configured = security().headers
        func isIn(_ list: [(name: String, value: String)], _ name: String) -> Bool {
            list.contains { ASCII.equalIgnoringCase($0.name, name) }
        }
        let headers = response.headers.filter { !isIn(configured, $0.name) } + configured
        return Self.securityHeaders.filter { !isIn(headers, $0.name) } + headers
    }

    /// What keeps a browser from guessing types, from showing us in somebody's frame and from telling others our address.
    private static let securityHeaders: [(name: String, value: String)] = [
        (name: "X-Content-Type-Options", value: "nosniff"), (name: "X-Frame-Options", value: "DENY"),
        (name: "Referrer-Policy", value: "no-referrer"),
    ]

    private func queue(_ response: Response, _ connection: ConnectionHandle) -> Bool {
        guard (200...599).contains(response.status) else {
            log("answer with status \(response.status), which is not within 200 and 599: sent 500 instead")
            return queue(.text(500, "Internal server error.\n"), connection)
        }
        guard let native = unsafe NativeResponse.make(response.body) else {
            log("no memory for an answer of \(response.body.count) bytes: connection closed")
            return false
        }
        // libmicrohttpd counts references of its own from MHD_queue_response on.
        defer { unsafe MHD_destroy_response(native) }
        for (name, value) in headers(of: response) {
            if unsafe MHD_add_response_header(native, name, value) != .YES {
                log("answer header \(name) was left out: not allowed by libmicrohttpd")
            }
        }
        guard unsafe MHD_queue_response(connection.pointer, UInt32(response.status), native) == .YES else {
            log("answer with status \(response.status) was not taken by libmicrohttpd: connection closed")
            return false
        }
        watch.changed(connection, to: .sending)
        return true
    }
}

/// Hands a body to libmicrohttpd without a copy.
private enum NativeResponse {
    /// A response of libmicrohttpd's that keeps `body` alive until its last use; `nil` when out of memory.
    static func make(_ body: Body) -> OpaquePointer? {
        let retained = unsafe Unmanaged.passRetained(body)
        // libmicrohttpd's parameter is not const, but it writes to no response. It wants an address for 0 bytes, too.
        let address = unsafe UnsafeMutableRawPointer(mutating: body.base) ?? retained.toOpaque()
        let made = unsafe MHD_create_response_from_buffer_with_free_callback_cls(
            body.count, address, releaseBody, retained.toOpaque())
        if unsafe made == nil { unsafe retained.release() }
        return unsafe made
    }
}

/// `MHD_ContentReaderFreeCallback`: libmicrohttpd has let go of a body. Top-level, as all C callbacks here: a closure
/// written elsewhere could be bound to an actor, which libmicrohttpd's thread is not.
private func releaseBody(_ closure: UnsafeMutableRawPointer?) {
    guard let closure = unsafe closure else { return }
    unsafe Unmanaged<Body>.fromOpaque(closure).release()
}
