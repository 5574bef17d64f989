/// An address as a socket takes it.
public struct ProbeAddress: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The index of the link that a link-local address is on; 0 for none.
    public var link: Int32
    /// The port; 0 where there is none.
    public var port: UInt16

    /// An address.
    public init(_ address: IPAddress, link: Int32 = 0, port: UInt16 = 0) {
        self.address = address
        self.link = link
        self.port = port
    }
}

/// What a namespace resolves names with.
public struct NameResolution: Hashable, Sendable {
    /// Its resolv.conf.
    public var servers: [ProbeAddress]
    /// The names to ask for, by its search domains.
    public var names: [String]
    /// The addresses that its hosts file has for the name.
    public var known: [IPAddress]

    /// What was read.
    public init(servers: [ProbeAddress], names: [String], known: [IPAddress]) {
        self.servers = servers
        self.names = names
        self.known = known
    }
}

/// One try of a probe towards one target: what to do next, and how it ended. It does nothing by itself: it is told what
/// happened and when, and says what to do.
///
/// A name is resolved first, by the namespace's own servers one after the other; then the address is tried. At `deadline`
/// it wants to hear `.tick`. After `.end` it says nothing more than what late and repeated replies are.
public struct ProbeTry: Sendable {
    /// Where to.
    public enum Goal: Hashable, Sendable {
        case address(ProbeAddress)
        /// A name that is to be resolved inside.
        case name(String, port: UInt16)
    }

    /// What a socket is opened for.
    public enum Exchange: Hashable, Sendable {
        /// Echo requests, by `Action.echo`.
        case echo(ProbeAddress)
        /// A TCP connection, and nothing more.
        case connect(ProbeAddress)
        /// A datagram, and what comes back.
        case datagram(ProbeAddress, [UInt8])
        /// A DNS message over TCP, without its length, and what comes back.
        case stream(ProbeAddress, [UInt8])
    }

    /// What happened.
    public enum Event: Sendable {
        /// The namespace's files were read; nil when they could not.
        case resolution(NameResolution?)
        /// The socket is open, and what was to be sent was sent.
        case opened
        /// The exchange failed.
        case failed(ProbeFailure)
        /// An echo request was answered after so many seconds.
        case replied(sequence: UInt16, Double)
        /// The connection is there, after so many seconds.
        case connected(Double)
        /// A DNS message came, after so many seconds.
        case message([UInt8], Double)
        /// The deadline has come.
        case tick
    }

    /// What to do.
    public enum Action: Hashable, Sendable {
        /// Nothing: wait.
        case wait
        /// Read resolv.conf and the hosts file for this name.
        case resolve(String)
        /// Close the socket that is open, and open another.
        case open(Exchange)
        /// Send an echo request on the socket.
        case echo(sequence: UInt16)
        /// It is over: `failure` says how.
        case end
    }

    private enum Phase: Sendable {
        case idle
        case resolving
        /// A question of the name's resolution.
        case asking
        case trying
        case over
    }

    /// How many of a try's echo requests may be under way; `Probe.count` is 1 to 100.
    private static let maximumEchoes = 128

    private let kind: Probe.Kind
    private let goal: Goal
    private let count: Int
    private let query: String
    private let queryType: Probe.QueryType
    private let start: Instant
    private let end: Instant
    private let firstSequence: UInt16
    private var random: SplitMix
    private var phase = Phase.idle
    // The name's resolution.
    private var resolution: NameResolution?
    private var server = 0
    private var name = 0
    private var isSecondType = false
    private var hasNegativeAnswer = false
    private var question: DNSQuestion? { didSet { isAskedWhole = false } }
    /// Whether the question was asked over TCP.
    private var isAskedWhole = false
    // The echo requests.
    private var nextEcho = Instant(nanoseconds: 0)
    private var answered: UInt128 = 0

    /// When it wants to be told that time has passed.
    public private(set) var deadline: Instant
    /// Why it failed; nil when it did not, or is not over.
    public private(set) var failure: ProbeFailure?
    /// How many echo requests, connections or questions of the probe itself were sent.
    public private(set) var sent = 0
    /// How many of those were answered in time.
    public private(set) var received = 0
    /// The round trip of the last answer, seconds.
    public private(set) var roundTrip: Double?
    /// The address that was tried, once it is known.
    public private(set) var address: ProbeAddress?

