internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The queueing disciplines of the interfaces that are reported.
struct QdiscCollector: Collector {
    let name: String? = CollectorName.qdisc.rawValue
    let parts = CollectorName.qdisc.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.qdiscs }

    let emitters = [
        emitter("netns_qdisc_sent_bytes_total", .counter, unit: "bytes", help: "Bytes sent (gnet_stats_basic bytes).") {
            $0.bytes
        },
        emitter("netns_qdisc_sent_packets_total", .counter, help: "Packets sent (gnet_stats_basic packets).") {
            $0.packets
        },
        emitter("netns_qdisc_drops_total", .counter, help: "Packets dropped (gnet_stats_queue drops).") { $0.drops },
        emitter(
            "netns_qdisc_overlimits_total", .counter, help: "Times over the limits (gnet_stats_queue overlimits)."
        ) { $0.overlimits },
        emitter("netns_qdisc_requeues_total", .counter, help: "Packets queued again (gnet_stats_queue requeues).") {
            $0.requeues
        },
        emitter(
            "netns_qdisc_backlog_bytes", .gauge, unit: "bytes",
            help: "Bytes in the queue (gnet_stats_queue backlog)."
        ) { $0.backlog },
        emitter("netns_qdisc_backlog_packets", .gauge, help: "Packets in the queue (gnet_stats_queue qlen).") {
            $0.queued
        },
    ]

    private static func emitter(
        _ name: String, _ kind: MetricKind, unit: String? = nil, help: String, _ value: @escaping (Qdisc) -> UInt64?
    ) -> Emitter {
        Emitter(
            name, kind, unit: unit, labels: ["netns", "device", "kind", "handle", "parent"],
            help: "Queueing discipline: " + help
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasQdiscs {
                var near = scene.deviceRanges[index].lowerBound
                for qdisc in namespace.qdiscs {
                    guard let value = value(qdisc),
                        let device = scene.device(withIndex: qdisc.link, in: index, near: near)
                    else { continue }
                    near = device
                    labels.removeAll()
                    labels.append(scene.labels, scene.devices[device].label)
                    qdisc.kind.withSpan { labels.addLabel("kind", $0) }
                    labels.addHandle("handle", qdisc.handle)
                    labels.addHandle("parent", qdisc.parent)
                    writer.sample(labels, 0..<labels.count, value)
                }
            }
        }
    }
}

extension ByteBuffer {
    /// A handle as tc(8) writes it: `root`, `ingress`, or the two numbers in hexadecimal, without the second when it is 0.
    fileprivate func addHandle(_ name: StaticString, _ handle: UInt32) {
        switch handle {
        case Qdisc.root: addLabel(name, "root" as StaticString)
        case Qdisc.ingress: addLabel(name, "ingress" as StaticString)
        default:
            append(UInt8(ascii: ","))
            append(name)
            append("=\"" as StaticString)
            append(String(handle >> 16, radix: 16))
            append(UInt8(ascii: ":"))
            if handle & 0xFFFF != 0 { append(String(handle & 0xFFFF, radix: 16)) }
            append(UInt8(ascii: "\""))
        }
    }
}
