import Foundation
import TestSupport

/// A running `netdrift`, killed when the test lets go of it.
final class AgentProcess {
    /// Where it listens, in the order of its flags: `127.0.0.1:40123`.
    private(set) var addresses: [String] = []

    private let process = Process()
    private let directory: TemporaryDirectory
    private var status: Int32?
    private var hasEnded: Bool { status != nil }

    /// The binary under test: NETDRIFT_BINARY, or the one built beside this test.
    static let binary: String = {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["NETDRIFT_BINARY"], !path.isEmpty { return path }
        var starts = CommandLine.arguments.filter { $0.hasPrefix("/") }
        starts.append((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
        starts.append(Bundle.main.bundlePath)
        // Where a build of this checkout would be.
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        starts.append(root.appendingPathComponent(".build/debug/x").path)
        for start in starts where start.contains("/.build/") || start.contains(".xctest") {
            var url = URL(fileURLWithPath: start)
            for _ in 0..<4 {
                url.deleteLastPathComponent()
                let candidate = url.appendingPathComponent("netdrift").path
                // A directory of that name (the checkout itself) is no program.
                let type = try? FileManager.default.attributesOfItem(atPath: candidate)[.type] as? FileAttributeType
                if type == .typeRegular { return candidate }
            }
        }
        return "netdrift"
    }()

    /// Starts an agent on a port of the kernel's choice and waits until it is ready.
    ///
    /// `asksWhetherReady` is false for one that does not serve us over plain HTTP. `prefix` is a program that runs the agent in its own place (`setpriv ...`), so that its process id is the agent's.
    init(
        _ flags: [String] = [], listen: [String] = ["127.0.0.1:0"], prefix: [String] = [], binary: String = binary,
        environment: [String: String] = [:], asksWhetherReady: Bool = true
    ) throws {
        directory = try TemporaryDirectory()
        let errors = try directory.write("err", "")
        // The gateway of the machine that runs the tests is not theirs to probe: one that is about probes says so.
        let command =
            prefix + [binary, "--no-collector.probe"] + listen.map { "--web.listen-address=\($0)" } + flags
        guard let path = Command.path(of: command[0]) else { throw Trouble("no such program: \(command[0])") }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try process.run()
        let isReady = eventually(within: 30) { () -> Bool? in
            guard process.isAlive else { return false }
            if addresses.isEmpty { addresses = announcedAddresses() }
            // One that wants a certificate or a password answers those who have them.
            if !asksWhetherReady { return addresses.isEmpty ? nil : true }
            guard let address, let answer = try? HTTPConnection.get(address, "/-/ready") else { return nil }
            return answer.status == 200 ? true : nil
        }
        guard isReady == true, listen.isEmpty || addresses.count == listen.count else {
            kill()
            throw Trouble("the agent did not become ready: \(log)")
        }
    }

    deinit { kill() }

    /// The first address.
    private var address: String? { addresses.first }

    /// Its process id.
    var pid: Int32 { process.processIdentifier }

    /// Whether it runs.
    var isRunning: Bool { process.isAlive }

    /// What it wrote to standard error.
    var log: String { (try? String(contentsOfFile: "\(directory.path)/err", encoding: .utf8)) ?? "" }

    /// The lines of the log.
    var logLines: [String] { log.split(separator: "\n").map(String.init) }

    private func announcedAddresses() -> [String] {
        // The line may be logfmt or JSON, and several addresses are joined by a comma.
        let text = log
        guard text.hasSuffix("\n"), text.contains("netdrift is running") else { return [] }
        let pattern = /(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+|unix:\/[^",]+/
        return text.split(separator: "\n").first { $0.contains("netdrift is running") }
            .map { line in line.matches(of: pattern).map { String($0.output) } } ?? []
    }

    /// A request to its first address.
    func get(_ target: String, _ headers: [(String, String)] = [], method: String = "GET") throws -> HTTPAnswer {
        try HTTPConnection.get(try listening(), target, headers, method: method)
    }

    /// The first address, for connections of the test's own.
    func listening() throws -> String {
        guard let address else { throw Trouble("the agent listens nowhere") }
        return address
    }

    /// A scrape in the text format, which has to work; parsed, and refused when a series is there twice.
    func scrape(_ target: String = "/metrics", openMetrics: Bool = false, timeout: Double? = nil) throws -> Exposition {
        var headers = openMetrics ? [("Accept", "application/openmetrics-text;version=1.0.0")] : []
        if let timeout { headers.append(("X-Prometheus-Scrape-Timeout-Seconds", "\(timeout)")) }
        let answer = try get(target, headers)
        guard answer.status == 200, let text = answer.text else {
            throw Trouble("\(target): \(answer.status) \(answer.text ?? "no UTF-8")")
        }
        return try Exposition(parsing: text)
    }

    /// Sends a signal.
    func send(_ signal: Int32) { if !hasEnded { Foundation.kill(pid, signal) } }

    /// Waits for its end, and gives the exit status, 128 + N for signal N; nil when it still runs after `seconds`.
    func end(within seconds: Double = 3) -> Int32? {
        if let status { return status }
        status = process.awaitEnd(within: seconds)
        return status
    }

    /// SIGTERM and the exit status.
    func stop() -> Int32? {
        send(SIGTERM)
        return end()
    }

    /// SIGKILL, also for one that is stopped.
    func kill() {
        guard !hasEnded, process.isAlive else { return }
        Foundation.kill(pid, SIGKILL)
        _ = end(within: 10)
    }

    /// What its descriptors are: the targets of /proc/PID/fd/*.
    func descriptors() throws -> [String] {
        let path = "/proc/\(pid)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: path).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\($0)")
        }
    }

    /// How many threads it has.
    func threadCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").count
    }

    /// Runs the binary to its end.
    static func run(_ arguments: [String], prefix: [String] = [], timeout: Double = 20) throws -> Command.Result {
        try Command.run(prefix + [binary] + arguments, timeout: timeout)
    }
}
