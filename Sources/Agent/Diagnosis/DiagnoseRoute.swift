internal import NetnsCore
internal import NetnsSystem
internal import Synchronization
internal import Web

/// Answers `/api/v1/diagnose?netns=NAME[&target=TARGET]`: what `netdrift diagnose --json` prints.
///
/// Whoever may read the API may not send packets where he likes: the target is `gateway`, or a probe that the
/// configuration has for that namespace, by its name or its target.
///
/// Concurrency: requests come from the server's threads; each is answered by a thread of its own, of which there are two
/// at most.
final class DiagnoseRoute: Sendable {
    /// How many run at once.
    private static let maximum = 2
    /// Seconds that one try takes at most, whatever the probe's timeout is.
    private static let patience = 2.0

    private let settings: EngineSettings
    private let probes: Mutex<[Probe]>
    private let writes: WriteMonitor?
    private let running = Mutex(0)

    /// A route by these paths and filters; `probes` are those of the configuration.
    init(_ settings: EngineSettings, probes: [Probe], writes: WriteMonitor? = nil) {
        self.writes = writes
        var settings = settings
        settings.sysctls = SysctlSelection(builtin: false, include: [], exclude: [])
        settings.mib = MIBSelection([])
        settings.threads = 1
        settings.descriptors = DescriptorBudget(total: 0)
        settings.deepInterval = 1e6
        settings.firstScanPatience = 5
        self.settings = settings
        self.probes = Mutex(probes)
    }

    /// Takes the probes of another configuration from now on.
    func reconfigure(_ setup: Setup) { probes.withLock { $0 = setup.probes } }

    /// Answers a request, later when it takes a diagnosis.
    func handle(_ request: Request, _ responder: Responder) {
        guard let name = request.queryValues("netns").first, !name.isEmpty else {
            return responder.respond(.text(400, "say which namespace: ?netns=NAME\n"))
        }
        let target = request.queryValues("target").first ?? "gateway"
        let candidates = probes.withLock { $0 }.filter { $0.name == target || $0.target.text == target }
        guard target == "gateway" || !candidates.isEmpty else { return responder.respond(Self.refusal) }
        let isFree = running.withLock { count in
            guard count < Self.maximum else { return false }
            count += 1
            return true
        }
        guard isFree else {
            return responder.respond(.text(503, "\(Self.maximum) diagnoses are under way: ask again\n"))
        }
        do {
            try NativeThread("diagnose") { [self] in
                defer { running.withLock { $0 -= 1 } }
                responder.respond(answer(name, target, candidates))
            }.detach()
        } catch {
            running.withLock { $0 -= 1 }
            responder.respond(.text(500, "\(error)\n"))
        }
    }

    private static let refusal = Response.text(
        403,
        "the target is gateway, or the name or target of a probe that the configuration has for this namespace: "
            + "nothing else is sent a packet from here\n")

    private func answer(_ name: String, _ target: String, _ candidates: [Probe]) -> Response {
        do {
            let engine = try PortableEngine(settings, ledger: ErrorLedger())
            _ = try engine.collect(Diagnosis.parts, until: .now().advanced(bySeconds: 10))
            guard let sample = engine.namespaces.first(where: { $0.name == name }) else {
                return .text(404, "there is no such network namespace\n")
            }
            let probe = candidates.first { $0.namespaces.matches(sample.identity) }
            guard probe != nil || target == "gateway" else { return Self.refusal }
            var request =
                try probe.map { try DiagnosisTarget.request($0) } ?? DiagnosisRequest(.gateway, text: "gateway")
            request.timeout = min(request.timeout, Self.patience)
            let report = try engine.diagnose(request, from: sample, paths: settings.paths)
            let written = report.blamedSysctls.flatMap { writes?.last($0).prefix(3) ?? [] }
            var response = Response.json(
                200,
                try DiagnosisListing(report, writes: written.map { WriteListing.Entry($0) }).json(pretty: false))
            response.headers.append((name: "Cache-Control", value: "no-store"))
            return response
        } catch { return .text(500, "the diagnosis failed: \(error)\n") }
    }
}
