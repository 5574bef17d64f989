internal import ArgumentParser
internal import NetnsCore
internal import NetnsSystem

/// `netdrift engine`: how this kernel is asked, and which sysctl comes which way.
struct EngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine", abstract: "Say which engine runs here, and why.",
        discussion: """
            With the BPF engine, whether what the walk tells of links is used, which is when our own namespace's are as the \
            kernel's dump has them, and a line for each sysctl of the built-in list and of --collector.sysctl.include: whether the \
            walk of the kernel's tables reads it, the kernel's function that writes its value, or why it is read in the \
            portable way. Exit status 0 when the BPF engine loads, 1 when it does not.
            """)

    @Option(
        name: .customLong("collector.sysctl.include"),
        help: ArgumentHelp("More sysctls, by name. Repeatable.", valueName: "name"))
    var include: [String] = []
    @OptionGroup(title: "Paths") var paths: PathOptions

    func run() throws {
        let loaded = try LoadedEngine.load(.auto)
        guard let programs = loaded.programs else {
            try Output.print("engine portable\nreason \(loaded.reason): \(loaded.obstacle?.description ?? "")\n")
            if let log = loaded.obstacle?.log, !log.isEmpty { Output.write(log, to: 2) }
            throw ExitCode(1)
        }
        var settings = EngineSettings()
        settings.paths = paths.paths
        settings.containers = paths.containers
        settings.deepInterval = 0
        do {
            settings.sysctls = SysctlSelection(
                builtin: true, include: try include.map { try SysctlPattern($0) }, exclude: [])
            let engine = try PortableEngine(settings, ledger: ErrorLedger(), programs: programs)
            _ = try engine.collect([.sysctls, .links], until: nil)
            try Output.print(Self.text(engine))
        } catch { throw Failure("\(error)") }
    }

    private static func text(_ engine: PortableEngine) -> String {
        var text = "engine bpf\nnamespaces \(engine.namespaces.count)\n"
        if let rate = engine.tickRate { text += "ticks a second \(rate)\n" }
        text += "links \(engine.hasTrustedLinks ? "bpf" : "portable  they were not as RTM_GETLINK has them")\n"
        for sysctl in engine.sysctlWays {
            let way = sysctl.obstacle.map { "portable  \($0)" } ?? "bpf"
            let handler = sysctl.handler.isEmpty ? "" : "  (\(sysctl.handler))"
            text += PrintableText.string(Array("\(sysctl.name)  \(way)\(handler)".utf8)) + "\n"
        }
        return text
    }
}
