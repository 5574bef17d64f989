internal import NetnsCore

/// What is followed in one namespace from collection to collection.
///
/// Concurrency: belongs to the thread that collects.
final class DriftWatch {
    /// What the list depends on.
    struct Basis {
        let identity: NamespaceIdentity
        let containers: [Container]
        let table: SysctlTable

        init(_ namespace: NamespaceSample) {
            identity = namespace.identity
            containers = namespace.containers
            table = namespace.sysctls.table
        }

        /// Whether it is still the namespace's.
        func holds(for namespace: NamespaceSample) -> Bool {
            table === namespace.sysctls.table && identity.name == namespace.name
                && identity.origin == namespace.origin && identity.user == namespace.leader?.user
                && containers == namespace.containers
        }
    }

    /// Something worth a line in the log.
    struct Event {
        let assertion: Assertion
        let kind: DriftTracker.Event
        /// The value that was read before, when it was another.
        let old: String?
        let actual: String?
        let expected: String
    }

    private(set) var list: ExpectationList
    /// The state of each assertion in the last evaluation; nil when it says nothing.
    private(set) var states: [ExpectationState?] = []
    private(set) var history: SysctlHistory
    /// The evaluation that it was last part of.
    private(set) var round = 0
    /// The configuration that the list is of.
    private(set) var generation: Int
    private var basis: Basis
    private var trackers: [DriftTracker]
    /// What was saved of the sysctls that are compared with that.
    private var baseline: [[UInt8]?]
    /// The values before those that changed in this evaluation.
    private var old: [Int: String] = [:]

    init(_ basis: Basis, _ list: ExpectationList, baseline: [[UInt8]?], generation: Int) {
        self.generation = generation
        self.basis = basis
        self.list = list
        self.baseline = baseline
        history = SysctlHistory(table: basis.table)
        trackers = list.assertions.map { _ in DriftTracker() }
    }

    /// Whether what is asked of the namespace may be something else by now.
    func isStale(_ namespace: NamespaceSample) -> Bool { !basis.holds(for: namespace) }

    /// Asks something else from now on. A drift that goes on keeps its beginning.
    func adopt(_ basis: Basis, _ list: ExpectationList, baseline: [[UInt8]?], generation: Int) {
        self.generation = generation
        self.basis = basis
        self.baseline = baseline
        guard list !== self.list else { return }
        struct Key: Hashable {
            let rule: String
            let sysctl: SysctlName
        }
        let known = Dictionary(
            zip(self.list.assertions.map { Key(rule: $0.rule, sysctl: $0.sysctl) }, trackers),
            uniquingKeysWith: { first, _ in first })
        trackers = list.assertions.map { known[Key(rule: $0.rule, sysctl: $0.sysctl)] ?? DriftTracker() }
        self.list = list
    }

    /// Evaluates what the collection read. `host` has the host's values. Calls `report` for what is worth telling.
    func evaluate(
        _ readings: SysctlReadings, host: NamespaceSample?, round: Int, at now: Double, _ report: (Event) -> Void
    ) {
        self.round = round
        if !old.isEmpty { old.removeAll() }
        history.update(readings) { index, before, _ in old[index] = Self.text(before) }
        list.locate(in: host?.sysctls.table)
        states.removeAll(keepingCapacity: true)
        for index in list.assertions.indices {
            var state = list.assertions[index].evaluate(readings) { _, body in
                list.withReference(of: index, host: host, baseline: baseline, body)
            }
            // The host may have it: a drift from what it has goes on.
            if state == .absent, list.isHostUnreadable(for: index, readings, host: host) { state = .unreadable }
            states.append(state)
            guard let state else { continue }
            let changed = list.assertions[index].index.map { old[$0] != nil } ?? false
            guard let kind = trackers[index].update(state, changed: changed, at: now) else { continue }
            report(event(index, kind, readings, host))
        }
    }

    /// How many assertions are in a state.
    func count(_ state: ExpectationState) -> Int {
        var count = 0
        for found in states where found == state { count += 1 }
        return count
    }

    /// When the drift of an assertion began, seconds since the epoch.
    func since(_ index: Int) -> Double? { trackers[index].since }

    /// What an assertion asks, with the value it compares with.
    func expected(_ index: Int, host: NamespaceSample?) -> String {
        var reference: String?
        list.withReference(of: index, host: host, baseline: baseline) { reference = Self.text($0) }
        return list.assertions[index].check.expectation.description(reference: reference)
    }

    /// The value that an assertion asks for, where it is one certain value.
    func wanted(_ index: Int, host: NamespaceSample?) -> String? {
        if case .equal(let text) = list.assertions[index].check.expectation { return text }
        var reference: String?
        list.withReference(of: index, host: host, baseline: baseline) { reference = Self.text($0) }
        return reference
    }

    /// The value of an assertion's sysctl.
    func actual(_ index: Int, _ readings: SysctlReadings) -> String? {
        guard let position = list.assertions[index].index, case .value = readings.readings[position].state else {
            return nil
        }
        return readings.withValue(at: position) { Self.text($0) }
    }

    /// Which values changed in the last evaluation, with what they were.
    var changes: [Int: String] { old }

    private func event(
        _ index: Int, _ kind: DriftTracker.Event, _ readings: SysctlReadings, _ host: NamespaceSample?
    ) -> Event {
        Event(
            assertion: list.assertions[index], kind: kind,
            old: list.assertions[index].index.flatMap { old[$0] }, actual: actual(index, readings),
            expected: expected(index, host: host))
    }

    /// A value with single spaces between its elements.
    static func text(_ value: borrowing Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        SysctlForm.forEachElement(of: value) { position, element in
            if position > 0 { bytes.append(0x20) }
            for index in element.indices { bytes.append(element[index]) }
        }
        return PrintableText.string(bytes)
    }
}
