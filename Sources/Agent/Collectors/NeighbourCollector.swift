internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// How many neighbours every namespace has, by state: never a series a neighbour.
struct NeighbourCollector: Collector {
    let name: String? = CollectorName.neighbour.rawValue
    let parts = CollectorName.neighbour.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.neighbours }

    let emitters = [
        Emitter(
            "netns_neighbours", .gauge, labels: ["netns", "state"],
            help: "Entries of the neighbour table (RTM_GETNEIGH: ARP and NDP) by their state (ndm_state)."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasNeighbours {
                for state in NeighbourState.allCases {
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[index])
                    labels.addLabel("state", state.name)
                    writer.sample(labels, 0..<labels.count, UInt64(namespace.neighbours[state]))
                }
            }
        }
    ]
}
