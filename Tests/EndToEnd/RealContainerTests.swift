import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Containers that run, by the files that their runtimes wrote.
    @Suite struct RealContainerTests {
        private static let keepalive = "net.ipv4.tcp_keepalive_time"

        /// By name, with runtime, id and declared value, in each of the agent's answers.
        private static func expect(
            _ inode: UInt64, named name: String, id: String, runtime: String, flags: [String], _ agent: AgentProcess
        ) throws {
            for report in [try agent.report(), try NamespaceReport.list(flags)] {
                let entry = try #require(report[inode])
                #expect(entry["name"] == name && entry["origin"] == "process")
                #expect(entry["runtime"] == runtime && entry["container_id"] == id && entry["container"] == name)
                #expect(entry["pod"] == nil && entry["pod_namespace"] == nil)
                #expect(entry.texts("declared")?[keepalive] == "600")
                #expect(entry.objects("containers").first?["container_id"] == id)
            }
            let exposition = try agent.scrape()
            let info = try #require(exposition.info(inode: inode))
            #expect(info["netns"] == name && info["runtime"] == runtime)
            #expect(info["container_id"] == id && info["container"] == name && info["pod"] == nil)
            #expect(exposition.sysctl(keepalive, in: name) == 600)
        }

        @Test("a container of runc's", .needs(.root, .tool("runc"), .tool("busybox")))
        func runc() throws {
            let container = try Container(keepalive: 600)
            let flags = ["--path.runc=\(container.root)", "--discovery.include=\(container.id)"]
            let agent = try AgentProcess(flags)
            try Self.expect(
                container.inode, named: container.id, id: container.id, runtime: "runc", flags: flags, agent)
            // Gone, and another of that name: its inode and its values, and nothing of the old one.
            container.delete()
            #expect(try agent.scrape().namespaces.isEmpty)
            let other = try Container(keepalive: 601, id: container.id, beside: container)
            let exposition = try agent.scrape()
            #expect(exposition.namespaces == [container.id])
            #expect(exposition.info(inode: other.inode)?["container_id"] == other.id)
            #expect(exposition.sysctl(Self.keepalive, in: other.id) == 601)
            #expect(try agent.report()[other.inode]?.texts("declared") == [Self.keepalive: "601"])
        }

        @Test("containers of podman's, two of which share a namespace", .needs(.root, .tool("podman"), .tool("runc")))
        func podman() throws {
            let podman = try Podman()
            let name = NamedNamespace.uniqueName("pc")
            let id = try podman.run(name, "--network", "none", "--sysctl", "\(Self.keepalive)=600")
            let joined = try podman.run("\(name)j", "--network", "container:\(name)")
            let onHost = try podman.run("\(name)h", "--network", "host")
            let pid = try podman.check("inspect", "--format", "{{.State.Pid}}", name)
            let inode = try NamedNamespace.inode(of: "/proc/\(pid)/ns/net")
            let flags = [
                "--path.runc=\(podman.state)", "--path.containers-storage=\(podman.root)",
                "--path.containers-storage=\(podman.runRoot)", "--discovery.include=\(name)*",
                "--discovery.include=host",
            ]
            let agent = try AgentProcess(flags)
            try Self.expect(inode, named: name, id: id, runtime: "podman", flags: flags, agent)
            let exposition = try agent.scrape()
            #expect(exposition.namespaces == ["host", name])
            #expect(exposition.value("netns_processes", ["netns": name]) == 2)
            let entry = try #require(try agent.report()[inode])
            #expect(entry.objects("containers").map { $0["container"] } == [name, "\(name)j"])
            #expect(entry.objects("containers").map { $0["container_id"] } == [id, joined])
            #expect(entry.objects("containers").map { $0["runtime"] } == ["podman", "podman"])
            // The one on the host's network is listed there, and labels nothing.
            let host = try #require(try agent.report()["host"])
            #expect(host.objects("containers").map { $0["container_id"] } == [onHost])
            #expect(host["container"] == nil && host["runtime"] == nil && host.texts("declared") == nil)
            let labels = try #require(exposition.series("netns_info", ["netns": "host"]).first?.labels)
            #expect(Set(labels.keys).isDisjoint(with: ["runtime", "container_id", "container", "pod"]))

            try podman.remove("\(name)j")
            #expect(try agent.scrape().namespaces == ["host", name])
            #expect(try agent.report()[inode]?.objects("containers").map { $0["container"] } == [name])
            try podman.remove(name)
            #expect(try agent.scrape().namespaces == ["host"])
        }

        @Test(
            "one of runc's that joins another's namespace by its path", .needs(.root, .tool("runc"), .tool("busybox")))
        func joined() throws {
            let first = try Container(keepalive: 600)
            // By its id it would be the first.
            let second = try Container(
                keepalive: nil, id: "a\(first.id)", network: .path("/proc/\(first.pid)/ns/net"), beside: first)
            #expect(first.inode == second.inode)
            let flags = ["--path.runc=\(first.root)", "--discovery.include=*\(first.id)*"]
            let agent = try AgentProcess(flags)
            try Self.expect(first.inode, named: first.id, id: first.id, runtime: "runc", flags: flags, agent)
            #expect(try agent.scrape().namespaces == [first.id])
            let entry = try #require(try agent.report()[first.inode])
            #expect(entry.objects("containers").map { $0["container"] } == [first.id, second.id])
            // The namespace outlives the container that it was made for, and is the other's then.
            first.delete()
            #expect(try agent.scrape().info(inode: second.inode)?["container"] == second.id)
        }

        @Test("one on the host's network, and one called host", .needs(.root, .tool("runc"), .tool("busybox")))
        func host() throws {
            let onHost = try Container(keepalive: nil, network: .host)
            let called = try Container(keepalive: 602, id: "host", beside: onHost)
            let agent = try AgentProcess(["--path.runc=\(onHost.root)", "--discovery.include=host*"])
            let exposition = try agent.scrape()
            let name = "host@\(called.inode)"
            #expect(exposition.namespaces == ["host", name])
            #expect(exposition.info(inode: called.inode)?["container"] == "host")
            #expect(exposition.sysctl(Self.keepalive, in: name) == 602)
            let own = try #require(exposition.info(inode: try NamedNamespace.inode(of: "/proc/self/ns/net")))
            #expect(own["netns"] == "host" && own["container"] == nil && own["container_id"] == nil)
            #expect(exposition.series("netns_info", ["container": onHost.id]).isEmpty)
            let host = try #require(try agent.report()["host"])
            #expect(host.objects("containers").map { $0["container"] } == [onHost.id])
            #expect(host["container"] == nil)
        }
    }
}
