import Foundation
import TestSupport

/// A namespace that plays the host, with two bridges, and a container behind each: `web` at 198.18.1.2 and 2001:db8:1::2
/// on br0, `db` at 198.18.2.2 and 2001:db8:2::2 on br1. Nothing of it leaves these three.
final class PathScene {
    let host: NamedNamespace
    let web: NamedNamespace
    let db: NamedNamespace
    private var programs: [Process] = []

    init() throws {
        host = try NamedNamespace()
        web = try NamedNamespace()
        db = try NamedNamespace()
        for namespace in [host, web, db] {
            // The addresses are to be there at once.
            try namespace.set("net/ipv6/conf/default/accept_dad", "0")
            try Command.check("ip", "-n", namespace.name, "link", "set", "lo", "up")
        }
        try batch(
            host,
            """
            link add br0 type bridge
            link add br1 type bridge
            link set br0 up
            link set br1 up
            addr add 198.18.1.1/24 dev br0
            addr add 198.18.2.1/24 dev br1
            addr add 2001:db8:1::1/64 dev br0 nodad
            addr add 2001:db8:2::1/64 dev br1 nodad
            link add va type veth peer name eth0 netns \(web.name)
            link add vb type veth peer name eth0 netns \(db.name)
            link set va master br0 up
            link set vb master br1 up
            """)
        for (namespace, net) in [(web, 1), (db, 2)] {
            try batch(
                namespace,
                """
                link set eth0 up
                addr add 198.18.\(net).2/24 dev eth0
                addr add 2001:db8:\(net)::2/64 dev eth0 nodad
                route add default via 198.18.\(net).1
                -6 route add default via 2001:db8:\(net)::1
                """)
        }
        try host.set("net/ipv4/ip_forward", "1")
        try host.set("net/ipv6/conf/all/forwarding", "1")
    }

    deinit {
        for program in programs {
            kill(program.processIdentifier, SIGKILL)
            _ = program.awaitEnd(within: 5)
        }
    }

    /// Runs lines of `ip` in a namespace, one after the other.
    func batch(_ namespace: NamedNamespace, _ lines: String) throws {
        for line in lines.split(separator: "\n") {
            let result = try Command.run(["ip", "-n", namespace.name] + line.split(separator: " ").map(String.init))
            guard result.status == 0 else { throw Trouble("\(line): \(result.errors)") }
        }
    }

    /// Runs Python in a namespace until the scene ends, and waits for its first line.
    func serve(in namespace: NamedNamespace, _ program: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("server.py", program)
        let mark = "\(directory.path)/ready"
        let process = Process()
        guard let ip = Command.path(of: "ip") else { throw Trouble("no ip") }
        process.executableURL = URL(fileURLWithPath: ip)
        process.arguments = ["netns", "exec", namespace.name, "python3", file, mark]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        programs.append(process)
        guard eventually(within: 20, { FileManager.default.fileExists(atPath: mark) ? true : nil }) == true else {
            throw Trouble("the server did not come up")
        }
    }

    /// What `diagnose` says of the path from `web`.
    func diagnose(_ arguments: String...) throws -> PathAnswer { try diagnose(arguments) }

    func diagnose(_ arguments: [String]) throws -> PathAnswer {
        let result = try Command.run(
            [AgentProcess.binary, "diagnose", "--json", "--timeout", "300ms", "--path.host-netns", host.path, web.name]
                + arguments)
        return try PathAnswer(result)
    }
}

/// What `diagnose --json` printed.
struct PathAnswer {
    struct Report: Decodable {
        struct Step: Decodable {
            let step: String
            let state: String
            let evidence: String
            let remedy: String?
        }

        let netns: String
        let target: String
        let reachable: Bool?
        let steps: [Step]
    }

    let status: Int32
    let report: Report

    init(_ result: Command.Result) throws {
        do { try self.init(status: result.status, Data(result.output.utf8)) } catch {
            throw Trouble("diagnose: exit \(result.status): \(result.output)\(result.errors)")
        }
    }

    init(status: Int32, _ body: Data) throws {
        self.status = status
        report = try JSONDecoder().decode(Report.self, from: body)
    }

    /// The first step that is broken.
    var broken: Report.Step? { report.steps.first { $0.state == "broken" } }

    /// All of them.
    var allBroken: [String] { report.steps.filter { $0.state == "broken" }.map(\.step) }
}
