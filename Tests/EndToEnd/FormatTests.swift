import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What Prometheus and other readers make of the output.
    @Suite struct FormatTests {
        @Test("promtool finds nothing to complain of", .needs(.root, .tool("ip"), .tool("promtool")))
        func promtool() throws {
            let wired = try WiredNamespace()
            let agent = try AgentProcess([
                "--discovery.include=host", "--discovery.include=\(wired.name)", "--collector.interface.host-veths",
            ])
            let text = try #require(try agent.get("/metrics").text)
            #expect(text.contains(wired.name))
            let result = try Command.run(["promtool", "check", "metrics"], input: text)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(result.output.isEmpty && result.errors.isEmpty, "\(result.output)\(result.errors)")
        }

        @Test(
            "the strict OpenMetrics parser reads it, and both formats hold the same samples",
            .needs(.root, .tool("ip"), .tool(Holder.python)))
        func sameSamples() throws {
            let wired = try WiredNamespace(keepalive: 815)
            let hostile = try Hostile(in: wired)
            let agent = try AgentProcess(["--discovery.include=\(wired.name)", "--discovery.include=host"])
            let text = try agent.scrape()
            let open = try agent.scrape(openMetrics: true)
            #expect(hostile.labels.isSubset(of: text.devices(of: wired.name)))

            // A family that counts from nothing may not be there yet in the first of them.
            let onlyText = Set(text.samples.keys).subtracting(open.samples.keys)
            let onlyOpen = Set(open.samples.keys).subtracting(text.samples.keys)
            #expect(onlyText.isEmpty && onlyOpen.isEmpty, "text alone: \(onlyText), OpenMetrics alone: \(onlyOpen)")
            for (series, value) in text.samples where Self.isStill(series.name) {
                #expect(open.samples[series] == value, "\(series)")
            }
            #expect(text.samples.keys.contains { $0.name.hasPrefix("netns_network_receive_bytes") })

            // What the formats call a family's type.
            for (name, type) in text.types {
                switch type {
                case "counter":
                    #expect(name.hasSuffix("_total"))
                    #expect(open.types[String(name.dropLast(6))] == "counter", "\(name)")
                case "gauge" where name.hasSuffix("_info"):
                    #expect(open.types[String(name.dropLast(5))] == "info", "\(name)")
                default:
                    #expect(open.types[name] == type, "\(name)")
                }
            }
            #expect(text.families.count == open.families.count)
            #expect(text.families == text.families.sorted())

            let body = try #require(
                try agent.get("/metrics", [("Accept", "application/openmetrics-text;version=1.0.0")]).text)
            #expect(body.hasSuffix("\n# EOF\n"))
            let parsed = try Self.parse(openMetrics: body)
            let own = try Exposition(parsing: body)
            #expect(parsed.count == own.samples.count)
            for sample in parsed {
                let series = Exposition.Series(name: sample.name, labels: sample.labels)
                #expect(own.samples[series].flatMap { Double($0) } == sample.value, "\(series)")
            }
        }

        @Test("names that anyone may choose break nothing", .needs(.root, .tool("ip"), .tool("promtool")))
        func hostileNames() throws {
            let wired = try WiredNamespace()
            let hostile = try Hostile(in: wired)
            let name = "\(NamedNamespace.uniqueName())\n# TYPE x gauge\nx\"}\\ 1"
            let mount = try HostileMount(name, inode: wired.namespace.path)
            let other = try Holder(.process, keepalive: 816)
            let agent = try AgentProcess([
                "--log.level=debug", "--discovery.include=\(wired.name)*", "--discovery.include=net:*",
                "--discovery.include=*TYPE x*",
            ])
            let answer = try agent.get("/metrics")
            // A control character is written out, the rest is as it is.
            let label = name.replacing("\n", with: "\\x0a")
            let exposition = try Exposition(parsing: try #require(answer.text))
            // Two mounts of one namespace: the first by name is its name.
            let info = try #require(exposition.info(inode: wired.inode))
            #expect(info["netns"] == min(wired.name, label) || info["netns"] == wired.name)
            #expect(hostile.labels.isSubset(of: exposition.devices(of: info["netns"] ?? "")))
            #expect(exposition.info(inode: other.inode) != nil)
            try wired.namespace.delete()
            let alone = try agent.scrape()
            #expect(alone.info(inode: wired.inode)?["netns"] == label)
            #expect(hostile.labels.isSubset(of: alone.devices(of: label)))
            #expect(alone.value("x") == nil)
            let text = try #require(try agent.get("/metrics").text)
            #expect(try Command.run(["promtool", "check", "metrics"], input: text).status == 0)
            for table in [["list"], ["list", "--json"]] {
                let listed = try AgentProcess.run(table)
                #expect(listed.status == 0)
                #expect(listed.output.contains(table.count == 1 ? label : "\\\\x0a"))
            }
            withExtendedLifetime(mount) {}
        }

        /// Whether the values of a name do not change while nothing happens.
        static func isStill(_ name: String) -> Bool {
            let moving = ["process_", "netdrift_", "netns_network_", "netns_processes", "netns_tcp_", "netns_sockets_"]
            return !moving.contains { name.hasPrefix($0) } && !name.hasSuffix("_total")
                && !["netns_conntrack_entries", "netns_routes", "netns_softnet_backlog_packets"].contains(name)
                || ["netns_network_mtu_bytes", "netns_network_info", "netns_network_up"].contains(name)
        }

        struct Sample: Decodable {
            let name: String
            let labels: [String: String]
            let value: Double
        }

        /// What python's prometheus_client makes of an exposition.
        static func parse(openMetrics text: String) throws -> [Sample] {
            let script = """
                import json, sys
                from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
                text = sys.stdin.buffer.read().decode("utf-8")
                print(json.dumps([dict(name=s.name, labels=s.labels, value=s.value) for f in parse(text) for s in f.samples]))
                """
            let result = try Command.run([Holder.python, "-c", script], input: text)
            guard result.status == 0 else { throw Trouble(result.errors) }
            return try JSONDecoder().decode([Sample].self, from: Data(result.output.utf8))
        }
    }
}

