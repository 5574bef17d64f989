/// What each connection is busy with and since when, to find those that take too long.
///
/// libmicrohttpd's own timeout starts again with every byte: a client that sends or reads one byte a second would keep
/// its connection, and the body lent to it, for ever. Pure: instants come in, connections to be cut come out.
struct ConnectionTable {
    /// What a connection is busy with.
    enum Activity {
        /// The next request is awaited or being received.
        case receiving
        /// A handler has the request; how long that takes is not the client's doing.
        case handling
        /// The answer is being sent.
        case sending
    }

    private struct Entry {
        let descriptor: Int32
        var activity = Activity.receiving
        var since: ContinuousClock.Instant
    }

    let receiveLimit: Duration
    let sendLimit: Duration
    private var entries: [UInt: Entry] = [:]

    init(receiveLimit: Duration, sendLimit: Duration) {
        self.receiveLimit = receiveLimit
        self.sendLimit = sendLimit
    }

    /// A connection was accepted. `key` is its handle's address.
    mutating func open(_ key: UInt, descriptor: Int32, at now: ContinuousClock.Instant) {
        entries[key] = Entry(descriptor: descriptor, since: now)
    }

    /// A connection goes on to something else.
    mutating func change(_ key: UInt, to activity: Activity, at now: ContinuousClock.Instant) {
        entries[key]?.activity = activity
        entries[key]?.since = now
    }

    /// A connection is about to be closed: its descriptor may soon be another's.
    mutating func close(_ key: UInt) {
        entries[key] = nil
    }

    /// The descriptors of the connections that take longer than their limit.
    func overdue(at now: ContinuousClock.Instant) -> [Int32] {
        entries.values.compactMap { entry in
            let limit: Duration
            switch entry.activity {
            case .receiving: limit = receiveLimit
            case .handling: return nil
            case .sending: limit = sendLimit
            }
            return now - entry.since > limit ? entry.descriptor : nil
        }
    }
}
