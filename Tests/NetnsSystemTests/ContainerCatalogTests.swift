import Foundation
import NetnsCore
import Testing

@testable import NetnsSystem

/// Hosts with each runtime, by files in the form that it writes.
@Suite struct ContainerCatalogTests {
    private let task = "/run/containerd/io.containerd.runtime.v2.task"

    @Test func nothing() throws {
        let host = try ContainerHost()
        #expect(!host.catalog.refresh() && host.catalog.containers.isEmpty && host.errors.isEmpty)
        #expect(ContainerPaths.standard.rootfs.isEmpty)
    }

    /// docker, containerd and runc tell of one container.
    @Test func docker() throws {
        let id = ContainerID.a
        let sysctl = #"{"net.ipv4.ping_group_range":"0 2147483647","net.core.somaxconn":"7","kernel.msgmax":"1"}"#
        let host = try ContainerHost([
            "\(task)/moby/\(id)/config.json": RuntimeFiles.spec(sysctl: sysctl), "\(task)/moby/\(id)/init.pid": "4711",
            "/run/docker/runtime-runc/moby/\(id)/state.json": RuntimeFiles.runcState(id, pid: 4711, sysctl: sysctl),
            "/var/lib/docker/containers/\(id)/config.v2.json": RuntimeFiles.dockerConfig(id, name: "web", pid: 4711),
        ])
        let containers = host.containers()
        #expect(containers.count == 1)
        let container = try #require(containers.first)
        #expect(container.id == id && container.runtime == .docker && container.name == "web" && container.pod == nil)
        #expect(container.pid == 4711 && container.startTime == 5000 && container.network == .own)
        #expect(container.declared.map(\.name.dotted) == ["net.core.somaxconn", "net.ipv4.ping_group_range"])
        #expect(container.created == 1_795_427_999 && container.isTrusted && !container.isSandbox)
        #expect(host.errors.isEmpty)
    }

    @Test func aStoppedContainerOfDocker() throws {
        let id = ContainerID.a
        let host = try ContainerHost([
            "/var/lib/docker/100000.100000/containers/\(id)/config.v2.json":
                RuntimeFiles.dockerConfig(id, name: "web", pid: 0)
        ])
        let container = try #require(host.containers().first)
        #expect(container.name == "web" && container.pid == nil && container.network == .unknown)
    }

    @Test func dockerUnderKubernetes() throws {
        let labels =
            #"{"io.kubernetes.container.name":"POD","io.kubernetes.docker.type":"podsandbox","#
            + #""io.kubernetes.pod.name":"web-1","io.kubernetes.pod.namespace":"prod"}"#
        let host = try ContainerHost([
            "/var/lib/docker/containers/\(ContainerID.a)/config.v2.json":
                RuntimeFiles.dockerConfig(ContainerID.a, name: "k8s_POD_web-1_prod_1_0", pid: 5, labels: labels)
        ])
        let container = try #require(host.containers().first)
        #expect(container.isSandbox && container.name == nil && container.pod == "web-1")
        #expect(container.podNamespace == "prod" && container.runtime == .docker)
    }

