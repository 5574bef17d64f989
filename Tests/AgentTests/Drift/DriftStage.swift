import Logging
import Synchronization

@testable import Agent
@testable import NetnsCore

/// A drift monitor over samples, and what it logs.
final class DriftStage {
    let monitor: DriftMonitor
    var namespaces: [NamespaceSample]
    /// The host's, when it is not one of `namespaces`.
    var host: NamespaceSample?
    private let journal = Journal()
    private var time = 0.0

    init(
        _ namespaces: [NamespaceSample], _ rules: [Rule] = [.asDeclared],
        _ references: DriftMonitor.References = .init()
    ) {
        self.namespaces = namespaces
        let journal = journal
        var logger = Logger(label: "test") { _ in journal }
        logger.logLevel = .info
        monitor = DriftMonitor(DriftConfiguration(rules: rules), references, logger: logger)
    }

    /// Evaluates at a second, the next when none is given, and gives the lines that this logged.
    @discardableResult
    func evaluate(at second: Double? = nil) -> [String] {
        time = second ?? time + 1
        journal.lines.withLock { $0 = [] }
        monitor.evaluate(namespaces, linked: namespaces + (host.map { [$0] } ?? []), at: time)
        return journal.lines.withLock { $0 }
    }

    func reconfigure(_ rules: [Rule], _ references: DriftMonitor.References = .init()) {
        monitor.reconfigure(DriftConfiguration(rules: rules), references)
    }

    /// `SYSCTL RULE STATE` and when it began, for each expectation of a namespace; nil when it was not evaluated.
    func states(_ namespace: NamespaceSample) -> [String]? {
        monitor[namespace].map { watch in
            watch.states.enumerated().map { index, state in
                let assertion = watch.list.assertions[index]
                let since = watch.since(index).map { " \(Int($0))" } ?? ""
                return "\(assertion.rule) \(assertion.sysctl.components.last ?? "") \(state?.rawValue ?? "-")\(since)"
            }
        }
    }

    /// Of one rule of the whole file, about one sysctl.
    static func rule(
        _ expectation: Expectation, named name: String = "r", on pattern: String = "net.ipv4.tcp_keepalive_time",
        in namespaces: NamespaceMatcher = .all, severity: Severity = .warning
    ) throws -> Rule {
        Rule(
            name: name, namespaces: namespaces, severity: severity,
            content: .sysctls([.init(try SysctlPattern(pattern), expectation)]))
    }

    static let keepalive = "net.ipv4.tcp_keepalive_time"

    /// A namespace with that sysctl alone.
    static func namespace(
        _ name: String, inode: UInt64, _ value: Samples.Sysctl, isHost: Bool = false
    ) throws -> NamespaceSample {
        try Samples.namespace(name, inode: inode, isHost: isHost, sysctls: [(keepalive, value)])
    }
}

extension NamespaceSample {
    /// Reads it again: every entry of its table is this.
    func read(_ value: Samples.Sysctl) {
        wasRead = true
        hasSysctls = true
        let table = sysctls.table
        sysctls.begin(table)
        for entry in table.entries {
            switch value {
            case .value(let text):
                let bytes = Array(text.utf8)
                unsafe sysctls.append(value: bytes.span.bytes, isText: entry.isText)
            case .state(let state): sysctls.append(state)
            }
        }
    }
}

/// Keeps what is logged: `MESSAGE KEY=VALUE ...`, sorted by key.
final class Journal: LogHandler, Sendable {
    let lines = Mutex<[String]>([])

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .info }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let pairs = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        lines.withLock { $0.append(([event.message.description] + pairs).joined(separator: " ")) }
    }
}
