internal import CLinux
internal import Glibc
internal import NetnsCore
internal import Synchronization

/// Tries: sockets, what comes of them, and what is written down.
extension ProbeLoop {
    func perform(_ action: ProbeTry.Action, _ flight: ProbeFlight) {
        var action = action
        while true {
            switch action {
            case .wait: return arm(flight)
            case .resolve(let name):
                guard reader.request(flight.id, name, in: flight.round.site) else {
                    action = flight.attempt.handle(.resolution(nil), at: .now())
                    continue
                }
                return arm(flight)
            case .open(let exchange):
                do throws(ProbeFailure) {
                    guard try open(exchange, flight) else { return close(flight) }
                    action = flight.attempt.handle(.opened, at: .now())
                    if case .wait = action { return drain(flight) }
                } catch {
                    action = flight.attempt.handle(.failed(refined(error, exchange.address, flight.round)), at: .now())
                }
            case .echo(let sequence):
                flight.track.statistics.noteSent()
                flight.track.sequence = sequence &+ 1
                do throws(ProbeFailure) {
                    try flight.socket?.echo(sequence, nonce: flight.track.nonce)
                    // On a veth the reply is there before sendto(2) returns.
                    return drain(flight)
                } catch {
                    let address = flight.attempt.address
                    action = flight.attempt.handle(.failed(refined(error, address, flight.round)), at: .now())
                }
            case .end: return end(flight)
            }
        }
    }

    /// Opens a socket in the try's namespace; false when that is gone, or we may not.
    func open(_ exchange: ProbeTry.Exchange, _ flight: ProbeFlight) throws(ProbeFailure) -> Bool {
        flight.socket = nil
        flight.isWatched = false
        do throws(Errno) { try enter(flight.round.site) } catch {
            if error.meansGone { return false }
            ledger.count("probe", error)
            guard error.meansDenied else { throw .socket }
            forget(flight.round)
            return false
        }
        let socket: ProbeSocket
        switch exchange {
        case .echo(let address):
            do throws(ProbeFailure) { socket = try .echo(address, identifier: flight.track.identifier) } catch {
                guard error == .permission, let denial = ProbeSocket.echoDenial(address.address.family) else {
                    throw error
                }
                ledger.count("probe", denial)
                forget(flight.round)
                return false
            }
        case .connect(let address): socket = try .connect(address)
        case .datagram(let address, let message): socket = try .datagram(address, message)
        case .stream(let address, let message): socket = try .stream(address, message)
        }
        // The kernel may have given the inode to another namespace since the last collection.
        if let cookie = flight.round.site.cookie, let found = socket.namespaceCookie, cookie != found { return false }
        flight.track.socket = socket.kind
        flight.socket = consume socket
        return true
    }

    /// Takes what has come, and has epoll watch for more.
    func drain(_ flight: ProbeFlight) {
        for _ in 0..<Self.inputsATurn {
            guard let action = receive(flight) else { return watch(flight) }
            switch action {
            case .wait: continue
            default: return perform(action, flight)
            }
        }
        unread.append(flight.id)
        arm(flight)
    }

    /// Takes one thing that has come, and says what to do about it; nil when nothing has.
    func receive(_ flight: ProbeFlight) -> ProbeTry.Action? {
        guard let input = flight.socket?.receive(buffer) else { return nil }
        let now = Instant.now()
        switch input {
        case .none: return nil
        case .noise: noteStray()
        case .failed(let failure):
            return flight.attempt.handle(.failed(refined(failure, flight.attempt.address, flight.round)), at: now)
        case .connected(let seconds): return flight.attempt.handle(.connected(seconds), at: now)
        case .message(let count, let seconds):
            let action = flight.attempt.handle(.message(buffer.bytes(count), seconds), at: now)
            if case .wait = action { noteStray() }
            return action
        case .reply(let reply, let seconds):
            let track = flight.track
            guard reply.nonce == track.nonce else {
                noteStray()
                return .wait
            }
            guard flight.attempt.isOwn(reply.sequence) else {
                track.statistics.noteLate()
                return .wait
            }
            guard !flight.attempt.isRepeated(reply.sequence) else {
                track.statistics.noteDuplicate()
                return .wait
            }
            guard !flight.isOver, seconds <= flight.round.probe.timeout else {
                track.statistics.noteLate()
                return .wait
            }
            track.statistics.noteReceived(seconds, prober.buckets)
            return flight.attempt.handle(.replied(sequence: reply.sequence, seconds), at: now)
        }
        return .wait
    }

