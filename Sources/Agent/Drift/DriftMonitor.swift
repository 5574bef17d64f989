internal import Logging
internal import NetnsCore

/// Compares every namespace with what it should be, after each collection that read sysctls.
///
/// Concurrency: belongs to the thread that collects.
final class DriftMonitor {
    /// What to compare with beside the namespaces themselves.
    struct References {
        /// What a new namespace has.
        var fresh: [SysctlName: [UInt8]] = [:]
        /// What was saved.
        var baseline = Baseline()
    }

    /// Lines in the log after one evaluation, at most: a host of thousands of namespaces may drift at once.
    private static let maximumLines = 100

    private let logger: Logger
    private var references: References
    private var lists: AssertionCache<ExpectationList>
    private var watches: [UInt64: DriftWatch] = [:]
    /// The serials of those that the last evaluation missed.
    private var missing: Set<UInt64> = []
    private var round = 0
    /// The host's values in the last evaluation.
    private(set) var host: NamespaceSample?

    /// Who wrote a sysctl of a namespace last, where that is heard.
    let lastWrite: (SysctlName, NamespaceSample) -> SysctlWrite?

    init(
        _ configuration: DriftConfiguration, _ references: References, logger: Logger,
        lastWrite: @escaping (SysctlName, NamespaceSample) -> SysctlWrite? = { _, _ in nil }
    ) {
        self.lastWrite = lastWrite
        self.logger = logger
        self.references = references
        lists = Self.cache(configuration, references)
    }

    private static func cache(
        _ configuration: DriftConfiguration, _ references: References
    ) -> AssertionCache<ExpectationList> {
        AssertionCache(RuleSet(configuration)) { assertions, table in
            ExpectationList(assertions, table: table) { references.fresh[$0] }
        }
    }

    /// Evaluates another configuration from now on. Drifts that go on under the same rule keep their beginning.
    func reconfigure(_ configuration: DriftConfiguration, _ references: References) {
        self.references = references
        lists = Self.cache(configuration, references)
        generation += 1
    }

    /// How often it was reconfigured. A namespace that the next evaluation does not reach still has the old list after it.
    private var generation = 0
    /// Whether a list was asked for, or a namespace has gone, in this evaluation.
    private var hasStaleLists = false

    /// Evaluates what a collection read; `linked` may have the host beside `namespaces`.
    func evaluate(_ namespaces: [NamespaceSample], linked: [NamespaceSample], at now: Double) {
        round += 1
        host = linked.first { $0.isHost && $0.wasRead && $0.hasSysctls }
        var lines = 0
        for namespace in namespaces where namespace.wasRead && namespace.hasSysctls {
            let watch = watch(of: namespace)
            watch.evaluate(namespace.sysctls, host: host, round: round, at: now) { event in
                lines += 1
                if lines <= Self.maximumLines { log(event, namespace) }
            }
            logChanges(watch, namespace)
        }
        if lines > Self.maximumLines {
            logger.warning(
                "more sysctls drifted, or came back, than are logged at once",
                metadata: ["count": "\(lines)", "logged": "\(Self.maximumLines)"])
        }
        forget(namespaces)
    }

    /// Evaluates anew the namespaces of these serial numbers, as part of the last evaluation; all of them when the host is among
    /// them, since others are compared with it.
    func evaluate(
        _ namespaces: [NamespaceSample], linked: [NamespaceSample], at now: Double, only serials: Set<UInt64>
    ) {
        let isHostWritten = linked.contains { $0.isHost && serials.contains($0.serial) }
        var lines = 0
        for namespace in namespaces where namespace.wasRead && namespace.hasSysctls {
            guard isHostWritten || serials.contains(namespace.serial) else { continue }
            let watch = watch(of: namespace)
            watch.evaluate(namespace.sysctls, host: host, round: round, at: now) { event in
                lines += 1
                if lines <= Self.maximumLines { log(event, namespace) }
            }
            logChanges(watch, namespace)
        }
    }

