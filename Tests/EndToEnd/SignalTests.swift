import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// How the agent ends, and when it does not.
    @Suite struct SignalTests {
        @Test("SIGTERM and SIGINT end it in good order", .needs(.root), arguments: [SIGTERM, SIGINT])
        func stops(_ signal: Int32) throws {
            let agent = try HTTPTests.agent()
            _ = try agent.scrape()
            agent.send(signal)
            #expect(agent.end(within: 3) == 0)
            let last = try #require(agent.logLines.last)
            #expect(last.contains("netdrift has stopped"))
            #expect(agent.log.contains(signal == SIGINT ? "SIGINT" : "SIGTERM"))
            #expect(throws: Trouble.self) { try HTTPConnection(try agent.listening()) }
        }

        @Test(
            "a scrape under way is answered whole before the end", .needs(.root, .tool("ip")),
            arguments: [SIGTERM, SIGINT])
        func answersWhatIsUnderWay(_ signal: Int32) throws {
            let crowd = try NamespaceCrowd(40)
            let agent = try AgentProcess([crowd.include, "--collector.sysctl.include=net.ipv4.*"])
            let whole = try agent.scrape()
            // The first is being collected for, the others wait for the next collection.
            let connections = try (0..<3).map { _ in try HTTPConnection(try agent.listening()) }
            for connection in connections {
                try connection.request("GET", "/metrics")
                usleep(2000)
            }
            // A request that comes after the signal is refused: the last one has to be there, and taken.
            let port = try #require(UInt16(try agent.listening().split(separator: ":").last ?? ""))
            // One that has been answered already is no longer there.
            #expect(try eventually { try Self.unreadBytes(port: port).allSatisfy { $0 == 0 } ? true : nil } == true)
            usleep(50_000)
            agent.send(signal)
            for connection in connections {
                let answer = try connection.answer()
                #expect(answer.status == 200, "\(answer.text ?? "")")
                let exposition = try Exposition(parsing: try #require(answer.text))
                #expect(exposition.keepalives == crowd.keepalives)
                #expect(exposition.samples.count >= whole.samples.count)
            }
            #expect(agent.end(within: 3) == 0)
        }

        /// What waits to be read on each connection that a local port has taken, by the kernel's table (proc_pid_net(5), tcp).
        private static func unreadBytes(port: UInt16) throws -> [Int] {
            let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
            return table.split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count > 4, fields[3] == "01", let local = fields[1].split(separator: ":").last,
                    UInt16(local, radix: 16) == port
                else { return nil }
                return fields[4].split(separator: ":").last.flatMap { Int($0, radix: 16) }
            }
        }

        @Test("an answer that is being sent is sent whole", .needs(.root, .tool("ip")))
        func sendsWhatIsBeingSent() throws {
            let crowd = try NamespaceCrowd(30)
            let agent = try AgentProcess([crowd.include, "--collector.sysctl.include=net.ipv4.*"])
            let connection = try HTTPConnection(try agent.listening(), receiveBuffer: 4096)
            try connection.request("GET", "/metrics")
            try connection.waitForAnswer()
            agent.send(SIGTERM)
            let answer = try connection.answer()
            #expect(answer.status == 200)
            #expect(try Exposition(parsing: try #require(answer.text)).keepalives == crowd.keepalives)
            #expect(agent.end(within: 3) == 0)
        }

        @Test("idle connections and slow readers do not hold up the end", .needs(.root, .tool("ip")))
        func stopsDespiteSlowClients() throws {
            let crowd = try NamespaceCrowd(30)
            let agent = try AgentProcess([crowd.include, "--collector.sysctl.include=net.**"])
            let idle = try HTTPConnection(try agent.listening())
            let slow = try (0..<3).map { _ in try HTTPConnection(try agent.listening(), receiveBuffer: 4096) }
            for one in slow { try one.request("GET", "/metrics") }
            for one in slow { try one.waitForAnswer() }
            agent.send(SIGTERM)
            #expect(agent.end(within: 5) == 0)
            withExtendedLifetime(idle) {}
        }

        @Test("SIGHUP does not end it", .needs(.root))
        func hangUp() throws {
            let agent = try HTTPTests.agent()
            for _ in 0..<3 {
                agent.send(SIGHUP)
                #expect(try agent.get("/metrics").status == 200)
            }
            #expect(eventually(within: 3) { agent.log.contains("no configuration file") ? true : nil } == true)
            #expect(agent.isRunning)
            #expect(agent.stop() == 0)
        }

        @Test("a reader that goes away does not end it", .needs(.root))
        func brokenPipes() throws {
            let agent = try HTTPTests.agent()
            for _ in 0..<20 {
                let connection = try HTTPConnection(try agent.listening(), receiveBuffer: 4096)
                try connection.request("GET", "/metrics")
            }
            #expect(try agent.get("/metrics").status == 200)
            #expect(agent.isRunning)
            let piped = try Command.run(["sh", "-c", "\"$1\" list --json | head -c 1", "sh", AgentProcess.binary])
            #expect(piped.output == "{")
            // It may tell of a namespace that is just going away, but not of the pipe, nor of an end that it did not want.
            for word in ["pipe", "atal", "signal"] { #expect(!piped.errors.contains(word), "\(piped.errors)") }
        }
    }
}
