import ArgumentParser
import CBench
import Foundation

/// Namespaces PREFIX1... with an eth0 each, whose veth peer is a port of a bridge here; addresses of 198.18.0.0/15.
///
/// A process of its own removes them should this one be killed.
final class World {
    private let prefix: String
    private let count: Int
    private let remover: Process
    private let alive = Pipe()
    private var sleepers: [Int32] = []

    /// A world of `count` namespaces; `more` pairs of veths are made inside each.
    init(prefix: String, count: Int, more: Int = 0) throws {
        self.prefix = prefix
        self.count = count
        remover = Process()
        remover.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        remover.arguments = ["remove", "--prefix", prefix, "--count", String(count)]
        remover.standardInput = alive
        Self.remove(prefix, count)
        try remover.run()
        var outer = ""
        // A bridge takes 1,023 ports.
        let bridges = (count + 899) / 900
        for bridge in 0..<bridges {
            outer += "link add \(prefix)br\(bridge) type bridge\nlink set \(prefix)br\(bridge) up\n"
        }
        for index in 1...count {
            outer += "netns add \(prefix)\(index)\n"
            outer += "link add \(prefix)v\(index) type veth peer name eth0 netns \(prefix)\(index)\n"
            outer += "link set \(prefix)v\(index) master \(prefix)br\((index - 1) / 900) up\n"
        }
        try Self.ip(["-batch", "-"], outer)
        for index in 1...count {
            let place = (index - 1) % 900 + 2
            let network = (index - 1) / 900 * 4
            var inner = "link set lo up\nlink set eth0 up\n"
            inner += "addr add 198.18.\(network + place / 256).\(place % 256)/22 dev eth0\n"
            for pair in 0..<more { inner += "link add a\(pair) type veth peer name b\(pair)\n" }
            try Self.ip(["-n", "\(prefix)\(index)", "-batch", "-"], inner)
        }
    }

    /// Processes that sleep, in one namespace after the other.
    func addProcesses(_ wanted: Int) throws {
        for index in 0..<wanted {
            let child = bench_sleeper("/run/netns/\(prefix)\(index % count + 1)")
            guard child > 0 else { throw BenchError("fork: errno \(-child)") }
            sleepers.append(child)
        }
    }

    func remove() {
        for child in sleepers { kill(child, SIGKILL) }
        for child in sleepers { waitpid(child, nil, 0) }
        Self.remove(prefix, count)
        try? alive.fileHandleForWriting.close()
    }

    fileprivate static func remove(_ prefix: String, _ count: Int) {
        var batch = ""
        for index in 1...count where FileManager.default.fileExists(atPath: "/run/netns/\(prefix)\(index)") {
            batch += "netns del \(prefix)\(index)\n"
        }
        for bridge in 0..<(count + 899) / 900
        where FileManager.default.fileExists(atPath: "/sys/class/net/\(prefix)br\(bridge)") {
            batch += "link del \(prefix)br\(bridge)\n"
        }
        if !batch.isEmpty { try? ip(["-force", "-batch", "-"], batch) }
    }

    private static func ip(_ arguments: [String], _ batch: String) throws {
        // Names are letters and digits, so nothing here needs quoting.
        let status = bench_shell((["ip"] + arguments).joined(separator: " "), batch)
        guard status == 0 else { throw BenchError("ip \(arguments.joined(separator: " ")) failed: \(status)") }
    }
}

/// Waits until the benchmark has ended, however it did, and removes what is left of its world.
struct RemoveWorld: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a world when standard input ends.", shouldDisplay: false)

    @Option var prefix: String
    @Option var count: Int

    func run() {
        // What ends the benchmark may be sent to all that it started.
        for number in [SIGHUP, SIGINT, SIGTERM] { signal(number, SIG_IGN) }
        while readLine() != nil {}
        World.remove(prefix, count)
        // What ip(8) was told last may have come after.
        sleep(1)
        World.remove(prefix, count)
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
