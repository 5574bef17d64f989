import Foundation
import NetnsCore
import Testing

@testable import NetnsSystem

/// A host's files below a directory of its own, and a catalog of them.
final class ContainerHost {
    let directory: TemporaryDirectory
    let ledger = ErrorLedger()
    lazy var catalog = ContainerCatalog(ContainerPaths(rootfs: directory.path), ledger: ledger)

    /// Writes files, given by their paths on the host, replacing each by rename as runtimes do.
    init(_ files: [String: String] = [:]) throws {
        directory = try TemporaryDirectory()
        for (path, text) in files { try write(path, text) }
    }

    func path(_ path: String) -> String { directory.path + path }

    func write(_ path: String, _ text: String) throws {
        let parent = (self.path(path) as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: self.path(path)), options: .atomic)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: self.path(path)) }

    /// Makes everything below a path a user's.
    func give(_ path: String, to user: UInt32) throws {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: self.path(path)).map { "\(path)/\($0)" }
        for path in [path] + paths { try #require(unsafe lchown(self.path(path), user, user) == 0) }
    }

    /// The containers after another refresh.
    func containers() -> [Container] {
        _ = catalog.refresh()
        return catalog.containers
    }

    /// What was counted, as `REASON` or `REASON NUMBER`.
    var errors: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: ledger.entries.map { ($0.key.reason, $0.count) })
    }

    /// Waits until the clock that dates files has gone on: files are read once more before.
    func settle() { usleep(30_000) }
}

/// Ids of 64 digits.
enum ContainerID {
    static let a = String(repeating: "a1", count: 32)
    static let b = String(repeating: "b2", count: 32)
}

/// Files as runtimes write them, without what concerns no network.
enum RuntimeFiles {
    /// An OCI specification.
    static func spec(
        network: String? = #"{"type":"network"}"#, sysctl: String = "{}", annotations: String = "{}"
    ) -> String {
        #"{"ociVersion":"1.0.2-dev","process":{"args":["sh"]},"root":{"path":"rootfs"},"hostname":"h","annotations":"#
            + #"\#(annotations),"linux":{"sysctl":\#(sysctl),"cgroupsPath":"/x","namespaces":[{"type":"pid"}"#
            + #"\#(network.map { "," + $0 } ?? "")]}}"#
    }

    static func runcState(
        _ id: String, pid: Int, start: Int = 5000, network: String = "", sysctl: String = "{}", labels: String = "[]"
    ) -> String {
        #"{"id":"\#(id)","init_process_pid":\#(pid),"init_process_start":\#(start),"created":"2026-11-23T10:00:00.25Z","#
            + #""config":{"rootfs":"/x","namespaces":[{"type":"NEWNS","path":""},{"type":"NEWNET","path":"\#(network)"}],"#
            + #""sysctl":\#(sysctl),"labels":\#(labels)},"rootless":false,"namespace_paths":{"NEWNET":"/proc/\#(pid)/ns/net"}}"#
    }

    static func crunStatus(pid: Int, start: Int = 5000) -> String {
        """
        {
            "pid": \(pid),
            "process-start-time": \(start),
            "cgroup-path": "/crun",
            "scope": "",
            "rootfs": "/srv/rootfs",
            "systemd-cgroup": false,
            "bundle": "/srv",
            "created": "2026-11-23T10:00:00.000000Z",
            "detached": true,
            "external_descriptors": "[\\"/dev/null\\",\\"/dev/null\\",\\"/dev/null\\"]"
        }
        """
    }

    static func dockerConfig(_ id: String, name: String, pid: Int, labels: String = "{}") -> String {
        #"{"StreamConfig":{},"State":{"Running":\#(pid > 0),"Paused":false,"Pid":\#(pid),"ExitCode":0},"ID":"\#(id)","#
            + #""Created":"2026-11-23T09:59:59Z","Managed":false,"Path":"sh","Args":[],"Config":{"Hostname":"h","#
            + #""Labels":\#(labels)},"Image":"sha256:0","NetworkSettings":{"SandboxKey":"/var/run/docker/netns/1"},"#
            + #""Name":"/\#(name)","Driver":"overlay2","RestartCount":0}"#
    }

    /// An entry of containers.json, as podman 4.3 writes it.
    static func podmanEntry(_ id: String, name: String) -> String {
        #"{"id":"\#(id)","names":["\#(name)"],"image":"","layer":"1754","metadata":"{\"image-name\":\"\",\"image-id\":\"\","#
            + #"\"name\":\"\#(name)\",\"created-at\":1795457608}","created":"2026-11-23T18:13:28.348787796Z","#
            + #""flags":{"MountLabel":"","ProcessLabel":""}}"#
    }

    /// An entry of containers.json, as CRI-O writes it.
    static func crioEntry(_ id: String, name: String) -> String {
        #"{"id":"\#(id)","names":["\#(name)"],"image":"","layer":"1","metadata":"{\"pod-name\":\"\#(name)\",\"pod-id\":\"1\","#
            + #"\"name\":\"\#(name)\",\"metadata-name\":\"web-1\"}","created":"2026-11-23T18:13:28Z"}"#
    }
}
