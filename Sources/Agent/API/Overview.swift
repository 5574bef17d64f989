internal import FoundationEssentials
internal import NetnsCore
internal import NetnsSystem

/// Every namespace in few words: what a page polls, a third of the size of the whole listing.
///
/// Names are those of the labels. What is not known is left out.
struct Overview: Encodable {
    /// An interface but the loopback device, and where its other end is.
    struct Interface: Encodable {
        let device: String
        let operstate: String?
        /// Whether it should work and does not: `Link.isBroken`.
        let down: Bool
        /// `ADDRESS/PREFIXLENGTH`, without those of the link alone; absent when they were not read.
        let addresses: [String]?
        let peerNetns: String?
        let peerDevice: String?
        /// The bridge or bond that it is a port of.
        let master: String?
        /// That of its other end.
        let peerMaster: String?

        private enum CodingKeys: String, CodingKey {
            case device, operstate, down, addresses
            case peerNetns = "peer_netns"
            case peerDevice = "peer_device"
            case master
            case peerMaster = "peer_master"
        }
    }

    struct Entry: Encodable {
        let name: String
        let origin: String
        let processes: Int
        let runtime: String?
        let container: String?
        let pod: String?
        let podNamespace: String?
        let user: String?
        let command: String?
        /// How many of its sysctls have drifted, by severity; absent when that was not evaluated.
        let drifted: [String: Int]?
        /// Absent when they could not be read.
        let interfaces: [Interface]?
        /// Those beyond the first 64, and in the host the veths whose other end is elsewhere and reported there.
        let interfacesLeftOut: Int?

        private enum CodingKeys: String, CodingKey {
            case name, origin, processes, runtime, container, pod
            case podNamespace = "pod_namespace"
            case user, command, drifted, interfaces
            case interfacesLeftOut = "interfaces_left_out"
        }
    }

    /// Namespaces that were found and are not in the list, or are without what should have been read.
    struct LeftOut: Encodable {
        let limit: Int
        let deadline: Int
        let unreachable: Int
    }

    /// More interfaces than this of one namespace are left out.
    static let maximumInterfaces = 64

    let version: String
    /// When the agent started, seconds since the epoch.
    let started: Double
    /// When this was collected, seconds since the epoch.
    let time: Double
    let namespaces: [Entry]
    let leftOut: LeftOut

    private enum CodingKeys: String, CodingKey {
        case version, started, time, namespaces
        case leftOut = "left_out"
    }

    /// What a collection found. `linked` are those that were resolved together.
    init(
        _ samples: [NamespaceSample], linked: [NamespaceSample], _ report: CollectionReport, _ drift: DriftMonitor?,
        started: Double, at time: Double
    ) {
        version = Version.number
        self.started = started
        self.time = time
        leftOut = LeftOut(
            limit: report.leftOutByLimit, deadline: report.leftOutByDeadline, unreachable: report.unreachable)
        namespaces = samples.map { Self.entry($0, linked, drift) }
    }

    private static func entry(
        _ sample: NamespaceSample, _ linked: [NamespaceSample], _ drift: DriftMonitor?
    ) -> Entry {
        let owner = sample.owner
        let links = sample.wasRead && sample.hasLinks ? ToldLinks(of: sample, most: maximumInterfaces) : nil
        return Entry(
            name: sample.name, origin: sample.origin.rawValue, processes: sample.processes,
            runtime: owner?.runtime?.rawValue, container: owner?.name, pod: owner?.pod,
            podNamespace: owner?.podNamespace, user: sample.leader?.user, command: sample.leader?.command,
            drifted: drift?[sample].map(counts), interfaces: links.map { interfaces($0, of: sample, linked) },
            interfacesLeftOut: links.flatMap { $0.leftOut > 0 ? $0.leftOut : nil })
    }

    private static func counts(_ watch: DriftWatch) -> [String: Int] {
        var counts: [String: Int] = [:]
        for (index, state) in watch.states.enumerated() where state == .drifted {
            counts[watch.list.assertions[index].severity.rawValue, default: 0] += 1
        }
        return counts
    }

    private static func interfaces(
        _ links: ToldLinks, of sample: NamespaceSample, _ linked: [NamespaceSample]
    ) -> [Interface] {
        let addresses = Dictionary(
            grouping: sample.addresses.lazy.filter { $0.scope.rawValue < Self.linkScope }, by: \.link)
        return links.positions.lazy.filter { !sample.links[$0].isLoopback }.map { position in
            let link = sample.links[position]
            let peer = linked.peer(of: position, in: sample)
            return Interface(
                device: link.name.description, operstate: link.operationalState?.name.description,
                down: link.isBroken(inHost: sample.isHost),
                addresses: sample.hasAddresses
                    ? (addresses[link.index] ?? []).prefix(4).map { "\($0.address)/\($0.prefixLength)" } : nil,
                peerNetns: peer?.namespace.name, peerDevice: peer?.link.name.description,
                master: sample.master(of: link)?.description,
                peerMaster: peer.flatMap { $0.namespace.master(of: $0.link) }?.description)
        }
    }

    /// RT_SCOPE_LINK: addresses from there on lead nowhere else.
    private static let linkScope: UInt8 = 253

    /// As JSON with sorted keys, ended by a line feed.
    func json() throws -> [UInt8] { try APIEncoder.encode(self) }
}
