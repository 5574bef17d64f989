public import NetnsCore
internal import Synchronization

/// The engine for every kernel: /proc to find namespaces, setns(2) to enter them, kept descriptors to read sysctls,
/// rtnetlink to read links, addresses, routes and neighbours.
///
/// It holds no namespace: descriptors of namespaces and sockets in them live for one visit.
///
/// Concurrency: belongs to the thread that collects; its own threads work only while `collect` runs.
public final class PortableEngine: NamespaceEngine {
    /// The namespaces of the last collection that were read or could not be entered, sorted by name.
    public private(set) var namespaces: [NamespaceSample] = []
    /// See `NamespaceEngine`.
    public private(set) var linkedNamespaces: [NamespaceSample] = []

    private(set) var settings: EngineSettings
    let ledger: ErrorLedger
    private(set) var table: SysctlTable
    private(set) var pool: VisitorPool
    /// Those before it that have threads which did not come back.
    private var formerPools: [VisitorPool] = []
    private(set) var tablePool = SysctlTablePool()
    private let budget: DescriptorBudget
    let hostInode: UInt64
    private let serials: SerialNumbers
    let users = UserNames()
    private let deepScanner: DeepScanner?
    var scan: ProcessScan
    var mounts: MountTable
    /// What asks the kernel itself, where its BPF programs are loaded.
    var kernel: KernelView?
    /// When sysctls have to be read, where their writes are heard.
    var trust: SysctlTrust
    private(set) var isTableSteady: Bool
    private(set) var leaders: LeaderReader
    private var placement: ContainerPlacement
    private var writability: WritabilityReader
    var owners: ProcessOwners
    var records: [UInt64: PortableNamespace] = [:]
    var sorted: [PortableNamespace] = []
    /// Those of `linkedNamespaces`.
    private(set) var linked: [PortableNamespace] = []
    var topology = Topology()
    /// What holds namespaces without a process in them, and by which readings it was found.
    var still: [UInt64: StillHolders] = [:]
    private var seenMounts = -1
    private var seenDeepScan = -1
    private let absence: AbsenceRounds
    private(set) var absenceRound = 0

    struct StillHolders {
        var mounts: [[UInt8]] = []
        var deep: [Holder] = []
    }

    /// An engine; throws when the host's own namespace or /proc cannot be read. With `programs`, namespaces, processes,
    /// holders and sysctls come from the kernel itself, and the portable way reads what is left.
    /// With `written`, what was not written is not read again (`EngineSettings.sweepInterval`).
    public init(
        _ settings: EngineSettings, ledger: ErrorLedger, programs: KernelPrograms? = nil,
        written: WrittenNamespaces? = nil
    ) throws {
        self.settings = settings
        self.ledger = ledger
        let table = settings.sysctls.table()
        self.table = table
        isTableSteady = SysctlTrust.isSteady(table)
        trust = SysctlTrust(programs == nil ? nil : written, interval: settings.sweepInterval)
        hostInode = try Self.hostInode(settings.paths)
        scan = try ProcessScan(procfs: settings.paths.procfs)
        mounts = try MountTable()
        leaders = try LeaderReader(procfs: settings.paths.procfs)
        writability = try WritabilityReader(procfs: settings.paths.procfs)
        owners = try ProcessOwners(procfs: settings.paths.procfs)
        placement = try ContainerPlacement(
            ContainerCatalog(settings.containers, ledger: ledger), paths: settings.paths)
        budget = settings.descriptors ?? DescriptorBudget.raisingLimit().budget
        let serials = SerialNumbers()
        self.serials = serials
        pool = Self.pool(settings, table, tablePool, ledger, serials)
        absence = AbsenceRounds(keepsOpen: programs != nil)
        kernel = try programs.map { try KernelView($0, settings, ledger: ledger) }
        deepScanner =
            settings.deepInterval > 0 && kernel?.seesProcesses != true
            ? try DeepScanner(paths: settings.paths, interval: settings.deepInterval, ledger: ledger) : nil
    }

