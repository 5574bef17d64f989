internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// Every metric family that this program can export, by collector.
struct MetricCatalog {
    /// The collectors by name, and first what is always exported, whose name is nil.
    let sections: [(collector: String?, emitters: [Emitter])]

    init() {
        let state = AgentState(ledger: ErrorLedger(), startTime: 0)
        let mib = MIBSelection(MIBFamily.table.flatMap(\.fields))
        let all = everyCollector(state, mib: mib)
        let names: [String?] = [nil] + Set(all.compactMap(\.name)).sorted()
        sections = names.map { name in
            let emitters = all.filter { $0.name == name }.flatMap(\.emitters)
            return (name, emitters.sorted { $0.family.name < $1.family.name })
        }
    }

    /// A line for each: name, type, collector, labels and help, with tabs between.
    var text: String {
        var lines = ["NAME\tTYPE\tCOLLECTOR\tLABELS\tHELP"]
        for section in sections {
            for emitter in section.emitters {
                lines.append(
                    [
                        emitter.family.name, emitter.family.kind.name, section.collector ?? "-",
                        emitter.labels.isEmpty ? "-" : emitter.labels.joined(separator: ","), emitter.family.help,
                    ].joined(separator: "\t"))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// docs/metrics.md.
    var markdown: String {
        var out = """
            # Metrics

            <!-- Written by `netdrift metrics --markdown`; a test fails when it is old. -->

            Every metric that netdrift can export, by the collector it belongs to. `--collector.NAME` switches a collector on,
            `--no-collector.NAME` off. A label without a value is left out. What a kernel or a namespace does not have, has no
            sample.


            """
        for section in sections {
            let note = section.collector.flatMap { Self.notes[$0] }.map { "\($0)\n\n" } ?? ""
            out += "## \(section.collector.map { "`\($0)`" } ?? "Always exported")\n\n"
            if let name = section.collector.flatMap({ CollectorName(rawValue: $0) }) {
                out += CollectorName.defaults.contains(name) ? "On by default.\n\n" : "Off by default.\n\n"
            }
            out += note
            out += "| metric | type | labels | what it is |\n|---|---|---|---|\n"
            for emitter in section.emitters {
                let labels = emitter.labels.map { "`\($0)`" }.joined(separator: ", ")
                let help = emitter.family.help.replacing("|", with: "\\|").replacing("<", with: "&lt;")
                out += "| `\(emitter.family.name)` | \(emitter.family.kind.name) | \(labels) | \(help) |\n"
            }
            out += "\n"
        }
        return String(out.dropLast())
    }

    private static let notes = [
        "netstat": """
        `--collector.netstat.fields` chooses: a regular expression on the kernel's names in the form `Tcp_RetransSegs`, which
        are also node_exporter's. By default what people alert on:

        ```
        \(MIBFamily.defaultFields)
        ```

        These names were chosen by hand. Any other counter of the kernel that the expression matches gets a mechanical one: the
        group and the counter in snake case, as `netns_tcpext_tcpdsack_recv_total` for `TcpExt_TCPDSACKRecv`. Where IPv4 and
        IPv6 are counted apart, `family` is `ipv4` or `ipv6`; the group's 6 is left out.
        """
    ]
}

extension MetricKind {
    fileprivate var name: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .info: "info"
        case .histogram: "histogram"
        }
    }
}
