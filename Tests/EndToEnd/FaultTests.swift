import Foundation
import TestSupport
import Testing

/// System calls that fail, one at a time, anywhere in a scrape, and calls that never come back.
@Suite struct FaultTests {
    /// A shim that makes the Nth call of a kind fail, in an agent.
    final class Faults {
        let directory: TemporaryDirectory
        let library: String
        var armed: String { "\(directory.path)/at" }
        var done: String { "\(armed).done" }

        init() throws {
            directory = try TemporaryDirectory()
            library = "\(directory.path)/faults.so"
            let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("FaultShim/faults.c").path
            try Command.check("cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source, "-ldl")
        }

        func environment(_ call: String, _ error: Int32) -> [String: String] {
            ["LD_PRELOAD": library, "NETDRIFT_FAULT": "\(call):\(error)", "NETDRIFT_FAULT_AT": armed]
        }

        /// The `count`th call from now on fails.
        func arm(_ count: Int) throws {
            forget()
            // Whole or not at all: the shim may look at any time.
            try "\(count)".write(toFile: armed, atomically: true, encoding: .utf8)
        }

        func forget() {
            for path in [armed, "\(armed).armed", done] { try? FileManager.default.removeItem(atPath: path) }
        }

        var hasHappened: Bool { FileManager.default.fileExists(atPath: done) }
    }

