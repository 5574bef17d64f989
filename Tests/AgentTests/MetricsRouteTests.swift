import Dispatch
import Logging
import NetnsCore
import NetnsSystem
import Synchronization
import Testing

@testable import Agent
@testable import Exposition
@testable import Web

@Suite struct MetricsRouteTests {
    /// What the scraper's engine was asked for, and a signal for each time.
    private final class Recorder: Sendable {
        private let asked = Mutex<[(parts: CollectionParts, deadline: Instant?)]>([])
        private let signal = DispatchSemaphore(value: 0)

        func add(_ parts: CollectionParts, _ deadline: Instant?) {
            asked.withLock { $0.append((parts, deadline)) }
            signal.signal()
        }

        /// The next collection, once it has begun.
        func next() -> (parts: CollectionParts, deadline: Instant?) {
            signal.wait()
            return asked.withLock { $0.removeFirst() }
        }
    }

    private final class RecordingEngine: NamespaceEngine {
        let namespaces: [NamespaceSample] = []
        let linkedNamespaces: [NamespaceSample] = []
        let recorder: Recorder
        init(_ recorder: Recorder) { self.recorder = recorder }

        func sites() -> [ProbeSite] { [] }

        func reconfigure(_ settings: EngineSettings) {}

        func refreshSysctls(of cookies: Set<UInt64>) throws -> [NamespaceSample] { [] }

        var trustReport: SysctlTrustReport { SysctlTrustReport() }

        func collect(_ parts: CollectionParts, until deadline: Instant?) throws -> CollectionReport {
            recorder.add(parts, deadline)
            return CollectionReport()
        }
    }

    private final class Count: Sendable { let value = Atomic<Int>(0) }

    private static func scraper() -> Scraper {
        Scraper(logger: Stage.silent, minimumInterval: 1)
    }

    /// A scraper whose thread has made its first collection.
    private static func startedScraper(_ recorder: Recorder) throws -> Scraper {
        let scraper = scraper()
        try start(scraper, recorder)
        _ = recorder.next()
        return scraper
    }

    private static func start(_ scraper: Scraper, _ recorder: Recorder) throws {
        try scraper.start {
            let scene = Scene(
                filter: try DeviceFilter(include: nil, exclude: nil), includesHostVeths: false, maximumDevices: 1)
            return try Exposer(
                engine: RecordingEngine(recorder), scene: scene,
                state: AgentState(ledger: ErrorLedger(), startTime: 0), collectors: Set(CollectorName.allCases),
                drift: DriftMonitor(DriftConfiguration(), .init(), logger: Stage.silent))
        } failed: { error in
            Issue.record(error)
        }
    }

    private static func request(
        _ query: [(name: String, value: String)] = [], _ headers: [(name: String, value: String)] = []
    ) -> Request {
        Request(path: "/metrics", query: query, headers: headers)
    }

    /// The answer, nil when there is none yet.
    private static func answer(_ exchange: Exchange) -> Response? {
        // Taken only when nothing was answered; then the connection, which is none, must not be touched.
        guard !exchange.answer(.text(299, "")), let pointer = unsafe OpaquePointer(bitPattern: 16) else { return nil }
        let connection = unsafe ConnectionHandle(pointer)
        guard case .queue(let response) = exchange.settle(connection) else { return nil }
        return response
    }

