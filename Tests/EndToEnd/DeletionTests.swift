import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The agent keeps nothing alive.
    @Suite struct DeletionTests {
        @Test("a deleted namespace goes at once, with its veth and its series", .needs(.root, .tool("ip")))
        func deletedNamespace() throws {
            let wired = try WiredNamespace(keepalive: 811)
            let other = try WiredNamespace(keepalive: 812)
            let agent = try AgentProcess([wired, other].map { "--discovery.include=\($0.name)" })
            for _ in 0..<3 {
                #expect(try agent.scrape().sysctl("net.ipv4.tcp_keepalive_time", in: wired.name) == 811)
            }
            #expect(wired.isWired)
            try wired.namespace.delete()
            #expect(eventually(within: 3) { wired.isWired ? nil : true } == true)
            let after = try agent.scrape()
            #expect(after.samples.keys.allSatisfy { $0.labels["netns"] != wired.name })
            #expect(after.sysctl("net.ipv4.tcp_keepalive_time", in: other.name) == 812)
            #expect(agent.stop() == 0)
        }

        @Test(
            "a killed container goes at once, with its veth and its series",
            .needs(.root, .tool("ip"), .tool("runc"), .tool("busybox")))
        func killedContainer() throws {
            let container = try Container(keepalive: 613)
            let device = NamedNamespace.uniqueName("v")
            try Command.check(
                "ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", "\(container.pid)")
            defer { _ = try? Command.run(["ip", "link", "del", device]) }
            let name = "net:[\(container.inode)]"
            let agent = try AgentProcess(["--discovery.deep-interval=1s", "--discovery.include=net:*"])
            for _ in 0..<3 {
                #expect(try agent.scrape().sysctl("net.ipv4.tcp_keepalive_time", in: name) == 613)
            }
            container.delete()
            let path = "/sys/class/net/\(device)"
            #expect(eventually(within: 3) { FileManager.default.fileExists(atPath: path) ? nil : true } == true)
            let after = try agent.scrape()
            #expect(after.samples.keys.allSatisfy { $0.labels["netns"] != name })
            #expect(agent.stop() == 0)
        }

        @Test(
            "what a holder held goes when the holder ends, and the deep scan forgets it",
            .needs(.root, .tool(Holder.python)), arguments: Holder.Way.allCases)
        func endedHolder(_ way: Holder.Way) throws {
            let holder = try Holder(way, keepalive: 813)
            // The kernel's own list has it some ms longer: the sockets of the last visit are put away after an RCU grace period.
            let agent = try AgentProcess([
                "--engine=portable", "--discovery.deep-interval=200ms", "--discovery.include=net:*",
            ])
            let other = try AgentProcess(["--discovery.deep-interval=200ms", "--discovery.include=net:*"])
            let found = try eventually(within: 5) {
                try other.scrape().info(inode: holder.inode)?["origin"] == way.rawValue ? true : nil
            }
            #expect(found == true)
            #expect(try agent.scrape().info(inode: holder.inode)?["origin"] == way.rawValue)
            holder.end()
            // The first scrape afterwards already finds that there is no way in any more.
            #expect(try agent.scrape().sysctl("net.ipv4.tcp_keepalive_time", in: "net:[\(holder.inode)]") != 813)
            let gone = try eventually(within: 5) { try agent.scrape().info(inode: holder.inode) == nil ? true : nil }
            #expect(gone == true)
            let goneToo = try eventually(within: 5) { try other.scrape().info(inode: holder.inode) == nil ? true : nil }
            #expect(goneToo == true)
        }

        @Test("a namespace made anew under the same name is read anew", .needs(.root, .tool("ip")))
        func madeAnew() throws {
            let name = NamedNamespace.uniqueName()
            let agent = try AgentProcess(["--discovery.include=\(name)"])
            for round in 0..<4 {
                let namespace = try NamedNamespace(name)
                try namespace.set("net/ipv4/tcp_keepalive_time", "\(820 + round)")
                let exposition = try agent.scrape()
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: name) == Double(820 + round))
                #expect(exposition.info(inode: namespace.inode)?["netns"] == name)
            }
            #expect(try agent.scrape().namespaces.isEmpty)
        }

        @Test("an agent that is killed leaves nothing in any namespace", .needs(.root, .tool("ip")))
        func killedAgent() throws {
            let wired = try WiredNamespace(keepalive: 814)
            let agent = try AgentProcess(["--discovery.include=\(wired.name)"])
            let pid = agent.pid
            _ = try agent.scrape()
            // In the midst of a scrape, so that it may be inside.
            let connection = try HTTPConnection(try agent.listening())
            try connection.request("GET", "/metrics")
            usleep(3000)
            agent.kill()
            #expect(agent.end() == 128 + SIGKILL)
            // Until it is reaped, its entry says only that it ended.
            let isGone = eventually(within: 20) {
                FileManager.default.fileExists(atPath: "/proc/\(pid)/ns/net") ? nil : true
            }
            #expect(isGone == true)
            #expect(try Command.check("ip", "netns", "pids", wired.name).isEmpty)
            try wired.namespace.delete()
            #expect(eventually(within: 3) { wired.isWired ? nil : true } == true)
        }
    }
}
