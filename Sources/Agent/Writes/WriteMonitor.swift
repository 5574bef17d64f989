internal import Logging
internal import NetnsCore
internal import NetnsSystem
internal import Synchronization

/// What is known of writes: the last of them, how many there were of each sysctl, and who wrote each last.
///
/// Concurrency: the watch's thread adds, the threads of the web server and of the scraper read; a lock guards it.
final class WriteMonitor: Sendable {
    /// Sysctls of one namespace that are counted by name; a container can make interfaces, and so names, without end.
    static let maximumSysctls = 64
    /// What the others are counted under.
    static let other = "other"
    /// Namespaces that are counted in at most, with those that are not found yet.
    static let maximumNamespaces = 20_000
    /// Lines of the log a second at most.
    static let maximumLines = 50

    /// Writes of one sysctl of one namespace from one place.
    struct Tally: Sendable {
        var writes: UInt64 = 0
        var refused: UInt64 = 0
        /// When one last changed the value, seconds since the epoch.
        var changed: Double?
    }

    /// What tallies are told apart by.
    struct Series: Hashable, Comparable, Sendable {
        /// A dotted name, or `other`.
        let sysctl: String
        let origin: SysctlWrite.Origin

        static func < (a: Series, b: Series) -> Bool {
            (a.sysctl, a.origin.rawValue) < (b.sysctl, b.origin.rawValue)
        }
    }

    fileprivate struct Namespace: Sendable {
        var tallies: [Series: Tally] = [:]
        /// The sysctls that have a name of their own.
        var names: Set<SysctlName> = []
        /// The last write of each that was not refused.
        var last: [SysctlName: SysctlWrite] = [:]
    }

    fileprivate struct State: Sendable {
        var history: WriteHistory
        var namespaces: [UInt64: Namespace] = [:]
        var second = 0.0
        var lines = 0
        var suppressed = 0
        var listeners: [@Sendable (Set<UInt64>) -> Void] = []
    }

    private let state: Mutex<State>
    private let logger: Logger
    private let count: @Sendable () -> WriteWatch.Counts

    /// A monitor that remembers `capacity` writes; `counts` tells how many were heard and lost.
    init(capacity: Int, logger: Logger, counts: @escaping @Sendable () -> WriteWatch.Counts) {
        state = Mutex(State(history: WriteHistory(capacity: capacity)))
        self.logger = logger
        count = counts
    }

    /// How many were heard, and how many were lost.
    var counts: WriteWatch.Counts { count() }

    /// Calls `body` with the cookies of namespaces that were written in, on the watch's thread.
    func listen(_ body: @escaping @Sendable (Set<UInt64>) -> Void) { state.withLock { $0.listeners.append(body) } }

    /// Takes writes of which it is known what became of them.
    func take(_ writes: [SysctlWrite]) {
        var lines: [SysctlWrite] = []
        let (listeners, suppressed) = state.withLock { state in
            for write in writes {
                state.history.add(write)
                state.count(write)
                if state.mayLog(at: write.time) { lines.append(write) }
            }
            defer { if !lines.isEmpty { state.suppressed = 0 } }
            return (state.listeners, lines.isEmpty ? 0 : state.suppressed)
        }
        for write in lines { log(write) }
        if suppressed > 0 {
            logger.warning("writes of sysctls were left out of the log", metadata: ["count": "\(suppressed)"])
        }
        let changed = Set(writes.filter { $0.result != .refused }.map(\.cookie))
        if !changed.isEmpty { for listener in listeners { listener(changed) } }
    }

    /// The newest `limit` of those with a number above `after` that `isWanted`, oldest first, and the number of the last of all.
    func entries(
        after: UInt64, limit: Int, _ isWanted: (SysctlWrite) -> Bool
    ) -> (entries: [WriteHistory.Entry], last: UInt64) {
        state.withLock { ($0.history.entries(after: after, limit: limit, isWanted), $0.history.last) }
    }

