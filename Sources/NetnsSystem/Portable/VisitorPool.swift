internal import NetnsCore

/// Something that threads which enter namespaces do together: each takes a share of it.
protocol VisitorWork: Sendable {
    /// Does a share with the thread's own visitor. False when the thread could not return home: it must end then.
    func share(_ visitor: NamespaceVisitor) -> Bool
}

/// The threads that enter namespaces. They live as long as the engine and wait for jobs.
///
/// Concurrency: jobs and the count of threads at work pass through a monitor.
final class VisitorPool: Sendable {
    private struct State: Sendable {
        var job: (any VisitorWork)?
        var generation = 0
        /// Threads that have not finished the current job.
        var busy = 0
        /// Threads that are alive.
        var alive = 0
        var isStopping = false
    }

    private let monitor = Monitor(State())
    private let threads: Int
    private let makeVisitor: @Sendable () -> NamespaceVisitor

    init(threads: Int, makeVisitor: @escaping @Sendable () -> NamespaceVisitor) {
        self.threads = max(threads, 1)
        self.makeVisitor = makeVisitor
    }

    deinit { monitor.withLock { $0.isStopping = true } }

    /// Has the job done by all threads, and waits for the last of them. A thread that could not return from a namespace
    /// has ended by then, and the next job gets another in its place.
    func run(_ job: any VisitorWork) throws {
        let alive = monitor.wait { state in state.alive } ?? 0
        for _ in alive..<max(threads, alive) {
            do { try startThread() } catch {
                if monitor.wait({ $0.alive }) == 0 { throw error }
                break
            }
        }
        monitor.withLock { state in
            state.job = job
            state.generation += 1
            state.busy = state.alive
        }
        _ = monitor.wait { state in state.busy == 0 ? true : nil }
        monitor.withLock { $0.job = nil }
    }

    private func startThread() throws {
        let generation = monitor.withLock { state in
            state.alive += 1
            return state.generation
        }
        let monitor = monitor
        let makeVisitor = makeVisitor
        do {
            try NativeThread("collect") { Self.work(monitor, makeVisitor, generation) }.detach()
        } catch {
            monitor.withLock { $0.alive -= 1 }
            throw error
        }
    }

    private static func work(_ monitor: Monitor<State>, _ makeVisitor: () -> NamespaceVisitor, _ generation: Int) {
        let visitor = makeVisitor()
        var seen = generation
        while true {
            let job: (any VisitorWork)?? = monitor.wait { state in
                if state.isStopping { return .some(nil) }
                guard state.generation != seen, let job = state.job else { return nil }
                return .some(job)
            }
            guard let job = job ?? nil else { return }
            seen = monitor.wait { $0.generation } ?? seen
            let isHome = job.share(visitor)
            monitor.withLock { state in
                state.busy -= 1
                if !isHome { state.alive -= 1 }
            }
            if !isHome { return }
        }
    }
}
