import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `/api/v1/namespaces`.
    @Suite(.needs(.root, .tool("ip"), .tool("nsenter"))) struct NamespacesAPITests {
        private static let path = "/api/v1/namespaces"

        private static func collections(_ agent: AgentProcess) throws -> Double {
            try #require(try agent.scrape().value("netdrift_collections_total"))
        }

        @Test("it says what list --json says, but for command lines")
        func content() throws {
            let crowd = try NamespaceCrowd(3)
            let first = crowd.names[0]
            let secret = "password-\(getpid())"
            let process = try ChildProcess(
                "nsenter", "--net=/run/netns/\(first)", "sh", "-c", "echo ready; read wait", secret)
            try Command.check(
                "ip", "-n", first, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns",
                crowd.names[1])
            try Command.check("ip", "-n", first, "addr", "add", "198.18.7.1/24", "dev", "eth0")
            let agent = try AgentProcess([crowd.include])
            let answer = try agent.get(Self.path)
            #expect(answer.status == 200 && answer.header("Content-Type") == "application/json")
            #expect(answer.header("Cache-Control") == "no-store" && answer.header("Content-Encoding") == nil)
            #expect(answer.text?.contains(secret) == false)
            let report = try NamespaceReport(answer.body)
            let list = try NamespaceReport.list([crowd.include])
            #expect(Set(report.namespaces.compactMap { $0["name"] }) == Set(crowd.names))
            let entry = try #require(report[first])
            #expect(entry["command"] == "sh" && entry.number("pid") == Int(process.pid))
            #expect(list[first]?["command"]?.contains(secret) == true)
            #expect(entry.interface("eth0")?["peer_netns"] == crowd.names[1])
            #expect(entry.interface("eth0")?.values["addresses"] as? [String] == ["198.18.7.1/24"])
            for name in crowd.names {
                var (ours, theirs) = (try #require(report[name]), try #require(list[name]))
                ours.values["command"] = nil
                theirs.values["command"] = nil
                #expect(ours == theirs, "\(ours.values)\n\(theirs.values)")
            }
        }

        @Test("who holds a namespace without a process", .needs(.tool(Holder.python)))
        func holders() throws {
            let named = try NamedNamespace()
            let ways: [Holder.Way] = [.fd, .socket, .thread, .mount]
            let holders = try ways.map { try Holder($0, keepalive: 700) }
            let agent = try AgentProcess(["--discovery.deep-interval=1s"])
            let report = try agent.report()
            #expect(report[named.inode]?.values["mounts"] as? [String] == [named.path])
            #expect(report[named.inode]?["origin"] == "mount" && report[named.inode]?.number("processes") == 0)
            for holder in holders {
                let entry = try #require(report[holder.inode], "\(holder.way)")
                #expect(entry["origin"] == holder.way.rawValue && entry.number("pid") == nil)
                let held = try #require(entry.objects("holders").first { $0.number("pid") == Int(holder.pid) })
                #expect(held["origin"] == holder.way.rawValue)
                let proc = "/proc/\(holder.pid)"
                switch holder.way {
                case .fd:
                    let fd = try #require(held.number("fd"))
                    #expect(try NamedNamespace.inode(of: "\(proc)/fd/\(fd)") == holder.inode)
                case .socket:
                    let fd = try #require(held.number("fd"))
                    let target = try FileManager.default.destinationOfSymbolicLink(atPath: "\(proc)/fd/\(fd)")
                    #expect(target.hasPrefix("socket:"))
                case .thread:
                    let tid = try #require(held.number("tid"))
                    #expect(try NamedNamespace.inode(of: "\(proc)/task/\(tid)/ns/net") == holder.inode)
                case .mount: #expect(held["path"] == "/mnt/ns")
                case .process: break
                }
            }
        }

        @Test("GET, HEAD and nothing else, with gzip when asked", .needs(.tool("gzip")))
        func methods() throws {
            let crowd = try NamespaceCrowd(20)
            // All are of one collection.
            let agent = try AgentProcess([crowd.include, "--collect.min-interval=1h"])
            let plain = try agent.get(Self.path)
            let packed = try agent.get(Self.path, [("Accept-Encoding", "gzip")])
            #expect(packed.header("Content-Encoding") == "gzip" && packed.header("Vary") == "Accept-Encoding")
            #expect(packed.header("Content-Type") == "application/json")
            #expect(packed.body.count < plain.body.count / 2)
            let directory = try TemporaryDirectory()
            let file = URL(fileURLWithPath: "\(directory.path)/body.gz")
            try packed.body.write(to: file)
            #expect(try Command.check("gzip", "-dc", file.path) == plain.text)
            let head = try agent.get(Self.path, method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.header("Content-Length") == "\(plain.body.count)")
            #expect(head.header("Content-Type") == "application/json")
            for method in ["POST", "PUT", "DELETE"] {
                let refused = try agent.get(Self.path, method: method)
                #expect(refused.status == 405 && refused.header("Allow")?.contains("GET") == true, "\(method)")
            }
            #expect(try agent.get(Self.path + "/").status == 404)
        }

        @Test("requests within --collect.min-interval are one collection, later ones are fresh")
        func caching() throws {
            let namespace = try NamedNamespace()
            func devices(_ agent: AgentProcess) throws -> [String?]? {
                try agent.report()[namespace.inode]?.objects("interfaces").map { $0["device"] }
            }
            let flags = ["--discovery.include=\(namespace.name)", "--discovery.deep-interval=0"]
            let kept = try AgentProcess(flags + ["--collect.min-interval=1h"])
            let soon = try AgentProcess(flags + ["--collect.min-interval=300ms"])
            let never = try AgentProcess(flags + ["--collect.min-interval=0"])
            for agent in [kept, soon, never] { #expect(try devices(agent) == ["lo"]) }
            try Command.check("ip", "-n", namespace.name, "link", "add", "more", "type", "bridge")
            #expect(try devices(kept) == ["lo"])
            #expect(try devices(never) == ["lo", "more"])
            usleep(400_000)
            #expect(try devices(soon) == ["lo", "more"])

            // Thirty at once, and one after the other: at most the one that is needed.
            let address = try kept.listening()
            let before = try Self.collections(kept)
            let answers = try concurrently(30) { _ in try HTTPConnection.get(address, Self.path) }
            #expect(answers.allSatisfy { $0.status == 200 } && Set(answers.map(\.body)).count == 1)
            for _ in 0..<3 { _ = try kept.report() }
            // The last scrape is a collection itself, always.
            let collected = try Self.collections(kept) - before - 1
            #expect(collected <= 1)
            let start = try Self.collections(never)
            for _ in 0..<3 { _ = try never.report() }
            #expect(try Self.collections(never) == start + 4)
        }

        @Test("pages and scrapes side by side")
        func besideScrapes() throws {
            let crowd = try NamespaceCrowd(30)
            let agent = try AgentProcess([crowd.include, "--collect.min-interval=0"])
            let address = try agent.listening()
            let answers = try concurrently(24) { index in
                let path = index.isMultiple(of: 2) ? Self.path : "/metrics"
                return (path, try (0..<4).map { _ in try HTTPConnection.get(address, path) })
            }
            for (path, each) in answers {
                for answer in each {
                    #expect(answer.status == 200)
                    if path == Self.path {
                        #expect(try NamespaceReport(answer.body).namespaces.count == 30)
                    } else {
                        #expect(try Exposition(parsing: try #require(answer.text)).keepalives == crowd.keepalives)
                    }
                }
            }
        }
    }
}
