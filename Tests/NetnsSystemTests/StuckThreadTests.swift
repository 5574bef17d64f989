import Glibc
import NetnsCore
import Synchronization
import TestSupport
import Testing

@testable import NetnsSystem

/// Threads that do not come back.
@Suite struct StuckThreadTests {
    /// Work in which the first `stuck` threads wait until they are let go.
    private final class Work: VisitorWork {
        let gate = Monitor(false)
        let shares = Atomic<Int>(0)
        let ended = Atomic<Int>(0)
        let stuck: Int

        init(stuck: Int) { self.stuck = stuck }

        var progress: Int { shares.load(ordering: .relaxed) }

        func share(_ visitor: NamespaceVisitor) -> Bool {
            if shares.wrappingAdd(1, ordering: .relaxed).oldValue < stuck {
                _ = gate.wait { $0 ? true : nil }
            }
            ended.wrappingAdd(1, ordering: .relaxed)
            return true
        }

        func letGo() { gate.withLock { $0 = true } }
    }

    private static func pool(_ threads: Int) -> VisitorPool {
        let settings = EngineSettings()
        let table = settings.sysctls.table()
        let ledger = ErrorLedger()
        return VisitorPool(threads: threads) {
            NamespaceVisitor(settings, table: table, pool: SysctlTablePool(), ledger: ledger) { 1 }
        }
    }

    @Test func oneThatIsStuckIsReplaced() throws {
        let pool = Self.pool(2)
        let first = Work(stuck: 1)
        defer { first.letGo() }
        #expect(try !pool.run(first, until: Instant.now().advanced(bySeconds: 0.3)))
        #expect(pool.stuckThreads == 1)
        #expect(first.ended.load(ordering: .relaxed) == 1)
        let second = Work(stuck: 0)
        #expect(try pool.run(second))
        #expect(second.ended.load(ordering: .relaxed) == 2)
        first.letGo()
        #expect(eventually { pool.stuckThreads == 0 ? true : nil } == true)
        // It has ended: no job has more threads than it should.
        let third = Work(stuck: 0)
        #expect(try pool.run(third))
        #expect(third.ended.load(ordering: .relaxed) == 2)
    }

    /// Without a limit, what counts is that nothing goes on.
    @Test func patienceEndsWhenNothingMoves() throws {
        let pool = Self.pool(1)
        let work = Work(stuck: 1)
        defer { work.letGo() }
        #expect(try !pool.run(work, patience: 0.2))
        #expect(pool.stuckThreads == 1)
    }

    @Test func theirNumberIsBounded() throws {
        let pool = Self.pool(1)
        var works: [Work] = []
        defer { for work in works { work.letGo() } }
        for _ in 0...VisitorPool.maximumStuck {
            let work = Work(stuck: 1)
            works.append(work)
            #expect(try !pool.run(work, until: Instant.now().advanced(bySeconds: 0.05)))
        }
        #expect(throws: SystemError.self) { try pool.run(Work(stuck: 0)) }
        works[0].letGo()
        #expect(eventually { pool.stuckThreads == VisitorPool.maximumStuck ? true : nil } == true)
        #expect(try pool.run(Work(stuck: 0)))
    }
}