    /// A pod of Kubernetes with containerd: the sandbox declares, the container joins it.
    @Test(arguments: ["io.containerd.runtime.v2.task", "io.containerd.runtime.v1.linux"])
    func containerd(_ version: String) throws {
        let pod =
            #""io.kubernetes.cri.sandbox-id":"\#(ContainerID.a)","io.kubernetes.cri.sandbox-name":"web-1","#
            + #""io.kubernetes.cri.sandbox-namespace":"prod""#
        let directory = "/run/containerd/\(version)/k8s.io"
        let host = try ContainerHost([
            "\(directory)/\(ContainerID.a)/config.json": RuntimeFiles.spec(
                network: #"{"type":"network","path":"/var/run/netns/cni-1"}"#, sysctl: #"{"net.core.somaxconn":"7"}"#,
                annotations: #"{"io.kubernetes.cri.container-type":"sandbox",\#(pod)}"#),
            "\(directory)/\(ContainerID.a)/init.pid": "11\n",
            "\(directory)/\(ContainerID.b)/config.json": RuntimeFiles.spec(
                network: #"{"type":"network","path":"/proc/11/ns/net"}"#,
                annotations:
                    #"{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.container-name":"nginx",\#(pod)}"#
            ),
            "\(directory)/\(ContainerID.b)/init.pid": "12",
            "/run/containerd/runc/k8s.io/\(ContainerID.b)/state.json": RuntimeFiles.runcState(ContainerID.b, pid: 12),
        ])
        let containers = host.containers()
        #expect(containers.map(\.runtime) == [.containerd, .containerd])
        #expect(containers.map(\.isSandbox) == [true, false] && containers.map(\.name) == [nil, "nginx"])
        #expect(containers.map(\.pod) == ["web-1", "web-1"] && containers.map(\.podNamespace) == ["prod", "prod"])
        #expect(containers.map(\.network) == [.path("/var/run/netns/cni-1"), .path("/proc/11/ns/net")])
        #expect(containers.map(\.pid) == [11, 12] && containers.map(\.startTime) == [nil, 5000])
        #expect(containers.map(\.declared.count) == [1, 0])
    }

    /// `ctr run`, whose user chose the id, and nerdctl.
    @Test func containerdAlone() throws {
        let host = try ContainerHost([
            "\(task)/default/web/config.json": RuntimeFiles.spec(network: nil), "\(task)/default/web/init.pid": "21",
            "/run/containerd/runc/default/web/state.json": RuntimeFiles.runcState("web", pid: 21),
            "\(task)/default/\(ContainerID.a)/config.json": RuntimeFiles.spec(annotations: #"{"nerdctl/name":"db"}"#),
        ])
        let containers = host.containers()
        #expect(containers.map(\.id) == [ContainerID.a, "web"] && containers.map(\.name) == ["db", "web"])
        #expect(containers.map(\.runtime) == [.containerd, .containerd] && containers.map(\.pid) == [nil, 21])
        #expect(containers[1].network == .host && containers[1].startTime == 5000)
    }

    @Test func crio() throws {
        let names = (sandbox: "k8s_POD_web-1_prod_05dda62e_0", container: "k8s_nginx_web-1_prod_05dda62e_0")
        let storage = "/var/lib/containers/storage/overlay-containers"
        let manager =
            #""io.container.manager":"cri-o","io.kubernetes.pod.name":"web-1","io.kubernetes.pod.namespace":"prod""#
        let host = try ContainerHost([
            "\(storage)/containers.json":
                "[\(RuntimeFiles.crioEntry(ContainerID.a, name: names.sandbox)),"
                + "\(RuntimeFiles.crioEntry(ContainerID.b, name: names.container))]",
            "\(storage)/\(ContainerID.a)/userdata/config.json": RuntimeFiles.spec(
                network: #"{"type":"network","path":"/var/run/netns/7"}"#, sysctl: #"{"net.core.somaxconn":"7"}"#,
                annotations:
                    #"{\#(manager),"io.kubernetes.cri-o.ContainerType":"sandbox","io.kubernetes.container.name":"POD"}"#
            ),
            "/run/containers/storage/overlay-containers/\(ContainerID.a)/userdata/config.json": RuntimeFiles.spec(
                network: #"{"type":"network","path":"/var/run/netns/7"}"#, sysctl: #"{"net.core.somaxconn":"7"}"#,
                annotations: #"{"io.container.manager":"cri-o"}"#),
            "/run/runc/\(ContainerID.b)/state.json": RuntimeFiles.runcState(
                ContainerID.b, pid: 32, network: "/var/run/netns/7", labels: #"["io.container.manager=cri-o"]"#),
        ])
        let containers = host.containers()
        #expect(containers.map(\.runtime) == [.crio, .crio] && containers.map(\.isSandbox) == [true, false])
        #expect(containers.map(\.name) == [nil, "nginx"] && containers.map(\.pod) == ["web-1", "web-1"])
        #expect(containers.map(\.podNamespace) == ["prod", "prod"] && containers.map(\.pid) == [nil, 32])
        #expect(containers.map(\.network) == [.path("/var/run/netns/7"), .path("/var/run/netns/7")])
    }

    @Test(arguments: ["overlay", "vfs", "btrfs"])
    func podman(_ driver: String) throws {
        let storage = "/var/lib/containers/storage/\(driver)-containers"
        let pod =
            #"{"io.container.manager":"libpod","io.kubernetes.cri-o.ContainerType":"sandbox","io.kubernetes.cri-o.SandboxID":"1"}"#
        let host = try ContainerHost([
            "\(storage)/containers.json": "[\(RuntimeFiles.podmanEntry(ContainerID.a, name: "web"))]",
            "\(storage)/volatile-containers.json": "[\(RuntimeFiles.podmanEntry(ContainerID.b, name: "p-infra"))]",
            "\(storage)/\(ContainerID.a)/userdata/config.json": RuntimeFiles.spec(
                sysctl: #"{"net.ipv4.ping_group_range":"0 0"}"#, annotations: #"{"io.container.manager":"libpod"}"#),
            "\(storage)/\(ContainerID.b)/userdata/config.json": RuntimeFiles.spec(annotations: pod),
            "/run/containers/storage/\(driver)-containers/\(ContainerID.a)/userdata/pidfile": "6033",
            "/run/crun/\(ContainerID.b)/status": RuntimeFiles.crunStatus(pid: 42),
            "/run/crun/\(ContainerID.b)/config.json": RuntimeFiles.spec(annotations: pod),
        ])
        let containers = host.containers()
        #expect(containers.map(\.runtime) == [.podman, .podman] && containers.map(\.name) == ["web", "p-infra"])
        #expect(containers.map(\.pid) == [nil, 42] && containers.map(\.startTime) == [nil, 5000])
        #expect(containers.map(\.isSandbox) == [false, true] && containers.map(\.pod) == [nil, nil])
        #expect(containers.map(\.network) == [.own, .own] && containers.map(\.declared.count) == [1, 0])
    }

    /// Podman of a user: in its home, its words its own.
    @Test(.enabled(if: geteuid() == 0)) func rootlessPodman() throws {
        let storage = "/home/u/.local/share/containers/storage/overlay-containers"
        let host = try ContainerHost([
            "/etc/passwd": "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n",
            "\(storage)/containers.json": "[\(RuntimeFiles.podmanEntry(ContainerID.a, name: "web"))]",
            "/run/user/1000/crun/\(ContainerID.a)/status": RuntimeFiles.crunStatus(pid: 52),
            "/run/user/1000/crun/\(ContainerID.a)/config.json": RuntimeFiles.spec(
                annotations: #"{"io.container.manager":"libpod"}"#),
            "/run/runc/\(ContainerID.a)/state.json": RuntimeFiles.runcState(ContainerID.a, pid: 53),
        ])
        try host.give("/home/u", to: 1000)
        try host.give("/run/user/1000", to: 1000)
        let containers = host.containers()
        #expect(containers.map(\.isTrusted) == [false, true] && containers.map(\.runtime) == [.podman, .runc])
        #expect(containers.map(\.name) == ["web", ContainerID.a] && containers.map(\.pid) == [52, 53])
    }

    @Test func plainRuncAndCrun() throws {
        let host = try ContainerHost([
            "/run/runc/web/state.json": RuntimeFiles.runcState("web", pid: 61),
            "/run/crun/web/status": RuntimeFiles.crunStatus(pid: 62),
            "/run/crun/web/config.json": RuntimeFiles.spec(network: nil),
        ])
        let containers = host.containers()
        #expect(containers.map(\.runtime) == [.crun, .runc] && containers.map(\.name) == ["web", "web"])
        #expect(containers.map(\.pid) == [62, 61] && containers.map(\.network) == [.host, .own])
    }
}
