/// The exchanges under way, from their first callback until libmicrohttpd has sent the answer or given up; and whether
/// new ones are welcome.
///
/// Concurrency: everything is owned by `state`.
final class ExchangeLedger: Sendable {
    private struct State {
        var open: [ObjectIdentifier: Exchange] = [:]
        var isDraining = false
    }

    private let state = Monitor(State())

    /// The number of exchanges under way.
    var count: Int { state.withLock { $0.open.count } }

    /// Enters an exchange. False while draining: the exchange is entered all the same, and is to be answered 503.
    func enter(_ exchange: Exchange) -> Bool {
        state.withLock { state in
            state.open[ObjectIdentifier(exchange)] = exchange
            return !state.isDraining
        }
    }

    /// Removes an exchange that is over.
    func leave(_ exchange: Exchange) {
        state.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(exchange)) }
    }

    /// From now on new exchanges are not welcome.
    func startDraining() {
        state.withLock { $0.isDraining = true }
    }

    /// Waits until no exchange is under way or the time is up. Returns those that are left.
    func drain(for time: Duration) -> [Exchange] {
        state.wait(for: time, until: { $0.open.isEmpty }, then: { Array($0.open.values) })
    }
}
