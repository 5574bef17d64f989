import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// A host as it comes: namespaces held in every way there is.
    @Suite struct WorldTests {
        @Test(
            "every namespace is found, named, and read, however it is held",
            .needs(.root, .tool("ip"), .tool("runc"), .tool("busybox"), .tool(Holder.python)))
        func everyOrigin() throws {
            let named = try (0..<8).map { try WiredNamespace(keepalive: 1000 + $0) }
            let container = try Container(keepalive: 611)
            let ways = Holder.Way.allCases
            let holders = try ways.enumerated().map { try Holder($1, keepalive: 700 + $0) }
            let agent = try AgentProcess(
                ["--discovery.deep-interval=1s", "--discovery.include=host", "--discovery.include=net:*"]
                    + named.map { "--discovery.include=\($0.name)" })
            let exposition = try agent.scrape()

            for (index, one) in named.enumerated() {
                let info = try #require(exposition.info(inode: one.inode), "\(one.name)")
                #expect(info["netns"] == one.name)
                #expect(info["origin"] == "mount")
                #expect(info["command"] == nil)
                #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: one.name) == Double(1000 + index))
                #expect(exposition.devices(of: one.name) == ["lo", "eth0"])
                #expect(exposition.value("netns_processes", ["netns": one.name]) == 0)
                // A link in another namespace has made the host give it an id.
                #expect(info["nsid"].flatMap { Int($0) } == (try Self.hostID(of: one)))
            }
            let inside = try #require(exposition.info(inode: container.inode))
            #expect(inside["origin"] == "process")
            #expect(inside["command"] == "busybox" || inside["command"] == "sleep")
            #expect(inside["user"] == "root")
            #expect(inside["netns"] == "net:[\(container.inode)]")
            let name = try #require(inside["netns"])
            #expect(exposition.sysctl("net.ipv4.tcp_keepalive_time", in: name) == 611)
            #expect(exposition.value("netns_processes", ["netns": name]) == 1)

            for (index, holder) in holders.enumerated() {
                let info = try #require(exposition.info(inode: holder.inode), "held by \(holder.way)")
                #expect(info["origin"] == holder.way.rawValue)
                let name = try #require(info["netns"])
                #expect(name == "net:[\(holder.inode)]")
                #expect(
                    exposition.sysctl("net.ipv4.tcp_keepalive_time", in: name) == Double(700 + index), "\(holder.way)")
                #expect(exposition.devices(of: name) == ["lo"])
            }
            let host = try #require(exposition.info(inode: try NamedNamespace.inode(of: "/proc/self/ns/net")))
            #expect(host["netns"] == "host")
            #expect(host["origin"] == "process")
            // Every namespace is counted once, under its origin.
            for origin in ["process", "mount", "fd", "socket", "thread"] {
                let count = exposition.series("netns_info", ["origin": origin]).count
                #expect(exposition.value("netns_namespaces", ["origin": origin]) == Double(count))
            }
            #expect(agent.stop() == 0)
        }

        private static func hostID(of one: WiredNamespace) throws -> Int? {
            let line = try Command.check("ip", "netns", "list").split(separator: "\n").first {
                $0 == one.name || $0.hasPrefix("\(one.name) ")
            }
            return line.flatMap { $0.firstMatch(of: /\(id: (\d+)\)/) }.flatMap { Int($0.output.1) }
        }

        @Test(
            "list agrees with lsns on every namespace lsns shows",
            .needs(.root, .tool("ip"), .tool("lsns"), .tool("runc"), .tool("busybox"), .tool(Holder.python)))
        func listAgreesWithLsns() throws {
            let wired = try WiredNamespace()
            let container = try Container(keepalive: 612)
            let holder = try Holder(.process, keepalive: 700)
            let inside = try Inhabitant(of: wired.name)
            defer { inside.end() }
            // Processes come and go: two pictures of the same moment are needed.
            var differences: [String] = []
            for _ in 0..<20 {
                let theirs = try Lsns.read()
                let ours = try Listing.read()
                let again = try Lsns.read()
                guard theirs == again else { continue }
                #expect(theirs.contains { $0.ns == wired.inode && $0.nsfs != nil && $0.netnsid != "unassigned" })
                #expect(theirs.contains { $0.ns == container.inode } && theirs.contains { $0.ns == holder.inode })
                differences = theirs.compactMap { row in
                    let entry = ours.namespaces.first { $0.inode == row.ns }
                    return entry.map(Lsns.Row.init) == row
                        ? nil : "lsns \(row), list \(entry.map { "\(Lsns.Row($0))" } ?? "without it")"
                }
                if differences.isEmpty { return }
            }
            Issue.record("never the same: \(differences)")
        }

        @Test("list --json knows what lsns does not", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func listKnowsMore() throws {
            let wired = try WiredNamespace()
            let holders = try Holder.Way.allCases.map { try Holder($0, keepalive: 700) }
            let listing = try Listing.read()
            let entry = try #require(listing.namespaces.first { $0.inode == wired.inode })
            #expect(entry.name == wired.name)
            #expect(entry.mounts == [wired.namespace.path])
            #expect(entry.pid == nil && entry.command == nil && entry.user == nil)
            #expect((entry.cookie ?? 0) > 0)
            let interfaces = try #require(entry.interfaces)
            #expect(interfaces.map(\.device).sorted() == ["eth0", "lo"])
            #expect(interfaces.first { $0.device == "eth0" }?.kind == "veth")
            #expect(interfaces.first { $0.device == "eth0" }?.mtu == 1500)
            for holder in holders {
                let entry = try #require(listing.namespaces.first { $0.inode == holder.inode }, "\(holder.way)")
                #expect(entry.origin == holder.way.rawValue)
                // Its processes are told by themselves; holders are what else there is.
                let holds =
                    holder.way == .process
                    ? entry.pid == holder.pid && entry.holders.isEmpty
                    : entry.holders.contains { $0.origin == holder.way.rawValue && $0.pid == holder.pid }
                #expect(holds, "\(holder.way): \(entry)")
            }
            #expect(listing.namespaces.map(\.inode) == listing.namespaces.map(\.inode).sorted())
            #expect(Set(listing.namespaces.map(\.name)).count == listing.namespaces.count)
        }

        @Test("the table shows the same namespaces, one a line", .needs(.root, .tool("ip"), .tool(Holder.python)))
        func table() throws {
            let wired = try WiredNamespace()
            let holder = try Holder(.fd, keepalive: 700)
            let result = try AgentProcess.run(["list"])
            #expect(result.status == 0)
            #expect(result.errors.isEmpty)
            let lines = result.output.split(separator: "\n")
            let header = [
                "NS", "NAME", "ORIGIN", "NPROCS", "PID", "USER", "NETNSID", "NSFS", "CONTAINER", "INTERFACES",
                "COMMAND",
            ]
            #expect(lines.first?.split(separator: " ").map(String.init) == header)
            let columns = try #require(lines.first { $0.contains(" \(wired.name) ") }).split(separator: " ")
            #expect(columns[0] == "\(wired.inode)")
            #expect(columns[2] == "mount" && columns[3] == "0" && columns[4] == "-")
            #expect(columns[7] == "\(wired.namespace.path)")
            #expect(columns[8] == "-" && columns[9] == "eth0")
            #expect(columns[10...].joined(separator: " ") == "-> \(wired.hostDevice) -")
            let held = try #require(lines.first { $0.contains("\(holder.inode) ") })
            #expect(held.contains(" fd ") && held.contains("of pid \(holder.pid)"))

            let only = try AgentProcess.run(["list", "--discovery.include=\(wired.name)"])
            #expect(only.output.split(separator: "\n").count == 2)
            let without = try AgentProcess.run(["list", "--discovery.exclude=\(wired.name)"])
            #expect(!without.output.contains(wired.name))
        }
    }
}

