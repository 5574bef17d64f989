internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// `netns_path_ok`: a scrape reads nothing more for it.
private func writePaths(_ scene: Scene, _ writer: inout ExpositionWriter) {
    let labels = ByteBuffer(capacity: 256)
    var cursor = 0
    for (index, namespace) in scene.namespaces.enumerated() {
        let first = cursor
        while cursor < scene.probes.count, scene.probes[cursor].result.serial == namespace.serial { cursor += 1 }
        guard namespace.wasRead, namespace.hasLinks else { continue }
        let gateway = namespace.routes.defaults.first { $0.gateway != nil }?.gateway.map { "\($0)" }
        let tried = scene.probes[first..<cursor].first { probe in
            guard probe.result.kind == .icmp, let gateway, namespace.hasRoutes else { return false }
            return probe.result.target == gateway || probe.result.target.hasPrefix(gateway + "%")
        }
        let statistics = tried?.result.statistics
        let path = PathSummary(
            of: namespace, in: scene.linkedNamespaces, answered: statistics?.isSuccess, failure: statistics?.failure)
        for step in PathStep.allCases {
            guard let works = path[step] else { continue }
            labels.removeAll()
            labels.append(scene.labels, scene.namespaceLabels[index])
            labels.addLabel("step", step.rawValue)
            writer.sample(labels, 0..<labels.count, UInt64(works ? 1 : 0))
        }
    }
}

/// What probes from inside every namespace found, as the prober knows it: nothing is sent for a scrape.
struct ProbeCollector: Collector {
    let name: String? = CollectorName.probe.rawValue
    let parts = CollectorName.probe.parts
    let emitters: [Emitter]

    /// A scrape reads nothing for it.
    func part(of report: CollectionReport) -> CollectionReport.Part? { CollectionReport.Part() }

    private static let labels = ["netns", "probe", "target"]

    init(_ buckets: HistogramBuckets) {
        let bounds = HistogramBounds(buckets.bounds)
        emitters = [
            Emitter(
                "netns_path_ok", .gauge, labels: ["netns", "step"],
                help:
                    "1 when a step of the way to the default gateway works, 0 when it is what is broken, none when it is not known "
                    + "or follows from another: by what was read anyway and the last try of the gateway. netdrift diagnose looks closer."
            ) { scene, writer in writePaths(scene, &writer) },
            Emitter(
                "netns_probe_success", .gauge, labels: Self.labels,
                help:
                    "1 when the last try of a probe was answered in time, 0 when it failed. target: the address, for gateway, "
                    + "resolver, peer and host; that word while it leads nowhere; else as configured."
            ) { scene, writer in
                for probe in scene.probes {
                    guard let isSuccess = probe.result.statistics.isSuccess else { continue }
                    writer.sample(scene.labels, probe.label, UInt64(isSuccess ? 1 : 0))
                }
            },
            Emitter(
                "netns_probe_rtt_seconds", .histogram, unit: "seconds", labels: Self.labels + ["le"],
                help:
                    "Round trips: of an echo request and a DNS question by the kernel's stamp of the answer's arrival "
                    + "(SO_TIMESTAMPNS), of a TCP handshake by its own measure (tcpi_rtt)."
            ) { scene, writer in
                for probe in scene.probes {
                    let statistics = probe.result.statistics
                    writer.histogram(
                        scene.labels, probe.label, bounds, counts: statistics.counts, sum: statistics.sum)
                }
            },
            Self.counter("netns_probe_sent_total", "Echo requests, TCP connections and DNS questions that were sent.") {
                $0.sent
            },
            Self.counter("netns_probe_received_total", "Those that were answered in time.") { $0.received },
            Self.counter(
                "netns_probe_duplicates_total",
                "Echo replies that came again (within 20 ms), counted as received once.",
                of: .icmp
            ) { $0.duplicates },
            Self.counter(
                "netns_probe_late_total", "Echo replies that came after the timeout, as far as a later try saw them.",
                of: .icmp
            ) { $0.late },
            Emitter(
                "netns_probe_failures_total", .counter, labels: Self.labels + ["reason"],
                help:
                    "Tries that failed, by reason: timeout, refused (TCP reset, ICMP port unreachable), unreachable_host, "
                    + "unreachable_net, no_route, no_gateway, no_address, no_resolver, name_error (NXDOMAIN, SERVFAIL, no such "
                    + "record), name_timeout (no answer to a DNS question), permission, socket. Those that occurred."
            ) { scene, writer in
                let labels = ByteBuffer(capacity: 512)
                for probe in scene.probes {
                    for failure in ProbeFailure.allCases {
                        let count = probe.result.statistics.failures(failure)
                        guard count > 0 else { continue }
                        labels.removeAll()
                        labels.append(scene.labels, probe.label)
                        labels.addLabel("reason", failure.rawValue)
                        writer.sample(labels, 0..<labels.count, count)
                    }
                }
            },
            Emitter(
                "netns_probe_loss_ratio", .gauge, unit: "ratio", labels: Self.labels,
                help: "The part of the last \(ProbeStatistics.window) packets that was not answered, 0 to 1."
            ) { scene, writer in
                for probe in scene.probes {
                    guard let loss = probe.result.statistics.loss else { continue }
                    writer.sample(scene.labels, probe.label, loss)
                }
            },
            Emitter(
                "netns_probe_info", .info, labels: Self.labels + ["kind", "socket"],
                help:
                    "How it is tried: kind icmp, tcp or dns; by a raw ICMP socket, or a ping socket for want of the right to "
                    + "that (icmp(7)), or tcp, or udp."
            ) { scene, writer in
                let labels = ByteBuffer(capacity: 512)
                for probe in scene.probes {
                    labels.removeAll()
                    labels.append(scene.labels, probe.label)
                    labels.addLabel("kind", probe.result.kind.rawValue)
                    if let socket = probe.result.socket { labels.addLabel("socket", socket.rawValue) }
                    writer.sample(labels, 0..<labels.count, UInt64(1))
                }
            },
        ]
    }

    private static func counter(
        _ name: String, _ help: String, of kind: Probe.Kind? = nil, _ value: @escaping (ProbeStatistics) -> UInt64
    ) -> Emitter {
        Emitter(name, .counter, labels: labels, help: help) { scene, writer in
            for probe in scene.probes where kind == nil || probe.result.kind == kind {
                writer.sample(scene.labels, probe.label, value(probe.result.statistics))
            }
        }
    }
}
