import Foundation
import TestSupport

/// A named namespace with a veth: `eth0` inside, `hostDevice` outside, both up.
final class WiredNamespace {
    let namespace: NamedNamespace
    let hostDevice: String
    var name: String { namespace.name }
    var inode: UInt64 { namespace.inode }

    init(keepalive: Int? = nil) throws {
        namespace = try NamedNamespace()
        hostDevice = NamedNamespace.uniqueName("v")
        try Command.check(
            "ip", "link", "add", hostDevice, "type", "veth", "peer", "name", "eth0", "netns", namespace.name)
        try Command.check("ip", "link", "set", hostDevice, "up")
        try Command.check("ip", "-n", namespace.name, "link", "set", "lo", "up")
        try Command.check("ip", "-n", namespace.name, "link", "set", "eth0", "up")
        if let keepalive { try namespace.set("net/ipv4/tcp_keepalive_time", "\(keepalive)") }
    }

    // The veth goes with the namespace; when something holds that, it has to go by itself.
    deinit { if isWired { _ = try? Command.run(["ip", "link", "del", hostDevice]) } }

    /// Whether the host's end is there.
    var isWired: Bool { FileManager.default.fileExists(atPath: "/sys/class/net/\(hostDevice)") }
}

/// Many named namespaces, made and removed by few programs; no links but `lo`. The tcp_keepalive_time of the one at INDEX
/// is `firstKeepalive` + INDEX.
final class NamespaceCrowd {
    let prefix: String
    let names: [String]
    static let firstKeepalive = 3000

    init(_ count: Int) throws {
        let prefix = NamedNamespace.uniqueName("c") + "n"
        self.prefix = prefix
        names = (0..<count).map { "\(prefix)\($0)" }
        try Command.check("ip", "-batch", "-", input: names.map { "netns add \($0)\n" }.joined())
        let script = """
            set -e; value=$1; shift
            for name do
                nsenter "--net=/run/netns/$name" sh -c "echo $value > /proc/sys/net/ipv4/tcp_keepalive_time"
                value=$((value + 1))
            done
            """
        let result = try Command.run(["sh", "-c", script, "sh", "\(Self.firstKeepalive)"] + names)
        guard result.status == 0 else { throw Trouble(result.errors) }
    }

    deinit {
        _ = try? Command.run(["ip", "-force", "-batch", "-"], input: names.map { "netns del \($0)\n" }.joined())
    }

    /// The flag that shows these namespaces only.
    var include: String { "--discovery.include=\(prefix)*" }

    /// The tcp_keepalive_time of each, by name.
    var keepalives: [String: Double] {
        Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Double(Self.firstKeepalive + $0)) })
    }
}

extension Exposition {
    /// The tcp_keepalive_time of every namespace, by name.
    var keepalives: [String: Double] {
        var values: [String: Double] = [:]
        for series in series("netns_sysctl_value", ["sysctl": "net.ipv4.tcp_keepalive_time"]) {
            if let name = series.labels["netns"] { values[name] = samples[series].flatMap { Double($0) } }
        }
        return values
    }
}
