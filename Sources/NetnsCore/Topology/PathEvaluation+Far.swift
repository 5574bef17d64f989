/// The steps beyond the next hop.
extension PathEvaluation {
    /// Why nothing is forwarded for this path, when that is so.
    private var unforwarded: Look? {
        if isOwn { return Look.notApplicable("\(facts.target) is an address of its own") }
        if isOnLink, facts.kind == .gateway || facts.route.route?.gateway == facts.destination,
            let router = facts.router, isRouters
        {
            return Look.notApplicable("\(facts.target) is \(router.place.name)'s own")
        }
        if isOnLink { return Look.notApplicable("\(facts.destination.map { "\($0)" } ?? facts.target) is on the link") }
        if isRouters, let router = facts.router {
            return Look.notApplicable("\(facts.target) is an address of \(router.place.name)")
        }
        return nil
    }

    func forwarding() -> Look {
        if let unforwarded { return unforwarded }
        guard facts.route.route != nil else { return Look(.unknown, "there is no route to the target") }
        guard let router = facts.router, let ingress = router.place.link(router.ingress) else {
            return Look(.unknown, "the namespace of the gateway is not seen")
        }
        let name = router.place.name
        if facts.family == .ipv6 {
            guard let all = router.forwardsIngress else {
                return Look(.unknown, "the sysctls of \(name) were not read")
            }
            if all { return Look(.ok, "\(name): net.ipv6.conf.all.forwarding = 1") }
            return Look(
                .broken, "\(name): net.ipv6.conf.all.forwarding = 0",
                sysctl("net.ipv6.conf.all.forwarding", 1, in: router.place))
        }
        guard let enters = router.forwardsIngress else { return Look(.unknown, "the sysctls of \(name) were not read") }
        if router.forwardsAtAll == false, !enters {
            return Look(.broken, "\(name): net.ipv4.ip_forward = 0", sysctl("net.ipv4.ip_forward", 1, in: router.place))
        }
        let egress = router.through.route.flatMap { router.place.link($0.link) }
        for (link, forwards) in [(ingress, enters), (egress ?? ingress, router.forwardsEgress ?? true)] where !forwards
        {
            let sysctlName = "net.ipv4.conf.\(Self.sysctlName(link)).forwarding"
            return Look(.broken, "\(name): \(sysctlName) = 0", sysctl(sysctlName, 1, in: router.place))
        }
        return Look(.ok, "\(name): net.ipv4.conf.\(Self.sysctlName(ingress)).forwarding = 1")
    }

    func rpFilter() -> Look {
        if facts.family == .ipv6 { return Look.notApplicable("IPv6 has no rp_filter") }
        if isOwn { return Look.notApplicable("\(facts.target) is an address of its own") }
        guard let router = facts.router, let ingress = router.place.link(router.ingress) else {
            return isOnLink
                ? Look.notApplicable("\(facts.destination.map { "\($0)" } ?? facts.target) is on the link")
                : Look(.unknown, "the namespace of the gateway is not seen")
        }
        let values = [router.rpFilter.all, router.rpFilter.ingress].compactMap(\.self)
        let mode = values.max().map { ["0 (off)", "1 (strict)", "2 (loose)"][min(max($0, 0), 2)] } ?? "not known"
        let text = "rp_filter of \(router.place.describe(ingress)) is \(mode)"
        guard isForged(router, mode: values.max() ?? 0) else {
            return values.isEmpty ? Look(.unknown, text) : Look(.ok, text)
        }
        let way = router.back.route.flatMap { router.place.link($0.link) }
        return Look(
            .broken, text + (way.map { ", and its way back leads by \($0.name)" } ?? ", and it has no way back"),
            sysctl("net.ipv4.conf.\(Self.sysctlName(ingress)).rp_filter", 2, in: router.place))
    }

    /// Whether the router takes the packets for forged. Later kernels (seen on 6.18) answer EINVAL where earlier
    /// ones answer EXDEV, as for other impossible sources.
    private func isForged(_ router: PathFacts.Router, mode: Int) -> Bool {
        switch router.through {
        case .refused(.forged): return true
        case .refused(.invalid):
            switch router.back {
            case .route(let route): return mode == 1 && route.link != router.ingress && !route.isLocal
            case .refused: return mode > 0
            case .unknown: return false
            }
        default: return false
        }
    }

    func returnRoute() -> Look {
        if isOwn { return Look.notApplicable("\(facts.target) is an address of its own") }
        let source = facts.route.route?.source.map { "\($0)" } ?? facts.source.name
        if let router = facts.router {
            switch router.back {
            case .refused(let refusal):
                return Look(
                    .broken, "\(router.place.name) has no route to \(source) (\(refusal.rawValue))",
                    networkRoute(router))
            case .route(let route) where route.isLocal && router.place.name != facts.source.name:
                return Look(.broken, "\(source) is also an address of \(router.place.name)")
            case .route(let route) where route.link != router.ingress:
                let link = router.place.link(route.link)?.name.description ?? "another interface"
                let ingress = router.place.link(router.ingress)?.name.description ?? "another"
                let text =
                    "\(router.place.name) has its way to \(source) by \(link), not by \(ingress), where it comes in"
                if let far = farReturn(source), far.state != .ok { return far }
                return Look(.suspect, text, networkRoute(router))
            case .route, .unknown: break
            }
        }
        if let far = farReturn(source) { return far }
        guard let router = facts.router else {
            return isOnLink
                ? Look.notApplicable("\(facts.destination.map { "\($0)" } ?? facts.target) is on the link")
                : Look(.unknown, "the namespace of the gateway is not seen")
        }
        guard let route = router.back.route, let link = router.place.link(route.link) else {
            return Look(.unknown, "\(router.place.name) was not asked for its way to \(source)")
        }
        return Look(.ok, "\(router.place.name): \(source) dev \(link.name)")
    }

