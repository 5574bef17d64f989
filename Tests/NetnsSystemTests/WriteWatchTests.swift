import CLinux
import Foundation
import NetnsCore
import Synchronization
import TestSupport
import Testing

@testable import NetnsSystem

/// What a watch of a test's own was told.
private final class Listener: Sendable {
    let watch: WriteWatch
    private let heard = Mutex<[SysctlWrite]>([])

    init(_ namespaces: [NamedNamespace]) throws {
        watch = try WriteWatch()
        let engine = try EngineUnderTest(namespaces.map(\.name))
        try engine.collect([])
        watch.update(engine.engine.sites())
        try watch.start(paths: SystemPaths(), ledger: ErrorLedger()) { [weak self] writes in
            self?.heard.withLock { $0 += writes }
        }
    }

    deinit { watch.stop() }

    /// Those in one namespace, once there are so many.
    func writes(in inode: UInt64, count: Int, within seconds: Double = 10) throws -> [SysctlWrite] {
        let found = eventually(within: seconds) { () -> [SysctlWrite]? in
            let all = heard.withLock { $0.filter { $0.inode == inode } }
            return all.count >= count ? all : nil
        }
        return try #require(found, "of \(count) writes: \(heard.withLock { $0.filter { $0.inode == inode }.count })")
    }
}