    /// Forgets the namespaces that were not among those of this evaluation, nor of the one before: one whose way in just
    /// changed is missing once. And the lists that nobody has any more: each veth on a host that has patterns makes a new
    /// table, and so a new list.
    private func forget(_ namespaces: [NamespaceSample]) {
        if watches.count != namespaces.count || !missing.isEmpty {
            let alive = Set(namespaces.map(\.serial))
            let gone = watches.keys.filter { !alive.contains($0) }
            for serial in gone where missing.contains(serial) {
                watches[serial] = nil
                hasStaleLists = true
            }
            missing = Set(gone.filter { watches[$0] != nil })
        }
        guard hasStaleLists else { return }
        hasStaleLists = false
        let used = Set(watches.values.map { ObjectIdentifier($0.list) })
        lists.keep { used.contains(ObjectIdentifier($0)) }
    }

    /// The watch of a namespace that the last evaluation had.
    subscript(namespace: NamespaceSample) -> DriftWatch? {
        guard namespace.wasRead, let watch = watches[namespace.serial], watch.round == round else { return nil }
        return watch
    }

    /// How many namespaces are followed.
    var watchCount: Int { watches.count }

    /// How many lists of expectations are remembered.
    var listCount: Int { lists.count }

    private func watch(of namespace: NamespaceSample) -> DriftWatch {
        let known = watches[namespace.serial]
        if let known, known.generation == generation, !known.isStale(namespace) { return known }
        hasStaleLists = true
        let basis = DriftWatch.Basis(namespace)
        let declared = Dictionary(
            namespace.declared.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
        let list = lists.list(for: basis.identity, table: basis.table, declared: declared)
        let baseline = list.assertions.map { assertion -> [UInt8]? in
            guard assertion.check.expectation.reference == .baseline else { return nil }
            return references.baseline.value(of: assertion.sysctl, in: namespace.name).map { Array($0.utf8) }
        }
        if let known {
            known.adopt(basis, list, baseline: baseline, generation: generation)
            return known
        }
        let watch = DriftWatch(basis, list, baseline: baseline, generation: generation)
        watches[namespace.serial] = watch
        return watch
    }

    private func log(_ event: DriftWatch.Event, _ namespace: NamespaceSample) {
        var metadata: Logger.Metadata = [
            "netns": "\(namespace.name)", "sysctl": "\(event.assertion.sysctl)", "rule": "\(event.assertion.rule)",
            "source": "\(event.assertion.source.rawValue)", "severity": "\(event.assertion.severity.rawValue)",
            "expected": "\(event.expected)",
        ]
        if let actual = event.actual { metadata["actual"] = "\(actual)" }
        if let old = event.old { metadata["old"] = "\(old)" }
        if case .ended = event.kind {
        } else if let write = lastWrite(event.assertion.sysctl, namespace) {
            metadata["written_by"] = "\(write.sentence)"
        }
        switch event.kind {
        case .began: logger.warning("a sysctl drifted", metadata: metadata)
        case .changed: logger.warning("a drifted sysctl changed", metadata: metadata)
        case .ended: logger.info("a sysctl is no longer drifted", metadata: metadata)
        }
    }

    /// Changes of what nothing is asked of are for who looks for them.
    private func logChanges(_ watch: DriftWatch, _ namespace: NamespaceSample) {
        guard logger.logLevel <= .debug, !watch.changes.isEmpty else { return }
        let readings = namespace.sysctls
        for (index, old) in watch.changes.sorted(by: { $0.key < $1.key }) {
            let new = readings.withValue(at: index) { DriftWatch.text($0) }
            logger.debug(
                "a sysctl changed",
                metadata: [
                    "netns": "\(namespace.name)", "sysctl": "\(readings.table.entries[index].name)", "old": "\(old)",
                    "new": "\(new)",
                ])
        }
    }
}
