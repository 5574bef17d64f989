import NetnsCore
import NetnsSystem
import Testing
import Web

@testable import Agent
@testable import Exposition

/// What of the samples is written, and what is left out.
@Suite struct ExposerTests {
    @Test func hostVethsAreLeftOutUnlessAskedFor() throws {
        let without = try Stage(try Samples.three()).expose().samples(of: "netns_network_mtu_bytes")
        #expect(!without.contains { $0.contains("veth7") })
        // One whose other end is in the host too is reported.
        #expect(without.contains(#"netns_network_mtu_bytes{netns="host",device="veth8"} 1500"#))
        // The end in the container has a namespace id too, and is not the host's.
        #expect(without.contains(#"netns_network_mtu_bytes{netns="prod/web-0",device="eth0"} 1500"#))
        let with = try Stage(try Samples.three(), hostVeths: true).expose().samples(of: "netns_network_mtu_bytes")
        #expect(with.contains(#"netns_network_mtu_bytes{netns="host",device="veth7"} 1500"#))
        #expect(with.count == without.count + 1)
    }

    /// Names that are equal once escaped get the index of the later appended; the earlier keeps its own.
    @Test func devicesThatLookAlikeStayApart() throws {
        let text = try Stage(try Samples.three()).expose()
        let evil = #"netns_network_receive_packets_total{netns="evil\\x0a\"b\"\\",device="#
        #expect(
            text.samples(of: "netns_network_receive_packets_total").filter { $0.contains("evil") } == [
                Substring(evil + #""q\"b\\s"} 600"#), Substring(evil + #""a\\xff"} 700"#),
                Substring(evil + #""a\\xff@4"} 800"#), Substring(evil + #""nl\\x0a"} 900"#),
            ])
    }

    /// A third interface named as the second would be once told apart: still no series twice.
    @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func devicesThatForgeTheSuffixStayApart(_ order: [Int]) throws {
        let names: [[UInt8]] = [[0x61, 0xFF], Array(#"a\xff"#.utf8), Array(#"a\xff@4"#.utf8)]
        let links = order.enumerated().map { Samples.link(Int32($0.offset + 2), names[$0.element]) }
        let stage = try Stage([try Samples.namespace("n", inode: 1, links: links)])
        let samples = try stage.expose().samples(of: "netns_network_up")
        #expect(samples.count == 3)
        #expect(Set(samples).count == 3)
    }

    @Test func theSameNameElsewhereIsNoCollision() throws {
        let stage = try Stage([
            try Samples.namespace("a", inode: 1, links: [Samples.link(2, "eth0")]),
            try Samples.namespace("b", inode: 2, links: [Samples.link(2, "eth0")]),
        ])
        #expect(
            try stage.expose().samples(of: "netns_network_up") == [
                #"netns_network_up{netns="a",device="eth0"} 1"#, #"netns_network_up{netns="b",device="eth0"} 1"#,
            ])
    }

    @Test(arguments: [(0, 0, 9), (1, 3, 6), (2, 6, 3), (4, 9, 0), (1000, 9, 0)])
    func maximumDevices(_ maximum: Int, _ shown: Int, _ leftOut: Int) throws {
        let text = try Stage(try Samples.three(), maximumDevices: maximum).expose()
        #expect(text.samples(of: "netns_network_up").count == shown)
        #expect(text.samples(of: "netdrift_devices_left_out") == ["netdrift_devices_left_out \(leftOut)"])
    }

    @Test func devicesLeftOutAreOfTheLastCollection() throws {
        let stage = try Stage(try Samples.three(), maximumDevices: 1)
        _ = try stage.expose()
        #expect(try stage.expose().samples(of: "netdrift_devices_left_out") == ["netdrift_devices_left_out 6"])
    }

    /// A device left out by the filter does not count against the limit.
    @Test(
        arguments: [
            ("^eth", nil, ["eth0", "eth0", "eth0.100"]), ("eth0", nil, ["eth0", "eth0", "eth0.100"]),
            ("th8$", nil, ["veth8"]), ("none", nil, []),
            (nil, "eth", [#"a\\xff"#, #"a\\xff@4"#, #"lo"#, #"nl\\x0a"#, #"q\"b\\s"#]),
            (nil, ".", []),
            (nil, "^lo$", [#"a\\xff"#, #"a\\xff@4"#, "eth0", "eth0", "eth0.100", #"nl\\x0a"#, #"q\"b\\s"#, "veth8"]),
            (#"\\xff$"#, nil, [#"a\\xff"#, #"a\\xff@4"#]),
        ] as [(String?, String?, [String])])
    func deviceFilter(_ include: String?, _ exclude: String?, _ expected: [String]) throws {
        let stage = try Stage(try Samples.three(), include: include, exclude: exclude, maximumDevices: 4)
        let names = try stage.expose().samples(of: "netns_network_carrier").map { line in
            let start = try #require(line.firstRange(of: "device=\"")).upperBound
            let end = try #require(line.lastIndex(of: "\""))
            return String(line[start..<end])
        }
        #expect(names.sorted() == expected)
        #expect(try stage.expose().samples(of: "netdrift_devices_left_out") == ["netdrift_devices_left_out 0"])
    }

    /// A counter that this kernel has not got, a state that it did not say: no sample, not a 0.
    @Test func whatIsNotKnownIsNotWritten() throws {
        let text = try Stage(try Samples.three()).expose()
        let otherhost = text.samples(of: "netns_network_receive_otherhost_dropped_total")
        #expect(!otherhost.contains { $0.contains("web-0") })
        #expect(otherhost.count == 7)
        #expect(text.samples(of: "netns_network_receive_nohandler_total").count == 8)
        #expect(text.samples(of: "netns_network_speed_bytes").count == 1)
        #expect(!text.samples(of: "netns_network_mtu_bytes").contains { $0.contains("eth0.100") })
        #expect(text.samples(of: "netns_network_carrier").contains { $0.hasSuffix("device=\"eth0.100\"} 0") })
        #expect(
            text.samples(of: "netns_network_info").contains {
                $0
                    == #"netns_network_info{netns="prod/web-0",device="eth0.100",adminstate="down",kind="vlan",operstate="down"} 1"#
            })
    }

    /// A namespace that was not reached is there, and nothing of its inside.
    @Test func aNamespaceThatWasNotRead() throws {
        let samples = try Samples.three()
        samples[0].wasRead = false
        let text = try Stage(samples).expose()
        #expect(text.samples(of: "netns_info").contains { $0.contains(#"netns="prod/web-0""#) })
        #expect(text.samples(of: "netns_processes").contains { $0.contains(#"netns="prod/web-0""#) })
        let inside = text.samples.filter { $0.contains("web-0") && !$0.hasPrefix("netns_info") }
        #expect(
            inside.map { $0.prefix { $0 != "{" } } == [
                "netns_first_seen_timestamp_seconds", "netns_processes", "netns_sysctl_writable",
            ])
        #expect(text.samples(of: "netns_namespaces").contains(#"netns_namespaces{origin="process"} 2"#))
    }

    @Test(
        arguments: [
            ([.sysctl], true, false), ([.interface], false, true), ([], false, false),
            ([.sysctl, .interface], true, true),
        ] as [(Set<CollectorName>, Bool, Bool)])
    func collectSubsets(_ names: Set<CollectorName>, _ sysctls: Bool, _ links: Bool) throws {
        let stage = try Stage(try Samples.three())
        let text = try stage.expose(.text, names)
        #expect(text.contains("\nnetns_sysctl_value{") == sysctls)
        #expect(text.contains("# TYPE netns_sysctl_info") == sysctls)
        #expect(text.contains("\nnetns_network_up{") == links)
        #expect(text.contains("# TYPE netns_network_info") == links)
        #expect(text.samples(of: "netns_info").count == 3)
        #expect(text.contains("\nprocess_open_fds "))
        #expect(text.contains("\nnetdrift_build_info{"))
        let collectors = text.samples(of: "netdrift_scrape_collector_success")
        let expected = names.map(\.rawValue).sorted().map {
            Substring("netdrift_scrape_collector_success{collector=\"\($0)\"} 1")
        }
        #expect(collectors == expected)
        let parts = try #require(stage.engine.asked.last).parts
        #expect(parts.contains(.sysctls) == sysctls)
        #expect(parts.contains(.links) == links)
    }

    /// Namespaces share tables: that one was read says nothing of another.
    @Test func aNamespaceThatWasNotReadBesideOneThatWas() throws {
        let read = try Samples.namespace("a", inode: 1, sysctls: [("net.core.somaxconn", .value("1"))])
        let other = try Samples.namespace("b", inode: 2)
        other.sysctls = read.sysctls
        other.wasRead = false
        #expect(
            try Stage([read, other]).expose().samples(of: "netns_sysctl_value") == [
                #"netns_sysctl_value{netns="a",sysctl="net.core.somaxconn"} 1"#
            ])
    }

    /// What is switched off is not written, whatever a scrape asks for.
    @Test func switchedOffCollectors() throws {
        let stage = try Stage(try Samples.three(), enabled: [.sysctl])
        let text = try stage.expose(.text, [.sysctl, .interface])
        #expect(!text.contains("netns_network_"))
        #expect(text.contains("netns_sysctl_value"))
        #expect(text.samples(of: "netdrift_scrape_collector_success").count == 1)
    }

    @Test func theDeadlineReachesTheEngine() throws {
        let stage = try Stage([])
        let deadline = Instant(nanoseconds: 42)
        try stage.exposer.collect([.sysctl], until: deadline)
        #expect(stage.engine.asked.last?.deadline == deadline)
        #expect(stage.engine.asked.count == 1)
    }

    @Test(arguments: [(0, 0, 1), (3, 0, 1), (3, 2, 1), (3, 3, 0)])
    func collectorSuccess(_ attempts: Int, _ failures: Int, _ expected: Int) throws {
        let stage = try Stage([])
        stage.engine.report.sysctls.attempts = attempts
        stage.engine.report.sysctls.failures = failures
        let text = try stage.expose(.text, [.sysctl])
        #expect(
            text.samples(of: "netdrift_scrape_collector_success") == [
                Substring("netdrift_scrape_collector_success{collector=\"sysctl\"} \(expected)")
            ])
    }

    @Test func withoutADeepScanThereAreNoSamplesOfIt() throws {
        #expect(!(try Stage([]).expose()).contains("netdrift_deep_scan"))
        let stage = try Stage([])
        stage.engine.report.deepScan = DeepFindings()
        let text = try stage.expose()
        #expect(text.contains("netdrift_deep_scan_duration_seconds 0"))
        #expect(!text.contains("netdrift_deep_scan_timestamp_seconds"))
    }

    @Test func withoutNamespaces() throws {
        let text = try Stage([]).expose()
        #expect(!text.contains("netns_info"))
        #expect(text.samples(of: "netns_namespaces").count == 6)
        #expect(text.samples(of: "netns_namespaces").allSatisfy { $0.hasSuffix(" 0") })
    }

    /// An answer that is still being sent keeps its bytes while the next is written.
    @Test func bodiesKeepTheirBytes() throws {
        let stage = try Stage(try Samples.three())
        try stage.exposer.collect(stage.enabled, until: nil)
        let variant = Exposer.Variant(format: .text, gzip: false)
        let bodies = try (0..<5).map { _ in try stage.exposer.render(variant, [.sysctl]) }
        let other = try stage.exposer.render(variant, [.interface])
        let counts = bodies.map(\.count)
        #expect(Set(counts).count == 1)
        #expect(other.count != counts[0])
        let copies = bodies.map { body in body.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        }
        #expect(Set(copies).count == 1)
        #expect(String(decoding: copies[0], as: UTF8.self).contains("netns_sysctl_value"))
    }
}
