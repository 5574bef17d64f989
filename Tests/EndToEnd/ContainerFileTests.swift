import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Files of runtimes that do not run here, with the ids of processes that do.
    @Suite(.needs(.root, .tool("ip"), .tool("nsenter"))) struct ContainerFileTests {
        private static let quiet = ["--discovery.deep-interval=0", "--no-collector.interface"]
        private static let task = "/run/containerd/io.containerd.runtime.v2.task"

        private static func agent(_ flags: String...) throws -> AgentProcess { try AgentProcess(quiet + flags) }

        private static func errors(_ exposition: Exposition) -> [String: Double] {
            var errors: [String: Double] = [:]
            for series in exposition.series("netdrift_namespace_errors_total", ["operation": "container"]) {
                errors[series.labels["reason"] ?? ""] = exposition.samples[series].flatMap { Double($0) }
            }
            return errors
        }

        @Test("docker: its own, containerd's and runc's files", arguments: [true, false])
        func docker(_ byRoot: Bool) throws {
            let process = try ContainerProcess()
            let id = RuntimeFiles.id("a")
            let sysctl = #"{"net.core.somaxconn":"7","kernel.msgmax":"1"}"#
            let files = try HostFiles([
                "/var/lib/docker/containers/\(id)/config.v2.json": RuntimeFiles.dockerConfig("web", pid: process.pid),
                "\(Self.task)/moby/\(id)/config.json": RuntimeFiles.spec(sysctl: sysctl),
                "\(Self.task)/moby/\(id)/init.pid": "\(process.pid)",
                "/run/docker/runtime-runc/moby/\(id)/state.json": process.runcState(id, sysctl: sysctl),
            ])
            let flags =
                byRoot
                ? [files.rootfs]
                : [
                    "--path.docker=\(files.path)/var/lib/docker", "--path.containerd=\(files.path)/run/containerd",
                    "--path.runc=\(files.path)/run/docker/runtime-runc/*",
                ]
            let agent = try AgentProcess(Self.quiet + flags)
            let info = try #require(try agent.scrape().info(inode: process.inode))
            #expect(info["netns"] == "web" && info["container"] == "web" && info["runtime"] == "docker")
            #expect(info["container_id"] == id)
            let entry = try #require(try agent.report()[process.inode])
            #expect(entry.texts("declared") == ["net.core.somaxconn": "7"])
            #expect(entry.objects("containers").count == 1)
            #expect(Self.errors(try agent.scrape()).isEmpty)
        }

        @Test(
            "a pod of Kubernetes: the sandbox names the namespace, its containers belong to it",
            arguments: [true, false])
        func pod(_ isCRIO: Bool) throws {
            let namespace = try NamedNamespace(NamedNamespace.uniqueName("cni"))
            let (sandbox, app) = (try ContainerProcess(in: namespace), try ContainerProcess(in: namespace))
            // The sandbox's id is not the first.
            let (first, second) = (RuntimeFiles.id("b"), RuntimeFiles.id("a"))
            let sysctl = #"{"net.core.somaxconn":"7"}"#
            let files = try HostFiles()
            if isCRIO {
                let names = ["k8s_POD_web-1_prod_u_0", "k8s_nginx_web-1_prod_u_0"]
                let storage = "/run/containers/storage/overlay-containers"
                let kind = #"["io.container.manager=cri-o","io.kubernetes.cri-o.ContainerType=sandbox"]"#
                try files.write(
                    "/var/lib/containers/storage/overlay-containers/containers.json",
                    "[\(RuntimeFiles.crioEntry(first, name: names[0])),\(RuntimeFiles.crioEntry(second, name: names[1]))]"
                )
                try files.write("\(storage)/\(first)/userdata/config.json", RuntimeFiles.spec(network: namespace.path))
                try files.write(
                    "/run/runc/\(first)/state.json",
                    sandbox.runcState(first, network: namespace.path, sysctl: sysctl, labels: kind))
                try files.write("/run/runc/\(second)/state.json", app.runcState(second, network: namespace.path))
            } else {
                let pod = #""io.kubernetes.cri.sandbox-name":"web-1","io.kubernetes.cri.sandbox-namespace":"prod""#
                let kinds = [
                    #"{"io.kubernetes.cri.container-type":"sandbox",\#(pod)}"#,
                    #"{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.container-name":"nginx",\#(pod)}"#,
                ]
                for (id, process, kind) in [(first, sandbox, kinds[0]), (second, app, kinds[1])] {
                    let declared = id == first ? sysctl : "{}"
                    try files.write(
                        "\(Self.task)/k8s.io/\(id)/config.json",
                        RuntimeFiles.spec(network: namespace.path, sysctl: declared, annotations: kind))
                    try files.write("\(Self.task)/k8s.io/\(id)/init.pid", "\(process.pid)")
                    try files.write(
                        "/run/containerd/runc/k8s.io/\(id)/state.json", process.runcState(id, network: namespace.path))
                }
            }
            let agent = try Self.agent(files.rootfs)
            let exposition = try agent.scrape()
            let info = try #require(exposition.info(inode: namespace.inode))
            #expect(info["netns"] == "prod/web-1" && info["pod"] == "web-1" && info["pod_namespace"] == "prod")
            #expect(info["runtime"] == (isCRIO ? "cri-o" : "containerd") && info["container_id"] == first)
            #expect(info["container"] == nil && info["origin"] == "process")
            #expect(exposition.series("netns_info", ["inode": "\(namespace.inode)"]).count == 1)
            let entry = try #require(try agent.report()[namespace.inode])
            #expect(entry.objects("containers").map { $0["container_id"] } == [first, second])
            #expect(entry.objects("containers").map { $0["container"] } == [nil, "nginx"])
            #expect(entry.objects("containers").map { $0["pod"] } == ["web-1", "web-1"])
            #expect(entry.texts("declared") == ["net.core.somaxconn": "7"])
            #expect(entry.values["mounts"] as? [String] == [namespace.path])
        }

        @Test("a file that outlived its process names nothing that has its id now")
        func stale() throws {
            let process = try ContainerProcess()
            let files = try HostFiles(["/run/runc/web/state.json": process.runcState("web", later: 1)])
            let agent = try Self.agent(files.rootfs)
            let info = try #require(try agent.scrape().info(inode: process.inode))
            #expect(info["netns"] == "net:[\(process.inode)]" && info["container"] == nil && info["runtime"] == nil)
            #expect(try agent.report()[process.inode]?.objects("containers").isEmpty == true)
            try files.write("/run/runc/web/state.json", process.runcState("web"))
            #expect(try agent.scrape().info(inode: process.inode)?["netns"] == "web")
        }

        @Test("a broken file costs its name, and is counted once until it changes")
        func broken() throws {
            let (process, other) = (try ContainerProcess(), try ContainerProcess())
            let id = RuntimeFiles.id("a")
            let config = "/var/lib/docker/containers/\(id)/config.v2.json"
            let files = try HostFiles([
                config: "{\"Name\":", "\(Self.task)/moby/\(id)/config.json": RuntimeFiles.spec(),
                "\(Self.task)/moby/\(id)/init.pid": "\(process.pid)",
                "/run/docker/runtime-runc/moby/\(id)/state.json": process.runcState(id),
                "/run/runc/db/state.json": other.runcState("db"),
            ])
            let agent = try Self.agent(files.rootfs)
            for _ in 0..<4 {
                let exposition = try agent.scrape()
                let info = try #require(exposition.info(inode: process.inode))
                #expect(info["netns"] == "net:[\(process.inode)]" && info["container"] == nil)
                #expect(info["container_id"] == id && info["runtime"] == "docker")
                #expect(exposition.info(inode: other.inode)?["netns"] == "db")
                #expect(Self.errors(exposition) == ["malformed": 1])
                usleep(20_000)
            }
            try files.write(config, RuntimeFiles.dockerConfig("web"))
            let exposition = try agent.scrape()
            #expect(exposition.info(inode: process.inode)?["netns"] == "web")
            #expect(Self.errors(exposition) == ["malformed": 1])
        }

        @Test("equal names get the inode, all of them, and the same after a restart")
        func collisions() throws {
            let mount = try NamedNamespace()
            let processes = try (0..<5).map { _ in try ContainerProcess() }
            let pod =
                #"{"io.kubernetes.cri.container-type":"sandbox","io.kubernetes.cri.sandbox-name":"b","#
                + #""io.kubernetes.cri.sandbox-namespace":"a"}"#
            // Two containers of one name; one with that of a mount; a container with that of a pod, and the pod.
            let files = try HostFiles([
                "/run/runc/web/state.json": processes[0].runcState("web"),
                "/run/containerd/runc/default/web/state.json": processes[1].runcState("web"),
                "/run/runc/\(mount.name)/state.json": processes[2].runcState(mount.name),
                "\(Self.task)/k8s.io/\(RuntimeFiles.id("d"))/config.json": RuntimeFiles.spec(annotations: pod),
                "/run/containerd/runc/k8s.io/\(RuntimeFiles.id("d"))/state.json":
                    processes[3].runcState(RuntimeFiles.id("d")),
                "/var/lib/docker/containers/\(RuntimeFiles.id("e"))/config.v2.json": RuntimeFiles.dockerConfig("a/b"),
                "/run/docker/runtime-runc/moby/\(RuntimeFiles.id("e"))/state.json":
                    processes[4].runcState(RuntimeFiles.id("e")),
            ])
            let inodes = processes.map(\.inode)
            let expected = [
                "web@\(inodes[0])", "web@\(inodes[1])", "\(mount.name)@\(inodes[2])", "a/b@\(inodes[3])",
                "a/b@\(inodes[4])",
            ]
            for _ in 0..<2 {
                let agent = try Self.agent(files.rootfs)
                for _ in 0..<2 {
                    let exposition = try agent.scrape()
                    #expect(inodes.map { exposition.info(inode: $0)?["netns"] } == expected)
                    #expect(exposition.info(inode: mount.inode)?["netns"] == "\(mount.name)@\(mount.inode)")
                }
                #expect(agent.stop() == 0)
            }
        }

        @Test(
            "names that no format likes",
            arguments: [
                ("quo\"te", "quo\"te"), ("back\\slash\\n", "back\\slash\\n"), ("two\nlines", "two\\x0alines"),
                ("Zürich-日本", "Zürich-日本"), ("es\u{1B}[31mc", "es\\x1b[31mc"), ("}1 {", "}1 {"),
                ("a,b=\"c\"", "a,b=\"c\""),
                ("left\u{202E}right", "left\\xe2\\x80\\xaeright"),
            ])
        func hostile(_ name: String, _ shown: String) throws {
            let process = try ContainerProcess()
            let id = RuntimeFiles.id("f")
            let files = try HostFiles([
                "/var/lib/docker/containers/\(id)/config.v2.json": RuntimeFiles.dockerConfig(name),
                "/run/docker/runtime-runc/moby/\(id)/state.json": process.runcState(id),
            ])
            let agent = try Self.agent(files.rootfs)
            for openMetrics in [false, true] {
                let exposition = try agent.scrape(openMetrics: openMetrics)
                let info = try #require(exposition.info(inode: process.inode))
                #expect(info["netns"] == shown && info["container"] == name)
                #expect(exposition.sysctls(of: shown).contains("net.ipv4.tcp_keepalive_time"))
            }
            let entry = try #require(try agent.report()[process.inode])
            #expect(entry["name"] == shown && entry["container"] == name)
            // A line each, whatever is in it.
            let table = try AgentProcess.run(["list", files.rootfs])
            #expect(table.output.split(separator: "\n").contains { $0.contains(shown) && $0.contains("docker:") })
            #expect(!table.output.contains("\u{1B}"))
        }
    }
}
