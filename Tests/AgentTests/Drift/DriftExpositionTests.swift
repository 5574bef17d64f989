import Exposition
import Foundation
import NetnsSystem
import Testing
import Web

@testable import Agent
@testable import NetnsCore

/// What is written and listed of drift.
@Suite struct DriftExpositionTests {
    private static let keepalive = DriftStage.keepalive

    private static func stage() throws -> (stage: Stage, namespace: NamespaceSample) {
        let namespace = try Samples.namespace(
            "a\"b", inode: 1,
            sysctls: [
                (keepalive, .value("700")), ("net.ipv4.tcp_sack", .value("1")),
                ("net.ipv4.tcp_fastopen", .state(.unreadable(13))), ("net.ipv4.tcp_ecn", .state(.absent)),
                ("net.core.somaxconn", .value("1")), ("net.ipv4.tcp_rmem", .value("1\t2\t3")),
            ])
        let rules = [
            try DriftStage.rule(.equal("600"), named: "r\\", severity: .critical),
            try DriftStage.rule(.equal("1"), named: "s", on: "net.ipv4.tcp_sack"),
            try DriftStage.rule(.equal("1"), named: "s2", on: "net.ipv4.tcp_fastopen"),
            try DriftStage.rule(.equal("1"), named: "s3", on: "net.ipv4.tcp_ecn"),
            try DriftStage.rule(.equal("1 2 4"), named: "s4", on: "net.ipv4.tcp_rmem", severity: .info),
        ]
        return (try Stage([namespace], drift: DriftConfiguration(rules: rules)), namespace)
    }

    @Test func families() throws {
        let (stage, namespace) = try Self.stage()
        var text = try stage.expose()
        let a = #"{netns="a\"b",sysctl="#
        let r = #"\#(a)"net.ipv4.tcp_keepalive_time",rule="r\\""#
        let s4 = #"\#(a)"net.ipv4.tcp_rmem",rule="s4""#
        #expect(
            text.samples(of: "netns_sysctl_drift") == [
                #"netns_sysctl_drift\#(r),source="config",severity="critical"} 1"#,
                #"netns_sysctl_drift\#(a)"net.ipv4.tcp_sack",rule="s",source="config",severity="warning"} 0"#,
                #"netns_sysctl_drift\#(s4),source="config",severity="info"} 1"#,
            ])
        #expect(
            text.samples(of: "netns_sysctl_drift_info") == [
                #"netns_sysctl_drift_info\#(r),expected="600",actual="700"} 1"#,
                #"netns_sysctl_drift_info\#(s4),expected="1 2 4",actual="1 2 3"} 1"#,
            ])
        #expect(
            text.samples(of: "netns_sysctl_drift_start_timestamp_seconds").allSatisfy {
                $0.hasSuffix(" 1700000100.125")
            })
        #expect(text.samples(of: "netns_sysctl_drift_start_timestamp_seconds").count == 2)
        let states = [("absent", 1), ("drifted", 2), ("matched", 1), ("unreadable", 1)]
        #expect(
            text.samples(of: "netns_sysctl_expectations")
                == states.map { #"netns_sysctl_expectations{netns="a\"b",state="\#($0)"} \#($1)"# })
        // Of what something is asked of, and is there.
        #expect(text.samples(of: "netns_sysctl_changes_total").count == 3)
        // Of what nothing is asked of, once it has changed.
        namespace.read(.value("5"))
        text = try stage.expose()
        #expect(
            text.samples(of: "netns_sysctl_changes_total").contains(
                #"netns_sysctl_changes_total\#(a)"net.core.somaxconn"} 1"#))
    }

    /// A collection without sysctls, or that did not reach the namespace, tells nothing of drift.
    @Test func whatWasNotReadIsNotWritten() throws {
        let (stage, namespace) = try Self.stage()
        _ = try stage.expose()
        let text = try stage.expose(.text, [.interface])
        #expect(!text.contains("netns_sysctl_"))
        namespace.wasRead = false
        #expect(try stage.expose().samples(of: "netns_sysctl_drift").isEmpty)
        #expect(try stage.expose().samples(of: "netns_sysctl_expectations").isEmpty)
        namespace.wasRead = true
        stage.engine.asked = []
        _ = try stage.exposer.body(of: .drift, gzip: false, maximumAge: 60)
        _ = try stage.exposer.body(of: .drift, gzip: true, maximumAge: 60)
        #expect(stage.engine.asked.isEmpty)
        // One of the links alone does not do for it.
        _ = try stage.exposer.collect([.interface], until: nil)
        _ = try stage.exposer.body(of: .drift, gzip: false, maximumAge: 60)
        #expect(stage.engine.asked.map(\.parts) == [.links, .sysctls])
    }

    @Test func listing() throws {
        let (stage, _) = try Self.stage()
        let body = try stage.exposer.body(of: .drift, gzip: false, maximumAge: 0)
        let bytes = body.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        let root = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(Set(root.keys) == ["drift", "expectations", "unknown"])
        #expect(root["expectations"] as? [String: Int] == ["absent": 1, "drifted": 2, "matched": 1, "unreadable": 1])
        let drift = try #require(root["drift"] as? [[String: String]])
        #expect(drift.map { $0["rule"] } == ["r\\", "s4"])
        #expect(
            drift.allSatisfy {
                Set($0.keys) == [
                    "netns", "sysctl", "rule", "source", "severity", "expected", "actual", "since", "remedy",
                ]
            })
        #expect(drift.first?["since"] == "2023-11-14T22:15:00Z")
        let unknown = try #require(root["unknown"] as? [[String: String]])
        #expect(unknown.map { $0["state"] } == ["unreadable", "absent"])
    }

    /// A specification is written by an ordinary user, and read by root on a terminal.
    @Test func whatAUserDeclaredDoesNotActOnTheTerminal() throws {
        let namespace = try DriftStage.namespace("a", inode: 1, .value("700"))
        let hostile = "6\u{1B}[2J\n\u{9B}0\u{202E}"
        namespace.containers = [
            Container(
                id: "c", runtime: .podman, name: "c", pod: nil, podNamespace: nil, isSandbox: false, network: .own,
                pid: 1, startTime: 1, created: 1,
                declared: [
                    DeclaredSysctl(name: try SysctlName(Self.keepalive), value: hostile),
                    DeclaredSysctl(name: try SysctlName("net.ipv4.\(hostile)"), value: "1"),
                ], owner: 1000)
        ]
        let stage = DriftStage([namespace])
        stage.evaluate()
        let text = DriftListing([namespace], stage.monitor).text()
        #expect(text.hasSuffix("\n0 matched, 1 drifted, 1 absent, 0 unreadable\n"))
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || (0x20..<0x7F).contains($0.value) })
        #expect(text.split(separator: "\n").allSatisfy { !$0.hasPrefix("0") || $0.hasPrefix("0 matched") })
    }
}
