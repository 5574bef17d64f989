internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// What a namespace is: always exported, since everything else is joined with it.
struct NamespaceCollector: Collector {
    let name: String? = nil
    let parts: CollectionParts = []

    let emitters = [
        Emitter(
            "netns_info", .info,
            labels: [
                "netns", "inode", "nsid", "origin", "runtime", "container_id", "container", "pod_namespace", "pod",
                "user", "command",
            ],
            help:
                "A network namespace: its nsfs inode, the id the host has for it (RTM_GETNSID), how it is held, the "
                + "container or pod it was made for, and the user and command (/proc/PID/comm) of its process with the "
                + "lowest id."
        ) { scene, writer in
            let labels = ByteBuffer(capacity: 512)
            for (index, namespace) in scene.namespaces.enumerated() {
                labels.removeAll()
                labels.append(scene.labels, scene.namespaceLabels[index])
                labels.addLabel("inode", namespace.inode)
                if let nsid = namespace.nsid { labels.addLabel("nsid", UInt64(nsid)) }
                labels.addLabel("origin", namespace.origin.rawValue)
                if let owner = namespace.owner {
                    labels.addLabel("runtime", owner.runtime?.rawValue)
                    labels.addLabel("container_id", owner.id)
                    labels.addLabel("container", owner.name)
                    labels.addLabel("pod_namespace", owner.podNamespace)
                    labels.addLabel("pod", owner.pod)
                }
                labels.addLabel("user", namespace.leader?.user)
                labels.addLabel("command", namespace.leader?.command)
                writer.sample(labels, 0..<labels.count, UInt64(1))
            }
        },
        Emitter(
            "netns_processes", .gauge, labels: ["netns"],
            help: "Processes (thread groups) in the namespace, by /proc/PID/ns/net."
        ) { scene, writer in
            for (index, namespace) in scene.namespaces.enumerated() {
                writer.sample(scene.labels, scene.namespaceLabels[index], UInt64(namespace.processes))
            }
        },
        Emitter(
            "netns_first_seen_timestamp_seconds", .gauge, unit: "seconds", labels: ["netns"],
            help: "When this agent first saw the namespace, since the epoch."
        ) { scene, writer in
            for (index, namespace) in scene.namespaces.enumerated() {
                writer.sample(
                    scene.labels, scene.namespaceLabels[index], milliseconds: UInt64(namespace.firstSeen * 1000))
            }
        },
        Emitter(
            "netns_namespaces", .gauge, labels: ["origin"],
            help:
                "Network namespaces reported, by what holds them: process, mount, fd, socket or thread, the first that "
                + "applies; unknown, the kernel has it and what holds it cannot be seen."
        ) { scene, writer in
            var counts = Dictionary(uniqueKeysWithValues: Origin.allCases.map { ($0, 0) })
            for namespace in scene.namespaces { counts[namespace.origin, default: 0] += 1 }
            let labels = ByteBuffer(capacity: 64)
            for origin in Origin.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
                labels.removeAll()
                let text = origin.rawValue.utf8Span
                labels.openLabels("origin", text.span)
                writer.sample(labels, 0..<labels.count, UInt64(counts[origin] ?? 0))
            }
        },
    ]
}
