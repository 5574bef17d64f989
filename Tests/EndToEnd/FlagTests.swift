import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What the flags of discovery, log and paths do.
    @Suite struct FlagTests {
        @Test("--discovery.include and --discovery.exclude", .needs(.root, .tool("ip")))
        func includeAndExclude() throws {
            let (a, b) = (try NamespaceCrowd(2), try NamespaceCrowd(2))
            func seen(_ flags: String...) throws -> Set<String> { try AgentProcess(flags).scrape().namespaces }
            #expect(try seen(a.include) == Set(a.names))
            #expect(try seen(a.include, b.include) == Set(a.names + b.names))
            #expect(try seen(a.include, "--discovery.exclude=*0") == [a.names[1]])
            let others = try seen("--discovery.exclude=\(a.prefix)*", "--discovery.exclude=host")
            #expect(others.isSuperset(of: b.names) && others.isDisjoint(with: a.names + ["host"]))
            #expect(try seen("--discovery.include=host", "--discovery.exclude=h?st").isEmpty)
        }

        @Test("--discovery.max-namespaces leaves out the newest, and counts them", .needs(.root, .tool("ip")))
        func maximum() throws {
            let old = try NamespaceCrowd(3)
            let agent = try AgentProcess([
                "--discovery.include=\(old.prefix)*", "--discovery.include=late*", "--discovery.max-namespaces=3",
            ])
            let all = try agent.scrape()
            #expect(all.namespaces == Set(old.names))
            #expect(all.value("netdrift_namespaces_left_out", ["reason": "limit"]) == 0)
            let late = try NamedNamespace(NamedNamespace.uniqueName("late"))
            let after = try agent.scrape()
            #expect(after.namespaces == Set(old.names))
            #expect(after.keepalives == old.keepalives)
            #expect(after.value("netdrift_namespaces_left_out", ["reason": "limit"]) == 1)
            try Command.check("ip", "netns", "del", old.names[0])
            #expect(try agent.scrape().namespaces == Set(old.names[1...] + [late.name]))
        }

        @Test("--discovery.deep-interval", .needs(.root, .tool(Holder.python)))
        func deepInterval() throws {
            let holder = try Holder(.fd, keepalive: 700)
            let without = try AgentProcess([
                "--engine=portable", "--discovery.deep-interval=0", "--discovery.include=net:*",
            ])
            #expect(try without.scrape().info(inode: holder.inode) == nil)
            #expect(try without.scrape().series("netdrift_deep_scan_timestamp_seconds").isEmpty)
            let with = try AgentProcess([
                "--engine=portable", "--discovery.deep-interval=1s", "--discovery.include=net:*",
            ])
            let first = try with.scrape()
            #expect(first.info(inode: holder.inode)?["origin"] == "fd")
            let late = try Holder(.socket, keepalive: 701)
            let found = try eventually(within: 10) { try with.scrape().info(inode: late.inode) }
            #expect(found?["origin"] == "socket")
            let time = try #require(first.value("netdrift_deep_scan_timestamp_seconds"))
            #expect(abs(time - Date().timeIntervalSince1970) < 60)
            #expect((try with.scrape().value("netdrift_deep_scan_timestamp_seconds") ?? 0) > time)
        }

        @Test("--log.format and --log.level", .needs(.root))
        func log() throws {
            let json = try HTTPTests.agent(["--log.format=json", "--log.level=debug"])
            #expect(json.stop() == 0)
            #expect(json.logLines.count >= 3)
            for line in json.logLines {
                let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
                #expect(fields["time"] != nil && fields["level"] != nil && fields["msg"] != nil, "\(line)")
            }
            #expect(json.log.contains("\"msg\":\"netdrift is running\""))

            let logfmt = try HTTPTests.agent()
            #expect(logfmt.stop() == 0)
            for line in logfmt.logLines {
                #expect(
                    line.wholeMatch(of: /time=\S+Z level=(debug|info|warn|error) msg=(\S+|".*")( \w+=(\S+|".*"))*/)
                        != nil)
            }
            #expect(logfmt.log.contains("level=info msg=\"netdrift is running\" address=127.0.0.1:"))

            // The announcement is of the level info: without it nobody says where the agent listens.
            let taken = try HTTPTests.agent()
            let quiet = try Command.run([
                "timeout", "--signal=TERM", "2", AgentProcess.binary, "--no-collector.probe",
                "--web.listen-address=127.0.0.1:0",
                "--log.level=error", "--discovery.include=host",
            ])
            #expect(quiet.errors.isEmpty && quiet.output.isEmpty)
            #expect(taken.isRunning)
        }

        @Test("--path.host-netns names another namespace host", .needs(.root, .tool("ip")))
        func hostNamespace() throws {
            let wired = try WiredNamespace(keepalive: 819)
            let agent = try AgentProcess([
                "--path.host-netns=\(wired.namespace.path)", "--discovery.include=host", "--discovery.include=net:*",
            ])
            let exposition = try agent.scrape()
            #expect(exposition.info(inode: wired.inode)?["netns"] == "host")
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: "host") == 819)
            let own = try NamedNamespace.inode(of: "/proc/self/ns/net")
            #expect(exposition.info(inode: own)?["netns"] == "net:[\(own)]")
            #expect((exposition.value("netns_processes", ["netns": "net:[\(own)]"]) ?? 0) > 1)
            // The namespace of the flag is not held either.
            #expect(agent.stop() == 0)
        }

        @Test("--path.host-netns does not hold the namespace", .needs(.root, .tool("ip")))
        func hostNamespaceIsNotHeld() throws {
            let wired = try WiredNamespace()
            let agent = try AgentProcess(["--path.host-netns=\(wired.namespace.path)", "--discovery.include=host"])
            _ = try agent.scrape()
            try wired.namespace.delete()
            #expect(eventually(within: 3) { wired.isWired ? nil : true } == true)
            #expect(try agent.scrape().sysctl("net.ipv4.tcp_keepalive_time", in: "host") == nil)
        }

        @Test("an agent in another namespace calls its own the host's", .needs(.root, .tool("ip")))
        func elsewhere() throws {
            let wired = try WiredNamespace(keepalive: 830)
            let result = try AgentProcess.run(
                ["list", "--json", "--discovery.include=host"], prefix: ["ip", "netns", "exec", wired.name])
            #expect(result.status == 0)
            #expect(result.output.contains("\"inode\" : \(wired.inode)"))
            #expect(result.output.contains("\"eth0\""))
        }

        @Test("--path.netns-dir gives names", .needs(.root, .tool("ip"), .tool("mount")))
        func namesDirectory() throws {
            let wired = try WiredNamespace()
            let directory = try TemporaryDirectory()
            let path = try directory.write("blue", "")
            try Command.check("mount", "--bind", wired.namespace.path, path)
            defer { _ = try? Command.run(["umount", "-l", path]) }
            let agent = try AgentProcess(["--path.netns-dir=\(directory.path)", "--discovery.include=blue"])
            #expect(try agent.scrape().info(inode: wired.inode)?["netns"] == "blue")
        }
    }
}
