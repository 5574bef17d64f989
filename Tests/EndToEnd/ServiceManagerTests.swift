import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What systemd is told, by sd_notify(3).
    @Suite(.needs(.root)) struct ServiceManagerTests {
        @Test("it is ready after the first collection, reloads and ends, and says so", arguments: [false, true])
        func lifecycle(isAbstract: Bool) throws {
            let manager = try NotifySocket(isAbstract: isAbstract)
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            let path = try directory.write("netdrift.yml", "namespaces: { include: [\(namespace.name)] }\n")
            let agent = try AgentProcess(
                ["--config.file=\(path)"], environment: ["NOTIFY_SOCKET": manager.name])
            let address = try agent.listening()
            let ready = try #require(manager.next())
            #expect(ready["READY"] == "1")
            #expect(ready["STATUS"] == "1 network namespace, served on \(address)")

            let before = Self.monotonic()
            agent.send(SIGHUP)
            let reloading = try #require(manager.next())
            #expect(reloading["RELOADING"] == "1")
            // systemd takes it for the answer to its own request only when it is not older.
            let time = try #require(reloading["MONOTONIC_USEC"].flatMap { UInt64($0) })
            #expect(time >= before && time <= Self.monotonic())
            let reloaded = try #require(manager.next())
            #expect(reloaded["READY"] == "1" && reloaded["STATUS"] == ready["STATUS"])

            _ = try directory.write("netdrift.yml", "namespaces: 5\n")
            agent.send(SIGHUP)
            #expect(manager.next()?["RELOADING"] == "1")
            let refused = try #require(manager.next())
            #expect(refused["READY"] == "1")
            #expect(refused["STATUS"]?.contains("the configuration file has a mistake") == true, "\(refused)")

            // Nobody asked for signs of life.
            #expect(manager.rest().isEmpty)
            #expect(agent.stop() == 0)
            #expect(manager.rest() == [["STOPPING": "1"]])
        }

        @Test("signs of life come while nobody scrapes, and count what there is by now")
        func watchdog() throws {
            let manager = try NotifySocket()
            let names = [NamedNamespace.uniqueName("dog"), NamedNamespace.uniqueName("dog")]
            let first = try NamedNamespace(names[0])
            let agent = try AgentProcess(
                names.map { "--discovery.include=\($0)" },
                environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"])
            #expect(manager.next(with: "READY")?["WATCHDOG"] == "1")
            for _ in 0..<3 {
                let sign = try #require(manager.next())
                #expect(sign["WATCHDOG"] == "1" && sign["READY"] == nil)
                #expect(sign["STATUS"]?.hasPrefix("1 network namespace,") == true)
            }
            let second = try NamedNamespace(names[1])
            _ = try agent.scrape()
            _ = manager.rest()
            let sign = try #require(manager.next(with: "WATCHDOG"))
            #expect(sign["STATUS"]?.hasPrefix("2 network namespaces,") == true, "\(sign)")
            #expect(agent.stop() == 0)
            withExtendedLifetime((first, second)) {}
        }

        @Test("an agent whose collections are stuck gives no sign of life", .needs(.tool("cc")))
        func stuck() throws {
            let manager = try NotifySocket()
            let faults = try FaultTests.Faults()
            let namespace = try NamedNamespace()
            var environment = faults.environment("readlinkat", 0)
            environment["NOTIFY_SOCKET"] = manager.name
            environment["WATCHDOG_USEC"] = "400000"
            let agent = try AgentProcess(
                ["--engine=portable", "--discovery.include=\(namespace.name)", "--discovery.deep-interval=0s"],
                environment: environment)
            #expect(manager.next(with: "WATCHDOG") != nil)
            try faults.arm(1)
            let scrape = try HTTPConnection(try agent.listening())
            try scrape.request("GET", "/metrics")
            #expect(eventually { faults.hasHappened ? true : nil } == true)
            _ = manager.rest()
            // The web server answers, and signals are heard: neither proves that a scrape would be answered.
            #expect(try agent.get("/-/healthy").status == 200)
            #expect(manager.next(within: 1.5) == nil)
            faults.forget()
            #expect(manager.next(with: "WATCHDOG") != nil)
            #expect(try scrape.answer().status == 200)
            #expect(agent.stop() == 0)
        }

        @Test(
            "a manager that does not listen, or cannot, is told of once and ends nothing",
            arguments: [
                "/nonexistent/notify", "@netdrift-nobody-\(UUID().uuidString)", "relative",
                String(repeating: "/x", count: 60),
            ])
        func absent(_ name: String) throws {
            let agent = try AgentProcess(
                ["--discovery.include=none"], environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000"])
            let isTold = eventually { agent.log.contains("the service manager is not told") ? true : nil }
            #expect(isTold == true)
            agent.send(SIGHUP)
            #expect(agent.stop() == 0)
            #expect(agent.logLines.filter { $0.contains("level=warn") }.count == 1, "\(agent.log)")
        }

        /// Microseconds by CLOCK_MONOTONIC.
        private static func monotonic() -> UInt64 {
            var time = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
        }
    }
}