    /// The target's way back; nil when nothing is known of it or all is well.
    private func farReturn(_ source: String) -> Look? {
        guard let far = facts.far, case .refused(let refusal) = far.back,
            // One that is down has no routes.
            far.place.link(far.link)?.isAdministrativelyUp == true
        else { return nil }
        let text = "\(far.place.name) has no route back to \(source) (\(refusal.rawValue))"
        // It may never see that address.
        let state: Look.State = facts.router?.translates == false || isOnLink ? .broken : .suspect
        var remedy: String?
        if let link = far.place.link(far.link) {
            let near = facts.router?.place.addresses.first { there in
                far.place.addresses(of: link.index, facts.family).contains { $0.holds(there.address) && $0.isUseful }
            }
            remedy = far.place.command(
                "\(ip)route replace default via \(near.map { "\($0.address)" } ?? "ADDRESS") dev \(link.word)")
        }
        return Look(state, text, remedy)
    }

    /// A route in the router to the network of the source's address.
    private func networkRoute(_ router: PathFacts.Router) -> String? {
        guard let source = facts.route.route?.source, let ingress = router.place.link(router.ingress),
            let own = facts.source.addresses.first(where: { $0.address == source })
        else { return nil }
        // The address alone where others of the network are elsewhere.
        let full: UInt8 = source.family == .ipv4 ? 32 : 128
        let length =
            router.place.addresses(of: router.ingress, facts.family).contains { $0.holds(source) }
            ? own.prefixLength : full
        return router.place.command(
            "\(ip)route replace \(source.network(length))/\(length) dev \(ingress.word)")
    }

    func filter() -> Look {
        if isOwn, facts.filters.isEmpty { return Look.notApplicable("\(facts.target) is an address of its own") }
        if let drop = facts.filters.first(where: { $0.state == .broken }) {
            return Look(.broken, drop.evidence, drop.remedy)
        }
        if facts.trials.decisive == .failed(.permission) {
            return Look(
                .suspect, "the kernel did not let \(facts.source.name) send (EPERM): a filter of its own drops it")
        }
        if let doubt = facts.filters.first(where: { $0.state == .unknown }) {
            return Look(.unknown, doubt.evidence, doubt.remedy)
        }
        if facts.filters.isEmpty { return Look(.unknown, "no packet filter was read") }
        return Look(.ok, facts.filters.map(\.evidence).joined(separator: "; "))
    }

    func mtu() -> Look {
        guard let link, let size = link.mtu else { return Look(.unknown, "there is no interface") }
        let narrow = narrowest(than: size)
        if facts.trials.large?.isAnswer == true { return Look(.ok, "\(size) bytes arrive in one piece") }
        if facts.trials.echo?.isAnswer == true, facts.trials.large != nil {
            if let learnt = facts.route.route?.mtu, learnt < size, facts.trials.learnt?.isAnswer == true {
                return Look(.ok, "\(learnt) bytes arrive in one piece, and of larger ones \(facts.source.name) is told")
            }
            let text = "packets of \(size) bytes, which \(link.name) sends, get no answer, small ones do"
            guard let narrow else { return Look(.broken, text) }
            return Look(
                .broken, "\(text): \(narrow.name) has MTU \(narrow.mtu)",
                facts.source.command("ip link set dev \(link.word) mtu \(narrow.mtu)"))
        }
        if let narrow, narrow.isSilent {
            return Look(
                facts.trials.decisive == nil ? .suspect : .unknown,
                "\(link.name) has MTU \(size), \(narrow.name) \(narrow.mtu): larger packets are lost without a word",
                facts.source.command("ip link set dev \(link.word) mtu \(narrow.mtu)"))
        }
        return Look(.unknown, "\(link.name) has MTU \(size); whether as much arrives was not seen")
    }

    /// The smallest MTU on the way that is below the link's own, with whose it is; silent where nobody is told.
    private func narrowest(than size: UInt32) -> (name: String, mtu: UInt32, isSilent: Bool)? {
        var found: (name: String, mtu: UInt32, isSilent: Bool)?
        func consider(_ place: PathFacts.Place, _ link: Link?, isSilent: Bool) {
            guard let link, let mtu = link.mtu, mtu < size, mtu < found?.mtu ?? .max else { return }
            found = (place.describe(link), mtu, isSilent)
        }
        if let entry {
            consider(entry.attachment.place, entry.port, isSilent: true)
            consider(entry.attachment.place, entry.peer, isSilent: true)
        }
        if let router = facts.router, let way = router.through.route {
            consider(router.place, router.place.link(way.link), isSilent: isOnLink)
        }
        if let far = facts.far {
            if let attachment = far.attachment {
                consider(attachment.place, attachment.place.link(attachment.link), isSilent: true)
            }
            consider(far.place, far.place.link(far.link), isSilent: true)
        }
        return found
    }

