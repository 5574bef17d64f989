import NetnsCore
import TestSupport
import Testing

@Suite struct ContainerCgroupTests {
    private static let id = "72a887166fe4eec0bad3213db5f222e4d8458a1473ea0fac4ab9184ca51abe72"
    private static let other = "a5c28825dcadd46085ed240176fa9ac877ddd7cecb8d39e692cf0f0aa895b801"
    private static let pod = "pod05dda62e-aae5-11e7-8f44-0050568f0af6"

    private static func container(_ text: String) -> ContainerCgroup? { container(Array(text.utf8)) }

    private static func container(_ bytes: [UInt8]) -> ContainerCgroup? { unsafe ContainerCgroup(bytes.span.bytes) }

    @Test(
        arguments: [
            ("/docker/\(id)", .docker), ("/system.slice/docker-\(id).scope", .docker),
            (
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-\(pod).slice/cri-containerd-\(id).scope",
                .containerd
            ),
            ("/kubepods/burstable/\(pod)/\(id)", nil), ("/kubepods/besteffort/\(pod)/crio-\(id)", .crio),
            ("/system.slice/containerd.service/kubepods-burstable-\(pod).slice:cri-containerd:\(id)", .containerd),
            ("/kubepods.slice/kubepods-\(pod).slice/crio-\(id).scope", .crio),
            ("/kubepods.slice/kubepods-\(pod).slice/crio-\(id).scope/container", .crio),
            ("/machine.slice/libpod-\(id).scope/container", .podman), ("/libpod_parent/libpod-\(id)", .podman),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope/container/init.scope",
                .podman
            ),
            ("/system.slice/web.service/libpod-payload-\(id)", .podman), ("/../../docker/\(id)", .docker),
            ("/../\(id)", nil), ("/system.slice/nerdctl-\(id).scope", .containerd),
            ("/docker/\(other)/docker/\(id)", .docker), ("/\(id)", nil), ("/ecs/\(pod)/\(id)", nil),
            ("/system.slice/runc-\(id).scope", .runc), ("/docker/\(other)/system.slice/docker-\(id).scope", .docker),
        ] as [(String, ContainerRuntime?)])
    func paths(_ path: String, _ runtime: ContainerRuntime?) throws {
        for text in [
            "0::\(path)", "0::\(path)\n", "12:memory:\(path)\n11:cpu,cpuacct:\(path)\n1:name=systemd:\(path)\n0::/\n",
        ] {
            let found = try #require(Self.container(text))
            #expect(found.id == Self.id && found.runtime == runtime, "\(text)")
        }
    }

    @Test func plainNames() {
        #expect(Self.container("0::/system.slice/runc-web.scope\n")?.id == "web")
        #expect(Self.container("0::/user.slice/user@0.service/crun-a-b.c.scope\n")?.id == "a-b.c")
        #expect(Self.container("0::/system.slice/crun-web.scope\n")?.runtime == .crun)
    }

    @Test(arguments: [
        "/", "", "/init.scope", "/user.slice/user-0.slice/session-1.scope", "/system.slice/docker.service",
        "/machine.slice/libpod-conmon-\(id).scope", "/kubepods.slice/crio-conmon-\(id).scope", "/libpod_parent/conmon",
        "/docker/\(id.dropLast())", "/docker/\(id)0", "/docker/\(id.uppercased())", "/web", "/system.slice/runc-.scope",
        "/system.slice/run-\(id).scope", "/x\(id)", "/-\(id)", "/:\(id)", "/docker-\(id).scope.d", "/\(id).scope",
        "/process_api/6b53c6f48b685d275659d3842f195519",
    ])
    func others(_ path: String) { #expect(Self.container("3:cpu:\(path)\n0::\(path)\n") == nil) }

    /// Cgroups of version 1 beside a unified one that is not used: the first that tells.
    @Test func hybrid() {
        let text = "9:name=systemd:/\n8:pids:/libpod_parent/libpod-\(Self.id)\n0::/\n"
        #expect(Self.container(text)?.id == Self.id)
        #expect(Self.container("1::::/docker/\(Self.id)\n")?.id == Self.id)
    }

    @Test func anyBytes() {
        var generator = SplitMix64(seed: 7)
        let line = Array("1:a:/x.slice:cri-containerd:\(Self.id)\n2:b:/system.slice/docker-\(Self.id).scope\n".utf8)
        for length in 0...line.count { _ = Self.container(Array(line.prefix(length))) }
        for _ in 0..<3000 {
            var mutated = line
            for _ in 0..<3 {
                mutated[Int.random(in: 0..<line.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if let found = Self.container(mutated) { #expect(!found.id.isEmpty) }
        }
    }
}
