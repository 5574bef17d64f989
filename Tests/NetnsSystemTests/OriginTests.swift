import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// However a namespace is held, it is found, and entered.
    @Suite struct OriginTests {
        private static let sysctl = "net.ipv4.tcp_keepalive_time"

        /// Collects with deep scans until the namespace shows with this origin: another agent that runs on this machine
        /// may hold it for a moment too.
        private func expect(
            _ inode: UInt64, has origin: Origin, value: String, location: SourceLocation = #_sourceLocation
        ) throws {
            let found = try eventually(within: 20) { () -> EngineUnderTest? in
                let engine = try EngineUnderTest { $0.deepInterval = 600 }
                let report = try engine.collect()
                #expect(report.deepScan != nil)
                return engine[inode]?.origin == origin ? engine : nil
            }
            let engine = try #require(found, "net:[\(inode)] with origin \(origin)", sourceLocation: location)
            let sample = try #require(engine[inode])
            #expect(sample.wasRead, sourceLocation: location)
            #expect(sample.value(Self.sysctl) == value, sourceLocation: location)
            #expect(sample.name == "net:[\(inode)]", sourceLocation: location)
            #expect(sample.links.map { $0.name.description } == ["lo"], sourceLocation: location)
        }

        @Test func ofAProcess() throws {
            let child = try NamespaceHolder.process()
            let inode = try namespaceInode("/proc/\(child.pid)/ns/net")
            try Command.check(
                "nsenter", "--net=/proc/\(child.pid)/ns/net", "sh", "-c",
                "echo 4711 > /proc/sys/net/ipv4/tcp_keepalive_time")
            try expect(inode, has: .process, value: "4711")
        }

        @Test func aMount() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "4712")
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect()
            let sample = try #require(engine[namespace.inode])
            #expect(engine.names == [namespace.name])
            #expect(sample.origin == .mount)
            #expect(sample.processes == 0)
            #expect(sample.leader == nil)
            #expect(sample.mounts.map { String(decoding: $0, as: UTF8.self) } == [namespace.path])
            #expect(sample.value(Self.sysctl) == "4712")
        }

        @Test func aProcessComesBeforeAMount() throws {
            let namespace = try NamedNamespace()
            let child = try ChildProcess(
                "nsenter", "--net=\(namespace.path)", "sh", "-c",
                "setpriv --pdeathsig KILL sleep 600 & p=$!; echo ready; read wait; kill $p")
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect()
            let sample = try #require(engine[namespace.inode])
            #expect(sample.origin == .process)
            #expect(sample.processes == 2)
            #expect(sample.leader?.pid == child.pid)
            #expect(sample.leader?.command == "sh")
            #expect(sample.leader?.user == "root")
            #expect(sample.name == namespace.name)
        }

        @Test func aMountInAnotherMountNamespace() throws {
            let directory = try TemporaryDirectory()
            let child = try ChildProcess(
                "unshare", "--mount", "--propagation", "private", "sh", "-ec",
                """
                mount -t tmpfs none "$1"
                touch "$1/kept"
                unshare --net="$1/kept" sh -c 'echo 4713 > /proc/sys/net/ipv4/tcp_keepalive_time'
                stat -c %i "$1/kept" > "$1/inode"
                echo ready
                read wait || :
                """, "sh", directory.path)
            let text = try String(contentsOfFile: "/proc/\(child.pid)/root\(directory.path)/inode", encoding: .utf8)
            let inode = try #require(UInt64(text.trimmingCharacters(in: .newlines)))
            try expect(inode, has: .mount, value: "4713")
        }

        @Test(arguments: NamespaceHolder.Kind.allCases)
        func alone(_ kind: NamespaceHolder.Kind) throws {
            let namespace = try NamedNamespace()
            let value = String(5000 + Int.random(in: 0..<1000))
            try namespace.set("net/ipv4/tcp_keepalive_time", value)
            let child = try NamespaceHolder.hold(namespace.path, by: kind)
            try namespace.delete()
            let origin: Origin =
                switch kind {
                case .descriptor: .fd
                case .thread: .thread
                case .inetSocket, .unixSocket, .netlinkSocket: .socket
                }
            try expect(namespace.inode, has: origin, value: value)
            child.end()
            // Nothing holds it any more, and nothing of it is shown.
            let gone = try eventually { () -> Bool? in
                let engine = try EngineUnderTest { $0.deepInterval = 600 }
                try engine.collect()
                return engine[namespace.inode]?.value(Self.sysctl) == value ? nil : true
            }
            #expect(gone == true)
        }

        /// A descriptor that is found by one deep scan and closed afterwards: the namespace is no error.
        @Test func aHolderThatWent() throws {
            let namespace = try NamedNamespace()
            let child = try NamespaceHolder.hold(namespace.path, by: .descriptor)
            try namespace.delete()
            let engine = try EngineUnderTest([anonymous(namespace.inode)]) { $0.deepInterval = 600 }
            try engine.collect()
            #expect(engine[namespace.inode]?.wasRead == true)
            child.end()
            let report = try engine.collect()
            #expect(engine.names.isEmpty)
            #expect(report.unreachable == 0)
            #expect(engine.ledger.entries.isEmpty)
        }
    }
}
