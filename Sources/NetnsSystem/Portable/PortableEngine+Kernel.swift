internal import CNetnsBPF
internal import Glibc
internal import NetnsCore

/// What the engine takes from the kernel's own lists, where the BPF programs are loaded.
extension PortableEngine {
    /// Walks the kernel's list of namespaces, and takes them and the values of their sysctls from it. True when a namespace
    /// came or went. Where the walk cannot be made the portable way does all, for this collection.
    func walk(_ parts: CollectionParts) -> Bool {
        guard let kernel else { return false }
        kernel.isWalked = false
        kernel.walkSeconds = 0
        for record in records.values {
            record.kernel.isFresh = false
            record.kernel.isKept = false
            record.kernel.links.isFresh = false
        }
        let start = Instant.now()
        let readsSysctls = parts.contains(.sysctls) && beginTrust(kernel, at: start)
        var came = false
        do throws(Errno) {
            if readsSysctls { try prepareSysctls(kernel) }
            let result = unsafe try kernel.programs.walk(
                sysctls: readsSysctls ? kernel.sysctls.count : 0, groups: kernel.sysctls.groups,
                lasting: kernel.sysctls.lasting, links: parts.contains(.links),
                begin: { kernel.walks += 1 },
                { namespace, values, links in
                    unsafe take(namespace, readsSysctls ? values : nil, links, kernel, &came)
                })
            kernel.dying = result.dying
            kernel.own = result.pid
            if kernel.seesProcesses { try kernel.readProcesses(into: &scan) }
        } catch {
            ledger.count("walk", error)
            trust.forget()
            for record in records.values { record.kernel.isFresh = false }
            return false
        }
        var went = false
        for (inode, record) in records where record.kernel.walk != kernel.walks && inode != hostInode {
            records[inode] = nil
            went = true
        }
        if records[hostInode] == nil {
            add(hostInode)
            came = true
        }
        kernel.isWalked = true
        kernel.walkSeconds = readsSysctls ? Instant.now().seconds(since: start) : 0
        return came || went
    }

    /// Tells the walk which sysctls are to be read.
    private func prepareSysctls(_ kernel: KernelView) throws(Errno) {
        kernel.sysctls.add(table)
        let isUniform = settings.sysctls.patterns.isEmpty
        for record in records.values where !isUniform || !record.declaredPaths.isEmpty {
            kernel.sysctls.add(wantedTable(record))
        }
        try kernel.sysctls.prepare()
    }

    /// Walks once more, for sysctls, when the first walk has not read those of so many of these namespaces that to visit each
    /// would take longer: many that are new (a visit takes the longer the more there are, since procfs keeps the entries of all
    /// under one name), or that were not known to be selected.
    private func walkAgain(_ namespaces: [PortableNamespace], _ kernel: KernelView) {
        guard settings.sysctls.patterns.isEmpty else { return }
        let reliesOnWrites = trust.isInUse && !trust.readsAll
        let unread = namespaces.count { record in
            let wanted = wantedTable(record)
            return record.kernel.isFresh
                && !(reliesOnWrites ? isTrusted(record, wanted) : record.kernel.table === wanted)
        }
        guard unread * SysctlTrust.visitCost > records.count + 100 else { return }
        let start = Instant.now()
        do throws(Errno) {
            try prepareSysctls(kernel)
            _ = unsafe try kernel.programs.walk(
                sysctls: kernel.sysctls.count, groups: kernel.sysctls.groups, lasting: kernel.sysctls.lasting,
                links: false, begin: {},
                { namespace, values, _ in
                    // Who came meanwhile is for the next collection.
                    guard let record = records[UInt64(namespace.inode)], record.sample.cookie == namespace.cookie,
                        record.kernel.isFresh
                    else { return }
                    unsafe take(values, record, kernel)
                })
            trust.noteSweep(at: start)
            kernel.walkSeconds += Instant.now().seconds(since: start)
        } catch { ledger.count("walk", error) }
    }

    /// The table of what is read in a namespace, as far as it is known before a visit.
    private func wantedTable(_ record: PortableNamespace) -> SysctlTable {
        if !settings.sysctls.patterns.isEmpty { return record.kept.matchedTable ?? table }
        return record.declaredPaths.isEmpty ? table : tablePool.table(for: record.declaredPaths, settings.sysctls)
    }