    /// Whether an engine could be made of these settings: throws what its init would.
    public static func check(_ settings: EngineSettings) throws {
        _ = try hostInode(settings.paths)
        _ = try ProcessScan(procfs: settings.paths.procfs)
        _ = try MountTable()
    }

    private static func pool(
        _ settings: EngineSettings, _ table: SysctlTable, _ tablePool: SysctlTablePool, _ ledger: ErrorLedger,
        _ serials: SerialNumbers
    ) -> VisitorPool {
        VisitorPool(threads: settings.threads) {
            NamespaceVisitor(settings, table: table, pool: tablePool, ledger: ledger) { serials.next() }
        }
    }

    /// See `NamespaceEngine`.
    public func reconfigure(_ settings: EngineSettings) {
        self.settings = settings
        table = settings.sysctls.table()
        tablePool = SysctlTablePool()
        kernel?.reconfigure(settings)
        isTableSteady = SysctlTrust.isSteady(table)
        trust.forget()
        // The threads of the old one end: they have nothing to do. Of those that are stuck it goes on to tell.
        pool.retire()
        formerPools.append(pool)
        pool = Self.pool(settings, table, tablePool, ledger, serials)
        for record in records.values {
            record.kept = KeptDescriptors()
            record.kernel.trusted = nil
            setDeclared(record)
        }
        nameAll()
    }

    private static func hostInode(_ paths: SystemPaths) throws -> UInt64 {
        guard NamespaceHandle.nsfsDevice != 0 else {
            throw SystemError("look at", "/proc/thread-self/ns/net", .noSuchFile, advice: "is procfs mounted on /proc?")
        }
        if let path = paths.hostNamespace { return try NamespaceHandle.at(path).inode() }
        do throws(Errno) { return try NamespaceHandle.current().inode() } catch {
            throw SystemError("open", "/proc/thread-self/ns/net", error)
        }
    }

    /// See `NamespaceEngine`.
    public func collect(_ parts: CollectionParts, until deadline: Instant?) throws -> CollectionReport {
        var report = CollectionReport()
        let start = Instant.now()
        absenceRound = absence.round(procfs: settings.paths.procfs, directories: table.directories)
        try discover(parts, until: deadline, &report)
        let selected = select(&report)
        shareDescriptors(selected, &report)
        report.discoverySeconds = Instant.now().seconds(since: start)

        var visited = selected
        if parts.contains(.links) || (parts.contains(.sysctls) && settings.comparesWithHost), !selected.isEmpty,
            let host = records[hostInode], !host.isSelected
        {
            // First: what others are compared with is not what a deadline may leave out.
            visited.insert(host, at: 0)
        }
        for namespace in visited where namespace.outcome == .read { namespace.isFamiliar = true }
        visited = inOrderOfVisits(visited)
        for namespace in visited {
            namespace.outcome = .notReached
            namespace.sample.wasRead = false
        }
        visited = takeWalk(passOverStuck(visited), parts)
        let conntrack = parts.contains(.conntrack) && KernelFeatures.hasConntrack(settings.paths)
        let job = VisitJob(
            visited, conntrack ? parts : parts.subtracting(.conntrack), deadline: deadline,
            absenceRound: absenceRound)
        // A visit that began in time may end a little later.
        if !visited.isEmpty { try visit(job, until: deadline) }
        report.stuckThreads = stuckThreads + LosableThread.lostThreads
        takeWalkedLinks(parts)
        finish(job, &report)
        endTrust(parts)
        if parts.contains(.links) { try findPeers(until: deadline) }
        return report
    }

