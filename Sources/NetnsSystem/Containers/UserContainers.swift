internal import Glibc
internal import NetnsCore
internal import Synchronization

/// The containers of one user, looked for on a thread that may be lost.
///
/// Concurrency: belongs to its catalog.
final class UserContainers {
    /// What was found last.
    private(set) var records: [ContainerRecord] = []
    /// How many files were read.
    private(set) var reads = 0

    private let user: UInt32
    private let ledger: ErrorLedger
    private let search: Search
    /// Whether the last look did not end in time.
    private var isLate = false

    /// How long a user's file systems may take, seconds.
    private static let patience = 1.0

    /// The proof behind `@unchecked Sendable`: the finder is used by one thread at a time. The catalog's waits for the one that
    /// it made, or has lost it, and `LosableThread` lets no other to its place before it is back.
    private final class Search: @unchecked Sendable {
        private let finder: ContainerFinder
        /// What a thread that was lost has found after all.
        private let late = Mutex<Result?>(nil)

        init(_ finder: ContainerFinder) { self.finder = finder }

        func run(allowance: Int) -> Result {
            var allowance = allowance
            let changed = finder.refresh(&allowance)
            let result = Result(
                changed: changed, records: finder.records, reads: finder.reads, allowance: allowance)
            late.withLock { $0 = result }
            return result
        }

        func takeLate() -> Result? {
            late.withLock { late in
                defer { late = nil }
                return late
            }
        }
    }

    private struct Result: Sendable {
        let changed: Bool
        let records: [ContainerRecord]
        let reads: Int
        let allowance: Int
    }

    init(_ user: UInt32, _ patterns: [ContainerPattern], rootfs: String, ledger: ErrorLedger) {
        self.user = user
        self.ledger = ledger
        search = Search(ContainerFinder(patterns, rootfs: rootfs, user: user, ledger: ledger))
    }

    /// Looks again, reading `allowance` bytes of users' files at most and taking off what it read; true when `records` may have
    /// changed.
    func refresh(_ allowance: inout Int) -> Bool {
        let (search, limit) = (search, allowance)
        let inTime = LosableThread.run(.init(.containers, "of user \(user)"), within: Self.patience) {
            search.run(allowance: limit)
        }
        let late = search.takeLate()
        if let inTime {
            let changed = inTime.changed || isLate
            isLate = false
            (records, reads, allowance) = (inTime.records, inTime.reads, inTime.allowance)
            return changed
        }
        if !isLate { ledger.count("container", Errno(rawValue: ETIMEDOUT)) }
        isLate = true
        guard let late else { return false }
        (records, reads) = (late.records, late.reads)
        return true
    }
}
