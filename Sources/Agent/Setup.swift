internal import NetnsCore
internal import NetnsSystem
internal import Synchronization

/// What the command line and the configuration file say together.
struct Setup: Sendable {
    /// What the engine does.
    var engine: EngineSettings
    /// What sysctls should be.
    var drift: DriftConfiguration
    /// What they are compared with beside the namespaces themselves.
    var references: DriftMonitor.References
    /// What is to be reached.
    var probes: [Probe]
    /// What could not be done and ends nothing, each with what follows from it.
    var notes: [String] = []

    /// The flags with what a file adds: its filters on names beside theirs, its sysctls, and those its rules are about.
    ///
    /// Reads the file, the saved state it names and, when a rule compares with it, a fresh namespace. Throws
    /// `ConfigurationError` or `UnreadableFile` when a file is at fault.
    init(flags: EngineSettings, selection: SysctlFlags, file: String?) throws {
        let configuration = try file.map { try ConfigurationFile.load($0) } ?? Configuration()
        engine = flags
        engine.include += configuration.include
        engine.exclude += configuration.exclude
        engine.sysctls = selection.selection(requiring: configuration.sysctls + configuration.drift.sysctls)
        drift = configuration.drift
        probes = configuration.probes
        engine.comparesWithHost = drift.references.contains(.host)
        references = DriftMonitor.References()
        if drift.references.contains(.fresh) {
            do {
                let survey = try SysctlSurvey.fresh(procfs: flags.paths.procfs)
                references.fresh = survey.values.compactMapValues { $0.text.map { Array($0.utf8) } }
            } catch {
                notes.append("no namespace can be made, so what should be as in a fresh one is absent: \(error)")
            }
        }
        if let path = configuration.baseline { references.baseline = try ConfigurationFile.loadBaseline(path) }
    }
}

/// What the flags say of the sysctls to read.
struct SysctlFlags: Sendable {
    var builtin = true
    var include: [SysctlPattern] = []
    var exclude: [SysctlPattern] = []

    /// These, and what something else depends on.
    func selection(requiring required: [SysctlPattern] = []) -> SysctlSelection {
        SysctlSelection(builtin: builtin, include: include, exclude: exclude, required: required)
    }
}

/// How the configuration was loaded the last time.
///
/// Concurrency: written where it is loaded, read where the metrics are written; a lock guards it.
final class ReloadStatus: Sendable {
    private let state: Mutex<(isSuccess: Bool, time: Double)>

    /// Loaded at a time, seconds since the epoch.
    init(loadedAt time: Double) { state = Mutex((true, time)) }

    /// Whether the last attempt was a success.
    var isSuccess: Bool { state.withLock { $0.isSuccess } }
    /// When the last success was, seconds since the epoch.
    var time: Double { state.withLock { $0.time } }

    /// Notes an attempt.
    func note(_ isSuccess: Bool, at time: Double) {
        state.withLock { state in
            state.isSuccess = isSuccess
            if isSuccess { state.time = time }
        }
    }
}
