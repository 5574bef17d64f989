internal import NetnsCore
internal import Synchronization

/// Work on files that others rule, on a thread that may be lost: a file system in user space (FUSE) or a page that never
/// comes can keep whoever reads in the kernel, where nothing stops it.
///
/// A thread that is not back in time is given up: it keeps what it has, and ends when it comes back. Until then nobody else
/// goes where it is, and there are never more than `maximumLost`.
enum LosableThread {
    /// Each costs a stack, and what it was reading into.
    static let maximumLost = 16

    /// Where threads are that did not come back.
    private static let lost = Mutex<Set<String>>([])

    private enum State<R: Sendable>: Sendable {
        case working
        case done(R)
        case givenUp
    }

    /// How many did not come back.
    static var lostThreads: Int { lost.withLock { $0.count } }

    /// What `body` gives; nil when it takes longer than `seconds`, when another is lost at the same `place`, when too many
    /// are, or when the host has no thread left.
    static func run<R: Sendable>(_ place: String, within seconds: Double, _ body: @escaping @Sendable () -> R) -> R? {
        guard lost.withLock({ $0.count < maximumLost && !$0.contains(place) }) else { return nil }
        let monitor = Monitor(State<R>.working)
        do {
            try NativeThread("reader") {
                let result = body()
                let isLost = monitor.withLock { state in
                    if case .givenUp = state { return true }
                    state = .done(result)
                    return false
                }
                if isLost { _ = lost.withLock { $0.remove(place) } }
            }.detach()
        } catch { return nil }
        let end = Instant.now().advanced(bySeconds: seconds)
        let result: R? = monitor.wait(until: end) { state in
            if case .done(let result) = state { return result }
            return nil
        }
        if let result { return result }
        // It may have come back just now.
        return monitor.withLock { state in
            if case .done(let result) = state { return result }
            state = .givenUp
            _ = lost.withLock { $0.insert(place) }
            return nil
        }
    }
}
