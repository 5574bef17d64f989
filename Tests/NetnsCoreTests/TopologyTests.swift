import Testing

@testable import NetnsCore

/// Which link is the other end of which, from what links say.
@Suite struct TopologyTests {
    private static func link(
        _ index: Int32, _ name: String, kind: String = "veth", to link: Int32? = nil, in id: Int32? = nil,
        master: Int32? = nil
    ) -> Link {
        var made = Link()
        made.index = index
        made.name = InlineBytes(name)
        made.kind = InlineBytes(kind)
        made.link = link
        made.linkNamespace = id
        made.master = master
        return made
    }

    private static func namespace(_ serial: UInt64, _ links: [Link], nsid: Int32? = nil, isHost: Bool = false)
        -> NamespaceSample
    {
        let sample = NamespaceSample(
            serial: serial, inode: serial, isHost: isHost, firstSeen: 0, table: SysctlTable([SysctlName]()))
        sample.name = isHost ? "host" : "ns\(serial)"
        sample.links = links
        sample.nsid = nsid
        sample.wasRead = true
        sample.hasLinks = true
        return sample
    }

    /// `NAMESPACE.DEVICE=NAMESPACE.DEVICE` of every link whose other end is known.
    private static func pairs(_ namespaces: [NamespaceSample]) -> [String] {
        namespaces.flatMap { namespace in
            namespace.links.indices.compactMap { link in
                namespaces.peer(of: link, in: namespace).map {
                    "\(namespace.name).\(namespace.links[link].name)=\($0.namespace.name).\($0.link.name)"
                }
            }
        }
    }

