import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// A file system in user space (FUSE) that takes every request and answers none.
    @Suite(.needs(.root, .tool("ip"), .tool("python3"), .tool("unshare"))) struct SilentFileTests {
        /// A process whose /etc is such a file system. It mounts in a mount namespace of its own; when its input ends all of
        /// it does, and whoever waits is let go.
        private static let program = """
            import ctypes, os, struct, sys, threading
            libc = ctypes.CDLL(None, use_errno=True)
            root, here = sys.argv[1], sys.argv[2:]
            fuse = os.open('/dev/fuse', os.O_RDWR)
            options = b'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % fuse
            where = root if here else root + '/etc'
            if libc.mount(b'silent', where.encode(), b'fuse', 0, options):
                sys.exit('mount: ' + os.strerror(ctypes.get_errno()))
            def reply(unique, body):
                os.write(fuse, struct.pack('IiQ', 16 + len(body), 0, unique) + body)
            def serve():
                while True:
                    request = os.read(fuse, 1 << 18)
                    length, opcode, unique, node = struct.unpack_from('IIQQ', request)
                    if opcode == 26:
                        major, minor = struct.unpack_from('II', request, 40)
                        reply(unique, struct.pack('IIIIHHII32x', 7, 31, 0, 0, 12, 9, 65536, 1))
            threading.Thread(target=serve, daemon=True).start()
            if here:
                os.write(1, b'ready\\n\\n')
            elif os.fork() == 0:
                libc.prctl(1, 9)
                libc.unshare(0x40000000)
                told = b'ready\\n%d\\n' % os.getpid()
                os.chroot(root)
                os.write(1, told)
                while True: libc.pause()
            sys.stdin.read()
            if here: libc.umount2(where.encode(), 2)
            os._exit(0)
            """

        private final class Silent {
            let server: ChildProcess
            let inode: UInt64

            init(_ directory: TemporaryDirectory) throws {
                try Command.check("mkdir", "-p", "\(directory.path)/etc")
                server = try ChildProcess(
                    "unshare", "--mount", "python3", "-c", SilentFileTests.program, directory.path)
                let pid = try server.readLine(within: 5)
                inode = try NamedNamespace.inode(of: "/proc/\(pid)/ns/net")
            }

            func end() { server.end() }
        }

        @Test("a resolv.conf on a file system that never answers costs its own namespace's probe alone")
        func resolvConf() throws {
            let directory = try TemporaryDirectory()
            let silent = try Silent(directory)
            defer { silent.end() }
            let victim = try NamedNamespace(NamedNamespace.uniqueName("victim"))
            let configuration = try directory.write(
                "netdrift.yml",
                "probes: [{name: dns, kind: dns, target: resolver, query: a.example., interval: 200ms, timeout: 100ms}]\n"
            )
            let agent = try AgentProcess([
                "--collector.probe", "--config.file=\(configuration)", "--discovery.include=\(victim.name)",
                "--discovery.include=net:*",
            ])
            func failures(_ exposition: Exposition, _ name: String) -> Double {
                exposition.series("netns_probe_failures_total", ["netns": name, "probe": "dns"])
                    .reduce(0) { $0 + (Double(exposition.samples[$1] ?? "") ?? 0) }
            }
            let told = try eventually {
                let exposition = try agent.scrape(timeout: 5)
                // The silent one fails, and the other's resolv.conf is read again and again.
                return failures(exposition, "net:[\(silent.inode)]") >= 2 && failures(exposition, victim.name) >= 4
                    && exposition.value("netdrift_stuck_threads") == 1 ? true : nil
            }
            #expect(told == true)
            // What does not answer is let go; then the thread comes back.
            silent.end()
            #expect(
                try eventually { try agent.scrape().value("netdrift_stuck_threads") == 0 ? true : nil } == true)
            #expect(agent.stop() == 0)
        }

        @Test("a user's directory that never answers costs that user's containers' names alone")
        func userDirectory() throws {
            let directory = try TemporaryDirectory()
            let root = "\(directory.path)/rootfs"
            let user = "\(root)/run/user/4242"
            try Command.check("mkdir", "-p", user, "\(root)/run/user/4243")
            let namespace = try NamedNamespace()
            let agent = try AgentProcess(["--path.rootfs=\(root)", "--discovery.include=\(namespace.name)"])
            #expect(try agent.scrape().value("netdrift_stuck_threads") == 0)
            // In the agent's mount namespace: a user mounts where everybody sees it.
            defer { _ = try? Command.run(["umount", "--lazy", user]) }
            let server = try ChildProcess("python3", "-c", Self.program, user, "here")
            defer { server.end() }
            _ = try server.readLine(within: 5)
            var scrapes = 0
            let lost = try eventually {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.devices(of: namespace.name) == ["lo"])
                scrapes += 1
                return exposition.value("netdrift_stuck_threads") == 1 ? true : nil
            }
            #expect(lost == true && scrapes <= 2)
            let errors = ["operation": "container", "reason": "ETIMEDOUT"]
            for _ in 0..<5 {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.devices(of: namespace.name) == ["lo"])
                #expect(exposition.value("netdrift_stuck_threads") == 1)
                #expect(exposition.value("netdrift_namespace_errors_total", errors) == 1)
            }
            server.end()
            #expect(
                try eventually { try agent.scrape().value("netdrift_stuck_threads") == 0 ? true : nil } == true)
            #expect(agent.stop() == 0)
        }

        /// A process with such a file system at ROOT/etc that answers at first. `mount`: a namespace is mounted on a file of it, and
        /// nothing else holds that; then nobody is answered, or with `refuse` everybody by EBADF. `fault`: a child in a namespace of its own
        /// waits for a page. `socket`: a socket holds a namespace, and at SIGUSR1 a file that is not answered for takes its place.
        private static let lapsing = """
            import ctypes, mmap, os, signal, socket, struct, sys, threading, time
            libc = ctypes.CDLL(None, use_errno=True)
            root, way = sys.argv[1:3]
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            fuse = os.open('/dev/fuse', os.O_RDWR)
            options = b'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % fuse
            where = root + '/etc'
            def mount(source, target, kind, flags, data):
                if libc.mount(source, target.encode(), kind, ctypes.c_ulong(flags), data):
                    sys.exit('mount: ' + os.strerror(ctypes.get_errno()))
            mount(b'silent', where, b'fuse', 0, options)
            silent = threading.Event()
            def attributes(node):
                mode, links = (0o100644, 1) if node == 2 else (0o40755, 2)
                return struct.pack('6Q10I', node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, links, 0, 0, 0, 4096, 0)
            def answer(opcode, node, request):
                if opcode == 1: return struct.pack('QQQQII', 2, 0, 0, 0, 0, 0) + attributes(2)
                if opcode == 3: return struct.pack('QII', 0, 0, 0) + attributes(node)
                if opcode in (14, 27): return struct.pack('QII', 1, 0, 0)
                if opcode in (18, 25, 29): return b''
                if opcode == 26:
                    major, minor = struct.unpack_from('II', request, 40)
                    return struct.pack('IIIIHHII32x', 7, 31, 0, 0, 12, 9, 65536, 1)
            def serve():
                while True:
                    request = os.read(fuse, 1 << 18)
                    length, opcode, unique, node = struct.unpack_from('IIQQ', request)
                    body = None if silent.is_set() else answer(opcode, node, request)
                    if silent.is_set() and way == 'refuse' and opcode not in (2, 42):
                        os.write(fuse, struct.pack('IiQ', 16, -9, unique))
                    if body is not None:
                        os.write(fuse, struct.pack('IiQ', 16 + len(body), 0, unique) + body)
            threading.Thread(target=serve, daemon=True).start()
            here = '/proc/thread-self/ns/net'
            def fresh():
                if libc.unshare(0x40000000): sys.exit('unshare')
                with open('/proc/sys/net/ipv4/tcp_keepalive_time', 'w') as file: file.write('741')
                return os.stat(here).st_ino
            if way == 'socket':
                home = os.open(here, os.O_RDONLY)
                inode = fresh()
                held = socket.socket()
                keeper = held.dup()
                libc.setns(home, 0)
                file = os.open(where + '/file', os.O_RDONLY)
                silent.set()
                def replace():
                    signal.sigwait([signal.SIGUSR1])
                    os.dup2(file, held.fileno())
                    os.write(1, b'replaced\\n')
                threading.Thread(target=replace, daemon=True).start()
                os.write(1, b'ready\\n%d\\n' % inode)
            elif way in ('mount', 'refuse'):
                home = os.open(here, os.O_RDONLY)
                inode = fresh()
                mount(here.encode(), where + '/ns', None, 4096, None)
                libc.setns(home, 0)
                silent.set()
                os.write(1, b'ready\\n%d\\n' % inode)
            elif os.fork() == 0:
                os.close(fuse)
                libc.prctl(1, 9)
                inode = fresh()
                page = mmap.mmap(os.open(where + '/file', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)
                # Who asks for a page waits for the answer, and can be interrupted; who wants it too waits in state D.
                if os.fork() == 0:
                    libc.prctl(1, 9)
                    page[0]
                    os._exit(1)
                time.sleep(0.3)
                os.write(1, b'ready\\n%d\\n%d\\n' % (inode, os.getpid()))
                page[0]
                sys.exit('the page came')
            sys.stdin.read()
            # MNT_FORCE: whoever waits is let go. Else to close a file would wait for an answer, here too.
            libc.umount2(where.encode(), 1)
            os._exit(0)
            """

        private static func lapsing(_ directory: TemporaryDirectory, _ way: String) throws -> ChildProcess {
            try Command.check("mkdir", "-p", "\(directory.path)/etc")
            return try ChildProcess("unshare", "--mount", "python3", "-c", lapsing, directory.path, way)
        }

        @Test(
            "a namespace on a file system that answers no more is out of reach, and nobody else",
            arguments: ["auto", "portable"])
        func mount(_ engine: String) throws {
            let directory = try TemporaryDirectory()
            let server = try Self.lapsing(directory, "mount")
            defer { server.end() }
            let inode = try #require(UInt64(try server.readLine(within: 5)))
            let victim = try NamedNamespace(NamedNamespace.uniqueName("victim"))
            try victim.set("net/ipv4/tcp_keepalive_time", "731")
            let configuration = try directory.write(
                "netdrift.yml",
                "probes: [{name: dns, kind: dns, target: resolver, query: a.example., interval: 200ms, timeout: 100ms}]\n"
            )
            let agent = try AgentProcess([
                "--engine=\(engine)", "--collector.probe", "--config.file=\(configuration)",
                "--discovery.deep-interval=300ms", "--discovery.include=\(victim.name)",
                "--discovery.include=net:[[]\(inode)]",
            ])
            func probes(_ exposition: Exposition) -> Double {
                exposition.series("netns_probe_failures_total", ["netns": victim.name, "probe": "dns"])
                    .reduce(0) { $0 + (Double(exposition.samples[$1] ?? "") ?? 0) }
            }
            // Whoever went there is lost, one thread at most, and all else goes on.
            let lost = try eventually {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: victim.name) == 731)
                return exposition.value("netdrift_stuck_threads") == 1 ? true : nil
            }
            #expect(lost == true)
            let before = probes(try agent.scrape())
            for _ in 0..<5 {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: victim.name) == 731)
                #expect(exposition.devices(of: victim.name) == ["lo"])
                #expect(exposition.value("netdrift_stuck_threads") == 1)
            }
            #expect(try eventually { probes(try agent.scrape()) >= before + 3 ? true : nil } == true)
            server.end()
            #expect(
                try eventually { try agent.scrape().value("netdrift_stuck_threads") == 0 ? true : nil } == true)
            #expect(agent.stop() == 0)
        }

        @Test("a file system that answers EBADF is only wrong", arguments: ["auto", "portable"])
        func refusing(_ engine: String) throws {
            let directory = try TemporaryDirectory()
            let server = try Self.lapsing(directory, "refuse")
            defer { server.end() }
            let inode = try #require(UInt64(try server.readLine(within: 5)))
            let victim = try NamedNamespace(NamedNamespace.uniqueName("victim"))
            let configuration = try directory.write(
                "netdrift.yml",
                "probes: [{name: dns, kind: dns, target: resolver, query: a.example., interval: 200ms, timeout: 100ms}]\n"
            )
            let agent = try AgentProcess([
                "--engine=\(engine)", "--collector.probe", "--config.file=\(configuration)",
                "--discovery.deep-interval=300ms", "--discovery.include=\(victim.name)",
                "--discovery.include=net:[[]\(inode)]",
            ])
            let told = try eventually {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.devices(of: victim.name) == ["lo"])
                let errors = ["operation": "enter", "reason": "EBADF"]
                let late = ["operation": "enter", "reason": "ETIMEDOUT"]
                return [errors, late].contains { exposition.value("netdrift_namespace_errors_total", $0) ?? 0 > 0 }
                    ? true : nil
            }
            #expect(told == true && agent.isRunning, "\(agent.log)")
            #expect(agent.stop() == 0)
        }

        @Test(
            "a socket that becomes a file which is not answered for costs its namespace alone",
            arguments: ["auto", "portable"])
        func socket(_ engine: String) throws {
            let directory = try TemporaryDirectory()
            let server = try Self.lapsing(directory, "socket")
            defer { server.end() }
            let inode = try #require(UInt64(try server.readLine(within: 5)))
            let victim = try NamedNamespace(NamedNamespace.uniqueName("victim"))
            let agent = try AgentProcess([
                "--engine=\(engine)", "--discovery.deep-interval=300ms", "--discovery.include=\(victim.name)",
                "--discovery.include=net:[[]\(inode)]",
            ])
            let name = "net:[\(inode)]"
            let found = try eventually { try agent.scrape().devices(of: name) == ["lo"] ? true : nil }
            #expect(found == true)
            kill(server.pid, SIGUSR1)
            #expect(try server.readLine(within: 5) == "replaced")
            var lost = 0.0
            for _ in 0..<8 {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.devices(of: victim.name) == ["lo"])
                lost = max(lost, exposition.value("netdrift_stuck_threads") ?? 9)
                usleep(100_000)
            }
            #expect(lost == 1)
            server.end()
            #expect(
                try eventually { try agent.scrape().value("netdrift_stuck_threads") == 0 ? true : nil } == true)
            #expect(agent.isRunning && agent.stop() == 0)
        }

        @Test(
            "a process that waits in the kernel for a page (state D) is read as any other",
            arguments: ["auto", "portable"])
        func uninterruptible(_ engine: String) throws {
            let directory = try TemporaryDirectory()
            let server = try Self.lapsing(directory, "fault")
            defer { server.end() }
            let inode = try #require(UInt64(try server.readLine(within: 5)))
            let pid = try server.readLine(within: 5)
            let isWaiting = eventually { () -> Bool? in
                let status = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
                return status.contains(") D ") ? true : nil
            }
            #expect(isWaiting == true)
            let name = "net:[\(inode)]"
            let agent = try AgentProcess(["--engine=\(engine)", "--discovery.include=net:*"])
            for _ in 0..<3 {
                let exposition = try agent.scrape(timeout: 5)
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: name) == 741)
                #expect(exposition.devices(of: name) == ["lo"])
                #expect(exposition.value("netdrift_stuck_threads") == 0)
            }
            let list = try AgentProcess.run(["list", "--discovery.include=net:*"])
            #expect(list.status == 0 && list.output.contains("\(inode)") && list.output.contains(pid), "\(list)")
            #expect(agent.stop() == 0)
        }
    }
}