extension KernelTests {
    /// The watch of writes on the real kernel.
    @Suite(.needs(.root, .bpf)) struct WriteWatchTests {
        private static let keepalive = "/proc/sys/net/ipv4/tcp_keepalive_time"

        @Test func whoWroteWhat() throws {
            let namespace = try NamedNamespace()
            let listener = try Listener([namespace])
            try namespace.check("sh", "-c", "echo 700 > \(Self.keepalive)")
            try namespace.check("sysctl", "-qw", "net.ipv4.tcp_rmem=4096 100000 200000")
            let writes = try listener.writes(in: namespace.inode, count: 2)
            let first = writes[0]
            #expect(first.sysctl.dotted == "net.ipv4.tcp_keepalive_time" && first.isSure)
            #expect(first.old?.text == "7200" && first.new?.text == "700" && first.actual == "700")
            #expect(first.result == .applied && first.origin == .host && first.isChange)
            #expect(first.namespace == namespace.name)
            #expect(first.writer.command == "sh" && first.writer.executable?.hasSuffix("/dash") == true)
            #expect(first.writer.uid == 0 && first.user == "root" && first.writer.pid == first.writer.thread)
            #expect(first.writer.network == namespace.inode && first.writer.isOfHost)
            #expect(abs(first.time - Date().timeIntervalSince1970) < 60)
            #expect(writes[1].new?.text == "4096 100000 200000" && writes[1].result == .applied)
        }

        @Test func whatIsRefusedAndWhatIsTheSame() throws {
            let namespace = try NamedNamespace()
            let listener = try Listener([namespace])
            // One after the other: of two at once of different processes, the second tells nothing of the first.
            for (index, value) in ["abc", "300", "64", "65"].enumerated() {
                _ = try? namespace.check("sh", "-c", "printf '%s' '\(value)' > /proc/sys/net/ipv4/ip_default_ttl")
                _ = try listener.writes(in: namespace.inode, count: index + 1)
            }
            let writes = try listener.writes(in: namespace.inode, count: 4)
            #expect(writes.map(\.result) == [.refused, .refused, .applied, .applied])
            #expect(writes.map(\.isChange) == [false, false, false, true])
            #expect(writes[0].actual == "64" && writes[3].actual == "65")
        }

        /// A file that was opened elsewhere is that namespace's.
        @Test func throughADescriptorOfAnotherNamespace() throws {
            let (one, other) = (try NamedNamespace(), try NamedNamespace())
            let listener = try Listener([one, other])
            try one.check(
                "sh", "-c", "exec 3> \(Self.keepalive); nsenter --net=/run/netns/\(other.name) sh -c 'echo 801 >&3'")
            let write = try listener.writes(in: one.inode, count: 1)[0]
            #expect(write.new?.text == "801" && write.result == .applied)
            #expect(write.writer.network == other.inode && write.namespace == one.name)
        }

        @Test func aProcessThatEndsAtOnce() throws {
            let namespace = try NamedNamespace()
            let listener = try Listener([namespace])
            try namespace.check(
                "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sh -c \"echo 80$i > \(Self.keepalive)\"; done")
            let writes = try listener.writes(in: namespace.inode, count: 9)
            #expect(writes.map { $0.new?.text } == (1...9).map { "80\($0)" })
            #expect(Set(writes.map(\.writer.pid)).count == 9 && Set(writes.map(\.writer.parent)).count == 1)
            #expect(writes.allSatisfy { $0.result == .applied })
        }

        /// 10,000 writes as fast as they go: each is heard, or counted as lost.
        @Test func aBurst() throws {
            let namespace = try NamedNamespace()
            let listener = try Listener([namespace])
            let before = listener.watch.counts
            try namespace.check(
                "python3", "-c",
                """
                import os
                f = os.open("\(Self.keepalive)", os.O_WRONLY)
                for i in range(10000): os.pwrite(f, b"%d" % (1000 + i % 7), 0)
                """)
            _ = eventually {
                listener.watch.counts.heard + listener.watch.counts.lost >= before.heard + 10_000 ? true : nil
            }
            let lost = Int(listener.watch.counts.lost - before.lost)
            let writes = try listener.writes(in: namespace.inode, count: 10_000 - lost, within: 30)
            #expect(writes.count + lost == 10_000)
            #expect(lost == 0)
            #expect(writes.count { $0.result == .applied } >= writes.count - 1)
        }

        /// Its handler has the system call begun again while somebody has the RTNL lock: it is one write.
        @Test func aWriterThatWaits() throws {
            let namespace = try NamedNamespace()
            let listener = try Listener([namespace])
            let busy = try ChildProcess(
                "ip", "netns", "exec", namespace.name, "sh", "-c",
                "echo ready; for i in 1 2 3 4 5 6 7 8 9; do ip link add d$i type veth; ip link del d$i; done; read wait"
            )
            try namespace.check(
                "sh", "-c", "for i in 1 0 1 0 1; do echo $i > /proc/sys/net/ipv4/ip_forward; done")
            busy.end()
            let writes = try listener.writes(in: namespace.inode, count: 5).filter {
                $0.sysctl.dotted == "net.ipv4.ip_forward"
            }
            #expect(writes.map { $0.new?.text } == ["1", "0", "1", "0", "1"])
            #expect(writes.allSatisfy { $0.result == .applied })
        }

        @Test func aKeyIsNotLookedAt() throws {
            let namespace = try NamedNamespace()
            let listener = try Listener([namespace])
            try namespace.check(
                "sh", "-c", "echo 00000000-00000000-00000000-00000001 > /proc/sys/net/ipv4/tcp_fastopen_key")
            let write = try listener.writes(in: namespace.inode, count: 1)[0]
            #expect(write.sysctl.dotted == "net.ipv4.tcp_fastopen_key")
            #expect(write.old == nil && write.new == nil && write.actual == nil && write.result == .unknown)
        }

        /// Who made it is inside; nobody has found it yet.
        @Test(.needs(.tool("unshare"))) func anUnknownNamespace() throws {
            let listener = try Listener([])
            let holder = try ChildProcess(
                "unshare", "-Urn", "sh", "-c", "echo 650 > \(Self.keepalive); echo ready; read wait")
            let inode = try NamedNamespace.inode(of: "/proc/\(holder.pid)/ns/net")
            let write = try listener.writes(in: inode, count: 1)[0]
            #expect(write.origin == .inside && write.namespace == nil && write.result == .applied)
        }

        /// Each is told of everything, and none is in the way of another.
        @Test func twoWatches() throws {
            let namespace = try NamedNamespace()
            let first = try Listener([namespace])
            do {
                let second = try Listener([namespace])
                try namespace.check("sh", "-c", "echo 701 > \(Self.keepalive)")
                _ = try second.writes(in: namespace.inode, count: 1)
            }
            try namespace.check("sh", "-c", "echo 702 > \(Self.keepalive)")
            let writes = try first.writes(in: namespace.inode, count: 2)
            #expect(writes.map { $0.new?.text } == ["701", "702"])
        }

        @Test func whereItCannotBeReached() throws {
            let failure = #expect(throws: KernelProgramsUnavailable.self) { _ = try WriteWatch(cgroup: "/sys") }
            #expect(failure?.reason == .cgroup && failure?.description.contains("--path.cgroup") == true)
        }

        /// Nothing of it keeps a namespace alive.
        @Test func nothingIsHeld() throws {
            var namespace: NamedNamespace? = try NamedNamespace()
            let listener = try Listener([try #require(namespace)])
            let device = NamedNamespace.uniqueName("w")
            try Command.check(
                "ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns",
                try #require(namespace).name)
            try #require(namespace).check("sh", "-c", "echo 700 > \(Self.keepalive)")
            _ = try listener.writes(in: try #require(namespace).inode, count: 1)
            namespace = nil
            #expect(
                eventually(within: 5) {
                    FileManager.default.fileExists(atPath: "/sys/class/net/\(device)") ? nil : true
                }
                    == true)
        }
    }
}
