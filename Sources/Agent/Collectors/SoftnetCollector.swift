internal import Exposition
internal import NetnsCore

/// What each CPU of the host did with the packets that came in: of all namespaces, so it is `host` that has it.
struct SoftnetCollector: FileCollector {
    static let summary = "What each CPU did with the packets that came in, in host (/proc/net/softnet_stat)."
    static let isOnByDefault = true
    static let source = FileSource("softnet", files: ["softnet_stat"], inHostAlone: true, into: Reading())

    /// The CPUs that are online.
    struct Reading: FileReading {
        private(set) var cpus: [SoftnetStatistics] = []

        mutating func begin() { cpus.removeAll(keepingCapacity: true) }
        mutating func read(_ text: borrowing RawSpan, of file: String) { SoftnetStatistics.read(text, into: &cpus) }
    }

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
            forEachNamespace(scene) { reading, label in
                for cpu in reading.cpus {
                    guard let value = cpu[column] else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, label)
                    labels.addLabel("cpu", UInt64(cpu.cpu))
                    writer.sample(labels, 0..<labels.count, value)
                }
            }
        }
    }
}