    /// Namespaces in an order in which a deadline takes nothing from those that were there: the host, then those that were read
    /// before, which cost little. New ones come last, and of them those that root or root's runtimes have made come first.
    func inOrderOfVisits(_ namespaces: [PortableNamespace]) -> [PortableNamespace] {
        guard !namespaces.allSatisfy(\.isFamiliar) else { return namespaces }
        var ranks: [[PortableNamespace]] = [[], [], [], []]
        for namespace in namespaces {
            let isRoots = !namespace.sample.mounts.isEmpty || namespace.sample.containers.contains(where: \.isTrusted)
            ranks[namespace.isHost ? 0 : namespace.isFamiliar ? 1 : isRoots ? 2 : 3].append(namespace)
        }
        return Array(ranks.joined())
    }

    /// Threads of this engine that did not come back, those from before a change of its settings too.
    private var stuckThreads: Int {
        formerPools.removeAll { $0.stuckThreads == 0 }
        return formerPools.reduce(pool.stuckThreads) { $0 + $1.stuckThreads }
    }

    /// Has the namespaces of a job visited. Where so many threads are stuck that there is none left, nobody is visited: what needs no
    /// visit is told all the same.
    private func visit(_ job: VisitJob, until deadline: Instant?) throws {
        let former = stuckThreads - pool.stuckThreads
        do {
            let limit = deadline?.advanced(bySeconds: 0.2)
            if try !pool.run(job, until: limit, stuckElsewhere: former) { giveUp(job) }
        } catch  where stuckThreads > VisitorPool.maximumStuck {
            ledger.count("visit", "no_thread")
        }
    }

    // MARK: Finding

    private func discover(
        _ parts: CollectionParts, until deadline: Instant?, _ report: inout CollectionReport
    ) throws {
        try mounts.refresh()
        let deep = deepScanner?.findings(until: patience(deadline))
        report.deepScan = deep?.findings
        var changed = walk(parts)
        let isWalked = kernel?.isWalked == true
        let seesProcesses = isWalked && kernel?.seesProcesses == true
        if !seesProcesses {
            do throws(Errno) { try scan.run() } catch { throw SystemError("read", settings.paths.procfs, error) }
            report.deniedProcesses = scan.denied
            for failure in scan.failures { ledger.count("process", failure) }
        }
        var stillChanged = mounts.generation != seenMounts || deep?.generation ?? -1 != seenDeepScan
        if seesProcesses, refreshHolders(mountsChanged: mounts.generation != seenMounts) { stillChanged = true }
        if stillChanged {
            seenMounts = mounts.generation
            seenDeepScan = deep?.generation ?? -1
            readStillHolders(seesProcesses ? kernel?.holders ?? [:] : deep?.findings.holders ?? [:])
            changed = true
        }
        if !isWalked, addAndRemoveFound() { changed = true }
        if placement.refresh(scan) { changed = true }
        if changed {
            for record in records.values {
                record.setHolders(mounts: still[record.inode]?.mounts ?? [], deep: still[record.inode]?.deep ?? [])
                record.sample.containers = placement.members[record.inode] ?? []
                setDeclared(record)
            }
        }
        for record in records.values {
            let member = scan.members[record.inode]
            record.setProcesses(member)
            record.sample.leader = member.flatMap { leader($0.lowest, of: record, seesProcesses) }
            writability.check(record)
        }
        if changed { nameAll() }
    }

    /// Forgets the namespaces that nothing holds any more, and adds those that were found; true when there were any.
    private func addAndRemoveFound() -> Bool {
        var changed = false
        // Whose process could not be looked at is not known to have ended.
        for inode in records.keys where scan.failures.isEmpty && inode != hostInode {
            guard scan.members[inode] == nil, still[inode] == nil else { continue }
            records[inode] = nil
            changed = true
        }
        var new: Set<UInt64> = records[hostInode] == nil ? [hostInode] : []
        for inode in scan.members.keys where records[inode] == nil { new.insert(inode) }
        for inode in still.keys where records[inode] == nil { new.insert(inode) }
        // In order, so that the same ones are left out of too many after a restart.
        for inode in new.sorted() { add(inode) }
        return changed || !new.isEmpty
    }

