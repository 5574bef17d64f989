import Foundation
import TestSupport

/// A server of somebody else's that listens on a port of the kernel's choice, with a directory that goes with it; killed
/// when the test lets go of it.
final class ListeningProgram {
    /// Where it listens: `127.0.0.1:40123`.
    let address: String
    /// Its directory.
    let path: String

    private let process: Process
    private var directory: TemporaryDirectory?

    /// Starts a program, given by its name, and waits until it answers `ready` with 200. Its arguments have
    /// to make it listen on one TCP port of 127.0.0.1.
    init(_ name: String, in directory: TemporaryDirectory, ready: String, _ arguments: [String]) throws {
        let log = try directory.write("log", "")
        let process = Process()
        guard let program = Command.path(of: name) else { throw Trouble("no such program: \(name)") }
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        try process.run()
        let address = eventually(within: 60) { () -> String? in
            guard process.isAlive else { return "" }
            guard let address = Self.listening(process.processIdentifier) else { return nil }
            return (try? HTTPConnection.get(address, ready).status) == 200 ? address : nil
        }
        guard let address, !address.isEmpty else {
            Self.end(process)
            throw Trouble("\(name) does not answer: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
        }
        self.address = address
        self.process = process
        self.directory = directory
        path = directory.path
    }

    deinit { _ = stop() }

    /// What it wrote to standard error.
    var log: String { (try? String(contentsOfFile: "\(path)/log", encoding: .utf8)) ?? "" }

    /// The body of an answer. By curl: these programs answer in chunks when an answer is long.
    func get(_ target: String) throws -> String { try Command.check("curl", "-sS", "http://\(address)\(target)") }

    /// Ends it and removes its directory; whether it has ended.
    func stop() -> Bool {
        Self.end(process)
        directory = nil
        return !process.isAlive
    }

    private static func end(_ process: Process) {
        guard process.isAlive else { return }
        process.terminate()
        if process.awaitEnd(within: 10) == nil {
            kill(process.processIdentifier, SIGKILL)
            _ = process.awaitEnd(within: 10)
        }
    }

    /// Not every program tells the port that the kernel chose: that of its one listening socket.
    private static func listening(_ pid: Int32) -> String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
        let own = Set(
            names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") })
        let table = (try? String(contentsOfFile: "/proc/\(pid)/net/tcp", encoding: .utf8)) ?? ""
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", own.contains("socket:[\(fields[9])]"),
                let port = fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) })
            else { continue }
            return "127.0.0.1:\(port)"
        }
        return nil
    }
}
