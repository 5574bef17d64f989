internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The counters of IP, ICMP, TCP and UDP of every namespace.
struct NetstatCollector: Collector {
    let name: String? = CollectorName.netstat.rawValue
    let parts = CollectorName.netstat.parts
    let emitters: [Emitter]

    /// A collector of a selection, in whose order the engine's values are.
    init(_ selection: MIBSelection) {
        let positions = Dictionary(uniqueKeysWithValues: selection.fields.enumerated().map { ($1, $0) })
        emitters = MIBFamily.families(of: selection).map { family in
            Self.emitter(
                family, family.fields.compactMap { field in positions[field].map { ($0, field.group.version) } })
        }
    }

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.mib }

    private static func emitter(_ family: MIBFamily, _ sources: [(position: Int, version: IPFamily?)]) -> Emitter {
        let divisor = family.divisor
        let sources = sources.map { (position: $0.position, label: $0.version.map(Self.label)) }
        return Emitter(
            family.name, family.kind, unit: family.unit,
            labels: family.hasFamilyLabel ? ["netns", "family"] : ["netns"], help: family.help
        ) { scene, writer in
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasMIB {
                for source in sources {
                    guard let value = namespace.mib[source.position] else { continue }
                    if let label = source.label {
                        writer.sample(scene.labels, scene.namespaceLabels[index], label, value)
                    } else if divisor == 1000 {
                        writer.sample(scene.labels, scene.namespaceLabels[index], milliseconds: value)
                    } else {
                        writer.sample(scene.labels, scene.namespaceLabels[index], value)
                    }
                }
            }
        }
    }

    private static func label(_ version: IPFamily) -> LabelFragment {
        let buffer = ByteBuffer(capacity: 64)
        buffer.addLabel("family", version.name)
        return LabelFragment(buffer, 0..<buffer.count)
    }
}
