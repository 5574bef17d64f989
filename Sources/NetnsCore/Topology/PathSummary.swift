/// What a collection says of each step of the way to a namespace's default gateway: `netns_path_ok`.
///
/// Only what was read anyway takes part, and the last try of the gateway where there was one; a step of which that says
/// nothing is nil. As in `PathFacts.evaluate()`, a step that fails since another does is not known. Nothing is allocated.
public struct PathSummary: Hashable, Sendable {
    private var known: UInt16 = 0
    private var working: UInt16 = 0

    /// Nothing is known.
    public init() {}

    /// Whether a step works.
    public private(set) subscript(step: PathStep) -> Bool? {
        get { known & step.bit == 0 ? nil : working & step.bit != 0 }
        set {
            known = newValue == nil ? known & ~step.bit : known | step.bit
            working = newValue == true ? working | step.bit : working & ~step.bit
        }
    }

    /// Whether a step is known not to work.
    private func isBroken(_ steps: PathStep...) -> Bool {
        for step in steps where self[step] == false { return true }
        return false
    }

    /// The way of one of `all`, which were resolved together; `failure` and `answered` are of the last try of its gateway.
    public init(
        of namespace: NamespaceSample, in all: [NamespaceSample], answered: Bool? = nil, failure: ProbeFailure? = nil
    ) {
        guard namespace.wasRead, namespace.hasLinks else { return }
        let route = Self.defaultRoute(of: namespace)
        guard let position = Self.outgoing(namespace, route) else { return }
        let family = route?.family ?? .ipv4
        let link = namespace.links[position]
        self[.link] = link.isAdministrativelyUp
        let place = position < namespace.peers.count ? namespace.peers[position] : nil
        addAttachment(of: link, place, in: all)
        if link.isAdministrativelyUp, self[.peer] != false { self[.carrier] = link.carrier }
        // A port has no carrier when what is inside is down.
        if self[.bridge] == false, isBroken(.link, .peer, .carrier), hasPortAlone(place, in: all) {
            self[.bridge] = nil
        }

        let isDark = isBroken(.link, .peer, .carrier)
        if namespace.hasAddresses {
            let works = namespace.addresses.contains {
                $0.link == link.index && $0.isUseful && $0.flags.isDisjoint(with: [.dadFailed, .tentative])
                    && (route == nil || $0.address.family == family)
            }
            // An interface without numbers sends from another's.
            if works || route?.gateway != nil || route == nil { self[.address] = works ? true : isDark ? nil : false }
        }
        if namespace.hasRoutes {
            self[.route] = route != nil ? true : isDark || self[.address] == false ? nil : false
        }
        guard let route, let gateway = route.gateway else { return }
        if let place { addForwarding(all[place.namespace], family) }
        if let answered { add(answered, failure, gateway, place, all) }
    }

    /// The other end, its bridge, and whether what the link sends fits through both.
    private mutating func addAttachment(of link: Link, _ place: LinkPlace?, in all: [NamespaceSample]) {
        guard let place else { return }
        let there = all[place.namespace]
        let peer = there.links[place.link]
        self[.peer] = peer.isAdministrativelyUp
        var narrowest = peer.mtu
        if link.isVeth, let master = peer.master.flatMap({ Topology.position(of: $0, in: there.links) }) {
            let bridge = there.links[master]
            self[.bridge] = bridge.isAdministrativelyUp && (peer.portState.map { $0.rawValue == 3 } ?? true)
            if bridge.takesPortsPackets, let mtu = bridge.mtu { narrowest = min(narrowest ?? mtu, mtu) }
        }
        if let mtu = link.mtu, let narrowest, link.isVeth { self[.mtu] = mtu <= narrowest }
    }

