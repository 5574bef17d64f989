import Testing

@testable import NetnsCore

/// What a collection says of the steps to the gateway.
@Suite struct PathSummaryTests {
    /// What is changed before it is looked at.
    struct World {
        var inside = PathWorld.link(2, "eth0", to: 4)
        var port = PathWorld.link(4, "va", to: 2, master: 2, port: 3)
        var bridge = PathWorld.link(2, "br0", kind: "bridge")
        var addresses = [PathWorld.address("198.18.1.2", 24, on: 2)]
        var gateway = "198.18.1.1"
        var hasRoute = true
        var forwards = "1"
        var answered: Bool? = true
        var failure: ProbeFailure?

        /// The host, and one behind its bridge, as a collection leaves them.
        func samples() -> [NamespaceSample] {
            let forward = SysctlName(components: ["net", "ipv4", "ip_forward"])
            let table = SysctlTable([forward])
            let host = NamespaceSample(serial: 1, inode: 1, isHost: true, firstSeen: 0, table: table)
            host.sysctls.begin(table)
            unsafe host.sysctls.append(value: Array(forwards.utf8).span.bytes, isText: false)
            let web = NamespaceSample(serial: 2, inode: 2, isHost: false, firstSeen: 0, table: table)
            host.links = [PathWorld.link(1, "lo", kind: ""), bridge, PathWorld.link(3, "br1", kind: "bridge"), port]
            host.addresses = [PathWorld.address("198.18.1.1", 24, on: 2)]
            web.links = [PathWorld.link(1, "lo", kind: ""), inside]
            web.links[1].linkNamespace = 0
            host.links[3].linkNamespace = 0
            web.addresses = addresses
            if hasRoute {
                web.routes.add(
                    DefaultRoute(family: .ipv4, link: 2, gateway: PathWorld.ip(gateway)))
            }
            host.nsid = nil
            web.nsid = 0
            for sample in [host, web] {
                sample.wasRead = true
                sample.hasLinks = true
                sample.hasAddresses = true
                sample.hasRoutes = true
            }
            host.hasSysctls = true
            var topology = Topology()
            let samples = [host, web]
            topology.resolve(samples)
            for question in topology.questions { topology.learn(question, is: 0, in: samples) }
            topology.resolve(samples)
            return samples
        }

        func summary() -> PathSummary {
            let samples = samples()
            return PathSummary(of: samples[1], in: samples, answered: answered, failure: failure)
        }
    }

    private static func known(_ summary: PathSummary) -> [String: Bool] {
        var known: [String: Bool] = [:]
        for step in PathStep.allCases { known[step.rawValue] = summary[step] }
        return known
    }

    @Test func allIsWell() {
        let steps = ["link", "carrier", "address", "route", "gateway", "peer", "bridge", "forwarding", "mtu", "target"]
        let summary = World().summary()
        #expect(Self.known(summary) == Dictionary(uniqueKeysWithValues: steps.map { ($0, true) }))
    }

    /// A step, and what breaks it.
    struct Break: Sendable, CustomTestStringConvertible {
        let step: String
        let change: @Sendable (inout World) -> Void

        init(_ step: String, _ change: @escaping @Sendable (inout World) -> Void) {
            self.step = step
            self.change = change
        }

        var testDescription: String { step }
    }

    static let breaks = [
        Break("link") {
            $0.inside = PathWorld.link(2, "eth0", up: false, carrier: false, to: 4)
            $0.hasRoute = false
        },
        Break("peer") {
            $0.inside.carrier = false
            $0.port = PathWorld.link(4, "va", up: false, carrier: false, to: 2, master: 2, port: 0)
        },
        Break("carrier") { $0.inside.carrier = false },
        Break("address") {
            $0.addresses = []
            $0.hasRoute = false
            $0.failure = .noAddress
        },
        Break("address") { $0.addresses[0].flags = .tentative },
        Break("route") {
            $0.hasRoute = false
            $0.failure = .noGateway
        },
        Break("gateway") { $0.gateway = "198.18.1.99" },
        Break("gateway") { $0.failure = .unreachableHost },
        Break("bridge") { $0.bridge.flags = 0 },
        Break("bridge") { $0.port.portState = BridgePortState(rawValue: 4) },
        Break("bridge") {
            $0.port.master = nil
            $0.port.portState = nil
        },
        Break("bridge") { $0.port.master = 3 },
        Break("filter") { $0.failure = .permission },
        Break("target") { _ in },
    ]

    /// Of a break one step is told, and of what follows from it nothing.
    @Test(arguments: breaks)
    func oneIsBroken(_ broken: Break) {
        var world = World()
        world.answered = false
        world.failure = .timeout
        broken.change(&world)
        let summary = Self.known(world.summary())
        #expect(summary.filter { !$0.value }.map(\.key) == [broken.step])
    }

    @Test func whatIsReadAlone() {
        var world = World()
        world.answered = nil
        world.forwards = "0"
        world.port.mtu = 1400
        let summary = world.summary()
        #expect(summary[.forwarding] == false)
        #expect(summary[.mtu] == false)
        #expect(summary[.gateway] == nil && summary[.target] == nil && summary[.rpFilter] == nil)
        #expect(summary[.bridge] == true)
    }

    /// A namespace that leads nowhere by design has no way that could be broken, and one that was not read has none.
    @Test func withoutAWay() {
        let samples = World().samples()
        samples[1].links.removeLast()
        samples[1].peers.removeLast()
        samples[1].routes.removeAll()
        #expect(PathSummary(of: samples[1], in: samples) == PathSummary())
        samples[0].wasRead = false
        #expect(PathSummary(of: samples[0], in: samples) == PathSummary())
    }
}