    /// A try that begins now; `sequence` is that of its first echo request, `seed` any number that nobody can guess.
    public init(_ probe: Probe, _ goal: Goal, at start: Instant, sequence: UInt16 = 0, seed: UInt64) {
        kind = probe.kind
        self.goal = goal
        count = min(max(probe.count, 1), Self.maximumEchoes)
        query = probe.query ?? ""
        queryType = probe.queryType
        self.start = start
        end = start.advanced(bySeconds: probe.timeout)
        deadline = end
        firstSequence = sequence
        random = SplitMix(state: seed)
    }

    /// Whether it is over.
    public var isOver: Bool { if case .over = phase { true } else { false } }

    /// Begins.
    public mutating func begin(at now: Instant) -> Action {
        switch goal {
        case .address(let address): return attempt(address, at: now)
        case .name(let name, _):
            phase = .resolving
            return .resolve(name)
        }
    }

    /// Takes what happened, and says what to do.
    public mutating func handle(_ event: Event, at now: Instant) -> Action {
        switch phase {
        case .idle, .over: return .wait
        case .resolving: return handleResolution(event, at: now)
        case .asking: return handleQuestion(event, at: now)
        case .trying: return handleAttempt(event, at: now)
        }
    }

    /// Ends it now, as if its time had come.
    public mutating func expire() -> Action {
        deadline = end
        return handle(.tick, at: end)
    }

    /// Whether an echo request of this try had this number, and was answered already.
    public func isRepeated(_ sequence: UInt16) -> Bool {
        let position = Int(sequence &- firstSequence)
        return position < sent && answered >> UInt128(position) & 1 == 1
    }

    /// Whether an echo request of this try has this number.
    public func isOwn(_ sequence: UInt16) -> Bool { Int(sequence &- firstSequence) < sent }

    // MARK: The name

    private mutating func handleResolution(_ event: Event, at now: Instant) -> Action {
        switch event {
        case .resolution(let found?):
            resolution = found
            if let known = found.known.first { return reach(known, at: now) }
            guard !found.servers.isEmpty else { return finish(.noResolver) }
            return ask(at: now)
        case .resolution(nil), .tick: return finish(.noResolver)
        case .failed(let failure): return finish(failure)
        default: return .wait
        }
    }

    /// Asks the present server for the present name.
    private mutating func ask(at now: Instant) -> Action {
        guard let resolution else { return finish(.noResolver) }
        guard name < resolution.names.count, server < resolution.servers.count else {
            return finish(hasNegativeAnswer ? .nameError : .nameTimeout)
        }
        let type = isSecondType ? Probe.QueryType.aaaa : .a
        guard let question = try? DNSQuestion(id: random.next16(), name: resolution.names[name], type: type) else {
            name += 1
            hasNegativeAnswer = true
            return ask(at: now)
        }
        self.question = question
        phase = .asking
        // What time is left is shared by the servers that are left.
        let share = end.seconds(since: now) / Double(resolution.servers.count - server)
        deadline = min(now.advanced(bySeconds: share), end)
        return .open(.datagram(resolution.servers[server], question.bytes))
    }

    private mutating func handleQuestion(_ event: Event, at now: Instant) -> Action {
        guard let resolution, let question else { return .wait }
        switch event {
        case .message(let bytes, _):
            switch unsafe DNSAnswer(decoding: bytes.span.bytes, to: question) {
            case .answered(let addresses, _):
                if let first = addresses.first { return reach(first, at: now) }
                return askNext(at: now)
            case .nameError, .noData:
                hasNegativeAnswer = true
                return askNext(at: now)
            case .truncated: return askWhole(resolution.servers[server], question)
            case .serverFailure:
                hasNegativeAnswer = true
                return askOther(at: now)
            case .notForUs: return .wait
            }
        case .failed, .tick:
            if case .tick = event, now < deadline { return .wait }
            return askOther(at: now)
        default: return .wait
        }
    }