    /// Whether it is only the port's state that makes the bridge fail.
    private func hasPortAlone(_ place: LinkPlace?, in all: [NamespaceSample]) -> Bool {
        guard let place else { return false }
        let links = all[place.namespace].links
        guard let master = links[place.link].master.flatMap({ Topology.position(of: $0, in: links) }) else {
            return false
        }
        return links[master].isAdministrativelyUp
    }

    private mutating func addForwarding(_ router: NamespaceSample, _ family: IPFamily) {
        guard router.wasRead, router.hasSysctls else { return }
        let name = family == .ipv4 ? Self.forwardIPv4 : Self.forwardIPv6
        guard let index = router.sysctls.table.index(of: name), index < router.sysctls.readings.count,
            case .value(.number) = router.sysctls.readings[index].state
        else { return }
        self[.forwarding] = router.sysctls.withValue(at: index) { $0.count != 1 || $0[0] != UInt8(ascii: "0") }
    }

    /// What the last try adds. Nothing else being broken, it is the gateway when nobody has its address there or nobody
    /// answers for it, and else the target, which here is the same.
    private mutating func add(
        _ answered: Bool, _ failure: ProbeFailure?, _ gateway: IPAddress, _ place: LinkPlace?, _ all: [NamespaceSample]
    ) {
        if answered {
            for step in [PathStep.carrier, .address, .route, .gateway, .target] { self[step] = true }
            if self[.bridge] != nil { self[.bridge] = true }
            if self[.peer] != nil { self[.peer] = true }
            return
        }
        if isBroken(.link, .peer, .carrier, .address, .route, .bridge) { return }
        switch failure {
        case .noAddress: self[.address] = false
        case .noRoute, .noGateway: self[.route] = false
        case .permission: self[.filter] = false
        case .socket: break
        default:
            guard let place else {
                self[failure == .timeout ? .target : .gateway] = false
                return
            }
            let there = all[place.namespace]
            let port = there.links[place.link]
            let owner = there.addresses.first { $0.address == gateway }
            let entry = port.master ?? port.index
            if let owner, owner.link == entry || owner.address.isLinkLocal {
                self[failure == .unreachableHost ? .gateway : .target] = false
            } else if owner != nil, there.hasAddresses {
                self[.bridge] = false
            } else {
                self[.gateway] = false
            }
        }
    }

    private static let forwardIPv4 = SysctlName(components: ["net", "ipv4", "ip_forward"])
    private static let forwardIPv6 = SysctlName(components: ["net", "ipv6", "conf", "all", "forwarding"])

    /// The default route whose gateway is probed: IPv4 before IPv6, one with a gateway before others.
    private static func defaultRoute(of namespace: NamespaceSample) -> DefaultRoute? {
        guard namespace.hasRoutes else { return nil }
        for route in namespace.routes.defaults where route.gateway != nil { return route }
        return namespace.routes.defaults.first
    }

    /// The link of the route, or else the one that is meant: with an address, or with another end.
    private static func outgoing(_ namespace: NamespaceSample, _ route: DefaultRoute?) -> Int? {
        if let route { return Topology.position(of: route.link, in: namespace.links) }
        // A namespace that leads nowhere by design has no way that could be broken.
        guard namespace.hasRoutes, !namespace.isHost else { return nil }
        var found: Int?
        for position in namespace.links.indices where namespace.links[position].isVeth {
            let index = namespace.links[position].index
            for address in namespace.addresses where address.link == index && address.isUseful { return position }
            found = found ?? position
        }
        return found
    }
}

extension PathStep {
    /// A bit of its own.
    fileprivate var bit: UInt16 {
        switch self {
        case .link: 1
        case .carrier: 1 << 1
        case .address: 1 << 2
        case .route: 1 << 3
        case .gateway: 1 << 4
        case .peer: 1 << 5
        case .bridge: 1 << 6
        case .forwarding: 1 << 7
        case .rpFilter: 1 << 8
        case .returnRoute: 1 << 9
        case .filter: 1 << 10
        case .mtu: 1 << 11
        case .target: 1 << 12
        }
    }
}
