internal import Foundation

/// Running of programs.
public enum Command {
    /// What a program left.
    public struct Result: Sendable {
        /// Its exit status; 128 + N when signal N ended it.
        public let status: Int32
        /// Standard output.
        public let output: String
        /// Standard error.
        public let errors: String
    }

    /// What went wrong with a program that had to work.
    public struct Failure: Error, CustomStringConvertible {
        /// The command line and what it said.
        public let description: String
    }

    /// Where a program is, nil when it is not on the PATH or in the places of root's programs.
    public static func path(of name: String) -> String? {
        if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) ? name : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        for directory in path.split(separator: ":") + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"] {
            let candidate = "\(directory)/\(name)"
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
        }
        return nil
    }

    /// Runs a program to its end, without a shell; it is killed after `timeout` seconds.
    public static func run(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:], timeout: Double = 60
    ) throws -> Result {
        guard let name = arguments.first, let path = path(of: name) else {
            throw Failure(description: "no such program: \(arguments)")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = Array(arguments.dropFirst())
        if !environment.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        }
        // Files, not pipes: a program that prints much would wait for a reader, and a grandchild would keep a pipe open.
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("netdrift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let output = directory.appendingPathComponent("out")
        let errors = directory.appendingPathComponent("err")
        let entry = directory.appendingPathComponent("in")
        try Data().write(to: output)
        try Data().write(to: errors)
        try Data((input ?? "").utf8).write(to: entry)
        let files = [
            try FileHandle(forReadingFrom: entry), try FileHandle(forWritingTo: output),
            try FileHandle(forWritingTo: errors),
        ]
        // Foundation keeps them open otherwise, and its Process.run crashes with some 1,400 open descriptors.
        defer { for file in files { try? file.close() } }
        process.standardInput = files[0]
        process.standardOutput = files[1]
        process.standardError = files[2]
        try process.run()
        var ended = process.awaitEnd(within: timeout)
        if ended == nil {
            kill(process.processIdentifier, SIGKILL)
            ended = process.awaitEnd(within: 10)
        }
        guard let status = ended else { throw Failure(description: "\(arguments) cannot be killed") }
        return Result(
            status: status, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }

    /// Runs a program that has to exit with 0, and gives its standard output.
    @discardableResult
    public static func check(_ arguments: String..., input: String? = nil, timeout: Double = 60) throws -> String {
        let result = try run(arguments, input: input, timeout: timeout)
        guard result.status == 0 else {
            throw Failure(description: "\(arguments.joined(separator: " ")): exit \(result.status): \(result.errors)")
        }
        return result.output
    }
}

/// Asks again until there is an answer, for at most `seconds`.
public func eventually<R>(within seconds: Double = 10, _ body: () throws -> R?) rethrows -> R? {
    let end = Date().addingTimeInterval(seconds)
    while true {
        if let result = try body() { return result }
        if Date() >= end { return nil }
        usleep(20_000)
    }
}
