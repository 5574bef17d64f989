internal import ArgumentParser
internal import Glibc
internal import Logging
internal import NetnsCore
internal import NetnsSystem

/// `netdrift check`: one evaluation.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say which sysctls are not what they should be.",
        discussion: """
            Reads every namespace once and compares it with what its container declared and with what the configuration \
            file says. Exit status 0 when nothing drifted, 1 when something did, 2 when it could not be evaluated.
            """)

    @Option(
        name: [.customLong("config"), .customLong("config.file")],
        help: ArgumentHelp("The configuration file; without one, only what containers declared.", valueName: "file"))
    var file: String?

    @Flag(help: "As JSON.") var json = false

    @Option(
        help: ArgumentHelp(
            "Also save what was read of every namespace, for `same_as: baseline`. Nothing that exists is overwritten.",
            valueName: "file"))
    var save: String?

    @OptionGroup(title: "Discovery") var filter: FilterOptions
    @OptionGroup(title: "Paths") var paths: PathOptions
    @OptionGroup(title: "Engine") var engine: EngineOptions

    func run() throws {
        let namespaces: [NamespaceSample]
        let listing: DriftListing
        let hasKernel: Bool
        do {
            var flags = EngineSettings.once(paths)
            filter.apply(to: &flags)
            let setup = try Setup(flags: flags, selection: SysctlFlags(), file: file)
            for note in setup.notes { Output.write("netdrift: \(note)\n", to: 2) }
            let engine = try PortableEngine(
                setup.engine, ledger: ErrorLedger(), programs: try self.engine.load().programs)
            _ = try engine.collect(.sysctls, until: nil)
            hasKernel = engine.isWalked
            namespaces = engine.namespaces
            let monitor = DriftMonitor(
                setup.drift, setup.references, logger: Logger(label: "netdrift") { _ in SwiftLogNoOpLogHandler() })
            monitor.evaluate(namespaces, linked: engine.linkedNamespaces, at: WallClock.now())
            listing = DriftListing(namespaces, monitor, tellsTime: false)
            if let save { try SavedState.write(namespaces, to: save) }
        } catch {
            Output.write("netdrift: \(error)\n", to: 2)
            throw ExitCode(2)
        }
        try Evaluation.run {
            try Output.print(json ? String(decoding: try listing.json(pretty: true), as: UTF8.self) : listing.text())
        }
        let unread = namespaces.filter { !($0.wasRead && $0.hasSysctls) }.map(\.name)
        if !unread.isEmpty {
            Output.write(
                "netdrift: not evaluated, since they could not be read: \(unread.joined(separator: ", "))\n", to: 2)
        }
        let missing = Capability.missing()
        if hasKernel, !missing.isEmpty {
            Output.write(
                "netdrift: every namespace is seen; without \(missing.map(\.name).joined(separator: ", ")), what other users' "
                    + "containers declared and who holds a namespace may not be\n", to: 2)
        } else if !missing.isEmpty {
            Output.write(
                "netdrift: some namespaces are not seen: run as root, or with "
                    + missing.map(\.name).joined(separator: ", ") + "\n", to: 2)
        }
        if !listing.drift.isEmpty { throw ExitCode(1) }
        if !unread.isEmpty { throw ExitCode(2) }
    }
}

extension EngineSettings {
    /// For a command that looks once: with one deep scan, which is over before the collection begins, and without limits.
    static func once(_ paths: PathOptions) -> EngineSettings {
        var settings = EngineSettings()
        settings.paths = paths.paths
        settings.containers = paths.containers
        settings.threads = 2
        settings.maximumNamespaces = .max
        settings.deepInterval = 1e6
        settings.firstScanPatience = 600
        return settings
    }
}

extension DriftListing {
    /// For a person: what drifted, each with how to mend it, and how many expectations there were. What a container's
    /// specification says is an ordinary user's choice, and must not act on the terminal.
    func text() -> String {
        func plain(_ line: some StringProtocol) -> String { PrintableText.string(Array(line.utf8)) + "\n" }
        var text = ""
        for entry in drift {
            text += plain("\(entry.netns)  \(entry.sysctl)  \(entry.severity)")
            text += plain(
                "  expected \(entry.expected)  actual \(entry.actual ?? "?")  rule \(entry.rule) (\(entry.source))")
            for line in entry.remedy.split(separator: "\n") { text += plain("  \(line)") }
        }
        for entry in unknown {
            text += plain("\(entry.netns)  \(entry.sysctl)  \(entry.state)  rule \(entry.rule)")
        }
        let counts = ExpectationState.allCases.map { "\(expectations[$0.rawValue] ?? 0) \($0.rawValue)" }
        return text + counts.joined(separator: ", ") + "\n"
    }
}
