internal import NetnsCore
internal import Synchronization

/// Work on files that others rule, on a thread that may be lost: a file system in user space (FUSE) or a page that never
/// comes can keep whoever reads in the kernel, where nothing stops it.
///
/// A thread that is not back in time is given up: it keeps what it has, and ends when it comes back. Until then nobody else
/// goes where it is, nor for a while afterwards: who answers a little too late each time would cost every collection the
/// whole time that it waits.
enum LosableThread {
    /// Where a thread goes, and what for: each purpose has its own limit of lost threads, so that one who stops them where he
    /// can stops nothing else.
    struct Place: Hashable, Sendable {
        enum Purpose: Hashable, Sendable {
            case resolver
            case mounts
            case descriptors
            case commandLines
            case containers
            case userNames
        }

        let purpose: Purpose
        let name: String

        init(_ purpose: Purpose, _ name: String) {
            self.purpose = purpose
            self.name = name
        }
    }

    /// Of one purpose. Each costs a stack, and what it was reading into.
    static let maximumLost = 16

    private static let places = Mutex(LosablePlaces(maximumLost: maximumLost))

    private enum State<R: Sendable>: Sendable {
        case working
        case done(R)
        case givenUp
    }

    /// How many did not come back.
    static var lostThreads: Int { places.withLock { $0.lost.values.reduce(0, +) } }

    /// How many of one purpose.
    static func lostThreads(_ purpose: Place.Purpose) -> Int { places.withLock { $0.count(purpose) } }

    /// What `body` gives; nil when it takes longer than `seconds`, when another is lost at the same `place` or was of late,
    /// when too many are, or when the host has no thread left.
    static func run<R: Sendable>(_ place: Place, within seconds: Double, _ body: @escaping @Sendable () -> R) -> R? {
        guard places.withLock({ $0.isOpen(place, at: .now()) }) else { return nil }
        let monitor = Monitor(State<R>.working)
        do {
            try NativeThread("reader") {
                let result = body()
                let isLost = monitor.withLock { state in
                    if case .givenUp = state { return true }
                    state = .done(result)
                    return false
                }
                if isLost { places.withLock { $0.cameBack(place, at: .now()) } }
            }.detach()
        } catch { return nil }
        let end = Instant.now().advanced(bySeconds: seconds)
        let result: R? = monitor.wait(until: end) { state in
            if case .done(let result) = state { return result }
            return nil
        }
        // It may have come back just now.
        let found =
            result
            ?? monitor.withLock { state in
                if case .done(let result) = state { return result }
                state = .givenUp
                places.withLock { $0.wasLost(place) }
                return nil
            }
        if found != nil { places.withLock { $0.wasInTime(place) } }
        return found
    }
}

/// Which places threads may go to. Pure: instants come in.
struct LosablePlaces: Sendable {
    typealias Place = LosableThread.Place

    /// Where threads are that did not come back, and how many: several may have set out at once.
    private(set) var lost: [Place: Int] = [:]
    /// Where threads were lost before: how often running, and until when nobody goes there.
    private var slow: [Place: (times: Int, until: Instant)] = [:]
    private let maximumLost: Int

    /// Seconds for which nobody goes where a thread was lost, after it came back: twice as long each time.
    static let pause = 30.0
    /// How often that is doubled: to 32 minutes.
    static let maximumDoublings = 6
    /// Places remembered; beyond them, the one that is open first is forgotten.
    static let maximumPlaces = 4096

    init(maximumLost: Int) { self.maximumLost = maximumLost }

    func count(_ purpose: Place.Purpose) -> Int {
        lost.reduce(0) { $0 + ($1.key.purpose == purpose ? $1.value : 0) }
    }

    func isOpen(_ place: Place, at now: Instant) -> Bool {
        guard lost[place] == nil, count(place.purpose) < maximumLost else { return false }
        guard let known = slow[place] else { return true }
        return now >= known.until
    }

    mutating func wasLost(_ place: Place) { lost[place, default: 0] += 1 }

    mutating func cameBack(_ place: Place, at now: Instant) {
        let others = (lost[place] ?? 1) - 1
        lost[place] = others > 0 ? others : nil
        let times = slow[place]?.times ?? 0
        if slow[place] == nil, slow.count >= Self.maximumPlaces,
            let first = slow.min(by: { $0.value.until < $1.value.until })
        {
            slow[first.key] = nil
        }
        let seconds = Self.pause * Double(1 << min(times, Self.maximumDoublings))
        slow[place] = (times + 1, now.advanced(bySeconds: seconds))
    }

    mutating func wasInTime(_ place: Place) { slow[place] = nil }
}
