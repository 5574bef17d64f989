internal import ArgumentParser
internal import FoundationEssentials
internal import NetnsCore
internal import NetnsSystem

/// Finds the namespaces that a command line names.
///
/// Concurrency: belongs to the thread that runs the command.
final class NamespaceFinder {
    /// A namespace's sysctls and what to call it.
    struct Found {
        let name: String
        let survey: SysctlSurvey
    }

    private let paths: SystemPaths
    private let containers: ContainerPaths
    private var known: [NamespaceSample]?

    init(_ options: PathOptions) {
        paths = options.paths
        containers = options.containers
    }

    /// What `text` names: `host`, `fresh`, a path, a name as `netdrift list` shows it, `net:[INODE]` or an inode. Another
    /// namespace that is called like one of the first two is reached by its path or inode.
    func find(_ text: String) throws -> Found {
        if text == NamespaceNames.host { return Found(name: text, survey: try host()) }
        if text == Reference.fresh.rawValue { return Found(name: text, survey: try fresh()) }
        if text.hasPrefix("/") {
            return Found(name: Self.printable(text), survey: try SysctlSurvey.at(text, procfs: paths.procfs))
        }
        let sample = try Self.sample(text, in: try all(), takesFresh: true)
        return Found(name: sample.name, survey: try SysctlSurvey.of(sample, paths: paths))
    }

    /// Which of `namespaces` a text names: `host`, a name, `net:[INODE]`, an inode or a path. Throws a sentence when it is
    /// none, with one that it may have been meant for.
    static func sample(
        _ text: String, in namespaces: [NamespaceSample], takesFresh: Bool = false
    ) throws -> NamespaceSample {
        let inode = text.hasPrefix("/") ? try Diagnosis.inode(at: text) : inode(text)
        if let sample = namespaces.first(where: { $0.name == text }) ?? namespaces.first(where: { $0.inode == inode }) {
            return sample
        }
        let names = namespaces.map(\.name) + [NamespaceNames.host] + (takesFresh ? [Reference.fresh.rawValue] : [])
        let nearest = EditDistance.nearest(text, names) ?? names.first { !text.isEmpty && $0.hasPrefix(text) }
        let hint = nearest.map { ", did you mean \(printable($0))?" }
        let words = takesFresh ? "host, fresh, net:[INODE] and a path" : "host, net:[INODE] and a path"
        throw Failure(
            "there is no network namespace \(printable(text))"
                + (hint ?? ": netdrift list shows those there are; \(words) are taken too"))
    }

    /// The sysctls of the host's namespace.
    func host() throws -> SysctlSurvey {
        if let path = paths.hostNamespace { return try SysctlSurvey.at(path, procfs: paths.procfs) }
        return try SysctlSurvey.current(procfs: paths.procfs)
    }

    /// The sysctls of a namespace made for this.
    func fresh() throws -> SysctlSurvey { try SysctlSurvey.fresh(procfs: paths.procfs) }

    /// Every namespace of the host with the sysctl `name` read, or with none.
    func collect(_ name: SysctlPattern?) throws -> [NamespaceSample] {
        var settings = EngineSettings()
        settings.paths = paths
        settings.containers = containers
        settings.sysctls = SysctlSelection(builtin: false, include: name.map { [$0] } ?? [], exclude: [])
        settings.maximumNamespaces = .max
        // One deep scan: it is over before the collection begins.
        settings.deepInterval = 1e6
        settings.firstScanPatience = 600
        let engine = try PortableEngine(settings, ledger: ErrorLedger())
        _ = try engine.collect(name == nil ? [] : .sysctls, until: nil)
        return engine.namespaces
    }

    private func all() throws -> [NamespaceSample] {
        if let known { return known }
        let found = try collect(nil)
        known = found
        return found
    }

    private static func inode(_ text: String) -> UInt64? {
        text.hasPrefix("net:[") && text.hasSuffix("]") ? UInt64(text.dropFirst(5).dropLast()) : UInt64(text)
    }

    static func printable(_ text: String) -> String { PrintableText.string(Array(text.utf8)) }
}

/// What commands that compare have in common: exit status 0 and 1 are answers, 2 says that there is none.
enum Evaluation {
    /// Runs a command; what it throws is told on standard error, with exit status 2.
    static func run(_ body: () throws -> Void) throws {
        do { try body() } catch let code as ExitCode { throw code } catch {
            Output.write("netdrift: \(error)\n", to: 2)
            throw ExitCode(2)
        }
    }

    /// A value as pretty JSON with sorted keys.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }
}

/// Columns of text for a terminal.
enum TextTable {
    /// A cell longer than this does not widen its column: a value may have 4,096 bytes.
    private static let widest = 60

    /// Rows with their columns under each other; lines longer than `width` are cut, since a wrapped table cannot be read.
    static func text(_ rows: [[String]], width: Int?) -> String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                if cell.count <= widest { widths[column] = max(widths[column], cell.count) }
            }
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                if column > 0 { line += "  " }
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: max(0, widths[column] - cell.count)) }
            }
            while line.last == " " { line.removeLast() }
            return (width.map { String(line.prefix($0)) } ?? line) + "\n"
        }.joined()
    }
}
