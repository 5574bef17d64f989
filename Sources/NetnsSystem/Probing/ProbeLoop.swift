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
    static let tick = 0.002
    /// Tries of which one turn takes care before it looks at the sockets again.
    static let roundsATurn = 64
    /// What is read of one socket before the others have their turn.
    static let inputsATurn = 64
    /// How long to wait for a reply to come again, seconds: a looping or doubled packet is hardly behind the first.
    static let linger = 0.02
    /// Targets of one probe in one namespace at most.
    static let maximumTargets = 8
    /// Seconds for which a namespace's gateways are taken for known while they answer: looking through its routes costs as
    /// much as the probe itself. And for those of one with very many routes, whether they answer or not.
    static let gatewayAge = 5.0
    static let gatewayAgeOfMany = 30.0
    /// Routes of a namespace that are looked through for gateways.
    static let maximumRoutes = 100_000
    /// Seconds for which a neighbour that answered stays in the kernel's table at least (gc_stale_time is 60).
    static let neighbourAge = 30.0

    let prober: Prober
    let paths: SystemPaths
    let maximumTries: Int
    let ledger: ErrorLedger
    let reader: ResolverReader
    let epoll: FileDescriptor
    let home: NamespaceHandle
    /// Keeps the kernel stamping packets: else each socket that asks for stamps switches that on and off again.
    let stamps: FileDescriptor
    var neighbours: NeighbourTables
    let netlinkBuffer = NetlinkBuffer()
    let buffer = ProbeBuffer()
    var wheel: TimerWheel<Timer>
    var generator = SystemRandomNumberGenerator()
    var nextID: UInt64 = 1

    var probes: [Probe] = []
    var sites: [ProbeSite] = []
    var host: ProbeSite?
    var rounds: [ProbeRound.Key: ProbeRound] = [:]
    var roundsByID: [UInt64: ProbeRound] = [:]
    var flights: [UInt64: ProbeFlight] = [:]
    /// Rounds that wait for a namespace's resolv.conf.
    var waiting: [UInt64: ProbeRound] = [:]
    /// Flights whose sockets had more than a turn's inputs.
    var unread: [UInt64] = []
    /// Rounds whose time has come.
    var due: [UInt64] = []
    /// The namespace that the thread is in; nil at home.
    var inside: ProbeSite?
    var hostAddress: (found: ProbeAddress?, next: Instant)?

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

    func wait(_ events: inout InlineArray<64, nd_event>) -> Int {
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
    func readInbox() -> Bool {
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
    func plan() {
        let now = Instant.now()
        // Without the right to enter any other there is nothing to try there.
        let reachable = Capability.missing(of: [.sysAdmin]).isEmpty ? sites : sites.filter(\.isOwn)
        var wanted: Set<ProbeRound.Key> = []
        wanted.reserveCapacity(rounds.count)
        for (number, probe) in probes.enumerated() {
            for site in reachable where probe.namespaces.matches(site.identity) || site.isHost && probe.isSharedWithHost
            {
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

    func drop(_ round: ProbeRound) {
        if let timer = round.timer { wheel.cancel(timer) }
        roundsByID[round.id] = nil
        waiting[round.id] = nil
        forget(round)
    }

    func drop(_ track: ProbeTrack) {
        if let flight = track.flight { close(flight) }
        prober.board.withLock { $0[track.id] = nil }
    }

    func newID() -> UInt64 {
        nextID += 1
        return nextID
    }

    // MARK: Namespaces

    /// Moves the thread into a namespace.
    func enter(_ site: ProbeSite) throws(Errno) {
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
    func goHome() -> Bool {
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
}
