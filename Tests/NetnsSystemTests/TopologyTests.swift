import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// The other ends of links, as the kernel has them.
    @Suite struct TopologyTests {
        /// A veth pair between two namespaces of the test's own.
        private static func wire(_ a: NamedNamespace, _ nameA: String, _ b: NamedNamespace, _ nameB: String) throws {
            try Command.check(
                "ip", "-n", a.name, "link", "add", nameA, "type", "veth", "peer", "name", nameB, "netns", b.name)
        }

        /// The other ends in the namespaces of a test: `NAMESPACE.DEVICE=NAMESPACE.DEVICE(MASTER)`, with `a`, `b`, ... for
        /// the namespaces.
        private static func pairs(_ engine: PortableEngine, _ namespaces: [NamedNamespace]) throws -> Set<String> {
            _ = try engine.collect(.links, until: nil)
            let letters = Dictionary(
                uniqueKeysWithValues: zip(namespaces.map(\.name), ["a", "b", "c", "d"].map { $0 as String }))
            var pairs: Set<String> = []
            for namespace in engine.namespaces {
                guard let letter = letters[namespace.name] else { continue }
                for link in namespace.links.indices {
                    guard let peer = engine.linkedNamespaces.peer(of: link, in: namespace) else { continue }
                    let master = peer.namespace.master(of: peer.link).map { "(\($0))" } ?? ""
                    let other = letters[peer.namespace.name] ?? peer.namespace.name
                    pairs.insert("\(letter).\(namespace.links[link].name)=\(other).\(peer.link.name)\(master)")
                }
            }
            return pairs
        }

        private static func engine(_ namespaces: [NamedNamespace], host: Bool = true) throws -> PortableEngine {
            var settings = EngineSettings()
            settings.deepInterval = 0
            settings.sysctls = SysctlSelection(builtin: false, include: [], exclude: [])
            settings.include = namespaces.map { Glob($0.name) } + (host ? [Glob("host")] : [])
            return try PortableEngine(settings, ledger: ErrorLedger())
        }

        @Test("pairs between namespaces that are not the host's", .needs(.root, .tool("ip")), arguments: [true, false])
        func nested(_ host: Bool) throws {
            let namespaces = try (0..<4).map { _ in try NamedNamespace() }
            let (a, b, c, d) = (namespaces[0], namespaces[1], namespaces[2], namespaces[3])
            // Everywhere the same indexes: 2 to 2 and 3 to 3.
            try Self.wire(a, "x", b, "x")
            try Self.wire(c, "x", d, "x")
            try Self.wire(a, "y", d, "y")
            try Self.wire(b, "y", c, "y")
            let engine = try Self.engine(namespaces, host: host)
            let expected: Set = [
                "a.x=b.x", "b.x=a.x", "c.x=d.x", "d.x=c.x", "a.y=d.y", "d.y=a.y", "b.y=c.y", "c.y=b.y",
            ]
            #expect(try Self.pairs(engine, namespaces) == expected)
            #expect(try Self.pairs(engine, namespaces) == expected)
        }

        @Test("ids differ by viewpoint", .needs(.root, .tool("ip")))
        func viewpoints() throws {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            let (a, b, c) = (namespaces[0], namespaces[1], namespaces[2])
            // a calls b 7 and c 3; b calls a 3; c calls a 7.
            for (namespace, other, id) in [(a, b, 7), (a, c, 3), (b, a, 3), (c, a, 7)] {
                try Command.check("ip", "-n", namespace.name, "netns", "set", other.name, "\(id)")
            }
            try Self.wire(a, "x", b, "x")
            try Self.wire(a, "y", c, "x")
            #expect(
                try Self.pairs(Self.engine(namespaces), namespaces) == ["a.x=b.x", "b.x=a.x", "a.y=c.x", "c.x=a.y"])
        }

        @Test("an end that moves to another namespace is found there", .needs(.root, .tool("ip")))
        func moves() throws {
            let namespaces = try (0..<3).map { _ in try NamedNamespace() }
            let (a, b, c) = (namespaces[0], namespaces[1], namespaces[2])
            try Self.wire(a, "x", b, "x")
            let engine = try Self.engine(namespaces)
            #expect(try Self.pairs(engine, namespaces) == ["a.x=b.x", "b.x=a.x"])
            try Command.check("ip", "-n", b.name, "link", "set", "x", "netns", c.name)
            #expect(try Self.pairs(engine, namespaces) == ["a.x=c.x", "c.x=a.x"])
            try Command.check("ip", "-n", a.name, "link", "set", "x", "netns", b.name)
            #expect(try Self.pairs(engine, namespaces) == ["b.x=c.x", "c.x=b.x"])
            // Both in one.
            try Command.check("ip", "-n", b.name, "link", "set", "x", "name", "z")
            try Command.check("ip", "-n", b.name, "link", "set", "z", "netns", c.name)
            #expect(try Self.pairs(engine, namespaces) == ["c.x=c.z", "c.z=c.x"])
        }

        @Test("a namespace made anew is not taken for the one before", .needs(.root, .tool("ip")))
        func madeAnew() throws {
            let a = try NamedNamespace()
            let name = NamedNamespace.uniqueName()
            let first = try NamedNamespace(name)
            try Self.wire(a, "x", first, "x")
            let engine = try Self.engine([a, first])
            #expect(try Self.pairs(engine, [a, first]) == ["a.x=b.x", "b.x=a.x"])
            try first.delete()
            #expect(
                eventually(within: 5) { (try? Self.pairs(engine, [a, first]))?.isEmpty == true ? true : nil } == true)
            let second = try NamedNamespace(name)
            // The kernel may not have taken the old pair down yet.
            try Self.wire(a, "y", second, "w")
            #expect(try Self.pairs(engine, [a, second]) == ["a.y=b.w", "b.w=a.y"])
        }

        @Test("host ends are found with their bridge, also when the host is left out", .needs(.root, .tool("ip")))
        func hostEnds() throws {
            let namespaces = try (0..<2).map { _ in try NamedNamespace() }
            let bridge = NamedNamespace.uniqueName("b")
            let devices = namespaces.map { _ in NamedNamespace.uniqueName("v") }
            defer { for device in devices + [bridge] { _ = try? Command.run(["ip", "link", "del", device]) } }
            try Command.check("ip", "link", "add", bridge, "type", "bridge")
            for (namespace, device) in zip(namespaces, devices) {
                try Command.check(
                    "ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", namespace.name)
                try Command.check("ip", "link", "set", device, "master", bridge)
            }
            let expected: Set = ["a.eth0=host.\(devices[0])(\(bridge))", "b.eth0=host.\(devices[1])(\(bridge))"]
            for host in [true, false] {
                let engine = try Self.engine(namespaces, host: host)
                #expect(try Self.pairs(engine, namespaces) == expected)
                #expect(engine.namespaces.contains { $0.isHost } == host)
                let links = engine.linkedNamespaces.filter { $0.isHost }.flatMap(\.links)
                let states = links.filter { devices.contains($0.name.description) }.map {
                    $0.portState?.name.description
                }
                #expect(states == ["disabled", "disabled"])
            }
        }

        @Test("a macvlan's lower device is found in the host", .needs(.root, .tool("ip")))
        func macvlan() throws {
            let namespace = try NamedNamespace()
            let (lower, upper) = (NamedNamespace.uniqueName("v"), NamedNamespace.uniqueName("m"))
            defer { _ = try? Command.run(["ip", "link", "del", lower]) }
            try Command.check("ip", "link", "add", lower, "type", "bridge")
            try Command.check("ip", "link", "add", "link", lower, "name", upper, "type", "macvlan")
            try Command.check("ip", "link", "set", upper, "netns", namespace.name)
            let engine = try Self.engine([namespace])
            #expect(try Self.pairs(engine, [namespace]) == ["a.\(upper)=host.\(lower)"])
        }

        /// Without CAP_NET_ADMIN the other end cannot be looked at, and every candidate is asked for.
        @Test("many pairs with equal indexes", .needs(.root, .tool("ip")))
        func many() throws {
            let namespaces = try (0..<40).map { _ in try NamedNamespace() }
            for pair in 0..<20 { try Self.wire(namespaces[pair * 2], "x", namespaces[pair * 2 + 1], "x") }
            let engine = try Self.engine(namespaces)
            _ = try engine.collect(.links, until: nil)
            var found = 0
            for namespace in engine.namespaces where !namespace.isHost {
                guard let link = namespace.links.firstIndex(where: { $0.name == InlineBytes("x") }),
                    let peer = engine.linkedNamespaces.peer(of: link, in: namespace),
                    let mine = namespaces.firstIndex(where: { $0.name == namespace.name })
                else { continue }
                #expect(peer.namespace.name == namespaces[mine ^ 1].name)
                found += 1
            }
            #expect(found == 40)
        }
    }
}
