@testable import NetnsCore

/// Two containers behind two bridges of a host, in facts: all is well until a test breaks something.
struct PathWorld {
    var facts: PathFacts

    static func link(
        _ index: Int32, _ name: String, kind: String = "veth", up: Bool = true, carrier: Bool = true, to: Int32? = nil,
        master: Int32? = nil, mtu: UInt32 = 1500, port: UInt8? = nil
    ) -> Link {
        var link = Link()
        link.index = index
        link.name = InlineBytes(name)
        link.kind = InlineBytes(kind)
        link.flags = up ? 1 : 0
        link.carrier = carrier
        link.operationalState = OperationalState(rawValue: carrier ? 6 : up ? 7 : 2)
        link.link = to
        link.master = master
        link.mtu = mtu
        link.portState = port.map { BridgePortState(rawValue: $0) }
        link.hardwareType = name == "lo" ? 772 : 1
        return link
    }

    static func address(
        _ text: String, _ length: UInt8, on link: Int32, flags: InterfaceAddress.Flags = []
    ) -> InterfaceAddress {
        guard let address = IPAddress(text) else { fatalError("\(text) is no address") }
        return InterfaceAddress(
            address: address, prefixLength: length, scope: .init(rawValue: address.isLinkLocal ? 253 : 0), flags: flags,
            link: link, hasPeer: false)
    }

    static func ip(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { fatalError("\(text) is no address") }
        return address
    }

    /// `web` at 198.18.1.2 (2001:db8:1::2) on br0, `db` at 198.18.2.2 (2001:db8:2::2) on br1.
    init(_ family: IPFamily = .ipv4, target: String? = nil) {
        let isIPv4 = family == .ipv4
        let (web, db) = isIPv4 ? ("198.18.1.2", "198.18.2.2") : ("2001:db8:1::2", "2001:db8:2::2")
        let (first, second) = isIPv4 ? ("198.18.1.1", "198.18.2.1") : ("2001:db8:1::1", "2001:db8:2::1")
        let length: UInt8 = isIPv4 ? 24 : 64
        let host = PathFacts.Place(
            name: "host", prefix: "",
            links: [
                Self.link(1, "lo", kind: ""), Self.link(2, "br0", kind: "bridge"), Self.link(3, "br1", kind: "bridge"),
                Self.link(4, "va", to: 2, master: 2, port: 3), Self.link(5, "vb", to: 2, master: 3, port: 3),
            ], addresses: [Self.address(first, length, on: 2), Self.address(second, length, on: 3)])
        let source = PathFacts.Place(
            name: "web", prefix: "ip netns exec web ",
            links: [Self.link(1, "lo", kind: ""), Self.link(2, "eth0", to: 4)],
            addresses: [Self.address(web, length, on: 2)])
        let far = PathFacts.Place(
            name: "db", prefix: "ip netns exec db ",
            links: [Self.link(1, "lo", kind: ""), Self.link(2, "eth0", to: 5)],
            addresses: [Self.address(db, length, on: 2)])
        let target = target ?? db
        facts = PathFacts(source: source, target: target == first ? "gateway (\(first))" : target)
        facts.family = family
        facts.kind = target == first ? .gateway : .host
        facts.destination = Self.ip(target)
        facts.route = .route(.init(link: 2, gateway: Self.ip(first), source: Self.ip(web)))
        facts.neighbour = .entry(.reachable)
        facts.attachment = .init(place: host, link: 4)
        let isFar = target != first
        facts.router = .init(
            place: host, ingress: 2, forwardsIngress: true, forwardsEgress: true, forwardsAtAll: true,
            rpFilter: isIPv4 ? (0, 0) : (nil, nil), back: .route(.init(link: 2)),
            through: .route(.init(link: isFar ? 3 : 1, isLocal: !isFar)), translates: false)
        if isFar {
            facts.far = .init(
                place: far, link: 2, attachment: .init(place: host, link: 5), back: .route(.init(link: 2)))
        }
        facts.filters = [.init(.ok, "no chain of the hook forward in host")]
        facts.trials.echo = .failed(.timeout)
    }

    /// The same world, in which something is otherwise.
    func with(_ change: (inout PathFacts) -> Void) -> PathFacts {
        var facts = facts
        change(&facts)
        return facts
    }
}

extension PathFacts {
    /// Changes a link of the host in every place it stands.
    mutating func changeHost(_ index: Int32, _ change: (inout Link) -> Void) {
        func changed(_ place: Place) -> Place {
            var place = place
            for position in place.links.indices where place.links[position].index == index {
                change(&place.links[position])
            }
            return place
        }
        if let place = attachment?.place { attachment?.place = changed(place) }
        if let place = router?.place { router?.place = changed(place) }
        if let place = far?.attachment?.place { far?.attachment?.place = changed(place) }
    }

    /// Changes the source's eth0.
    mutating func changeLink(_ change: (inout Link) -> Void) { change(&source.links[1]) }
}

extension PathReport {
    /// The finding of a step.
    subscript(step: PathStep) -> PathFinding {
        guard let finding = findings.first(where: { $0.step == step }) else { fatalError("no finding of \(step)") }
        return finding
    }

    /// The steps that are broken.
    var broken: [PathStep] { findings.filter { $0.state == .broken }.map(\.step) }
}
