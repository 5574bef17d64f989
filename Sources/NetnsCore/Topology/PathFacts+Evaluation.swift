extension PathFacts {
    /// Every step, in order, and whether the target can be reached.
    ///
    /// What was tried has the last word: while the target answers, nothing is broken, and what looks odd is only told.
    /// Where one step's failure follows from another's, the cause alone is broken.
    public func evaluate() -> PathReport {
        PathEvaluation(self).report(as: source.name)
    }

    /// The link by which the packets leave the source: that of the route; without one, the link that is meant.
    public var outgoingLink: Link? { PathEvaluation(self).link }
}

/// One evaluation: each step by itself first, then what follows from what.
struct PathEvaluation {
    /// What a step looks like by itself.
    struct Look {
        enum State {
            case ok
            case broken
            /// It is broken if nothing that surely is explains the failure.
            case suspect
            case unknown
        }

        var state: State
        var evidence: String
        var remedy: String?

        init(_ state: State, _ evidence: String, _ remedy: String? = nil) {
            self.state = state
            self.evidence = evidence
            self.remedy = remedy
        }

        static func notApplicable(_ why: String) -> Look { Look(.ok, "not applicable: \(why)") }
    }

    let facts: PathFacts
    /// The link the packets leave by, as far as that can be told.
    let link: Link?

    init(_ facts: PathFacts) {
        self.facts = facts
        link = Self.outgoing(facts)
    }

    /// That of the route; without one, the link that is meant: which is on the target's network, leads to the gateway, or
    /// is the only one.
    private static func outgoing(_ facts: PathFacts) -> Link? {
        if let route = facts.route.route, let link = facts.source.link(route.link) { return link }
        if let destination = facts.destination {
            if destination.isLoopback { return facts.source.links.first { $0.isLoopback } }
            let near = facts.source.addresses.first { $0.holds(destination) && !destination.isLinkLocal }
            if let near, let link = facts.source.link(near.link) { return link }
        }
        let others = facts.source.links.filter { !$0.isLoopback }
        return others.first { link in facts.source.addresses(of: link.index, facts.family).contains { $0.isUseful } }
            ?? others.first { $0.isVeth } ?? others.first { $0.link != nil } ?? others.first
    }

    /// The steps that explain another, when they are broken themselves.
    private static func causes(of step: PathStep) -> [PathStep] {
        switch step {
        case .link, .peer, .forwarding, .filter: []
        case .carrier: [.link, .peer]
        case .address: [.link, .peer, .carrier]
        case .route: [.link, .peer, .carrier, .address]
        case .bridge: [.link, .peer, .carrier]
        case .gateway: [.link, .peer, .carrier, .address, .route, .bridge]
        case .rpFilter: [.bridge, .returnRoute]
        // A bridge that is down has no routes; nobody has a way to a namespace without an address.
        case .returnRoute: [.link, .address, .bridge]
        case .mtu: [.link, .peer, .carrier, .address, .route, .gateway, .bridge, .forwarding, .rpFilter, .filter]
        case .target: PathStep.allCases.filter { $0 != .target }
        }
    }

    func report(as namespace: String) -> PathReport {
        var looks = Dictionary(uniqueKeysWithValues: PathStep.allCases.map { ($0, look(at: $0)) })
        let isAnswered = facts.trials.decisive.map(\.isAnswer)
        if isAnswered == true {
            for step in PathStep.allCases where step != .mtu || looks[.mtu]?.state == .suspect {
                guard let look = looks[step], look.state != .ok, look.state != .unknown else { continue }
                looks[step] = Look(.ok, "odd, but the target answers: \(look.evidence)")
            }
        } else {
            blame(&looks)
        }
        var findings = PathStep.allCases.map { finding($0, looks) }
        let broken = findings.contains { $0.state == .broken }
        var isReachable: Bool?
        if broken { isReachable = false } else if let isAnswered { isReachable = isAnswered }
        if isReachable == true {
            // What could not be read of a path that works is worth a word, not a doubt.
            for index in findings.indices { findings[index].remedy = nil }
        }
        let address = facts.destination.flatMap { facts.target.contains($0.description) ? nil : $0 }
        return PathReport(
            namespace: namespace, target: facts.target, address: address, isReachable: isReachable, findings: findings)
    }

    /// Makes the first suspect the culprit, when nothing else is.
    private func blame(_ looks: inout [PathStep: Look]) {
        let sure = PathStep.allCases.filter { $0 != .target && looks[$0]?.state == .broken }
        let hasFailed = facts.trials.decisive != nil
        var isExplained = !sure.isEmpty
        for step in Self.suspicion {
            guard !isExplained, looks[step]?.state == .suspect, hasFailed || step != .target else { continue }
            looks[step]?.state = .broken
            isExplained = true
        }
    }

    /// In which order suspects are blamed: what has less to do with others first.
    private static let suspicion: [PathStep] =
        [
            .link, .peer, .carrier, .address, .bridge, .route, .filter, .returnRoute, .forwarding, .rpFilter, .gateway,
            .mtu,
        ]
        + [.target]

