internal import CLinux
internal import Glibc
internal import NetnsCore

/// What one thread needs to visit namespaces. It belongs to its thread, which does nothing else.
final class NamespaceVisitor {
    let settings: EngineSettings
    private let ledger: ErrorLedger
    private let table: SysctlTable
    private let pool: SysctlTablePool
    let buffer = NetlinkBuffer()
    private var reader: SysctlReader
    /// What the walk could not tell of one namespace.
    private var partial = SysctlReadings(table: SysctlTable([]))
    var files: NetworkFiles
    var mibParser: MIBParser
    private var expansion: SysctlExpansion?
    private let nextSerial: @Sendable () -> UInt64
    /// What ethtool said of the first veth.
    private var vethSpeed: LinkSpeed?
    /// Whether the thread may be in another namespace than its own: setns(2) needs CAP_SYS_ADMIN even to where it is.
    private var isAway = false

    init(
        _ settings: EngineSettings, table: SysctlTable, pool: SysctlTablePool, ledger: ErrorLedger,
        nextSerial: @escaping @Sendable () -> UInt64
    ) {
        self.settings = settings
        self.ledger = ledger
        self.table = table
        self.pool = pool
        self.nextSerial = nextSerial
        reader = SysctlReader(procfs: settings.paths.procfs)
        files = NetworkFiles(procfs: settings.paths.procfs)
        mibParser = MIBParser(settings.mib)
        if !settings.sysctls.patterns.isEmpty {
            expansion = SysctlExpansion(settings.sysctls, pool: pool, procfs: settings.paths.procfs)
        }
    }

    /// Visits namespaces of the job until none is left or the deadline has passed, then returns home.
    func run(_ job: VisitJob) -> Bool {
        comingHome { home in
            var totals = VisitJob.Totals()
            totals.sources = Array(repeating: .init(), count: settings.sources.count)
            visitAll(job, home, &totals)
            files.close()
            job.add(totals)
        }
    }

    /// Asks for the owners of ids, in the namespaces whose ids they are, then returns home.
    func run(_ search: PeerSearch) -> Bool {
        comingHome { _ in
            while let (namespace, questions) = search.next() {
                do throws(Errno) {
                    try enter(try open(namespace))
                    guard !search.isClosed else { return }
                    var socket = try NetlinkSocket()
                    search.answer(questions, &socket, buffer) { (other) throws(Errno) in try open(other) }
                } catch {
                    if !error.meansGone { ledger.count("peer", error) }
                }
            }
        }
    }

    /// Does something that may enter namespaces, and returns home. False when it could not: the thread must end then,
    /// since it would do its next work in a foreign namespace.
    private func comingHome(_ body: (borrowing NamespaceHandle) -> Void) -> Bool {
        let home: NamespaceHandle
        do throws(Errno) { home = try NamespaceHandle.current() } catch {
            ledger.count("home", error)
            return true
        }
        body(home)
        do throws(Errno) {
            try goHome(home)
            return true
        } catch {
            ledger.count("return", error)
            return false
        }
    }

    private func visitAll(_ job: VisitJob, _ home: borrowing NamespaceHandle, _ totals: inout VisitJob.Totals) {
        // Ids are asked for as the host has them, so this socket is the host's.
        var idSocket: NetlinkSocket?
        do {
            if let path = settings.paths.hostNamespace { try enter(try NamespaceHandle.at(path)) }
            idSocket = try NetlinkSocket()
        } catch { ledger.count("nsid", (error as? SystemError)?.errno ?? error as? Errno ?? .invalid) }
        while let index = job.begin() {
            visit(job.namespaces[index], job, home, &idSocket, &totals)
            job.end(index)
        }
    }

    private func visit(
        _ namespace: PortableNamespace, _ job: VisitJob, _ home: borrowing NamespaceHandle,
        _ idSocket: inout NetlinkSocket?, _ totals: inout VisitJob.Totals
    ) {
        if job.isRefresh { return refresh(namespace, job, home, &totals) }
        let sockets: SocketStatistics?
        do throws(Errno) {
            if namespace.isHost, settings.paths.hostNamespace == nil {
                try goHome(home)
                sockets = readSockets(namespace, job, &totals)
                identify(namespace, try NetlinkSocket(), job, &totals)
                // It may have one for itself (ip netns set).
                askForID(namespace, home, &idSocket)
            } else {
                let handle = try open(namespace)
                try enter(handle)
                sockets = readSockets(namespace, job, &totals)
                identify(namespace, try NetlinkSocket(), job, &totals)
                askForID(namespace, handle, &idSocket)
            }
        } catch {
            namespace.outcome = error.meansGone ? .gone : .unreachable
            if !error.meansGone { ledger.count("enter", error) }
            return
        }
        if namespace.isSelected || settings.comparesWithHost { readSysctls(namespace, job, &totals) }
        if namespace.isSelected {
            namespace.sample.hasSockets = sockets != nil
            if let sockets { namespace.sample.sockets = sockets }
            readStatistics(namespace.sample, job, &totals)
        }
        namespace.sample.wasRead = true
        namespace.outcome = .read
    }

