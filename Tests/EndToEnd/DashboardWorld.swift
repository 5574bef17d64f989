import Foundation
import TestSupport

/// The demo's world after its breaks, watched by a Prometheus that also scrapes a host whose names are hostile.
final class DashboardWorld {
    /// A name that would do harm where it is taken for markup, for a script, for a template or for an expression.
    static let hostile = #"<img src=x onerror="document.title='taken'">'"\{{.}}${1}"# + "\u{202E}" + "`\n</script>"

    let demo: Demo
    let prometheus: Prometheus
    /// `instance` of the agent.
    let agent: String
    /// `instance` of the hostile host. It has probes and a path too, for an agent that exports none.
    let stub: String
    private let exporter: StubExporter

    init() throws {
        demo = try Demo(seconds: 600, breakAfter: 5)
        agent = try demo.addresses().agent
        exporter = try StubExporter(Self.samples(at: 0))
        stub = exporter.address
        let directory = try TemporaryDirectory()
        // One target becomes two.
        let config = try Shipped.copyRules(
            to: directory, agent: "\(agent)\", \"\(exporter.address)", alertmanager: "127.0.0.1:1")
        let consoles = Shipped.path("dashboards/prometheus")
        prometheus = try Prometheus(
            config: config, in: directory,
            flags: ["--web.console.templates=\(consoles)", "--web.console.libraries=\(consoles)"])
        try demo.awaitBreaks()
        // Rates need two scrapes, recording rules one evaluation more, alerts another.
        let breaks = #"count(ALERTS{alertstate="firing",netns=~".+shop|.+queue",instance="\#(agent)"}) >= bool 2"#
        var round = 0.0
        guard
            try eventually(
                within: 60,
                {
                    round += 1
                    try exporter.serve(Self.samples(at: round))
                    return try prometheus.value(breaks) == 1
                        && prometheus.value(#"count(instance_netns:netns_network_dropped:rate5m{netns="host"})"#) == 1
                        && prometheus.value("count(instance_probe:netns_probe_loss:ratio_rate5m) >= bool 1") == 1
                        ? true : nil
                }) == true
        else { throw Trouble("Prometheus does not see the world: \(try prometheus.query("/api/v1/alerts"))") }
    }

    /// Ends it; what is left, a line each.
    func stop() throws -> [String] {
        demo.terminate()
        var left = demo.status(within: 30) == nil ? ["the demo runs"] : []
        if !prometheus.stop() { left.append("Prometheus runs") }
        left += try demo.remains()
        return left
    }

    /// The instance that has what an expression asks for.
    func instance(of expression: String) throws -> String {
        let needs = expression.contains("netns_path_") ? "netns_path_ok" : "netns_probe_success"
        guard expression.contains(/netns_(probe|path)_/) else { return agent }
        return try AgentProcess.exports(needs) ? agent : stub
    }

    /// What the hostile host exports: each kind of name, the probes of one that is well and one that is not, and counters
    /// that grow with each round.
    private static func samples(at round: Double) -> [String] {
        func sample(_ name: String, _ labels: [(String, String)], _ value: Double = 1) -> String {
            let pairs = labels.map { key, value in
                let escaped = value.replacing(#"\"#, with: #"\\"#).replacing("\"", with: #"\""#)
                    .replacing("\n", with: #"\n"#)
                return "\(key)=\"\(escaped)\""
            }
            return "\(name){\(pairs.joined(separator: ","))} \(value)"
        }
        var lines: [String] = []
        for netns in [hostile, "host"] {
            let own = ("netns", netns)
            let device = [own, ("device", hostile)]
            let drift = [own, ("sysctl", hostile), ("rule", hostile)]
            lines += [
                sample(
                    "netns_info",
                    [own, ("inode", "1"), ("origin", "process"), ("command", hostile), ("container", hostile)]
                        + [("pod", hostile), ("pod_namespace", hostile), ("runtime", hostile), ("user", hostile)]),
                sample("netns_processes", [own]), sample("netns_sockets_used", [own], 3),
                sample("netns_first_seen_timestamp_seconds", [own], 1_700_000_000),
                sample(
                    "netns_network_info", device + [("adminstate", "up"), ("kind", "veth"), ("operstate", hostile)]),
                sample("netns_network_carrier", device, 0), sample("netns_network_mtu_bytes", device, 1500),
                sample(
                    "netns_network_peer_info",
                    device + [("peer_netns", hostile), ("peer_device", hostile), ("master", hostile)]),
                sample("netns_network_receive_bytes_total", device, 10),
                sample("netns_network_transmit_bytes_total", device, 10),
                sample("netns_sysctl_drift", drift + [("source", "config"), ("severity", "critical")]),
                sample("netns_sysctl_drift_info", drift + [("expected", hostile), ("actual", hostile)]),
                sample("netns_sysctl_drift_start_timestamp_seconds", drift, 1_700_000_000),
                sample("netns_sysctl_info", [own, ("sysctl", hostile), ("value", hostile)]),
            ]
            for step in ["link", "carrier", "gateway", "forwarding"] {
                lines.append(sample("netns_path_ok", [own, ("step", step)], step == "forwarding" ? 0 : 1))
            }
            let probe = [own, ("probe", hostile), ("target", "198.18.0.2")]
            lines += [
                sample("netns_probe_success", probe, netns == "host" ? 1 : 0),
                sample("netns_probe_info", probe + [("kind", "icmp"), ("socket", "raw")]),
                sample("netns_probe_sent_total", probe, 10 * round),
                sample("netns_probe_received_total", probe, 9 * round),
                sample("netns_probe_loss_ratio", probe, 0.1),
                sample("netns_probe_failures_total", probe + [("reason", "timeout")], round),
                sample("netns_probe_rtt_seconds_sum", probe, 0.01 * round),
                sample("netns_probe_rtt_seconds_count", probe, 9 * round),
            ]
            for (le, value) in [("0.0005", 4.0), ("0.005", 8), ("+Inf", 9)] {
                lines.append(sample("netns_probe_rtt_seconds_bucket", probe + [("le", le)], value * round))
            }
        }
        lines.append(sample("netns_namespaces", [("origin", "process")], 2))
        return lines
    }
}

extension AgentProcess {
    /// Whether the agent can export a metric.
    static func exports(_ metric: String) throws -> Bool {
        try Command.check(binary, "metrics").split(separator: "\n").contains { $0.hasPrefix("\(metric)\t") }
    }
}
