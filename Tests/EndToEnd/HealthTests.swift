import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `netdrift health`, on agents that are well and on what is none.
    @Suite(.needs(.root)) struct HealthTests {
        private static func ask(_ address: String) throws -> Command.Result {
            try AgentProcess.run(["health", address])
        }

        @Test("an agent is ready on TCP of both protocols, by name, and on a unix socket")
        func ready() throws {
            let directory = try TemporaryDirectory()
            let path = "unix:\(directory.path)/s"
            let agent = try AgentProcess(
                ["--discovery.include=none"], listen: ["127.0.0.1:0", "[::1]:0", path])
            let port = try #require(agent.addresses.first?.split(separator: ":").last)
            for address in agent.addresses + ["localhost:\(port)", ":\(port)"] {
                let result = try Self.ask(address)
                #expect(result.status == 0 && result.output == "ready\n", "\(address): \(result.errors)")
            }
            #expect(agent.stop() == 0)
            let result = try Self.ask("127.0.0.1:\(port)")
            #expect(result.status == 1 && result.errors.contains("Connection refused"), "\(result.errors)")
            #expect(try Self.ask("127.0.0.1").status == 2)
        }

        @Test("one that wants a password is ready, one that speaks TLS is said to", .needs(.tool("openssl")))
        func secured() throws {
            let directory = try TemporaryDirectory()
            let users = try directory.write(
                "web.yml", "basic_auth_users: { a: $2y$04$9A9fVlLCvjEcsjJLV3hmIuw.Jl3q0JJWXhqTTlPSLxCHNLL8JrnKS }\n")
            let locked = try AgentProcess(["--web.config.file=\(users)"], asksWhetherReady: false)
            #expect(try Self.ask(try locked.listening()).status == 0)
            try Command.check(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj",
                "/CN=netdrift", "-keyout", "\(directory.path)/key", "-out", "\(directory.path)/crt")
            let tls = try directory.write("tls.yml", "tls_server_config: { cert_file: crt, key_file: key }\n")
            let encrypted = try AgentProcess(["--web.config.file=\(tls)"], asksWhetherReady: false)
            let result = try Self.ask(try encrypted.listening())
            #expect(result.status == 1 && result.errors.contains("TLS"), "\(result.errors)")
        }
    }
}
