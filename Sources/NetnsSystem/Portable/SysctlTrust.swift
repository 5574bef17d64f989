public import NetnsCore

/// When sysctls have to be read, where every write of one is heard: after a write, in a new namespace, when links or tables
/// changed, and now and then all of them, to prove that nothing changed unheard.
///
/// A change that was not heard (netlink may set some, and the kernel itself) is counted, and for a time everything is read at
/// each collection again, as without the watch.
///
/// Concurrency: belongs to the thread that collects.
struct SysctlTrust {
    /// Seconds for which nothing is taken for unchanged after a change that was not heard.
    static let penalty = 600.0
    /// Reading a namespace by going there costs this many times what the walk's reading costs.
    static let visitCost = 12

    private let written: WrittenNamespaces?
    private let interval: Double
    private var lastReading: Instant?
    private var nextSweep = Instant(nanoseconds: 0)
    private var distrustedUntil: Instant?
    /// Namespaces in which something changed unheard, as far as was known when it was read.
    private var suspects: Set<UInt64> = []
    /// What was written since the last reading.
    private(set) var changes = WrittenNamespaces.Changes()
    /// Whether only writes change what is read.
    private var canTrust = false
    /// Whether this collection reads all.
    private(set) var readsAll = true
    /// Readings of everything.
    private(set) var sweeps: UInt64 = 0
    /// Changes that were not heard.
    private(set) var unexplained: UInt64 = 0

    /// Without `written` everything is read at each collection; so it is with an interval of 0 seconds.
    init(_ written: WrittenNamespaces?, interval: Double) {
        self.written = interval > 0 ? written : nil
        self.interval = interval
    }

    /// Begins a collection that is to have sysctls: tells whether all have to be read.
    ///
    /// `canTrust` says whether the sysctls are such that only writes change them, and `canVisit` whether single namespaces can
    /// be gone to.
    mutating func begin(at now: Instant, namespaces: Int, canTrust: Bool, canVisit: Bool) -> Bool {
        self.canTrust = canTrust
        guard let written else { return true }
        changes = lastReading.map { written.changes(since: $0) } ?? .init()
        // What the last reading could not explain was perhaps just being heard.
        if !changes.isEverywhere, !suspects.isSubset(of: changes.cookies) {
            unexplained += UInt64(suspects.subtracting(changes.cookies).count)
            distrustedUntil = now.advanced(bySeconds: Self.penalty)
        }
        suspects.removeAll()
        if let until = distrustedUntil, now >= until { distrustedUntil = nil }
        readsAll =
            lastReading == nil || now >= nextSweep || distrustedUntil != nil || !canTrust || changes.isEverywhere
            || (!canVisit && !changes.cookies.isEmpty) || changes.cookies.count * Self.visitCost > namespaces + 100
        if readsAll {
            sweeps += 1
            nextSweep = now.advanced(bySeconds: interval)
        }
        lastReading = now
        return readsAll
    }

    /// This collection has read all after all.
    mutating func noteSweep(at now: Instant) {
        guard !readsAll else { return }
        readsAll = true
        sweeps += 1
        nextSweep = now.advanced(bySeconds: interval)
    }

    /// Everything is to be read at the next collection.
    mutating func forget() {
        lastReading = nil
        suspects.removeAll()
    }

    /// A namespace whose sysctls were taken for unchanged shows others: whether that was heard of is known a little later.
    mutating func suspect(_ cookie: UInt64) {
        guard canTrust, !changes.isEverywhere, !changes.cookies.contains(cookie) else { return }
        suspects.insert(cookie)
    }

    /// Whether values that were read are kept for later collections.
    var isInUse: Bool { written != nil }

    /// Sysctls that change without anybody writing them, by the last component: counts, and what a device or a
    /// loaded module says.
    static let volatile: Set<String> = [
        "mtu", "nf_conntrack_count", "tcp_allowed_congestion_control",
        "tcp_available_congestion_control", "tcp_available_ulp",
    ]

    /// Whether only writes change the entries of a table.
    static func isSteady(_ table: SysctlTable) -> Bool {
        table.entries.allSatisfy { !volatile.contains($0.name.components.last ?? "") }
    }
}

/// What is kept of a namespace whose sysctls are taken for unchanged.
struct TrustedReading {
    let table: SysctlTable
    /// `net.dev_base_seq` then: another when a link came or went.
    let devices: UInt32
}

