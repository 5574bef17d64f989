import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Containers that mean ill, each beside a namespace that does not: its samples stay whole, and every scrape is answered.
    @Suite(.needs(.root, .tool("ip"), .tool("python3"), .tool("unshare"))) struct HostileTests {
        /// A namespace that only wants to be watched.
        private final class Victim {
            let namespace: NamedNamespace

            init() throws {
                namespace = try NamedNamespace(NamedNamespace.uniqueName("victim"))
                try namespace.set("net/ipv4/tcp_keepalive_time", "731")
            }

            func isWhole(in exposition: Exposition) -> Bool {
                exposition.sysctl("net.ipv4.tcp_keepalive_time", in: namespace.name) == 731
                    && exposition.devices(of: namespace.name) == ["lo"]
            }
        }

        private static func promtool(_ text: String) throws {
            let result = try Command.run(["promtool", "check", "metrics"], input: text)
            #expect(!result.errors.contains("error"), "\(result.errors.prefix(500))")
        }

        /// What a container may put where its resolv.conf is looked for.
        private static let resolvers = [
            "fifo": "mkfifo $F", "sparse": "truncate -s 1G $F", "directory": "mkdir $F", "zero": "ln -s /dev/zero $F",
            "loop": "ln -s resolv.conf $F", "device": "mknod $F c 1 5", "random": "head -c 65536 /dev/urandom > $F",
        ]

        @Test(
            "a resolv.conf that never ends, never answers or is no file stops nobody",
            arguments: resolvers.keys.sorted())
        func resolvConf(_ kind: String) throws {
            let victim = try Victim()
            let directory = try TemporaryDirectory()
            let configuration = try directory.write(
                "netdrift.yml",
                "probes: [{name: dns, kind: dns, target: resolver, query: a.example., interval: 200ms, timeout: 100ms}]\n"
            )
            let make = Self.resolvers[kind]!.replacing("$F", with: "\"$1/etc/resolv.conf\"")
            try Command.check(
                "sh", "-ec", "mkdir -p \"$1/etc\" \"$1/dev\"; mknod \"$1/dev/zero\" c 1 5; \(make)", "sh",
                directory.path)
            let container = try ChildProcess(
                "unshare", "--net", "python3", "-c",
                "import os, sys; os.chroot(sys.argv[1]); print('ready', flush=True); sys.stdin.read()", directory.path)
            let inode = try NamedNamespace.inode(of: "/proc/\(container.pid)/ns/net")
            let agent = try AgentProcess([
                "--collector.probe", "--config.file=\(configuration)", "--discovery.include=\(victim.namespace.name)",
                "--discovery.include=net:*",
            ])
            // It has been asked for its servers, more than once.
            let told = try eventually {
                let exposition = try agent.scrape()
                #expect(victim.isWhole(in: exposition))
                let failures = exposition.series(
                    "netns_probe_failures_total", ["netns": "net:[\(inode)]", "probe": "dns"])
                return failures.reduce(0) { $0 + (Double(exposition.samples[$1] ?? "") ?? 0) } >= 2 ? true : nil
            }
            #expect(told == true)
            #expect(try Self.memory(of: agent) < 400_000)
            withExtendedLifetime(container) {}
        }

        /// KiB resident.
        private static func memory(of agent: AgentProcess) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(agent.pid)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try #require(Int(line.split(separator: " ").dropFirst().first ?? ""))
        }

        @Test("a link that changes while it is followed leads to nothing outside")
        func symlinkRace() throws {
            let directory = try TemporaryDirectory()
            // Outside of the container, and just the kind of file that is looked for.
            let secret = try directory.write("secret", "nameserver 198.18.99.99\n")
            let configuration = try directory.write(
                "netdrift.yml",
                "probes: [{name: dns, kind: dns, target: resolver, query: a.example., interval: 100ms, timeout: 50ms}]\n"
            )
            let root = "\(directory.path)/root"
            try Command.check("mkdir", "-p", "\(root)/etc")
            let container = try ChildProcess(
                "unshare", "--net", "python3", "-c",
                """
                import os, sys, threading
                root, secret = sys.argv[1:3]
                os.chroot(root)
                print('ready', flush=True)
                def race():
                    number = 0
                    while True:
                        number += 1
                        new = '/etc/new%d' % (number % 2)
                        target = [None, secret, '../../secret', '../../../../../../../..' + secret, '/proc/1/root' + secret][number % 5]
                        if target:
                            os.symlink(target, new)
                        else:
                            open(new, 'w').write('nameserver 198.18.0.53\\n')
                        os.rename(new, '/etc/resolv.conf')
                threading.Thread(target=race, daemon=True).start()
                sys.stdin.read()
                """, root, secret)
            let victim = try Victim()
            let agent = try AgentProcess([
                "--collector.probe", "--config.file=\(configuration)", "--discovery.include=\(victim.namespace.name)",
                "--discovery.include=net:*",
            ])
            var targets: Set<String> = []
            for _ in 0..<40 {
                let exposition = try agent.scrape()
                #expect(victim.isWhole(in: exposition))
                for series in exposition.series("netns_probe_success") { targets.insert(series.labels["target"] ?? "") }
                usleep(50_000)
            }
            #expect(!targets.contains("198.18.99.99") && !targets.isEmpty, "\(targets)")
            withExtendedLifetime(container) {}
        }

        @Test(
            "what processes call themselves is only text, and nobody becomes the host", .needs(.tool("promtool")),
            arguments: ["host", #"a"b\"#, "a\nb{} 1", "\u{1B}[2J", "é\u{7F}"])
        func processNames(_ name: String) throws {
            let victim = try Victim()
            let process = try ChildProcess(
                "unshare", "--net", "python3", "-c",
                """
                import ctypes, sys
                ctypes.CDLL(None).prctl(15, sys.argv[1].encode())
                print('ready', flush=True); sys.stdin.read()
                """, name)
            let inode = try NamedNamespace.inode(of: "/proc/\(process.pid)/ns/net")
            for engine in ["portable", "auto"] {
                let agent = try AgentProcess(["--engine=\(engine)"])
                let text = try #require(try agent.get("/metrics").text)
                try Self.promtool(text)
                let exposition = try Exposition(parsing: text)
                #expect(victim.isWhole(in: exposition))
                #expect(exposition.info(inode: inode)?["netns"] == "net:[\(inode)]")
                #expect(exposition.series("netns_info", ["netns": "host"]).count == 1)
            }
        }

        @Test("2,000 interfaces of strange names are bounded, and cost nobody else", .needs(.tool("promtool")))
        func interfaces() throws {
            let victim = try Victim()
            let crowded = try NamedNamespace()
            // ip's batches have no way to write a quote.
            let result = try Command.run(
                [
                    "ip", "netns", "exec", crowded.name, "python3", "-c",
                    """
                    import subprocess
                    shapes = [b'a"%d', b'b\\\\%d', b'c{%d}', b'\\xc3\\xa9%d', b"d'%d", b'e=%d,', b'#%d', b'f\\x01%d', b'\\xff%d', b'%%s%d']
                    for number in range(2000):
                        subprocess.call(['ip', 'link', 'add', shapes[number % len(shapes)] % number, 'type', 'bridge'])
                    """,
                ], timeout: 120)
            let made = try crowded.check("ls", "/proc/sys/net/ipv4/conf").split(separator: "\n").count
            #expect(made > 1500, "\(made): \(result.errors.prefix(300))")
            for engine in ["portable", "auto"] {
                let agent = try AgentProcess([
                    "--engine=\(engine)", "--discovery.include=\(victim.namespace.name)",
                    "--discovery.include=\(crowded.name)",
                ])
                let text = try #require(try agent.get("/metrics").text)
                try Self.promtool(text)
                let exposition = try Exposition(parsing: text)
                #expect(victim.isWhole(in: exposition))
                #expect(exposition.devices(of: crowded.name).count == 1000)
                #expect((exposition.value("netdrift_devices_left_out") ?? 0) >= 500)
            }
        }

        @Test("one who makes namespaces by the hundred does not push out those that were there")
        func manyNamespaces() throws {
            let victim = try Victim()
            for engine in ["portable", "auto"] {
                let agent = try AgentProcess([
                    "--engine=\(engine)", "--discovery.max-namespaces=20",
                    "--discovery.include=\(victim.namespace.name)",
                    "--discovery.include=host", "--discovery.include=net:*",
                ])
                #expect(victim.isWhole(in: try agent.scrape()))
                let attacker = try ChildProcess(
                    "python3", "-c",
                    """
                    import ctypes, os, sys
                    libc = ctypes.CDLL(None)
                    kept = []
                    for _ in range(300):
                        libc.unshare(0x40000000)
                        kept.append(os.open('/proc/thread-self/ns/net', os.O_RDONLY))
                    print('ready', flush=True); sys.stdin.read()
                    """)
                let limited = try eventually(within: 40) { () -> Bool? in
                    let exposition = try agent.scrape()
                    #expect(victim.isWhole(in: exposition))
                    #expect(exposition.namespaces.contains("host") && exposition.namespaces.count <= 20)
                    return (exposition.value("netdrift_namespaces_left_out", ["reason": "limit"]) ?? 0) >= 280
                        ? true : nil
                }
                #expect(limited == true)
                withExtendedLifetime(attacker) {}
            }
        }

        /// The kernel goes through a million descriptors before it lets anybody think of something else.
        @Test("who has descriptors by the million hides nobody's namespace", .needs(.bpf))
        func manyDescriptors() throws {
            let hog = try ChildProcess(
                "python3", "-c",
                """
                import os, resource, sys
                count = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
                end, alive = os.pipe()
                null = os.open('/dev/null', os.O_RDONLY)
                try:
                    while True: os.dup(null)
                except OSError: pass
                # Each has as many: two million and more in all, since the first million may end with what came before.
                for _ in range(min(2400000 // count + 1, 400)):
                    if os.fork() == 0:
                        os.close(alive)
                        os.read(end, 1)
                        os._exit(0)
                print('ready', flush=True); sys.stdin.read()
                os._exit(0)
                """)
            // Behind them, by the number of its process.
            let holder = try ChildProcess(
                "python3", "-c",
                """
                import ctypes, os, sys
                libc = ctypes.CDLL(None)
                home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
                libc.unshare(0x40000000)
                held = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
                libc.setns(home, 0)
                print('ready\\n%d' % os.fstat(held).st_ino, flush=True); sys.stdin.read()
                """)
            let inode = try #require(UInt64(try holder.readLine(within: 5)))
            let victim = try Victim()
            let agent = try AgentProcess([
                "--discovery.include=\(victim.namespace.name)", "--discovery.include=net:[[]\(inode)]",
            ])
            let found = try eventually(within: 60) { () -> Bool? in
                let exposition = try agent.scrape(timeout: 5)
                #expect(victim.isWhole(in: exposition))
                return exposition.devices(of: "net:[\(inode)]") == ["lo"] ? true : nil
            }
            #expect(found == true)
            hog.end()
            holder.end()
        }

        /// A cgroup; it goes when the processes in it have ended.
        private final class Group {
            let path: String

            init(_ name: String) throws {
                let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
                    FileManager.default.fileExists(atPath: "\($0)/cgroup.procs")
                        && FileManager.default.fileExists(atPath: "\($0)/cgroup.controllers")
                }
                path = "\(try #require(root))/\(name)"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }

            deinit { _ = eventually { unsafe rmdir(path) == 0 || errno == ENOENT ? true : nil } }
        }

        /// The limit is shared by who holds the namespaces, however many cgroups one makes below its own.
        @Test(
            "one who makes namespaces by the hundred pushes out its own, and nobody who comes later",
            arguments: ["portable", "auto"])
        func limitIsShared(_ engine: String) throws {
            let group = try Group(NamedNamespace.uniqueName("greedy"))
            let attacker = try ChildProcess(
                "python3", "-c",
                """
                import ctypes, os, sys
                libc = ctypes.CDLL(None)
                group, kept, children = sys.argv[1], [], []
                open(group + '/cgroup.procs', 'w').write('0')
                for _ in range(200):
                    libc.unshare(0x40000000)
                    kept.append(os.open('/proc/thread-self/ns/net', os.O_RDONLY))
                end, alive = os.pipe()
                for number in range(60):
                    below = '%s/g%d' % (group, number)
                    os.mkdir(below)
                    told, tell = os.pipe()
                    if os.fork() == 0:
                        os.close(alive)
                        libc.unshare(0x40000000)
                        open(below + '/cgroup.procs', 'w').write('0')
                        os.write(tell, b'x')
                        os.read(end, 1)
                        os._exit(0)
                    os.read(told, 1)
                    os.close(told); os.close(tell)
                print('ready', flush=True); sys.stdin.read()
                os.close(alive)
                for _ in range(60): os.wait()
                for number in range(60): os.rmdir('%s/g%d' % (group, number))
                """, group.path)
            defer {
                attacker.end()
                withExtendedLifetime(group) {}
            }
            let agent = try AgentProcess([
                "--engine=\(engine)", "--discovery.max-namespaces=20", "--discovery.deep-interval=200ms",
                "--discovery.include=victim*", "--discovery.include=host", "--discovery.include=net:*",
            ])
            func leftOut(_ exposition: Exposition) -> Double {
                exposition.value("netdrift_namespaces_left_out", ["reason": "limit"]) ?? 0
            }
            let full = try eventually(within: 40) { leftOut(try agent.scrape()) >= 240 ? true : nil }
            #expect(full == true)
            // Who comes now, named or not, is served at once.
            let victim = try Victim()
            let process = try ChildProcess("unshare", "--net", "sh", "-c", "echo ready; exec cat")
            let inode = try NamedNamespace.inode(of: "/proc/\(process.pid)/ns/net")
            var served: Set<String> = []
            for round in 0..<5 {
                let exposition = try agent.scrape()
                #expect(victim.isWhole(in: exposition))
                #expect(exposition.info(inode: inode) != nil)
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: "net:[\(inode)]") != nil)
                let namespaces = Set(exposition.namespaces)
                #expect(namespaces.contains("host") && namespaces.count == 20)
                #expect(leftOut(exposition) >= 240)
                // And the same ones stay.
                if round > 0 { #expect(namespaces == served) }
                served = namespaces
            }
            process.end()
        }

        @Test("a cgroup of any name leaves a process what it is")
        func cgroupName() throws {
            let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
                FileManager.default.fileExists(atPath: "\($0)/cgroup.procs")
                    && FileManager.default.fileExists(atPath: "\($0)/cgroup.controllers")
            }
            let victim = try Victim()
            let process = try ChildProcess("unshare", "--net", "sh", "-c", "echo ready; exec cat")
            let inode = try NamedNamespace.inode(of: "/proc/\(process.pid)/ns/net")
            let id = String(repeating: "ab", count: 32)
            let path = "\(try #require(root))/nt\(getpid())\"\\{}docker-\(id).scope"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            defer { _ = try? Command.run(["rmdir", path]) }
            try "\(process.pid)".write(toFile: "\(path)/cgroup.procs", atomically: false, encoding: .utf8)
            let agent = try AgentProcess(["--discovery.include=\(victim.namespace.name)", "--discovery.include=net:*"])
            let exposition = try agent.scrape()
            #expect(victim.isWhole(in: exposition))
            // No file of a container engine knows of it: it has no container's name.
            #expect(exposition.info(inode: inode)?["netns"] == "net:[\(inode)]")
            process.end()
        }
    }
}