    private func finding(_ step: PathStep, _ looks: [PathStep: Look]) -> PathFinding {
        guard let look = looks[step] else { return PathFinding(step, .unknown, "not looked at") }
        if look.state == .ok { return PathFinding(step, .ok, look.evidence) }
        if look.state != .unknown {
            for cause in PathStep.allCases where explains(cause, step, looks) {
                // What follows from another itself is passed over: that one is told.
                if PathStep.allCases.contains(where: { explains($0, cause, looks) }) { continue }
                return PathFinding(step, .unknown, "follows from \(cause.rawValue): \(look.evidence)")
            }
        }
        guard look.state == .broken else { return PathFinding(step, .unknown, look.evidence) }
        return PathFinding(step, .broken, look.evidence, remedy: look.remedy)
    }

    private func explains(_ cause: PathStep, _ step: PathStep, _ looks: [PathStep: Look]) -> Bool {
        guard cause != step, looks[cause]?.state == .broken else { return false }
        if Self.causes(of: step).contains(cause) { return true }
        switch (cause, step) {
        // Neighbour solicitations are packets that a filter sees; what has no neighbour has no way to it either.
        case (.filter, .gateway): return facts.filters.contains { $0.state == .broken && $0.hidesNeighbours }
        // A bridge has a carrier when one of its ports has.
        case (.target, .carrier): return link?.isKind("bridge") == true
        default: return false
        }
    }

    private func look(at step: PathStep) -> Look {
        switch step {
        case .link: linkIsUp()
        case .carrier: carrier()
        case .address: address()
        case .route: route()
        case .gateway: gateway()
        case .peer: peer()
        case .bridge: bridge()
        case .forwarding: forwarding()
        case .rpFilter: rpFilter()
        case .returnRoute: returnRoute()
        case .filter: filter()
        case .mtu: mtu()
        case .target: target()
        }
    }

    // MARK: What several steps ask

    /// What the source's packets come in by, behind its link's other end: the bridge that this is a port of, or itself.
    var entry: (attachment: PathFacts.Attachment, peer: Link, port: Link)? {
        guard let attachment = facts.attachment, let peer = attachment.place.link(attachment.link) else { return nil }
        if let master = peer.master.flatMap({ attachment.place.link($0) }), master.takesPortsPackets {
            return (attachment, master, peer)
        }
        return (attachment, peer, peer)
    }

    /// The next hop on the link: the gateway, or the target itself.
    var nextHop: IPAddress? { facts.route.route.flatMap { $0.gateway ?? facts.destination } }

    /// Whether the target is on the link, so that nobody routes.
    var isOnLink: Bool {
        guard let route = facts.route.route else { return false }
        return route.gateway == nil || route.gateway == facts.destination
    }

    /// Whether the target is an address of the source's own.
    var isOwn: Bool { facts.route.route?.isLocal == true }

    /// Whether the target is an address of the router's, which then forwards nothing.
    var isRouters: Bool {
        guard let router = facts.router, let destination = facts.destination else { return false }
        return router.place.owner(of: destination) != nil
    }

    /// Whether nobody has answered for the next hop; incomplete is what failed is for the first three seconds.
    var isUnresolved: Bool {
        switch facts.neighbour {
        case .entry(.failed): true
        case .entry(.incomplete): facts.trials.decisive?.isAnswer != true
        default: false
        }
    }

    /// Whether something was tried, in vain.
    var hasFailed: Bool { facts.trials.decisive?.isAnswer == false }

    /// An address that the link's other side has on the source's network: what its gateway should be.
    var likelyGateway: (address: IPAddress, link: Link)? {
        guard let entry else { return nil }
        let place = entry.attachment.place
        // Those of what it is attached to come first, then those of any bridge: it may be a port of none.
        let there = place.addresses.filter { $0.address.family == facts.family }
        let links = [entry.peer] + place.links.filter { $0.isKind("bridge") && $0.index != entry.peer.index }
        let own = link.map { facts.source.addresses(of: $0.index, facts.family) } ?? []
        for candidate in links {
            for address in there where address.link == candidate.index && !address.address.isLinkLocal {
                if own.contains(where: { $0.holds(address.address) && $0.isUseful }) {
                    return (address.address, candidate)
                }
            }
        }
        guard own.isEmpty || facts.family == .ipv6, entry.peer.isAdministrativelyUp else { return nil }
        return there.first { $0.link == entry.peer.index && (own.isEmpty ? !$0.address.isLinkLocal : true) }.map {
            ($0.address, entry.peer)
        }
    }

    /// `ip -6 ` or `ip `.
    var ip: String { facts.family == .ipv6 ? "ip -6 " : "ip " }

    /// `ip route replace default via GATEWAY dev eth0`.
    func replaceDefault(via gateway: IPAddress, dev link: Link) -> String? {
        facts.source.command("\(ip)route replace default via \(gateway) dev \(link.word)")
    }
}

extension InterfaceAddress {
    /// Whether another address is on its network.
    package func holds(_ other: IPAddress) -> Bool {
        other.family == address.family && other.network(prefixLength) == address.network(prefixLength)
    }

    /// Whether packets to elsewhere can come from it.
    package var isUseful: Bool {
        !flags.contains(.dadFailed) && !address.isLoopback && (address.family == .ipv4 || !address.isLinkLocal)
    }
}
