internal import Glibc
internal import Logging
internal import NetnsSystem
internal import Synchronization
internal import Web

/// Loads the configuration again, on SIGHUP or when it is asked to over HTTP. A bad file changes nothing.
///
/// Concurrency: `reload` runs on the main thread, which has the stack that reading a file needs; requests come from any.
final class Reloader: Sendable {
    private let load: @Sendable () throws -> Setup
    private let apply: @Sendable (Setup) -> Void
    private let hasFile: Bool
    private let status: ReloadStatus
    private let logger: Logger
    private let waiting = Mutex<[Responder]>([])

    /// A reloader; `apply` hands what was loaded to those who work by it.
    init(
        hasFile: Bool, status: ReloadStatus, logger: Logger, load: @escaping @Sendable () throws -> Setup,
        apply: @escaping @Sendable (Setup) -> Void
    ) {
        self.hasFile = hasFile
        self.status = status
        self.logger = logger
        self.load = load
        self.apply = apply
    }

    /// Asks for a reload; the answer comes when it is done.
    func request(_ responder: Responder) {
        waiting.withLock { $0.append(responder) }
        kill(getpid(), SIGHUP)
    }

    /// Loads again, and answers those who asked for it.
    func reload() {
        let responders = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        var mistake: String?
        do {
            if hasFile {
                let setup = try load()
                for note in setup.notes { logger.warning("\(note)") }
                apply(setup)
            }
            logger.info(hasFile ? "the configuration was loaded again" : "there is no configuration file to load again")
        } catch {
            mistake = "\(error)"
            logger.error("the configuration was not loaded: the old one stays", metadata: ["error": "\(error)"])
        }
        status.note(mistake == nil, at: WallClock.now())
        for responder in responders {
            responder.respond(
                mistake.map { .text(500, "the configuration was not loaded:\n\($0)\n") } ?? .text(200, "loaded\n"))
        }
    }
}
