import NetnsCore
import NetnsSystem
import TestSupport
import Testing

@testable import Agent

/// The file that `netdrift config init` writes.
@Suite struct ConfigurationWriterTests {
    /// Reads the file back and evaluates it on what it was made of: by sysctl, what was found.
    private static func evaluate(_ text: String, on host: SysctlSurvey) throws -> [String: Verdict?] {
        let configuration = try ConfigurationFile.parse(Array(text.utf8), file: "netdrift.yml")
        let table = SysctlTable(host.values.keys)
        var readings = SysctlReadings(table: table)
        for entry in table.entries {
            guard let value = host.text(of: entry.name) else {
                readings.append(.unreadable(13))
                continue
            }
            let bytes = Array(value.utf8)
            unsafe readings.append(value: bytes.span.bytes, isText: entry.isText)
        }
        let assertions = RuleSet(configuration.drift).assertions(
            for: NamespaceIdentity(name: "host", origin: .process), table: table, declared: [:])
        return Dictionary(
            uniqueKeysWithValues: assertions.map { assertion in
                let verdict = assertion.index.map { index in
                    readings.withValue(at: index) { assertion.check.evaluate($0) }
                }
                return (assertion.sysctl.dotted, verdict)
            })
    }

    @Test func thisHostHasNotDriftedAtOnce() throws {
        let host = try SysctlSurvey.current()
        let fresh = try? SysctlSurvey.fresh()
        let verdicts = try Self.evaluate(
            ConfigurationWriter.text(host: host, fresh: fresh, kernel: "6.18"), on: host)
        #expect(verdicts.count > 30)
        for (name, verdict) in verdicts { #expect(verdict == .matched, "\(name)") }
    }

    @Test func valuesComeBackAsTheyWere() throws {
        let values = [
            "net.ipv4.ip_local_reserved_ports": "", "net.ipv4.tcp_rmem": "4096 131072 6291456",
            "net.ipv4.tcp_congestion_control": "yes", "net.core.somaxconn": "4096",
            "net.core.default_qdisc": "fq_codel",
            "net.ipv4.tcp_timestamps": "-1", "net.ipv4.ping_group_range": "1 0", "net.core.rps_default_mask": "00",
        ]
        let host = try SysctlSurvey(values.mapValues { Optional($0) })
        let text = ConfigurationWriter.text(
            host: host, fresh: try SysctlSurvey(["net.core.somaxconn": "128"]), kernel: "x")
        let verdicts = try Self.evaluate(text, on: host)
        #expect(verdicts.keys.sorted() == values.keys.filter { $0 != "net.core.rps_default_mask" }.sorted())
        #expect(verdicts.values.allSatisfy { $0 == .matched })
        #expect(text.contains("      net.core.somaxconn: \"4096\"  # a new namespace has 128\n"))
        #expect(text.contains("      # TCP\n      net.ipv4.tcp_congestion_control: \"yes\"\n"))
    }

    @Test func whatOneMayNotOrNeedNotExpectIsLeftOut() throws {
        let name = try SysctlName("net.netfilter.nf_conntrack_max")
        let host = SysctlSurvey(values: [
            name: .init(value: .text("1"), mode: 0o444),
            try SysctlName("net.ipv4.conf.eth0.rp_filter"): .init(value: .text("1"), mode: 0o644),
            try SysctlName("net.ipv4.tcp_fastopen_key"): .init(value: .secret, mode: 0o600),
            try SysctlName("net.core.somaxconn"): .init(value: .text("> 5"), mode: 0o644),
            try SysctlName("net.ipv4.tcp_sack"): .init(value: .text("\\xff\"#"), mode: 0o644),
            try SysctlName("net.ipv4.tcp_ecn"): .init(value: .text("2"), mode: 0o644),
        ])
        let text = ConfigurationWriter.text(host: host, fresh: nil, kernel: "x")
        #expect(try Self.evaluate(text, on: host) == ["net.ipv4.tcp_ecn": .matched])
    }

    /// The rule that is written as a comment is right once it is none.
    @Test func theExampleLoads() throws {
        let host = try SysctlSurvey(["net.ipv4.tcp_ecn": "2"])
        let text = ConfigurationWriter.text(host: host, fresh: nil, kernel: "x")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.contains("# - rule: keepalive") })
        let uncommented = lines[..<start] + lines[start...].map { $0.hasPrefix("  # ") ? "  " + $0.dropFirst(4) : $0 }
        let configuration = try ConfigurationFile.parse(Array(uncommented.joined(separator: "\n").utf8), file: "x.yml")
        #expect(configuration.drift.rules.map(\.name) == ["host", "keepalive", "as-declared"])
    }
}