    func noteStray() { prober.state.withLock { $0.strays += 1 } }

    /// Has epoll tell when more comes.
    func watch(_ flight: ProbeFlight) {
        if !flight.isWatched, !flight.isOver, let raw = flight.socket?.rawValue {
            let events = ND_EPOLLIN | ND_EPOLLOUT | ND_EPOLLET
            let result = nd_epoll_add(epoll.rawValue, raw, events, flight.id)
            if result < 0 { ledger.count("probe", Errno(rawValue: -result)) }
            flight.isWatched = true
        }
        arm(flight)
    }

    func arm(_ flight: ProbeFlight) {
        guard !flight.isOver else { return }
        if let timer = flight.timer { wheel.cancel(timer) }
        flight.timer = wheel.set(.flight(flight.id), at: flight.attempt.deadline)
    }

    func expire(_ flight: ProbeFlight) {
        flight.timer = nil
        // What came in time counts, even if nobody has looked at it yet.
        drain(flight)
        if flight.isOver || flights[flight.id] == nil { return close(flight) }
        perform(flight.attempt.handle(.tick, at: .now()), flight)
    }

    /// Writes down how a try ended. The socket of an echo that was answered stays a moment for what comes again.
    func end(_ flight: ProbeFlight) {
        let attempt = flight.attempt
        let track = flight.track
        if flight.round.probe.kind != .icmp {
            for _ in 0..<attempt.sent { track.statistics.noteSent() }
            if attempt.received > 0, let seconds = attempt.roundTrip {
                track.statistics.noteReceived(seconds, prober.buckets)
            }
        }
        track.statistics.noteEnd(
            attempt.failure, sent: attempt.sent, received: attempt.received, at: WallClock.now())
        publish(track, flight.round)
        if attempt.failure == nil || attempt.failure == .refused { track.lastAnswer = .now() }
        // Perhaps since the gateway is another by now.
        if attempt.failure != nil, flight.round.gateways?.isLarge == false { flight.round.gateways = nil }
        guard flight.round.probe.kind == .icmp, attempt.failure == nil, flight.socket != nil, !flight.isOver else {
            return close(flight)
        }
        flight.isOver = true
        let left = min(Self.linger, flight.round.probe.timeout / 4)
        if let timer = flight.timer { wheel.cancel(timer) }
        flight.timer = wheel.set(.flight(flight.id), at: Instant.now().advanced(bySeconds: left))
    }

    func close(_ flight: ProbeFlight) {
        flight.socket = nil
        if let timer = flight.timer { wheel.cancel(timer) }
        flight.timer = nil
        flights[flight.id] = nil
        if flight.track.flight === flight { flight.track.flight = nil }
        if flight.isOver { publish(flight.track, flight.round) }
    }

    func publish(_ track: ProbeTrack, _ round: ProbeRound) {
        guard round.tracks[track.target] === track, roundsByID[round.id] != nil else { return }
        let result = ProbeResult(
            serial: round.site.serial, probe: round.probe.name, kind: round.probe.kind, target: track.target,
            socket: track.socket, statistics: track.statistics)
        prober.board.withLock { $0[track.id] = result }
    }

    /// A failure for want of a route is one for want of an address where there is none to send from.
    func refined(_ failure: ProbeFailure, _ address: ProbeAddress?, _ round: ProbeRound) -> ProbeFailure {
        guard failure == .noRoute || failure == .noGateway, (try? enter(round.site)) != nil,
            var socket = try? NetlinkSocket()
        else { return failure }
        var addresses: [InterfaceAddress] = []
        guard (try? socket.dumpAddresses(into: &addresses, buffer: netlinkBuffer)) != nil else { return failure }
        let usable = addresses.contains { found in
            !found.address.isLoopback && !(found.address.family == .ipv6 && found.address.isLinkLocal)
                && (address.map { $0.address.family == found.address.family } ?? true)
        }
        return usable ? failure : .noAddress
    }
}

extension ProbeTry.Exchange {
    fileprivate var address: ProbeAddress {
        switch self {
        case .echo(let address), .connect(let address), .datagram(let address, _), .stream(let address, _): address
        }
    }
}