    /// The same question over TCP, where nothing needs to be cut short: one that is all the same is no answer, and is not asked
    /// for again.
    private mutating func askWhole(_ address: ProbeAddress, _ question: DNSQuestion) -> Action {
        guard !isAskedWhole else { return .wait }
        isAskedWhole = true
        return .open(.stream(address, question.bytes))
    }

    /// The AAAA records after the A, then the next name.
    private mutating func askNext(at now: Instant) -> Action {
        if isSecondType { name += 1 }
        isSecondType.toggle()
        return ask(at: now)
    }

    /// The next server; the one that failed is not asked again in this try.
    private mutating func askOther(at now: Instant) -> Action {
        server += 1
        return now < end ? ask(at: now) : finish(hasNegativeAnswer ? .nameError : .nameTimeout)
    }

    private mutating func reach(_ address: IPAddress, at now: Instant) -> Action {
        var port: UInt16 = 0
        if case .name(_, let wanted) = goal { port = wanted }
        return attempt(ProbeAddress(address, port: port), at: now)
    }

    // MARK: The target

    private mutating func attempt(_ address: ProbeAddress, at now: Instant) -> Action {
        phase = .trying
        self.address = address
        deadline = end
        switch kind {
        case .icmp: return .open(.echo(address))
        case .tcp: return .open(.connect(address))
        case .dns:
            guard let question = try? DNSQuestion(id: random.next16(), name: query, type: queryType) else {
                return finish(.nameError)
            }
            self.question = question
            return .open(.datagram(address, question.bytes))
        }
    }

    private mutating func handleAttempt(_ event: Event, at now: Instant) -> Action {
        switch event {
        case .opened:
            if kind == .icmp { return echo(at: now) }
            if sent == 0 { sent = 1 }
            return .wait
        case .replied(let sequence, let seconds):
            guard isOwn(sequence), !isRepeated(sequence) else { return .wait }
            answered |= 1 << UInt128(sequence &- firstSequence)
            note(seconds)
            return received == count ? finish(nil) : .wait
        case .connected(let seconds):
            note(seconds)
            return finish(nil)
        case .message(let bytes, let seconds): return handleMessage(bytes, seconds, at: now)
        case .failed(let failure):
            // One of many echo requests: the others may do better.
            if kind == .icmp, sent > 0, sent < count { return .wait }
            return finish(received > 0 ? nil : failure)
        case .tick:
            if now >= end { return finish(received > 0 ? nil : kind == .dns ? .nameTimeout : .timeout) }
            if kind == .icmp, sent > 0, sent < count, now >= nextEcho { return echo(at: now) }
            return .wait
        case .resolution: return .wait
        }
    }

    private mutating func echo(at now: Instant) -> Action {
        let sequence = firstSequence &+ UInt16(sent)
        sent += 1
        // All of them are on their way after half of the time, so that each has the other half at least.
        nextEcho = now.advanced(bySeconds: end.seconds(since: start) / 2 / Double(count))
        deadline = sent < count ? min(nextEcho, end) : end
        return .echo(sequence: sequence)
    }

    private mutating func handleMessage(_ bytes: [UInt8], _ seconds: Double, at now: Instant) -> Action {
        guard let question, let address else { return .wait }
        switch unsafe DNSAnswer(decoding: bytes.span.bytes, to: question) {
        case .answered:
            note(seconds)
            return finish(nil)
        case .nameError, .noData, .serverFailure: return finish(.nameError)
        case .truncated: return askWhole(address, question)
        case .notForUs: return .wait
        }
    }

    private mutating func note(_ seconds: Double) {
        received += 1
        roundTrip = seconds
    }

    private mutating func finish(_ failure: ProbeFailure?) -> Action {
        phase = .over
        self.failure = failure
        return .end
    }
}

/// Numbers that follow from a seed. Source: S. Vigna, splitmix64.c, public domain.
struct SplitMix: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func next16() -> UInt16 { UInt16(truncatingIfNeeded: next() >> 48) }
}
