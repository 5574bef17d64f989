import Testing

@testable import NetnsCore

/// What is broken in a world in which one thing is, or two that follow from each other.
@Suite struct PathBreakTests {
    /// A break: what it is called, what is changed, the step that is to blame, what its evidence holds, and the remedy.
    struct Break: CustomTestStringConvertible, Sendable {
        let name: String
        let step: PathStep
        let evidence: String
        let remedy: String?
        let change: @Sendable (inout PathFacts) -> Void

        init(
            _ name: String, _ step: PathStep, _ evidence: String, _ remedy: String?,
            _ change: @escaping @Sendable (inout PathFacts) -> Void
        ) {
            self.name = name
            self.step = step
            self.evidence = evidence
            self.remedy = remedy
            self.change = change
        }

        var testDescription: String { name }
    }

    static let breaks: [Break] = [
        Break("link down", .link, "eth0 is down", "ip netns exec web ip link set dev eth0 up") {
            $0.changeLink { $0 = PathWorld.link(2, "eth0", up: false, carrier: false, to: 4) }
            $0.changeHost(4) {
                $0.carrier = false
                $0.portState = BridgePortState(rawValue: 0)
            }
            $0.route = .refused(.noRoute)
            $0.neighbour = .unknown
            $0.trials.echo = .failed(.noRoute)
        },
        Break("no interface", .link, "web has no interface but lo", nil) {
            $0.source.links.removeLast()
            $0.source.addresses = []
            $0.attachment = nil
            $0.router = nil
            $0.route = .refused(.noRoute)
        },
        Break("no carrier, the peer is up", .carrier, "eth0 has no carrier, operstate lowerlayerdown", nil) {
            $0.changeLink {
                $0.carrier = false; $0.operationalState = OperationalState(rawValue: 3)
            }
        },
        Break("peer down", .peer, "va of host is down", "ip link set dev va up") {
            $0.changeLink {
                $0.carrier = false; $0.operationalState = OperationalState(rawValue: 3)
            }
            $0.changeHost(4) {
                $0.flags = 0
                $0.carrier = false
                $0.portState = BridgePortState(rawValue: 0)
            }
            $0.neighbour = .entry(.failed)
        },
        Break(
            "no address", .address, "eth0 has no IPv4 address", "ip netns exec web ip addr add ADDRESS/24 dev eth0"
        ) {
            $0.source.addresses = []
            $0.route = .refused(.noRoute)
            $0.neighbour = .unknown
            $0.trials.echo = .failed(.noRoute)
        },
        Break(
            "duplicate address", .address, "duplicate",
            "ip netns exec web ip addr del 198.18.1.2/24 dev eth0 && ip netns exec web ip addr add 198.18.1.2/24 dev eth0"
        ) { $0.source.addresses[0].flags = .dadFailed },
        Break("another has the address", .address, "eth0 of twin has the same address", nil) {
            $0.duplicate = "eth0 of twin"
        },
        Break("tentative address", .address, "is tentative", nil) { $0.source.addresses[0].flags = .tentative },
        Break(
            "no route", .route, "no route to 198.18.2.2 (ENETUNREACH)",
            "ip netns exec web ip route replace default via 198.18.1.1 dev eth0"
        ) {
            $0.route = .refused(.noRoute)
            $0.neighbour = .unknown
            $0.router = nil
            $0.trials.echo = .failed(.noRoute)
        },
        Break(
            "no default route", .route, "no default route with a gateway",
            "ip netns exec web ip route replace default via 198.18.1.1 dev eth0"
        ) {
            $0.kind = .gateway
            $0.destination = nil
            $0.route = .unknown
            $0.router = nil
            $0.far = nil
            $0.trials.echo = .failed(.noGateway)
        },
        Break(
            "blackhole", .route, "a route of type blackhole matches 198.18.2.2: 198.18.2.0/24 (EINVAL)",
            "ip netns exec web ip route del blackhole 198.18.2.0/24"
        ) {
            $0.route = .refused(.invalid)
            $0.refusing = .init(type: "blackhole", destination: PathWorld.ip("198.18.2.0"), prefixLength: 24)
        },
        Break(
            "wrong gateway", .gateway,
            "nobody answers for 198.18.1.99 on eth0 (neighbour failed); br0 of host has 198.18.1.1",
            "ip netns exec web ip route replace default via 198.18.1.1 dev eth0"
        ) {
            $0.route = .route(
                .init(link: 2, gateway: PathWorld.ip("198.18.1.99"), source: PathWorld.ip("198.18.1.2")))
            $0.neighbour = .entry(.failed)
            $0.router = nil
        },
        Break("gateway is silent", .gateway, "br0 of host has it", nil) { $0.neighbour = .entry(.incomplete) },
        Break("neighbour table full", .gateway, "net.ipv4.neigh.default.gc_thresh3", nil) {
            $0.neighbour = .absent
            $0.trials.echo = .failed(.socket)
        },
        Break("gateway without ARP", .gateway, "(NOARP)", "ip link set dev br0 arp on") {
            $0.neighbour = .entry(.failed)
            $0.changeHost(2) { $0.flags |= 0x80 }
        },
        Break(
            "no port of the bridge", .bridge, "va of host is a port of no bridge; br0 has 198.18.1.1",
            "ip link set dev va master br0"
        ) {
            $0.changeHost(4) {
                $0.master = nil
                $0.portState = nil
            }
            $0.neighbour = .entry(.failed)
        },
        Break(
            "port of another bridge", .bridge, "va is a port of br1 in host; 198.18.1.1 is that of br0",
            "ip link set dev va master br0"
        ) {
            $0.changeHost(4) { $0.master = 3 }
            $0.neighbour = .entry(.failed)
        },
        Break("bridge down", .bridge, "va is a port of br0 in host, which is down", "ip link set dev br0 up") {
            $0.changeHost(2) { $0.flags = 0 }
            $0.neighbour = .entry(.failed)
        },
        Break("port disabled", .bridge, "in state disabled", "bridge link set dev va state 3") {
            $0.changeHost(4) { $0.portState = BridgePortState(rawValue: 0) }
            $0.neighbour = .entry(.failed)
        },
        Break(
            "VLAN", .bridge, "it is in VLAN 10, br0 in VLAN 1", "bridge vlan add dev va vid 1 pvid untagged"
        ) {
            $0.attachment?.vlans = .init(
                isFiltering: true, port: .init(pvid: 10, untagged: [10]), counterpart: "br0",
                other: .init(pvid: 1, untagged: [1]))
            $0.neighbour = .entry(.failed)
        },
        Break("ip_forward", .forwarding, "net.ipv4.ip_forward = 0", "sysctl -w net.ipv4.ip_forward=1") {
            $0.router?.forwardsAtAll = false
            $0.router?.forwardsIngress = false
            $0.router?.forwardsEgress = false
            $0.router?.through = .refused(.unreachable)
        },
        Break(
            "forwarding of one", .forwarding, "net.ipv4.conf.br1.forwarding = 0",
            "sysctl -w net.ipv4.conf.br1.forwarding=1"
        ) { $0.router?.forwardsEgress = false },
        Break(
            "rp_filter", .rpFilter, "rp_filter of br0 of host is 1 (strict), and its way back leads by br1",
            "sysctl -w net.ipv4.conf.br0.rp_filter=2"
        ) {
            $0.router?.rpFilter = (0, 1)
            $0.router?.back = .route(.init(link: 3))
            $0.router?.through = .refused(.forged)
        },
        Break(
            "rp_filter, as Linux 6.18 has it", .rpFilter, "is 1 (strict)", "sysctl -w net.ipv4.conf.br0.rp_filter=2"
        ) {
            $0.router?.rpFilter = (0, 1)
            $0.router?.back = .route(.init(link: 3))
            $0.router?.through = .refused(.invalid)
        },
        Break(
            "no way back in the host", .returnRoute, "host has no route to 198.18.1.2 (ENETUNREACH)",
            "ip route replace 198.18.1.0/24 dev br0"
        ) {
            $0.router?.rpFilter = (1, 1)
            $0.router?.back = .refused(.noRoute)
            $0.router?.through = .refused(.forged)
        },
        Break("another way back", .returnRoute, "by br1, not by br0", "ip route replace 198.18.1.0/24 dev br0") {
            $0.router?.back = .route(.init(link: 3))
        },
        Break(
            "no way back in the target", .returnRoute, "db has no route back to 198.18.1.2",
            "ip netns exec db ip route replace default via 198.18.2.1 dev eth0"
        ) { $0.far?.back = .refused(.noRoute) },
        Break("filter", .filter, "chain inet f forward drops", "nft delete rule inet f forward handle 3") {
            $0.filters.append(
                .init(.broken, "chain inet f forward drops", remedy: "nft delete rule inet f forward handle 3"))
        },
        Break("not permitted", .filter, "EPERM", nil) { $0.trials.echo = .failed(.permission) },
        Break(
            "small MTU", .mtu,
            "packets of 1500 bytes, which eth0 sends, get no answer, small ones do: va of host has MTU 1400",
            "ip netns exec web ip link set dev eth0 mtu 1400"
        ) {
            $0.changeHost(4) { $0.mtu = 1400 }
            $0.trials.echo = .answered(0.0001)
            $0.trials.large = .failed(.timeout)
        },
        Break("refused", .target, "198.18.2.2:80 refuses", nil) {
            $0.target = "198.18.2.2:80"
            $0.trials.echo = .answered(0.0001)
            $0.trials.service = .failed(.refused)
        },
        Break("silent", .target, "198.18.2.2 does not answer", nil) { $0.trials.echo = .failed(.timeout) },
        Break(
            "target down", .target, "eth0 of db, which has 198.18.2.2, is down",
            "ip netns exec db ip link set dev eth0 up"
        ) { $0.far?.place.links[1].flags = 0 },
        Break("target no port", .target, "which is no port of br1", "ip link set dev vb master br1") {
            $0.changeHost(5) { $0.master = nil }
        },
        Break(
            "echo ignored", .target, "net.ipv4.icmp_echo_ignore_all = 1 in db",
            "ip netns exec db sysctl -w net.ipv4.icmp_echo_ignore_all=0"
        ) { $0.far?.ignoresEcho = true },
        Break("NXDOMAIN", .target, "NXDOMAIN", nil) {
            $0.trials.echo = .answered(0.0001)
            $0.trials.service = .failed(.nameError)
            $0.trials.note = "NXDOMAIN"
        },
    ]

