internal import NetnsCore
internal import Synchronization

/// The namespaces of one collection, shared out to the threads that visit them.
///
/// Concurrency: `begin` hands each namespace to one thread, which alone touches it until `end`. Once the job is closed no
/// thread gets another, and what is still under way belongs to its thread for good. The totals are added under their lock.
final class VisitJob: VisitorWork {
    let namespaces: [PortableNamespace]
    let parts: CollectionParts
    let deadline: Instant?
    let absenceRound: Int
    /// Whether the sysctls are read anew, and what else is known of the namespaces stays.
    let isRefresh: Bool
    let totals = Mutex<Totals>(Totals())
    /// The sample of each namespace before the visits: a visit may put another in its place.
    let samples: [NamespaceSample]
    private let visits = Mutex<Visits>(Visits())

    private struct Visits: Sendable {
        var next = 0
        var underWay: Set<Int> = []
        var isClosed = false
    }

    struct Totals: Sendable {
        var sysctls = CollectionReport.Part()
        var links = CollectionReport.Part()
        var addresses = CollectionReport.Part()
        var routes = CollectionReport.Part()
        var neighbours = CollectionReport.Part()
        var mib = CollectionReport.Part()
        var sockets = CollectionReport.Part()
        var conntrack = CollectionReport.Part()
        var tcpStates = CollectionReport.Part()
        var qdiscs = CollectionReport.Part()
        /// In the order of `EngineSettings.sources`.
        var sources: [CollectionReport.Part] = []
    }

    init(
        _ namespaces: [PortableNamespace], _ parts: CollectionParts, deadline: Instant?,
        absenceRound: Int, isRefresh: Bool = false
    ) {
        self.namespaces = namespaces
        self.parts = parts
        self.deadline = deadline
        self.absenceRound = absenceRound
        self.isRefresh = isRefresh
        samples = namespaces.map(\.sample)
    }

    func share(_ visitor: NamespaceVisitor) -> Bool { visitor.run(self) }

    var progress: Int { visits.withLock { $0.next } }

    /// The next namespace to visit; nil when there is none, the deadline has passed or the job is closed.
    func begin() -> Int? {
        if let deadline, Instant.now() >= deadline { return nil }
        return visits.withLock { visits in
            guard !visits.isClosed, visits.next < namespaces.count else { return nil }
            visits.underWay.insert(visits.next)
            visits.next += 1
            return visits.next - 1
        }
    }

    /// A visit is over.
    func end(_ index: Int) { visits.withLock { _ = $0.underWay.remove(index) } }

    /// Lets no visit begin any more, and gives those that are under way.
    func close() -> [Int] {
        visits.withLock { visits in
            visits.isClosed = true
            return visits.underWay.sorted()
        }
    }

    /// Adds what a thread has done.
    func add(_ part: Totals) { totals.withLock { $0.add(part) } }

    /// Whether a visit has not come to its end.
    func isUnderWay(_ index: Int) -> Bool { visits.withLock { $0.underWay.contains(index) } }
}

extension VisitJob.Totals {
    fileprivate mutating func add(_ other: VisitJob.Totals) {
        sysctls.add(other.sysctls)
        links.add(other.links)
        addresses.add(other.addresses)
        routes.add(other.routes)
        neighbours.add(other.neighbours)
        mib.add(other.mib)
        sockets.add(other.sockets)
        conntrack.add(other.conntrack)
        tcpStates.add(other.tcpStates)
        qdiscs.add(other.qdiscs)
        if sources.isEmpty {
            sources = other.sources
        } else {
            for (index, part) in other.sources.enumerated() { sources[index].add(part) }
        }
    }
}

extension CollectionReport.Part {
    fileprivate mutating func add(_ other: CollectionReport.Part) {
        seconds += other.seconds
        failures += other.failures
        attempts += other.attempts
    }
}
