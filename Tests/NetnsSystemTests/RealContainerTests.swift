import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Files that the programs themselves wrote, of containers that run.
    @Suite(.needs(.root, .tool("runc"), .tool("busybox"))) struct RealContainerTests {
        /// What the kernel says of a process: its cgroup's container, and when it started.
        private func process(_ pid: Int32) throws -> (cgroup: ContainerCgroup?, start: UInt64?) {
            let cgroup = Array(try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/cgroup")))
            let stat = Array(try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/stat")))
            return unsafe (ContainerCgroup(cgroup.span.bytes), ProcessStat(stat.span.bytes)?.startTicks)
        }

        @Test func ofRunc() throws {
            let directory = try BusyboxDirectory()
            let id = NamedNamespace.uniqueName("rc")
            try Command.check("runc", "spec", "--bundle", directory.path)
            var spec = try directory.json("config.json")
            spec["root"] = ["path": "rootfs", "readonly": true]
            var process = try #require(spec["process"] as? [String: Any])
            process["args"] = ["/bin/sleep", "600"]
            process["terminal"] = false
            process["rlimits"] = nil
            spec["process"] = process
            var linux = try #require(spec["linux"] as? [String: Any])
            linux["sysctl"] = ["net/ipv4/tcp_keepalive_time": "600", "net.core.somaxconn": "512"]
            spec["linux"] = linux
            try directory.write("config.json", spec)
            let root = directory.path + "/state"
            try Command.check(
                "sh", "-c", "exec runc --root \"$1\" run -d --bundle \"$2\" \"$3\" </dev/null >/dev/null 2>&1", "sh",
                root,
                directory.path, id)
            defer { _ = try? Command.run(["runc", "--root", root, "delete", "-f", id]) }
            var paths = ContainerPaths()
            paths.runc = [root]
            let catalog = ContainerCatalog(paths, ledger: ErrorLedger())
            _ = catalog.refresh()
            let container = try #require(catalog.containers.first { $0.id == id })
            #expect(
                container.runtime == .runc && container.name == id && container.network == .own && container.isTrusted)
            #expect(
                container.declared.map { "\($0.name)=\($0.value)" } == [
                    "net.core.somaxconn=512", "net.ipv4.tcp_keepalive_time=600",
                ])
            let pid = try #require(container.pid)
            #expect(try self.process(pid).start == container.startTime)
            #expect(abs(try #require(container.created) - Date().timeIntervalSince1970) < 60)
            try Command.check("runc", "--root", root, "delete", "-f", id)
            #expect(catalog.refresh() && !catalog.containers.contains { $0.id == id })
        }

        /// Podman's container runs in a cgroup of its name; one that joins it says so; stopped, it has no process.
        @Test(.needs(.tool("podman"))) func ofPodman() throws {
            let podman = try Podman()
            let name = NamedNamespace.uniqueName("pc")
            let id = try podman.run(name, "--network", "none", "--sysctl", "net.ipv4.tcp_keepalive_time=600")
            let joined = try podman.run("\(name)j", "--network", "container:\(name)")
            var paths = ContainerPaths()
            paths.runc = [podman.state]
            paths.storage = [podman.root, podman.runRoot]
            let ledger = ErrorLedger()
            let catalog = ContainerCatalog(paths, ledger: ledger)
            func container(_ id: String) throws -> Container {
                _ = catalog.refresh()
                return try #require(catalog.containers.first { $0.id == id })
            }
            let first = try container(id)
            #expect(first.runtime == .podman && first.name == name && first.network == .own && first.isTrusted)
            #expect(first.declared.contains { $0.name.dotted == "net.ipv4.tcp_keepalive_time" && $0.value == "600" })
            let pid = try #require(first.pid)
            let process = try process(pid)
            #expect(process.start == first.startTime)
            #expect(process.cgroup?.id == id && process.cgroup?.runtime == .podman)
            #expect(try container(joined).network == .path("/proc/\(pid)/ns/net"))
            #expect(try container(joined).declared.isEmpty)
            #expect(ledger.entries.isEmpty)
            try podman.check("stop", "-t", "0", "\(name)j", name)
            // Podman 4.3 forgets the flag that says where runc's state is, in the helper that cleans up.
            _ = try Command.run(["runc", "--root", podman.state, "delete", "--force", id])
            let stopped = try container(id)
            #expect(stopped.pid == nil && stopped.name == name && stopped.network == .own)
            try podman.check("rm", "\(name)j")
            try podman.check("rm", name)
            #expect(catalog.refresh() && !catalog.containers.contains { $0.id == id })
        }
    }
}

extension BusyboxDirectory {
    fileprivate func json(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    fileprivate func write(_ name: String, _ object: [String: Any]) throws {
        try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
}
