internal import Exposition
internal import Logging
internal import NetnsSystem
internal import Synchronization
internal import Web

/// One request for the metrics.
struct ScrapeRequest: Sendable {
    /// The collectors asked for.
    let collectors: Set<CollectorName>
    /// The scrape's timeout in seconds, when the client said one.
    let timeout: Double?
    let format: ExpositionFormat
    let gzip: Bool
    let arrived: Instant

    /// When the collection has to end so that there is time left to write and send the answer: a tenth of the timeout, and
    /// half a second where it is longer than one.
    var deadline: Instant? {
        timeout.map { arrived.advanced(bySeconds: $0 - max($0 * 0.1, min(0.5, $0 / 2))) }
    }
}

/// Collects for the scrapes, on one thread: those that wait when a collection begins, and ask for the same, share it.
///
/// A scrape is only answered from a collection that began after it arrived, so no value is older than the scrape.
///
/// Concurrency: requests come from any thread through a monitor; collecting and writing happen on the scraper's thread.
final class Scraper: Sendable {
    private struct Waiter: Sendable {
        let request: ScrapeRequest
        let responder: Responder
        /// Ended when the request is answered.
        let underWay: Countdown
    }

    /// What makes two requests the same to collect for. A client with a short timeout must not cut short what another
    /// waits for, so the timeout is part of it.
    private struct Key: Hashable {
        let collectors: Set<CollectorName>
        let timeout: Double?
    }

    private struct State: Sendable {
        var waiters: [Waiter] = []
        var isStopping = false
    }

    private let monitor = Monitor(State())
    private let logger: Logger
    private let hasWarned = Atomic<Bool>(false)
    private let ready = Atomic<Bool>(false)

    init(logger: Logger) { self.logger = logger }

    /// Whether a first collection was made.
    var isReady: Bool { ready.load(ordering: .relaxed) }

    /// Starts the thread. `makeExposer` runs on it; what it throws ends the scraper and is given to `failed`.
    func start(_ makeExposer: @escaping @Sendable () throws -> Exposer, failed: @escaping @Sendable (any Error) -> Void)
        throws
    {
        try NativeThread("scrape") { [self] in
            let exposer: Exposer
            do {
                exposer = try makeExposer()
                try exposer.collect(Set(CollectorName.allCases), until: nil)
            } catch { return failed(error) }
            ready.store(true, ordering: .relaxed)
            while serveNext(exposer) {}
        }.detach()
    }

    /// Asks for an answer; it comes from the scraper's thread.
    func submit(_ request: ScrapeRequest, _ responder: Responder, _ underWay: Countdown) {
        let isAccepted = monitor.withLock { state in
            guard !state.isStopping else { return false }
            state.waiters.append(Waiter(request: request, responder: responder, underWay: underWay))
            return true
        }
        if !isAccepted { responder.respond(.text(503, "netdrift is stopping\n")) }
    }

    /// Lets the thread end once it has answered what waits; new requests are refused.
    func finish() { monitor.withLock { $0.isStopping = true } }

    /// Serves the requests that share a collection with the oldest; false when there are none and none will come.
    private func serveNext(_ exposer: Exposer) -> Bool {
        let waiters: [Waiter]? = monitor.wait { state in
            guard let first = state.waiters.first else { return state.isStopping ? .some([]) : nil }
            let key = Self.key(first.request)
            let same = state.waiters.filter { Self.key($0.request) == key }
            state.waiters.removeAll { Self.key($0.request) == key }
            return same
        }
        guard let waiters, let first = waiters.first else { return false }
        let collectors = first.request.collectors
        do {
            try exposer.collect(collectors, until: waiters.compactMap(\.request.deadline).min())
            warn(exposer)
            var bodies: [Exposer.Variant: Body] = [:]
            for waiter in waiters {
                let variant = Exposer.Variant(format: waiter.request.format, gzip: waiter.request.gzip)
                let body = try bodies[variant] ?? exposer.render(variant, collectors)
                bodies[variant] = body
                waiter.underWay.end()
                waiter.responder.respond(Self.response(variant, body))
            }
        } catch {
            logger.error("collection failed", metadata: ["error": "\(error)"])
            for waiter in waiters {
                waiter.underWay.end()
                waiter.responder.respond(.text(500, "the collection failed: \(error)\n"))
            }
        }
        return true
    }

    /// Says once that the limit of descriptors makes every collection dearer.
    private func warn(_ exposer: Exposer) {
        let missing = exposer.directoriesNotKept
        guard missing > 0, !hasWarned.exchange(true, ordering: .relaxed) else { return }
        logger.warning(
            "the limit of open files is low for this many namespaces: directories are opened anew at each scrape",
            metadata: [
                "missing": "\(missing)",
                "remedy": "raise the hard limit: LimitNOFILE= in the systemd unit, ulimit -Hn, --ulimit nofile",
            ])
    }

    private static func key(_ request: ScrapeRequest) -> Key {
        Key(collectors: request.collectors, timeout: request.timeout)
    }

    private static func response(_ variant: Exposer.Variant, _ body: Body) -> Response {
        var headers = [
            (name: "Content-Type", value: variant.format.contentType), (name: "Vary", value: "Accept, Accept-Encoding"),
        ]
        if variant.gzip { headers.append((name: "Content-Encoding", value: "gzip")) }
        return Response(status: 200, headers: headers, body: body)
    }
}
