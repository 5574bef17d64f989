import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Many scrapes at once.
    @Suite struct SharingTests {
        /// Requests that all arrive while the agent is stopped, so that they are there at once when it goes on.
        private func together(
            _ count: Int, _ agent: AgentProcess, _ headers: [(String, String)] = []
        ) throws -> [HTTPAnswer] {
            let address = try agent.listening()
            agent.send(SIGSTOP)
            defer { agent.send(SIGCONT) }
            let connections = try (0..<count).map { _ in try HTTPConnection(address) }
            for connection in connections { try connection.request("GET", "/metrics", headers) }
            agent.send(SIGCONT)
            return try connections.map { try $0.answer() }
        }

        @Test("thirty scrapes that arrive together share collections", .needs(.root, .tool("ip")))
        func shared() throws {
            let crowd = try NamespaceCrowd(20)
            let agent = try AgentProcess([crowd.include])
            let before = try #require(try agent.scrape().value("netdrift_collections_total"))
            let answers = try together(30, agent)
            for answer in answers {
                #expect(answer.status == 200)
                #expect(try Exposition(parsing: try #require(answer.text)).keepalives == crowd.keepalives)
            }
            let after = try #require(try agent.scrape().value("netdrift_collections_total"))
            // The last scrape is one of them.
            #expect(after - before - 1 >= 1)
            #expect(after - before - 1 <= 10, "\(after - before - 1) collections for 30 scrapes")
            // One by one they are collected for one by one.
            for _ in 0..<5 { _ = try agent.scrape() }
            #expect(try agent.scrape().value("netdrift_collections_total") == after + 6)
        }

        @Test("a value that was written before the request is in its answer", .needs(.root, .tool("ip")))
        func fresh() throws {
            // By its name it is read before the others: most of a collection that began too early is still to come then.
            let namespace = try NamedNamespace(NamedNamespace.uniqueName("a"))
            let crowd = try NamespaceCrowd(30)
            let agent = try AgentProcess([crowd.include, "--discovery.include=\(namespace.name)"])
            let address = try agent.listening()
            let stop = Flag()
            // Others scrape all the time, so that there always is a collection to be shared that began too early.
            let others = Thread.detachedScrapers(3, address, until: stop)
            defer { others.wait() }
            defer { stop.raise() }
            for round in 0..<15 {
                try namespace.set("net/ipv4/tcp_keepalive_time", "\(2000 + round)")
                let exposition = try agent.scrape()
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: namespace.name) == Double(2000 + round))
            }
        }

        @Test("scrapes beyond --web.max-requests are turned away, and no others", .needs(.root, .tool("ip")))
        func maximumRequests() throws {
            let crowd = try NamespaceCrowd(20)
            let agent = try AgentProcess([crowd.include, "--web.max-requests=1"])
            for _ in 0..<3 { #expect(try agent.get("/metrics").status == 200) }
            let answers = try together(16, agent)
            let statuses = answers.map(\.status)
            #expect(statuses.contains(200) && statuses.contains(503), "\(statuses)")
            #expect(statuses.allSatisfy { $0 == 200 || $0 == 503 })
            #expect(answers.first { $0.status == 503 }?.text?.contains("--web.max-requests") == true)
            // Those that were refused have left nothing behind.
            for _ in 0..<3 { #expect(try agent.get("/metrics").status == 200) }
            // A bad request is no scrape.
            #expect(try agent.get("/metrics?collect[]=x").status == 400)
            #expect(try agent.get("/metrics").status == 200)

            let unlimited = try AgentProcess([crowd.include, "--web.max-requests=0"])
            #expect(try together(50, unlimited).allSatisfy { $0.status == 200 })
            let standard = try AgentProcess([crowd.include])
            let most = try together(60, standard).map(\.status)
            #expect(most.filter { $0 == 200 }.count >= 40 && most.contains(503), "\(most)")
        }
    }
}

/// A flag that is raised once; any thread.
final class Flag: @unchecked Sendable {
    // Guarded by the lock.
    private var raised = false
    private let lock = NSLock()

    func raise() { lock.withLock { raised = true } }

    var isRaised: Bool { lock.withLock { raised } }
}

extension Thread {
    /// Threads that scrape until they are told to end.
    fileprivate static func detachedScrapers(_ count: Int, _ address: String, until stop: Flag) -> DispatchGroup {
        let group = DispatchGroup()
        for _ in 0..<count {
            group.enter()
            detachNewThread {
                while !stop.isRaised { _ = try? HTTPConnection.get(address, "/metrics") }
                group.leave()
            }
        }
        return group
    }
}
