internal import NetnsCore

/// A probe in one namespace: when it is tried next, and what is known of its targets.
///
/// Concurrency: belongs to the prober's thread.
final class ProbeRound {
    struct Key: Hashable {
        let serial: UInt64
        let probe: String
    }

    let id: UInt64
    let probe: Probe
    var site: ProbeSite
    var timer: TimerWheel<ProbeLoop.Timer>.ID?
    /// When the next try is due.
    var due: Instant
    var tracks: [String: ProbeTrack] = [:]
    /// The gateways of the last look, and when to look again.
    var gateways: (found: [DefaultRoute], next: Instant, isLarge: Bool)?

    init(id: UInt64, probe: Probe, site: ProbeSite, due: Instant) {
        self.id = id
        self.probe = probe
        self.site = site
        self.due = due
    }
}

/// A probe in one namespace towards one target.
///
/// Concurrency: belongs to the prober's thread.
final class ProbeTrack {
    let id: UInt64
    let target: String
    /// What nobody who has not seen our requests can know.
    let nonce: UInt64
    var sequence: UInt16
    var statistics: ProbeStatistics
    var socket: ProbeResult.Socket?
    /// When it answered last.
    var lastAnswer: Instant?
    var flight: ProbeFlight?

    init(id: UInt64, target: String, nonce: UInt64, statistics: ProbeStatistics) {
        self.id = id
        self.target = target
        self.nonce = nonce
        sequence = UInt16(truncatingIfNeeded: nonce >> 24)
        self.statistics = statistics
    }

    /// The identifier of its echo requests.
    var identifier: UInt16 { UInt16(truncatingIfNeeded: nonce >> 8) }
}

/// One try that is under way, or waits for replies that come again.
///
/// Concurrency: belongs to the prober's thread.
final class ProbeFlight {
    let id: UInt64
    let round: ProbeRound
    let track: ProbeTrack
    var attempt: ProbeTry
    var socket: ProbeSocket?
    /// Whether epoll watches the socket.
    var isWatched = false
    var timer: TimerWheel<ProbeLoop.Timer>.ID?
    var isOver = false

    init(id: UInt64, round: ProbeRound, track: ProbeTrack, attempt: ProbeTry) {
        self.id = id
        self.round = round
        self.track = track
        self.attempt = attempt
    }
}
