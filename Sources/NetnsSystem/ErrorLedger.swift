internal import Synchronization

/// What went wrong in namespaces, counted by what was tried and the kernel's reason: `netdrift_namespace_errors_total`.
///
/// Concurrency: any thread may count; a `Mutex` guards the numbers.
public final class ErrorLedger: Sendable {
    /// What is counted apart.
    public struct Key: Hashable, Sendable, Comparable {
        /// What was tried: `open`, `enter`, `sysctl`, `links`, ...
        public let operation: String
        /// Why it failed: an errno's name, or a word of ours such as `too_long`.
        public let reason: String

        /// By operation, then reason.
        public static func < (a: Key, b: Key) -> Bool { (a.operation, a.reason) < (b.operation, b.reason) }
    }

    private let counts = Mutex<[Key: UInt64]>([:])

    /// An empty ledger.
    public init() {}

    /// Counts one failure. Callers give operations and reasons of fixed lists only, so the ledger stays small.
    public func count(_ operation: String, _ reason: String) {
        counts.withLock { $0[Key(operation: operation, reason: reason), default: 0] += 1 }
    }

    /// Counts one failure with an errno.
    public func count(_ operation: String, _ errno: Errno) { count(operation, errno.name) }

    /// The numbers now, sorted.
    public var entries: [(key: Key, count: UInt64)] {
        counts.withLock { $0.sorted { $0.key < $1.key }.map { (key: $0.key, count: $0.value) } }
    }
}
