import Glibc

/// Cuts connections that take too long, once a second, on a thread of its own.
///
/// Concurrency: the table is owned by `state`. A descriptor is cut with the lock held, and libmicrohttpd reports a
/// connection before it closes its descriptor: so it is never another's that is cut.
final class ConnectionWatch: Sendable {
    private struct State {
        var table: ConnectionTable
        var isStopped = false
    }

    private let state: Monitor<State>
    /// How many connections of a listener there may be before those that ask for nothing have to make room.
    private let comfortable: Int

    init(_ limits: Limits) {
        comfortable = limits.connections - limits.connections / 8
        state = Monitor(
            State(
                table: ConnectionTable(
                    receiveLimit: .seconds(limits.requestSeconds), sendLimit: .seconds(limits.answerSeconds))))
    }

    func opened(_ connection: ConnectionHandle) {
        guard let descriptor = connection.descriptor else { return }
        let address = connection.remoteAddress.map { $0[..<($0.lastIndex(of: ":") ?? $0.endIndex)] } ?? ""
        state.withLock { state in
            // Before the new one is in it: it has not had the time to ask for anything.
            let listener = connection.listener
            if let other = state.table.dispensable(of: listener, limit: comfortable - 1) {
                shutdown(other, Int32(SHUT_RDWR))
            }
            state.table.open(
                connection.key, descriptor: descriptor, by: listener, from: String(address), at: .now)
        }
    }

    func changed(_ connection: ConnectionHandle, to activity: ConnectionTable.Activity) {
        state.withLock { $0.table.change(connection.key, to: activity, at: .now) }
    }

    func closed(_ connection: ConnectionHandle) {
        state.withLock { $0.table.close(connection.key) }
    }

    /// Starts the thread; `nil` if the kernel has none to give.
    func start() -> pthread_t? {
        var thread = pthread_t()
        let retained = unsafe Unmanaged.passRetained(self)
        guard unsafe pthread_create(&thread, nil, watchConnections, retained.toOpaque()) == 0 else {
            unsafe retained.release()
            return nil
        }
        return thread
    }

    /// Ends the thread; the caller joins it.
    func stop() {
        state.withLock { $0.isStopped = true }
    }

    fileprivate func run() {
        while true {
            let isStopped = state.wait(for: .seconds(1), until: { $0.isStopped }) { state in
                // libmicrohttpd finds the connection ended by the other side, and closes it.
                for descriptor in state.table.overdue(at: .now) { shutdown(descriptor, Int32(SHUT_RDWR)) }
                return state.isStopped
            }
            if isStopped { return }
        }
    }
}

/// The thread's function: top-level, as a C callback has to be.
private func watchConnections(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument {
        unsafe Unmanaged<ConnectionWatch>.fromOpaque(argument).takeRetainedValue().run()
    }
    return nil
}