    @Test(arguments: breaks) func theCauseIsNamed(_ broken: Break) {
        let report = PathWorld().with(broken.change).evaluate()
        #expect(report.findings.map(\.step) == PathStep.allCases)
        #expect(report.isReachable == false)
        #expect(report.broken == [broken.step], "\(report.findings)")
        #expect(report[broken.step].evidence.contains(broken.evidence), "\(report[broken.step].evidence)")
        #expect(report[broken.step].remedy == broken.remedy)
        #expect(report.findings.allSatisfy { $0.state == .broken || $0.remedy == nil })
        #expect(report.findings.allSatisfy { !$0.evidence.isEmpty })
        #expect(report.verdict.hasPrefix("web cannot reach "))
    }

    /// The same where the neighbour table is IPv6's, and the sysctls have other names.
    @Test func ipv6() {
        let world = PathWorld(.ipv6)
        let unforwarded = world.with { $0.router?.forwardsIngress = false }.evaluate()
        #expect(unforwarded.broken == [.forwarding])
        #expect(unforwarded[.forwarding].remedy == "sysctl -w net.ipv6.conf.all.forwarding=1")
        #expect(unforwarded[.rpFilter].state == .ok)
        let unrouted = world.with { $0.route = .refused(.noRoute) }.evaluate()
        #expect(
            unrouted[.route].remedy == "ip netns exec web ip -6 route replace default via 2001:db8:1::1 dev eth0")
        let disabled = world.with {
            $0.source.addresses = []
            $0.disablesIPv6 = true
            $0.route = .refused(.noRoute)
        }.evaluate()
        #expect(disabled.broken == [.address])
        #expect(disabled[.address].remedy == "ip netns exec web sysctl -w net.ipv6.conf.eth0.disable_ipv6=0")
        // Link-local addresses lead nowhere else.
        let local = world.with {
            $0.source.addresses = [PathWorld.address("fe80::1", 64, on: 2)]
            $0.route = .refused(.noRoute)
        }.evaluate()
        #expect(local.broken == [.address])
        // A filter that drops what is sent drops the questions for neighbours too.
        let filtered = world.with {
            $0.filters = [.init(.broken, "policy drop", hidesNeighbours: true)]
            $0.neighbour = .entry(.failed)
        }.evaluate()
        #expect(filtered.broken == [.filter])
        #expect(filtered[.gateway].evidence.hasPrefix("follows from filter: "))
    }

    @Test func consequencesSayWhatTheyFollowFrom() {
        let down = PathWorld().with { facts in
            facts.changeLink { $0.carrier = false }
            facts.changeHost(4) { $0.flags = 0 }
            facts.neighbour = .entry(.failed)
        }.evaluate()
        #expect(down[.carrier] == .init(.carrier, .unknown, "follows from peer: eth0 has no carrier, operstate up"))
        #expect(down[.gateway].evidence.hasPrefix("follows from peer: nobody answers"))
        #expect(down[.target].state == .unknown)
        #expect(down.firstBroken?.step == .peer)
        #expect(down.verdict == "web cannot reach 198.18.2.2: peer: va of host is down (no IFF_UP)")
    }
}
