internal import Exposition
internal import Logging
internal import NetnsCore
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

/// What the API tells.
enum Resource: Hashable, Sendable {
    /// `/api/v1/namespaces`
    case namespaces
    /// `/api/v1/drift`
    case drift
    /// `/api/v1/probes`
    case probes
    /// `/api/v1/overview`
    case overview
    /// `/api/v1/namespace?netns=NAME`
    case namespace(String)
}

/// There is no namespace of the name that the API was asked for.
struct UnknownNamespace: Error {}

/// Collects for the scrapes, on one thread: those that wait when a collection begins, and ask for the same, share it.
///
/// A scrape is only answered from a collection that began after it arrived, so no value is older than the scrape. The API
/// is answered from what was collected in the last `minimumInterval`, so that any number of pages may poll it.
///
/// Concurrency: requests come from any thread through a monitor; collecting and writing happen on the scraper's thread.
final class Scraper: Sendable {
    /// A scrape that waits for a collection.
    private struct Waiter: Sendable {
        let request: ScrapeRequest
        let responder: Responder
        /// Ended when the request is answered.
        let underWay: Countdown
    }

    /// A request to the API that waits.
    private struct Inquiry: Sendable {
        let resource: Resource
        let gzip: Bool
        /// How old the collection may be, seconds; nil for `minimumInterval`.
        let maximumAge: Double?
        let responder: Responder
    }

    /// What makes two requests the same to collect for. A client with a short timeout must not cut short what another
    /// waits for, so the timeout is part of it.
    private struct Key: Hashable {
        let collectors: Set<CollectorName>
        let timeout: Double?
    }

    private struct State: Sendable {
        var waiters: [Waiter] = []
        var inquiries: [Inquiry] = []
        /// What to work by from the next collection on.
        var setup: Setup?
        /// The cookies of namespaces that were written in.
        var written: Set<UInt64> = []
        /// Who wants to know that the thread works, and how many namespaces there are.
        var pulses: [@Sendable (Int) -> Void] = []
        var isStopping = false

        /// Takes out those who ask for the same as `first`.
        mutating func takeWaiters(like first: Waiter) -> [Waiter] {
            let key = Scraper.key(first.request)
            let same = waiters.filter { Scraper.key($0.request) == key }
            waiters.removeAll { Scraper.key($0.request) == key }
            return same
        }
    }

    /// What the thread does next.
    private enum Turn: Sendable {
        case reconfigure(Setup)
        case refresh(Set<UInt64>)
        /// There is something to refresh, once some time has passed.
        case later
        case pulses([@Sendable (Int) -> Void])
        case scrapes([Waiter])
        case inquiries([Inquiry])
        case end
    }

    /// Seconds after which the namespaces are found anew for the prober where nobody scrapes.
    private static let discoveryInterval = 5.0

    /// Seconds that the first collection waits for somebody to make it for.
    private static let firstPatience = 0.03

    private let monitor = Monitor(State())
    private let logger: Logger
    private let minimumInterval: Double
    private let hasWarned = Atomic<Bool>(false)
    private let hasWarnedOfNeighbours = Atomic<Bool>(false)
    private let ready = Atomic<Bool>(false)
    /// The last overviews, packed and not, and when they were made: for who takes an older one.
    private let overviews = Mutex<[Bool: (body: Body, end: Instant)]>([:])