/// How the watch of writes spares readings.
public struct SysctlTrustReport: Sendable {
    /// Readings of all sysctls of all namespaces.
    public var sweeps: UInt64 = 0
    /// Namespaces in which a sysctl changed, and no write of it was heard.
    public var unexplained: UInt64 = 0
    /// Namespaces whose sysctls the last collection took for unchanged.
    public var kept = 0

    /// Nothing was read yet.
    public init() {}
}

extension PortableEngine {
    /// Whether a namespace's sysctls are as they were read last.
    func isTrusted(_ record: PortableNamespace, _ wanted: SysctlTable) -> Bool {
        guard let reading = record.kernel.trusted, let cookie = record.sample.cookie else { return false }
        return reading.table === wanted && record.sample.sysctls.table === wanted
            && reading.devices == record.kernel.deviceSequence && !trust.changes.cookies.contains(cookie)
    }

    /// Begins a collection: whether the walk is to read sysctls.
    func beginTrust(_ kernel: KernelView, at now: Instant) -> Bool {
        let readsAll = trust.begin(
            at: now, namespaces: records.count,
            // With patterns, a link that got another name has sysctls of other names.
            canTrust: settings.sysctls.patterns.isEmpty && isTableSteady && kernel.canEnter, canVisit: kernel.canEnter)
        guard trust.isInUse else { return readsAll }
        // Until they are read again; a deadline may come in between.
        if readsAll {
            for record in records.values where trust.changes.isEverywhere { record.kernel.trusted = nil }
        }
        for record in records.values {
            if let cookie = record.sample.cookie, trust.changes.cookies.contains(cookie) { record.kernel.trusted = nil }
        }
        return readsAll
    }

    /// Remembers what this collection has read for certain.
    func endTrust(_ parts: CollectionParts) {
        guard trust.isInUse, parts.contains(.sysctls), kernel?.isWalked == true else { return }
        for record in records.values where record.outcome == .read && record.sample.hasSysctls && record.kernel.isFresh
        {
            guard !record.kernel.isKept else { continue }
            let isWhole = record.sample.sysctls.readings.allSatisfy { reading in
                if case .unreadable = reading.state { return false }
                return true
            }
            record.kernel.trusted =
                isWhole
                ? TrustedReading(table: record.sample.sysctls.table, devices: record.kernel.deviceSequence) : nil
        }
    }

    /// Notes when a namespace that was taken for unchanged shows other values than before.
    func compareTrusted(_ record: PortableNamespace, before: SysctlReadings) {
        guard let reading = record.kernel.trusted, reading.table === record.sample.sysctls.table,
            before.table === reading.table, reading.devices == record.kernel.deviceSequence,
            let cookie = record.sample.cookie
        else { return }
        let now = record.sample.sysctls
        for index in before.readings.indices where index < now.readings.count {
            guard case .value = before.readings[index].state, case .value = now.readings[index].state else { continue }
            if before.text(at: index) != now.text(at: index) { return trust.suspect(cookie) }
        }
    }

    /// How the watch of writes spares readings.
    public var trustReport: SysctlTrustReport {
        var report = SysctlTrustReport()
        report.sweeps = trust.sweeps
        report.unexplained = trust.unexplained
        // Not the host, where it is read for what is compared with it alone.
        report.kept = records.values.count { $0.isSelected && !$0.isLeftOut && $0.kernel.isKept }
        return report
    }

    // MARK: One namespace at once

    /// Reads the sysctls of these namespaces of the last collection now, and nothing else of them; gives those that were read.
    public func refreshSysctls(of cookies: Set<UInt64>) throws -> [NamespaceSample] {
        let wanted = passOverStuck(
            records.values.filter { record in
                record.sample.wasRead && record.sample.hasSysctls
                    && (record.sample.cookie.map { cookies.contains($0) } ?? false)
                    && (kernel?.canEnter != false || record.isOwn)
            })
        guard !wanted.isEmpty else { return [] }
        for record in wanted {
            record.outcome = .notReached
            record.kernel.sysctls = .all
        }
        let job = VisitJob(wanted, .sysctls, deadline: nil, absenceRound: absenceRound, isRefresh: true)
        if try !pool.run(job, until: .now().advanced(bySeconds: 1)) { giveUp(job) }
        return wanted.filter { $0.outcome == .read }.map(\.sample)
    }
}
