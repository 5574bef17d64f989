import CLinux
import CNetnsBPF
import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// The engine that asks the kernel, against the portable one.
    @Suite(.needs(.bpf)) struct KernelEngineTests {
        /// Gives every sysctl of the namespace that takes one a random number near the one it has.
        private func randomise(_ namespace: NamedNamespace, _ seed: UInt64) throws {
            try namespace.check(
                "sh", "-c",
                """
                find /proc/sys/net -type f -perm -222 -o -type f -perm -644 | grep -v -e flush -e secret -e disable_ipv6 |
                awk -v seed=\(seed) 'BEGIN { srand(seed) } { print int(rand() * 120) + 1, $0 }' |
                while read -r number file; do
                    case $(cat "$file" 2>/dev/null) in ''|*[!0-9]*) ;; *) echo "$number" 2>/dev/null > "$file" ;; esac
                done 2>/dev/null; true
                """)
        }

        private func world() throws -> [NamedNamespace] {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            for (index, namespace) in namespaces.enumerated() {
                try namespace.check("ip", "link", "add", "a.\(index)", "type", "veth", "peer", "name", "b")
                try randomise(namespace, UInt64(index) * 7919 + 1)
                try namespace.randomise()
            }
            return namespaces
        }

        @Test func everyBuiltinSysctlIsAsTheOtherEngineHasIt() throws {
            let namespaces = try world()
            let names = namespaces.map(\.name) + ["host"]
            let kernel = try EngineUnderTest(names, asksKernel: true)
            let portable = try EngineUnderTest(names)
            // Twice: where tables are is remembered of the first time.
            for _ in 0..<2 {
                try kernel.collect(.sysctls)
                try portable.collect(.sysctls)
                #expect(kernel.names == portable.names)
                for (one, other) in zip(kernel.namespaces, portable.namespaces) {
                    #expect(one.allReadings == other.allReadings)
                    #expect(one.cookie == other.cookie && one.inode == other.inode && one.nsid == other.nsid)
                    // Processes of the host come and go between the two.
                    #expect(one.origin == other.origin && (one.isHost || one.processes == other.processes))
                }
                try namespaces[1].randomise()
            }
            #expect(kernel.ledger.entries.isEmpty && kernel.engine.isWalked)
            // It is the walk that reads: of the built-in list, this kernel leaves nothing to the portable way.
            #expect(kernel.engine.sysctlWays.count == BuiltinSysctls.names.count)
            let left = kernel.engine.sysctlWays.filter { $0.obstacle != nil }
            #expect(left.count * 4 < BuiltinSysctls.names.count, "\(left)")
        }

        @Test func everySysctlThereIsIsAsTheOtherEngineHasIt() throws {
            let namespaces = try world()
            let survey = try SysctlSurvey.at(namespaces[0].path)
            let patterns = try survey.values.filter { $0.value.text != nil }.keys.map { try SysctlPattern($0.dotted) }
            #expect(patterns.count > 400)
            let selection = SysctlSelection(builtin: false, include: patterns, exclude: [])
            let kernel = try EngineUnderTest(namespaces.map(\.name), asksKernel: true) { $0.sysctls = selection }
            let portable = try EngineUnderTest(namespaces.map(\.name)) { $0.sysctls = selection }
            for _ in 0..<2 {
                try kernel.collect(.sysctls)
                try portable.collect(.sysctls)
                for (one, other) in zip(kernel.namespaces, portable.namespaces) {
                    #expect(one.allReadings == other.allReadings)
                }
                for (index, namespace) in namespaces.enumerated() { try randomise(namespace, UInt64(index) + 100) }
            }
            // Most of them by the walk, and none in two ways at once.
            let ways = kernel.engine.sysctlWays
            #expect(
                ways.count { $0.obstacle == nil } * 10 > ways.count * 7,
                "\(ways.filter { $0.obstacle != nil }.map(\.name))")
        }

        @Test func patternsFindWhatTheyFindElsewhere() throws {
            let namespaces = try world()
            let selection = SysctlSelection(
                builtin: true, include: [try SysctlPattern("net.ipv4.conf.*.rp_filter")], exclude: [])
            let kernel = try EngineUnderTest(namespaces.map(\.name), asksKernel: true) { $0.sysctls = selection }
            for round in 0..<4 {
                if round == 2 {
                    try namespaces[0].check("ip", "link", "add", "new", "type", "veth", "peer", "name", "newer")
                    try namespaces[0].set("net/ipv4/conf/new/rp_filter", "2")
                    try namespaces[1].check("ip", "link", "del", "dev", "b")
                }
                // No link comes or goes.
                if round == 3 { try namespaces[2].check("ip", "link", "set", "dev", "a.2", "name", "other") }
                let portable = try EngineUnderTest(namespaces.map(\.name)) { $0.sysctls = selection }
                try kernel.collect(.sysctls)
                try portable.collect(.sysctls)
                for (one, other) in zip(kernel.namespaces, portable.namespaces) {
                    #expect(one.allReadings == other.allReadings)
                }
            }
            #expect(kernel.namespaces[0].value("net.ipv4.conf.new.rp_filter") == "2")
        }

        /// A namespace is found at the first collection, whatever holds it, and what holds it is named.
        @Test(arguments: NamespaceHolder.Kind.allCases)
        func heldAlone(_ kind: NamespaceHolder.Kind) throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "4321")
            let child = try NamespaceHolder.hold(namespace.path, by: kind)
            try namespace.delete()
            let engine = try EngineUnderTest(asksKernel: true)
            let found = try eventually { () -> NamespaceSample? in
                try engine.collect(.sysctls)
                // Another agent on this machine may hold it for a moment too.
                return engine[namespace.inode].flatMap { $0.holders.isEmpty ? nil : $0 }
            }
            let sample = try #require(found)
            #expect(sample.value("net.ipv4.tcp_keepalive_time") == "4321")
            #expect(sample.holders.contains { $0.pid == child.pid })
            let origin: Origin =
                switch kind {
                case .descriptor: .fd
                case .thread: .thread
                case .inetSocket, .unixSocket, .netlinkSocket: .socket
                }
            #expect(sample.holders.contains { $0.origin == origin })
            // And entered by that holder.
            try engine.collect()
            #expect(engine[namespace.inode]?.links.count == 1)
            child.end()
            let gone = try eventually { () -> Bool? in
                try engine.collect(.sysctls)
                return engine[namespace.inode]?.cookie == sample.cookie ? nil : true
            }
            #expect(gone == true)
        }

        @Test func heldByAMountElsewhere() throws {
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
            let engine = try EngineUnderTest(asksKernel: true)
            try engine.collect(.sysctls)
            let sample = try #require(engine[inode])
            #expect(sample.value("net.ipv4.tcp_keepalive_time") == "4713")
            #expect(sample.holders.contains { if case .foreignMount(child.pid, _) = $0 { true } else { false } })
            #expect(sample.origin == .mount)
        }

        /// While namespaces come and go at some 50 a second, every value belongs to its namespace, and none is shown after
        /// its end.
        @Test func churn() throws {
            let prefix = NamedNamespace.uniqueName("ch")
            // Makes a namespace, gives it a number, mounts it under its name, and takes the eighth before it away.
            let child = try ChildProcess(
                "python3", "-c",
                """
                import ctypes, os, select, sys
                libc = ctypes.CDLL(None, use_errno=True)
                path = "/run/netns/%s-%d"
                def drop(i):
                    name = (path % (sys.argv[1], i)).encode()
                    libc.umount2(name, 2)
                    try: os.unlink(name)
                    except FileNotFoundError: pass
                print("ready", flush=True)
                i = 0
                while not select.select([0], [], [], 0.01)[0]:
                    i += 1
                    if os.fork() == 0:
                        libc.unshare(0x40000000)
                        open("/proc/sys/net/ipv4/tcp_keepalive_time", "w").write(str(10000 + i))
                        name = path % (sys.argv[1], i)
                        open(name, "w").close()
                        libc.mount(b"/proc/self/ns/net", name.encode(), None, 4096, None)
                        os._exit(0)
                    os.wait()
                    if i > 8: drop(i - 8)
                for last in range(max(1, i - 8), i + 1): drop(last)
                """, prefix)
            defer { child.end() }
            let engine = try EngineUnderTest(["\(prefix)-*"], asksKernel: true)
            var seen: [UInt64: String] = [:]
            var values = 0
            let end = Date(timeIntervalSinceNow: 60)
            while seen.count < 300, Date() < end {
                try engine.collect(.sysctls)
                for sample in engine.namespaces {
                    let cookie = try #require(sample.cookie)
                    // A cookie is one namespace's, whose name does not change.
                    if let name = seen[cookie] { #expect(name == sample.name) }
                    seen[cookie] = sample.name
                    // Between its beginning and its mount it is called by its number.
                    let number = try #require(Int(sample.name.dropFirst(prefix.count + 1)))
                    let value = sample.value("net.ipv4.tcp_keepalive_time")
                    #expect(value == "\(number + 10000)", "\(sample.name)")
                    if value != nil { values += 1 }
                }
                usleep(5000)
            }
            #expect(seen.count >= 300 && values > 300, "\(seen.count) namespaces, \(values) values")
            child.end()
            try engine.collect(.sysctls)
            #expect(engine.names.isEmpty)
        }

        /// What the programs were compiled to is what the sources say.
        @Test func theEmbeddedObjectsAreCurrent() throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let result = try Command.run([root.appendingPathComponent("scripts/build-bpf").path, "--check"])
            #expect(result.status == 0, "\(result.errors)")
        }

        /// Loaded programs run on when rights are given up, and no other can be loaded.
        @Test func rightsAreGivenUpAfterLoading() async {
            await #expect(processExitsWith: .success) {
                guard let programs = try? KernelPrograms() else { exit(2) }
                let report = Privileges.reduce(to: KernelPrograms.neededToRun, runsPrograms: true)
                guard report.isFiltered, report.failures.isEmpty else { exit(3) }
                guard (try? KernelPrograms()) == nil else { exit(4) }
                var count = 0
                let walk = unsafe try? programs.walk(sysctls: 0, groups: 0, begin: {}, { _, _, _ in count += 1 })
                guard walk != nil, count > 0 else { exit(5) }
                var tasks = KernelTasks()
                guard (try? tasks.refresh(programs, own: walk?.pid ?? 0)) != nil, tasks.index(of: getpid()) != nil
                else {
                    exit(6)
                }
                exit(0)
            }
        }

        /// More namespaces than one call gives: the next call goes on where the last one ended.
        @Test func severalCalls() throws {
            let namespaces = try (0..<4).map { _ in try NamedNamespace() }
            let engine = try EngineUnderTest(asksKernel: true) { settings in
                // So many sysctls that a call has room for some sixty namespaces.
                let patterns = try (0..<1024).map { try SysctlPattern("net.ipv4.made_up_\($0)") }
                settings.sysctls = SysctlSelection(builtin: false, include: patterns, exclude: [])
            }
            try engine.collect(.sysctls)
            let found = Set(engine.namespaces.map(\.inode))
            for namespace in namespaces { #expect(found.contains(namespace.inode)) }
        }
    }
}
