import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What the agent holds between scrapes.
    @Suite struct DescriptorTests {
        @Test(
            "between scrapes it holds no namespace and no socket in one",
            .needs(.root, .tool("ip"), .tool(Holder.python)))
        func holdsNothing() throws {
            let crowd = try NamespaceCrowd(10)
            let holders = try Holder.Way.allCases.map { try Holder($0, keepalive: 700) }
            let agent = try AgentProcess([
                crowd.include, "--discovery.include=host", "--discovery.include=net:*",
                "--discovery.deep-interval=300ms",
            ])
            for _ in 0..<5 {
                #expect(try agent.scrape().keepalives.count >= 10 + holders.count)
                // A connection is closed after its answer, and a deep scan may be under way: both are over soon.
                let isClean = try eventually(within: 5) { () -> Bool? in
                    try foreign(agent).isEmpty ? true : nil
                }
                let held = try foreign(agent)
                #expect(isClean == true, "\(held)")
            }
            withExtendedLifetime(holders) {}
        }

        /// Its descriptors that hold a namespace: nsfs files, files of /proc/PID/net, sockets that are not the host's.
        private func foreign(_ agent: AgentProcess) throws -> [String] {
            var ours: Set<String> = []
            for table in ["tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet", "raw", "icmp"] {
                let text = (try? String(contentsOfFile: "/proc/self/net/\(table)", encoding: .utf8)) ?? ""
                for line in text.split(separator: "\n") { ours.formUnion(line.split(separator: " ").map(String.init)) }
            }
            return try agent.descriptors().filter { target in
                if target.hasPrefix("net:[") || target.hasPrefix("/run/netns/") { return true }
                if target.hasPrefix("/proc/"), target.contains("/net/"), !target.hasPrefix("/proc/sys/") { return true }
                guard target.hasPrefix("socket:[") else { return false }
                return !ours.contains(String(target.dropFirst(8).dropLast()))
            }
        }

        @Test("two hundred scrapes leave no descriptor and no thread behind", .needs(.root, .tool("ip")))
        func noLeak() throws {
            let crowd = try NamespaceCrowd(5)
            let agent = try AgentProcess([crowd.include, "--discovery.deep-interval=500ms"])
            for _ in 0..<10 { _ = try agent.get("/metrics") }
            let (descriptors, threads) = (try agent.descriptors().count, try agent.threadCount())
            for round in 0..<200 {
                let target = round % 10 == 0 ? "/metrics?collect[]=interface" : "/metrics"
                let headers = round % 2 == 0 ? [("Accept-Encoding", "gzip")] : []
                #expect(try agent.get(target, headers).status == 200)
            }
            let settled = try eventually(within: 5) { () -> Bool? in
                try agent.descriptors().count <= descriptors + 2 && agent.threadCount() <= threads ? true : nil
            }
            let now = try agent.descriptors().count
            #expect(settled == true, "\(descriptors) -> \(now)")
            let exposition = try agent.scrape()
            let open = try #require(exposition.value("process_open_fds"))
            #expect(abs(open - Double(descriptors)) <= 6)
            #expect(exposition.value("process_threads") == Double(try agent.threadCount()))
        }

        @Test("namespaces that come and go leave no descriptor behind", .needs(.root, .tool("ip")))
        func noLeakOfNamespaces() throws {
            let prefix = NamedNamespace.uniqueName("r")
            // It is the portable engine that keeps descriptors.
            let agent = try AgentProcess(["--engine=portable", "--discovery.include=\(prefix)*"])
            _ = try agent.scrape()
            let before = try agent.descriptors().count
            for round in 0..<20 {
                let namespace = try NamedNamespace("\(prefix)x\(round)")
                #expect(try agent.scrape().namespaces == [namespace.name])
                #expect(try agent.descriptors().count > before + 20)
            }
            #expect(try agent.scrape().namespaces.isEmpty)
            let settled = try eventually(within: 5) { try agent.descriptors().count <= before + 2 ? true : nil }
            let now = try agent.descriptors().count
            #expect(settled == true, "\(before) -> \(now)")
        }

        @Test(
            "few descriptors are enough", .needs(.root, .tool("ip"), .tool("prlimit")), arguments: [1024, 256, 64])
        func lowLimit(_ limit: Int) throws {
            let crowd = try NamespaceCrowd(60)
            let roomy = try AgentProcess([crowd.include]).scrape()
            let agent = try AgentProcess([crowd.include], prefix: ["prlimit", "--nofile=\(limit):\(limit)"])
            for _ in 0..<3 {
                let exposition = try agent.scrape()
                #expect(exposition.keepalives == crowd.keepalives)
                let first = crowd.names[0]
                #expect(exposition.sysctls(of: first) == roomy.sysctls(of: first))
                #expect(exposition.series("netdrift_namespace_errors_total").isEmpty)
                #expect(exposition.value("process_max_fds") == Double(limit))
                #expect((exposition.value("process_open_fds") ?? .infinity) <= Double(limit))
            }
            #expect(agent.stop() == 0)
        }
    }
}
