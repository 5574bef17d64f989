internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The connection tracking of every namespace.
struct ConntrackCollector: Collector {
    let name: String? = CollectorName.conntrack.rawValue
    let parts = CollectorName.conntrack.parts

    func part(of report: CollectionReport) -> CollectionReport.Part? { report.conntrack }

    let emitters =
        [
            emitter(
                "netns_conntrack_entries", .gauge, help: "Connections that are tracked (CTA_STATS_GLOBAL_ENTRIES)."
            ) { $0.entries },
            emitter(
                "netns_conntrack_entries_limit", .gauge,
                help:
                    "How many connections each namespace may track (nf_conntrack_max, CTA_STATS_GLOBAL_MAX_ENTRIES)."
            ) { $0.limit },
        ]
        + counters.map { counter, name, help in
            emitter("netns_conntrack_\(name)_total", .counter, help: "\(help) (\(name) of conntrack -S).") {
                $0[counter]
            }
        }

    private static let counters: [(ConntrackCounter, String, String)] = [
        (.found, "found", "Entries found"), (.invalid, "invalid", "Packets that could not be tracked"),
        (.insert, "insert", "Entries put into the table"),
        (.insertFailed, "insert_failed", "Entries that could not be put into the table"),
        (.drop, "drop", "Packets dropped since the table was full or memory short"),
        (.earlyDrop, "early_drop", "Entries given up to make room in a full table"),
        (.error, "error", "Packets that broke a rule of their protocol"),
        (.searchRestart, "search_restart", "Searches begun anew since the table was resized"),
        (.clashResolve, "clash_resolve", "Races to put in the same entry that were resolved"),
        (.chainTooLong, "chaintoolong", "Entries refused since the chain was too long"),
    ]

    private static func emitter(
        _ name: String, _ kind: MetricKind, help: String, _ value: @escaping (ConntrackStatistics) -> UInt64?
    ) -> Emitter {
        Emitter(name, kind, labels: ["netns"], help: help) { scene, writer in
            for (index, namespace) in scene.namespaces.enumerated() where namespace.wasRead && namespace.hasConntrack {
                if let value = value(namespace.conntrack) {
                    writer.sample(scene.labels, scene.namespaceLabels[index], value)
                }
            }
        }
    }
}
