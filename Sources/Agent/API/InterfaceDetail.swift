internal import FoundationEssentials
internal import NetnsCore

/// One interface of a namespace with its counters, and what is on its other side.
struct InterfaceDetail: Encodable {
    /// A device on the way from the interface to the network.
    struct Device: Encodable {
        let netns: String
        let device: String
        let operstate: String?
        let adminstate: String
        /// Absent when they were not read.
        let addresses: [String]?
    }

    let device: String
    let ifindex: Int32
    let kind: String?
    let operstate: String?
    let adminstate: String
    let carrier: Bool?
    let carrierChanges: UInt32?
    /// Whether it should work and does not.
    let down: Bool
    let mtu: UInt32?
    /// Bytes per second.
    let speed: UInt64?
    /// The hardware address.
    let address: String?
    /// `ADDRESS/PREFIXLENGTH`; absent when they were not read.
    let addresses: [String]?
    /// The other end of a veth, or the lower device.
    let peer: Device?
    /// The bridge or bond that it, or else its other end, is a port of.
    let bridge: Device?
    /// The state of that port: `forwarding`, ...
    let portState: String?
    /// By the names of the metrics, without what is before and after: `receive_bytes`.
    let counters: [String: UInt64]

    private enum CodingKeys: String, CodingKey {
        case device, ifindex, kind, operstate, adminstate, carrier
        case carrierChanges = "carrier_changes"
        case down, mtu, speed, address, addresses, peer, bridge
        case portState = "port_state"
        case counters
    }

    /// Those that are told of a namespace; `linked` are those that were resolved together.
    static func all(
        _ links: ToldLinks, of sample: NamespaceSample, _ linked: [NamespaceSample]
    ) -> [InterfaceDetail] {
        let addresses = Dictionary(grouping: sample.addresses, by: \.link)
        return links.positions.map { InterfaceDetail($0, of: sample, linked, addresses) }
    }

    private init(
        _ position: Int, of sample: NamespaceSample, _ linked: [NamespaceSample],
        _ known: [Int32: [InterfaceAddress]]
    ) {
        let link = sample.links[position]
        device = link.name.description
        ifindex = link.index
        kind = link.kind.isEmpty ? nil : link.kind.description
        operstate = link.operationalState?.name.description
        adminstate = Self.adminstate(link)
        carrier = link.carrier
        carrierChanges = link.carrierChanges
        down = link.isBroken(inHost: sample.isHost)
        mtu = link.mtu
        speed = link.speed
        address = NamespaceListing.hardwareAddress(link.address)
        addresses = sample.hasAddresses ? Self.texts(known[link.index] ?? []) : nil
        let other = linked.peer(of: position, in: sample)
        peer = other.map { Self.device($0.link, of: $0.namespace) }
        let own = Self.master(of: link, in: sample)
        bridge =
            own.map { Self.device($0, of: sample) }
            ?? other.flatMap { other in
                Self.master(of: other.link, in: other.namespace).map { Self.device($0, of: other.namespace) }
            }
        portState = (own == nil ? other?.link : link)?.portState?.name.description
        var counters: [String: UInt64] = [:]
        for (counter, name, _, _) in InterfaceCollector.counters {
            if let value = link.statistics[counter] { counters[name] = value }
        }
        self.counters = counters
    }

    private static func adminstate(_ link: Link) -> String { link.isAdministrativelyUp ? "up" : "down" }

    private static func master(of link: Link, in sample: NamespaceSample) -> Link? {
        guard let master = link.master, let position = Topology.position(of: master, in: sample.links) else {
            return nil
        }
        return sample.links[position]
    }

    private static func device(_ link: Link, of sample: NamespaceSample) -> Device {
        Device(
            netns: sample.name, device: link.name.description, operstate: link.operationalState?.name.description,
            adminstate: adminstate(link),
            addresses: sample.hasAddresses ? texts(sample.addresses.filter { $0.link == link.index }) : nil)
    }

    private static func texts(_ addresses: [InterfaceAddress]) -> [String] {
        addresses.prefix(64).map { "\($0.address)/\($0.prefixLength)" }
    }
}
