internal import CLinux
internal import Glibc
internal import NetnsCore
internal import Synchronization

/// What the prober's thread does: it waits for sockets and for the time, enters namespaces for moments, and goes home before
/// it waits again.
///
/// Concurrency: belongs to the prober's thread.
final class ProbeLoop {
    /// Whose time has come.
    enum Timer: Sendable {
        case round(UInt64)
        case flight(UInt64)
    }

    /// Timers have this resolution, seconds: a thousand tries a second are then done in a few hundred wakings.
    private static let tick = 0.002
    /// Tries of which one turn takes care before it looks at the sockets again.
    private static let roundsATurn = 64
    /// What is read of one socket before the others have their turn.
    private static let inputsATurn = 64
    /// How long to wait for a reply to come again, seconds: a looping or doubled packet is hardly behind the first.
    private static let linger = 0.02
    /// Targets of one probe in one namespace at most.
    static let maximumTargets = 8
    /// Seconds for which a namespace's gateways are taken for known while they answer: looking through its routes costs as
    /// much as the probe itself. And for those of one with very many routes, whether they answer or not.
    private static let gatewayAge = 5.0
    private static let gatewayAgeOfMany = 30.0
    /// Seconds for which a neighbour that answered stays in the kernel's table at least (gc_stale_time is 60).
    private static let neighbourAge = 30.0

    private let prober: Prober
    private let paths: SystemPaths
    private let maximumTries: Int
    private let ledger: ErrorLedger
    private let reader: ResolverReader
    private let epoll: FileDescriptor
    private let home: NamespaceHandle
    /// Keeps the kernel stamping packets: else each socket that asks for stamps switches that on and off again.
    private let stamps: FileDescriptor
    private var neighbours: NeighbourTables
    private let netlinkBuffer = NetlinkBuffer()
    private let buffer = ProbeBuffer()
    private var wheel: TimerWheel<Timer>
    private var generator = SystemRandomNumberGenerator()
    private var nextID: UInt64 = 1

    private var probes: [Probe] = []
    private var sites: [ProbeSite] = []
    private var host: ProbeSite?
    private var rounds: [ProbeRound.Key: ProbeRound] = [:]
    private var roundsByID: [UInt64: ProbeRound] = [:]
    private var flights: [UInt64: ProbeFlight] = [:]
    /// Rounds that wait for a namespace's resolv.conf.
    private var waiting: [UInt64: ProbeRound] = [:]
    /// Flights whose sockets had more than a turn's inputs.
    private var unread: [UInt64] = []
    /// Rounds whose time has come.
    private var due: [UInt64] = []
    /// The namespace that the thread is in; nil at home.
    private var inside: ProbeSite?
    private var hostAddress: (found: ProbeAddress?, next: Instant)?

    init(
        _ prober: Prober, _ paths: SystemPaths, _ maximumTries: Int, _ ledger: ErrorLedger, _ reader: ResolverReader
    ) throws(Errno) {
        self.prober = prober
        self.paths = paths
        self.maximumTries = max(maximumTries, 1)
        self.ledger = ledger
        self.reader = reader
        neighbours = NeighbourTables(procfs: paths.procfs)
        epoll = try syscall { nd_epoll_create() }.asDescriptor
        home = try NamespaceHandle.current()
        stamps = try syscall { nd_socket(AF_INET, ND_SOCK_DGRAM, 0) }.asDescriptor
        _ = nd_set_option(stamps.rawValue, SOL_SOCKET, ND_SO_TIMESTAMPNS, 1)
        wheel = TimerWheel(tick: Self.tick, at: .now())
        let epoll = epoll.rawValue
        _ = try syscall { nd_epoll_add(epoll, prober.wakeupDescriptor, ND_EPOLLIN, 0) }
    }

