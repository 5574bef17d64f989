import Foundation
import TestSupport
import Testing

/// A small host for the page, apart from the machine's: a namespace that plays the host, with a bridge and a few others
/// on it that a rule expects something of.
final class PageWorld {
    let prefix: String
    let host: NamedNamespace
    /// `PREFIX0`, `PREFIX1`, ...: each with `eth0` on the bridge `br0` of the host.
    let names: [String]
    private let namespaces: [NamedNamespace]
    private let directory: TemporaryDirectory

    static let sysctl = "net.ipv4.tcp_keepalive_time"
    static let path = "net/ipv4/tcp_keepalive_time"

    init(_ count: Int = 3) throws {
        let prefix = NamedNamespace.uniqueName("page") + "n"
        self.prefix = prefix
        host = try NamedNamespace(prefix + "host")
        namespaces = try (0..<count).map { try NamedNamespace("\(prefix)\($0)") }
        names = namespaces.map(\.name)
        directory = try TemporaryDirectory()
        try host.check("ip", "link", "add", "br0", "type", "bridge")
        try host.check("ip", "link", "set", "br0", "up")
        try host.check("ip", "addr", "add", "198.18.0.1/24", "dev", "br0")
        for (index, namespace) in namespaces.enumerated() {
            try host.check(
                "ip", "link", "add", "v\(index)", "type", "veth", "peer", "name", "eth0", "netns", namespace.name)
            try host.check("ip", "link", "set", "v\(index)", "master", "br0", "up")
            try namespace.check("ip", "link", "set", "lo", "up")
            try namespace.check("ip", "link", "set", "eth0", "up")
            try namespace.check("ip", "addr", "add", "198.18.0.\(index + 10)/24", "dev", "eth0")
            try namespace.check("ip", "route", "add", "default", "via", "198.18.0.1")
            try namespace.set(Self.path, "600")
        }
    }

    subscript(index: Int) -> NamedNamespace { namespaces[index] }

    /// What shows the agent this world alone. Its rule expects 600 of tcp_keepalive_time.
    func flags() throws -> [String] {
        let file = try directory.write(
            "netdrift.yml",
            """
            expectations:
              - rule: keepalive
                namespaces: { name: "\(prefix)*" }
                severity: critical
                sysctls: { \(Self.sysctl): 600 }
            """)
        return [
            "--path.host-netns=\(host.path)", "--discovery.include=\(prefix)*", "--discovery.include=host",
            "--discovery.deep-interval=0", "--config.file=\(file)",
        ]
    }

    /// An agent that sees this world alone.
    func agent(listen: String = "127.0.0.1:0") throws -> AgentProcess {
        try AgentProcess(try flags(), listen: [listen])
    }
}

extension Browser {
    /// Opens a view of the page, and waits for its first answer.
    func open(_ agent: AgentProcess, _ fragment: String = "#/") throws {
        try open("http://\(try agent.listening())/\(fragment)")
        try wait("document.querySelector('#age')?.textContent.startsWith('Live')")
    }

    /// Expects that the console was told nothing, and that only the agent was asked for anything.
    func expectClean(_ agent: AgentProcess, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try console() == [], sourceLocation: location)
        let origin = "http://\(try agent.listening())/"
        let others = try requests().filter { !$0.hasPrefix(origin) }
        #expect(others == [], sourceLocation: location)
    }

    /// The names in the table of namespaces, in its order.
    func names() throws -> [String] { try texts("#namespaces tbody th a") }

    /// Waits until a tile shows a number.
    func wait(tile: String, shows number: String) throws {
        try wait(
            "document.querySelector(`[data-tile='${arguments[0]}'] strong`)?.textContent === arguments[1]",
            [tile, number])
    }
}
