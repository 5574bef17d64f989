internal import Exposition
internal import NetnsSystem
internal import Web

/// What the agent says of itself: always exported.
struct AgentCollector: Collector {
    let name: String? = nil
    let parts: CollectionParts = []
    let emitters: [Emitter]

    init(_ state: AgentState) {
        emitters =
            Self.agent(state) + Self.collection(state) + Self.deepScan + Self.collectors + Self.prober
            + [Self.errors(state)] + Self.web(state)
    }

    private static func gauge(
        _ name: String, unit: String? = nil, help: String, _ value: @escaping (Scene) -> Double?
    ) -> Emitter {
        Emitter(name, .gauge, unit: unit, help: help) { scene, writer in
            if let value = value(scene) { writer.sample(value) }
        }
    }

    private static func agent(_ state: AgentState) -> [Emitter] {
        [
            Emitter("netdrift_build_info", .info, labels: ["version"], help: "The version of this agent.") {
                _, writer in
                let labels = ByteBuffer(capacity: 64)
                labels.openLabels("version", Version.number.utf8Span.span)
                writer.sample(labels, 0..<labels.count, UInt64(1))
            },
            Emitter(
                "netdrift_engine_info", .info, labels: ["engine", "reason"],
                help:
                    "How the kernel is asked: bpf, by programs that walk its own lists, or portable, by /proc and setns; and why it "
                    + "is not bpf (docs/engine.md)."
            ) { _, writer in
                let labels = ByteBuffer(capacity: 64)
                labels.openLabels("engine", state.engine.name.utf8Span.span)
                labels.addLabel("reason", state.engine.reason)
                writer.sample(labels, 0..<labels.count, UInt64(1))
            },
            gauge(
                "netdrift_config_last_reload_successful",
                help: "1 when the configuration (the embedded defaults, without a file) was loaded at the last attempt."
            ) { _ in state.reload.isSuccess ? 1 : 0 },
            gauge(
                "netdrift_config_last_reload_success_timestamp_seconds", unit: "seconds",
                help: "When the configuration was last loaded, since the epoch."
            ) { _ in state.reload.time },
        ]
    }

    private static var prober: [Emitter] {
        [
            gauge(
                "netdrift_probe_targets",
                help: "Targets that are probed, each counted in every namespace from which it is."
            ) { $0.prober.map { Double($0.targets) } },
            Emitter(
                "netdrift_probe_held_back_total", .counter,
                help:
                    "Tries that were left out, since the host's neighbour table (ARP, NDP) is filled to 7/8 of "
                    + "net.ipv[46].neigh.default.gc_thresh3 and the target is not in it: filling it would cut off everybody."
            ) { scene, writer in if let prober = scene.prober { writer.sample(Double(prober.heldBack)) } },
            Emitter(
                "netdrift_probe_overruns_total", .counter,
                help:
                    "Tries that were left out, since as many as there may be were under way or the host was too busy to begin them "
                    + "within their interval."
            ) { scene, writer in if let prober = scene.prober { writer.sample(Double(prober.overruns)) } },
            Emitter(
                "netdrift_probe_strays_total", .counter,
                help: "Packets that reached a probe and were no answer to it: malformed, forged, or another's."
            ) { scene, writer in if let prober = scene.prober { writer.sample(Double(prober.strays)) } },
        ]
    }

    private static func collection(_ state: AgentState) -> [Emitter] {
        [
            Emitter(
                "netdrift_collections_total", .counter,
                help: "Collections begun; scrapes that arrive together share one."
            ) { _, writer in writer.sample(Double(state.collections)) },
            gauge(
                "netdrift_discovery_duration_seconds", unit: "seconds",
                help: "Time this collection took to find the namespaces."
            ) { $0.report.discoverySeconds },
            Emitter(
                "netdrift_namespaces_left_out", .gauge, labels: ["reason"],
                help:
                    "Namespaces found and not read in this collection: deadline, the scrape's timeout was near; limit, more than "
                    + "--discovery.max-namespaces; unreachable, they could not be entered."
            ) { scene, writer in
                let report = scene.report
                let labels = ByteBuffer(capacity: 64)
                for (reason, count) in [
                    ("deadline", report.leftOutByDeadline), ("limit", report.leftOutByLimit),
                    ("unreachable", report.unreachable),
                ] {
                    labels.removeAll()
                    labels.openLabels("reason", reason.utf8Span.span)
                    writer.sample(labels, 0..<labels.count, UInt64(count))
                }
            },
            gauge(
                "netdrift_devices_left_out",
                help:
                    "Network devices not reported, being more than --collector.interface.max-devices in their namespace."
            ) { Double($0.devicesLeftOut) },
            gauge(
                "netdrift_addresses_left_out",
                help: "Addresses not reported, being more than --collector.address.max-addresses in their namespace."
            ) { Double($0.addressesLeftOut) },
            gauge(
                "netdrift_stuck_threads",
                help:
                    "Collecting threads that did not come back from the kernel and were given up; their namespaces are not read."
            ) { Double($0.report.stuckThreads) },
            gauge(
                "netdrift_processes_denied", help: "Processes whose namespace this agent may not see (CAP_SYS_PTRACE)."
            ) { Double($0.report.deniedProcesses) },
            gauge(
                "netdrift_kept_descriptors",
                help:
                    "Open files and directories of /proc/sys/net that are kept to be read again; they hold no namespace."
            ) { Double($0.report.keptDescriptors) },
        ]
    }

