internal import ArgumentParser
internal import Exposition
internal import Glibc
internal import Logging
internal import NetnsCore
internal import NetnsSystem
internal import Synchronization
internal import Web

/// `netdrift serve`: the agent.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the agent (the default).")

    @OptionGroup(title: "Configuration") var configuration: ConfigurationOptions
    @OptionGroup(title: "Web") var web: WebOptions
    @OptionGroup(title: "Discovery") var discovery: DiscoveryOptions
    @OptionGroup(title: "Collectors") var collectors: CollectorOptions
    @OptionGroup(title: "Paths") var paths: PathOptions
    @OptionGroup(title: "Engine") var engine: EngineOptions
    @OptionGroup(title: "Rights") var rights: RightsOptions
    @OptionGroup(title: "Log") var log: LogOptions

    func run() throws {
        let logger = log.logger
        // Blocked before any thread starts, so that none but this one gets them.
        let signals = SignalWait([SIGTERM, SIGINT, SIGHUP])
        let start = WallClock.now()
        let manager = serviceManager(logger)

        var settings = EngineSettings()
        settings.paths = paths.paths
        settings.containers = paths.containers
        settings.threads = collectors.threadCount
        settings.readsHostVeths = collectors.hostVeths
        settings.sweepInterval = collectors.writes.sweep.seconds
        discovery.apply(to: &settings)
        collectors.network.apply(to: &settings)
        try collectors.statistics.apply(to: &settings)
        let isProbing = collectors.enabled.contains(.probe)
        let (budget, limit) = DescriptorBudget.raisingLimit(probes: isProbing)
        settings.descriptors = budget
        let flags = settings
        let selection = try collectors.sysctls()
        let file = configuration.file
        let setup = try Self.load { try Setup(flags: flags, selection: selection, file: file) }
        for secret in setup.engine.sysctls.refusedSecrets {
            logger.warning("a key is never read", metadata: ["sysctl": "\(secret)"])
        }

        for note in setup.notes { logger.warning("\(note)") }

        do { try PortableEngine.check(settings) } catch { throw Failure("\(error)") }
        let webFile = try web.configFile.map { path in
            try Self.load(flag: "--web.config.file") { try WebSecurityFile(path, logger) }
        }
        if webFile?.holdsSecrets == true, !Privileges.hideMemory() {
            logger.warning("the memory of this process, with its keys, can be dumped", metadata: ["reason": "prctl(2)"])
        }
        let listeners = try listen()
        // Loaded before rights are given up: to run what is loaded takes fewer.
        let loaded = try engine.load()
        loaded.log(logger)
        let watched = collectors.writes.writes ? LoadedWatch.load(loaded, paths) : .none
        watched.log(logger)
        let writes = Self.writes(watched, history: collectors.writes.history, logger)
        // Ports and files are open: nothing that comes needs more, and no other thread has begun.
        reduceRights(loaded, logger)
        let status = ReloadStatus(loadedAt: start)
        let scraper = Scraper(logger: logger, minimumInterval: collectors.minimumInterval.seconds)
        let diagnose = DiagnoseRoute(setup.engine, probes: setup.probes, writes: writes.monitor)
        let reloader = Reloader(hasFile: file != nil, status: status, logger: logger) {
            try Setup(flags: flags, selection: selection, file: file)
        } apply: {
            scraper.reconfigure($0)
            diagnose.reconfigure($0)
        }
        let failure = Mutex<(any Error)?>(nil)
        let server = try Server(
            listeners: listeners, routes: try routes(scraper, reloader, diagnose, writes, started: start),
            limits: Limits(requestSeconds: 10), security: { webFile?.current() ?? WebSecurity() },
            log: { logger.debug("http", metadata: ["error": "\($0)"]) }
        )
        try server.start()
        logger.info(
            "netdrift is running",
            metadata: [
                "version": "\(Version.number)", "address": "\(server.boundAddresses.joined(separator: ", "))",
                "path": "\(web.telemetryPath)", "threads": "\(settings.threads)", "max_fds": "\(limit)",
                "engine": "\(loaded.name)",
            ])
        Self.reportRights(loaded, probing: isProbing, logger)

        let options = collectors
        let pid = getpid()
        let ledger = ErrorLedger()
        let prober = isProbing ? try Prober(buckets: collectors.probes.buckets.buckets) : nil
        try prober?.start(
            setup.probes, paths: settings.paths, maximumTries: budget.probes, ledger: ledger)
        try scraper.start {
            try Self.makeExposer(
                setup, options,
                AgentState(
                    ledger: ledger, startTime: start, reload: status, engine: loaded,
                    web: { WebReport(counts: server.securityCounts, status: webFile?.status) }),
                prober, writes, watched.watch, logger)
        } failed: { error in
            failure.withLock { $0 = error }
            kill(pid, SIGTERM)
        }

        if let watch = watched.watch, let monitor = writes.monitor {
            monitor.listen { scraper.refresh($0) }
            try watch.start(paths: settings.paths, ledger: ledger) { monitor.take($0) }
        }
        let service = ServiceReporter(
            manager, scraper: scraper, reload: status, addresses: server.boundAddresses, logger: logger)
        service.ready()
        wait(for: signals, reloader, service, logger, webFile)
        let error = failure.withLock { $0 }
        scraper.finish()
        prober?.stop()
        watched.watch?.stop()
        server.stop(grace: .milliseconds(700))
        if let error { throw Failure("netdrift cannot run: \(error)") }
        logger.info("netdrift has stopped")
    }

    /// Who started us and wants to know how it goes; a manager that cannot be told is no reason not to run.
    private func serviceManager(_ logger: Logger) -> ServiceManager? {
        do { return try ServiceManager.current() } catch {
            logger.warning("the service manager is not told", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// What is heard of writes, for those who tell of it.
    private static func writes(_ watched: LoadedWatch, history: Int, _ logger: Logger) -> SceneWrites {
        SceneWrites(
            monitor: watched.watch.map { watch in
                WriteMonitor(capacity: history, logger: logger) { watch.counts }
            }, reason: watched.reason)
    }

    private func listen() throws -> [ListenSocket] {
        do {
            if web.systemdSocket { return try InheritedSockets.take() }
            return try web.listenAddresses.map { try ListenSocket(ListenAddress(parsing: $0)) }
        } catch { throw Failure("\(error)") }
    }

    /// Gives up every right that no collector needs.
    private func reduceRights(_ engine: LoadedEngine, _ logger: Logger) {
        guard rights.drop else { return }
        let report = Privileges.reduce(
            to: Capability.portable.union(engine.programs.map { _ in KernelPrograms.neededToRun } ?? []),
            runsPrograms: engine.programs != nil)
        logger.info(
            "rights were given up",
            metadata: [
                "kept": "\(report.kept.isEmpty ? "none" : report.kept.joined(separator: " "))",
                "seccomp": "\(report.isFiltered)",
            ])
        for failure in report.failures {
            logger.warning("a right could not be given up", metadata: ["reason": "\(failure)"])
        }
    }

    /// What a mistake in a file ends the program with: every one of them, and status 2.
    static func load<T>(flag: String = "--config.file", _ body: () throws -> T) throws -> T {
        do { return try body() } catch {
            Output.write("netdrift: \(flag):\n\(error)\n", to: 2)
            throw ExitCode(2)
        }
    }

    private func routes(
        _ scraper: Scraper, _ reloader: Reloader, _ diagnose: DiagnoseRoute, _ writes: SceneWrites, started: Double
    ) throws -> [Route] {
        let metrics = MetricsRoute(
            scraper: scraper, enabled: collectors.enabled, maximumRequests: web.maximumRequests)
        let lifecycle = web.enableLifecycle
        let api = APIRoutes.all(
            scraper, diagnose, tellsDrift: collectors.enabled.contains(.drift),
            probes: collectors.enabled.contains(.probe), writes: writes)
        let about = try About(
            version: Version.number, started: started, metrics: web.telemetryPath,
            endpoints: api.filter(\.isAnswered).map(\.route.path).sorted()
        ).json()
        let body = Body(copying: about)
        return [
            Route("/-/reload", methods: ["POST"]) { _, responder in
                if lifecycle { return reloader.request(responder) }
                responder.respond(.text(403, "--web.enable-lifecycle allows this\n"))
            },
            Route("/-/healthy") { _, responder in responder.respond(.text(200, "netdrift is healthy\n")) },
            Route("/-/ready") { _, responder in
                responder.respond(
                    scraper.isReady ? .text(200, "netdrift is ready\n") : .text(503, "netdrift is starting\n"))
            },
            Route("/api/v1/about") { _, responder in
                responder.respond(Response(status: 200, headers: APIRoutes.headers, body: body))
            },
            Route(web.telemetryPath) { request, responder in metrics.handle(request, responder) },
            try frontPage(),
        ] + api.map(\.route)
    }

    /// `/`: the live page, or links alone.
    private func frontPage() throws -> Route {
        if web.disablePage {
            let page = LandingPage.html(telemetryPath: web.telemetryPath)
            return Route("/") { _, responder in responder.respond(.html(200, page)) }
        }
        let page = try LivePage()
        return Route("/") { request, responder in responder.respond(page.response(to: request)) }
    }

    private static func makeExposer(
        _ setup: Setup, _ options: CollectorOptions, _ state: AgentState, _ prober: Prober?, _ writes: SceneWrites,
        _ watch: WriteWatch?, _ logger: Logger
    ) throws -> Exposer {
        let engine = try PortableEngine(
            setup.engine, ledger: state.ledger, programs: state.engine.programs, written: watch?.written)
        let scene = Scene(
            filter: try options.filter(), includesHostVeths: options.hostVeths, maximumDevices: options.maximumDevices,
            maximumAddresses: options.network.maximumAddresses)
        return try Exposer(
            engine: engine, scene: scene, state: state, collectors: options.enabled, mib: setup.engine.mib,
            drift: DriftMonitor(setup.drift, setup.references, logger: logger) { sysctl, namespace in
                writes.monitor?.last(sysctl, in: namespace.cookie)
            }, prober: prober,
            fresh: FreshSysctls { [procfs = setup.engine.paths.procfs] in try SysctlSurvey.fresh(procfs: procfs) },
            writes: writes, watch: watch)
    }

    private static func reportRights(_ engine: LoadedEngine, probing: Bool, _ logger: Logger) {
        let missing = Capability.missing(probing: probing)
        guard !missing.isEmpty else { return }
        let names = missing.map(\.name)
        if engine.programs != nil, missing.contains(.sysAdmin) {
            logger.warning(
                "running without all rights: of other namespaces, their sysctls, links and processes alone are read",
                metadata: [
                    "missing": "\(names.joined(separator: " "))",
                    "unseen":
                        "counters, addresses and routes of other namespaces; nothing is probed from them; what other users' containers declared, and mounts in their mount namespaces",
                    "remedy": "run as root, or in the systemd unit AmbientCapabilities=\(names.joined(separator: " "))",
                ])
            return
        }
        logger.warning(
            "running without all rights: some namespaces are not seen",
            metadata: [
                "missing": "\(names.joined(separator: " "))",
                "unseen": "\(missing.map(\.purpose).joined(separator: "; "))",
                "remedy": "run as root, or in the systemd unit AmbientCapabilities=\(names.joined(separator: " "))",
            ])
    }

    private func wait(
        for signals: SignalWait, _ reloader: Reloader, _ service: ServiceReporter, _ logger: Logger,
        _ webFile: WebSecurityFile?
    ) {
        while true {
            guard let signal = signals.next(within: service.interval) else {
                service.prove()
                continue
            }
            if signal == SIGHUP {
                service.reloading()
                reloader.reload()
                _ = webFile?.current()
                service.ready()
                continue
            }
            logger.info("stopping", metadata: ["signal": "\(signal == SIGINT ? "SIGINT" : "SIGTERM")"])
            service.stopping()
            // A second one does not wait for the scrapes under way.
            signals.restoreDefaults()
            return
        }
    }
}
