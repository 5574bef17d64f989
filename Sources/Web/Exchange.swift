import Synchronization

/// One request and its answer: where libmicrohttpd's thread and the answering thread meet.
///
/// An answer may come before libmicrohttpd's thread suspends the connection, while it does, or long after. Every step
/// is a transition of `phase` under its mutex, so each order ends in exactly one queued answer:
///
///     received --claim--> handling --settle--> suspended --answer--> answered --settle--> queued --finish--> finished
///                         handling --answer--> answered  --settle--> queued
///     received --answer--> answered (refused, or the server is stopping: the handler never runs)
///
/// Concurrency: `phase` is owned by its mutex. The connection's handle is used on libmicrohttpd's thread, except to
/// resume it, which is allowed from any thread; it is valid from the access callback until `finish`, and never used
/// outside the mutex by another thread.
final class Exchange: Sendable {
    private enum Phase {
        /// The headers are there; no handler has been called.
        case received
        /// The handler has not answered, and libmicrohttpd's thread is still in the access callback.
        case handling
        /// libmicrohttpd leaves the connection alone until it is resumed.
        case suspended(ConnectionHandle)
        /// The answer waits for libmicrohttpd's thread to fetch it.
        case answered(Response)
        /// libmicrohttpd has the answer.
        case queued
        /// libmicrohttpd is done with the request, whatever became of it.
        case finished
    }

    /// What the access callback has to do next.
    enum Step {
        case queue(Response)
        case wait
        case close
    }

    let request: Request
    private let phase = Mutex(Phase.received)

    init(_ request: Request) {
        self.request = request
    }

    /// Gives the answer; any thread. Without effect, and false, if there was one or if the request is over.
    @discardableResult
    func answer(_ response: Response) -> Bool {
        phase.withLock { phase in
            switch phase {
            case .received, .handling:
                phase = .answered(response)
                return true
            case .suspended(let connection):
                phase = .answered(response)
                // Under the mutex: whoever stops the server answers this exchange first, and so cannot overtake this
                // call. libmicrohttpd aborts the process when it is stopped with a suspended connection.
                connection.resume()
                return true
            case .answered, .queued, .finished:
                return false
            }
        }
    }

    /// True exactly once, if nobody has answered: the caller runs the handler.
    func claim() -> Bool {
        phase.withLock { phase in
            guard case .received = phase else { return false }
            phase = .handling
            return true
        }
    }

    /// Decides in the access callback, on libmicrohttpd's thread: queue the answer, or suspend and wait for it.
    func settle(_ connection: ConnectionHandle) -> Step {
        phase.withLock { phase -> Step in
            switch phase {
            case .received, .handling:
                connection.suspend()
                phase = .suspended(connection)
                return .wait
            case .suspended:
                return .wait
            case .answered(let response):
                phase = .queued
                return .queue(response)
            case .queued, .finished:
                return .close
            }
        }
    }

    /// libmicrohttpd is done: the connection's handle is not valid any more.
    func finish() {
        let last = phase.withLock { phase -> Phase in
            let last = phase
            phase = .finished
            return last
        }
        // An answer that was never fetched goes here, outside the mutex: freeing its body may run code of its owner's.
        _ = last
    }
}