    private static func text(_ response: Response) -> String {
        response.body.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: Array($0), as: UTF8.self) }
        }
    }

    private static let known = CollectorName.allCases.map(\.rawValue).sorted().joined(separator: ", ")

    @Test(
        arguments: [
            (
                [("collect[]", "sysctl"), ("exclude[]", "interface")], nil,
                "collect[] and exclude[] cannot be given together\n"
            ),
            (
                [("collect[]", "cpu")], nil,
                "collect[]: there is no collector of that name; there are \(known)\n"
            ),
            (
                [("exclude[]", "SYSCTL")], nil,
                "exclude[]: there is no collector of that name; there are \(known)\n"
            ),
            (
                [("collect[]", "")], nil,
                "collect[]: there is no collector of that name; there are \(known)\n"
            ),
            ([("collect[]", "sysctl"), ("collect[]", "x")], nil, "collect[]: there is no collector of that name"),
            ([], "x", "X-Prometheus-Scrape-Timeout-Seconds is no positive number of seconds\n"),
            ([], "", "X-Prometheus-Scrape-Timeout-Seconds is no"),
            ([], "0", "X-Prometheus-Scrape-Timeout-Seconds is no"),
            ([], "-1", "X-Prometheus-Scrape-Timeout-Seconds is no"),
            ([], "nan", "X-Prometheus-Scrape-Timeout-Seconds is no"),
            ([], "inf", "X-Prometheus-Scrape-Timeout-Seconds is no"),
            ([], "10s", "X-Prometheus-Scrape-Timeout-Seconds is no"),
        ] as [([(String, String)], String?, String)])
    func badRequests(_ query: [(String, String)], _ timeout: String?, _ message: String) throws {
        let route = MetricsRoute(scraper: Self.scraper(), enabled: [.sysctl, .interface], maximumRequests: 1)
        let request = Self.request(
            query.map { (name: $0.0, value: $0.1) },
            timeout.map { [(name: "x-prometheus-scrape-timeout-seconds", value: $0)] } ?? [])
        // Twice: a bad request does not count as one under way.
        for _ in 0..<2 {
            let exchange = Exchange(request)
            route.handle(request, Responder(exchange))
            let response = try #require(Self.answer(exchange))
            #expect(response.status == 400)
            #expect(Self.text(response).hasPrefix(message))
        }
    }

    @Test func aCollectorThatIsSwitchedOff() throws {
        let route = MetricsRoute(scraper: Self.scraper(), enabled: [.sysctl], maximumRequests: 0)
        let request = Self.request([(name: "collect[]", value: "interface")])
        let exchange = Exchange(request)
        route.handle(request, Responder(exchange))
        let response = try #require(Self.answer(exchange))
        #expect(response.status == 400)
        #expect(Self.text(response) == "collect[]: collector interface is switched off\n")
    }

    @Test(arguments: [(1, 1), (2, 2), (0, 5)])
    func maximumRequests(_ maximum: Int, _ accepted: Int) throws {
        // Its thread never starts, so every scrape stays under way.
        let route = MetricsRoute(scraper: Self.scraper(), enabled: [.sysctl], maximumRequests: maximum)
        let exchanges = (0..<5).map { _ in Exchange(Self.request()) }
        for exchange in exchanges { route.handle(exchange.request, Responder(exchange)) }
        let refused = exchanges.compactMap { Self.answer($0) }
        #expect(refused.count == 5 - accepted)
        #expect(refused.allSatisfy { $0.status == 503 && Self.text($0).contains("--web.max-requests") })
    }

    @Test(
        arguments: [
            ([], [.sysctl, .interface], [.sysctls, .links]),
            ([("collect[]", "sysctl")], [.sysctl, .interface], .sysctls),
            ([("collect[]", "interface"), ("collect[]", "sysctl")], [.sysctl, .interface], [.sysctls, .links]),
            ([("exclude[]", "sysctl")], [.sysctl, .interface], .links), ([("exclude[]", "sysctl")], [.sysctl], []),
            ([("exclude[]", "sysctl"), ("exclude[]", "interface")], [.sysctl, .interface], []),
            ([("collect", "sysctl")], [.sysctl, .interface], [.sysctls, .links]), ([], [.interface], .links),
        ] as [([(String, String)], Set<CollectorName>, CollectionParts)])
    func whatIsCollected(_ query: [(String, String)], _ enabled: Set<CollectorName>, _ parts: CollectionParts) throws {
        let recorder = Recorder()
        let scraper = try Self.startedScraper(recorder)
        defer { scraper.finish() }
        let route = MetricsRoute(scraper: scraper, enabled: enabled, maximumRequests: 1)
        let request = Self.request(query.map { (name: $0.0, value: $0.1) })
        route.handle(request, Responder(Exchange(request)))
        let asked = recorder.next()
        #expect(asked.parts == parts)
        #expect(asked.deadline == nil)
    }

    /// The first collection takes the longest, so a scrape that came before it does not wait for another.
    @Test func theFirstCollectionIsTheirsWhoWait() throws {
        let recorder = Recorder()
        let scraper = Self.scraper()
        defer { scraper.finish() }
        let route = MetricsRoute(scraper: scraper, enabled: [.sysctl, .interface], maximumRequests: 0)
        for name in ["sysctl", "interface", "sysctl"] {
            let request = Self.request([(name: "collect[]", value: name)])
            route.handle(request, Responder(Exchange(request)))
        }
        #expect(!scraper.isReady)
        try Self.start(scraper, recorder)
        #expect(recorder.next().parts == .sysctls)
        #expect(recorder.next().parts == .links)
        // That was all: whoever comes later is next.
        let request = Self.request([(name: "collect[]", value: "sysctl")])
        route.handle(request, Responder(Exchange(request)))
        #expect(recorder.next().parts == .sysctls)
        #expect(scraper.isReady)
    }

    /// The deadline is counted from the request's arrival, which lies between two looks at the clock.
    @Test(arguments: [("10", 9.0), ("1", 0.5), ("0.2", 0.1), ("1e9", 3240), ("3.5", 3)])
    func theTimeoutBecomesADeadline(_ header: String, _ seconds: Double) throws {
        let recorder = Recorder()
        let scraper = try Self.startedScraper(recorder)
        defer { scraper.finish() }
        let route = MetricsRoute(scraper: scraper, enabled: [.sysctl], maximumRequests: 1)
        let request = Self.request([], [(name: "X-Prometheus-Scrape-Timeout-Seconds", value: header)])
        let before = Instant.now()
        route.handle(request, Responder(Exchange(request)))
        let after = Instant.now()
        let deadline = try #require(recorder.next().deadline)
        #expect(deadline >= before.advanced(bySeconds: seconds - 1e-6))
        #expect(deadline <= after.advanced(bySeconds: seconds + 1e-6))
    }

    @Test(arguments: [
        (0.1, 0.05), (0.2, 0.1), (1, 0.5), (2, 1.5), (4, 3.5), (5, 4.5), (10, 9), (60, 54), (3600, 3240),
    ])
    func deadlines(_ timeout: Double, _ left: Double) throws {
        let arrived = Instant(nanoseconds: 1_000_000_000_000)
        let request = ScrapeRequest(
            collectors: [], timeout: timeout, format: .text, gzip: false, arrived: arrived)
        let deadline = try #require(request.deadline)
        #expect(abs(deadline.seconds(since: arrived) - left) < 1e-6)
        let without = ScrapeRequest(collectors: [], timeout: nil, format: .text, gzip: false, arrived: arrived)
        #expect(without.deadline == nil)
    }

    @Test(arguments: [
        ("application/openmetrics-text", "gzip", "application/openmetrics-text; version=1.0.0; charset=utf-8", true),
        ("*/*", "identity", "text/plain; version=0.0.4; charset=utf-8", false),
    ])
    func theAnswerSaysWhatItIs(_ accept: String, _ encoding: String, _ type: String, _ gzip: Bool) throws {
        let recorder = Recorder()
        let scraper = try Self.startedScraper(recorder)
        defer { scraper.finish() }
        let route = MetricsRoute(scraper: scraper, enabled: [.sysctl], maximumRequests: 0)
        let request = Self.request([], [(name: "accept", value: accept), (name: "Accept-Encoding", value: encoding)])
        let exchange = Exchange(request)
        route.handle(request, Responder(exchange))
        _ = recorder.next()
        // A request of another kind waits for the first to be answered.
        let second = Self.request([(name: "exclude[]", value: "sysctl")])
        route.handle(second, Responder(Exchange(second)))
        _ = recorder.next()
        let response = try #require(Self.answer(exchange))
        #expect(response.status == 200)
        #expect(response.headers.first { $0.name == "Content-Type" }?.value == type)
        #expect(response.headers.first { $0.name == "Vary" }?.value == "Accept, Accept-Encoding")
        #expect(response.headers.contains { $0.name == "Content-Encoding" && $0.value == "gzip" } == gzip)
    }

    @Test func whatIsDoneOnceIsDoneOnce() {
        let count = Count()
        do {
            let done = Countdown { count.value.wrappingAdd(1, ordering: .relaxed) }
            done.end()
            done.end()
            _ = Countdown { count.value.wrappingAdd(10, ordering: .relaxed) }
        }
        #expect(count.value.load(ordering: .relaxed) == 11)
    }
}
