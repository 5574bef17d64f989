import Testing

@testable import Agent
@testable import NetnsCore

@Suite struct NamespaceTreeTests {
    private static func link(
        _ index: Int32, _ name: String, kind: String = "veth", to link: Int32? = nil, in id: Int32? = nil,
        master: Int32? = nil
    ) -> Link {
        var made = Samples.link(index, name, kind: kind)
        made.link = link
        made.linkNamespace = id
        made.master = master
        if master != nil { made.portState = BridgePortState(rawValue: 3) }
        return made
    }

    private static func tree(_ samples: [NamespaceSample], _ marks: NamespaceTree.Marks = .ascii, width: Int? = nil)
        -> String
    {
        var topology = Topology()
        topology.resolve(samples)
        var tree = NamespaceTree(NamespaceListing(samples, linked: samples))
        return tree.text(marks, width: width)
    }

    /// A bridge with two containers, a pair outside of it, and one of the containers with a namespace behind it.
    private static func world() throws -> [NamespaceSample] {
        let host = try Samples.namespace(
            "host", inode: 1, isHost: true,
            links: [
                link(1, "lo", kind: ""), link(2, "eth0", kind: ""), link(3, "br0", kind: "bridge"),
                link(4, "va", to: 2, in: 1, master: 3), link(5, "vb", to: 2, in: 2, master: 3),
                link(6, "vc", to: 2, in: 3), link(7, "elsewhere", to: 9, in: 44),
            ])
        host.links[4].portState = BridgePortState(rawValue: 0)
        host.links[5].operationalState = OperationalState(rawValue: 2)
        let a = try Samples.namespace(
            "a", inode: 2, links: [link(1, "lo", kind: ""), link(2, "eth0", to: 4, in: 0), link(3, "x", to: 4)])
        a.links.append(link(4, "y", to: 3))
        a.containers = [try NamespaceListingTests.container()]
        a.leader = LeaderProcess(pid: 9, uid: 0, user: "root", command: "nginx")
        let b = try Samples.namespace("b", inode: 3, origin: .mount, links: [link(2, "eth0", to: 5, in: 0)])
        let c = try Samples.namespace("c", inode: 4, links: [link(2, "eth0", to: 6, in: 0)])
        c.wasRead = false
        let alone = try Samples.namespace("alone", inode: 5, origin: .fd, links: [link(1, "lo", kind: "")])
        for (id, namespace) in [a, b, c].enumerated() { namespace.nsid = Int32(id + 1) }
        return [a, alone, b, c, host]
    }

    @Test func drawn() throws {
        #expect(
            try Self.tree(Self.world()) == """
                host (process)
                |- eth0
                |- br0 (bridge)
                |  |- va -- a (containerd, nginx)  eth0
                |  |  |- x -- y
                |  |  `- y -- x
                |  `- vb [disabled] -- b (mount)  eth0
                |- vc down
                `- elsewhere
                alone (fd)
                c (process)  (not read)

                """)
        let unicode = try Self.tree(Self.world(), .unicode)
        #expect(unicode.contains("│  ├─ va -- a") && unicode.contains("└─ elsewhere"))
        #expect(try Self.tree(Self.world(), width: 12).split(separator: "\n").allSatisfy { $0.count <= 12 })
    }

    /// A ring of namespaces is drawn once around.
    @Test func ring() throws {
        let a = try Samples.namespace(
            "a", inode: 2, links: [Self.link(2, "n", to: 2, in: 0), Self.link(3, "p", to: 3, in: 1)])
        let b = try Samples.namespace(
            "b", inode: 3, links: [Self.link(2, "p", to: 2, in: 0), Self.link(3, "n", to: 2, in: 1)])
        let c = try Samples.namespace(
            "c", inode: 4, links: [Self.link(2, "p", to: 3, in: 0), Self.link(3, "n", to: 3, in: 1)])
        let samples = [a, b, c]
        for (asking, id, owner) in [(0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 2), (2, 0, 1), (2, 1, 0)] {
            samples[asking].idOwners.append(IDOwner(id: Int32(id), serial: samples[owner].serial))
        }
        #expect(
            Self.tree(samples) == """
                a (process)
                |- n -- b (process)  p
                |  `- n -- c (process)  p
                |     `- n -- a p
                `- p -- c n

                """)
    }

    /// A port is shown even when its bridge is not.
    @Test func orphan() throws {
        let a = try Samples.namespace(
            "a", inode: 2, links: [Self.link(2, "x", master: 3), Self.link(3, "lo", kind: "")])
        #expect(Self.tree([a]) == "a (process)\n`- x\n")
    }

    /// Every namespace of a chain that is deeper than any terminal is drawn, once, and no stack ends.
    @Test func chain() throws {
        let count = 20_000
        let samples = try (0..<count).map { number in
            let sample = try Samples.namespace(
                "n\(number)", inode: UInt64(number + 1), links: [Self.link(2, "up"), Self.link(3, "down")])
            sample.peers = [
                number == 0 ? nil : LinkPlace(namespace: number - 1, link: 1),
                number == count - 1 ? nil : LinkPlace(namespace: number + 1, link: 0),
            ]
            return sample
        }
        var tree = NamespaceTree(NamespaceListing(samples, linked: samples))
        let lines = tree.text(.ascii, width: nil).split(separator: "\n")
        #expect(lines.count { $0.contains(" (process)") } == count)
        #expect(lines.map(\.utf8.count).max() ?? 0 < 4 * NamespaceTree.maximumDepth + 100)
    }
}
