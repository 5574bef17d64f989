internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// How many TCP sockets every namespace has in each state.
struct TCPCollector: Collector {
    let name: String? = CollectorName.tcp.rawValue
    let parts = CollectorName.tcp.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.tcpStates }

    let emitters = [
        Emitter(
            "netns_tcp_connections", .gauge, labels: ["netns", "family", "state"],
            help: "TCP sockets by state (inet_diag idiag_state); those of IPv6 that talk IPv4 are of IPv6."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasTCPStates {
                for family in IPFamily.allCases {
                    for state in TCPState.allCases {
                        labels.removeAll()
                        labels.append(scene.labels, scene.namespaceLabels[index])
                        labels.addLabel("family", family.name)
                        labels.addLabel("state", state.name)
                        writer.sample(labels, 0..<labels.count, UInt64(namespace.tcpStates[family, state]))
                    }
                }
            }
        }
    ]
}