    private static var deepScan: [Emitter] {
        [
            gauge(
                "netdrift_deep_scan_duration_seconds", unit: "seconds",
                help: "Time the last scan for namespaces held by descriptors, sockets, threads and foreign mounts took."
            ) { $0.report.deepScan?.duration },
            gauge(
                "netdrift_deep_scan_timestamp_seconds", unit: "seconds",
                help: "When the last deep scan ended, since the epoch."
            ) { $0.report.deepScan.flatMap { $0.finished > 0 ? $0.finished : nil } },
            gauge(
                "netdrift_deep_scan_processes_denied",
                help: "Processes whose descriptors the last deep scan could not look at."
            ) { ($0.report.deepScan?.denied).map(Double.init) },
            gauge(
                "netdrift_deep_scan_sockets_denied",
                help: "Sockets whose namespace the last deep scan could not learn (SIOCGSKNS, CAP_NET_ADMIN)."
            ) { ($0.report.deepScan?.socketsDenied).map(Double.init) },
        ]
    }

    private static var collectors: [Emitter] {
        [
            Emitter(
                "netdrift_scrape_collector_duration_seconds", .gauge, unit: "seconds", labels: ["collector"],
                help: "Time a collector spent reading, summed over the threads."
            ) { scene, writer in
                for (label, part) in scene.collectors { writer.sample(label.span, part.seconds) }
            },
            Emitter(
                "netdrift_scrape_collector_success", .gauge, labels: ["collector"],
                help: "1 when a collector could read at least one namespace, 0 when it failed in all."
            ) { scene, writer in
                for (label, part) in scene.collectors { writer.sample(label.span, part.succeeded ? 1 : UInt64(0)) }
            },
        ]
    }

    private static func web(_ state: AgentState) -> [Emitter] {
        [
            gauge(
                "netdrift_web_config_last_reload_successful",
                help:
                    "1 when the file of --web.config.file, with the certificates and keys it names, is in use as it is now."
            ) { _ in state.web?().status.map { $0.isRight ? 1 : 0 } },
            gauge(
                "netdrift_web_config_last_reload_success_timestamp_seconds", unit: "seconds",
                help: "When the file of --web.config.file was last taken up, since the epoch."
            ) { _ in state.web?().status?.loaded },
            gauge(
                "netdrift_web_certificate_not_after_timestamp_seconds", unit: "seconds",
                help: "When the certificate that is served with expires, since the epoch."
            ) { _ in (state.web?().status?.certificateEnd).map(Double.init) },
            Emitter(
                "netdrift_web_requests_refused_total", .counter, labels: ["reason"],
                help:
                    "Requests that --web.config.file keeps out: no_credentials; failed_login, a wrong user or password; "
                    + "throttled, too many of those from one address; client_certificate; config, the file is broken; "
                    + "rate_limit, more than it allows."
            ) { _, writer in
                guard let web = state.web?(), web.status != nil else { return }
                let labels = ByteBuffer(capacity: 64)
                for (reason, count) in [
                    ("client_certificate", web.counts.refusedCertificates), ("config", web.counts.broken),
                    ("failed_login", web.counts.failedLogins), ("no_credentials", web.counts.withoutCredentials),
                    ("rate_limit", web.counts.rateLimited), ("throttled", web.counts.throttled),
                ] {
                    labels.removeAll()
                    labels.openLabels("reason", reason.utf8Span.span)
                    writer.sample(labels, 0..<labels.count, count)
                }
            },
        ]
    }

    private static func errors(_ state: AgentState) -> Emitter {
        Emitter(
            "netdrift_namespace_errors_total", .counter, labels: ["operation", "reason"],
            help:
                "Failures in namespaces, by what was tried and the kernel's answer; each costs that namespace its samples of "
                + "that kind."
        ) { _, writer in
            let labels = ByteBuffer(capacity: 128)
            for (key, count) in state.ledger.entries {
                labels.removeAll()
                labels.openLabels("operation", key.operation.utf8Span.span)
                labels.addLabel("reason", key.reason)
                writer.sample(labels, 0..<labels.count, count)
            }
        }
    }
}

/// What the web server says of itself.
struct WebReport: Sendable {
    var counts = SecurityCounts()
    /// Nil without a `--web.config.file`.
    var status: WebSecurityFile.Status?
}

/// What the agent knows of itself.
///
/// Concurrency: belongs to the thread that collects, but for the ledger, which any thread may count in.
final class AgentState {
    let ledger: ErrorLedger
    let startTime: Double
    let reload: ReloadStatus
    var collections: UInt64 = 0
    /// What the web server says of itself, when it is asked.
    let web: (@Sendable () -> WebReport)?

    /// The engine that runs, and why.
    let engine: LoadedEngine

    /// What is known at the start.
    init(
        ledger: ErrorLedger, startTime: Double, reload: ReloadStatus? = nil, engine: LoadedEngine = .portable,
        web: (@Sendable () -> WebReport)? = nil
    ) {
        self.engine = engine
        self.web = web
        self.reload = reload ?? ReloadStatus(loadedAt: startTime)
        self.ledger = ledger
        self.startTime = startTime
    }
}
