internal import Exposition
internal import NetnsSystem

/// One metric family and how its samples are written.
struct Emitter {
    let family: MetricFamily
    let emit: (Scene, inout ExpositionWriter) -> Void

    init(
        _ name: String, _ kind: MetricKind, unit: String? = nil, help: String,
        emit: @escaping (Scene, inout ExpositionWriter) -> Void
    ) {
        family = MetricFamily(name, kind, unit: unit, help: help)
        self.emit = emit
    }
}

/// A part of what is exported, with a name that `--collector.NAME` and `collect[]` know.
///
/// Reading is the engine's work (`parts`); a collector writes what was read.
protocol Collector {
    /// Its name; nil for what is always exported.
    var name: String? { get }
    /// What the engine has to read for it.
    var parts: CollectionParts { get }
    /// Its families.
    var emitters: [Emitter] { get }
    /// How the reading went.
    func part(of report: CollectionReport) -> CollectionReport.Part?
}

extension Collector {
    func part(of report: CollectionReport) -> CollectionReport.Part? { nil }
}

/// The collectors that can be switched on and off: the one list of them.
enum CollectorName: String, CaseIterable, Hashable, Comparable {
    case interface
    case sysctl

    static func < (a: CollectorName, b: CollectorName) -> Bool { a.rawValue < b.rawValue }

    var parts: CollectionParts {
        switch self {
        case .interface: .links
        case .sysctl: .sysctls
        }
    }
}