    /// Reads the sysctls of a namespace that is still the one it was.
    private func refresh(
        _ namespace: PortableNamespace, _ job: VisitJob, _ home: borrowing NamespaceHandle,
        _ totals: inout VisitJob.Totals
    ) {
        do throws(Errno) {
            if namespace.isOwn { try goHome(home) } else { try enter(try open(namespace)) }
            guard try NetlinkSocket().namespaceCookie() == namespace.sample.cookie else { throw .stale }
        } catch {
            namespace.outcome = error.meansGone ? .gone : .unreachable
            if !error.meansGone { ledger.count("enter", error) }
            return
        }
        readSysctls(namespace, job, &totals)
        namespace.outcome = .read
    }

    private func enter(_ namespace: borrowing NamespaceHandle) throws(Errno) {
        try namespace.enter()
        isAway = true
    }

    private func goHome(_ home: borrowing NamespaceHandle) throws(Errno) {
        guard isAway else { return }
        try home.enter()
        isAway = false
    }

    /// Opens the namespace by the first way that leads there; `noSuchFile` when none does.
    private func open(_ namespace: PortableNamespace) throws(Errno) -> NamespaceHandle {
        var failure = Errno.noSuchFile
        if let path = namespace.mountPath {
            do throws(Errno) {
                return try NamespaceHandle.open(mount: path, inode: namespace.inode)
            } catch {
                if !error.meansGone { failure = error }
            }
        }
        for way in namespace.otherWays {
            do throws(Errno) {
                return try NamespaceHandle.open(way, inode: namespace.inode, paths: settings.paths)
            } catch {
                if !error.meansGone { failure = error }
            }
        }
        throw failure
    }

    /// Compares the namespace's cookie with the one it had, and reads its links and what netlink has beside them: with one
    /// socket, since a socket is what all need. It is closed before anything else is done.
    private func identify(
        _ namespace: PortableNamespace, _ socket: consuming NetlinkSocket, _ job: VisitJob,
        _ totals: inout VisitJob.Totals
    ) {
        let cookie = socket.namespaceCookie()
        if let known = namespace.sample.cookie, let cookie, known != cookie {
            namespace.becomeNew(
                NamespaceSample(
                    serial: nextSerial(), inode: namespace.inode, isHost: namespace.isHost, firstSeen: WallClock.now(),
                    table: table))
        }
        namespace.sample.cookie = cookie
        readLinks(namespace, &socket, job, &totals)
        if namespace.isSelected { readNetwork(namespace.sample, &socket, job, &totals) }
    }

    /// Reads the links; the counters alone, where the walk told that nothing else can have changed.
    private func readLinks(
        _ namespace: PortableNamespace, _ socket: inout NetlinkSocket, _ job: VisitJob,
        _ totals: inout VisitJob.Totals
    ) {
        let sample = namespace.sample
        sample.hasLinks = false
        guard job.parts.contains(.links) else { return }
        let skips = sample.isHost && !settings.readsHostVeths
        sample.hasLinks = attempt("links", &totals.links) { () throws(NetlinkError) in
            let isKnown = namespace.kernel.isFresh && namespace.kernel.links.areCurrent
            if !isKnown || !socket.readCounters(of: &sample.links, skipsVethsToElsewhere: skips, buffer: buffer) {
                namespace.kernel.links.doubt()
                try socket.dumpLinks(into: &sample.links, buffer: buffer)
                if namespace.kernel.isFresh, let cookie = sample.cookie {
                    namespace.kernel.links.confirm(sample.links, cookie: cookie)
                }
            }
            socket.readSpeeds(of: &sample.links, veth: &vethSpeed, skipsVethsToElsewhere: skips)
        }
    }

