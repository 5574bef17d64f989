internal import NetnsCore

/// A namespace as the portable engine keeps it between collections: its sample, the ways in, and kept descriptors.
///
/// Concurrency: changed by the engine's thread between, and by one collecting thread during, the visits.
final class PortableNamespace: @unchecked Sendable {
    /// What became of the last visit.
    enum Outcome {
        /// Not tried, or not reached before the deadline.
        case notReached
        /// Read.
        case read
        /// No holder leads to it any more.
        case gone
        /// It is there and could not be entered.
        case unreachable
    }

    let inode: UInt64
    let isHost: Bool
    /// Whether it is the one this program is in, and so held by a process.
    let isOwn: Bool
    var sample: NamespaceSample
    var kept = KeptDescriptors()
    var outcome = Outcome.notReached
    /// Whether a collection before the present one has read it.
    var isFamiliar = false
    /// The visit of an earlier collection from which its thread has not come back, and its number there.
    private var stuckVisit: (job: VisitJob, index: Int)?
    /// Collections running in which no way led to it.
    var timesGone = 0
    /// The processes with the lowest and the highest id in it: one may end before the namespace is visited.
    private var processes: (lowest: Int32, highest: Int32)?
    /// The first origin that applies when no process is in it.
    private var stillOrigin: Origin?
    /// How many descriptors it may keep open.
    var allowance = 0
    /// Whether the filters let it be read and shown. Of a host's that they leave out the links are read nevertheless,
    /// since the other ends of the others' are there.
    var isSelected = true
    /// Whether it is one too many.
    var isLeftOut = false
    /// What its containers declared beside what is read everywhere, as `SysctlExpansion` writes paths.
    var declaredPaths: [UInt8] = []
    /// Of which process and how many containers `sample.isWritableInside` was learnt, and when to look again.
    var writability: (pid: Int32?, count: Int, next: Instant)?
    /// The ids it has for namespaces that could not be told, with how often they were asked for and when again.
    var unanswered: [Int32: (attempts: Int, next: Instant)] = [:]
    /// What the walk of the kernel's list told of it; nothing where that is not done.
    var kernel = KernelReading()
    /// The addresses of the other ends of its veths, as they were read last.
    var knownPeers: [ProbeAddress] = []
    /// As the prober needs it; made when it is asked for.
    private var site: ProbeSite?
    /// The path of its first mount, NUL-terminated: the cheapest way in.
    private(set) var mountPath: [CChar]?

    init(inode: UInt64, sample: NamespaceSample, isOwn: Bool = false) {
        self.inode = inode
        self.isOwn = isOwn
        self.sample = sample
        isHost = sample.isHost
    }

    /// The kernel has given this inode to another namespace: nothing that was known of the old one is true of it.
    func becomeNew(_ sample: NamespaceSample) {
        let before = self.sample
        self.sample = sample
        take(before)
        kept = KeptDescriptors()
        unanswered = [:]
        writability = nil
        kernel = KernelReading()
        isFamiliar = false
        knownPeers = []
    }

    /// What was found out before the visit.
    private func take(_ before: NamespaceSample) {
        sample.name = before.name
        sample.origin = before.origin
        sample.processes = before.processes
        sample.leader = before.leader
        sample.mounts = before.mounts
        sample.holders = before.holders
        sample.containers = before.containers
    }

    /// In the place of one whose visit does not end: `before` is the sample it had, which that visit does not change.
    init(
        inPlaceOf other: PortableNamespace, _ sample: NamespaceSample, _ before: NamespaceSample, _ job: VisitJob,
        _ index: Int
    ) {
        inode = other.inode
        isOwn = other.isOwn
        isHost = other.isHost
        isSelected = other.isSelected
        isLeftOut = other.isLeftOut
        allowance = other.allowance
        stuckVisit = (job, index)
        outcome = .unreachable
        self.sample = sample
        take(before)
    }

    /// Whether a thread is still stuck in it: another would be too.
    var isStuck: Bool {
        guard let visit = stuckVisit else { return false }
        if !visit.job.isUnderWay(visit.index) { stuckVisit = nil }
        return stuckVisit != nil
    }

    /// What holds it beside processes, as the mount table and the last deep scan say.
    func setHolders(mounts: [[UInt8]], deep: [Holder]) {
        sample.mounts = mounts
        sample.holders = deep
        mountPath = mounts.first.map { $0.map { CChar(bitPattern: $0) } + [0] }
        stillOrigin = mounts.isEmpty ? deep.map(\.origin).min() : .mount
    }

    /// The processes in it.
    func setProcesses(_ member: ProcessScan.Membership?) {
        sample.processes = member?.processes ?? 0
        processes = member.map { ($0.lowest, $0.highest) }
        // In the portable way it was found by something.
        sample.origin = member != nil || isOwn ? .process : stillOrigin ?? (kernel.walk > 0 ? .unknown : .process)
    }

    /// What the prober needs; the same object while nothing of it changes.
    func site(peers: [ProbeAddress], _ paths: SystemPaths) -> ProbeSite {
        if let site, site.isCurrent(self, peers: peers) { return site }
        let made = ProbeSite(self, isOwn: isOwn, peers: peers, paths: paths)
        site = made
        return made
    }

    /// The ways in beside `mountPath`, the cheapest first: a mount of our own costs 2.8 us to open, /proc/PID/ns/net
    /// about 10.
    var otherWays: [Holder] {
        var ways: [Holder] = sample.mounts.dropFirst().map { .mount(path: $0) }
        if let processes { ways += [.process(pid: processes.lowest), .process(pid: processes.highest)] }
        return ways + sample.holders
    }
}
