internal import Glibc
internal import NetnsCore
internal import Synchronization

/// Rounds: what a probe's target is just now, and a try for each.
extension ProbeLoop {
    func start(_ round: ProbeRound) {
        let now = Instant.now()
        var next = round.due.advanced(bySeconds: round.probe.interval)
        if next < now {
            // Late by more than an interval: what was missed is not made up for.
            prober.state.withLock { $0.overruns += 1 }
            next = now.advanced(bySeconds: round.probe.interval)
        }
        round.due = next
        round.timer = wheel.set(.round(round.id), at: next)
        guard flights.count < maximumTries else {
            prober.state.withLock { $0.overruns += 1 }
            return
        }
        switch round.probe.target {
        case .gateway: startGateways(round, at: now)
        case .resolver:
            waiting[round.id] = round
            if !reader.request(round.id, nil, in: round.site) { waiting[round.id] = nil }
        case .peer:
            begin(round, round.site.peers.map { (label($0), .address($0)) }, or: .noAddress)
        case .ownHost:
            begin(round, addressOfHost(at: now).map { [(label($0), .address($0))] } ?? [], or: .noAddress)
        case .host(let name, let port):
            let port = port ?? (round.probe.kind == .dns ? 53 : 0)
            let goal: ProbeTry.Goal = address(name, port, round).map { .address($0) } ?? .name(name, port: port)
            begin(round, [(round.probe.target.text, goal)], or: .noAddress)
        }
    }

    /// An address of the configuration, with the index that its zone has in the namespace.
    func address(_ text: String, _ port: UInt16, _ round: ProbeRound) -> ProbeAddress? {
        let parts = text.split(separator: "%", maxSplits: 1)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        guard parts.count == 2, (try? enter(round.site)) != nil else { return ProbeAddress(address, port: port) }
        let named = unsafe String(parts[1]).withCString { unsafe if_nametoindex($0) }
        let index = named != 0 ? named : UInt32(parts[1]) ?? 0
        return ProbeAddress(address, link: Int32(clamping: index), port: port)
    }

    func startGateways(_ round: ProbeRound, at now: Instant) {
        if let known = round.gateways, now < known.next, known.found.isEmpty || (try? enter(round.site)) != nil {
            // Of very many routes that cannot be read to their end, that none of the first was a default one says nothing.
            return begin(round, goals(known.found, round), or: known.isLarge ? .socket : .noGateway)
        }
        do throws(Errno) {
            try enter(round.site)
            var routes = RouteSummary()
            var socket = try NetlinkSocket()
            do throws(NetlinkError) {
                try socket.dumpRoutes(into: &routes, limit: Self.maximumRoutes, buffer: netlinkBuffer)
            } catch {
                if case .errno(let errno) = error { throw errno }
                ledger.count("probe_routes", error.reason)
                // Default routes come first. All other namespaces wait for this one's: it is not looked through again soon.
                round.gateways = (routes.defaults, now.advanced(bySeconds: Self.gatewayAgeOfMany), true)
                return begin(round, goals(routes.defaults, round), or: .socket)
            }
            let isLarge = routes[.ipv4] + routes[.ipv6] > 1000
            let answers =
                !routes.defaults.isEmpty && !round.tracks.isEmpty
                && round.tracks.values.allSatisfy { $0.statistics.isSuccess == true }
            let age = isLarge ? Self.gatewayAgeOfMany : answers ? Self.gatewayAge : 0
            round.gateways = (routes.defaults, now.advanced(bySeconds: age), isLarge)
            begin(round, goals(routes.defaults, round), or: .noGateway)
        } catch { fail(round, error) }
    }

    func goals(_ routes: [DefaultRoute], _ round: ProbeRound) -> [(String, ProbeTry.Goal)] {
        routes.compactMap { route in
            guard let gateway = route.gateway else { return nil }
            let address = ProbeAddress(gateway, link: gateway.isLinkLocal && gateway.family == .ipv6 ? route.link : 0)
            return (label(address), .address(address))
        }
    }

