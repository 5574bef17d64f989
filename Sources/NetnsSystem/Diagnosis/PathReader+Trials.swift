internal import CLinux
internal import Glibc
internal import NetnsCore

/// What is sent: to the target, and to nothing else. The thread is in the source.
extension PathReader {
    // MARK: Where to

    /// Finds the target's address, and what it is tried by.
    func findTarget() {
        facts.family = likelyFamily
        switch request.target {
        case .address(let address): facts.destination = address
        case .gateway:
            facts.kind = .gateway
            facts.destination = source.routes.defaults.lazy.compactMap(\.gateway).first
            if facts.destination == nil { facts.trials.echo = .failed(.noGateway) }
        case .resolver:
            let server = ResolverFiles.guardedResolution(of: nil, in: site, paths)?.servers.first
            facts.destination = server?.address
            port = request.port ?? server?.port
            if server == nil { facts.trials.service = .failed(.noResolver) }
        case .peer:
            facts.destination = entry.flatMap { firstAddress(of: [$0.peer, $0.ingress], in: $0.sample) }
            if facts.destination == nil { facts.trials.echo = .failed(.noAddress) }
            facts.trials.note = facts.destination == nil ? "the other end has no address" : nil
        case .host:
            facts.destination = hostAddress
            if facts.destination == nil { facts.trials.echo = .failed(.noAddress) }
            facts.trials.note = facts.destination == nil ? "the host has no address" : nil
        case .name(let name): resolve(name)
        }
        if let destination = facts.destination { facts.family = destination.family }
    }

    /// That of the addresses it has, for a target without one.
    private var likelyFamily: IPFamily {
        let families = source.addresses.lazy.filter(\.isUseful).map(\.address.family)
        return families.contains(.ipv4) || !families.contains(.ipv6) ? .ipv4 : .ipv6
    }

    private func firstAddress(of links: [Link], in sample: NamespaceSample) -> IPAddress? {
        for link in links {
            let found = sample.addresses.first {
                $0.link == link.index && $0.isUseful && $0.address.family == facts.family
            }
            if let found { return found.address }
        }
        return nil
    }

    /// The host's address on the way out of the source, or else the one with which the host goes out.
    private var hostAddress: IPAddress? {
        guard let host = namespaces.first(where: \.isHost) else { return nil }
        let near = source.routes.defaults.lazy.compactMap(\.gateway).first { gateway in
            host.addresses.contains { $0.address == gateway }
        }
        if let near { return near }
        let ways = host.routes.defaults.compactMap { route in host.links.first { $0.index == route.link } }
        return firstAddress(of: ways, in: host) ?? firstAddress(of: host.links, in: host)
    }

    /// Resolves a name as the namespace does. When that fails, the way is that to its name server.
    private func resolve(_ name: String) {
        let resolution = ResolverFiles.guardedResolution(of: name, in: site, paths)
        switch LiveProbe.address(of: name, timeout: request.timeout, resolve: { _ in resolution }) {
        case .success(let address): facts.destination = address
        case .failure(let failure):
            let server = resolution?.servers.first
            facts.destination = server?.address
            facts.trials.service = .failed(failure)
            let asked = server.map { " at \($0.address)" } ?? ""
            facts.trials.note =
                switch failure {
                case .nameError: "\(name) does not exist\(asked), or its server cannot tell (NXDOMAIN, SERVFAIL)"
                case .nameTimeout: "\(name) could not be resolved\(asked) in \(request.timeout) s"
                case .noResolver: "\(name) could not be resolved: resolv.conf names no server"
                default: "\(name) could not be resolved\(asked): \(failure.rawValue)"
                }
        }
    }

    // MARK: What is tried

    /// Tries the target from the source, unless there is no way to it.
    func tryTarget(_ link: Link?) {
        guard let destination = facts.destination else { return }
        guard let route = facts.route.route else {
            if facts.trials.decisive == nil, case .refused = facts.route { facts.trials.echo = .failed(.noRoute) }
            return
        }
        let scope = destination.isLinkLocal ? route.link : 0
        let goal = ProbeAddress(destination, link: scope)
        facts.trials.echo = attempt(.icmp, goal).outcome
        // A name that was not resolved leads to nothing else.
        if facts.trials.service == nil, request.kind != .icmp { trySpecial(goal) }
        guard facts.trials.echo?.isAnswer == true, !route.isLocal, let mtu = link?.mtu else { return }
        let header: UInt32 = destination.family == .ipv4 ? 20 : 40
        guard mtu > header + 64, mtu <= 65535 else { return }
        facts.trials.large = attempt(.icmp, goal, size: Int(mtu - header)).outcome
        guard facts.trials.large?.isAnswer == false, var socket = try? NetlinkSocket() else { return }
        let again = socket.route(
            to: destination, output: destination.isLinkLocal && scope != 0 ? scope : nil, buffer: buffer)
        guard let learnt = again.route, let size = learnt.mtu, size < mtu, size > header + 64 else { return }
        facts.route = again
        facts.trials.learnt = attempt(.icmp, goal, size: Int(size - header)).outcome
    }

    /// A connection, or a question.
    private func trySpecial(_ goal: ProbeAddress) {
        let (outcome, socket) = attempt(request.kind, goal)
        facts.trials.service = outcome
        guard case .failed(let failure) = outcome, request.kind == .dns else { return }
        let query = request.query ?? ""
        if socket == .tcp {
            facts.trials.note =
                "its answer was truncated (TC), and TCP, by which the whole is asked for, fails: \(failure)"
        } else if failure == .nameError {
            facts.trials.note =
                "\(query) does not exist or has no \(request.queryType.rawValue), or it cannot tell (NXDOMAIN, SERVFAIL)"
        }
    }

    /// The same once more from the router, when it failed from the source.
    func tryFromRouter() {
        guard let destination = facts.destination, let router = facts.router, facts.trials.decisive?.isAnswer == false,
            facts.kind != .gateway, router.place.owner(of: destination) == nil,
            let sample = namespaces.first(where: { $0.name == router.place.name })
        else { return }
        let kind = facts.trials.service != nil && !isName ? request.kind : .icmp
        facts.trials.fromRouter = visit(sample) { () throws(Errno) in attempt(kind, ProbeAddress(destination)).outcome }
    }

    private var isName: Bool { if case .name = request.target { true } else { false } }

    /// One try, from where the thread is.
    private func attempt(
        _ kind: Probe.Kind, _ address: ProbeAddress, size: Int? = nil
    ) -> (outcome: PathFacts.Outcome, socket: ProbeResult.Socket?) {
        var goal = address
        if kind != .icmp { goal.port = port ?? request.port ?? (kind == .dns ? 53 : 0) }
        // Any answer of a name server will do where no name is asked for; every one knows this (RFC 6761).
        let probe = Probe(
            name: "diagnose", kind: kind, target: .host("", port: nil), interval: request.timeout,
            timeout: request.timeout, query: request.query ?? "localhost.", queryType: request.queryType)
        let result = LiveProbe.run(probe, .address(goal), size: size ?? 64, refusesFragments: size != nil)
        if let failure = result.failure {
            if kind == .dns, request.query == nil, failure == .nameError { return (.answered(0), result.socket) }
            return (.failed(failure), result.socket)
        }
        return (.answered(result.roundTrip ?? 0), result.socket)
    }
}
