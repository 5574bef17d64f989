internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// What each CPU of the host did with the packets that came in: of all namespaces, so it is `host` that has it.
struct SoftnetCollector: Collector {
    let name: String? = CollectorName.softnet.rawValue
    let parts = CollectorName.softnet.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.softnet }

    let emitters = [
        emitter("processed_total", .counter, .processed, help: "Packets processed (softnet_data processed)."),
        emitter(
            "dropped_total", .counter, .dropped,
            help: "Packets dropped since the backlog was full (softnet_data dropped)."),
        emitter(
            "times_squeezed_total", .counter, .timeSqueezed,
            help: "Times work was left when the budget or the time was spent (softnet_data time_squeeze)."),
        emitter(
            "received_rps_total", .counter, .receivedRPS,
            help: "Times another CPU woke this one for packets (softnet_data received_rps)."),
        emitter(
            "flow_limited_total", .counter, .flowLimited,
            help: "Packets dropped since their flow took too much of the backlog (sd_flow_limit count)."),
        emitter("backlog_packets", .gauge, .backlog, help: "Packets in the backlog (softnet_data input_pkt_queue)."),
    ]

    private static func emitter(
        _ name: String, _ kind: MetricKind, _ column: SoftnetStatistics.Column, help: String
    ) -> Emitter {
        Emitter("netns_softnet_\(name)", kind, labels: ["netns", "cpu"], help: help) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasSoftnet {
                for cpu in namespace.softnet {
                    guard let value = cpu[column] else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[index])
                    labels.addLabel("cpu", UInt64(cpu.cpu))
                    writer.sample(labels, 0..<labels.count, value)
                }
            }
        }
    }
}
