import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// How the program is called, rightly and wrongly.
    @Suite struct CallTests {
        /// A call that has to fail.
        struct BadCall: CustomTestStringConvertible, Sendable {
            let arguments: [String]
            let status: Int32
            /// What its message has to contain.
            let says: [String]

            init(_ arguments: [String], _ status: Int32, _ says: String...) {
                self.arguments = arguments
                self.status = status
                self.says = says
            }

            var testDescription: String { arguments.joined(separator: " ") }
        }

        static let badCalls = [
            BadCall(["--bogus"], 2, "--bogus"),
            BadCall(["serve", "extra"], 2, "extra"),
            BadCall(["--web.listen-address=127.0.0.1"], 2, "--web.listen-address", "127.0.0.1:10124"),
            BadCall(["--web.listen-address=1.2.3:0"], 2, "--web.listen-address", "'1.2.3'"),
            BadCall(["--web.listen-address=::1:0"], 2, "--web.listen-address", "[::1]:0"),
            BadCall(["--web.listen-address=127.0.0.1:70000"], 2, "--web.listen-address", "'70000'"),
            BadCall(["--web.listen-address=http://127.0.0.1:0/"], 2, "--web.listen-address", "scheme"),
            BadCall(["--web.listen-address=unix:x"], 2, "--web.listen-address", "unix:/run/netdrift.sock"),
            BadCall(["--web.listen-address=unix:/nosuch/directory/x"], 1, "unix:/nosuch/directory/x", "No such file"),
            BadCall(["--web.config.file=/nosuch.yml"], 2, "--web.config.file", "/nosuch.yml"),
            BadCall(["--web.systemd-socket"], 1, "LISTEN_FDS"),
            // An address of no interface: TEST-NET-1.
            BadCall(["--web.listen-address=192.0.2.77:0"], 1, "--web.listen-address", "192.0.2.77:0"),
            BadCall(["--web.telemetry-path=metrics"], 2, "--web.telemetry-path", "'metrics'"),
            BadCall(["--web.telemetry-path=/"], 2, "--web.telemetry-path"),
            BadCall(["--web.telemetry-path=/-/ready"], 2, "--web.telemetry-path"),
            BadCall(["--web.max-requests=-1"], 2, "--web.max-requests"),
            BadCall(["--web.max-requests=many"], 2, "--web.max-requests", "many"),
            BadCall(["--collector.interface.device-include=("], 2, "--collector.interface.device-include", "'('"),
            BadCall(["--collector.interface.device-exclude=[a"], 2, "--collector.interface.device-exclude", "'[a'"),
            BadCall(
                ["--collector.interface.device-include=a", "--collector.interface.device-exclude=b"], 2,
                "--collector.interface.device-include", "--collector.interface.device-exclude", "together"),
            BadCall(["--collector.interface.max-devices=-1"], 2, "--collector.interface.max-devices"),
            BadCall(["--collector.sysctl.include=kernel.hostname"], 2, "--collector.sysctl.include", "kernel.hostname"),
            BadCall(["--collector.sysctl.exclude=net..x"], 2, "--collector.sysctl.exclude", "net..x"),
            BadCall(["--collector.sysctl.include=net.ipv4./../../x"], 2, "--collector.sysctl.include"),
            BadCall(["--discovery.deep-interval=soon"], 2, "--discovery.deep-interval", "soon"),
            BadCall(["--discovery.deep-interval=5"], 2, "--discovery.deep-interval", "'5'"),
            BadCall(["--discovery.deep-interval=1ms"], 2, "--discovery.deep-interval", "100ms"),
            BadCall(["--discovery.max-namespaces=0"], 2, "--discovery.max-namespaces"),
            BadCall(["--collect.threads=0"], 2, "--collect.threads"),
            BadCall(["--log.level=loud"], 2, "--log.level", "loud", "debug"),
            BadCall(["--log.format=xml"], 2, "--log.format", "xml", "json"),
            BadCall(["list", "--bogus"], 2, "--bogus"),
        ]

        @Test("a bad call ends with one clear error", .needs(.root), arguments: badCalls)
        func badCall(_ call: BadCall) throws {
            // Should it be taken after all, it must not take the default port.
            let isServe = call.arguments[0] != "list" && !call.arguments[0].hasPrefix("--web.listen-address")
            let result = try AgentProcess.run(
                call.arguments + (isServe ? ["--web.listen-address=127.0.0.1:0"] : []), timeout: 5)
            #expect(result.status == call.status, "\(result.errors)")
            #expect(result.output.isEmpty)
            for text in call.says { #expect(result.errors.contains(text), "\(result.errors)") }
            Self.expectOneError(result.errors)
            if call.status == 1 { #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)") }
        }

        static func expectOneError(_ text: String) {
            let errors = text.split(separator: "\n").filter { $0.hasPrefix("Error: ") || $0.hasPrefix("netdrift: ") }
            #expect(errors.count == 1, "\(text)")
            for word in ["Fatal error", "Thread 0", "Backtrace", ".swift:", "Stack dump"] {
                #expect(!text.contains(word), "\(text)")
            }
        }

        @Test(
            "a path that is not what it should be is named with its flag", .needs(.root),
            arguments: [
                ("--path.procfs", "/nonexistent"), ("--path.procfs", "/etc/passwd"), ("--path.procfs", "/usr"),
                ("--path.host-netns", "/nonexistent"), ("--path.host-netns", "/etc/passwd"),
                ("--path.host-netns", "/proc/self/ns/uts"),
            ])
        func badPath(_ flag: String, _ path: String) throws {
            let result = try AgentProcess.run(["--web.listen-address=127.0.0.1:0", "\(flag)=\(path)"], timeout: 5)
            #expect(result.status == 1)
            #expect(result.errors.contains(flag) && result.errors.contains(path), "\(result.errors)")
            Self.expectOneError(result.errors)
            let listed = try AgentProcess.run(["list", "\(flag)=\(path)"], timeout: 5)
            #expect(listed.status == 1)
            #expect(listed.output.isEmpty)
            #expect(listed.errors.contains(flag) && listed.errors.contains(path), "\(listed.errors)")
            Self.expectOneError(listed.errors)
        }

        @Test("a port that is taken", .needs(.root))
        func takenPort() throws {
            let first = try HTTPTests.agent()
            let address = try first.listening()
            for addresses in [[address], ["127.0.0.1:0", address]] {
                let result = try AgentProcess.run(addresses.map { "--web.listen-address=\($0)" }, timeout: 5)
                #expect(result.status == 1)
                #expect(result.output.isEmpty)
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
                #expect(result.errors.contains(address) && result.errors.contains("EADDRINUSE"), "\(result.errors)")
                #expect(result.errors.contains("--web.listen-address"))
            }
            #expect(try first.get("/-/healthy").status == 200)
        }

        @Test("--version and --help", .needs(.root))
        func help() throws {
            let version = try AgentProcess.run(["--version"])
            #expect(version.status == 0 && version.errors.isEmpty)
            #expect(version.output.wholeMatch(of: /netdrift \d+\.\d+\.\d+\n/) != nil, "\(version.output)")
            let help = try AgentProcess.run(["--help"])
            #expect(help.status == 0 && help.errors.isEmpty)
            for word in ["serve", "list", "--version"] { #expect(help.output.contains(word)) }
            let serve = try AgentProcess.run(["serve", "--help"])
            #expect(serve.status == 0)
            for flag in [
                "--web.listen-address", "--web.telemetry-path", "--web.max-requests", "--discovery.include",
                "--discovery.exclude", "--discovery.max-namespaces", "--discovery.deep-interval",
                "--collector.sysctl.include", "--collector.sysctl.exclude", "--collector.sysctl.builtin",
                "--collector.interface.device-include", "--collector.interface.device-exclude",
                "--collector.interface.max-devices", "--collector.interface.host-veths", "--path.procfs",
                "--path.host-netns", "--log.level", "--log.format",
            ] { #expect(serve.output.contains(flag), "\(flag)") }
            #expect(try AgentProcess.run(["list", "--help"]).output.contains("--json"))
        }
    }
}