    /// The address as ip(8) writes it, a link-local one with its device. The thread is in the namespace then.
    func label(_ address: ProbeAddress) -> String {
        guard address.link != 0 else { return address.address.description }
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        let found = unsafe name.withUnsafeMutableBufferPointer {
            unsafe if_indextoname(UInt32(address.link), $0.baseAddress) != nil
        }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return address.address.description + "%" + (found ? PrintableText.string(bytes) : "\(address.link)")
    }

    /// The address with which the host goes out: of the device of its first default route, else of any other.
    func addressOfHost(at now: Instant) -> ProbeAddress? {
        if let hostAddress, now < hostAddress.next { return hostAddress.found }
        guard let host, (try? enter(host)) != nil, var socket = try? NetlinkSocket() else { return nil }
        var addresses: [InterfaceAddress] = []
        var routes = RouteSummary()
        try? socket.dumpAddresses(into: &addresses, buffer: netlinkBuffer)
        try? socket.dumpRoutes(into: &routes, limit: 1_000_000, buffer: netlinkBuffer)
        let usable = addresses.filter { !$0.address.isLoopback && !$0.address.isLinkLocal }
        let found = usable.first { address in routes.defaults.contains { $0.link == address.link } } ?? usable.first
        let isLarge = routes[.ipv4] + routes[.ipv6] > 1000
        let age = isLarge ? Self.gatewayAgeOfMany : Self.gatewayAge
        hostAddress = (found.map { ProbeAddress($0.address) }, now.advanced(bySeconds: age))
        return hostAddress?.found
    }

    /// The namespace could not be entered. One that is gone says nothing, and neither does one that we may not enter.
    func fail(_ round: ProbeRound, _ error: Errno) {
        guard !error.meansGone else { return }
        ledger.count("probe", error)
        error.meansDenied ? forget(round) : begin(round, [], or: .socket)
    }

    /// Takes back what was told of a probe that we have no right to: what is wrong is with us, not with the namespace.
    func forget(_ round: ProbeRound) {
        for track in round.tracks.values { drop(track) }
        round.tracks = [:]
    }

    /// Starts a try towards each target, and forgets targets that are none any more. Without any, the probe fails for a
    /// reason.
    func begin(_ round: ProbeRound, _ goals: [(label: String, goal: ProbeTry.Goal)], or failure: ProbeFailure) {
        let goals = goals.prefix(Self.maximumTargets)
        let labels = goals.isEmpty ? [round.probe.target.text] : goals.map(\.label)
        for (label, track) in round.tracks where !labels.contains(label) {
            drop(track)
            round.tracks[label] = nil
        }
        if goals.isEmpty {
            let track = track(labels[0], round)
            track.statistics.noteEnd(refined(failure, nil, round), sent: 0, received: 0, at: WallClock.now())
            return publish(track, round)
        }
        for (label, goal) in goals {
            guard !isHeldBack(goal, round.tracks[label]) else {
                prober.state.withLock { $0.heldBack += 1 }
                continue
            }
            let track = track(label, round)
            if let old = track.flight {
                // Where the timeout is the interval, the next try may begin a moment before the last one's time has come.
                drain(old)
                if !old.isOver, flights[old.id] != nil { perform(old.attempt.expire(), old) }
                close(old)
            }
            let now = Instant.now()
            let flight = ProbeFlight(
                id: newID(), round: round, track: track,
                attempt: ProbeTry(round.probe, goal, at: now, sequence: track.sequence, seed: generator.next()))
            track.flight = flight
            flights[flight.id] = flight
            perform(flight.attempt.begin(at: now), flight)
        }
    }

    /// Whether a try might fill a neighbour table. Whoever was reached lately is in it already.
    func isHeldBack(_ goal: ProbeTry.Goal, _ track: ProbeTrack?) -> Bool {
        var family: IPFamily?
        if case .address(let address) = goal { family = address.address.family }
        guard neighbours.isNearlyFull(family) else { return false }
        return track?.lastAnswer.map { Instant.now().seconds(since: $0) > Self.neighbourAge } ?? true
    }

    func track(_ label: String, _ round: ProbeRound) -> ProbeTrack {
        if let known = round.tracks[label] { return known }
        let track = ProbeTrack(
            id: newID(), target: label, nonce: generator.next(), statistics: ProbeStatistics(prober.buckets))
        round.tracks[label] = track
        return track
    }
}
