import Testing

@testable import NetnsCore

/// Paths that work, paths of which little is known, and steps that do not apply.
@Suite struct PathReachableTests {
    private static func answering(_ world: PathWorld) -> PathFacts {
        world.with {
            $0.trials.echo = .answered(0.000_123_4)
            $0.trials.large = .answered(0.0002)
        }
    }

    @Test(arguments: IPFamily.allCases) func allIsWell(_ family: IPFamily) {
        let report = Self.answering(PathWorld(family)).evaluate()
        #expect(report.isReachable == true)
        #expect(report.findings.allSatisfy { $0.state == .ok && $0.remedy == nil }, "\(report.findings)")
        #expect(report[.target].evidence.hasSuffix("answers in 0.12 ms"))
        #expect(report[.mtu].evidence == "1500 bytes arrive in one piece")
        #expect(report.verdict == "web can reach \(report.target)")
    }

    /// While the target answers nothing is broken, however odd it looks: what is read may be of another moment.
    @Test(arguments: PathBreakTests.breaks) func whatAnswersIsNotBroken(_ odd: PathBreakTests.Break) {
        guard odd.step != .mtu else { return }
        let report = PathWorld().with {
            odd.change(&$0)
            $0.trials = .init()
            $0.trials.echo = .answered(0.001)
            $0.trials.large = .answered(0.001)
        }.evaluate()
        #expect(report.isReachable == true)
        #expect(report.broken.isEmpty)
        #expect(report.findings.allSatisfy { $0.remedy == nil })
    }

    /// Nothing was tried: what is surely broken is, and else nobody knows.
    @Test func untried() {
        var facts = PathWorld().facts
        facts.trials = .init()
        #expect(facts.evaluate().isReachable == nil)
        #expect(facts.evaluate()[.target].state == .unknown)
        facts.changeHost(2) { $0.flags = 0 }
        #expect(facts.evaluate().isReachable == false)
        #expect(facts.evaluate().broken == [.bridge])
    }

    @Test func theGatewayForwardsNothingForItself() {
        let report = PathWorld(target: "198.18.1.1").with {
            $0.router?.forwardsAtAll = false
            $0.router?.forwardsIngress = false
        }.evaluate()
        #expect(report[.forwarding] == .init(.forwarding, .ok, "not applicable: gateway (198.18.1.1) is host's own"))
        #expect(report.broken == [.target])
    }

    @Test func aMacvlanHasNoBridge() {
        let uplink = PathFacts.Place(name: "host", prefix: "", links: [PathWorld.link(3, "eth1", kind: "")])
        let world = PathWorld().with {
            $0.changeLink {
                $0.kind = InlineBytes("macvlan"); $0.link = 3
            }
            $0.attachment = .init(place: uplink, link: 3)
            $0.router = nil
            $0.far = nil
        }
        let report = world.evaluate()
        #expect(report[.bridge] == .init(.bridge, .ok, "not applicable: eth0 is no veth"))
        #expect(report[.peer] == .init(.peer, .ok, "eth0 is a macvlan of eth1 of host, which is up"))
        #expect(report[.forwarding] == .init(.forwarding, .unknown, "the namespace of the gateway is not seen"))
        var down = world
        down.attachment?.place.links[0].flags = 0
        down.changeLink { $0.carrier = false }
        #expect(down.evaluate().broken == [.peer])
        #expect(down.evaluate()[.peer].remedy == "ip link set dev eth1 up")
    }

    /// On the link nobody routes; who answers for it is the target.
    @Test func onTheLink() {
        let report = PathWorld().with {
            $0.destination = PathWorld.ip("198.18.1.3")
            $0.target = "198.18.1.3"
            $0.route = .route(.init(link: 2, source: PathWorld.ip("198.18.1.2")))
            $0.neighbour = .entry(.failed)
            $0.router = nil
            $0.far = nil
        }.evaluate()
        #expect(report.broken == [.target])
        #expect(report[.target].evidence.contains("nobody answers for 198.18.1.3 on the link"))
        for step in [PathStep.gateway, .forwarding, .rpFilter, .returnRoute] {
            #expect(report[step].evidence == "not applicable: 198.18.1.3 is on the link", "\(step)")
        }
    }

    @Test func itself() {
        let report = PathWorld().with {
            $0.destination = PathWorld.ip("127.0.0.1")
            $0.target = "127.0.0.1"
            $0.source.links[0].flags = 0
            $0.route = .refused(.noRoute)
            $0.attachment = nil
            $0.router = nil
            $0.far = nil
            $0.filters = []
        }.evaluate()
        #expect(report.broken.first == .link)
        #expect(report[.link].remedy == "ip netns exec web ip link set dev lo up")
    }

    /// What is told of larger packets is no black hole.
    @Test func aPathThatTellsItsMTU() {
        let report = PathWorld().with {
            $0.trials.echo = .answered(0.001)
            $0.trials.large = .failed(.socket)
            $0.trials.learnt = .answered(0.001)
            $0.route = .route(
                .init(
                    link: 2, gateway: PathWorld.ip("198.18.1.1"), source: PathWorld.ip("198.18.1.2"), mtu: 1000))
        }.evaluate()
        #expect(report.isReachable == true)
        #expect(report[.mtu].evidence == "1000 bytes arrive in one piece, and of larger ones web is told")
    }

    /// Names that a container chose neither break a command line nor stand in one that would do something else.
    @Test func hostileNames() {
        var facts = PathWorld().facts
        facts.changeLink {
            $0.name = InlineBytes("x;reboot")
            $0.flags = 0
        }
        #expect(facts.evaluate()[.link].remedy == "ip netns exec web ip link set dev 'x;reboot' up")
        facts.changeLink { $0.name = InlineBytes("a\u{1B}[31m") }
        let report = facts.evaluate()
        #expect(report[.link].remedy == nil)
        #expect(report.findings.allSatisfy { !$0.evidence.contains("\u{1B}") })
    }

    @Test func whereTheNamespaceCannotBeReached() {
        var facts = PathWorld().facts
        facts.source.prefix = nil
        facts.changeLink { $0.flags = 0 }
        #expect(facts.evaluate().broken == [.link])
        #expect(facts.evaluate()[.link].remedy == nil)
    }

    @Test(
        arguments: [
            ("198.18.1.130", 25, "198.18.1.128"), ("198.18.1.130", 0, "0.0.0.0"), ("198.18.1.130", 32, "198.18.1.130"),
            ("2001:db8:1::2", 64, "2001:db8:1::"), ("2001:db8:ffff::2", 33, "2001:db8:8000::"),
            ("2001:db8::1", 200, "2001:db8::1"),
        ] as [(String, UInt8, String)]) func networks(_ address: String, _ length: UInt8, _ network: String)
    {
        #expect(PathWorld.ip(address).network(length).description == network)
    }
}
