import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `netdrift config check`.
    @Suite struct ConfigCommandTests {
        @Test("what is no regular file is refused, and nothing waits for it", .needs(.tool("mkfifo")))
        func noRegularFile() throws {
            let directory = try TemporaryDirectory()
            try Command.check("mkfifo", "\(directory.path)/fifo")
            for path in ["\(directory.path)/fifo", directory.path, "/dev/zero"] {
                let result = try Self.check(path)
                #expect(result.status == 2 && result.errors.contains("no regular file"), "\(path)")
            }
        }

        private static func check(_ arguments: String..., input: String? = nil) throws -> Command.Result {
            try Command.run([AgentProcess.binary, "config", "check"] + arguments, input: input)
        }

        @Test func aRightFile() throws {
            let directory = try TemporaryDirectory()
            let state = "version: 1\nnamespaces: {host: {net.ipv4.ip_forward: 1}}\n"
            _ = try directory.write("state.yml", state)
            let file = try directory.write("netdrift.yml", "baseline: state.yml\nsysctls: [net.ipv4.tcp_*]\n")
            let result = try Self.check(file)
            #expect(result.status == 0)
            #expect(result.output == "\(file): right\n")
            #expect(result.errors.isEmpty)
            #expect(try Self.check("--json", file).output.contains("\"valid\" : true"))
        }

        @Test func aWrongFile() throws {
            let result = try Self.check("-", input: "sysctl: []\nprobes: 5\n")
            #expect(result.status == 1)
            #expect(result.output.isEmpty)
            #expect(
                result.errors == """
                    -:1:1: sysctl: unknown key 'sysctl', did you mean 'sysctls'?
                    -:2:9: probes: a list is wanted here, not a text

                    """)
            let json = try Self.check("--json", "-", input: "sysctl: []\n")
            #expect(json.status == 1)
            let report = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            let issue = try #require((report?["errors"] as? [[String: Any]])?.first)
            #expect(report?["valid"] as? Bool == false)
            #expect(issue["key"] as? String == "sysctl")
            #expect(issue["line"] as? Int == 1)
            #expect(issue["column"] as? Int == 1)
        }

        @Test func aWrongSavedState() throws {
            let directory = try TemporaryDirectory()
            _ = try directory.write("state.yml", "version: 3\n")
            let result = try Self.check(try directory.write("netdrift.yml", "baseline: state.yml\n"))
            #expect(result.status == 1)
            #expect(result.errors == "\(directory.path)/state.yml:1:10: version: this is not version 1, the only one\n")
        }

        @Test func noFile() throws {
            let result = try Self.check("/nonexistent.yml")
            #expect(result.status == 2)
            #expect(result.errors.contains("cannot read /nonexistent.yml: No such file or directory"))
            #expect(try Self.check("/").status == 2)
            #expect(try Self.check().status == 2)
        }
    }
}