    private static func descriptors(_ agent: AgentProcess) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.pid)/fd").count
    }

    /// The values of a namespace that do not change by themselves.
    private static func steady(_ exposition: Exposition, _ name: String) -> [Exposition.Series: String] {
        exposition.samples.filter { series, _ in
            series.labels["netns"] == name
                && ["netns_sysctl_value", "netns_sysctl_info", "netns_network_mtu_bytes", "netns_network_info"]
                    .contains(series.name)
        }
    }

    /// All errors that were counted.
    private static func errors(_ exposition: Exposition) -> Double {
        exposition.samples.filter { $0.key.name == "netdrift_namespace_errors_total" }
            .reduce(0) { $0 + (Double($1.value) ?? 0) }
    }

    static let faults: [(call: String, error: Int32)] = [
        ("openat", EMFILE), ("openat", EINTR), ("openat", ESRCH), ("read", EINTR), ("read", EIO), ("pread", EIO),
        ("setns", EPERM), ("setns", ENOMEM), ("socket", EMFILE), ("send", ENOBUFS), ("recvmsg", ENOBUFS),
        ("recvmsg", EINTR), ("readlinkat", ENOMEM), ("readlinkat", ESRCH), ("getdents64", ENOMEM), ("poll", EINTR),
        ("truncated", EMSGSIZE), ("interrupted", EINTR),
    ]

    /// The agent goes on, nothing it says is wrong, the next scrape is whole, and no descriptor is lost.
    @Test(.needs(.root, .tool("cc")), arguments: faults.map(\.call).indices, ["portable", "auto"])
    func oneCallFails(_ index: Int, _ engine: String) throws {
        let (call, error) = Self.faults[index]
        let faults = try Faults()
        let namespace = try NamedNamespace()
        let agent = try AgentProcess(
            ["--engine=\(engine)", "--discovery.include=\(namespace.name)", "--discovery.deep-interval=0s"],
            environment: faults.environment(call, error))
        let whole = Self.steady(try agent.scrape(), namespace.name)
        #expect(whole.count > 20)
        var before = try Self.descriptors(agent)
        let errors = Self.errors(try agent.scrape())
        var happened = 0
        var count = 1
        while happened < 25 {
            try faults.arm(count)
            let answer = try agent.get("/metrics")
            guard faults.hasHappened else { break }
            happened += 1
            #expect(answer.status == 200 || answer.status == 500)
            if answer.status == 200 {
                let seen = Self.steady(try Exposition(parsing: answer.text ?? ""), namespace.name)
                for (series, value) in seen { #expect(whole[series] == value, "\(call) \(error) \(count): \(series)") }
            } else {
                #expect(agent.log.contains("collection failed"))
            }
            faults.forget()
            #expect(Self.steady(try agent.scrape(), namespace.name) == whole, "after \(call) \(error) at \(count)")
            // A collection that the kernel's programs could not make is made the portable way, which keeps descriptors from then on.
            if happened == 1, engine != "portable" { before = max(before, try Self.descriptors(agent)) }
            count = count < 12 ? count + 1 : count * 3 / 2
        }
        faults.forget()
        #expect(agent.isRunning)
        // The other engine needs fewer calls.
        #expect(happened > 0 || engine != "portable", "\(call) was never reached")
        // What is normal, a call that is made again or a process that ended, is told to nobody; the rest is.
        if engine == "portable", error != EINTR, error != ESRCH {
            let end = try agent.scrape()
            let counted = end.samples.filter { $0.key.name == "netdrift_namespace_errors_total" }
            #expect(
                Self.errors(end) > errors || agent.log.contains("collection failed"),
                "\(call) failed \(happened) times: \(errors) errors before, now \(counted); \(agent.log)")
        }
        #expect(eventually { try? Self.descriptors(agent) <= before ? true : nil } == true)
    }

    /// Time that is measured is monotonic: a clock that is set costs nothing but what says the time.
    @Test(.needs(.root, .tool("cc"))) func aClockThatJumps() throws {
        let faults = try Faults()
        let namespace = try NamedNamespace()
        let clock = "\(faults.directory.path)/clock"
        let agent = try AgentProcess(
            ["--engine=portable", "--discovery.include=\(namespace.name)", "--discovery.deep-interval=100ms"],
            environment: ["LD_PRELOAD": faults.library, "NETDRIFT_CLOCK": clock])
        let whole = Self.steady(try agent.scrape(), namespace.name)
        #expect(whole.count > 20)
        for offset in [400 * 86400, -400 * 86400, 0] {
            try "\(offset)".write(toFile: clock, atomically: true, encoding: .utf8)
            // What says the time has heard of it.
            let expected = Date().timeIntervalSince1970 + Double(offset)
            let heard = try eventually {
                let time = try agent.scrape().value("netdrift_deep_scan_timestamp_seconds") ?? 0
                return abs(time - expected) < 86400 ? true : nil
            }
            #expect(heard == true)
            for _ in 0..<3 {
                let exposition = try agent.scrape(timeout: 5)
                #expect(Self.steady(exposition, namespace.name) == whole)
                #expect(exposition.value("netdrift_namespaces_left_out", ["reason": "deadline"]) == 0)
                let durations = exposition.samples.filter { $0.key.name.hasSuffix("_duration_seconds") }
                #expect(!durations.isEmpty)
                for (series, value) in durations {
                    #expect((0..<5).contains(Double(value) ?? -1), "\(series): \(value)")
                }
            }
        }
        #expect(agent.isRunning)
    }

    /// A thread that never comes back costs its namespace, and only as long as it is away.
    @Test(.needs(.root, .tool("cc"))) func oneThatNeverComesBack() throws {
        let faults = try Faults()
        let stuck = try NamedNamespace()
        let other = try NamedNamespace()
        let agent = try AgentProcess(
            [
                "--discovery.include=\(stuck.name)", "--discovery.include=\(other.name)", "--collect.threads=2",
                "--discovery.deep-interval=0s",
            ], environment: faults.environment("setns", 0))
        #expect(try agent.scrape().samples.count > 50)
        let before = try Self.descriptors(agent)
        try faults.arm(1)
        let first = try agent.scrape(timeout: 2)
        #expect(faults.hasHappened)
        func read(_ exposition: Exposition) -> Int {
            // Counters come by going there alone.
            [stuck, other].count {
                !exposition.series("netns_network_receive_bytes_total", ["netns": $0.name]).isEmpty
            }
        }
        func stuckThreads(_ exposition: Exposition) -> String? {
            exposition.samples.first { $0.key.name == "netdrift_stuck_threads" }?.value
        }
        #expect(read(first) == 1)
        #expect(stuckThreads(first) == "1")
        // Not again: no other thread goes there.
        let second = try agent.scrape(timeout: 2)
        #expect(read(second) == 1)
        #expect(stuckThreads(second) == "1")
        #expect(
            second.samples.contains {
                $0.key.name == "netdrift_namespace_errors_total" && $0.key.labels["reason"] == "stuck"
            })
        faults.forget()
        let last = eventually { () -> Exposition? in
            guard let seen = try? agent.scrape(timeout: 2), read(seen) == 2, stuckThreads(seen) == "0" else {
                return nil
            }
            return seen
        }
        #expect(last != nil)
        #expect(eventually { try? Self.descriptors(agent) <= before ? true : nil } == true)
    }

    /// A log that cannot be written, since the disk is full or nobody reads it, costs lines and nothing else.
    @Test(.needs(.root, .tool("curl"), .tool("bash")), arguments: ["/dev/full", ">(true)"])
    func logThatCannotBeWritten(_ target: String) throws {
        let script = """
            "$1" --no-collector.probe --discovery.include=host --web.listen-address=127.0.0.1:$2 2> \(target) &
            agent=$!
            for round in 1 2 3; do
                curl -s --retry 50 --retry-delay 1 --retry-connrefused http://127.0.0.1:$2/metrics | grep -c ^netns_
            done
            curl -s -o /dev/null http://127.0.0.1:$2/nothing
            kill $agent
            wait $agent
            echo end $?
            """
        let port = Int.random(in: 20_000..<30_000)
        let result = try Command.run(["bash", "-c", script, "bash", AgentProcess.binary, "\(port)"], timeout: 90)
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 4 && lines.last == "end 0", "\(result)")
        #expect(lines.prefix(3).allSatisfy { (Int($0) ?? 0) > 50 }, "\(result)")
    }

    /// Where /proc hides the processes of others (hidepid=2), namespaces that are mounted are read all the same; the rest
    /// needs CAP_SYS_PTRACE.
    @Test(.needs(.root, .tool("setpriv"), .tool("unshare")), arguments: [false, true])
    func hiddenProcesses(_ mayTrace: Bool) throws {
        let directory = try TemporaryDirectory()
        let mounted = try NamedNamespace()
        let binary = "\(directory.path)/netdrift"
        try FileManager.default.copyItem(atPath: AgentProcess.binary, toPath: binary)
        for path in [directory.path, binary] {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let procfs = "\(directory.path)/proc"
        try FileManager.default.createDirectory(atPath: procfs, withIntermediateDirectories: false)
        let capabilities = "-all,+sys_admin" + (mayTrace ? ",+sys_ptrace" : "")
        let agent = try AgentProcess(
            // The kernel itself tells more, which is another test's matter.
            [
                "--engine=portable", "--path.procfs=\(procfs)", "--discovery.include=host",
                "--discovery.include=\(mounted.name)",
            ],
            prefix: [
                "unshare", "--mount", "--propagation", "slave", "sh", "-c",
                "mount -t proc -o hidepid=2 proc \(procfs) && exec \"$@\"", "sh", "setpriv", "--reuid", "65534",
                "--regid",
                "65534", "--clear-groups", "--inh-caps", capabilities, "--ambient-caps", capabilities,
            ], binary: binary)
        let exposition = try agent.scrape()
        #expect(Self.steady(exposition, mounted.name).count > 20)
        let host = exposition.samples.first { $0.key.name == "netns_processes" && $0.key.labels["netns"] == "host" }
        let seen = try #require(host.flatMap { Double($0.value) })
        #expect(mayTrace ? seen > 1 : seen == 1, "\(seen)")
        #expect(agent.stop() == 0)
    }
}
