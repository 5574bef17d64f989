import ArgumentParser
import Logging
import NetnsCore
import NetnsSystem
import Testing

@testable import Agent

@Suite struct OptionsTests {
    @Test(
        arguments: [
            ("0", 0), ("0s", 0), ("30s", 30), ("1m", 60), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1d", 86400),
            ("1w", 604_800), ("1h2m3s4ms", 3723.004), ("100ms", 0.1),
        ] as [(String, Double)])
    func durations(_ text: String, _ seconds: Double) throws {
        #expect(try #require(PromDuration(argument: text)).seconds == seconds)
    }

    @Test(arguments: [
        "", "s", "1", "10", "00", "-1s", "+1s", "1.5h", "1 s", " 1s", "1s ", "1S", "1sec", "1x", "1s2", "٣s", "1µs",
        "100000000s", "1e3s", "ms", "1mss", "NaNs",
    ])
    func badDurations(_ text: String) { #expect(PromDuration(argument: text) == nil) }

    @Test(arguments: [(0.0, "0s"), (30, "30s"), (90, "90s")])
    func durationsAreShown(_ seconds: Double, _ text: String) {
        #expect(PromDuration(seconds: seconds).defaultValueDescription == text)
    }

    private static func message(_ arguments: [String]) -> String? {
        do {
            _ = try ServeCommand.parse(arguments)
            return nil
        } catch { return ServeCommand.message(for: error) }
    }

    @Test(arguments: [
        (["--web.telemetry-path", "metrics"], "--web.telemetry-path is 'metrics': it begins with a slash"),
        (["--web.telemetry-path", "/"], "--web.telemetry-path is '/'"),
        (["--web.telemetry-path", "/a b"], "--web.telemetry-path is '/a b'"),
        (["--web.telemetry-path", "/a?b"], "--web.telemetry-path is '/a?b'"),
        (["--web.telemetry-path", "/a#b"], "--web.telemetry-path is '/a#b'"),
        (["--web.telemetry-path", "/é"], "--web.telemetry-path is '/é'"),
        (["--web.telemetry-path", "/-/ready"], "which answers something else already"),
        (["--web.telemetry-path", "/-/healthy"], "which answers something else already"),
        (["--web.max-requests=-1"], "--web.max-requests is -1: it is at least 0"),
        (["--discovery.max-namespaces", "0"], "--discovery.max-namespaces is 0: it is at least 1"),
        (["--discovery.deep-interval", "50ms"], "--discovery.deep-interval is below 100ms"),
        (["--discovery.deep-interval", "soon"], "soon"),
        (["--collector.interface.max-devices=-1"], "--collector.interface.max-devices is -1: it is at least 0"),
        (["--collect.threads", "0"], "--collect.threads is 0: it is 1 to 64"),
        (["--collect.threads", "65"], "--collect.threads is 65: it is 1 to 64"),
        (["--collector.sysctl.include", "kernel.x"], "--collector.sysctl.include: 'kernel.x' is not a network sysctl"),
        (["--collector.sysctl.exclude", "net..x"], "--collector.sysctl.exclude: 'net..x' has an empty or impossible"),
        (
            ["--collector.interface.device-include", "["],
            "--collector.interface.device-include: '[' is no regular expression"
        ),
        (
            ["--collector.interface.device-exclude", "("],
            "--collector.interface.device-exclude: '(' is no regular expression"
        ),
        (
            ["--collector.interface.device-include", "a", "--collector.interface.device-exclude", "b"],
            "--collector.interface.device-include and --collector.interface.device-exclude cannot be given together"
        ),
        (["--collector.netstat.fields", "("], "--collector.netstat.fields: '(' is no regular expression"),
        (["--log.level", "loud"], "loud"), (["--log.format", "xml"], "xml"), (["--nonsense"], "--nonsense"),
        (["--web.max-requests", "many"], "many"),
    ])
    func mistakesAreNamed(_ arguments: [String], _ part: String) throws {
        let message = try #require(Self.message(arguments))
        #expect(message.contains(part), "\(message)")
    }

    @Test(arguments: [
        [], ["--collect.threads", "1"], ["--collect.threads", "64"], ["--discovery.deep-interval", "0"],
        ["--discovery.deep-interval", "100ms"], ["--collector.interface.max-devices", "0"],
        ["--web.max-requests", "0"],
        ["--discovery.max-namespaces", "1"], ["--web.telemetry-path", "/x/y"],
    ])
    func limitsAreInclusive(_ arguments: [String]) { #expect(Self.message(arguments) == nil) }

    @Test func defaults() throws {
        let command = try ServeCommand.parse([])
        #expect(command.web.listenAddresses == ["127.0.0.1:10124"])
        #expect(command.web.telemetryPath == "/metrics")
        #expect(command.web.maximumRequests == 40)
        #expect(command.discovery.maximum == 5000)
        #expect(command.discovery.deepInterval.seconds == 30)
        #expect(command.collectors.enabled == CollectorName.defaults)
        #expect(command.collectors.maximumDevices == 1000)
        #expect(!command.collectors.hostVeths)
        #expect((1...2).contains(command.collectors.threadCount))
        #expect(command.paths.paths.procfs == "/proc")
        #expect(command.log.level == .info)
        #expect(command.log.format == .logfmt)
        #expect(try command.collectors.sysctls().selection().literals.count == 53)
    }

    @Test func collectorsAreSwitched() throws {
        let defaults = CollectorName.defaults
        #expect(try ServeCommand.parse(["--no-collector.sysctl"]).collectors.enabled == defaults.subtracting([.sysctl]))
        #expect(try ServeCommand.parse([]).collectors.enabled == CollectorName.defaults)
        let neighbour = try ServeCommand.parse(["--collector.neighbour"]).collectors
        #expect(neighbour.enabled == defaults.union([.neighbour]))
        #expect(throws: (any Error).self) { try ServeCommand.parse(["--collector.route.max-routes=-1"]) }
        #expect(throws: (any Error).self) { try ServeCommand.parse(["--collector.address.max-addresses=-1"]) }
        #expect(
            try ServeCommand.parse(["--no-collector.interface"]).collectors.enabled
                == defaults.subtracting([.interface]))
        let names = CollectorName.allCases.map(\.rawValue)
        #expect(try ServeCommand.parse(names.map { "--no-collector.\($0)" }).collectors.enabled.isEmpty)
        #expect(
            try ServeCommand.parse(names.map { "--collector.\($0)" }).collectors.enabled == Set(CollectorName.allCases))
        let own = try ServeCommand.parse([
            "--no-collector.sysctl.builtin", "--collector.sysctl.include", "net.ipv4.tcp_*",
            "--collector.sysctl.include",
            "net.core.somaxconn", "--collector.sysctl.exclude", "net.ipv4.tcp_rmem", "--collect.threads", "7",
        ])
        let selection = try own.collectors.sysctls().selection()
        #expect(selection.literals.map(\.dotted) == ["net.core.somaxconn"])
        #expect(selection.patterns.map(\.description) == ["net.ipv4.tcp_*"])
        #expect(own.collectors.threadCount == 7)
    }

    @Test func theFirstCommandIsServe() throws {
        #expect(try Netdrift.parseAsRoot([]) is ServeCommand)
        #expect(try Netdrift.parseAsRoot(["serve", "--log.level", "debug"]) is ServeCommand)
        #expect(try Netdrift.parseAsRoot(["list", "--json"]) is ListCommand)
    }

    @Test(arguments: [(LogLevel.debug, "debug"), (.info, "info"), (.warn, "warning"), (.error, "error")])
    func levels(_ level: LogLevel, _ name: String) { #expect(level.level.rawValue == name) }
}
