public import NetnsCore
internal import Synchronization

/// Which namespaces were written in and when: what has to be read again, where the rest is taken for unchanged.
///
/// Concurrency: written by the thread that hears, read by the one that collects; a lock guards it.
public final class WrittenNamespaces: Sendable {
    /// Seconds after a write during which it may not have taken effect: the hook runs before the kernel takes the value.
    static let settling = 1.0

    private struct State: Sendable {
        /// When each was written in last, by cookie.
        var times: [UInt64: Instant] = [:]
        /// When something was written that may show in every namespace, or was not heard.
        var everywhere: Instant?
        var lost: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Nothing was written.
    public init() {}

    /// A namespace was written in.
    public func note(_ cookie: UInt64, at now: Instant) {
        state.withLock { state in
            // Of namespaces that are read no more nothing is taken out.
            if state.times.count > 20_000 {
                state.times.removeAll()
                state.everywhere = now
            }
            state.times[cookie] = now
        }
    }

    /// Something was written that may show anywhere: a sysctl of the host's namespace may be everybody's.
    public func noteEverywhere(at now: Instant) { state.withLock { $0.everywhere = now } }

    /// `lost` writes in all were not heard.
    public func note(lost: UInt64, at now: Instant) {
        state.withLock { state in
            if lost != state.lost { state.everywhere = now }
            state.lost = lost
        }
    }

    /// What was written since `time`, and what may not have taken effect by then.
    public struct Changes: Sendable {
        /// Whether it may be anywhere.
        public var isEverywhere = false
        /// The cookies.
        public var cookies: Set<UInt64> = []
    }

    /// What a reading that begins now has to look at, when the last one began at `time`.
    public func changes(since time: Instant) -> Changes {
        state.withLock { state in
            var changes = Changes()
            func isNew(_ written: Instant) -> Bool { written.advanced(bySeconds: Self.settling) >= time }
            if let everywhere = state.everywhere {
                if isNew(everywhere) { changes.isEverywhere = true } else { state.everywhere = nil }
            }
            for (cookie, written) in state.times {
                if isNew(written) { changes.cookies.insert(cookie) } else { state.times[cookie] = nil }
            }
            return changes
        }
    }
}