    func target() -> Look {
        let trials = facts.trials
        switch trials.decisive {
        case .answered(let seconds)?: return Look(.ok, "\(facts.target) answers in \(Self.milliseconds(seconds)) ms")
        case .failed(let failure)?: return silent(failure)
        case nil: return Look(.unknown, trials.note ?? "nothing was sent to \(facts.target)")
        }
    }

    private func silent(_ failure: ProbeFailure) -> Look {
        if let far = facts.far, let look = farEnd(far) { return look }
        var evidence = "\(facts.target) "
        switch failure {
        case .refused: evidence += "refuses: it is there, and nothing listens"
        case .timeout: evidence += "does not answer"
        case .unreachableHost: evidence += "cannot be reached (EHOSTUNREACH)"
        case .unreachableNet: evidence += "is in a network that a router cannot reach"
        case .noRoute: evidence += "has no route to it (ENETUNREACH)"
        case .noGateway: evidence = "there is no gateway"
        case .noAddress: evidence = "there is no address to send from"
        case .noResolver: evidence = "resolv.conf names no server that can be asked"
        case .nameError: evidence += "has no answer to the question"
        case .nameTimeout: evidence += "does not answer the question"
        case .permission: evidence += "could not be tried: the kernel did not let us (EPERM)"
        case .socket: evidence += "could not be tried: there was no socket"
        }
        if let note = facts.trials.note { evidence += ": \(note)" }
        if isOnLink, isUnresolved, let hop = nextHop { evidence += "; nobody answers for \(hop) on the link" }
        if failure != .refused, facts.trials.service != nil, facts.trials.echo?.isAnswer == true {
            evidence += "; it answers an echo request"
        }
        if let router = facts.router, let outcome = facts.trials.fromRouter {
            evidence += outcome.isAnswer ? "; from \(router.place.name) it does" : "; nor from \(router.place.name)"
        }
        if facts.far?.ignoresEcho == true, facts.trials.service == nil, let far = facts.far {
            let name = facts.family == .ipv4 ? "net.ipv4.icmp_echo_ignore_all" : "net.ipv6.icmp.echo_ignore_all"
            return Look(.suspect, "\(evidence): \(name) = 1 in \(far.place.name)", sysctl(name, 0, in: far.place))
        }
        return Look(.suspect, evidence)
    }

    /// What is wrong with the link of the target, where that is known.
    private func farEnd(_ far: PathFacts.Far) -> Look? {
        guard let link = far.place.link(far.link) else { return nil }
        let has = "\(far.place.describe(link)), which has \(facts.destination.map { "\($0)" } ?? facts.target),"
        if !link.isAdministrativelyUp {
            return Look(.broken, "\(has) is down", far.place.command("ip link set dev \(link.word) up"))
        }
        let address = far.place.addresses.first { $0.link == far.link && $0.address == facts.destination }
        if address?.flags.contains(.dadFailed) == true {
            return Look(.broken, "\(has) has it as a duplicate (dadfailed)")
        }
        guard link.isVeth, let attachment = far.attachment, let peer = attachment.place.link(attachment.link) else {
            return nil
        }
        if !peer.isAdministrativelyUp {
            return Look(
                .broken, "\(has) leads to \(attachment.place.describe(peer)), which is down",
                attachment.place.command("ip link set dev \(peer.word) up"))
        }
        // The bridge by which the router, or on the link the source, gets there.
        let wanted =
            isOnLink
            ? entry?.peer
            : facts.router.flatMap { router in router.through.route.flatMap { router.place.link($0.link) } }
        let place = isOnLink ? entry?.attachment.place.name : facts.router?.place.name
        if let wanted, wanted.isKind("bridge"), place == attachment.place.name, peer.master != wanted.index {
            return Look(
                .broken, "\(has) leads to \(attachment.place.describe(peer)), which is no port of \(wanted.name)",
                attachment.place.command("ip link set dev \(peer.word) master \(wanted.word)"))
        }
        if let master = peer.master.flatMap({ attachment.place.link($0) }), !master.isAdministrativelyUp {
            return Look(
                .broken, "\(has) leads to \(attachment.place.describe(master)), which is down",
                attachment.place.command("ip link set dev \(master.word) up"))
        }
        if let state = peer.portState, state.rawValue != 3 {
            return Look(
                .broken, "\(has) leads to \(attachment.place.describe(peer)), a port in state \(state.name)",
                attachment.place.command("bridge link set dev \(peer.word) state 3"))
        }
        return nil
    }

    /// With two digits behind the point at least: no more is meant.
    private static func milliseconds(_ seconds: Double) -> String {
        let hundredths = Int((min(max(seconds, 0), 1e6) * 100_000).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