    private func leader(_ pid: Int32, of record: PortableNamespace, _ seesProcesses: Bool) -> LeaderProcess? {
        guard seesProcesses, let known = kernel?.leader(pid, before: record.sample.leader, users) else {
            return leaders.read(pid, users)
        }
        return known
    }

    func setDeclared(_ record: PortableNamespace) {
        record.declaredPaths = record.sample.declared.lazy.map(\.name)
            .filter { !self.settings.sysctls.literals.contains($0) }
            .flatMap { SysctlTablePool.bytes(of: SysctlTable.Item($0).path) }
    }

    /// How long the first collection waits for the first deep scan: half of the time it has, and not for ever.
    private func patience(_ deadline: Instant?) -> Instant {
        let now = Instant.now()
        let left = deadline?.seconds(since: now) ?? .infinity
        return now.advanced(bySeconds: min(left / 2, settings.firstScanPatience))
    }

    private func readStillHolders(_ deep: [UInt64: [Holder]]) {
        still.removeAll(keepingCapacity: true)
        for mount in mounts.mounts {
            // A shared mount of the directory itself shows each of its mounts twice.
            if still[mount.inode]?.mounts.contains(mount.path) != true {
                still[mount.inode, default: StillHolders()].mounts.append(mount.path)
            }
        }
        for (inode, holders) in deep { still[inode, default: StillHolders()].deep = holders }
        for inode in still.keys { still[inode]?.mounts.sort { $0.lexicographicallyPrecedes($1) } }
    }

    func add(_ inode: UInt64) {
        records[inode] = PortableNamespace(
            inode: inode,
            sample: NamespaceSample(
                serial: serials.next(), inode: inode, isHost: inode == hostInode, firstSeen: WallClock.now(),
                table: table), isOwn: inode == hostInode && settings.paths.hostNamespace == nil)
    }

    private func nameAll() {
        let order = records.values.sorted { $0.sample.serial < $1.sample.serial }
        let claimed = order.map(claim)
        let claims = Dictionary(claimed.map { ($0.inode, $0) }, uniquingKeysWith: { first, _ in first })
        let names = NamespaceNames.unique(claimed)
        for (record, name) in zip(order, names) where record.sample.name != name { record.sample.name = name }
        sorted = order.sorted { a, b in
            a.sample.name.utf8.lexicographicallyPrecedes(b.sample.name.utf8)
        }
        for record in order {
            // Nor does such a name decide what is watched.
            record.isSelected = isWanted(
                claims[record.inode]?.standing == .chosen
                    ? NamespaceNames.anonymous(record.inode) : record.sample.name)
        }
        leaveOut(of: order.filter(\.isSelected))
    }

    /// What a namespace would be called if it were alone.
    private func claim(_ record: PortableNamespace) -> NamespaceNames.Claim {
        let inode = record.inode
        if record.isHost { return .init(inode: inode, name: NamespaceNames.host, standing: .host) }
        let owner = record.sample.owner
        if let owner, owner.isTrusted, let name = owner.namespaceName {
            return .init(inode: inode, name: name, standing: .given)
        }
        let directories = settings.paths.nameDirectories
        for path in still[inode]?.mounts ?? [] {
            if let name = NamespaceNames.name(ofMount: path, in: directories) {
                return .init(inode: inode, name: name, standing: .given)
            }
        }
        if let name = owner?.namespaceName { return .init(inode: inode, name: name, standing: .chosen) }
        // A name that only another mount namespace gives may be a container's own choice: it serves to tell apart what
        // would else be a number, and never a namespace that this host can see by itself.
        let isSeen = scan.members[inode] != nil || still[inode]?.mounts.isEmpty == false
        for case .foreignMount(_, let path) in isSeen ? [] : still[inode]?.deep ?? [] {
            if let name = NamespaceNames.name(ofMount: path, in: directories) {
                return .init(inode: inode, name: name, standing: .chosen)
            }
        }
        return .init(inode: inode, name: NamespaceNames.anonymous(inode), standing: .given)
    }