    /// Takes one namespace of the walk.
    private func take(
        _ found: borrowing nd_bpf_namespace, _ values: UnsafePointer<nd_bpf_value>?,
        _ links: UnsafeBufferPointer<nd_bpf_link>, _ kernel: KernelView, _ came: inout Bool
    ) {
        let inode = UInt64(found.inode)
        var known = records[inode]
        // The kernel gives inodes again, and cookies never.
        if let cookie = known?.sample.cookie, cookie != found.cookie { known = nil }
        if known == nil {
            add(inode)
            came = true
            known = records[inode]
        }
        guard let record = known else { return }
        // Of too many, or of those that are not shown, no values are kept: a container can make namespaces by the thousand.
        let isWanted =
            record.kernel.walk > 0
            ? (record.isSelected && !record.isLeftOut) || record.isHost : records.count <= settings.maximumNamespaces
        record.sample.cookie = found.cookie
        record.kernel.walk = kernel.walks
        record.kernel.isFresh = true
        record.kernel.deviceSequence = found.device_sequence
        if !isWanted {
            record.kernel.links = KernelLinks()
        } else if found.has_links != 0 {
            unsafe record.kernel.links.take(links)
        }
        guard unsafe values != nil else { return }
        guard isWanted else {
            record.kernel.bytes = []
            record.kernel.table = nil
            record.kernel.trusted = nil
            return
        }
        unsafe take(values, record, kernel)
    }

    /// Takes the sysctls of one namespace of a walk.
    private func take(_ values: UnsafePointer<nd_bpf_value>?, _ record: PortableNamespace, _ kernel: KernelView) {
        guard let values = unsafe values else { return }
        let table = wantedTable(record)
        let size = kernel.sysctls.count * MemoryLayout<nd_bpf_value>.stride
        let raw = unsafe UnsafeRawBufferPointer(start: values, count: size)
        if record.kernel.table === table, record.kernel.generation == kernel.sysctls.generation,
            record.kernel.leftover.isEmpty,
            unsafe raw.elementsEqual(record.kernel)
        {
            return
        }
        record.kernel.table = table
        record.kernel.generation = kernel.sysctls.generation
        unsafe record.kernel.bytes.replaceSubrange(0..<record.kernel.bytes.count, with: raw)
        let before = record.kernel.trusted == nil ? nil : record.sample.sysctls
        unsafe kernel.sysctls.read(values, table, into: &record.sample.sysctls, leftover: &record.kernel.leftover)
        if let before { compareTrusted(record, before: before) }
    }

    /// Brings what holds the namespaces up to date; true when it changed.
    func refreshHolders(mountsChanged: Bool) -> Bool {
        guard let kernel else { return false }
        let mounted = Set(mounts.mounts.map(\.inode))
        var unheld: [(inode: UInt64, cookie: UInt64)] = []
        for (inode, record) in records
        where scan.members[inode] == nil && !mounted.contains(inode) && inode != hostInode {
            unheld.append((inode, record.sample.cookie ?? 0))
        }
        return kernel.refreshHolders(unheld: unheld)
    }

    /// Takes what the walk has read for read, and gives the namespaces that have to be visited all the same.
    func takeWalk(_ namespaces: [PortableNamespace], _ parts: CollectionParts) -> [PortableNamespace] {
        guard let kernel, kernel.isWalked else {
            for record in namespaces { record.kernel.sysctls = .all }
            return namespaces
        }
        if parts.contains(.sysctls) { walkAgain(namespaces, kernel) }
        let others = parts.subtracting(.sysctls)
        let now = Instant.now()
        return namespaces.filter { record in
            record.kernel.sysctls = .all
            // What is fresh of it is shown though the visit fails: what is not must not be.
            record.sample.clearVisited()
            record.sample.hasSysctls = false
            record.kernel.isOutOfReach = false
            if record.kernel.isFresh, parts.contains(.sysctls), trust.isInUse, !trust.readsAll {
                // The walk has not read them: those that nobody wrote are as they were.
                record.kernel.table = nil
                if isTrusted(record, wantedTable(record)) {
                    record.kernel.isKept = true
                    record.kernel.sysctls = .none
                    record.sample.hasSysctls = true
                }
            } else if record.kernel.isFresh, parts.contains(.sysctls), record.kernel.table === wantedTable(record),
                hasCurrentPatterns(record)
            {
                record.kernel.sysctls = record.kernel.leftover.isEmpty ? .none : .leftover
                record.sample.hasSysctls = true
            }
            // What a single visit opened, after a write, is of no more use.
            if parts.contains(.sysctls), record.kernel.sysctls == .none { record.kept.closeAll() }
            let isReachable = kernel.canEnter || record.isOwn
            let hasAll =
                record.kernel.isFresh && others.isEmpty
                && (!parts.contains(.sysctls) || record.kernel.sysctls == .none) && !needsID(record, now)
            if isReachable, !hasAll { return true }
            record.sample.wasRead = record.kernel.isFresh
            record.sample.hasSysctls = parts.contains(.sysctls) && record.kernel.sysctls != .all
            record.kernel.isOutOfReach = !isReachable
            // What could be had was read; what needs to go there is missing, and the report says so once.
            record.outcome = record.kernel.isFresh ? .read : .unreachable
            return false
        }
    }

