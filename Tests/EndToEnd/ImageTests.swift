import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The container image, built by buildah and run by podman with runc.
    @Suite(.needs(.root, .environment("NETDRIFT_BINARY"), .tool("buildah"), .tool("podman"), .tool("runc")))
    struct ImageTests {
        /// Images and containers in a directory of their own; all of it goes when the test lets go of it.
        private final class Engine {
            let directory: TemporaryDirectory
            // Podman wants it to have at most 50 characters.
            private let runRoot = "/tmp/\(NamedNamespace.uniqueName("netdrift-image"))"
            private var storage: [String] { ["--root", "\(directory.path)/root", "--runroot", runRoot] }

            init() throws { directory = try TemporaryDirectory() }

            deinit {
                _ = try? podman("rm", "--all", "--force", "--time", "0")
                _ = try? Command.run(["umount", "-l", "\(directory.path)/root/overlay"])
                try? FileManager.default.removeItem(atPath: runRoot)
            }

            func build(_ arguments: String...) throws -> String {
                let result = try Command.run(
                    [Shipped.path("scripts/image"), "--binary", AgentProcess.binary] + storage + arguments, timeout: 300
                )
                guard result.status == 0 else { throw Trouble("scripts/image: \(result.errors)") }
                return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
            }

            func podman(_ arguments: String...) throws -> Command.Result { try podman(arguments) }

            func podman(_ arguments: [String]) throws -> Command.Result {
                let base = [
                    "--tmpdir", "\(directory.path)/tmp", "--runtime", "runc", "--cgroup-manager", "cgroupfs",
                    "--events-backend", "none",
                ]
                return try Command.run(["podman"] + storage + base + arguments, timeout: 120)
            }

            func check(_ arguments: [String]) throws -> String {
                let result = try podman(arguments)
                guard result.status == 0 else { throw Trouble("podman \(arguments): \(result.errors)") }
                return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
            }

            /// Starts a container as docs/deploy.md says, read-only and with no other rights than it has to have.
            func run(
                _ name: String, _ options: [String], _ image: String, _ arguments: [String],
                capabilities: String = "SYS_ADMIN,SYS_PTRACE,NET_ADMIN,NET_RAW,DAC_READ_SEARCH"
            ) throws {
                _ = try check(
                    [
                        "run", "-d", "--name", name, "--pid", "host", "--read-only", "--cap-drop", "all", "--cap-add",
                        capabilities, "--security-opt", "no-new-privileges", "--ulimit", "nofile=1000:1000", "--ulimit",
                        "nproc=1000:1000", "-v",
                        "/run:/host/run:ro,rslave",
                    ] + options + [image] + arguments)
            }

            /// Where the agent in a container listens, once it does.
            func address(_ name: String) throws -> String {
                let found = try eventually(within: 30) { () -> String? in
                    let log = try podman("logs", name)
                    return (log.output + log.errors).firstMatch(of: /address=(\S+:\d+)/).map { String($0.output.1) }
                }
                guard let found else { throw Trouble("\(try podman("logs", name))") }
                return found
            }
        }

        @Test(
            "on the host's network it sees namespaces of the host, those made later too, as root and as nobody",
            arguments: ["0", "65534"])
        func host(_ user: String) throws {
            let engine = try Engine()
            let image = try engine.build("--tag", "localhost/netdrift-test:1")
            // What `ip netns` makes the first time it runs on a host is there before the container; see docs/deploy.md.
            let early = try NamedNamespace()
            try early.set("net/ipv4/tcp_keepalive_time", "621")
            try engine.run(
                "agent", ["--network", "host", "--user", user], image,
                [
                    "--web.listen-address=127.0.0.1:0", "--path.rootfs=/host", "--path.netns-dir=/host/run/netns",
                    "--no-collector.probe",
                ])
            let address = try engine.address("agent")
            let later = try NamedNamespace()
            try later.set("net/ipv4/tcp_keepalive_time", "622")
            let process = try NamespaceHolder.process()
            let answer = try HTTPConnection.get(address, "/metrics")
            let exposition = try Exposition(parsing: try #require(answer.text))
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: early.name) == 621)
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: later.name) == 622)
            #expect(exposition.namespaces.contains("host"))
            let inode = try NamedNamespace.inode(of: "/proc/\(process.pid)/ns/net")
            #expect(exposition.info(inode: inode)?["origin"] == "process")
            let pid = try engine.check(["inspect", "--format", "{{.State.Pid}}", "agent"])
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            #expect(status.contains("Uid:\t\(user)\t") && status.contains("CapEff:\t0000000000283004\n"))
            let health = try engine.podman("exec", "agent", "/usr/bin/netdrift", "health", address)
            #expect(health.status == 0 && health.output == "ready\n", "\(health)")
        }

        @Test(
            "with CAP_BPF and CAP_PERFMON alone, as the profile bpf has it, it sees namespaces and their sysctls",
            .needs(.bpf))
        func bpf() throws {
            let engine = try Engine()
            let image = try engine.build("--tag", "localhost/netdrift-test:1")
            try engine.run(
                "agent", ["--network", "host", "--user", "0", "--security-opt", "seccomp=unconfined"], image,
                [
                    "--web.listen-address=127.0.0.1:0", "--path.rootfs=/host", "--path.netns-dir=/host/run/netns",
                    "--engine=bpf",
                ], capabilities: "BPF,PERFMON")
            let address = try engine.address("agent")
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "623")
            let exposition = try Exposition(parsing: try #require(try HTTPConnection.get(address, "/metrics").text))
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: namespace.name) == 623)
            #expect(exposition.series("netdrift_engine_info", ["engine": "bpf"]).count == 1)
            // Entering is a right that it has not: there are links, and no counters.
            #expect(exposition.series("netns_network_up", ["netns": namespace.name]).count == 1)
            #expect(exposition.series("netns_network_receive_bytes_total", ["netns": namespace.name]).isEmpty)
        }

        @Test("by itself it is healthy, and says what it is; the same binary gives the same files")
        func image() throws {
            let engine = try Engine()
            let image = try engine.build("--tag", "localhost/netdrift-test:1")
            let layers = try engine.check(["inspect", "--format", "{{.RootFS.Layers}}", image])
            #expect(
                try engine.check([
                    "inspect", "--format", "{{.RootFS.Layers}}", try engine.build("--tag", "localhost/again:1"),
                ])
                    == layers)
            let version = try AgentProcess.run(["--version"]).output.split(separator: " ").last
                .map { $0.trimmingCharacters(in: .newlines) }
            let label = try engine.check(
                ["inspect", "--format", "{{index .Config.Labels \"org.opencontainers.image.version\"}}", image])
            #expect(label == version)
            // As it is started where nothing is said; the network is its own here, and so is the port.
            try engine.run("agent", ["--network", "none"], image, [])
            #expect(try engine.address("agent") == "[::]:10124")
            let isHealthy = try eventually { try engine.podman("healthcheck", "run", "agent").status == 0 ? true : nil }
            #expect(isHealthy == true)
        }
    }
}
