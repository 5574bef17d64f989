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
            root = sys.argv[1]
            fuse = os.open('/dev/fuse', os.O_RDWR)
            options = b'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % fuse
            where = root + '/etc'
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
            if os.fork() == 0:
                libc.prctl(1, 9)
                libc.unshare(0x40000000)
                told = b'ready\\n%d\\n' % os.getpid()
                os.chroot(root)
                os.write(1, told)
                while True: libc.pause()
            sys.stdin.read()
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
    }
}