    /// Shows the links of namespaces that could not be entered as the walk told them: without counters, and only where our own
    /// namespace's were as its dump had them.
    func takeWalkedLinks(_ parts: CollectionParts) {
        guard let kernel, kernel.isWalked, parts.contains(.links) else { return }
        if !kernel.trustsLinks {
            kernel.trustsLinks = records.values.contains { $0.isOwn && $0.sample.hasLinks && $0.kernel.links.agrees }
            guard kernel.trustsLinks else { return }
        }
        for record in sorted where record.isSelected && !record.isLeftOut && record.kernel.links.isFresh {
            guard record.kernel.isOutOfReach || record.outcome == .gone || record.outcome == .unreachable,
                let cookie = record.sample.cookie
            else { continue }
            record.kernel.links.show(in: record.sample, cookie: cookie)
            record.sample.hasLinks = true
            record.sample.wasRead = true
        }
    }

    /// Whether the patterns would still find the same: no link and no module came or went, and nothing they found is missing.
    private func hasCurrentPatterns(_ record: PortableNamespace) -> Bool {
        guard !settings.sysctls.patterns.isEmpty else { return true }
        let current = (devices: record.kernel.deviceSequence, round: absenceRound)
        guard let expanded = record.kernel.expanded, expanded == current, record.kept.matchedTable != nil else {
            record.kernel.expanded = current
            record.kernel.absent = nil
            return false
        }
        // A link that got another name.
        var absent = 0
        for reading in record.sample.sysctls.readings { if case .absent = reading.state { absent += 1 } }
        if let before = record.kernel.absent, before != absent {
            record.kernel.absent = nil
            return false
        }
        record.kernel.absent = absent
        return true
    }

    /// Whether the host's id for a namespace is to be asked for: when links came or went, and now and then.
    private func needsID(_ record: PortableNamespace, _ now: Instant) -> Bool {
        guard record.sample.nsid == nil else { return false }
        if let asked = record.kernel.asked, asked.devices == record.kernel.deviceSequence, now < asked.time {
            return false
        }
        record.kernel.asked = (record.kernel.deviceSequence, now.advanced(bySeconds: 30))
        return true
    }
}

extension NamespaceSample {
    /// What only a visit reads was not read.
    fileprivate func clearVisited() {
        hasLinks = false
        hasAddresses = false
        hasRoutes = false
        hasNeighbours = false
        hasMIB = false
        hasSockets = false
        hasConntrack = false
        hasTCPStates = false
        hasQdiscs = false
        clearReadings()
    }
}

/// How a sysctl comes, where the BPF programs are loaded.
public struct SysctlWay: Sendable {
    /// The dotted name.
    public let name: String
    /// Why it is read in the portable way; nil where the walk reads it.
    public let obstacle: String?
    /// The kernel's function that writes its value, as far as it is known.
    public let handler: String
}

extension PortableEngine {
    /// How each sysctl of the last collection came, sorted by name; empty without BPF programs.
    public var sysctlWays: [SysctlWay] {
        kernel?.sysctls.ways.map { way in
            switch way.way {
            case .kernel: SysctlWay(name: way.name, obstacle: nil, handler: way.handler)
            case .portable(let reason): SysctlWay(name: way.name, obstacle: reason, handler: way.handler)
            }
        } ?? []
    }

    /// Whether the last collection's namespaces are those of the kernel's own list.
    public var isWalked: Bool { kernel?.isWalked == true }

    /// Whether the walk's links were as a dump of this program's own namespace had them.
    public var hasTrustedLinks: Bool { kernel?.trustsLinks == true }

    /// CONFIG_HZ of this kernel as its values show it, nil where they do not.
    public var tickRate: Int? { kernel.flatMap { $0.sysctls.tickRate > 0 ? $0.sysctls.tickRate : nil } }
}

extension UnsafeRawBufferPointer {
    /// Whether these are the bytes that were read the last time.
    fileprivate func elementsEqual(_ reading: KernelReading) -> Bool {
        guard reading.bytes.count == count else { return false }
        return unsafe reading.bytes.withUnsafeBytes { last in
            guard let one = last.baseAddress, let other = baseAddress else { return true }
            return unsafe memcmp(one, other, count) == 0
        }
    }
}
