internal import FoundationEssentials
internal import NetnsCore

/// All that one collection found of one namespace: `/api/v1/namespace?netns=NAME`.
///
/// Names are those of the labels. What is not known is left out.
struct NamespaceDetail: Encodable {
    /// What something says a sysctl should be, and what became of it.
    struct Demand: Encodable {
        let rule: String
        let source: String
        let severity: String
        /// `matched`, `drifted`, `absent` or `unreadable`.
        let state: String
        let expected: String
        /// While it has drifted: when that was first seen, seconds since the epoch.
        let since: Double?
        /// While it has drifted: how to mend it, at once and for good.
        let remedy: String?
    }

    struct Sysctl: Encodable {
        let sysctl: String
        /// `value`, `absent`, `unreadable` or `too_long`.
        let state: String
        let value: String?
        /// What the host has.
        let host: String?
        /// What a new namespace has.
        let fresh: String?
        /// Which of `host` and `fresh` have another value, compared as expectations are.
        let differsFrom: [String]
        let drifted: Bool
        let expectations: [Demand]

        private enum CodingKeys: String, CodingKey {
            case sysctl, state, value, host, fresh
            case differsFrom = "differs_from"
            case drifted, expectations
        }
    }

    struct Route: Encodable {
        let family: String
        let device: String?
        let gateway: String?
    }

    /// More interfaces than this are left out.
    static let maximumInterfaces = 256

    /// When this was collected, seconds since the epoch.
    let time: Double
    let firstSeen: Double
    /// As in the list of all, but for the interfaces.
    let namespace: NamespaceListing.Entry
    /// Whether its containers could write its sysctls.
    let writable: Bool?
    /// Absent when they could not be read.
    let interfaces: [InterfaceDetail]?
    let interfacesLeftOut: Int?
    /// The next hops of its default routes; absent when they were not read.
    let defaultRoutes: [Route]?
    /// Those that drifted first, then those that differ, then by name; absent when they were not read.
    let sysctls: [Sysctl]?
    /// Whether a fresh namespace was read: `pending`, `ready` or `unavailable`.
    let fresh: String

    private enum CodingKeys: String, CodingKey {
        case time
        case firstSeen = "first_seen"
        case namespace, writable, interfaces
        case interfacesLeftOut = "interfaces_left_out"
        case defaultRoutes = "default_routes"
        case sysctls, fresh
    }

    /// What the last collection found of `sample`; `linked` are those that were resolved together.
    init(
        _ sample: NamespaceSample, linked: [NamespaceSample], _ drift: DriftMonitor?,
        fresh: (state: FreshSysctls.State, values: [SysctlName: String]), at time: Double
    ) {
        self.time = time
        firstSeen = sample.firstSeen
        namespace = NamespaceListing.entry(sample, linked, [:], hasInterfaces: false)
        writable = sample.isWritableInside
        let links =
            sample.wasRead && sample.hasLinks ? ToldLinks(of: sample, most: Self.maximumInterfaces) : nil
        interfaces = links.map { InterfaceDetail.all($0, of: sample, linked) }
        interfacesLeftOut = links.flatMap { $0.leftOut > 0 ? $0.leftOut : nil }
        defaultRoutes =
            sample.wasRead && sample.hasRoutes
            ? sample.routes.defaults.map { route in
                Route(
                    family: route.family == .ipv4 ? "ipv4" : "ipv6", device: sample.deviceName(of: route.link),
                    gateway: route.gateway?.description)
            } : nil
        sysctls = sample.wasRead && sample.hasSysctls ? Self.sysctls(of: sample, linked, drift, fresh.values) : nil
        self.fresh = fresh.state.rawValue
    }

    // MARK: Sysctls

