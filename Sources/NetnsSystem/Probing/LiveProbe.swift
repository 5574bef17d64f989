internal import CLinux
internal import Glibc
public import NetnsCore

/// One try, now, by the thread that waits for it: for a command, where the prober's thread is not there.
///
/// The calling thread is in the namespace from which is tried, and stays there.
public enum LiveProbe {
    /// How a try ended.
    public struct Outcome: Sendable, Hashable {
        /// Why it failed; nil when it did not.
        public var failure: ProbeFailure?
        /// The round trip, seconds.
        public var roundTrip: Double?
        /// The address that was tried; nil when a name led to none.
        public var address: ProbeAddress?
        /// By what; nil when there was no socket.
        public var socket: ProbeResult.Socket?
    }

    /// Tries a probe towards a target; at most for its timeout, longer only by what a system call takes.
    ///
    /// `resolve` is asked what the namespace resolves a name with. Echo requests have `size` bytes of ICMP; with
    /// `refusesFragments` neither we nor a router may take them apart, whatever was learnt of the path.
    public static func run(
        _ probe: Probe, _ goal: ProbeTry.Goal, size: Int = 64, refusesFragments: Bool = false,
        resolve: (String) -> NameResolution? = { _ in nil }
    ) -> Outcome {
        let trial = Trial(probe, goal, size: size, refusesFragments: refusesFragments)
        trial.run(until: { _ in false }, resolve)
        return Outcome(
            failure: trial.attempt.failure, roundTrip: trial.attempt.roundTrip, address: trial.attempt.address,
            socket: trial.kind)
    }

    /// Resolves a name as the namespace does, and tries nothing: the first address.
    public static func address(
        of name: String, timeout: Double, resolve: (String) -> NameResolution?
    ) -> Result<IPAddress, ProbeFailure> {
        let probe = Probe(name: "", kind: .icmp, target: .host(name, port: nil), interval: timeout, timeout: timeout)
        let trial = Trial(probe, .name(name, port: 0), size: 64, refusesFragments: false)
        trial.run(until: { $0.address != nil }, resolve)
        if let address = trial.attempt.address { return .success(address.address) }
        return .failure(trial.attempt.failure ?? .nameTimeout)
    }
}

/// A try that is under way.
private final class Trial {
    var attempt: ProbeTry
    var kind: ProbeResult.Socket?
    private var socket: ProbeSocket?
    private let size: Int
    private let refusesFragments: Bool
    private let nonce = UInt64.random(in: 0 ... .max)
    private let buffer = ProbeBuffer()

    init(_ probe: Probe, _ goal: ProbeTry.Goal, size: Int, refusesFragments: Bool) {
        attempt = ProbeTry(
            probe, goal, at: .now(), sequence: UInt16.random(in: 0 ... .max), seed: UInt64.random(in: 0 ... .max))
        self.size = size
        self.refusesFragments = refusesFragments
    }

    func run(until isEnough: (ProbeTry) -> Bool, _ resolve: (String) -> NameResolution?) {
        var action = attempt.begin(at: .now())
        while !isEnough(attempt) {
            switch action {
            case .end: return
            case .resolve(let name): action = attempt.handle(.resolution(resolve(name)), at: .now())
            case .open(let exchange):
                do throws(ProbeFailure) {
                    socket = nil
                    let opened = try open(exchange)
                    kind = opened.kind
                    socket = consume opened
                    action = attempt.handle(.opened, at: .now())
                } catch { action = attempt.handle(.failed(error), at: .now()) }
            case .echo(let sequence):
                do throws(ProbeFailure) {
                    try socket?.echo(sequence, nonce: nonce, size: size)
                    action = .wait
                } catch { action = attempt.handle(.failed(error), at: .now()) }
            case .wait: action = wait()
            }
        }
    }

    private func open(_ exchange: ProbeTry.Exchange) throws(ProbeFailure) -> ProbeSocket {
        switch exchange {
        case .echo(let address):
            try .echo(
                address, identifier: UInt16(truncatingIfNeeded: nonce >> 8), refusesFragments: refusesFragments)
        case .connect(let address): try .connect(address)
        case .datagram(let address, let message): try .datagram(address, message)
        case .stream(let address, let message): try .stream(address, message)
        }
    }

    /// Takes what has come, or waits for it until the deadline.
    private func wait() -> ProbeTry.Action {
        guard socket != nil else { return attempt.handle(.tick, at: max(.now(), attempt.deadline)) }
        // A flood of what is no answer does not make it longer.
        if Instant.now() > attempt.deadline.advanced(bySeconds: 0.1) { return attempt.handle(.tick, at: .now()) }
        if let input = socket?.receive(buffer) {
            switch input {
            case .none: break
            case .noise: return .wait
            case .failed(let failure): return attempt.handle(.failed(failure), at: .now())
            case .connected(let seconds): return attempt.handle(.connected(seconds), at: .now())
            case .message(let count, let seconds):
                return attempt.handle(.message(buffer.bytes(count), seconds), at: .now())
            case .reply(let reply, let seconds):
                guard reply.nonce == nonce else { return .wait }
                return attempt.handle(.replied(sequence: reply.sequence, seconds), at: .now())
            }
        }
        let now = Instant.now()
        guard now < attempt.deadline else { return attempt.handle(.tick, at: now) }
        let left = attempt.deadline.seconds(since: now) * 1000
        var events = Int16(POLLIN)
        // A connection shows by being writable; everything else would always be.
        if kind == .tcp, socket?.isWaitingToConnect == true { events |= Int16(POLLOUT) }
        var entry = pollfd(fd: socket?.rawValue ?? -1, events: events, revents: 0)
        _ = unsafe poll(&entry, 1, Int32(min(left.rounded(.up), 1000)))
        return .wait
    }
}
