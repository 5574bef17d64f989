internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import NetnsCore
internal import NetnsSystem

/// `netdrift list`: the namespaces, as `lsns -t net` shows them and more.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show every network namespace of the host.",
        discussion: """
            As lsns -t net shows them, and those that no process is in, with name, origin, container and interfaces: \
            the address of each and, behind an arrow, its other end with the bridge that end is a port of. \
            A namespace is held by a process, a mount, a descriptor (fd), a socket or a thread: origin is the first of \
            these that applies.
            """)

    @Flag(help: "As JSON.") var json = false
    @Flag(help: "Draw how they hang together: the host, its bridges, veth pairs, and what is at their other ends.")
    var tree = false
    @OptionGroup(title: "Discovery") var filter: FilterOptions
    @OptionGroup(title: "Paths") var paths: PathOptions
    @OptionGroup(title: "Engine") var engine: EngineOptions

    func validate() throws {
        if json, tree { throw ValidationError("--json and --tree cannot be given together") }
    }

    func run() throws {
        var settings = EngineSettings.once(paths)
        settings.sysctls = SysctlSelection(builtin: false, include: [], exclude: [])
        filter.apply(to: &settings)
        let ledger = ErrorLedger()
        let namespaces: [NamespaceSample]
        let linked: [NamespaceSample]
        let report: CollectionReport
        do {
            let engine = try PortableEngine(settings, ledger: ledger, programs: try self.engine.load().programs)
            report = try engine.collect([.links, .addresses], until: nil)
            namespaces = engine.namespaces.sorted { $0.inode < $1.inode }
            linked = engine.linkedNamespaces
        } catch { throw Failure("\(error)") }

        let commands = CommandLine.read(namespaces.compactMap { $0.leader?.pid }, paths: settings.paths)
        let listing = NamespaceListing(namespaces, linked: linked, commands)
        if json {
            try Output.print(String(decoding: try listing.json(pretty: true), as: UTF8.self))
        } else if tree {
            var tree = NamespaceTree(listing)
            try Output.print(tree.text(Self.hasUnicode ? .unicode : .ascii, width: Terminal.width()))
        } else {
            try Output.print(listing.table(width: Terminal.width()))
        }
        Self.reportUnseen(report, ledger)
    }

    /// What the list lacks, on standard error.
    private static func reportUnseen(_ report: CollectionReport, _ ledger: ErrorLedger) {
        let missing = Capability.missing().filter { capability in
            switch capability {
            case .sysAdmin: report.unreachable > 0
            case .sysPtrace: report.deniedProcesses > 0
            case .dacReadSearch: report.deepScan?.denied ?? 0 > 0
            case .netAdmin: report.deepScan?.socketsDenied ?? 0 > 0
            case .netRaw, .bpf, .perfmon: false
            }
        }
        if !missing.isEmpty {
            Output.write(
                "netdrift: run as root, or with \(missing.map(\.name).joined(separator: ", ")), to see "
                    + missing.map(\.purpose).joined(separator: "; ") + "\n", to: 2)
        } else if report.unreachable > 0 {
            let reasons = ledger.entries.map { "\($0.key.operation) \($0.key.reason)" }.joined(separator: ", ")
            Output.write("netdrift: \(report.unreachable) namespaces could not be entered: \(reasons)\n", to: 2)
        }
    }

    /// Whether the locale's characters are those of Unicode. Source: locale(7), the order of the variables.
    private static var hasUnicode: Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { continue }
            let text = unsafe String(cString: value).lowercased()
            return text.contains("utf-8") || text.contains("utf8")
        }
        return false
    }
}

/// The terminal that standard output is.
enum Terminal {
    /// The terminal's columns, nil when standard output is none: then nothing is cut.
    static func width() -> Int? {
        guard isatty(1) == 1 else { return nil }
        var size = winsize()
        guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
