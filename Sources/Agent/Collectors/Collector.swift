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

/// The collectors that can be switched on and off: these, and those of `fileCollectors`.
struct CollectorName: RawRepresentable, CaseIterable, Hashable, Comparable {
    let rawValue: String
    /// What is read for it.
    let parts: CollectionParts

    // The links give the names of devices.
    static let address = CollectorName("address", [.links, .addresses])
    static let conntrack = CollectorName("conntrack", .conntrack)
    static let drift = CollectorName("drift", .sysctls)
    static let interface = CollectorName("interface", .links)
    static let neighbour = CollectorName("neighbour", .neighbours)
    static let netstat = CollectorName("netstat", .mib)
    static let probe = CollectorName("probe", [.links, .addresses, .routes])
    static let qdisc = CollectorName("qdisc", [.links, .qdiscs])
    static let route = CollectorName("route", [.links, .routes])
    static let sockstat = CollectorName("sockstat", .sockets)
    static let sysctl = CollectorName("sysctl", .sysctls)
    static let tcp = CollectorName("tcp", .tcpStates)
    static let writes = CollectorName("writes", [])

    static let allCases: [CollectorName] =
        [
            address, conntrack, drift, interface, neighbour, netstat, probe, qdisc, route, sockstat, sysctl, tcp,
            writes,
        ] + fileCollectors.map { CollectorName($0) }

    private init(_ name: String, _ parts: CollectionParts) {
        rawValue = name
        self.parts = parts
    }

    /// That of a collector of files.
    init(_ collector: any FileCollector.Type) { self.init(collector.engineSource.name, collector.parts) }

    /// One that there is; nil for any other.
    init?(rawValue: String) {
        guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = known
    }

    static func < (a: CollectorName, b: CollectorName) -> Bool { a.rawValue < b.rawValue }

    /// Those that run unless they are switched off. `neighbour` and `tcp` do not: see docs/performance.md.
    static let defaults = Set(allCases).subtracting([.neighbour, .qdisc, .tcp])
        .subtracting(fileCollectors.filter { !$0.isOnByDefault }.map { CollectorName($0) })
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
        SockstatCollector(), SysctlCollector(), TCPCollector(), WriteCollector(),
    ] + fileCollectors.map { $0.init() }
}