    /// Where the kernel's own lists told the namespace of the other end by its cookie, no id is needed.
    @Test func endsByCookie() {
        func link(_ index: Int32, _ name: String, to end: Int32, in cookie: UInt64) -> Link {
            var made = Self.link(index, name, to: end)
            made.linkCookie = cookie
            return made
        }
        let host = Self.namespace(1, [Self.link(7, "va", to: 2, in: 4)], isHost: true)
        let a = Self.namespace(2, [link(2, "eth0", to: 7, in: 100), link(3, "x", to: 3, in: 300)])
        // One says it is the other end of `x`, and the other is of nobody who was read.
        let b = Self.namespace(
            3, [link(3, "y", to: 3, in: 200), link(4, "z", to: 3, in: 200), link(5, "w", to: 1, in: 9)])
        for (namespace, cookie) in [(host, 100), (a, 200), (b, 300)] { namespace.cookie = UInt64(cookie) }
        var topology = Topology()
        topology.resolve([a, host, b])
        #expect(
            Self.pairs([a, host, b]) == ["ns2.eth0=host.va", "ns2.x=ns3.y", "host.va=ns2.eth0", "ns3.y=ns2.x"])
        #expect(topology.questions.isEmpty)
    }

    /// Every container has eth0 as number 2, and every host end says 2: only the host's ids tell them apart.
    @Test func hostEnds() {
        let host = Self.namespace(
            1,
            [
                Self.link(5, "br0", kind: "bridge"), Self.link(7, "va", to: 2, in: 1, master: 5),
                Self.link(8, "vb", to: 2, in: 0, master: 5),
            ], isHost: true)
        // The containers call the host by different ids, or by the same one.
        let a = Self.namespace(2, [Self.link(2, "eth0", to: 7, in: 0)], nsid: 1)
        let b = Self.namespace(3, [Self.link(2, "eth0", to: 8, in: 3)], nsid: 0)
        var topology = Topology()
        let namespaces = [a, host, b]
        topology.resolve(namespaces)
        #expect(
            Self.pairs(namespaces) == ["ns2.eth0=host.va", "host.va=ns2.eth0", "host.vb=ns3.eth0", "ns3.eth0=host.vb"])
        #expect(topology.questions.isEmpty)
        #expect(host.master(of: host.links[1]) == InlineBytes("br0"))
        #expect(a.master(of: a.links[0]) == nil)
    }

    /// Two namespaces with the same indexes, none of them the host: the kernel has to be asked, once for each id.
    @Test func strangers() throws {
        let a = Self.namespace(2, [Self.link(2, "x", to: 2, in: 0), Self.link(3, "y", to: 3, in: 0)])
        let b = Self.namespace(3, [Self.link(2, "x", to: 2, in: 5), Self.link(3, "y", to: 3, in: 5)])
        let c = Self.namespace(4, [Self.link(2, "x", to: 2, in: 0)])
        let namespaces = [a, b, c]
        var topology = Topology()
        topology.resolve(namespaces)
        #expect(Self.pairs(namespaces).isEmpty)
        #expect(topology.questions.map { "\($0.place.namespace):\($0.id)" } == ["0:0", "1:5", "2:0"])
        topology.learn(topology.questions[0], is: 1, in: namespaces)
        topology.resolve(namespaces)
        #expect(Self.pairs(namespaces) == ["ns2.x=ns3.x", "ns2.y=ns3.y", "ns3.x=ns2.x", "ns3.y=ns2.y"])
        #expect(topology.questions.map(\.place.namespace) == [2])
    }

    /// An owner that is gone is nobody's owner, also when its place is another's by then.
    @Test func ownersEnd() throws {
        let a = Self.namespace(2, [Self.link(2, "x", to: 2, in: 0)])
        let b = Self.namespace(3, [Self.link(2, "x", to: 2, in: 0)])
        var topology = Topology()
        topology.resolve([a, b])
        topology.learn(try #require(topology.questions.first), is: 1, in: [a, b])
        let later = Self.namespace(4, [Self.link(2, "x", to: 2, in: 0)])
        topology.resolve([a, later])
        #expect(Self.pairs([a, later]).isEmpty)
        #expect(topology.questions.map(\.place.namespace) == [0, 1])
        topology.learn(topology.questions[0], is: 1, in: [a, later])
        #expect(a.idOwners.count == 1)
    }

    /// A vlan's lower device is in the same namespace, a macvlan's may be elsewhere; neither says anything of them.
    @Test func lowerDevices() throws {
        let host = Self.namespace(1, [Self.link(2, "uplink", kind: "")], isHost: true)
        let a = Self.namespace(
            2,
            [
                Self.link(2, "eth0", kind: "macvlan", to: 2, in: 0), Self.link(3, "eth0.5", kind: "vlan", to: 2),
                Self.link(4, "odd", kind: "vlan", to: 4), Self.link(5, "none", kind: "sit", to: 0),
                Self.link(6, "lost", kind: "vlan", to: 77),
            ])
        var topology = Topology()
        topology.resolve([host, a])
        #expect(Self.pairs([host, a]) == ["ns2.eth0.5=ns2.eth0"])
        topology.learn(try #require(topology.questions.first), is: 0, in: [host, a])
        topology.resolve([host, a])
        #expect(Self.pairs([host, a]) == ["ns2.eth0=host.uplink", "ns2.eth0.5=ns2.eth0"])
    }

    /// A pair in one namespace.
    @Test func together() {
        let a = Self.namespace(2, [Self.link(2, "p1", to: 3), Self.link(3, "p2", to: 2)])
        var topology = Topology()
        topology.resolve([a])
        #expect(Self.pairs([a]) == ["ns2.p1=ns2.p2", "ns2.p2=ns2.p1"])
    }

    /// Namespaces are read one after the other: what two of them say may not fit together, and is then no pair.
    @Test(arguments: [
        // The other end was not read yet.
        [link(9, "other", to: 2, in: 1)],
        // It points elsewhere.
        [link(7, "v", to: 3, in: 1)],
        // It is no veth.
        [link(7, "v", kind: "dummy", to: 2, in: 1)],
        // It has its other end in its own namespace.
        [link(7, "v", to: 2)],
        // Its other end is in a namespace that is known to be another.
        [link(7, "v", to: 2, in: 9)],
    ]) func contradictions(_ hostLinks: [Link]) throws {
        let host = Self.namespace(1, hostLinks, isHost: true)
        let a = Self.namespace(2, [Self.link(2, "eth0", to: 7, in: 0)], nsid: 1)
        let other = Self.namespace(3, [], nsid: 9)
        let namespaces = [host, a, other]
        var topology = Topology()
        topology.resolve(namespaces)
        topology.learn(try #require(topology.questions.first { $0.place.namespace == 1 }), is: 0, in: namespaces)
        topology.resolve(namespaces)
        #expect(!Self.pairs(namespaces).contains { $0.hasPrefix("ns2.") })
    }

    /// What this collection did not read takes no part.
    @Test func unread() {
        let host = Self.namespace(1, [Self.link(7, "va", to: 2, in: 1)], isHost: true)
        let a = Self.namespace(2, [Self.link(2, "eth0", to: 7, in: 0)], nsid: 1)
        var topology = Topology()
        a.wasRead = false
        topology.resolve([host, a])
        #expect(Self.pairs([host, a]).isEmpty)
        #expect(topology.questions.isEmpty)
        a.wasRead = true
        host.hasLinks = false
        topology.resolve([host, a])
        #expect(Self.pairs([host, a]).isEmpty)
    }
}