/// Interfaces in a namespace whose names are as nasty as the kernel allows: no slash, no white space, 15 bytes.
private struct Hostile {
    /// How they are to be shown.
    let labels: Set<String>

    init(in wired: WiredNamespace) throws {
        // Python, since ip(8) refuses some of them, and a shell would need its own quoting.
        let script = """
            import os, socket, struct, sys
            names = [b'a"b', b"c\\\\d", b"e\\\\n", "gr\\u00fc\\u00df".encode(), b"x\\xff", b"y\\xc3", b"{p}=1,#", b"h\\\\xff"]
            def attribute(kind, data):
                return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
            s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            for name in names + [b"h\\xff"]:
                info = attribute(18, attribute(1, b"bridge"))
                body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attribute(3, name + bytes(1)) + info
                s.send(struct.pack("=IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
                error = struct.unpack("=i", s.recv(4096)[16:20])[0]
                if error:
                    sys.exit("%r: %s" % (name, os.strerror(-error)))
            """
        try wired.namespace.check(Holder.python, "-c", script)
        // The last two look the same once the byte is written out: the later has its index at its end.
        labels = ["a\"b", "c\\d", "e\\n", "grüß", "x\\xff", "y\\xc3", "{p}=1,#", "h\\xff"]
    }
}

/// A second mount of a namespace, below /run/netns, under a name `ip netns` would not make.
private final class HostileMount {
    private let path: String

    init(_ name: String, inode source: String) throws {
        path = "/run/netns/\(name)"
        guard FileManager.default.createFile(atPath: path, contents: nil) else { throw Trouble("cannot make \(path)") }
        do { try Command.check("mount", "--bind", source, path) } catch {
            _ = unsafe unlink(path)
            throw error
        }
    }

    deinit {
        _ = try? Command.run(["umount", "-l", path])
        _ = unsafe unlink(path)
    }
}
