internal import Exposition
internal import NetnsCore
internal import NetnsSystem
internal import Synchronization
internal import Web

/// Answers `/metrics`: reads the request, keeps the number of scrapes bounded, and hands the rest to the scraper.
///
/// Concurrency: called on the server's threads; the count of scrapes under way is atomic.
final class MetricsRoute: Sendable {
    private let scraper: Scraper
    private let enabled: Set<CollectorName>
    private let maximumRequests: Int
    private let underWay = Atomic<Int>(0)

    init(scraper: Scraper, enabled: Set<CollectorName>, maximumRequests: Int) {
        self.scraper = scraper
        self.enabled = enabled
        self.maximumRequests = maximumRequests
    }

    func handle(_ request: Request, _ responder: Responder) {
        let scrape: ScrapeRequest
        do { scrape = try read(request) } catch {
            return responder.respond(.text(400, "\(error)\n"))
        }
        let count = underWay.wrappingAdd(1, ordering: .relaxed).newValue
        let done = Countdown { [self] in underWay.wrappingSubtract(1, ordering: .relaxed) }
        guard maximumRequests == 0 || count <= maximumRequests else {
            done.end()
            return responder.respond(
                .text(
                    503, "\(maximumRequests) scrapes are under way, the limit of --web.max-requests: try again later\n")
            )
        }
        scraper.submit(scrape, responder, done)
    }

    private func read(_ request: Request) throws(BadRequest) -> ScrapeRequest {
        ScrapeRequest(
            collectors: try collectors(request), timeout: try timeout(request),
            format: ExpositionFormat.negotiate(accept: request.header("Accept")),
            gzip: AcceptEncoding(request.header("Accept-Encoding")).prefersGzip, arrived: .now())
    }

    /// `collect[]` names the only collectors to run, `exclude[]` those not to; as node_exporter has them.
    private func collectors(_ request: Request) throws(BadRequest) -> Set<CollectorName> {
        let only = try names(request, "collect[]")
        let without = try names(request, "exclude[]")
        if !only.isEmpty, !without.isEmpty {
            throw BadRequest("collect[] and exclude[] cannot be given together")
        }
        return only.isEmpty ? enabled.subtracting(without) : only
    }

    private func names(_ request: Request, _ key: String) throws(BadRequest) -> Set<CollectorName> {
        var names: Set<CollectorName> = []
        for text in request.queryValues(key) {
            guard let name = CollectorName(rawValue: text) else {
                let known = CollectorName.allCases.map(\.rawValue).sorted().joined(separator: ", ")
                throw BadRequest("\(key): there is no collector of that name; there are \(known)")
            }
            guard enabled.contains(name) else { throw BadRequest("\(key): collector \(text) is switched off") }
            names.insert(name)
        }
        return names
    }

    private func timeout(_ request: Request) throws(BadRequest) -> Double? {
        guard let text = request.header("X-Prometheus-Scrape-Timeout-Seconds") else { return nil }
        guard let seconds = ScrapeTimeout.seconds(text) else {
            throw BadRequest("X-Prometheus-Scrape-Timeout-Seconds is no positive number of seconds")
        }
        return seconds
    }
}

/// What is wrong with a request.
struct BadRequest: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Runs something once: when told, or when nobody can tell any more.
final class Countdown: Sendable {
    private let isDone = Atomic<Bool>(false)
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    deinit { end() }

    func end() {
        if !isDone.exchange(true, ordering: .relaxed) { body() }
    }
}
