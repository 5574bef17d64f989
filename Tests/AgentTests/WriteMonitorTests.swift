import Foundation
import Logging
import NetnsSystem
import Synchronization
import TestSupport
import Testing
import Web

@testable import Agent
@testable import Exposition
@testable import NetnsCore

/// What the agent keeps and tells of writes.
@Suite struct WriteMonitorTests {
    static func write(
        _ sysctl: String = "net.ipv4.tcp_keepalive_time", old: String = "600", new: String = "700", cookie: UInt64 = 11,
        origin: SysctlWrite.Origin = .host, result: SysctlWrite.Result = .applied, time: Double = 1_700_000_090.5,
        command: String = "sysctl"
    ) throws -> SysctlWrite {
        var write = SysctlWrite(
            time: time, inode: 4_026_532_001, cookie: cookie, owner: 1, isSure: true, sysctl: try SysctlName(sysctl),
            old: .init(old), new: .init(new),
            writer: .init(
                pid: 4711, thread: 4711, parent: 4700, uid: 0, loginUID: 1000, command: command,
                executable: "/usr/sbin/sysctl", network: 4_026_532_001, mounts: 5,
                processes: SysctlWrite.Writer.hostProcesses, users: 6))
        write.origin = origin
        write.result = result
        write.actual = result == .refused ? old : new
        write.namespace = "web"
        write.user = "root"
        return write
    }

    private func monitor(_ capacity: Int = 100) -> WriteMonitor {
        WriteMonitor(capacity: capacity, logger: Stage.silent) {
            var counts = WriteWatch.Counts()
            counts.heard = 9
            counts.lost = 2
            return counts
        }
    }

    @Test func theSeries() throws {
        let namespace = try Samples.namespace("web", inode: 4_026_532_001)
        namespace.cookie = 11
        let stage = try Stage([namespace], enabled: [.writes])
        let monitor = monitor()
        monitor.take([
            try Self.write(), try Self.write(new: "abc", result: .refused),
            try Self.write("net.ipv4.ip_forward", old: "0", new: "0", origin: .inside),
            // Of a namespace that is not exported.
            try Self.write(cookie: 99),
        ])
        try stage.exposer.collect([.writes], until: nil)
        stage.scene.writes = SceneWrites(monitor: monitor, reason: "")
        let text = try stage.render(.text, [.writes])
        let key = #"{netns="web",sysctl="net.ipv4.tcp_keepalive_time",from="host"}"#
        let forward = #"{netns="web",sysctl="net.ipv4.ip_forward",from="inside"}"#
        #expect(
            text.samples(of: "netns_sysctl_writes_total") == [
                "netns_sysctl_writes_total\(forward) 1", "netns_sysctl_writes_total\(key) 2",
            ])
        #expect(text.samples(of: "netns_sysctl_writes_refused_total") == ["netns_sysctl_writes_refused_total\(key) 1"])
        // One that is written as it was is no change.
        #expect(
            text.samples(of: "netns_sysctl_last_change_timestamp_seconds") == [
                "netns_sysctl_last_change_timestamp_seconds\(key) 1700000090.500"
            ])
        #expect(text.samples(of: "netns_sysctl_write_events_lost_total") == ["netns_sysctl_write_events_lost_total 2"])
        #expect(text.samples(of: "netdrift_writes_info") == [#"netdrift_writes_info{state="on"} 1"#])
    }

    /// Interfaces can be made without end, and each has sysctls.
    @Test func theSeriesAreBounded() throws {
        let monitor = monitor()
        for number in 0..<500 { monitor.take([try Self.write("net.ipv4.conf.d\(number).rp_filter")]) }
        let tallies = monitor.tallies(in: 11)
        #expect(tallies.count == WriteMonitor.maximumSysctls + 1)
        #expect(tallies.first { $0.series.sysctl == WriteMonitor.other }?.tally.writes == UInt64(500 - 64))
        for cookie in 0..<UInt64(WriteMonitor.maximumNamespaces * 2) { monitor.take([try Self.write(cookie: cookie)]) }
        #expect(monitor.writtenNamespaces.count <= WriteMonitor.maximumNamespaces)
        monitor.keep([5, 39_999], of: 2)
        #expect(monitor.writtenNamespaces == [39_999])
    }

    @Test func whoWroteLast() throws {
        let monitor = monitor()
        let name = try SysctlName("net.ipv4.tcp_keepalive_time")
        #expect(monitor.last(name, in: 11) == nil && monitor.last(name, in: nil) == nil)
        monitor.take([try Self.write(), try Self.write(new: "abc", result: .refused, command: "other")])
        // One that the kernel refused is not to blame for the value.
        #expect(monitor.last(name, in: 11)?.writer.command == "sysctl")
        #expect(
            monitor.last(name, in: 11)?.sentence
                == "sysctl (pid 4711, user root) from the host, 600 to 700, 2023-11-14T22:14:50.500Z")
    }

    @Test func whoIsToldToReadAgain() throws {
        let monitor = monitor()
        let told = Mutex<[Set<UInt64>]>([])
        monitor.listen { cookies in told.withLock { $0.append(cookies) } }
        monitor.take([try Self.write(), try Self.write(cookie: 12), try Self.write(cookie: 13, result: .refused)])
        monitor.take([try Self.write(result: .refused)])
        #expect(told.withLock { $0 } == [[11, 12]])
    }

    @Test func theListing() throws {
        let monitor = monitor(2)
        monitor.take([try Self.write(), try Self.write(new: "800"), try Self.write(new: "900", result: .unknown)])
        let listing = WriteListing(monitor.entries(after: 0, limit: 10) { _ in true }, monitor.counts)
        #expect(listing.writes.map(\.number) == [2, 3] && listing.last == 3 && listing.heard == 9 && listing.lost == 2)
        let line = listing.writes[0].line
        #expect(
            line == "2023-11-14T22:14:50.500Z  web  net.ipv4.tcp_keepalive_time  600 -> 800  applied  from host  "
                + "pid 4711 sysctl (/usr/sbin/sysctl)  ppid 4700  uid 0 root  login uid 1000\n")
        let decoded = try JSONDecoder().decode(WriteListing.Entry.self, from: Data(try listing.writes[0].json().utf8))
        #expect(decoded == listing.writes[0])
    }

    /// A name and a value are whatever somebody chose.
    @Test func hostileText() throws {
        var write = try Self.write(old: PrintableText.string(Array("\u{1B}[2J".utf8)), command: "x\u{1B}]0;y")
        write.namespace = "a\nb"
        let line = WriteListing.Entry(write).line
        #expect(!line.dropLast().contains("\n") && !line.contains("\u{1B}"))
    }
}
