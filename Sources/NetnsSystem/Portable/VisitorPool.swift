internal import Glibc
internal import NetnsCore

/// Something that threads which enter namespaces do together: each takes a share of it.
protocol VisitorWork: Sendable {
    /// Does a share with the thread's own visitor. False when the thread could not return home: it must end then.
    func share(_ visitor: NamespaceVisitor) -> Bool

    /// Goes up while the threads get on; one that stands still is stuck.
    var progress: Int { get }
}

/// The threads that enter namespaces. They live as long as the engine and wait for jobs.
///
/// A thread may be stuck in the kernel, where nothing can stop it: a lock that somebody holds for ever, a device that does
/// not answer. It is then given up: it keeps what it has, another takes its place, and when it comes back it ends.
///
/// Concurrency: jobs and the threads at work pass through a monitor.
final class VisitorPool: Sendable {
    private struct State: Sendable {
        var job: (any VisitorWork)?
        var generation = 0
        /// Threads that are alive and not given up, by their numbers.
        var alive: Set<Int> = []
        /// Those of them that have not finished the current job.
        var working: Set<Int> = []
        /// Threads that were given up and have not come back.
        var stuck: Set<Int> = []
        var lastNumber = 0
        var isStopping = false
    }

    /// More stuck threads than this get no others in their place: each costs a stack and whatever it was reading into.
    static let maximumStuck = 16

    private let monitor = Monitor(State())
    private let threads: Int
    private let makeVisitor: @Sendable () -> NamespaceVisitor

    init(threads: Int, makeVisitor: @escaping @Sendable () -> NamespaceVisitor) {
        self.threads = max(threads, 1)
        self.makeVisitor = makeVisitor
    }

    deinit { retire() }

    /// Ends the threads that have nothing to do; those that are stuck end when they come back.
    func retire() { monitor.withLock { $0.isStopping = true } }

    /// Threads that were given up and have not come back.
    var stuckThreads: Int { monitor.withLock { $0.stuck.count } }

    /// Has the job done by all threads, and waits for the last of them; false when some were given up, since they were still
    /// at work at `limit`, or the job got no further for `patience` seconds. Those may still touch what the job gave them.
    ///
    /// A thread that could not return from a namespace has ended by then, and the next job gets another in its place.
    /// `stuckElsewhere` are threads of the pools before this one that have not come back.
    func run(
        _ job: any VisitorWork, until limit: Instant? = nil, patience: Double = 30, stuckElsewhere: Int = 0
    ) throws -> Bool {
        let (alive, stuck) = monitor.withLock { ($0.alive.count, $0.stuck.count + stuckElsewhere) }
        for _ in alive..<max(min(threads, Self.maximumStuck + 1 - stuck), alive) {
            do { try startThread() } catch {
                if monitor.withLock({ $0.alive.isEmpty }) { throw error }
                break
            }
        }
        guard !monitor.withLock({ $0.alive.isEmpty }) else {
            throw SystemError(
                "start", "another collecting thread", Errno(rawValue: EAGAIN),
                advice: "\(stuck) are stuck in the kernel: /proc/PID/task/TID/stack says where")
        }
        monitor.withLock { state in
            state.job = job
            state.generation += 1
            state.working = state.alive
        }
        defer { monitor.withLock { $0.job = nil } }
        var progress = job.progress
        while true {
            let pause = Instant.now().advanced(bySeconds: patience)
            let end = limit.map { min($0, pause) } ?? pause
            if monitor.wait(until: end, { $0.working.isEmpty ? true : nil }) == true { return true }
            if end == pause, job.progress != progress {
                progress = job.progress
                continue
            }
            return monitor.withLock { state in
                guard !state.working.isEmpty else { return true }
                state.stuck.formUnion(state.working)
                state.alive.subtract(state.working)
                state.working = []
                return false
            }
        }
    }

    private func startThread() throws {
        let (number, generation) = monitor.withLock { state in
            state.lastNumber += 1
            state.alive.insert(state.lastNumber)
            return (state.lastNumber, state.generation)
        }
        let monitor = monitor
        let makeVisitor = makeVisitor
        do {
            try NativeThread("collect") { Self.work(number, monitor, makeVisitor, generation) }.detach()
        } catch {
            _ = monitor.withLock { $0.alive.remove(number) }
            throw error
        }
    }

    private static func work(
        _ number: Int, _ monitor: Monitor<State>, _ makeVisitor: () -> NamespaceVisitor, _ generation: Int
    ) {
        let visitor = makeVisitor()
        var seen = generation
        while true {
            let job: (any VisitorWork)?? = monitor.wait { state in
                if state.isStopping { return .some(nil) }
                guard state.generation != seen, let job = state.job else { return nil }
                seen = state.generation
                return .some(job)
            }
            guard let job = job ?? nil else { return }
            let isHome = job.share(visitor)
            let goesOn = monitor.withLock { state in
                guard state.stuck.remove(number) == nil else { return false }
                state.working.remove(number)
                if !isHome { state.alive.remove(number) }
                return isHome
            }
            if !goesOn { return }
        }
    }
}
