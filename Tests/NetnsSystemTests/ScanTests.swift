import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// The parts of discovery, each alone.
    @Suite struct ScanTests {
        @Test func processes() throws {
            let child = try ChildProcess(
                "unshare", "--net", "sh", "-c",
                """
                setpriv --pdeathsig KILL sleep 600 & a=$!
                setpriv --pdeathsig KILL sleep 600 & b=$!
                echo ready; read wait; kill -KILL $a $b
                """)
            let inode = try namespaceInode("/proc/\(child.pid)/ns/net")
            var scan = try ProcessScan(procfs: "/proc")
            for _ in 0..<3 {
                try scan.run()
                let members = try #require(scan.members[inode])
                #expect(members.processes == 3)
                #expect(members.lowest == child.pid)
            }
            #expect(scan.namespace(of: child.pid) == inode)
            #expect(scan.namespace(of: 0x7FFF_FFFF) == nil)
            // The host's are as many as /proc shows; others start and end meanwhile.
            let own = try namespaceInode("/proc/self/ns/net")
            // Process 1 may be closed even to root.
            let first = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/1/ns/net")
            #expect(scan.denied == (first == nil ? 1 : 0))
            let counted = try eventually { () -> Bool? in
                let before = processes(in: own)
                try scan.run()
                return before == processes(in: own) && scan.members[own]?.processes == before.count
                    && scan.members[own]?.lowest == before.min() ? true : nil
            }
            #expect(counted == true)
            child.end()
            // Its own children hear of it later.
            let isGone = try eventually { () -> Bool? in
                try scan.run()
                return scan.members[inode] == nil ? true : nil
            }
            #expect(isGone == true)
        }

        private func processes(in inode: UInt64) -> Set<Int32> {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return Set(
                entries.compactMap { Int32($0) }.filter {
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/ns/net"))
                        == "net:[\(inode)]"
                })
        }

        /// Others on this machine mount namespaces too, so what stands still is waited for.
        @Test func mountTable() throws {
            var table = try MountTable()
            #expect(table.generation == 0 && table.mounts.isEmpty)
            try table.refresh()
            #expect(table.generation == 1)
            let still = try eventually { () -> Bool? in
                let before = table.generation
                for _ in 0..<20 { try table.refresh() }
                return table.generation == before ? true : nil
            }
            #expect(still == true)
            let before = table.generation
            let namespace = try NamedNamespace()
            try table.refresh()
            #expect(table.generation > before)
            #expect(table.mounts.contains(NamespaceMount(inode: namespace.inode, path: Array(namespace.path.utf8))))
            try namespace.delete()
            try table.refresh()
            #expect(!table.mounts.contains { $0.path == Array(namespace.path.utf8) })
        }

        /// What holds a namespace is found with the way to it, and leads to it.
        @Test(arguments: NamespaceHolder.Kind.allCases)
        func deepScan(_ kind: NamespaceHolder.Kind) throws {
            let namespace = try NamedNamespace()
            let child = try NamespaceHolder.hold(namespace.path, by: kind)
            try namespace.delete()
            var scan = try DeepScan(paths: SystemPaths())
            // The second time, what is known of sockets is used.
            for _ in 0..<3 {
                let findings = try scan.run()
                let holders = (findings.holders[namespace.inode] ?? []).filter { $0.pid == child.pid }
                #expect(holders.count == 1)
                let holder = try #require(holders.first)
                let handle = try NamespaceHandle.open(holder, inode: namespace.inode, paths: SystemPaths())
                #expect(try handle.inode() == namespace.inode)
                switch (kind, holder) {
                case (.descriptor, .descriptor), (.thread, .thread), (.inetSocket, .socket), (.unixSocket, .socket),
                    (.netlinkSocket, .socket):
                    break
                default: Issue.record("\(kind) is held by \(holder)")
                }
                #expect(findings.denied == 0 && findings.finished > 1e9)
            }
            child.end()
            let gone = try eventually {
                try scan.run().holders[namespace.inode]?.contains { $0.pid == child.pid } == true ? nil : true
            }
            #expect(gone == true)
        }

        /// A descriptor that came from /proc/PID/ns/net reads otherwise than one that came from a mount.
        @Test(arguments: ["/proc/self/ns/net", "/run/netns/"])
        func descriptorsOfBothKinds(_ source: String) throws {
            let namespace = try NamedNamespace()
            let path = source.hasSuffix("/") ? namespace.path : source
            let child = try ChildProcess(
                "nsenter", "--net=\(namespace.path)", "/usr/bin/python3", "-c",
                """
                import ctypes, os, sys
                kept = os.open(sys.argv[1], os.O_RDONLY)
                ctypes.CDLL(None).unshare(0x40000000)
                print('ready', flush=True)
                sys.stdin.read()
                """, path)
            try namespace.delete()
            var scan = try DeepScan(paths: SystemPaths())
            let holders = try scan.run().holders[namespace.inode] ?? []
            #expect(holders.contains { $0.pid == child.pid && $0.origin == .fd })
        }

        @Test func manyHolders() throws {
            let namespace = try NamedNamespace()
            let child = try ChildProcess(
                "/usr/bin/python3", "-c",
                """
                import os, sys
                kept = [os.open(sys.argv[1], os.O_RDONLY) for _ in range(100)]
                print('ready', flush=True)
                sys.stdin.read()
                """, namespace.path)
            try namespace.delete()
            var scan = try DeepScan(paths: SystemPaths())
            #expect(try scan.run().holders[namespace.inode]?.count == DeepScan.holdersKept)
            child.end()
        }
    }
}