    private static func sysctls(
        of sample: NamespaceSample, _ linked: [NamespaceSample], _ drift: DriftMonitor?,
        _ fresh: [SysctlName: String]
    ) -> [Sysctl] {
        let host = linked.first { $0.isHost && $0.wasRead && $0.hasSysctls }
        let demands = demands(on: sample, drift)
        let entries = sample.sysctls.table.entries
        var found = entries.indices.compactMap { index -> Sysctl? in
            let name = entries[index].name
            return sysctl(
                name, sample.sysctls, index, host: sample.isHost ? nil : host.flatMap { value(of: name, $0.sysctls) },
                fresh: fresh[name], demands[name] ?? [])
        }
        // What is asked of a sysctl that the table has not got: nothing was read, and that is told.
        for (name, demands) in demands where sample.sysctls.table.index(of: name) == nil {
            found.append(
                Sysctl(
                    sysctl: name.dotted, state: "absent", value: nil, host: nil, fresh: nil, differsFrom: [],
                    drifted: false, expectations: demands))
        }
        return found.sorted { ($0.rank, $0.sysctl) < ($1.rank, $1.sysctl) }
    }

    private static func sysctl(
        _ name: SysctlName, _ readings: SysctlReadings, _ index: Int, host: String?, fresh: String?,
        _ demands: [Demand]
    ) -> Sysctl? {
        let state: String
        switch readings.readings[index].state {
        case .value: state = "value"
        case .absent: state = "absent"
        case .unreadable: state = "unreadable"
        case .tooLong: state = "too_long"
        }
        // Most namespaces lack some of the list; that says nothing unless somebody wants it there.
        if state == "absent", demands.isEmpty { return nil }
        let value = state == "value" ? printable(readings.text(at: index)) : nil
        let differs = [("host", host), ("fresh", fresh)].filter { _, other in
            guard let value, let other else { return false }
            return !SysctlInterpretation(name).areEqual(value.utf8Span.span, other.utf8Span.span)
        }
        return Sysctl(
            sysctl: name.dotted, state: state, value: value, host: host, fresh: fresh, differsFrom: differs.map(\.0),
            drifted: demands.contains { $0.state == ExpectationState.drifted.rawValue }, expectations: demands)
    }

    private static func value(of name: SysctlName, _ readings: SysctlReadings) -> String? {
        guard let index = readings.table.index(of: name), case .value = readings.readings[index].state else {
            return nil
        }
        return printable(readings.text(at: index))
    }

    private static func printable(_ text: String) -> String { PrintableText.string(Array(text.utf8)) }

    private static func demands(on sample: NamespaceSample, _ drift: DriftMonitor?) -> [SysctlName: [Demand]] {
        guard let drift, let watch = drift[sample] else { return [:] }
        var demands: [SysctlName: [Demand]] = [:]
        for (index, state) in watch.states.enumerated() {
            guard let state else { continue }
            let assertion = watch.list.assertions[index]
            let remedy =
                state == .drifted
                ? Remedy(assertion.sysctl, value: watch.wanted(index, host: drift.host), in: Remedy.Place(sample))
                : nil
            demands[assertion.sysctl, default: []].append(
                Demand(
                    rule: assertion.rule, source: assertion.source.rawValue, severity: assertion.severity.rawValue,
                    state: state.rawValue, expected: watch.expected(index, host: drift.host),
                    since: state == .drifted ? watch.since(index) : nil, remedy: remedy?.description))
        }
        return demands
    }

    /// As JSON with sorted keys, ended by a line feed.
    func json() throws -> [UInt8] { try APIEncoder.encode(self, converting: true) }
}

extension NamespaceDetail.Sysctl {
    /// What a person wants to see first has the lowest.
    fileprivate var rank: Int {
        if drifted { return 0 }
        if expectations.contains(where: { $0.state != ExpectationState.matched.rawValue }) { return 1 }
        return differsFrom.isEmpty ? (expectations.isEmpty ? 4 : 3) : 2
    }
}

extension NamespaceSample {
    /// The name of the link with an index.
    fileprivate func deviceName(of index: Int32) -> String? {
        Topology.position(of: index, in: links).map { links[$0].name.description }
    }
}