    /// Addresses, neighbours, queueing disciplines and routes. The routes come last, since the socket is of no use when they were too many.
    private func readNetwork(
        _ sample: NamespaceSample, _ socket: inout NetlinkSocket, _ job: VisitJob, _ totals: inout VisitJob.Totals
    ) {
        sample.hasAddresses = false
        sample.hasNeighbours = false
        sample.hasRoutes = false
        sample.hasQdiscs = false
        if job.parts.contains(.addresses) {
            sample.hasAddresses = attempt("addresses", &totals.addresses) { () throws(NetlinkError) in
                try socket.dumpAddresses(into: &sample.addresses, buffer: buffer)
            }
        }
        if job.parts.contains(.neighbours) {
            sample.hasNeighbours = attempt("neighbours", &totals.neighbours) { () throws(NetlinkError) in
                try socket.dumpNeighbours(into: &sample.neighbours, buffer: buffer)
            }
        }
        if job.parts.contains(.qdiscs) {
            sample.hasQdiscs = attempt("qdiscs", &totals.qdiscs) { () throws(NetlinkError) in
                try socket.dumpQdiscs(into: &sample.qdiscs, buffer: buffer)
            }
        }
        if job.parts.contains(.routes) {
            sample.hasRoutes = attempt("routes", &totals.routes) { () throws(NetlinkError) in
                try socket.dumpRoutes(into: &sample.routes, limit: settings.maximumRoutes, buffer: buffer)
            }
        }
    }

    /// Reads one part of a namespace: timed, and counted when it fails. True when it did not.
    func attempt(
        _ operation: String, _ part: inout CollectionReport.Part, _ body: () throws(NetlinkError) -> Void
    ) -> Bool {
        let start = Instant.now()
        defer { part.seconds += Instant.now().seconds(since: start) }
        part.attempts += 1
        do throws(NetlinkError) { try body() } catch {
            part.failures += 1
            ledger.count(operation, error.reason)
            return false
        }
        return true
    }

    private func askForID(
        _ namespace: PortableNamespace, _ handle: borrowing NamespaceHandle, _ socket: inout NetlinkSocket?
    ) {
        // An id that was assigned stays as long as the namespace.
        guard namespace.sample.nsid == nil, socket != nil else { return }
        do throws(NetlinkError) {
            namespace.sample.nsid = try socket?.namespaceID(of: handle.rawValue, buffer: buffer) ?? nil
        } catch { ledger.count("nsid", error.reason) }
    }

    private func readSysctls(_ namespace: PortableNamespace, _ job: VisitJob, _ totals: inout VisitJob.Totals) {
        if namespace.kernel.sysctls != .all, job.parts.contains(.sysctls) {
            if namespace.kernel.sysctls == .leftover { readLeftover(namespace, job, &totals) }
            return
        }
        namespace.sample.hasSysctls = false
        guard job.parts.contains(.sysctls) else { return }
        let start = Instant.now()
        var table = table
        if let expanded = expansion?.table(
            kept: namespace.kept, declared: namespace.declaredPaths, allowance: namespace.allowance,
            round: job.absenceRound)
        {
            table = expanded.table
            if expanded.tooMany { ledger.count("sysctl", "too_many") }
        } else if !namespace.declaredPaths.isEmpty {
            table = pool.table(for: namespace.declaredPaths, settings.sysctls)
        }
        reader.read(
            table, into: &namespace.sample.sysctls, kept: namespace.kept, allowance: namespace.allowance,
            round: job.absenceRound)
        namespace.sample.hasSysctls = true
        // The walk finds out anew what has changed since it read them.
        namespace.kernel.table = nil
        count(namespace.sample.sysctls, &totals)
        totals.sysctls.seconds += Instant.now().seconds(since: start)
    }

    /// Reads what the walk could not tell.
    private func readLeftover(_ namespace: PortableNamespace, _ job: VisitJob, _ totals: inout VisitJob.Totals) {
        let start = Instant.now()
        let whole = namespace.sample.sysctls.table
        let leftover = namespace.kernel.leftover
        let part = pool.part(of: whole, leftover)
        reader.read(
            part, into: &partial, kept: namespace.kept, allowance: namespace.allowance, round: job.absenceRound)
        for (position, index) in leftover.enumerated() {
            namespace.sample.sysctls.replace(index, by: partial, at: position)
        }
        count(partial, &totals)
        totals.sysctls.seconds += Instant.now().seconds(since: start)
    }

    private func count(_ readings: SysctlReadings, _ totals: inout VisitJob.Totals) {
        totals.sysctls.attempts += 1
        var values = 0
        var errors = 0
        for reading in readings.readings {
            switch reading.state {
            case .value: values += 1
            case .absent: break
            case .unreadable(let number):
                errors += 1
                ledger.count("sysctl", Errno(rawValue: number))
            case .tooLong:
                ledger.count("sysctl", "too_long")
            }
        }
        if values == 0, errors > 0 { totals.sysctls.failures += 1 }
    }
}
