internal import Exposition
internal import Logging
package import NetnsCore
package import NetnsSystem
internal import Web

/// One scrape's way through the program, step by step and without HTTP: what the benchmark measures is what runs.
package final class Pipeline {
    private let engine: PortableEngine
    private let exposer: Exposer
    private let names: Set<CollectorName>
    private var buffer = ByteBuffer()
    private var again = SysctlReadings(table: SysctlTable([]))

    /// Which collectors run.
    package enum Choice: String, CaseIterable, Sendable {
        /// `interface` and `sysctl`.
        case basic
        /// Those that run unless they are switched off.
        case defaults
        case all

        var names: Set<CollectorName> {
            switch self {
            case .basic: [.interface, .sysctl]
            // Nothing is sent by what measures: probes are measured by themselves.
            case .defaults: CollectorName.defaults.subtracting([.probe])
            case .all: Set(CollectorName.allCases).subtracting([.probe])
            }
        }

        /// The flags with which the agent runs the same.
        package var flags: [String] {
            CollectorName.allCases.sorted().map { "--\(names.contains($0) ? "" : "no-")collector.\($0.rawValue)" }
        }
    }

    /// A pipeline without filters. With rules these are evaluated too.
    package init(
        _ settings: EngineSettings, _ choice: Choice, rules: [Rule] = [], programs: KernelPrograms? = nil,
        written: WrittenNamespaces? = nil
    ) throws {
        names = rules.isEmpty ? choice.names : choice.names.union([.drift])
        var settings = settings
        var statistics = StatisticsOptions()
        statistics.netstat = names.contains(.netstat)
        statistics.fields = MIBFamily.defaultFields
        try statistics.apply(to: &settings)
        let drift = rules.isEmpty ? DriftConfiguration() : DriftConfiguration(rules: rules)
        var references = DriftMonitor.References()
        if drift.references.contains(.fresh) {
            references.fresh = try SysctlSurvey.fresh().values.compactMapValues { $0.text.map { Array($0.utf8) } }
        }
        let ledger = ErrorLedger()
        engine = try PortableEngine(settings, ledger: ledger, programs: programs, written: written)
        exposer = try Exposer(
            engine: engine,
            scene: Scene(
                filter: try DeviceFilter(include: nil, exclude: nil), includesHostVeths: false, maximumDevices: 1000),
            state: AgentState(ledger: ledger, startTime: WallClock.now()), collectors: names, mib: settings.mib,
            drift: DriftMonitor(
                drift, references,
                logger: Logger(label: "pipeline") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Discovers and reads, and prepares the labels; gives the namespaces read.
    package func collect() throws -> Int {
        try exposer.collect(names, until: nil)
        return engine.namespaces.count
    }

    /// Discovers, and reads the sysctls alone; gives the namespaces read.
    package func collectSysctls() throws -> Int {
        try exposer.collect([.sysctl], until: nil)
        return engine.namespaces.count
    }

    /// Writes the text format; gives its bytes.
    package func encode() -> Int {
        // Given back first, so that it is written into again.
        buffer = ByteBuffer(capacity: 0)
        buffer = exposer.encode(.text, names)
        return buffer.count
    }

    /// Compresses what was written; gives the bytes of the result.
    package func compress() throws -> Int { try exposer.compress(buffer).count }

    /// Takes every sysctl value of the last collection apart once more; gives their number.
    package func decodeSysctlsAgain() -> Int {
        var count = 0
        for namespace in engine.namespaces {
            let table = namespace.sysctls.table
            again.begin(table)
            for index in namespace.sysctls.readings.indices {
                namespace.sysctls.withValue(at: index) { value in
                    unsafe again.append(value: value.bytes, isText: table.entries[index].isText)
                }
            }
            count += again.readings.count
        }
        return count
    }

    /// Lines of samples in what was written last.
    package var samples: Int {
        let bytes = buffer.copied
        var count = 0
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") { count += 1 }
        return count
    }

    /// What the collectors of the last collection took to read, seconds.
    package var collectorSeconds: [(name: String, seconds: Double)] {
        exposer.parts.map { ($0.name, $0.part.seconds) }
    }

    /// What the last discovery took, seconds.
    package var discoverySeconds: Double { exposer.discoverySeconds }

    /// What the last evaluation took, seconds.
    package var evaluationSeconds: Double { exposer.evaluationSeconds }
}
