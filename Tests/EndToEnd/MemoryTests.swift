import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The agent where memory is short.
    @Suite(.needs(.root, .tool("ip"), .memoryLimits)) struct MemoryTests {
        @Test("64 MiB are enough for 300 namespaces and many scrapes at once", arguments: ["auto", "portable"])
        func enough(_ engine: String) throws {
            let limit = try MemoryLimit(64 << 20)
            let crowd = try NamespaceCrowd(300)
            let agent = try AgentProcess(["--engine=\(engine)", crowd.include], prefix: limit.prefix)
            let address = try agent.listening()
            for _ in 0..<3 {
                let answers = try concurrently(8) { _ in try HTTPConnection.get(address, "/metrics") }
                for answer in answers {
                    let exposition = try Exposition(parsing: try #require(answer.text))
                    #expect(exposition.keepalives == crowd.keepalives)
                    #expect(exposition.series("netns_info").count == 300)
                }
            }
            #expect(limit.kills == 0)
            #expect(agent.stop() == 0)
        }

        @Test("where memory is not enough, the kernel ends it, and it starts again where there is more")
        func tooLittle() throws {
            let crowd = try NamespaceCrowd(50)
            do {
                let limit = try MemoryLimit(4 << 20)
                let result = try Command.run(
                    limit.prefix + [AgentProcess.binary, "--web.listen-address=127.0.0.1:0", crowd.include], timeout: 20
                )
                #expect(result.status == 128 + SIGKILL, "\(result)")
                #expect(try #require(limit.kills) > 0)
            }
            let agent = try AgentProcess([crowd.include])
            #expect(try agent.scrape().keepalives == crowd.keepalives)
            #expect(agent.stop() == 0)
        }
    }
}
