internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// Who writes sysctls.
struct WriteCollector: Collector {
    let name: String? = CollectorName.writes.rawValue
    let parts: CollectionParts = []

    let emitters = [
        Emitter(
            "netns_sysctl_writes_total", .counter, labels: labels,
            help:
                "Writes of a sysctl of the namespace since the agent started, refused ones too; from: inside, by the container that the "
                + "namespace belongs to; host, by a process of the host (nsenter, ip netns exec); container, by another; unknown. "
                + "Beyond 64 sysctls in a namespace, the others together are `other`."
        ) { scene, writer in
            Self.forEachTally(scene) { labels, tally in writer.sample(labels, 0..<labels.count, tally.writes) }
        },
        Emitter(
            "netns_sysctl_writes_refused_total", .counter, labels: labels,
            help: "Those of netns_sysctl_writes_total that the kernel refused: the sysctl kept its value."
        ) { scene, writer in
            Self.forEachTally(scene) { labels, tally in
                if tally.refused > 0 { writer.sample(labels, 0..<labels.count, tally.refused) }
            }
        },
        Emitter(
            "netns_sysctl_last_change_timestamp_seconds", .gauge, unit: "seconds", labels: labels,
            help: "When a write last changed the sysctl, since the epoch."
        ) { scene, writer in
            Self.forEachTally(scene) { labels, tally in
                guard let changed = tally.changed else { return }
                writer.sample(labels, 0..<labels.count, milliseconds: UInt64(changed * 1000))
            }
        },
        Emitter(
            "netns_sysctl_drift_writer_info", .info,
            labels: [
                "netns", "sysctl", "rule", "from", "container", "pid", "command", "executable", "user", "uid",
                "login_uid",
                "old", "new",
            ],
            help: "While a sysctl has drifted, who wrote it last: process, from where, and what to what."
        ) { scene, writer in
            guard let drift = scene.drift, let monitor = scene.writes?.monitor else { return }
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() {
                guard let watch = drift[namespace] else { continue }
                for (position, state) in watch.states.enumerated() where state == .drifted {
                    let assertion = watch.list.assertions[position]
                    guard let write = monitor.last(assertion.sysctl, in: namespace.cookie) else { continue }
                    labels.removeAll()
                    labels.append(scene.labels, scene.namespaceLabels[index])
                    labels.addLabel("sysctl", assertion.sysctl.dotted)
                    labels.addLabel("rule", assertion.rule)
                    labels.addLabel("from", write.origin.rawValue)
                    labels.addLabel("container", write.writerContainer)
                    labels.addLabel("pid", UInt64(max(write.writer.pid, 0)))
                    labels.addLabel("command", write.writer.command)
                    labels.addLabel("executable", write.writer.executable)
                    labels.addLabel("user", write.user)
                    labels.addLabel("uid", UInt64(write.writer.uid))
                    if let login = write.writer.loginUID { labels.addLabel("login_uid", UInt64(login)) }
                    labels.addLabel("old", write.old?.text)
                    labels.addLabel("new", write.new?.text)
                    writer.sample(labels, 0..<labels.count, UInt64(1))
                }
            }
        },
        Emitter(
            "netns_sysctl_write_events_lost_total", .counter,
            help:
                "Writes that happened and were not heard, since there was no room for them: they are in no other series."
        ) { scene, writer in
            if let monitor = scene.writes?.monitor { writer.sample(Double(monitor.counts.lost)) }
        },
        Emitter(
            "netdrift_writes_info", .info, labels: ["state", "reason"],
            help:
                "Whether writes of sysctls are heard: state on or off, and why not (docs/writes.md)."
        ) { scene, writer in
            guard let writes = scene.writes else { return }
            let labels = ByteBuffer(capacity: 64)
            labels.openLabels("state", (writes.monitor == nil ? "off" : "on").utf8Span.span)
            labels.addLabel("reason", writes.reason)
            writer.sample(labels, 0..<labels.count, UInt64(1))
        },
        Emitter(
            "netdrift_sysctl_namespaces_kept", .gauge,
            help:
                "Namespaces whose sysctls this collection did not read, since nobody wrote any: they are as they were read last."
        ) { scene, writer in
            if scene.writes?.monitor != nil { writer.sample(Double(scene.trust.kept)) }
        },
        Emitter(
            "netdrift_sysctl_sweeps_total", .counter,
            help: "Collections that read the sysctls of all namespaces, where writes are heard."
        ) { scene, writer in
            if scene.writes?.monitor != nil { writer.sample(Double(scene.trust.sweeps)) }
        },
        Emitter(
            "netdrift_sysctl_unexplained_changes_total", .counter,
            help:
                "Times that a namespace's sysctls were not what they should have been by the writes that were heard: for ten "
                + "minutes all are read at each collection then."
        ) { scene, writer in
            if scene.writes?.monitor != nil { writer.sample(Double(scene.trust.unexplained)) }
        },
    ]

    private static let labels = ["netns", "sysctl", "from"]

    private static func forEachTally(_ scene: Scene, _ body: (ByteBuffer, WriteMonitor.Tally) -> Void) {
        guard let monitor = scene.writes?.monitor else { return }
        let written = monitor.writtenNamespaces
        guard !written.isEmpty else { return }
        let labels = ByteBuffer(capacity: 256)
        for (index, namespace) in scene.namespaces.enumerated() {
            guard let cookie = namespace.cookie, written.contains(cookie) else { continue }
            for (series, tally) in monitor.tallies(in: cookie) {
                labels.removeAll()
                labels.append(scene.labels, scene.namespaceLabels[index])
                labels.addLabel("sysctl", series.sysctl)
                labels.addLabel("from", series.origin.rawValue)
                body(labels, tally)
            }
        }
    }
}

/// What the scene has of writes.
struct SceneWrites {
    /// Nil where they are not heard.
    let monitor: WriteMonitor?
    /// Why not; empty where they are.
    let reason: String
}
