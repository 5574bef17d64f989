internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// One metric family and how its samples are written.
struct Emitter {
    let family: MetricFamily
    /// The names of its labels, in their order; some may be left out of a sample.
    let labels: [String]
    let emit: (Scene, inout ExpositionWriter) -> Void

    init(
        _ name: String, _ kind: MetricKind, unit: String? = nil, labels: [String] = [], help: String,
        emit: @escaping (Scene, inout ExpositionWriter) -> Void
    ) {
        family = MetricFamily(name, kind, unit: unit, help: help)
        self.labels = labels
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
    case conntrack
    case drift
    case interface
    case neighbour
    case netstat
    case probe
    case qdisc
    case route
    case sockstat
    case softnet
    case sysctl
    case tcp

    static func < (a: CollectorName, b: CollectorName) -> Bool { a.rawValue < b.rawValue }

    /// Those that run unless they are switched off. `neighbour` and `tcp` do not: see docs/performance.md.
    static let defaults = Set(allCases).subtracting([.neighbour, .qdisc, .tcp])

    /// What is read for it; the links give the names of devices.
    var parts: CollectionParts {
        switch self {
        case .address: [.links, .addresses]
        case .conntrack: .conntrack
        case .drift: .sysctls
        case .interface: .links
        case .neighbour: .neighbours
        case .netstat: .mib
        case .probe: [.links, .addresses, .routes]
        case .qdisc: [.links, .qdiscs]
        case .route: [.links, .routes]
        case .sockstat: .sockets
        case .softnet: .softnet
        case .sysctl: .sysctls
        case .tcp: .tcpStates
        }
    }
}

/// Every collector there is; `netstat` writes the fields of a selection, `probe` a histogram of these buckets.
func everyCollector(
    _ state: AgentState, mib: MIBSelection, buckets: HistogramBuckets = .roundTrip
) -> [any Collector] {
    [
        AgentCollector(state), AddressCollector(), ConntrackCollector(), DriftCollector(), InterfaceCollector(),
        NamespaceCollector(),
        NeighbourCollector(), NetstatCollector(mib), ProbeCollector(buckets), ProcessCollector(), QdiscCollector(),
        RouteCollector(),
        SockstatCollector(), SoftnetCollector(), SysctlCollector(), TCPCollector(),
    ]
}
