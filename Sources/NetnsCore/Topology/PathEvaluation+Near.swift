/// The steps that are seen from inside: to the next hop.
extension PathEvaluation {
    func linkIsUp() -> Look {
        guard let link else {
            return Look(.broken, "\(facts.source.name) has no interface but lo")
        }
        if link.isAdministrativelyUp { return Look(.ok, "\(link.name) is up") }
        return Look(
            .broken, "\(link.name) is down (no IFF_UP)\(Self.operstate(link))",
            facts.source.command("ip link set dev \(link.word) up"))
    }

    func carrier() -> Look {
        guard let link else { return Look(.unknown, "there is no interface") }
        guard let carrier = link.carrier else { return Look(.unknown, "\(link.name) does not tell its carrier") }
        if carrier { return Look(.ok, "\(link.name) has a carrier\(Self.operstate(link))") }
        return Look(.broken, "\(link.name) has no carrier\(Self.operstate(link))")
    }

    func address() -> Look {
        guard let link else { return Look(.unknown, "there is no interface") }
        if isOwn { return Look.notApplicable("\(facts.target) is an address of its own") }
        let all = facts.source.addresses(of: link.index, facts.family)
        if let chosen = facts.route.route?.source, isUsable(chosen),
            let address = facts.source.addresses.first(where: { $0.address == chosen })
        {
            let text =
                "\(address.address)/\(address.prefixLength) on \(facts.source.link(address.link)?.name.description ?? "?")"
            if address.flags.contains(.dadFailed) { return duplicate(address, link) }
            if let duplicate = facts.duplicate {
                return Look(.suspect, "\(text); \(duplicate) has the same address on the same bridge", nil)
            }
            if address.flags.contains(.tentative) { return tentative(address, link) }
            return Look(.ok, text)
        }
        let reaches = all.filter { facts.destination?.isLinkLocal == true || !$0.address.isLinkLocal }
        if let address = reaches.first(where: { $0.flags.isDisjoint(with: [.dadFailed, .tentative]) }) {
            return Look(.ok, "\(address.address)/\(address.prefixLength) on \(link.name)")
        }
        if let failed = reaches.first(where: { $0.flags.contains(.dadFailed) }) { return duplicate(failed, link) }
        if let tentative = reaches.first { return self.tentative(tentative, link) }
        if facts.family == .ipv6, facts.disablesIPv6 == true {
            return Look(
                .broken, "\(link.name) has no IPv6: net.ipv6.conf.\(Self.sysctlName(link)).disable_ipv6 = 1",
                sysctl("net.ipv6.conf.\(Self.sysctlName(link)).disable_ipv6", 0, in: facts.source))
        }
        // A route that needs none to send from: a tunnel, a link without numbers.
        if facts.route.route != nil, facts.trials.decisive != .failed(.noAddress), facts.family == .ipv4, !all.isEmpty {
            return Look(.ok, "the kernel chose none in advance")
        }
        let family = facts.family == .ipv4 ? "IPv4" : "IPv6"
        let length = likelyGateway.flatMap { found in
            facts.attachment?.place.addresses.first { $0.address == found.address }?.prefixLength
        }
        return Look(
            .broken,
            "\(link.name) has no \(family) address" + (all.isEmpty ? "" : " but \(all[0].address), of the link"),
            facts.source.command(
                "ip addr add ADDRESS/\(length.map { "\($0)" } ?? "LENGTH") dev \(link.word)"))
    }

    /// Whether the target can be reached from an address: without another, IPv6 sends from ::1 or from one of the link.
    private func isUsable(_ address: IPAddress) -> Bool {
        guard address.family == .ipv6 else { return true }
        return !address.isLoopback && (!address.isLinkLocal || facts.destination?.isLinkLocal == true)
    }

    private func duplicate(_ address: InterfaceAddress, _ link: Link) -> Look {
        let text = "\(address.address)/\(address.prefixLength)"
        return Look(
            .broken, "\(text) on \(link.name) is a duplicate: another host on the link has it (dadfailed)",
            facts.source.command("ip addr del \(text) dev \(link.word)").flatMap { delete in
                facts.source.command("ip addr add \(text) dev \(link.word)").map { "\(delete) && \($0)" }
            })
    }

    private func tentative(_ address: InterfaceAddress, _ link: Link) -> Look {
        Look(
            link.carrier == false ? .broken : .suspect,
            "\(address.address)/\(address.prefixLength) on \(link.name) is tentative: duplicate address detection has not ended"
        )
    }

