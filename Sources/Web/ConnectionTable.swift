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
        let listener: UInt
        let address: String
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

    /// A connection was accepted. `key` is its handle's address, `listener` tells which one it came by, `address` is where
    /// its client is, without the port.
    mutating func open(
        _ key: UInt, descriptor: Int32, by listener: UInt = 0, from address: String = "",
        at now: ContinuousClock.Instant
    ) {
        entries[key] = Entry(descriptor: descriptor, listener: listener, address: address, since: now)
    }

    /// The descriptor of the connection that is to make room when a listener has more than `limit`; nil while it has room.
    ///
    /// It is one that asks for nothing at the time, of the address that has most of those, and of these the one that has
    /// been so for longest: who opens many loses theirs, and nobody else is kept out by them.
    func dispensable(of listener: UInt = 0, limit: Int) -> Int32? {
        let own = entries.values.filter { $0.listener == listener }
        guard own.count > limit else { return nil }
        let waiting = own.filter { $0.activity == .receiving }
        var counts: [String: Int] = [:]
        for entry in waiting { counts[entry.address, default: 0] += 1 }
        return waiting.max { one, other in
            let (few, many) = (counts[one.address] ?? 0, counts[other.address] ?? 0)
            return few != many ? few < many : one.since > other.since
        }?.descriptor
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