    /// Waits for something to do and does it; false when it is to end, or cannot get home.
    func turn() -> Bool {
        guard goHome() else { return false }
        var events = InlineArray<64, nd_event>(repeating: nd_event())
        let count = wait(&events)
        for index in 0..<max(count, 0) {
            let id = events[index].data
            if id == 0 {
                guard readInbox() else { return false }
            } else if let flight = flights[id] {
                drain(flight)
            }
        }
        let again = unread
        unread.removeAll(keepingCapacity: true)
        for id in again { if let flight = flights[id] { drain(flight) } }
        var fired: [Timer] = []
        wheel.expire(at: .now(), into: &fired)
        for timer in fired {
            switch timer {
            case .round(let id): due.append(id)
            case .flight(let id): if let flight = flights[id] { expire(flight) }
            }
        }
        let now = due.prefix(Self.roundsATurn)
        due.removeFirst(now.count)
        if !now.isEmpty, goHome() { neighbours.refresh(at: .now()) }
        for id in now { if let round = roundsByID[id] { start(round) } }
        return true
    }

    private func wait(_ events: inout InlineArray<64, nd_event>) -> Int {
        var milliseconds: Int32 = -1
        if !due.isEmpty || !unread.isEmpty {
            milliseconds = 0
        } else if let next = wheel.next {
            // Rounded up, so that it does not wake before there is something to do.
            milliseconds = Int32(min((next.seconds(since: .now()) * 1000).rounded(.up), 60_000))
        }
        let epoll = epoll.rawValue
        var span = events.mutableSpan
        return Int(
            unsafe span.withUnsafeMutableBufferPointer {
                unsafe nd_epoll_wait(epoll, $0.baseAddress, Int32($0.count), milliseconds)
            })
    }

    // MARK: What is to be done

    /// Takes what others sent; false when it is to end.
    private func readInbox() -> Bool {
        var counter: UInt64 = 0
        _ = unsafe read(prober.wakeupDescriptor, &counter, 8)
        let inbox = prober.inbox.withLock { inbox in
            defer { inbox = Prober.Inbox(isStopping: inbox.isStopping) }
            return inbox
        }
        if inbox.isStopping { return false }
        if let probes = inbox.probes { self.probes = probes }
        if let sites = inbox.sites {
            self.sites = sites
            host = sites.first(where: \.isHost)
        }
        if inbox.probes != nil || inbox.sites != nil { plan() }
        for (token, resolution) in inbox.resolutions {
            if let round = waiting.removeValue(forKey: token) {
                begin(round, resolution?.servers.map { ($0.address.description, .address($0)) } ?? [], or: .noResolver)
            } else if let flight = flights[token], !flight.isOver {
                perform(flight.attempt.handle(.resolution(resolution), at: .now()), flight)
            }
        }
        return true
    }

    /// Makes the rounds that there should be, and drops those that should not.
    private func plan() {
        let now = Instant.now()
        var wanted: Set<ProbeRound.Key> = []
        wanted.reserveCapacity(rounds.count)
        for (number, probe) in probes.enumerated() {
            for site in sites where probe.namespaces.matches(site.identity) || site.isHost && probe.isSharedWithHost {
                let key = ProbeRound.Key(serial: site.serial, probe: probe.name)
                wanted.insert(key)
                if let round = rounds[key], round.probe == probe {
                    round.site = site
                    continue
                }
                if let old = rounds[key] { drop(old) }
                // The golden ratio: wherever the numbering begins, neighbours are far apart and all are spread evenly.
                let phase =
                    (Double(site.serial % 1_000_000) * 0.618_033_988_749_895 + Double(number) * 0.324_717_957_244_746)
                let due = now.advanced(bySeconds: (phase - phase.rounded(.down)) * probe.interval)
                let round = ProbeRound(id: newID(), probe: probe, site: site, due: due)
                round.timer = wheel.set(.round(round.id), at: due)
                rounds[key] = round
                roundsByID[round.id] = round
            }
        }
        for (key, round) in rounds where !wanted.contains(key) {
            drop(round)
            rounds[key] = nil
        }
    }

    private func drop(_ round: ProbeRound) {
        if let timer = round.timer { wheel.cancel(timer) }
        roundsByID[round.id] = nil
        waiting[round.id] = nil
        for track in round.tracks.values { drop(track) }
        round.tracks = [:]
    }

