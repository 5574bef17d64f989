internal import Exposition
internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// How many sockets every namespace has, by protocol.
struct SockstatCollector: Collector {
    let name: String? = CollectorName.sockstat.rawValue
    let parts = CollectorName.sockstat.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.sockets }

    let emitters = [
        Emitter(
            "netns_sockets_in_use", .gauge, labels: ["netns", "protocol", "family"],
            help: "Sockets of a protocol that are in use (TCP, UDP, UDPLITE, RAW inuse, and the same with a 6)."
        ) { scene, writer in
            let inUse: [8 of (SocketStatistic, StaticString, IPFamily)] = [
                (.tcpInUse, "tcp", .ipv4), (.udpInUse, "udp", .ipv4), (.udpLiteInUse, "udplite", .ipv4),
                (.rawInUse, "raw", .ipv4), (.tcp6InUse, "tcp", .ipv6), (.udp6InUse, "udp", .ipv6),
                (.udpLite6InUse, "udplite", .ipv6), (.raw6InUse, "raw", .ipv6),
            ]
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasSockets {
                for position in inUse.indices {
                    let (statistic, name, family) = inUse[position]
                    guard let value = namespace.sockets[statistic] else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[index])
                    labels.addLabel("protocol", name)
                    labels.addLabel("family", family.name)
                    writer.sample(labels, 0..<labels.count, value)
                }
            }
        },
        number("netns_sockets_used", .used, help: "Sockets of all kinds (sockets: used)."),
        number("netns_tcp_time_wait_sockets", .tcpTimeWait, help: "TCP sockets in time-wait (TCP: tw)."),
        versions(
            "netns_ip_fragment_queues", .fragmentQueues, .fragment6Queues,
            help: "Packets that wait for the rest of their fragments (FRAG inuse, FRAG6 inuse)."),
        versions(
            "netns_ip_fragment_memory_bytes", unit: "bytes", .fragmentMemory, .fragment6Memory,
            help: "Memory of fragments that wait for the rest (FRAG memory, FRAG6 memory)."),
        number(
            "netns_tcp_orphan_sockets", .tcpOrphans, inHostAlone: true,
            help: "TCP sockets of the whole host that no process has open any more (TCP: orphan)."),
        number(
            "netns_tcp_allocated_sockets", .tcpAllocated, inHostAlone: true,
            help: "TCP sockets of the whole host that take memory, in any state (TCP: alloc)."),
        number(
            "netns_tcp_memory_bytes", .tcpMemory, inHostAlone: true, factor: pageSize,
            help: "Memory of the buffers of all TCP sockets of the whole host (TCP: mem)."),
        number(
            "netns_udp_memory_bytes", .udpMemory, inHostAlone: true, factor: pageSize,
            help: "Memory of the buffers of all UDP sockets of the whole host (UDP: mem)."),
    ]

    /// The kernel counts buffers in pages.
    private static let pageSize = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 1))

    /// A number; with `inHostAlone` one of the kernel's for all namespaces together, which is the same in each.
    private static func number(
        _ name: String, _ statistic: SocketStatistic, inHostAlone: Bool = false, factor: UInt64 = 1, help: String
    ) -> Emitter {
        Emitter(name, .gauge, unit: name.hasSuffix("_bytes") ? "bytes" : nil, labels: ["netns"], help: help) {
            scene, writer in
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasSockets {
                if inHostAlone, !namespace.isHost { continue }
                if let value = namespace.sockets[statistic] {
                    writer.sample(scene.labels, scene.namespaceLabels[index], value &* factor)
                }
            }
        }
    }

    /// A number of each version of IP.
    private static func versions(
        _ name: String, unit: String? = nil, _ ipv4: SocketStatistic, _ ipv6: SocketStatistic, help: String
    ) -> Emitter {
        Emitter(name, .gauge, unit: unit, labels: ["netns", "family"], help: help) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasSockets {
                for family in IPFamily.allCases {
                    guard let value = namespace.sockets[family == .ipv4 ? ipv4 : ipv6] else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[index])
                    labels.addLabel("family", family.name)
                    writer.sample(labels, 0..<labels.count, value)
                }
            }
        }
    }
}
