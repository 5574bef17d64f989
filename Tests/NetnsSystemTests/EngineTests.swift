import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Collections as a whole: threads, deadlines, limits, filters.
    @Suite struct EngineTests {
        /// Whatever reads them, the namespaces are the same.
        @Test func manyThreadsReadWhatOneReads() throws {
            let namespaces = try (0..<12).map { _ in try NamedNamespace() }
            for namespace in namespaces { try namespace.randomise() }
            let pattern = "nt\(getpid())x*"
            let settings = { (settings: inout EngineSettings) throws in
                settings.sysctls = SysctlSelection(
                    builtin: true, include: [try SysctlPattern("net.ipv4.neigh.*.*")], exclude: [])
            }
            let one = try EngineUnderTest([pattern], settings)
            let many = try EngineUnderTest([pattern]) {
                try settings(&$0)
                $0.threads = 8
            }
            for _ in 0..<3 {
                let reports = try [one.collect(), many.collect()]
                #expect(one.names == namespaces.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
                #expect(many.names == one.names)
                #expect(reports.map(\.sysctls.attempts) == [12, 12])
                // And those of the host, where other ends may be.
                #expect(reports.map(\.links.attempts) == [13, 13])
                for (a, b) in zip(one.namespaces, many.namespaces) {
                    #expect(a.wasRead && b.wasRead)
                    #expect(a.inode == b.inode && a.cookie == b.cookie && a.nsid == b.nsid)
                    #expect(a.allReadings == b.allReadings)
                    #expect(a.links.map { "\($0.index) \($0.name)" } == b.links.map { "\($0.index) \($0.name)" })
                }
                // Each value is one namespace's own.
                for namespace in namespaces {
                    let value = one[namespace.inode]?.value("net.core.somaxconn")
                    #expect(value == (try namespace.get("net/core/somaxconn")))
                }
            }
            #expect(Set(one.namespaces.map(\.cookie)).count == 12)
        }

        /// In a process of its own: when a collection has ended, all its threads are at home.
        @Test(arguments: [1, 2, 8])
        func threadsReturnHome(threads: Int) async throws {
            let namespaces = try (0..<9).map { _ in try NamedNamespace() }
            let names = namespaces.map(\.name)
            await #expect(processExitsWith: .success) { [names = names as [String], threads = threads as Int] in
                func tasks() throws -> [(name: String, namespace: UInt64)] {
                    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap {
                        guard let name = try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8)
                        else { return nil }
                        return (name, try namespaceInode("/proc/self/task/\($0)/ns/net"))
                    }
                }
                let home = try namespaceInode("/proc/self/ns/net")
                let engine = try EngineUnderTest(names) { $0.threads = threads }
                for _ in 0..<5 {
                    try engine.collect()
                    #expect(engine.names.count == 9)
                    let tasks = try tasks()
                    #expect(tasks.count { $0.name == "collect\n" } == threads)
                    #expect(tasks.allSatisfy { $0.namespace == home })
                }
            }
        }

        @Test func aDeadlineThatHasPassed() throws {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            let engine = try EngineUnderTest(namespaces.map(\.name))
            var report = try engine.collect(until: Instant.now())
            #expect(report.leftOutByDeadline == 3)
            #expect(report.sysctls.attempts == 0 && report.links.attempts == 0)
            #expect(report.sysctls.succeeded)
            #expect(engine.namespaces.count == 3)
            for sample in engine.namespaces {
                #expect(!sample.wasRead && !sample.hasSysctls && !sample.hasLinks)
                #expect(sample.allReadings.isEmpty && sample.links.isEmpty && sample.cookie == nil)
            }
            let serials = engine.namespaces.map(\.serial)
            report = try engine.collect()
            #expect(report.leftOutByDeadline == 0)
            #expect(engine.namespaces.allSatisfy { $0.wasRead && $0.hasSysctls && $0.hasLinks && $0.cookie != nil })
            #expect(engine.namespaces.map(\.serial) == serials)
            // Afterwards what was read once is there, and is said to be of no collection.
            report = try engine.collect(until: Instant.now())
            #expect(report.leftOutByDeadline == 3)
            #expect(engine.namespaces.allSatisfy { !$0.wasRead })
            report = try engine.collect(until: Instant.now().advanced(bySeconds: 600))
            #expect(engine.namespaces.allSatisfy { $0.wasRead })
            #expect(engine.ledger.entries.isEmpty)
        }

        /// Who makes namespaces by the thousand takes no sample from those that were there before a deadline.
        @Test func newcomersComeLast() throws {
            let prefix = NamedNamespace.uniqueName("o")
            var namespaces = [try NamedNamespace("\(prefix)m"), try NamedNamespace("\(prefix)z")]
            let engine = try EngineUnderTest(["\(prefix)*", "net:*"])
            try engine.collect()
            namespaces.append(try NamedNamespace("\(prefix)a"))
            let process = try ChildProcess("unshare", "--net", "sh", "-c", "echo ready; exec cat")
            let inode = try NamedNamespace.inode(of: "/proc/\(process.pid)/ns/net")
            // It finds them, and reads nobody.
            for _ in 0..<2 { try engine.collect(until: Instant.now()) }
            let wanted = Set(namespaces.map(\.inode) + [inode])
            let order = engine.engine.inOrderOfVisits(engine.engine.sorted).map(\.inode).filter(wanted.contains)
            #expect(order == namespaces.map(\.inode) + [inode])
            try engine.collect()
            try engine.collect(until: Instant.now())
            let later = engine.engine.inOrderOfVisits(engine.engine.sorted).map(\.inode)
            #expect(later == engine.engine.sorted.map(\.inode))
            process.end()
        }

        @Test func partsThatAreNotAskedFor() throws {
            let namespace = try NamedNamespace()
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect()
            let sample = try #require(engine[namespace.inode])
            #expect(sample.hasLinks && sample.hasSysctls)
            try engine.collect(.links)
            #expect(sample.hasLinks && !sample.hasSysctls)
            try engine.collect(.sysctls)
            #expect(!sample.hasLinks && sample.hasSysctls)
            let report = try engine.collect([])
            #expect(!sample.hasLinks && !sample.hasSysctls && sample.wasRead)
            #expect(report.sysctls.attempts == 0 && report.links.attempts == 0)
        }

        /// Those that were there first stay; the host is never left out.
        @Test func moreNamespacesThanAllowed() throws {
            let first = try (0..<3).map { _ in try NamedNamespace() }
            let engine = try EngineUnderTest(["nt\(getpid())x*", "host"]) { $0.maximumNamespaces = 4 }
            var report = try engine.collect()
            let kept = Set(["host"] + first.map(\.name))
            #expect(Set(engine.names) == kept)
            #expect(report.leftOutByLimit == 0)
            var later = try (0..<2).map { _ in try NamedNamespace(NamedNamespace.uniqueName("nt\(getpid())x0")) }
            report = try engine.collect()
            #expect(Set(engine.names) == kept)
            #expect(report.leftOutByLimit == 2)
            #expect(report.sysctls.attempts == 4)
            // There is room again for one.
            try first[1].delete()
            report = try engine.collect()
            #expect(engine.names.count == 4)
            #expect(engine.names.contains { name in later.contains { $0.name == name } })
            #expect(!engine.names.contains(first[1].name))
            #expect(report.leftOutByLimit == 1)
            later = []
            report = try engine.collect()
            #expect(Set(engine.names) == kept.subtracting([first[1].name]))
            #expect(report.leftOutByLimit == 0)
        }

        @Test func filters() throws {
            let namespaces = try (0..<4).map { _ in try NamedNamespace() }
            let names = namespaces.map(\.name)
            let pattern = "nt\(getpid())x*"
            #expect(try collected([pattern], []) == Set(names))
            #expect(try collected([pattern], [names[0]]) == Set(names.dropFirst()))
            #expect(try collected([names[1], names[2]], []) == [names[1], names[2]])
            #expect(try collected(["host", names[1]], ["*[!\(names[1].last ?? "0")]"]) == [names[1]])
            #expect(try collected([], ["*"]).isEmpty)
            let engine = try EngineUnderTest([names[3]]) { $0.exclude = [Glob("host")] }
            let report = try engine.collect()
            #expect(report.sysctls.attempts == 1)
        }

        private func collected(_ include: [String], _ exclude: [String]) throws -> Set<String> {
            let engine = try EngineUnderTest(include) { $0.exclude = exclude.map { Glob($0) } }
            try engine.collect([])
            return Set(engine.names)
        }

        /// Thirty namespaces a second come and go. In each, time is set to its number before intvl is, and intvl is read
        /// before time: one that has the one has the other.
        @Test(arguments: [1, 2])
        func churn(threads: Int) throws {
            let prefix = NamedNamespace.uniqueName("nc") + "n"
            let child = try ChildProcess(
                "bash", "-c",
                """
                echo ready
                n=100
                while read -t 0.02 _; [ $? -gt 128 ]; do
                    n=$((n + 1))
                    ip netns add $1$n
                    nsenter --net=/run/netns/$1$n sh -c "
                        echo $n > /proc/sys/net/ipv4/tcp_keepalive_time
                        echo $n > /proc/sys/net/ipv4/tcp_keepalive_intvl"
                    [ $((n % 3)) = 0 ] && ip -n $1$n link add name eth$n type veth peer name p
                    old=$((n - 8))
                    [ -e /run/netns/$1$old ] && ip netns del $1$old
                done
                for path in /run/netns/$1*; do ip netns del ${path##*/}; done
                """, "bash", prefix)
            let engine = try EngineUnderTest(["\(prefix)*"]) {
                $0.threads = threads
                $0.deepInterval = 0.1
            }
            var seen: [String: UInt64] = [:]
            var owners: [UInt64: String] = [:]
            var set = 0
            for _ in 0..<60 {
                try engine.collect()
                for sample in engine.namespaces where sample.wasRead {
                    let number = String(sample.name.dropFirst(prefix.count).prefix { $0.isNumber })
                    let time = sample.value("net.ipv4.tcp_keepalive_time")
                    let interval = sample.value("net.ipv4.tcp_keepalive_intvl")
                    // nil: it was deleted while it was read.
                    #expect(time == nil || time == "7200" || time == number, "\(sample.name)")
                    #expect(interval == nil || interval == "75" || interval == number, "\(sample.name)")
                    if interval == number {
                        set += 1
                        #expect(time == nil || time == number, "\(sample.name)")
                    }
                    // A serial is one namespace's, and a namespace has one serial.
                    let cookie = try #require(sample.cookie)
                    #expect(owners[cookie, default: number] == number)
                    owners[cookie] = number
                    #expect(seen[number, default: cookie] == cookie)
                    seen[number] = cookie
                    for link in sample.links where link.name.description.hasPrefix("eth") {
                        #expect(link.name.description == "eth\(number)")
                    }
                }
                usleep(10_000)
            }
            #expect(child.isRunning)
            #expect(seen.count > 20)
            #expect(set > 60)
            #expect(engine.ledger.entries.allSatisfy { $0.key.operation != "return" && $0.key.operation != "home" })
            child.end()
        }
    }
}