    /// Who wrote a sysctl last, among the first sysctls of its namespace that were written.
    func last(_ sysctl: SysctlName, in cookie: UInt64?) -> SysctlWrite? {
        guard let cookie else { return nil }
        return state.withLock { $0.namespaces[cookie]?.last[sysctl] }
    }

    /// The last writes of a sysctl, one a namespace, newest first.
    func last(_ sysctl: SysctlName) -> [SysctlWrite] {
        state.withLock { state in state.namespaces.values.compactMap { $0.last[sysctl] } }.sorted { $0.time > $1.time }
    }

    /// How often each sysctl of a namespace was written, sorted.
    func tallies(in cookie: UInt64) -> [(series: Series, tally: Tally)] {
        state.withLock { state in
            guard let namespace = state.namespaces[cookie] else { return [] }
            return namespace.tallies.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
        }
    }

    /// The namespaces that were written in, by cookie.
    var writtenNamespaces: Set<UInt64> { state.withLock { Set($0.namespaces.keys) } }

    /// Forgets what is counted of namespaces that are not among these, once there are many; the history stays.
    func keep(_ cookies: @autoclosure () -> Set<UInt64>, of namespaces: Int) {
        guard state.withLock({ $0.namespaces.count > namespaces + 100 }) else { return }
        let alive = cookies()
        state.withLock { state in state.namespaces = state.namespaces.filter { alive.contains($0.key) } }
    }

    private func log(_ write: SysctlWrite) {
        // What a container sets of its own as it starts is no news.
        let level: Logger.Level = write.origin == .inside ? .debug : .info
        guard level >= logger.logLevel else { return }
        logger.log(level: level, "a sysctl was written", metadata: write.metadata)
    }
}

extension WriteMonitor.State {
    fileprivate mutating func count(_ write: SysctlWrite) {
        if namespaces[write.cookie] == nil, namespaces.count >= WriteMonitor.maximumNamespaces {
            namespaces.removeAll()
        }
        var namespace = namespaces.removeValue(forKey: write.cookie) ?? .init()
        defer { namespaces[write.cookie] = namespace }
        let isNamed = namespace.names.contains(write.sysctl) || namespace.names.count < WriteMonitor.maximumSysctls
        if isNamed { namespace.names.insert(write.sysctl) }
        let series = WriteMonitor.Series(
            sysctl: isNamed ? write.sysctl.dotted : WriteMonitor.other, origin: write.origin)
        namespace.tallies[series, default: .init()].writes += 1
        if write.result == .refused { namespace.tallies[series, default: .init()].refused += 1 }
        if write.isChange { namespace.tallies[series, default: .init()].changed = write.time }
        if isNamed, write.result != .refused { namespace.last[write.sysctl] = write }
    }

    /// Whether there is room for another line in this second.
    fileprivate mutating func mayLog(at time: Double) -> Bool {
        if time.rounded(.down) != second {
            second = time.rounded(.down)
            lines = 0
        }
        lines += 1
        if lines > WriteMonitor.maximumLines { suppressed += 1 }
        return lines <= WriteMonitor.maximumLines
    }
}

extension SysctlWrite {
    /// The namespace's name, or what the kernel calls it.
    var namespaceName: String { namespace ?? NamespaceNames.anonymous(inode) }

    /// For the log.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "netns": "\(namespaceName)", "sysctl": "\(sysctl)", "from": "\(origin.rawValue)",
            "result": "\(result.rawValue)",
            "pid": "\(writer.pid)", "ppid": "\(writer.parent)", "command": "\(writer.command)", "uid": "\(writer.uid)",
            "user": "\(user)",
        ]
        if let old { metadata["old"] = "\(old.text)" }
        if let new { metadata["new"] = "\(new.text)" }
        if let executable = writer.executable { metadata["executable"] = "\(executable)" }
        if let login = writer.loginUID { metadata["login_uid"] = "\(login)" }
        if let container = writerContainer { metadata["container"] = "\(container)" }
        return metadata
    }

    /// In one sentence, for a person.
    var sentence: String { WriteListing.Entry(self).sentence }
}
