internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// What every namespace's sysctls should be, and whether they are.
struct DriftCollector: Collector {
    let name: String? = CollectorName.drift.rawValue
    let parts: CollectionParts = .sysctls

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.sysctls }

    /// In the order of their names.
    private static let states = [ExpectationState.absent, .drifted, .matched, .unreadable]

    let emitters = [
        Emitter(
            "netns_sysctl_drift", .gauge, labels: ["netns", "sysctl", "rule", "source", "severity"],
            help:
                "1 when a sysctl is not what a rule says it should be, 0 when it is; none when it is absent or unreadable. "
                + "source: config, declared (the container's own OCI specification), host, fresh, baseline."
        ) { scene, writer in
            forEachAssertion(scene) { namespace, watch, index, state in
                guard state == .matched || state == .drifted else { return }
                writer.sample(
                    scene.labels, scene.namespaceLabels[namespace], watch.list.longLabel(at: index),
                    state == .drifted ? 1 : 0)
            }
        },
        // Typed as a gauge: an info family of OpenMetrics would be called netns_sysctl_drift, as the one above is.
        Emitter(
            "netns_sysctl_drift_info", .gauge, labels: ["netns", "sysctl", "rule", "expected", "actual"],
            help: "A sysctl that drifted: what it should be, and what it is."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            forEachAssertion(scene) { namespace, watch, index, state in
                guard state == .drifted else { return }
                labels.removeAll()
                labels.append(scene.labels, scene.namespaceLabels[namespace])
                watch.list.label(at: index).append(to: labels)
                labels.addLabel("expected", watch.expected(index, host: scene.drift?.host))
                labels.addLabel("actual", watch.actual(index, scene.namespaces[namespace].sysctls))
                writer.sample(labels, 0..<labels.count, UInt64(1))
            }
        },
        Emitter(
            "netns_sysctl_drift_start_timestamp_seconds", .gauge, unit: "seconds", labels: ["netns", "sysctl", "rule"],
            help: "When a drift that goes on was first seen, since the epoch."
        ) { scene, writer in
            forEachAssertion(scene) { namespace, watch, index, state in
                guard state == .drifted, let since = watch.since(index) else { return }
                writer.sample(
                    scene.labels, scene.namespaceLabels[namespace], watch.list.label(at: index),
                    milliseconds: UInt64(since * 1000))
            }
        },
        Emitter(
            "netns_sysctl_expectations", .gauge, labels: ["netns", "state"],
            help:
                "Expectations of a namespace by what became of them: matched, drifted, absent (there is no such sysctl), "
                + "unreadable."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 256)
            forEachWatch(scene) { namespace, watch in
                guard !watch.list.assertions.isEmpty else { return }
                for state in states {
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[namespace])
                    labels.addLabel("state", state.rawValue)
                    writer.sample(labels, 0..<labels.count, UInt64(watch.count(state)))
                }
            }
        },
        Emitter(
            "netns_sysctl_changes_total", .counter, labels: ["netns", "sysctl"],
            help:
                "Changes of a sysctl's value from one collection to the next, of those that something is asked of and those "
                + "that have changed."
        ) { scene, writer in
            forEachWatch(scene) { namespace, watch in
                let readings = scene.namespaces[namespace].sysctls
                guard let names = scene.sysctlLabels[ObjectIdentifier(readings.table)] else { return }
                for index in readings.readings.indices {
                    let changes = watch.history.changes(at: index)
                    guard changes > 0 || watch.list.isAsserted[index], case .value = readings.readings[index].state
                    else { continue }
                    writer.sample(scene.labels, scene.namespaceLabels[namespace], names[index], changes)
                }
            }
        },
        Emitter(
            "netns_sysctl_writable", .gauge, labels: ["netns"],
            help:
                "1 when /proc/sys is mounted writable in a namespace's container (/proc/PID/mountinfo), so that it could "
                + "change its own sysctls; 0 when it is read-only."
        ) { scene, writer in
            for (index, namespace) in scene.namespaces.enumerated() {
                guard let isWritable = namespace.isWritableInside else { continue }
                writer.sample(scene.labels, scene.namespaceLabels[index], UInt64(isWritable ? 1 : 0))
            }
        },
    ]

    private static func forEachWatch(_ scene: Scene, _ body: (Int, DriftWatch) -> Void) {
        guard let drift = scene.drift else { return }
        for (index, namespace) in scene.namespaces.enumerated() where namespace.hasSysctls {
            if let watch = drift[namespace] { body(index, watch) }
        }
    }

    private static func forEachAssertion(
        _ scene: Scene, _ body: (Int, DriftWatch, Int, ExpectationState) -> Void
    ) {
        forEachWatch(scene) { namespace, watch in
            for (index, state) in watch.states.enumerated() { if let state { body(namespace, watch, index, state) } }
        }
    }
}
