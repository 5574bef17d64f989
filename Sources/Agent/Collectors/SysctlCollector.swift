internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The sysctls of every namespace.
struct SysctlCollector: Collector {
    let name: String? = CollectorName.sysctl.rawValue
    let parts: CollectionParts = .sysctls

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.sysctls }

    let emitters = [
        Emitter(
            "netns_sysctl_value", .gauge, labels: ["netns", "sysctl", "index"],
            help: "A sysctl of /proc/sys/net that is a number, or one of several numbers (index, from 0)."
        ) { scene, writer in
            Self.forEachNamespace(scene) { readings, labels, label in
                for index in readings.readings.indices {
                    switch readings.readings[index].state {
                    case .value(.number):
                        readings.withValue(at: index) {
                            writer.sample(scene.labels, label, labels[index], text: $0)
                        }
                    case .value(.tuple):
                        readings.withValue(at: index) { value in
                            SysctlForm.forEachElement(of: value) { position, element in
                                writer.sample(
                                    scene.labels, label, labels[index], index: position, text: element)
                            }
                        }
                    default: continue
                    }
                }
            }
        },
        Emitter(
            "netns_sysctl_info", .info, labels: ["netns", "sysctl", "value"],
            help: "A sysctl of /proc/sys/net that is text: its value is in the label."
        ) { scene, writer in
            Self.forEachNamespace(scene) { readings, labels, label in
                for index in readings.readings.indices {
                    guard case .value(.text) = readings.readings[index].state else { continue }
                    readings.withValue(at: index) {
                        writer.infoSample(scene.labels, label, labels[index], value: $0)
                    }
                }
            }
        },
    ]

    private static func forEachNamespace(
        _ scene: Scene, _ body: (SysctlReadings, SysctlLabels, Range<Int>) -> Void
    ) {
        for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasSysctls {
            guard let labels = scene.sysctlLabels[ObjectIdentifier(namespace.sysctls.table)] else { continue }
            body(namespace.sysctls, labels, scene.namespaceLabels[index])
        }
    }
}