    func route() -> Look {
        let name = facts.destination.map { "\($0)" } ?? facts.target
        switch facts.route {
        case .unknown:
            if facts.destination == nil, facts.kind == .gateway { return noDefaultRoute() }
            return Look(.unknown, "the kernel was not asked for a route to \(name)")
        case .route(let route):
            if route.isLocal { return Look(.ok, "\(name) is an address of its own") }
            let device = facts.source.link(route.link)?.name.description ?? "number \(route.link)"
            return Look(
                .ok,
                name + (route.gateway.map { $0 == facts.destination ? "" : " via \($0)" } ?? "") + " dev \(device)"
                    + (route.source.map { " src \($0)" } ?? ""))
        case .refused(let refusal):
            if let refusing = facts.refusing {
                let match = "\(refusing.destination)/\(refusing.prefixLength)"
                let table = refusing.table.map { " table \($0)" } ?? ""
                return Look(
                    .broken, "a route of type \(refusing.type) matches \(name): \(match)\(table) (\(refusal.rawValue))",
                    facts.source.command("\(ip)route del \(refusing.type) \(match)\(table)"))
            }
            guard refusal == .noRoute else {
                return Look(.broken, "a rule or a route refuses \(name) (\(refusal.rawValue))")
            }
            return Look(.broken, "no route to \(name) (\(refusal.rawValue))", wayOut)
        }
    }

    private func noDefaultRoute() -> Look {
        Look(.broken, "no default route with a gateway", wayOut)
    }

    /// The command that makes a default route, to what seems to be the gateway.
    private var wayOut: String? {
        guard let link else { return nil }
        if let gateway = likelyGateway { return replaceDefault(via: gateway.address, dev: link) }
        return facts.source.command("\(ip)route replace default via ADDRESS dev \(link.word)")
    }

    func gateway() -> Look {
        if isOwn { return Look.notApplicable("\(facts.target) is an address of its own") }
        guard let route = facts.route.route else { return Look(.unknown, "there is no route to take one from") }
        guard let gateway = route.gateway ?? (facts.kind == .gateway ? facts.destination : nil) else {
            return Look.notApplicable("\(facts.destination.map { "\($0)" } ?? facts.target) is on the link")
        }
        switch facts.neighbour {
        case .unknown: return Look(.unknown, "the neighbours were not read")
        case .absent where facts.trials.decisive == .failed(.socket):
            // ENOBUFS: the table is one for all namespaces. Source: net/core/neighbour.c neigh_alloc().
            let name = facts.family == .ipv4 ? "ipv4" : "ipv6"
            return Look(
                .suspect,
                "\(gateway) is no neighbour, and nothing could be sent: the neighbour table of all namespaces together may "
                    + "be full (the host's net.\(name).neigh.default.gc_thresh3)")
        case .absent: return Look(.unknown, "\(gateway) is no neighbour yet")
        case .entry(.noarp) where hasFailed && link?.hasNoARP == true && link?.isVeth == true:
            return unresolved(gateway, "nobody was asked for \(gateway) (neighbour noarp)")
        case .entry(let state) where !isUnresolved:
            return Look(.ok, "\(gateway) answers (neighbour \(state.name))")
        case .entry(let state):
            return unresolved(
                gateway,
                "nobody answers for \(gateway) on \(link?.name.description ?? "the link") (neighbour \(state.name))")
        }
    }

    /// Why nobody answers for the gateway, as far as it is the gateway's own matter.
    private func unresolved(_ gateway: IPAddress, _ evidence: String) -> Look {
        if let link, link.hasNoARP, link.isVeth {
            return Look(
                .broken, "\(evidence): \(link.name) does not ask (NOARP)",
                facts.source.command("ip link set dev \(link.word) arp on"))
        }
        if let router = facts.router, let owner = router.place.owner(of: gateway) {
            let has = "\(evidence): \(router.place.describe(owner)) has it"
            if owner.hasNoARP, owner.isVeth || owner.isKind("bridge") {
                return Look(
                    .broken, "\(has) and does not answer (NOARP)",
                    router.place.command("ip link set dev \(owner.word) arp on"))
            }
            if !owner.isAdministrativelyUp {
                return Look(
                    .broken, "\(has) and is down", router.place.command("ip link set dev \(owner.word) up"))
            }
            if router.place.addresses.first(where: { $0.address == gateway })?.flags.contains(.dadFailed) == true {
                return Look(.broken, "\(has) as a duplicate (dadfailed)")
            }
            return Look(.suspect, has)
        }
        if let likely = likelyGateway, let entry, let link {
            return Look(
                .broken, "\(evidence); \(entry.attachment.place.describe(likely.link)) has \(likely.address)",
                replaceDefault(via: likely.address, dev: link))
        }
        return Look(.suspect, evidence)
    }

    func peer() -> Look {
        guard let link else { return Look(.unknown, "there is no interface") }
        if link.isLoopback { return Look.notApplicable("\(link.name) has no other end") }
        guard link.isVeth || link.isUpper else {
            let kind = link.kind.isEmpty ? "no virtual device" : "a \(link.kind)"
            return Look.notApplicable("\(link.name) is \(kind)")
        }
        guard let attachment = facts.attachment, let peer = attachment.place.link(attachment.link) else {
            return Look(.unknown, "the namespace of the other end of \(link.name) is not seen")
        }
        let name = attachment.place.describe(peer)
        let what = link.isVeth ? name : "\(link.name) is a \(link.kind) of \(name), which"
        if peer.isAdministrativelyUp {
            // A lower device's carrier is its upper's.
            if link.isUpper, peer.carrier == false { return Look(.broken, "\(what) has no carrier") }
            return Look(.ok, "\(what) is up")
        }
        return Look(
            .broken, "\(what) is down (no IFF_UP)",
            attachment.place.command("ip link set dev \(peer.word) up"))
    }

