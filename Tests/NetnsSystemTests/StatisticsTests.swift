import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Counters of the real kernel under real traffic, beside what nstat(8), ss(8), conntrack(8), tc(8) and /proc show.
    @Suite struct StatisticsTests {
        /// Overflows a listen queue, is refused, has data dropped by a rule of nftables, floods a socket, and has no route;
        /// then keeps what it has open until its input ends.
        private static let traffic = """
            import os, socket, subprocess, sys, time
            def tcp(family=socket.AF_INET): return socket.socket(family, socket.SOCK_STREAM)
            kept = []
            full = tcp(); full.bind(("127.0.0.1", 7001)); full.listen(1)
            for _ in range(6):
                c = tcp(); c.setblocking(False); c.connect_ex(("127.0.0.1", 7001)); kept.append(c)
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                assert tcp(family).connect_ex((host, 1)) != 0
                u = socket.socket(family, socket.SOCK_DGRAM)
                for _ in range(3):
                    try: u.sendto(b"x", (host, 9))
                    except OSError: pass
                r = socket.socket(family, socket.SOCK_DGRAM)
                r.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                r.bind((host, 7003)); kept.append(r)
                for _ in range(40): u.sendto(b"y" * 500, (host, 7003))
            try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.1", 9))
            except OSError: pass
            server = tcp(); server.bind(("127.0.0.1", 7002)); server.listen(5)
            a = tcp(); a.connect(("127.0.0.1", 7002)); b, _ = server.accept(); a.send(b"x"); b.recv(1)
            gone = tcp(); gone.connect(("127.0.0.1", 7002)); other, _ = server.accept(); gone.close(); kept.append(other)
            rules = ["add table t", "add chain t c { type filter hook input priority 0 ; }", "add rule t c tcp dport 7002 drop"]
            subprocess.run(["nft", "-f", "-"], check=True, input=chr(10).join(rules), text=True)
            a.send(b"lost")
            kept += [full, server, a, b, gone]
            time.sleep(1.2)
            print("ready", flush=True)
            sys.stdin.read()
            """

        private static func busy(_ namespace: NamedNamespace) throws -> ChildProcess {
            try namespace.check("ip", "link", "set", "lo", "up")
            return try ChildProcess("ip", "netns", "exec", namespace.name, "python3", "-c", traffic)
        }

        /// What nstat shows, by its names: `TcpExtListenDrops`.
        private static func nstat(_ namespace: NamedNamespace) throws -> [String: UInt64] {
            let text = try namespace.check("nstat", "-asz", "--json")
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [String: NSNumber]] ?? [:]
            return (object["kernel"] ?? [:]).mapValues(\.uint64Value)
        }

        private static func values(_ sample: NamespaceSample, _ selection: MIBSelection) -> [String: UInt64] {
            var values: [String: UInt64] = [:]
            for (position, field) in selection.fields.enumerated() {
                values[field.group.rawValue + field.name] = sample.mib[position]
            }
            return values
        }

        @Test("every counter is nstat's, in five namespaces", .needs(.tool("ip"), .tool("nstat"), .tool("nft")))
        func netstat() throws {
            let namespaces = try (1...5).map { _ in try NamedNamespace() }
            let children = try namespaces.map { try Self.busy($0) }
            defer { for child in children { child.end() } }
            let selection = MIBSelection(KernelFeatures.mibFields(SystemPaths()))
            #expect(selection.files == MIBFile.allCases)
            for threads in 1...2 {
                let engine = try EngineUnderTest(namespaces.map(\.name)) {
                    $0.mib = selection
                    $0.threads = threads
                }
                for namespace in namespaces {
                    // Segments are sent again meanwhile.
                    let compared = try eventually { () -> [String: UInt64]? in
                        let before = try Self.nstat(namespace)
                        try engine.collect(.mib)
                        return try before == Self.nstat(namespace) ? before : nil
                    }
                    let told = try #require(compared)
                    let sample = try #require(engine[namespace.inode])
                    #expect(sample.hasMIB && !sample.hasSockets && !sample.hasConntrack && !sample.hasLinks)
                    let ours = Self.values(sample, selection)
                    // nstat takes -1 for a number, and leaves out a name that it has not heard of.
                    for (name, value) in ours where told[name] != nil { #expect(value == told[name], "\(name)") }
                    #expect(ours.keys.count { told[$0] != nil } > 250)
                    for name in [
                        "TcpExtListenOverflows", "TcpExtListenDrops", "TcpAttemptFails", "TcpOutRsts", "TcpRetransSegs",
                        "TcpExtTCPTimeouts", "UdpNoPorts", "Udp6NoPorts", "UdpRcvbufErrors", "Udp6RcvbufErrors",
                        "IpOutNoRoutes", "TcpCurrEstab", "Ip6InReceives", "Icmp6OutDestUnreachs",
                    ] { #expect(ours[name] ?? 0 > 0, "\(name)") }
                    #expect(ours["TcpMaxConn"] == nil)
                }
                let total = namespaces.compactMap { engine[$0.inode] }.map {
                    Self.values($0, selection)["TcpInSegs"] ?? 0
                }
                #expect(total.count == 5 && total.allSatisfy { $0 > 10 })
            }
        }

        /// A file of /proc/net as a process in the namespace reads it.
        private static func words(_ namespace: NamedNamespace, _ file: String) throws -> [String: UInt64] {
            var values: [String: UInt64] = [:]
            for line in try namespace.check("cat", "/proc/self/net/\(file)").split(separator: "\n") {
                let words = line.split(separator: " ")
                for index in stride(from: 1, to: words.count - 1, by: 2) {
                    values["\(words[0])\(words[index])"] = UInt64(words[index + 1])
                }
            }
            return values
        }

        @Test("sockets and states", .needs(.tool("ip"), .tool("ss"), .tool("nft")))
        func sockets() throws {
            let namespace = try NamedNamespace()
            let child = try Self.busy(namespace)
            defer { child.end() }
            let engine = try EngineUnderTest([namespace.name])
            func shown() throws -> ([String: UInt64], [String]) {
                let states = try namespace.check("ss", "-Htan").split(separator: "\n").map {
                    "\($0.contains("[::") ? "ipv6" : "ipv4") \($0.prefix { $0 != " " })"
                }
                // Last, since the kernel counts the socket of ss for a moment.
                let files = try Self.words(namespace, "sockstat").merging(Self.words(namespace, "sockstat6")) { $1 }
                return (files, states)
            }
            let compared = try eventually { () -> ([String: UInt64], [String])? in
                let before = try shown()
                try engine.collect([.sockets, .tcpStates])
                let after = try shown()
                guard engine[namespace.inode]?.sockets[.used] == before.0["sockets:used"] else { return nil }
                return before.0 == after.0 && before.1.sorted() == after.1.sorted() ? before : nil
            }
            let (files, states) = try #require(compared)
            let sample = try #require(engine[namespace.inode])
            let pairs: [(SocketStatistic, String)] = [
                (.used, "sockets:used"), (.tcpInUse, "TCP:inuse"), (.tcpTimeWait, "TCP:tw"), (.udpInUse, "UDP:inuse"),
                (.udp6InUse, "UDP6:inuse"), (.tcp6InUse, "TCP6:inuse"), (.fragmentMemory, "FRAG:memory"),
                (.rawInUse, "RAW:inuse"), (.fragment6Queues, "FRAG6:inuse"),
            ]
            for (statistic, word) in pairs { #expect(sample.sockets[statistic] == files[word], "\(word)") }
            #expect(sample.sockets[.tcpInUse] ?? 0 >= 5 && sample.sockets[.udp6InUse] == 2)
            let names: [(TCPState, String)] = [
                (.established, "ESTAB"), (.listen, "LISTEN"), (.synSent, "SYN-SENT"), (.finWait2, "FIN-WAIT-2"),
                (.closeWait, "CLOSE-WAIT"), (.finWait1, "FIN-WAIT-1"), (.timeWait, "TIME-WAIT"), (.lastAck, "LAST-ACK"),
                (.synReceived, "SYN-RECV"), (.close, "UNCONN"), (.closing, "CLOSING"),
            ]
            for (state, name) in names {
                for family in IPFamily.allCases {
                    let expected = states.count { $0 == "\(family.name) \(name)" }
                    #expect(sample.tcpStates[family, state] == expected, "\(name)")
                }
            }
            #expect(sample.tcpStates[.ipv4, .listen] == 2 && sample.tcpStates[.ipv4, .synSent] > 0)
        }

        /// Our own visit is not counted.
        @Test func anEmptyNamespaceHasNoSockets() throws {
            let namespace = try NamedNamespace()
            let engine = try EngineUnderTest([namespace.name])
            for _ in 1...3 {
                try engine.collect()
                #expect(engine[namespace.inode]?.sockets[.used] == 0)
                usleep(100_000)
            }
            #expect(
                OpenDescriptors.targets().allSatisfy {
                    !$0.contains("/net/") && !$0.hasSuffix("/net") || $0.hasPrefix("/proc/sys/")
                })
        }

        private static func conntrackCounters(_ namespace: NamedNamespace) throws -> [String: UInt64] {
            var sums: [String: UInt64] = [:]
            for word in try namespace.check("conntrack", "-S").split(whereSeparator: { " \t\n".contains($0) }) {
                let parts = word.split(separator: "=")
                if parts.count == 2, let value = UInt64(parts[1]) { sums[String(parts[0]), default: 0] += value }
            }
            sums["entries"] = UInt64(
                try namespace.check("conntrack", "-C").trimmingCharacters(in: .whitespacesAndNewlines))
            return sums
        }

        /// Ten datagrams to ten ports, and a TCP packet without any flag.
        private static let tracked = """
            import socket
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for port in range(9001, 9011):
                try: u.sendto(b"x", ("127.0.0.1", port))
                except OSError: pass
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
            raw.sendto(bytes([0, 9, 0, 9] + [0] * 8 + [0x50] + [0] * 7), ("127.0.0.1", 0))
            """

        @Test("connection tracking is conntrack's", .needs(.tool("ip"), .tool("conntrack"), .tool("nft")))
        func conntrack() throws {
            let (tracking, plain) = (try NamedNamespace(), try NamedNamespace())
            for namespace in [tracking, plain] { try namespace.check("ip", "link", "set", "lo", "up") }
            let rules =
                "add table t\nadd chain t c { type filter hook input priority 0 ; }\nadd rule t c ct state invalid counter\n"
            try Command.check("ip", "netns", "exec", tracking.name, "nft", "-f", "-", input: rules)
            let engine = try EngineUnderTest([tracking.name, plain.name])
            // Asking does not begin it.
            try engine.collect(.conntrack)
            for namespace in [tracking, plain] { try namespace.check("python3", "-c", Self.tracked) }
            let report = try engine.collect(.conntrack)
            #expect(report.conntrack.attempts == 2 && report.conntrack.failures == 0)
            let told = try Self.conntrackCounters(tracking)
            let sample = try #require(engine[tracking.inode])
            #expect(sample.conntrack.entries == told["entries"] && told["entries"] ?? 0 >= 10)
            #expect(sample.conntrack.limit == UInt64(try tracking.get("net/netfilter/nf_conntrack_max")))
            let names: [(ConntrackCounter, String)] = [
                (.found, "found"), (.invalid, "invalid"), (.insert, "insert"), (.insertFailed, "insert_failed"),
                (.drop, "drop"), (.earlyDrop, "early_drop"), (.error, "error"), (.searchRestart, "search_restart"),
                (.clashResolve, "clash_resolve"), (.chainTooLong, "chaintoolong"),
            ]
            for (counter, name) in names { #expect(sample.conntrack[counter] == told[name], "\(name)") }
            #expect(told["invalid"] ?? 0 > 0)
            let other = try #require(engine[plain.inode])
            #expect(other.hasConntrack && other.conntrack.entries == 0 && other.conntrack[.invalid] == 0)
        }

        /// Without the modules nothing is asked, since asking would load them.
        @Test func connectionTrackingIsNotLoaded() throws {
            let directory = try TemporaryDirectory()
            let paths = SystemPaths(procfs: directory.path)
            #expect(!KernelFeatures.hasConntrack(paths))
            let netfilter = "\(directory.path)/sys/net/netfilter"
            try FileManager.default.createDirectory(atPath: netfilter, withIntermediateDirectories: true)
            try Data("262144\n".utf8).write(to: URL(fileURLWithPath: "\(netfilter)/nf_conntrack_max"))
            // Built in, in a kernel without modules.
            #expect(KernelFeatures.hasConntrack(paths))
            func modules(_ text: String) throws -> Bool {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/modules"))
                return KernelFeatures.hasConntrack(paths)
            }
            let tracking = "nf_conntrack 200704 1 nf_conntrack_ftp, Live 0x0\nnf_conntrack_ftp 1 0 - Live 0x0\n"
            #expect(try !modules(tracking))
            #expect(try modules(tracking + "nf_conntrack_netlink 57344 0 - Live 0x0\n"))
            #expect(try modules("veth 1 0 - Live 0x0\n"))
        }

        @Test("queues are tc's", .needs(.tool("ip"), .tool("tc")))
        func qdiscs() throws {
            let (left, right) = (try NamedNamespace(), try NamedNamespace())
            try makeVeth("left", in: left, to: "right", in: right)
            for (namespace, device) in [(left, "left"), (right, "right")] {
                try namespace.check("ip", "link", "set", device, "up")
            }
            try left.check("ip", "address", "add", "192.0.2.1/24", "dev", "left")
            try left.check(
                "ip", "neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:01", "dev", "left", "nud", "permanent")
            try left.check(
                "tc", "qdisc", "add", "dev", "left", "root", "handle", "7:", "tbf", "rate", "8kbit", "burst", "2kb",
                "limit", "5kb")
            try left.check("tc", "qdisc", "add", "dev", "left", "clsact")
            let flood = """
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                for _ in range(40):
                    try: s.sendto(b"x" * 900, ("192.0.2.2", 9))
                    except OSError: pass
                """
            try left.check("python3", "-c", flood)
            let engine = try EngineUnderTest([left.name])
            func shown() throws -> [[String: Any]] {
                let text = try left.check("tc", "-s", "-j", "qdisc", "show", "dev", "left")
                return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
            }
            let compared = try eventually { () -> [[String: Any]]? in
                let before = try shown()
                try engine.collect([.links, .qdiscs])
                return try NSArray(array: before) == NSArray(array: shown()) ? before : nil
            }
            let told = try #require(compared)
            let sample = try #require(engine[left.inode])
            let index = try #require(sample.link("left")).index
            #expect(sample.qdiscs.allSatisfy { $0.link == index } && sample.qdiscs.count == told.count)
            for (ours, theirs) in zip(sample.qdiscs, told) {
                #expect(ours.kind.description == theirs["kind"] as? String)
                let numbers: [(String, UInt64?)] = [
                    ("bytes", ours.bytes), ("packets", ours.packets), ("drops", ours.drops), ("backlog", ours.backlog),
                    ("overlimits", ours.overlimits), ("requeues", ours.requeues), ("qlen", ours.queued),
                ]
                for (name, value) in numbers { #expect(value == (theirs[name] as? NSNumber)?.uint64Value, "\(name)") }
            }
            let shaper = try #require(sample.qdiscs.first { $0.kind.description == "tbf" })
            #expect(shaper.handle == 7 << 16 && shaper.parent == Qdisc.root)
            #expect(shaper.drops ?? 0 > 0 && shaper.overlimits ?? 0 > 0 && shaper.backlog ?? 0 > 0)
            #expect(sample.qdiscs.contains { $0.kind.description == "clsact" && $0.parent == Qdisc.ingress })
        }

        @Test func softnetIsOfTheHost() throws {
            let namespace = try NamedNamespace()
            let source = FileSource("softnet", files: ["softnet_stat"], inHostAlone: true, into: CPUs())
            let engine = try EngineUnderTest([namespace.name, "host"]) { $0.sources = [source] }
            func shown() throws -> [UInt64] {
                try String(contentsOfFile: "/proc/net/softnet_stat", encoding: .utf8).split(separator: "\n").map {
                    UInt64($0.prefix { $0 != " " }, radix: 16) ?? 0
                }
            }
            let before = try shown()
            let report = try engine.collect(.source(0))
            let after = try shown()
            #expect(report.sources.map(\.attempts) == [1] && report.sources.map(\.failures) == [0])
            #expect(engine[namespace.inode]?.reading(CPUs.self, at: 0) == nil)
            let host = try #require(engine.namespaces.first { $0.isHost })
            let cpus = try #require(host.reading(CPUs.self, at: 0)).value.cpus
            #expect(cpus.count == before.count)
            for (cpu, bounds) in zip(cpus, zip(before, after)) {
                #expect((bounds.0...bounds.1).contains(cpu[.processed] ?? 0))
            }
            // Nothing of another collection is shown, and nothing as another source's.
            try engine.collect(.links)
            #expect(host.reading(CPUs.self, at: 0) == nil)
        }

        private struct CPUs: FileReading {
            var cpus: [SoftnetStatistics] = []
            mutating func begin() { cpus.removeAll(keepingCapacity: true) }
            mutating func read(_ text: borrowing RawSpan, of file: String) { SoftnetStatistics.read(text, into: &cpus) }
        }

        /// Several sources, of which one has no file on any kernel and one a file that cannot be read.
        @Test func sourcesCostOnlyThemselves() throws {
            let namespace = try NamedNamespace()
            let names = ["Ip6InReceives", "Ip6OutRequests"]
            let holding = OpenDescriptors.holding()
            let engine = try EngineUnderTest([namespace.name]) {
                $0.sources = [
                    FileSource("none", files: ["there_is_none"], into: NamedNumbers(names)),
                    FileSource("directory", files: ["stat"], into: NamedNumbers(names)),
                    FileSource("some", files: ["there_is_none", "snmp6"], into: NamedNumbers(names)),
                ]
            }
            let report = try engine.collect([.source(0), .source(1), .source(2)])
            #expect(report.sources.map(\.attempts) == [1, 1, 1] && report.sources.map(\.failures) == [0, 1, 0])
            #expect(engine.errors("directory", "EISDIR") == 1)
            let sample = try #require(engine[namespace.inode])
            #expect(sample.reading(NamedNumbers.self, at: 0) == nil && sample.reading(NamedNumbers.self, at: 1) == nil)
            #expect(sample.reading(NamedNumbers.self, at: 2)?.value[0] == 0)
            // Of this one namespace: packets that it sent to itself.
            try namespace.check("ip", "link", "set", "lo", "up")
            try namespace.check("bash", "-c", "echo > /dev/udp/::1/9")
            try engine.collect(.source(2))
            let received = try #require(sample.reading(NamedNumbers.self, at: 2)?.value[0])
            #expect(received >= 1)
            #expect(OpenDescriptors.holding() <= holding)
        }
    }
}