    private func drop(_ track: ProbeTrack) {
        if let flight = track.flight { close(flight) }
        prober.board.withLock { $0[track.id] = nil }
    }

    private func newID() -> UInt64 {
        nextID += 1
        return nextID
    }

    // MARK: Namespaces

    /// Moves the thread into a namespace.
    private func enter(_ site: ProbeSite) throws(Errno) {
        if let inside, inside === site { return }
        if site.isOwn {
            guard goHome() else { throw .stale }
            return
        }
        let handle = try site.open(paths)
        try handle.enter()
        inside = site
    }

    /// Moves the thread home. False when it cannot: it must end, since it would hold a namespace, and act in it.
    private func goHome() -> Bool {
        guard inside != nil else { return true }
        do throws(Errno) {
            try home.enter()
            inside = nil
            return true
        } catch {
            ledger.count("return", error)
            return false
        }
    }

    // MARK: Rounds

    private func start(_ round: ProbeRound) {
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
        // Whoever was reached lately is in the table already.
        if neighbours.isNearlyFull, round.lastAnswer.map({ now.seconds(since: $0) > Self.neighbourAge }) ?? true {
            prober.state.withLock { $0.heldBack += 1 }
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
    private func address(_ text: String, _ port: UInt16, _ round: ProbeRound) -> ProbeAddress? {
        let parts = text.split(separator: "%", maxSplits: 1)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        guard parts.count == 2, (try? enter(round.site)) != nil else { return ProbeAddress(address, port: port) }
        let named = unsafe String(parts[1]).withCString { unsafe if_nametoindex($0) }
        let index = named != 0 ? named : UInt32(parts[1]) ?? 0
        return ProbeAddress(address, link: Int32(clamping: index), port: port)
    }

    private func startGateways(_ round: ProbeRound, at now: Instant) {
        if let known = round.gateways, now < known.next, known.found.isEmpty || (try? enter(round.site)) != nil {
            return begin(round, goals(known.found, round), or: .noGateway)
        }
        do throws(Errno) {
            try enter(round.site)
            var routes = RouteSummary()
            var socket = try NetlinkSocket()
            do throws(NetlinkError) {
                try socket.dumpRoutes(into: &routes, limit: 1_000_000, buffer: netlinkBuffer)
            } catch {
                if case .errno(let errno) = error { throw errno }
                ledger.count("probe_routes", error.reason)
                return begin(round, [], or: .socket)
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

    private func goals(_ routes: [DefaultRoute], _ round: ProbeRound) -> [(String, ProbeTry.Goal)] {
        routes.compactMap { route in
            guard let gateway = route.gateway else { return nil }
            let address = ProbeAddress(gateway, link: gateway.isLinkLocal && gateway.family == .ipv6 ? route.link : 0)
            return (label(address), .address(address))
        }
    }

    /// The address as ip(8) writes it, a link-local one with its device. The thread is in the namespace then.
    private func label(_ address: ProbeAddress) -> String {
        guard address.link != 0 else { return address.address.description }
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        let found = unsafe name.withUnsafeMutableBufferPointer {
            unsafe if_indextoname(UInt32(address.link), $0.baseAddress) != nil
        }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return address.address.description + "%" + (found ? PrintableText.string(bytes) : "\(address.link)")
    }

    /// The address with which the host goes out: of the device of its first default route, else of any other.
    private func addressOfHost(at now: Instant) -> ProbeAddress? {
        if let hostAddress, now < hostAddress.next { return hostAddress.found }
        guard let host, (try? enter(host)) != nil, var socket = try? NetlinkSocket() else { return nil }
        var addresses: [InterfaceAddress] = []
        var routes = RouteSummary()
        try? socket.dumpAddresses(into: &addresses, buffer: netlinkBuffer)
        try? socket.dumpRoutes(into: &routes, limit: 1_000_000, buffer: netlinkBuffer)
        let usable = addresses.filter { !$0.address.isLoopback && !$0.address.isLinkLocal }
        let found = usable.first { address in routes.defaults.contains { $0.link == address.link } } ?? usable.first
        hostAddress = (found.map { ProbeAddress($0.address) }, now.advanced(bySeconds: 5))
        return hostAddress?.found
    }

    /// The namespace could not be entered. One that is gone says nothing.
    private func fail(_ round: ProbeRound, _ error: Errno) {
        guard !error.meansGone else { return }
        ledger.count("probe", error)
        begin(round, [], or: error.meansDenied ? .permission : .socket)
    }

    /// Starts a try towards each target, and forgets targets that are none any more. Without any, the probe fails for a
    /// reason.
    private func begin(_ round: ProbeRound, _ goals: [(label: String, goal: ProbeTry.Goal)], or failure: ProbeFailure) {
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

    private func track(_ label: String, _ round: ProbeRound) -> ProbeTrack {
        if let known = round.tracks[label] { return known }
        let track = ProbeTrack(
            id: newID(), target: label, nonce: generator.next(), statistics: ProbeStatistics(prober.buckets))
        round.tracks[label] = track
        return track
    }

    // MARK: Tries

    private func perform(_ action: ProbeTry.Action, _ flight: ProbeFlight) {
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

    /// Opens a socket in the try's namespace; false when that is gone.
    private func open(_ exchange: ProbeTry.Exchange, _ flight: ProbeFlight) throws(ProbeFailure) -> Bool {
        flight.socket = nil
        flight.isWatched = false
        do throws(Errno) { try enter(flight.round.site) } catch {
            if error.meansGone { return false }
            ledger.count("probe", error)
            throw error.meansDenied ? .permission : .socket
        }
        let socket: ProbeSocket
        switch exchange {
        case .echo(let address): socket = try .echo(address, identifier: flight.track.identifier)
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
    private func drain(_ flight: ProbeFlight) {
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
    private func receive(_ flight: ProbeFlight) -> ProbeTry.Action? {
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

    private func noteStray() { prober.state.withLock { $0.strays += 1 } }

    /// Has epoll tell when more comes.
    private func watch(_ flight: ProbeFlight) {
        if !flight.isWatched, !flight.isOver, let raw = flight.socket?.rawValue {
            let events = ND_EPOLLIN | ND_EPOLLOUT | ND_EPOLLET
            let result = nd_epoll_add(epoll.rawValue, raw, events, flight.id)
            if result < 0 { ledger.count("probe", Errno(rawValue: -result)) }
            flight.isWatched = true
        }
        arm(flight)
    }

    private func arm(_ flight: ProbeFlight) {
        guard !flight.isOver else { return }
        if let timer = flight.timer { wheel.cancel(timer) }
        flight.timer = wheel.set(.flight(flight.id), at: flight.attempt.deadline)
    }

    private func expire(_ flight: ProbeFlight) {
        flight.timer = nil
        // What came in time counts, even if nobody has looked at it yet.
        drain(flight)
        if flight.isOver || flights[flight.id] == nil { return close(flight) }
        perform(flight.attempt.handle(.tick, at: .now()), flight)
    }

    /// Writes down how a try ended. The socket of an echo that was answered stays a moment for what comes again.
    private func end(_ flight: ProbeFlight) {
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
        if attempt.failure == nil || attempt.failure == .refused { flight.round.lastAnswer = .now() }
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

    private func close(_ flight: ProbeFlight) {
        flight.socket = nil
        if let timer = flight.timer { wheel.cancel(timer) }
        flight.timer = nil
        flights[flight.id] = nil
        if flight.track.flight === flight { flight.track.flight = nil }
        if flight.isOver { publish(flight.track, flight.round) }
    }

    private func publish(_ track: ProbeTrack, _ round: ProbeRound) {
        guard round.tracks[track.target] === track, roundsByID[round.id] != nil else { return }
        let result = ProbeResult(
            serial: round.site.serial, probe: round.probe.name, kind: round.probe.kind, target: track.target,
            socket: track.socket, statistics: track.statistics)
        prober.board.withLock { $0[track.id] = result }
    }

    /// A failure for want of a route is one for want of an address where there is none to send from.
    private func refined(_ failure: ProbeFailure, _ address: ProbeAddress?, _ round: ProbeRound) -> ProbeFailure {
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