    func bridge() -> Look {
        guard let link else { return Look(.unknown, "there is no interface") }
        guard link.isVeth else { return Look.notApplicable("\(link.name) is no veth") }
        guard let attachment = facts.attachment, let peer = attachment.place.link(attachment.link) else {
            return Look(.unknown, "the namespace of the other end of \(link.name) is not seen")
        }
        let place = attachment.place
        guard let index = peer.master, let master = place.link(index) else { return missingBridge(attachment, peer) }
        let port = "\(peer.name) is a port of \(master.name) in \(place.name)"
        guard master.isAdministrativelyUp else {
            return Look(
                .broken, "\(port), which is down (no IFF_UP)", place.command("ip link set dev \(master.word) up"))
        }
        // A host answers by any of its links for an address of another, unless arp_ignore says otherwise.
        if isUnresolved || hasFailed, let owner = ownerOfNextHop(in: place), owner.index != master.index,
            owner.isKind("bridge"),
            master.isKind("bridge")
        {
            return Look(
                .broken, "\(port); \(nextHop.map { "\($0)" } ?? "the next hop") is that of \(owner.name)",
                place.command("ip link set dev \(peer.word) master \(owner.word)"))
        }
        if let state = peer.portState, state.rawValue != 3 {
            return Look(
                .broken, "\(port), in state \(state.name)", place.command("bridge link set dev \(peer.word) state 3"))
        }
        if let vlans = attachment.vlans, vlans.isFiltering, let look = separated(vlans, port, peer, place) {
            return look
        }
        return Look(.ok, port + (peer.portState.map { ", \($0.name)" } ?? ""))
    }

    /// The link in a place that has the next hop's address.
    private func ownerOfNextHop(in place: PathFacts.Place) -> Link? {
        nextHop.flatMap { $0.isLinkLocal ? nil : place.owner(of: $0) }
    }

    /// The other end is a port of nothing: as it should be when it has the next hop's address itself, or answers for it.
    private func missingBridge(_ attachment: PathFacts.Attachment, _ peer: Link) -> Look {
        let none = "\(attachment.place.describe(peer)) is a port of no bridge"
        guard isUnresolved || hasFailed || facts.route.route == nil else { return Look.notApplicable(none) }
        let wanted: Link?
        if let owner = ownerOfNextHop(in: attachment.place) {
            wanted = owner
        } else if attachment.place.addresses(of: peer.index, facts.family).contains(where: { $0.isUseful }) {
            wanted = nil
        } else if isOnLink, let far = facts.far?.attachment, let port = far.place.link(far.link),
            far.place.name == attachment.place.name
        {
            wanted = port.master.flatMap { attachment.place.link($0) }
        } else {
            wanted = likelyGateway?.link
        }
        guard let wanted, wanted.index != peer.index, wanted.isKind("bridge") else { return Look.notApplicable(none) }
        let address = attachment.place.addresses(of: wanted.index, facts.family).first { !$0.address.isLinkLocal }
        return Look(
            .broken,
            "\(none)" + (address.map { "; \(wanted.name) has \($0.address)" } ?? "; \(wanted.name) has the others"),
            attachment.place.command("ip link set dev \(peer.word) master \(wanted.word)"))
    }

    /// Whether VLANs keep a port's packets from where they have to get to, or the answers from the port.
    private func separated(_ vlans: PathFacts.VLANs, _ port: String, _ peer: Link, _ place: PathFacts.Place) -> Look? {
        let there = vlans.port.pvid.map { vlans.other.untagged.contains($0) } ?? false
        let back = vlans.other.pvid.map { vlans.port.untagged.contains($0) } ?? false
        guard !there || !back else { return nil }
        func text(_ pvid: UInt16?) -> String { pvid.map { "VLAN \($0)" } ?? "no VLAN" }
        let remedy = vlans.other.pvid.flatMap {
            place.command("bridge vlan add dev \(peer.word) vid \($0) pvid untagged")
        }
        return Look(
            .broken,
            "\(port), which filters: it is in \(text(vlans.port.pvid)), \(vlans.counterpart) in \(text(vlans.other.pvid))",
            remedy)
    }

    /// `, operstate down`
    static func operstate(_ link: Link) -> String { link.operationalState.map { ", operstate \($0.name)" } ?? "" }

    /// The name as sysctl(8) writes it: dots and slashes change places.
    static func sysctlName(_ link: Link) -> String {
        String(link.name.description.map { $0 == "." ? "/" : $0 })
    }

    /// The command that sets a sysctl.
    func sysctl(_ name: String, _ value: Int, in place: PathFacts.Place) -> String? {
        place.command("sysctl -w \(ShellWord.quoted("\(name)=\(value)"))")
    }
}
