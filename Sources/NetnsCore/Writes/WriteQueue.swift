/// Finds out what became of writes: which were taken, and which the kernel refused.
///
/// The hook reports a write before the kernel takes it. So the sysctl is read back a little later, and once more after longer
/// when it still has its old value: the writer may not have run meanwhile. A later write of the same sysctl tells, by the value
/// that it found, what became of the one before.
///
/// Instants and values come in, what to read back and what is decided goes out. Writes that show what they showed before, and
/// keys, are decided at once.
public struct WriteQueue: Sendable {
    /// Seconds after a write at which its sysctl is read back, until the answer is another value than the old one.
    static let delays = [0.002, 0.012, 0.045]
    /// For sysctls whose writers the kernel may have wait for the RTNL lock: see `canWait`.
    static let longDelays = [0.002, 0.012, 0.045, 0.15, 0.4]
    /// More undecided writes than this are not waited for.
    public static let capacity = 20_000

    private struct Pending: Sendable {
        var write: SysctlWrite
        let heard: Instant
        let delays: [Double]
        var attempts = 0

        var due: Instant { heard.advanced(bySeconds: delays[min(attempts, delays.count - 1)]) }
    }

    private var pending: [SysctlWrite.Key: Pending] = [:]
    private var decided: [SysctlWrite] = []

    /// A queue that nothing waits in.
    public init() {}

    /// How many are undecided.
    public var count: Int { pending.count }

    /// When something is to be read back next; nil when nothing waits.
    public var next: Instant? { pending.values.lazy.map(\.due).min() }

    /// Takes a write that was heard at `now`.
    public mutating func add(_ write: SysctlWrite, at now: Instant) {
        if let before = pending.removeValue(forKey: write.key) { decide(before, by: write) }
        guard let old = write.old, let new = write.new else { return decide(write, .unknown, actual: nil) }
        if !old.isCut, !new.isCut, Self.areSame(old.text, new.text, write.sysctl) {
            return decide(write, .applied, actual: old.text)
        }
        guard pending.count < Self.capacity else { return decide(write, .unknown, actual: nil) }
        pending[write.key] = Pending(
            write: write, heard: now, delays: Self.canWait(write.sysctl) ? Self.longDelays : Self.delays)
    }

    /// The sysctls that are to be read back now.
    public func due(at now: Instant) -> [SysctlWrite] { pending.values.filter { $0.due <= now }.map(\.write) }

    /// Takes what a sysctl shows now; nil when it could not be read.
    public mutating func readBack(_ key: SysctlWrite.Key, _ value: String?, at now: Instant) {
        guard var entry = pending[key] else { return }
        let write = entry.write
        entry.attempts += 1
        let isLast = entry.attempts >= entry.delays.count
        pending[key] = entry
        guard let value else {
            if isLast { finish(key, .unknown, actual: nil) }
            return
        }
        if let new = write.new, Self.isTaken(new, by: value, write.sysctl) {
            return finish(key, .applied, actual: value)
        }
        guard let old = write.old, !old.isCut, Self.areSame(old.text, value, write.sysctl) else {
            // The kernel has made something else of it.
            return finish(key, .applied, actual: value)
        }
        if isLast { finish(key, Self.isClear(write.new) ? .refused : .unknown, actual: value) }
    }

    /// Takes out what is decided, oldest first.
    public mutating func take() -> [SysctlWrite] {
        defer { decided.removeAll() }
        return decided.sorted { $0.time < $1.time }
    }

    /// Decides all that wait: nothing is read back any more.
    public mutating func giveUp() {
        for key in Array(pending.keys) { finish(key, .unknown, actual: nil) }
    }

    // MARK: Deciding

    private mutating func finish(_ key: SysctlWrite.Key, _ result: SysctlWrite.Result, actual: String?) {
        guard let entry = pending.removeValue(forKey: key) else { return }
        decide(entry.write, result, actual: actual)
    }

    private mutating func decide(_ write: SysctlWrite, _ result: SysctlWrite.Result, actual: String?) {
        var write = write
        write.result = result
        write.actual = actual
        decided.append(write)
    }

    /// What the next write of the same sysctl found tells what became of the one before.
    private mutating func decide(_ before: Pending, by next: SysctlWrite) {
        let write = before.write
        guard let found = next.old, !found.isCut else { return decide(write, .unknown, actual: nil) }
        if let new = write.new, Self.isTaken(new, by: found.text, write.sysctl) {
            return decide(write, .applied, actual: found.text)
        }
        if let old = write.old, !old.isCut, Self.areSame(old.text, found.text, write.sysctl) {
            // Of another thread, the next may have been heard before the kernel took this one.
            let isOver = next.writer.thread == write.writer.thread
            return decide(
                write, isOver && Self.isClear(write.new) ? .refused : .unknown, actual: isOver ? found.text : nil)
        }
        decide(write, .applied, actual: found.text)
    }

    /// Whether what a sysctl shows is what was written: the same, or, of a vector, of which the first elements may be written
    /// alone, these.
    private static func isTaken(_ new: SysctlWrite.Value, by value: String, _ sysctl: SysctlName) -> Bool {
        if new.isCut { return value.hasPrefix(new.text) }
        return areSame(new.text, value, sysctl) || (isClear(new) && value.hasPrefix(new.text + " "))
    }

    /// Whether what was written reads the same when it is shown. The kernel takes numbers with 0x, or an octal 0, before them.
    private static func isClear(_ new: SysctlWrite.Value?) -> Bool {
        guard let new, !new.isCut else { return false }
        return new.text.split(separator: " ").allSatisfy { word in
            let digits = word.hasPrefix("-") ? word.dropFirst() : word
            return digits == "0" || !digits.hasPrefix("0")
        }
    }

    private static func areSame(_ a: String, _ b: String, _ sysctl: SysctlName) -> Bool {
        SysctlInterpretation(sysctl).areEqual(a.utf8Span.span, b.utf8Span.span)
    }

    /// Whether its handler tries for the RTNL lock and has the write begun again until it gets it (net/ipv4/devinet.c,
    /// net/ipv6/addrconf.c).
    private static func canWait(_ sysctl: SysctlName) -> Bool { waiting.contains(sysctl.components.last ?? "") }

    private static let waiting: Set<String> = [
        "addr_gen_mode", "disable_ipv6", "disable_policy", "forwarding", "ignore_routes_with_linkdown", "ip_forward",
        "proxy_ndp",
    ]
}
