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
    case address
    case drift
    case interface
    case neighbour
    case route
    case sysctl

    static func < (a: CollectorName, b: CollectorName) -> Bool { a.rawValue < b.rawValue }

    /// Those that run unless they are switched off. `neighbour` does not: see docs/performance.md.
    static let defaults = Set(allCases).subtracting([.neighbour])

    /// What is read for it; the links give the names of devices.
    var parts: CollectionParts {
        switch self {
        case .address: [.links, .addresses]
        case .drift: .sysctls
        case .interface: .links
        case .neighbour: .neighbours
        case .route: [.links, .routes]
        case .sysctl: .sysctls
        }
    }
}
