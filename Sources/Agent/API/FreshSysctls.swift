internal import NetnsCore
internal import NetnsSystem
internal import Synchronization

/// The sysctls of a fresh namespace, read once and at the first demand, on a thread of its own.
///
/// Concurrency: the state is guarded by its mutex; any thread may ask.
final class FreshSysctls: Sendable {
    /// What is known. The raw value is what the API says.
    enum State: String, Sendable {
        /// They are being read.
        case pending
        /// They were read.
        case ready
        /// No namespace can be made here.
        case unavailable
    }

    private enum Progress: Sendable {
        case unasked
        case known(State, [SysctlName: String])
    }

    private let progress = Mutex(Progress.unasked)
    private let survey: @Sendable () throws -> SysctlSurvey

    /// Nothing is read yet.
    init(_ survey: @escaping @Sendable () throws -> SysctlSurvey) { self.survey = survey }

    /// What is known now; the first who asks starts the reading.
    func values() -> (state: State, values: [SysctlName: String]) {
        let isFirst = progress.withLock { progress in
            guard case .unasked = progress else { return false }
            progress = .known(.pending, [:])
            return true
        }
        if isFirst { start() }
        return progress.withLock { progress in
            guard case .known(let state, let values) = progress else { return (.pending, [:]) }
            return (state, values)
        }
    }

    private func start() {
        do {
            try NativeThread("fresh") { [self] in
                let values = (try? survey())?.values.compactMapValues(\.text)
                progress.withLock { $0 = values.map { .known(.ready, $0) } ?? .known(.unavailable, [:]) }
            }.detach()
        } catch { progress.withLock { $0 = .known(.unavailable, [:]) } }
    }
}
