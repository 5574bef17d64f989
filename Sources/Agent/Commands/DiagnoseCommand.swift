internal import ArgumentParser
internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// `netdrift diagnose`: where a path breaks.
struct DiagnoseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diagnose", abstract: "Walk the path from a network namespace and name the step that is broken.",
        discussion: """
            A namespace is given by its name as netdrift list shows it, as net:[INODE], or by a path; host is the host's. \
            The target is gateway, resolver (the first name server), peer (the veth's other end), host, an address, \
            ADDRESS:PORT, [IPV6]:PORT, a name, NAME:PORT, or the name of a probe of the configuration file. Each step \
            from the interface to the target is ok, BROKEN with the command that mends it, or not known (?), with what \
            was read. Packets go to the target alone, and to the name server that a name needs. Exit status 0 when the \
            target can be reached, 1 when it cannot, 2 when that is not known or could not be evaluated.
            """)

    @Argument(help: "The namespace it begins in.") var namespace: String
    @Argument(help: "What is to be reached.") var target = "gateway"
    @Flag(help: "As JSON.") var json = false

    @Option(help: ArgumentHelp("How long one try may take.", valueName: "duration"))
    var timeout: PromDuration?

    @Option(
        help: ArgumentHelp("icmp, tcp or dns; what the target says, when not given.", valueName: "kind"),
        transform: { try Self.word($0) })
    var kind: Probe.Kind?

    @Option(help: ArgumentHelp("The name that a name server is asked for.", valueName: "name"))
    var query: String?

    @Option(
        help: ArgumentHelp("What it is asked for: A, AAAA, MX, ...", valueName: "type"),
        transform: { try Self.word($0.uppercased()) })
    var queryType: Probe.QueryType?

    @Option(
        name: [.customLong("config"), .customLong("config.file")],
        help: ArgumentHelp("The configuration file, whose probes are targets.", valueName: "file"))
    var file: String?

    @OptionGroup var agent: AgentOption
    @OptionGroup(title: "Paths") var paths: PathOptions

    private static func word<T: RawRepresentable<String> & CaseIterable>(_ text: String) throws -> T {
        guard let value = T(rawValue: text) else {
            throw ValidationError("it is one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return value
    }

    func validate() throws {
        if let timeout, timeout.seconds < 0.001 || timeout.seconds > 60 {
            throw ValidationError("--timeout is 1ms to 60s")
        }
    }

    func run() throws {
        try Evaluation.run {
            let probes = try file.map { try ConfigurationFile.load($0).probes } ?? []
            let manner = DiagnosisTarget.Manner(
                kind: kind, query: query, queryType: queryType, timeout: timeout?.seconds)
            let request = try DiagnosisTarget.request(target, manner, probes: probes)
            var settings = EngineSettings.once(paths)
            settings.sysctls = SysctlSelection(builtin: false, include: [], exclude: [])
            let engine = try PortableEngine(settings, ledger: ErrorLedger())
            _ = try engine.collect(Diagnosis.parts, until: nil)
            let sample = try NamespaceFinder.sample(namespace, in: engine.namespaces)
            let report = try engine.diagnose(request, from: sample, paths: settings.paths)
            let writes = try report.blamedSysctls.flatMap { try WritesClient.last($0, from: agent.agent).prefix(3) }
            try Output.print(
                json
                    ? try DiagnosisListing(report, writes: writes).json(pretty: true)
                    : report.text(colours: Terminal.hasColours, writes: writes))
            switch report.isReachable {
            case true?: break
            case false?: throw ExitCode(1)
            case nil: throw ExitCode(2)
            }
        }
    }
}

extension PortableEngine {
    /// The path from a namespace of the last collection.
    func diagnose(
        _ request: DiagnosisRequest, from sample: NamespaceSample, paths: SystemPaths
    ) throws -> PathReport {
        guard let index = namespaces.firstIndex(where: { $0 === sample }), sample.wasRead else {
            throw Failure("namespace \(sample.name) could not be read: it ended, or it may not be entered")
        }
        return try Diagnosis.run(request, from: sample, site: sites()[index], in: linkedNamespaces, paths: paths)
    }
}

extension Terminal {
    /// Whether standard output shows colours, and its user has not said otherwise (no-color.org).
    static var hasColours: Bool {
        guard isatty(1) == 1, unsafe getenv("NO_COLOR") == nil else { return false }
        guard let term = unsafe getenv("TERM") else { return false }
        return unsafe String(cString: term) != "dumb"
    }
}
