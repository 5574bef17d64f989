import Glibc

/// Checks passwords: one at a time, on a thread of its own, since each takes tens of milliseconds by design.
///
/// Who was right before is let through at once. What is not known waits in a short queue; an address that failed too
/// often, or has too many waiting, is told to come later, and costs nothing.
///
/// Concurrency: everything is owned by `state`; the thread begins with the first password and ends with `stop`.
final class LoginGate: Sendable {
    enum Decision {
        case allowed
        case refused(Response)
        /// `completion` is called later, on the gate's thread, with the refusal or nil.
        case later
    }

    private struct Job {
        let credentials: BasicCredentials
        /// Nil where there is no such user: the work is done all the same.
        let hash: PasswordHash?
        let nobody: PasswordHash
        let address: String
        let completion: @Sendable (Response?) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var cache = LoginCache()
        var throttle = LoginThrottle()
        var counts = SecurityCounts()
        var bucket = RateBucket()
        var thread: pthread_t?
        var isStopped = false
    }

    private static let maximumJobs = 32
    private static let maximumJobsPerAddress = 8
    private let state = Monitor(State())

    static let challenge: Response = {
        var response = Response.text(401, "Unauthorized: this needs a user name and a password.\n")
        response.headers.append((name: "WWW-Authenticate", value: "Basic realm=\"netdrift\", charset=\"UTF-8\""))
        return response
    }()

    var counts: SecurityCounts { state.withLock { $0.counts } }

    func count(_ change: (inout SecurityCounts) -> Void) { state.withLock { change(&$0.counts) } }

    /// Takes one of the requests that a limit allows; gives the refusal when there is none left.
    func take(_ limit: RateLimit) -> Response? {
        state.withLock { state in
            guard let seconds = state.bucket.take(limit, at: .now) else { return nil }
            state.counts.rateLimited += 1
            return Self.later(429, "Too many requests: the rate_limit of --web.config.file is reached.", seconds)
        }
    }

    /// Decides whether a request is allowed by its Authorization headers, or will.
    func check(
        _ request: Request, users: [String: PasswordHash], then completion: @escaping @Sendable (Response?) -> Void
    ) -> Decision {
        let headers = request.headers.filter { ASCII.equalIgnoringCase($0.name, "Authorization") }
        guard !headers.isEmpty else {
            state.withLock { $0.counts.withoutCredentials += 1 }
            return .refused(Self.challenge)
        }
        let address = Self.host(of: request.remoteAddress)
        guard headers.count == 1, let credentials = BasicCredentials(header: headers[0].value) else {
            state.withLock { $0.counts.failedLogins += 1 }
            return .refused(Self.challenge)
        }
        let hash = users[credentials.user]
        let nobody = PasswordHash.ofNobody(like: users.values)
        return state.withLock { state -> Decision in
            if let hash, state.cache.contains(credentials, hash) { return .allowed }
            if let seconds = state.throttle.wait(address, at: .now) {
                state.counts.throttled += 1
                return .refused(Self.throttled(seconds))
            }
            let own = state.jobs.count { $0.address == address }
            guard !state.isStopped, state.jobs.count < Self.maximumJobs, own < Self.maximumJobsPerAddress else {
                state.counts.throttled += 1
                return .refused(Self.later(429, "Too many logins at a time.", 1))
            }
            if state.thread == nil {
                guard let thread = start() else {
                    return .refused(Self.later(503, "There is no thread to check a password on.", 5))
                }
                state.thread = thread
            }
            state.jobs.append(
                Job(credentials: credentials, hash: hash, nobody: nobody, address: address, completion: completion))
            return .later
        }
    }

    /// Ends the thread, after the password that it is at. Those that wait are not checked any more.
    func stop() {
        let thread = state.withLock { state -> pthread_t? in
            state.isStopped = true
            state.jobs = []
            defer { state.thread = nil }
            return state.thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    fileprivate func run() {
        while true {
            let job = state.wait(for: .seconds(3600), until: { $0.isStopped || !$0.jobs.isEmpty }) { state -> Job?? in
                if state.isStopped { return .some(nil) }
                return state.jobs.isEmpty ? nil : .some(state.jobs.removeFirst())
            }
            guard let job else { continue }
            guard let job else { return }
            let isKnown = job.hash.map { hash in state.withLock { $0.cache.contains(job.credentials, hash) } } ?? false
            // One that failed while this waited counts: else a burst would all be computed.
            let wait = isKnown ? nil : state.withLock { $0.throttle.wait(job.address, at: .now) }
            let matches = isKnown || wait == nil && (job.hash ?? job.nobody).matches(job.credentials.password)
            let isRight = matches && job.hash != nil
            state.withLock { state in
                if isRight, let hash = job.hash {
                    state.cache.insert(job.credentials, hash)
                } else if wait != nil {
                    // Nobody looked at the password.
                    state.counts.throttled += 1
                } else {
                    state.counts.failedLogins += 1
                    state.throttle.failed(job.address, at: .now)
                }
            }
            job.completion(isRight ? nil : wait.map(Self.throttled) ?? Self.challenge)
        }
    }

    private func start() -> pthread_t? {
        var thread = pthread_t()
        let retained = unsafe Unmanaged.passRetained(self)
        guard unsafe pthread_create(&thread, nil, checkPasswords, retained.toOpaque()) == 0 else {
            unsafe retained.release()
            return nil
        }
        return thread
    }

    private static func throttled(_ seconds: Int) -> Response {
        later(429, "Too many failed logins from this address.", seconds)
    }

    private static func later(_ status: Int, _ text: String, _ seconds: Int) -> Response {
        var response = Response.text(status, "\(text) Try again in \(seconds) s.\n")
        response.headers.append((name: "Retry-After", value: "\(seconds)"))
        return response
    }

    /// `192.0.2.1` of `192.0.2.1:54321`; all clients of a unix socket are one.
    private static func host(of address: String?) -> String {
        guard let address, let colon = address.lastIndex(of: ":") else { return "" }
        return String(address[..<colon])
    }
}

/// The thread's function: top-level, as a C callback has to be.
private func checkPasswords(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument { unsafe Unmanaged<LoginGate>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
