import Foundation
import TestSupport

/// A running `scripts/demo`, with names, a directory and ports of its own.
final class Demo {
    /// What is before the names of its namespaces.
    let prefix = NamedNamespace.uniqueName("nd") + "-"
    /// Its directory.
    let state: String
    private let process = Process()
    private let directory: TemporaryDirectory

    /// The container, whose namespace has its name.
    var shop: String { prefix + "shop" }
    /// The namespace that does not reach the outside once its bridge is not forwarded.
    var db: String { prefix + "db" }

    init(seconds: Int, breakAfter: Int) throws {
        directory = try TemporaryDirectory()
        state = "\(directory.path)/state"
        let log = try directory.write("log", "")
        // Signals that a thread of the test has blocked stay so for its children, and a shell cannot unblock them.
        process.executableURL = URL(fileURLWithPath: Holder.python)
        process.arguments = [
            "-c",
            """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execv(sys.argv[1], sys.argv[1:])
            """, Shipped.path("scripts/demo"),
        ]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            .merging(["DEMO_SECONDS": "\(seconds)", "DEMO_BREAK_AFTER": "\(breakAfter)"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardError = process.standardOutput
        try process.run()
    }

    deinit {
        guard process.isAlive else { return }
        process.terminate()
        if process.awaitEnd(within: 30) == nil { kill() }
        _ = try? clean()
    }

    /// What tells this one from others on the machine.
    private var environment: [String: String] {
        [
            "DEMO_PREFIX": prefix, "DEMO_STATE": state, "NETDRIFT_BINARY": AgentProcess.binary,
            "DEMO_AGENT_PORT": "11124", "DEMO_PROMETHEUS_PORT": "11190", "DEMO_ALERTMANAGER_PORT": "11193",
        ]
    }

    /// What it printed.
    var log: String { (try? String(contentsOfFile: "\(directory.path)/log", encoding: .utf8)) ?? "" }

    /// Where the agent, Prometheus and Alertmanager listen, when all of them answer.
    func addresses() throws -> (agent: String, prometheus: String, alertmanager: String) {
        let lines = try whenThere("ready").split(separator: "\n").map(String.init)
        guard lines.count == 3 else { throw Trouble("the demo is ready without three addresses: \(lines)") }
        return (lines[0], lines[1], lines[2])
    }

    /// Waits until the three things are broken.
    func awaitBreaks() throws { _ = try whenThere("broken") }

    private func whenThere(_ name: String) throws -> String {
        let text = eventually(within: 60) { () -> String? in
            guard process.isAlive else { return "" }
            return try? String(contentsOfFile: "\(state)/\(name)", encoding: .utf8)
        }
        guard let text, process.isAlive else { throw Trouble("the demo is not \(name): \(log)") }
        return text
    }

    /// Its exit status, nil when it does not end in time.
    func status(within seconds: Double) -> Int32? { process.awaitEnd(within: seconds) }

    /// Asks it to end.
    func terminate() { process.terminate() }

    /// Ends it in a way that it cannot notice.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        _ = process.awaitEnd(within: 10)
    }

    /// Removes what one that was killed left.
    func clean() throws {
        let result = try Command.run([Shipped.path("scripts/demo"), "clean"], environment: environment)
        guard result.status == 0 else { throw Trouble("demo clean: \(result.errors)") }
    }

    /// The processes that it has started and that live.
    func processes() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard Int32(name) != nil,
                let environment = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(name)/environ"))
            else { return false }
            return environment.split(separator: 0).contains { Data("NETDRIFT_DEMO=\(state)".utf8) == $0 }
        }
    }

    /// What of it is still there, when that does not go within moments: a request on its way has a second to end.
    func remains() throws -> [String] {
        try eventually(within: 10) { try leftovers().isEmpty ? [] : nil } ?? leftovers()
    }

    /// What of it is there now, a line each.
    func leftovers() throws -> [String] {
        var left = try processes().map { "process \($0)" }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        left += names.filter { $0.hasPrefix(prefix) }.map { "namespace \($0)" }
        let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        left += mounts.split(separator: "\n").filter { $0.contains(prefix) || $0.contains(state) }.map { "mount \($0)" }
        if FileManager.default.fileExists(atPath: state) { left.append("directory \(state)") }
        return left
    }
}
