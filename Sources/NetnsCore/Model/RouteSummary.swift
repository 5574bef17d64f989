/// A way out of a namespace: one next hop of a default route of its main table.
public struct DefaultRoute: Sendable, Hashable, Comparable {
    /// The family of what is routed; the gateway's may be another (RFC 8950).
    public var family: IPFamily
    /// RTA_OIF or rtnexthop.rtnh_ifindex: the link it leaves by.
    public var link: Int32
    /// RTA_GATEWAY or RTA_VIA; nil where everything is thought to be on the link.
    public var gateway: IPAddress?

    /// By family, link, gateway; without a gateway first.
    public static func < (a: DefaultRoute, b: DefaultRoute) -> Bool {
        guard a.family == b.family else { return a.family < b.family }
        guard a.link == b.link else { return a.link < b.link }
        guard let gateway = a.gateway, let other = b.gateway else { return a.gateway == nil && b.gateway != nil }
        return gateway < other
    }
}

/// The routes of a namespace: how many, and where the default ones lead.
public struct RouteSummary: Sendable, Hashable {
    /// More default routes than this are not kept: the first in their order are.
    public static let maximumDefaults = 16

    /// IPv4 routes of all tables but `local`.
    public private(set) var ipv4 = 0
    /// IPv6 routes of all tables but `local`.
    public private(set) var ipv6 = 0
    /// The next hops of the default routes of the main table, each once, sorted.
    public private(set) var defaults: [DefaultRoute] = []

    /// No routes.
    public init() {}

    /// The routes of a family.
    public subscript(family: IPFamily) -> Int {
        switch family {
        case .ipv4: ipv4
        case .ipv6: ipv6
        }
    }

    /// Begins a collection; the memory of the last one is used again.
    public mutating func removeAll() {
        ipv4 = 0
        ipv6 = 0
        defaults.removeAll(keepingCapacity: true)
    }

    /// Counts one route.
    mutating func count(_ family: IPFamily) {
        switch family {
        case .ipv4: ipv4 += 1
        case .ipv6: ipv6 += 1
        }
    }

    /// Adds a next hop of a default route, unless it is there or comes after as many as are kept.
    mutating func add(_ route: DefaultRoute) {
        var position = defaults.count
        while position > 0, route < defaults[position - 1] { position -= 1 }
        if position > 0, defaults[position - 1] == route { return }
        guard position < Self.maximumDefaults else { return }
        if defaults.count == Self.maximumDefaults { defaults.removeLast() }
        defaults.insert(route, at: position)
    }
}
