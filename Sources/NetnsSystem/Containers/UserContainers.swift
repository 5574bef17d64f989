internal import Glibc
internal import NetnsCore

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

        init(_ finder: ContainerFinder) { self.finder = finder }

        func run(allowance: Int) -> Result {
            var allowance = allowance
            let changed = finder.refresh(&allowance)
            return Result(changed: changed, records: finder.records, reads: finder.reads, allowance: allowance)
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
        let result = LosableThread.run("containers of user \(user)", within: Self.patience) {
            search.run(allowance: limit)
        }
        guard let result else {
            if !isLate { ledger.count("container", Errno(rawValue: ETIMEDOUT)) }
            isLate = true
            return false
        }
        // What a lost thread found after all has not been seen yet.
        let changed = result.changed || isLate
        isLate = false
        (records, reads, allowance) = (result.records, result.reads, result.allowance)
        return changed
    }
}
