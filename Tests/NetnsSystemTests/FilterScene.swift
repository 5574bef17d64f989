import Foundation
import NetnsCore
import Synchronization
import TestSupport
import Testing

@testable import NetnsSystem

/// Three namespaces in a row, of which the middle one forwards and filters: what the filter says of a packet is held
/// against what becomes of it.
///
/// What comes to the hook `forward` and what leaves behind it is counted there, by chains before and behind all others.
final class FilterScene {
    /// A packet from the left namespace to the right one.
    struct Sent: Sendable, CustomStringConvertible {
        enum Kind: String, Sendable { case icmp, tcp, udp }
        var kind = Kind.icmp
        var port: UInt16 = 0
        var family = IPFamily.ipv4

        var description: String { "\(kind) \(port) \(family.name)" }
    }

    private let left: NamedNamespace
    let router: NamedNamespace
    private let right: NamedNamespace
    private static let leftEnds = ["198.18.0.2", "2001:db8:0::2"]
    private static let rightEnds = ["198.18.1.2", "2001:db8:1::2"]

    init() throws {
        left = try NamedNamespace()
        router = try NamedNamespace()
        right = try NamedNamespace()
        try makeVeth("eth0", in: left, to: "toleft", in: router)
        try makeVeth("eth0", in: right, to: "toright", in: router)
        try configure(left, "eth0", Self.leftEnds, gateways: ["198.18.0.1", "2001:db8:0::1"])
        try configure(right, "eth0", Self.rightEnds, gateways: ["198.18.1.1", "2001:db8:1::1"])
        try configure(router, "toleft", ["198.18.0.1", "2001:db8:0::1"])
        try configure(router, "toright", ["198.18.1.1", "2001:db8:1::1"])
        try router.set("net/ipv4/ip_forward", "1")
        try router.set("net/ipv6/conf/all/forwarding", "1")
    }

    private func configure(
        _ namespace: NamedNamespace, _ device: String, _ addresses: [String], gateways: [String] = []
    ) throws {
        try namespace.check("ip", "link", "set", device, "up")
        for (address, length) in zip(addresses, ["24", "64"]) {
            var arguments = ["ip", "-n", namespace.name, "address", "add", "\(address)/\(length)", "dev", device]
            if length == "64" { arguments.append("nodad") }
            let result = try Command.run(arguments)
            try #require(result.status == 0, "\(result.errors)")
        }
        for gateway in gateways {
            let family = gateway.contains(":") ? "-6" : "-4"
            try Command.check("ip", "-n", namespace.name, family, "route", "add", "default", "via", gateway)
        }
    }

    /// Replaces the router's ruleset, without what counts.
    func load(_ ruleset: String) throws {
        let result = try Command.run(
            ["ip", "netns", "exec", router.name, "nft", "-f", "-"],
            input: "flush ruleset\n" + ruleset.replacingOccurrences(of: "; ", with: "\n"))
        try #require(result.status == 0, "\(result.errors)")
    }

    /// What the router's filter is, read as the agent reads it.
    func table() throws -> FilterTable { try Self.table(of: router) }

    static func table(
        of namespace: NamedNamespace, _ limits: FilterLimits = FilterLimits()
    ) throws -> FilterTable {
        let path = namespace.path
        let found = Mutex<Result<FilterTable, any Error>?>(nil)
        let thread = try NativeThread("filter") {
            let result = Result { () throws in
                try NamespaceHandle.at(path).enter()
                return try FilterTable.read(procfs: "/proc", limits: limits, buffer: NetlinkBuffer())
            }
            found.withLock { $0 = result }
        }
        thread.join()
        return try #require(found.withLock { $0 }).get()
    }

    /// The packet as the filter is asked about it.
    func packet(_ sent: Sent, state: FilterPacket.ConnectionState = .new) throws -> FilterPacket {
        let isIPv4 = sent.family == .ipv4
        let source = try #require(IPAddress(Self.leftEnds[isIPv4 ? 0 : 1]))
        let destination = try #require(IPAddress(Self.rightEnds[isIPv4 ? 0 : 1]))
        let (input, output) = (try interface("toleft"), try interface("toright"))
        guard sent.kind != .icmp else {
            return .echoRequest(from: source, to: destination, input: input, output: output)
        }
        return FilterPacket(
            input: input, output: output, source: source, destination: destination,
            protocolNumber: sent.kind == .tcp ? 6 : 17, destinationPort: sent.port, state: state)
    }

