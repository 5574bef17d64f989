internal import ArgumentParser
internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// The collectors that are made of files of /proc/net alone: the one list of them. From it come their flags, their names in
/// `collect[]`, what the engine reads, and docs/metrics.md.
let fileCollectors: [any FileCollector.Type] = [
    SoftnetCollector.self,
    XfrmCollector.self,
]

/// A collector whose numbers stand in files of /proc/net: it says which, what their text becomes, and how that is written.
/// The files are read in each namespace, timed, and counted when that fails; a file that a kernel is without is no failure.
protocol FileCollector: Collector, SendableMetatype {
    /// What is kept of one namespace.
    associatedtype Reading: FileReading
    /// Its name and its files.
    static var source: FileSource<Reading> { get }
    /// What it shows and where that stands, as --help says it.
    static var summary: String { get }
    /// Whether it runs unless it is switched off.
    static var isOnByDefault: Bool { get }

    init()
}

extension FileCollector {
    var name: String? { Self.source.name }
    var parts: CollectionParts { Self.parts }

    func part(of report: CollectionReport) -> CollectionReport.Part? {
        Self.index < report.sources.count ? report.sources[Self.index] : CollectionReport.Part()
    }

    /// Its files as the engine knows them.
    static var engineSource: any NamespaceSource { source }

    /// What the engine reads for it.
    static var parts: CollectionParts { .source(index) }

    /// Its place in the list.
    private static var index: Int {
        guard let index = fileCollectors.firstIndex(where: { $0 == Self.self }) else {
            preconditionFailure("\(Self.self) is not in the list fileCollectors")
        }
        return index
    }

    /// Calls `body` for every namespace of which this collection read the files, with what they said and the open labels
    /// `{netns="..."`.
    static func forEachNamespace(_ scene: Scene, _ body: (Reading, Range<Int>) -> Void) {
        let index = index
        for (position, namespace) in scene.namespaces.enumerated() {
            guard let reading = namespace.reading(Reading.self, at: index) else { continue }
            body(reading.value, scene.namespaceLabels[position])
        }
    }

    /// A family with one number a namespace; nil where a kernel does not print it.
    static func number(
        _ family: String, _ kind: MetricKind, unit: String? = nil, help: String,
        _ value: @escaping (Reading) -> UInt64?
    ) -> Emitter {
        Emitter(family, kind, unit: unit, labels: ["netns"], help: help) { scene, writer in
            forEachNamespace(scene) { reading, label in
                if let value = value(reading) { writer.sample(scene.labels, label, value) }
            }
        }
    }
}

extension FileCollector where Reading == NamedNumbers {
    /// A family with the number of one line of the file in each namespace.
    static func number(
        _ family: String, _ kind: MetricKind, unit: String? = nil, of line: String, help: String
    ) -> Emitter {
        guard let position = source.empty.position(of: line) else {
            preconditionFailure("\(Self.self) does not read \(line)")
        }
        return number(family, kind, unit: unit, help: help) { $0[position] }
    }
}

/// `--collector.NAME` and `--no-collector.NAME` of one of them; the last one given counts.
struct FileCollectorFlag: EnumerableFlag {
    let name: CollectorName
    let isOn: Bool

    static var allCases: [FileCollectorFlag] {
        fileCollectors.flatMap { type in
            [true, false].map { FileCollectorFlag(name: CollectorName(type), isOn: $0) }
        }
    }

    static func name(for flag: FileCollectorFlag) -> NameSpecification {
        .customLong("\(flag.isOn ? "" : "no-")collector.\(flag.name.rawValue)")
    }

    static func help(for flag: FileCollectorFlag) -> ArgumentHelp? {
        guard flag.isOn else { return "Without it." }
        let type = fileCollectors.first { CollectorName($0) == flag.name }
        return type.map { ArgumentHelp("\($0.summary) \($0.isOnByDefault ? "On" : "Off") by default.") }
    }
}