    /// A scraper; `minimumInterval` in seconds.
    init(logger: Logger, minimumInterval: Double) {
        self.logger = logger
        self.minimumInterval = minimumInterval
    }

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
                // The first collection opens what the later ones keep, and so takes the longest: it is theirs who tried until
                // somebody listened, if there are any.
                let waiting: [Waiter]? = monitor.wait(until: Instant.now().advanced(bySeconds: Self.firstPatience)) {
                    state in state.waiters.first.map { state.takeWaiters(like: $0) }
                }
                if let waiting { serve(waiting, exposer) }
                if !exposer.hasCollected { try exposer.collect(Set(CollectorName.allCases), until: nil) }
                try exposer.rediscover(maximumAge: Self.discoveryInterval)
            } catch { return failed(error) }
            ready.store(true, ordering: .relaxed)
            var pace = RefreshPace()
            while serveNext(exposer, &pace) {}
        }.detach()
    }

    /// Asks for an answer; it comes from the scraper's thread.
    func submit(_ request: ScrapeRequest, _ responder: Responder, _ underWay: Countdown) {
        enqueue(responder) { $0.waiters.append(Waiter(request: request, responder: responder, underWay: underWay)) }
    }

    /// Asks for what the API tells; it comes from the scraper's thread. It may be `maximumAge` seconds old where that is
    /// more than the interval.
    func submit(_ resource: Resource, gzip: Bool, maximumAge: Double? = nil, _ responder: Responder) {
        // Without waiting for a collection that is under way.
        if let maximumAge, resource == .overview, let known = overviews.withLock({ $0[gzip] }),
            Instant.now().seconds(since: known.end) <= maximumAge
        {
            return responder.respond(Self.response(known.body, gzip: gzip))
        }
        enqueue(responder) {
            $0.inquiries.append(
                Inquiry(resource: resource, gzip: gzip, maximumAge: maximumAge, responder: responder))
        }
    }

    private func enqueue(_ responder: Responder, _ add: (inout State) -> Void) {
        let isAccepted = monitor.withLock { state in
            guard !state.isStopping else { return false }
            add(&state)
            return true
        }
        if !isAccepted { responder.respond(.text(503, "netdrift is stopping\n")) }
    }

    /// Calls `body` on the scraper's thread before it collects again, at the earliest after the first collection, with the
    /// number of namespaces; not at all if `onlyOne` is set and another waits to be called.
    func pulse(onlyOne: Bool = false, _ body: @escaping @Sendable (Int) -> Void) {
        monitor.withLock { state in
            if !onlyOne || state.pulses.isEmpty { state.pulses.append(body) }
        }
    }

    /// Reads the sysctls of these namespaces at once, by their cookies, and evaluates them.
    func refresh(_ cookies: Set<UInt64>) { monitor.withLock { $0.written.formUnion(cookies) } }

    /// Works by another setup from the next collection on.
    func reconfigure(_ setup: Setup) { monitor.withLock { $0.setup = setup } }

    /// Lets the thread end once it has answered what waits; new requests are refused.
    func finish() { monitor.withLock { $0.isStopping = true } }

    /// Serves the scrapes that share a collection with the oldest, or else what the API was asked, or else finds the
    /// namespaces anew; false when there is nothing to do and nothing will come.
    private func serveNext(_ exposer: Exposer, _ pace: inout RefreshPace) -> Bool {
        let discovery = exposer.watchesNamespaces ? Instant.now().advanced(bySeconds: Self.discoveryInterval) : nil
        let next = pace.isPending ? discovery.map { min($0, pace.next) } ?? pace.next : discovery
        let nextRefresh = pace.next
        let turn: Turn? = monitor.wait(until: next) { state in
            if let setup = state.setup {
                state.setup = nil
                return .reconfigure(setup)
            }
            let isWritten = !state.written.isEmpty
            if isWritten, Instant.now() >= nextRefresh {
                defer { state.written.removeAll() }
                return .refresh(state.written)
            }
            if !state.pulses.isEmpty {
                defer { state.pulses.removeAll() }
                return .pulses(state.pulses)
            }
            guard let first = state.waiters.first else {
                guard !state.inquiries.isEmpty else {
                    return state.isStopping ? .end : isWritten && next != nextRefresh ? .later : nil
                }
                defer { state.inquiries.removeAll() }
                return .inquiries(state.inquiries)
            }
            return .scrapes(state.takeWaiters(like: first))
        }
        switch turn {
        case .reconfigure(let setup): exposer.reconfigure(setup)
        case .refresh(let cookies): refresh(cookies, exposer, &pace)
        case .later: pace.isPending = true
        case .pulses(let pulses): for pulse in pulses { pulse(exposer.namespaceCount) }
        case .scrapes(let waiters): serve(waiters, exposer)
        case .inquiries(let inquiries): serve(inquiries, exposer)
        case nil:
            do { try exposer.rediscover(maximumAge: Self.discoveryInterval) } catch {
                logger.error("collection failed", metadata: ["error": "\(error)"])
            }
        case .end: return false
        }
        return true
    }

    /// When namespaces that were written in may be read again: a storm of writes leaves three quarters of the time to scrapes.
    private struct RefreshPace {
        var next = Instant(nanoseconds: 0)
        var isPending = false
    }

    private func refresh(_ cookies: Set<UInt64>, _ exposer: Exposer, _ pace: inout RefreshPace) {
        let start = Instant.now()
        do {
            try exposer.refresh(cookies)
            // Writes that never end do not keep new namespaces from being found.
            try exposer.rediscover(maximumAge: 2 * Self.discoveryInterval)
        } catch { logger.error("collection failed", metadata: ["error": "\(error)"]) }
        let end = Instant.now()
        pace = RefreshPace(next: end.advanced(bySeconds: max(0.02, 3 * end.seconds(since: start))))
    }

    private func serve(_ inquiries: [Inquiry], _ exposer: Exposer) {
        for inquiry in inquiries {
            do {
                let body = try exposer.body(
                    of: inquiry.resource, gzip: inquiry.gzip,
                    maximumAge: max(minimumInterval, inquiry.maximumAge ?? 0))
                if inquiry.resource == .overview {
                    overviews.withLock { $0[inquiry.gzip] = (body, .now()) }
                }
                inquiry.responder.respond(Self.response(body, gzip: inquiry.gzip))
            } catch is UnknownNamespace {
                inquiry.responder.respond(.text(404, "there is no network namespace of that name\n"))
            } catch {
                logger.error("collection failed", metadata: ["error": "\(error)"])
                inquiry.responder.respond(.text(500, "the collection failed: \(error)\n"))
            }
        }
    }

    private func serve(_ waiters: [Waiter], _ exposer: Exposer) {
        guard let first = waiters.first else { return }
        let collectors = first.request.collectors
        do {
            // One whose time is over does not cut short what the others have come for.
            let deadlines = waiters.compactMap(\.request.deadline)
            let now = Instant.now()
            try exposer.collect(collectors, until: deadlines.filter { $0 > now }.min() ?? deadlines.min())
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
    }

    /// Says once that probes wait, and that the limit of descriptors makes every collection dearer.
    private func warn(_ exposer: Exposer) {
        if exposer.heldBackProbes > 0, !hasWarnedOfNeighbours.exchange(true, ordering: .relaxed) {
            logger.warning(
                "the host's neighbour table is nearly full: probes of targets that are not in it wait",
                metadata: [
                    "remedy":
                        "raise net.ipv4.neigh.default.gc_thresh3 (and gc_thresh2; net.ipv6 likewise) to more than twice the number of namespaces"
                ])
        }
        let missing = exposer.directoriesNotKept
        guard missing > 0, !hasWarned.exchange(true, ordering: .relaxed) else { return }
        logger.warning(
            "the limit of open files is low for this many namespaces: directories are opened anew at each scrape",
            metadata: [
                "missing": "\(missing)",
                "remedy": "raise the hard limit: LimitNOFILE= in the systemd unit, ulimit -Hn, --ulimit nofile",
            ])
    }

    private static func response(_ body: Body, gzip: Bool) -> Response {
        var headers = APIRoutes.headers
        headers.append((name: "Vary", value: "Accept-Encoding"))
        if gzip { headers.append((name: "Content-Encoding", value: "gzip")) }
        return Response(status: 200, headers: headers, body: body)
    }

    private static func key(_ request: ScrapeRequest) -> Key {
        // To the second: who varies it a little gets no collection of his own each time.
        Key(collectors: request.collectors, timeout: request.timeout?.rounded(.up))
    }

    private static func response(_ variant: Exposer.Variant, _ body: Body) -> Response {
        var headers = [
            (name: "Content-Type", value: variant.format.contentType), (name: "Vary", value: "Accept, Accept-Encoding"),
        ]
        if variant.gzip { headers.append((name: "Content-Encoding", value: "gzip")) }
        return Response(status: 200, headers: headers, body: body)
    }
}
