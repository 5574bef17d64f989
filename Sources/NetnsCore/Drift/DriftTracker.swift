/// What became of one expectation in one collection. The raw value is the label `state`.
public enum ExpectationState: String, CaseIterable, Sendable {
    /// The value is what it should be.
    case matched
    /// It is not.
    case drifted
    /// The namespace, or the place it is compared with, has no such sysctl.
    case absent
    /// There is one, and it could not be read.
    case unreadable
}

extension Assertion {
    /// Evaluates it on a namespace's readings; nil when it gives nothing: it came from a pattern, and the namespace has no
    /// such entry. `reference` is called when the expectation is that of another place, and passes that place's value to
    /// its argument, or nothing when there is none.
    public func evaluate(
        _ readings: SysctlReadings, reference: (Reference, (borrowing Span<UInt8>) -> Void) -> Void = { _, _ in }
    ) -> ExpectationState? {
        guard let index else { return .absent }
        switch readings.readings[index].state {
        case .absent: return isNamed ? .absent : nil
        case .unreadable, .tooLong: return .unreadable
        case .value: break
        }
        var verdict = Verdict.noReference
        if let place = check.expectation.reference {
            reference(place) { expected in
                verdict = readings.withValue(at: index) { check.evaluate($0, reference: expected) }
            }
        } else {
            verdict = readings.withValue(at: index) { check.evaluate($0) }
        }
        switch verdict {
        case .matched: return .matched
        case .drifted: return .drifted
        case .noReference: return .absent
        }
    }
}

/// Follows one expectation from collection to collection: when it began to drift, and what is worth a line in the log.
public struct DriftTracker: Sendable {
    /// What happened since the collection before.
    public enum Event: Hashable, Sendable {
        /// The value is no longer, or has never been seen to be, what it should.
        case began
        /// It is still wrong, and wrong in another way.
        case changed
        /// It is as it should be again, or gone; it had drifted since then.
        case ended(since: Double)
    }

    /// The state of the last collection, nil before the first.
    public private(set) var state: ExpectationState?
    /// When the drift began that has not ended, seconds since the epoch.
    public private(set) var since: Double?

    /// Nothing seen yet.
    public init() {}

    /// Takes the state of a collection. `changed` is whether the value differs from the one read before
    /// (`SysctlHistory`). A value that cannot be read says nothing: a drift goes on, and begins at its old time when it
    /// is seen again. A sysctl that is gone has ended its drift: it may come back as another's.
    public mutating func update(_ state: ExpectationState, changed: Bool, at now: Double) -> Event? {
        self.state = state
        switch state {
        case .drifted:
            guard since != nil else {
                since = now
                return .began
            }
            return changed ? .changed : nil
        case .matched, .absent:
            defer { since = nil }
            return since.map { .ended(since: $0) }
        case .unreadable:
            return nil
        }
    }
}