/// A process in a named namespace, ended with the value.
private final class Inhabitant {
    private let process = Process()

    init(of name: String) throws {
        process.executableURL = URL(fileURLWithPath: Command.path(of: "nsenter") ?? "/usr/bin/nsenter")
        process.arguments = ["--net=/run/netns/\(name)", "sleep", "600"]
        try process.run()
        // Until nsenter has become sleep, it is somewhere else.
        let pid = process.processIdentifier
        _ = eventually { (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) == "sleep\n" ? true : nil }
    }

    deinit { end() }

    func end() {
        guard process.isAlive else { return }
        kill(process.processIdentifier, SIGKILL)
        _ = process.awaitEnd(within: 10)
    }
}

/// What `lsns -t net -J` says.
private struct Lsns: Decodable {
    struct Row: Decodable, Equatable {
        let ns: UInt64
        let nprocs: Int
        let pid: Int32
        let user: String
        let netnsid: String
        let nsfs: String?
        let command: String

        init(_ entry: Listing.Entry) {
            ns = entry.inode
            nprocs = entry.processes
            pid = entry.pid ?? 0
            user = entry.user ?? ""
            netnsid = entry.nsid.map { "\($0)" } ?? "unassigned"
            nsfs = entry.mounts.first
            command = entry.command ?? ""
        }
    }

    let namespaces: [Row]

    static func read() throws -> [Row] {
        let text = try Command.check("lsns", "-t", "net", "-J", "-o", "NS,NPROCS,PID,USER,NETNSID,NSFS,COMMAND")
        return try JSONDecoder().decode(Lsns.self, from: Data(text.utf8)).namespaces
    }
}

/// What `netdrift list --json` says.
private struct Listing: Decodable {
    struct Holder: Decodable {
        let origin: String
        let pid: Int32?
    }

    struct Interface: Decodable {
        let device: String
        let ifindex: Int32
        let kind: String?
        let mtu: UInt32?
    }

    struct Entry: Decodable {
        let name: String
        let inode: UInt64
        let cookie: UInt64?
        let nsid: Int32?
        let origin: String
        let processes: Int
        let pid: Int32?
        let user: String?
        let command: String?
        let mounts: [String]
        let holders: [Holder]
        let interfaces: [Interface]?
    }

    let namespaces: [Entry]

    static func read() throws -> Listing {
        let result = try AgentProcess.run(["list", "--json"])
        guard result.status == 0 else { throw Trouble(result.errors) }
        return try JSONDecoder().decode(Listing.self, from: Data(result.output.utf8))
    }
}
