import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Namespaces come and go, and the engine keeps none.
    @Suite struct LifetimeTests {
        /// In a process of its own, whose descriptors are the engine's alone.
        @Test func nothingIsHeld() async throws {
            let namespace = try NamedNamespace()
            let peer = NamedNamespace.uniqueName("nv")
            try Command.check(
                "ip", "link", "add", peer, "type", "veth", "peer", "name", "eth0", "netns", namespace.name)
            defer { _ = try? Command.run(["ip", "link", "del", peer]) }
            let name = namespace.name
            await #expect(processExitsWith: .success) { [name = name as String, peer = peer as String] in
                let before = OpenDescriptors.holding()
                let engine = try EngineUnderTest([name]) {
                    $0.threads = 2
                    $0.deepInterval = 0.05
                    $0.sysctls = SysctlSelection(
                        builtin: true, include: [try SysctlPattern("net.ipv4.conf.*.rp_filter")], exclude: [])
                }
                for _ in 0..<5 {
                    let report = try engine.collect()
                    #expect(engine.names == [name])
                    #expect(report.keptDescriptors > 20)
                    // A deep scan may be looking at a socket just now.
                    #expect(eventually { OpenDescriptors.holding() <= before ? true : nil } == true)
                }
                #expect(OpenDescriptors.sysctls() > 20)
                try Command.check("ip", "netns", "del", name)
                let gone = eventually {
                    FileManager.default.fileExists(atPath: "/sys/class/net/\(peer)") ? nil : true
                }
                #expect(gone == true, "the namespace is still held")
                #expect(OpenDescriptors.sysctls() > 20)
                let report = try engine.collect()
                #expect(engine.names.isEmpty)
                #expect(report.keptDescriptors == 0)
                #expect(OpenDescriptors.sysctls() == 0)
                #expect(engine.ledger.entries.isEmpty)
            }
        }

        /// Engines leave no descriptor and no thread behind.
        @Test func enginesLeaveNothing() async throws {
            let namespace = try NamedNamespace()
            let name = namespace.name
            await #expect(processExitsWith: .success) { [name = name as String] in
                func run() throws {
                    let engine = try EngineUnderTest([name, "host"]) {
                        $0.threads = 3
                        $0.deepInterval = 600
                    }
                    try engine.collect()
                    #expect(engine.names == ["host", name])
                }
                func threads() -> [String] {
                    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
                    return tasks.compactMap {
                        try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)
                    }
                    .filter { $0 == "collect\n" || $0 == "deep-scan\n" }
                }
                try run()
                #expect(eventually { threads().isEmpty ? true : nil } == true)
                let before = OpenDescriptors.targets().count
                for _ in 0..<10 { try run() }
                #expect(eventually { threads().isEmpty ? true : nil } == true)
                #expect(eventually { OpenDescriptors.targets().count <= before ? true : nil } == true)
            }
        }

        /// The kernel gives the inode of a dead namespace to the next one at once.
        @Test(arguments: [true, false])
        func anInodeThatIsUsedAgain(withFiles: Bool) throws {
            // Somebody else on this machine may get the inode first: then once more.
            for _ in 1...10 {
                if try useInodeAgain(withFiles: withFiles) { return }
            }
            Issue.record("the inode never came back")
        }

        private func useInodeAgain(withFiles: Bool) throws -> Bool {
            let first = try NamedNamespace()
            try first.set("net/ipv4/tcp_keepalive_time", "1111")
            try Command.check("ip", "-n", first.name, "link", "add", "old", "type", "bridge")
            try Command.check("ip", "netns", "set", first.name, "\(2_000_000 + getpid() % 1_000_000)")
            let engine = try EngineUnderTest(["nt\(getpid())x*"]) {
                $0.descriptors = DescriptorBudget(total: withFiles ? 500 : 0)
            }
            try engine.collect()
            let old = try #require(engine[first.inode])
            #expect(old.value("net.ipv4.tcp_keepalive_time") == "1111")
            #expect(old.links.count == 2)
            #expect(old.nsid != nil)
            try first.delete()
            // The lowest free inode comes first: those that are not it are kept until it comes.
            var tries: [NamedNamespace] = []
            while tries.last?.inode != first.inode, tries.count < 16 {
                tries.append(try NamedNamespace())
                usleep(20_000)
            }
            guard let second = tries.last, second.inode == first.inode else { return false }
            try second.set("net/ipv4/tcp_fin_timeout", "33")
            try engine.collect()
            let new = try #require(engine[second.inode])
            #expect(new !== old)
            #expect(new.name == second.name)
            #expect(new.serial != old.serial)
            #expect(new.cookie != nil)
            #expect(new.cookie != old.cookie)
            #expect(new.firstSeen > old.firstSeen)
            #expect(new.nsid == nil)
            #expect(new.mounts.map { String(decoding: $0, as: UTF8.self) } == [second.path])
            #expect(new.origin == .mount)
            #expect(new.value("net.ipv4.tcp_keepalive_time") == "7200")
            #expect(new.value("net.ipv4.tcp_fin_timeout") == "33")
            #expect(new.links.map { $0.name.description } == ["lo"])
            #expect(Set(engine.namespaces.map(\.serial)).count == engine.namespaces.count)
            // And it stays the same one from then on.
            try engine.collect()
            #expect(engine[second.inode] === new)
            return true
        }

        @Test func aNamespaceKeepsItsSerialWhateverItsHolders() throws {
            let namespace = try NamedNamespace()
            let engine = try EngineUnderTest(["*\(namespace.inode)*", "\(namespace.name)*"])
            try engine.collect()
            let serial = try #require(engine[namespace.inode]).serial
            let child = try ChildProcess(
                "nsenter", "--net=\(namespace.path)", "sh", "-c", "echo ready; read wait")
            try engine.collect()
            #expect(engine[namespace.inode]?.origin == .process)
            try namespace.delete()
            try engine.collect()
            #expect(engine[namespace.inode]?.serial == serial)
            #expect(engine[namespace.inode]?.name == "net:[\(namespace.inode)]")
            child.end()
            try engine.collect()
            #expect(engine.names.isEmpty)
        }
    }
}
