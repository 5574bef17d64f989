internal import Logging
internal import NetnsCore
internal import NetnsSystem
internal import Synchronization

/// Tells the service manager how the agent is, where there is one.
///
/// A sign of life comes from the scraper's thread, between two collections, and only when the main thread has asked for it: it
/// proves that signals are heard and that scrapes are answered. The web server is not asked over its own port: somebody who
/// takes all connections that it allows could have the agent killed by it.
///
/// Concurrency: the main thread asks, the scraper's answers.
final class ServiceReporter: Sendable {
    private let manager: ServiceManager?
    private let scraper: Scraper
    private let reload: ReloadStatus
    private let addresses: String
    private let logger: Logger
    private let hasWarned = Atomic<Bool>(false)

    /// A reporter; `manager` is nil where nobody wants to know. `addresses` are where the agent serves.
    init(_ manager: ServiceManager?, scraper: Scraper, reload: ReloadStatus, addresses: [String], logger: Logger) {
        self.manager = manager
        self.scraper = scraper
        self.reload = reload
        self.addresses = addresses.joined(separator: ", ")
        self.logger = logger
    }

    /// Seconds after which `prove` is to be called again; nil when nobody waits for it. A quarter of what the manager waits
    /// for, so that a collection may take the rest.
    var interval: Double? { manager?.watchdog.map { $0 / 4 } }

    /// Tells that the agent is ready, once it is: after the first collection, and once it works by what was loaded last.
    func ready() {
        guard manager != nil else { return }
        scraper.pulse { [self] namespaces in tell(.ready(status: status(namespaces))) }
    }

    /// Tells that the agent is alive, once its scraper shows that it is.
    func prove() {
        guard manager != nil else { return }
        scraper.pulse(onlyOne: true) { [self] namespaces in tell(.alive(status: status(namespaces))) }
    }

    /// Tells that the configuration is loaded again. Nothing before the first collection: `ready` comes after it anyway.
    func reloading() {
        if scraper.isReady { tell(.reloading(since: .now())) }
    }

    /// Tells that the agent ends.
    func stopping() { tell(.stopping) }

    private func status(_ namespaces: Int) -> String {
        var status = "\(namespaces) network namespace\(namespaces == 1 ? "" : "s"), served on \(addresses)"
        if !reload.isSuccess { status += "; the configuration file has a mistake, the one before it stays" }
        return status
    }

    private func tell(_ message: ServiceManager.Message) {
        do { try manager?.tell(message) } catch {
            guard !hasWarned.exchange(true, ordering: .relaxed) else { return }
            logger.warning("the service manager is not told", metadata: ["error": "\(error)"])
        }
    }
}