    private func isWanted(_ name: String) -> Bool {
        (settings.include.isEmpty || settings.include.contains { $0.matches(name) })
            && !settings.exclude.contains { $0.matches(name) }
    }

    private func select(_ report: inout CollectionReport) -> [PortableNamespace] {
        var selected: [PortableNamespace] = []
        selected.reserveCapacity(sorted.count)
        // The host's has the most links: first, so that the other threads do not wait for it at the end.
        for record in sorted where record.isHost && record.isSelected { selected.append(record) }
        for record in sorted where record.isSelected && !record.isHost {
            if record.isLeftOut { report.leftOutByLimit += 1 } else { selected.append(record) }
        }
        return selected
    }

    // MARK: Descriptors

    /// Before any descriptor is opened, those that a smaller allowance no longer covers are closed.
    private func shareDescriptors(_ selected: [PortableNamespace], _ report: inout CollectionReport) {
        let bases = SysctlExpansion.baseCount(settings.sysctls)
        for record in records.values where !record.isSelected || record.isLeftOut {
            record.kept.closeAll()
            record.allowance = 0
        }
        for (position, record) in selected.enumerated() {
            let allowance = budget.allowance(position: position, of: selected.count)
            let wanted = (record.kept.lastTable ?? table).directories.count + bases
            report.directoriesNotKept += max(0, wanted - allowance)
            if allowance < record.allowance { record.kept.trim(to: allowance) }
            record.allowance = allowance
        }
    }

    // MARK: Results

    private func finish(_ job: VisitJob, _ report: inout CollectionReport) {
        let totals = job.totals.withLock { $0 }
        report.sysctls = totals.sysctls
        if let kernel, kernel.walkSeconds > 0 {
            report.sysctls.seconds += kernel.walkSeconds
            report.sysctls.attempts += 1
        }
        report.links = totals.links
        report.addresses = totals.addresses
        report.routes = totals.routes
        report.neighbours = totals.neighbours
        report.mib = totals.mib
        report.sockets = totals.sockets
        report.conntrack = totals.conntrack
        report.tcpStates = totals.tcpStates
        report.qdiscs = totals.qdiscs
        report.sources = totals.sources
        namespaces.removeAll(keepingCapacity: true)
        linked.removeAll(keepingCapacity: true)
        var tables: Set<ObjectIdentifier> = []
        for record in sorted where record.isSelected && !record.isLeftOut {
            if record.outcome == .gone { kernel?.distrust() }
            switch record.outcome {
            // The kernel has it in its list, whether a way leads to it or not.
            case .gone where record.kernel.isFresh: report.unreachable += 1
            case .read: break
            case .notReached: report.leftOutByDeadline += 1
            case .unreachable: report.unreachable += 1
            case .gone:
                // It ended while we looked, or was changing hands: the next discovery knows. But a mount that is still in
                // the table the next time, and leads elsewhere, has another mount over it.
                record.timesGone += 1
                guard record.timesGone > 1, !record.sample.mounts.isEmpty else { continue }
                report.unreachable += 1
                ledger.count("enter", "hidden_mount")
            }
            if record.outcome != .gone { record.timesGone = 0 }
            if record.kernel.isFresh, record.sample.hasSysctls { record.sample.wasRead = true }
            namespaces.append(record.sample)
            linked.append(record)
            report.keptDescriptors += record.kept.count
            if record.sample.sysctls.table !== table { tables.insert(ObjectIdentifier(record.sample.sysctls.table)) }
        }
        tablePool.keep(only: tables)
        linkedNamespaces.removeAll(keepingCapacity: true)
        linkedNamespaces.append(contentsOf: namespaces)
        if let host = records[hostInode], !host.isSelected, host.outcome == .read {
            linked.append(host)
            linkedNamespaces.append(host.sample)
        }
    }
}
