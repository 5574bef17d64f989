/// Bounds of a histogram's buckets, in seconds: finite, positive, each more than the one before.
public struct HistogramBuckets: Hashable, Sendable {
    /// The upper bounds, without the infinite one.
    public let bounds: [Double]

    /// nil unless the bounds rise, are positive and finite, and are 1 to 100.
    public init?(_ bounds: [Double]) {
        guard (1...100).contains(bounds.count), bounds.allSatisfy({ $0.isFinite && $0 > 0 }),
            zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.bounds = bounds
    }

    private init(known bounds: [Double]) { self.bounds = bounds }

    /// From 50 microseconds, what a veth on an idle host takes, to 10 s.
    public static let roundTrip = HistogramBuckets(known: [
        0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ])

    /// The bucket that a value belongs to: the first whose bound is not below it; `bounds.count` for the infinite one.
    public func index(of value: Double) -> Int {
        var index = 0
        while index < bounds.count, bounds[index] < value { index += 1 }
        return index
    }
}

/// What became of a probe's packets in one namespace, towards one target.
public struct ProbeStatistics: Sendable {
    /// Over how many of the last packets the loss is told.
    public static let window = 60

    /// Echo requests, connections or questions that were sent.
    public private(set) var sent: UInt64 = 0
    /// Those that were answered in time.
    public private(set) var received: UInt64 = 0
    /// Echo replies that came again.
    public private(set) var duplicates: UInt64 = 0
    /// Echo replies that came after their time.
    public private(set) var late: UInt64 = 0
    /// How the last try ended; nil before the first has.
    public private(set) var isSuccess: Bool?
    /// Why the last try failed; nil when it did not.
    public private(set) var failure: ProbeFailure?
    /// The round trip of the last answer, seconds.
    public private(set) var lastRoundTrip: Double?
    /// When the last try ended, seconds since the epoch.
    public private(set) var lastTry: Double?
    /// Since when tries end as the last one did, seconds since the epoch.
    public private(set) var since: Double?
    /// Round trips by bucket, each alone, the infinite one last.
    public private(set) var counts: [UInt64]
    /// The sum of the round trips, seconds.
    public private(set) var sum = 0.0
    private var failures = InlineArray<12, UInt64>(repeating: 0)
    /// A bit for each of the last packets, the last one lowest: set when it was answered.
    private var answered: UInt64 = 0
    private var known = 0

    /// Nothing was tried.
    public init(_ buckets: HistogramBuckets) { counts = [UInt64](repeating: 0, count: buckets.bounds.count + 1) }

    /// How often tries ended with a failure.
    public func failures(_ failure: ProbeFailure) -> UInt64 { failures[Self.position(failure)] }

    /// The part of the last packets that was not answered, 0 to 1; nil when none was sent.
    public var loss: Double? {
        known == 0 ? nil : Double(known - (answered & mask).nonzeroBitCount) / Double(known)
    }

    private var mask: UInt64 { (1 << UInt64(known)) - 1 }

    /// A packet was sent.
    public mutating func noteSent() { sent += 1 }

    /// A packet was answered after so many seconds.
    public mutating func noteReceived(_ seconds: Double, _ buckets: HistogramBuckets) {
        received += 1
        counts[buckets.index(of: seconds)] += 1
        sum += seconds
        lastRoundTrip = seconds
    }

    /// An echo reply came again.
    public mutating func noteDuplicate() { duplicates += 1 }

    /// An echo reply came after its time.
    public mutating func noteLate() { late += 1 }

    /// A try ended: with an answer, or for a reason.
    ///
    /// `sent` packets had been sent in it and `received` of them were answered.
    public mutating func noteEnd(_ failure: ProbeFailure?, sent: Int, received: Int, at time: Double) {
        for number in 0..<sent {
            answered = answered << 1 | (number < received ? 1 : 0)
            known = min(known + 1, Self.window)
        }
        if (failure == nil) != isSuccess { since = time }
        isSuccess = failure == nil
        self.failure = failure
        if let failure { failures[Self.position(failure)] += 1 }
        lastTry = time
    }

    private static func position(_ failure: ProbeFailure) -> Int {
        switch failure {
        case .timeout: 0
        case .refused: 1
        case .unreachableHost: 2
        case .unreachableNet: 3
        case .noRoute: 4
        case .noGateway: 5
        case .noAddress: 6
        case .noResolver: 7
        case .nameError: 8
        case .nameTimeout: 9
        case .permission: 10
        case .socket: 11
        }
    }
}

/// A probe in one namespace towards one target, as of a moment.
public struct ProbeResult: Sendable {
    /// By what echo requests are sent, or what else is used. The label `socket`.
    public enum Socket: String, Sendable {
        /// A raw ICMP socket.
        case raw
        /// An ICMP datagram socket, for want of the right to a raw one.
        case ping
        case tcp
        case udp
    }

    /// The serial number of the namespace.
    public var serial: UInt64
    /// The probe's name.
    public var probe: String
    /// How it is tried.
    public var kind: Probe.Kind
    /// What was tried: an address for `gateway`, `resolver`, `peer` and `host`, or that word while it leads nowhere; what
    /// the configuration says otherwise.
    public var target: String
    /// The last socket; nil before there was one.
    public var socket: Socket?
    /// What became of it.
    public var statistics: ProbeStatistics

    /// A result.
    public init(
        serial: UInt64, probe: String, kind: Probe.Kind, target: String, socket: Socket?, statistics: ProbeStatistics
    ) {
        self.serial = serial
        self.probe = probe
        self.kind = kind
        self.target = target
        self.socket = socket
        self.statistics = statistics
    }
}
