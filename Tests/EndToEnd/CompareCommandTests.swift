import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `netdrift diff`, `netdrift explain` and `netdrift config init`.
    @Suite(.needs(.root)) struct CompareCommandTests {
        private static func run(_ arguments: String...) throws -> Command.Result {
            try Command.run([AgentProcess.binary] + arguments)
        }

        private static func object(_ text: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        /// All that the host has below /proc/sys/net, but what only counts.
        private static func hostState() throws -> String {
            try Command.check(
                "sh", "-c",
                "cd /proc/sys/net && grep -r . core ipv4/tcp_* ipv4/ip_* ipv4/conf/all ipv4/conf/default 2>/dev/null | sort"
            )
        }

        @Test func whatDiffersFromAFreshOne() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "611")
            try namespace.check("ip", "link", "add", "a.b", "type", "veth", "peer", "name", "x=$(id)")
            let host = try Self.hostState()
            let result = try Self.run("diff", "fresh", namespace.name)
            #expect(result.status == 1)
            let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(lines[0] == ["SYSCTL", "fresh", namespace.name])
            #expect(lines[1] == ["net.ipv4.tcp_keepalive_time", "7200", "611"])
            #expect(
                result.output.hasSuffix(
                    "Left out: the sysctls of a.b, x=$(id), which only \(namespace.name) has; --all shows them.\n"))
            #expect(result.errors.isEmpty)
            for other in ["net:[\(namespace.inode)]", String(namespace.inode), namespace.path] {
                #expect(try Self.run("diff", namespace.name, other).status == 0, "\(other)")
            }
            #expect(
                try Self.run("diff", "fresh", namespace.name, "--all").output.contains("net.ipv4.conf.a/b.rp_filter"))
            #expect(try Self.hostState() == host)
        }

        @Test func diffAsJSON() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/core/somaxconn", "77")
            let result = try Self.run("diff", "host", namespace.path, "--json")
            #expect(result.status == 1)
            let report = try Self.object(result.output)
            #expect(report["a"] as? String == "host")
            let differences = try #require(report["differences"] as? [[String: Any]])
            let named = Dictionary(
                differences.map { ($0["sysctl"] as? String ?? "", $0) }, uniquingKeysWith: { a, _ in a })
            #expect(named["net.core.somaxconn"]?["b"] as? String == "77")
            #expect(named["net.core.netdev_max_backlog"]?["b"] is NSNull)
            #expect(named.values.allSatisfy { $0.count == 3 })
        }

        @Test func nothingDiffers() throws {
            let result = try Self.run("diff", "fresh", "fresh")
            #expect(result.status == 0)
            #expect(result.output.isEmpty && result.errors.isEmpty)
        }

        @Test func noSuchNamespace() throws {
            let namespace = try NamedNamespace()
            let near = try Self.run("diff", "host", namespace.name + "y")
            #expect(near.status == 2)
            #expect(near.errors.hasSuffix("y, did you mean \(namespace.name)?\n"))
            for wrong in ["/etc/passwd", "/nonexistent", "net:[1]", "", "no such\u{1B}[31m"] {
                let result = try Self.run("diff", "fresh", wrong)
                #expect(result.status == 2, "\(wrong)")
                #expect(result.output.isEmpty)
                #expect(!result.errors.contains("\u{1B}"))
            }
            #expect(try Self.run("diff", "host").status == 2)
        }

        @Test func reInitialisedAndInherited() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "613")
            let text = try Self.run("explain", "net.ipv4.tcp_keepalive_time")
            #expect(text.status == 0)
            #expect(text.output.contains("re-initialised at creation"))
            #expect(text.output.contains("tcp_sk_init()"))
            #expect(text.output.contains("docker run --sysctl net.ipv4.tcp_keepalive_time=VALUE"))
            #expect(text.output.contains("safe since Kubernetes 1.29"))
            #expect(text.output.contains("nsenter --net="))
            let report = try Self.object(try Self.run("explain", "net.ipv4.tcp_keepalive_time", "--json").output)
            #expect(report["at_creation"] as? String == "re-initialised")
            #expect(report["fresh"] as? String == "7200")
            let values = try #require(report["values"] as? [[String: Any]])
            let group = values.first { $0["value"] as? String == "613" }
            #expect(group?["namespaces"] as? [String] == [namespace.name])

            let inherited = try Self.run("explain", "net.ipv4.tcp_congestion_control")
            #expect(inherited.output.contains("inherited at creation"))
        }

        @Test func globalSysctls() throws {
            let absent = try Self.object(try Self.run("explain", "net.core.netdev_max_backlog", "--json").output)
            #expect(absent["at_creation"] as? String == "absent" && absent["seen"] as? Bool == true)
            let mode = try Command.check("unshare", "--net", "stat", "-c", "%a", "/proc/sys/net/core/rmem_max")
            if mode == "444\n" {
                let global = try Self.object(try Self.run("explain", "net.core.rmem_max", "--json").output)
                #expect(global["at_creation"] as? String == "global")
                #expect((global["set"] as? [String: String])?.keys.sorted() == ["for good", "now"])
            }
        }

        @Test func keysAreNotShown() throws {
            let result = try Self.run("explain", "net.ipv4.tcp_fastopen_key")
            #expect(result.status == 0)
            #expect(result.output.contains("Its value is not read"))
            let key = try Command.check("cat", "/proc/sys/net/ipv4/tcp_fastopen_key").prefix { $0 != "\n" }
            #expect(!result.output.contains(key))
        }

        @Test func anInterfaceWithAHostileName() throws {
            let namespace = try NamedNamespace()
            try namespace.check("ip", "link", "add", "a.b", "type", "veth", "peer", "name", "x=$(id)*")
            let result = try Self.run("explain", "net.ipv4.conf.x=$(id)*.rp_filter")
            #expect(result.status == 0)
            #expect(result.output.contains("set when its interface is made"))
            #expect(result.output.contains("tee '/proc/sys/net/ipv4/conf/x=$(id)*/rp_filter'"))
            #expect(
                try Self.run("explain", "net/ipv4/conf/a.b/rp_filter").output.hasPrefix("net.ipv4.conf.a/b.rp_filter\n")
            )
        }

        /// What a container declares is read beside what is asked for, and is not taken for it.
        @Test(.needs(.tool("runc"), .tool("busybox"))) func declaredValuesAreNotMistaken() throws {
            let container = try Container(keepalive: 613)
            let flag = "--path.runc=\(container.root)"
            let typo = try Self.run("explain", "net.ipv4.tcp_keepalive_tme", flag)
            #expect(typo.status == 2)
            let other = try Self.run("explain", "net.ipv4.tcp_retries2", flag)
            #expect(other.status == 0 && !other.output.contains("613"))
            #expect(try Self.run("explain", "net.ipv4.tcp_keepalive_time", flag).output.contains("613"))
        }

        @Test func noSuchSysctl() throws {
            let typo = try Self.run("explain", "net.ipv4.tcp_keepalive_tme")
            #expect(typo.status == 2)
            #expect(typo.errors.hasSuffix("did you mean net.ipv4.tcp_keepalive_time?\n"))
            #expect(try Self.run("explain", "tcp_rmem").errors.hasSuffix("did you mean net.ipv4.tcp_rmem?\n"))
            #expect(try Self.run("explain", "kernel.hostname").status == 2)
            #expect(try Self.run("explain", "net.ipv4").status == 2)
            #expect(try Self.run("explain", "net.ipv4.no\u{1B}[31m").errors.contains("\u{1B}") == false)
        }

        @Test func withoutRights() throws {
            let result = try Command.run([
                "setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                AgentProcess.binary, "explain", "net.core.somaxconn",
            ])
            #expect(result.status == 2 || result.status == 126 || result.status == 127)
            if result.status == 2 { #expect(result.errors.contains("CAP_SYS_ADMIN")) }
        }

        @Test func aConfigurationOfTheHost() throws {
            let directory = try TemporaryDirectory()
            let file = "\(directory.path)/netdrift.yml"
            #expect(try Self.run("config", "init", "--output", file).status == 0)
            #expect(try Self.run("config", "check", file).status == 0)
            let text = try String(contentsOfFile: file, encoding: .utf8)
            #expect(text.contains("net.ipv4.tcp_keepalive_time: \""))
            let again = try Self.run("config", "init", "--output", file)
            #expect(again.status == 1)
            #expect(again.errors == "netdrift: \(file) is there already: --force writes over it\n")
            _ = try directory.write("netdrift.yml", String(repeating: "x", count: 100_000))
            #expect(try Self.run("config", "init", "--force", "--output", file).status == 0)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
            #expect(try Self.run("config", "init").output == text)
            #expect(try Self.run("config", "init", "--force").status == 2)
        }
    }
}
