import Foundation

/// A process of this program that measures one thing when asked: a process of its own, since what each keeps open counts
/// against the limit of descriptors of one process.
final class Worker {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var isStopped = false

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// Sends a command and reads the answer, `NAME=NUMBER` with spaces between.
    func ask(_ command: String) throws -> [String: Double] {
        try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
        var line = Data()
        while true {
            let byte = output.fileHandleForReading.readData(ofLength: 1)
            if byte.isEmpty { throw BenchError("the worker ended: \(process.arguments ?? [])") }
            if byte[byte.startIndex] == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        let pairs = String(decoding: line, as: UTF8.self).split(separator: " ").compactMap {
            pair -> (String, Double)? in
            let parts = pair.split(separator: "=")
            guard parts.count == 2, let value = Double(parts[1]) else { return nil }
            return (String(parts[0]), value)
        }
        return Dictionary(pairs, uniquingKeysWith: { $1 })
    }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        try? input.fileHandleForWriting.close()
        for _ in 0..<50 where process.isRunning { usleep(100_000) }
    }
}

/// What a worker measured since a moment.
struct Meter {
    private let cpu = Meter.clock(CLOCK_PROCESS_CPUTIME_ID)
    private let wall = Meter.clock(CLOCK_MONOTONIC)

    /// CPU time of this process, nanoseconds.
    var cpuNanoseconds: Double { Double(Self.clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) }
    /// Time that passed, nanoseconds.
    var wallNanoseconds: Double { Double(Self.clock(CLOCK_MONOTONIC) - wall) }

    private static func clock(_ id: clockid_t) -> Int {
        var time = timespec()
        clock_gettime(id, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

/// Answers commands from standard input until it ends.
func serveCommands(_ answer: (String) throws -> [String: Double]) throws {
    while let line = readLine() {
        let numbers = try answer(line).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        try FileHandle.standardOutput.write(contentsOf: Data((numbers.joined(separator: " ") + "\n").utf8))
    }
}