    /// What the right one answers to a connection, as the filter is asked about it.
    func answer() throws -> FilterPacket {
        let asked = try packet(Sent(kind: .tcp, port: 80))
        return FilterPacket(
            input: asked.output, output: asked.input, source: asked.destination, destination: asked.source,
            protocolNumber: 6, state: .established)
    }

    /// Whether the refusal of a TCP connection, which nobody waits for on the right, comes back.
    func isAnswered(_ port: UInt16) throws -> Bool {
        let script = """
            import socket, sys
            s = socket.socket()
            s.settimeout(1)
            print(s.connect_ex((sys.argv[1], int(sys.argv[2]))))
            """
        let output = try left.check("python3", "-c", script, Self.rightEnds[0], String(port))
        return Int32(output.trimmingCharacters(in: .whitespacesAndNewlines)) == ECONNREFUSED
    }

    private func interface(_ name: String) throws -> FilterPacket.Interface {
        let index = try Command.check("ip", "netns", "exec", router.name, "cat", "/sys/class/net/\(name)/ifindex")
        let number = try #require(Int32(index.trimmingCharacters(in: .whitespacesAndNewlines)))
        return FilterPacket.Interface(index: number, name: InlineBytes(name))
    }

    /// Sends packets one after the other, and tells of each whether it came through the router.
    func send(_ packets: [Sent]) throws -> [Bool] {
        try load(counting: true)
        defer { try? load(counting: false) }
        var results: [Bool] = []
        var passed = 0
        for (index, sent) in packets.enumerated() {
            let isIPv4 = sent.family == .ipv4
            try left.check(
                "python3", "-c", Self.script, sent.kind.rawValue, Self.rightEnds[isIPv4 ? 0 : 1], String(sent.port))
            // Once it has come to the first chain it is decided at once.
            let arrived = try eventually { try count("before") == index + 1 ? true : nil }
            try #require(arrived == true, "\(sent) does not come to the router")
            let now = try #require(try settled())
            results.append(now > passed)
            passed = now
        }
        return results
    }

    /// What has passed, when two looks at it are the same.
    private func settled() throws -> Int? {
        var last = -1
        return try eventually {
            let now = try count("behind")
            defer { last = now }
            return now == last ? now : nil
        }
    }

    private func load(counting: Bool) throws {
        let table = "table inet counting"
        // Only what the left one sends: not the errors of a router that rejects.
        let counters = ["ip saddr \(Self.leftEnds[0])", "ip6 saddr \(Self.leftEnds[1])"].map {
            "iifname toleft \($0) counter"
        }.joined(separator: "\n")
        let chains = """
            \(table) {
                chain before {
                    type filter hook forward priority -1000
                    \(counters)
                }
                chain behind {
                    type filter hook forward priority 1000
                    \(counters)
                }
            }
            """
        let result = try Command.run(
            ["ip", "netns", "exec", router.name, "nft", "-f", "-"], input: counting ? chains : "delete \(table)\n")
        try #require(result.status == 0, "\(result.errors)")
    }

    private func count(_ chain: String) throws -> Int {
        let text = try router.check("nft", "list", "chain", "inet", "counting", chain)
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.indices.filter { words[$0] == "packets" }.reduce(0) { $0 + (Int(words[$1 + 1]) ?? 0) }
    }

    /// One packet: a SYN and no second one, a datagram, or an echo request.
    private static let script = """
        import socket, struct, sys
        kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        if kind == 'tcp':
            s = socket.socket(family, socket.SOCK_STREAM)
            s.setblocking(False)
            s.connect_ex((host, port))
        elif kind == 'udp':
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.sendto(b'x', (host, port))
        else:
            s = socket.socket(family, socket.SOCK_RAW, 1 if family == socket.AF_INET else 58)
            message = struct.pack('!BBHHH', 8 if family == socket.AF_INET else 128, 0, 0, 1, 1)
            if family == socket.AF_INET:
                total = sum(struct.unpack('!4H', message))
                message = message[:2] + struct.pack('!H', ~(total + (total >> 16)) & 0xFFFF) + message[4:]
            s.sendto(message, (host, 0))
        """
}
