internal import FoundationEssentials
internal import NetnsCore

/// The namespaces for a person or a program: names are those of the labels. What is not known is left out.
struct NamespaceListing: Encodable {
    struct Interface: Encodable {
        let device: String
        let ifindex: Int32
        let operstate: String?
        let mtu: UInt32?
        let kind: String?
        /// The hardware address.
        let address: String?
        /// `ADDRESS/PREFIXLENGTH`; absent when they were not read.
        let addresses: [String]?
        let peerNetns: String?
        let peerDevice: String?
        /// The bridge or bond it is a port of; of one that is no port itself, that of its peer.
        let master: String?
        /// The state of that port.
        let portState: String?
        /// Whether it is no port itself, so that `master` is its peer's.
        let isPeersMaster: Bool

        enum CodingKeys: String, CodingKey {
            case device, ifindex, operstate, mtu, kind, address, addresses, peerNetns, peerDevice, master, portState
        }
    }

    struct HolderEntry: Encodable {
        let origin: String
        let pid: Int32?
        let fd: Int32?
        let tid: Int32?
        let path: String?
    }

    /// A container whose processes are in a namespace.
    struct ContainerEntry: Encodable {
        let runtime: String?
        let containerId: String
        let container: String?
        let pod: String?
        let podNamespace: String?
        let pid: Int32?
        let declared: [String: String]
    }

    struct Entry: Encodable {
        let name: String
        let inode: UInt64
        let cookie: UInt64?
        let nsid: Int32?
        let origin: String
        let processes: Int
        let pid: Int32?
        let user: String?
        let command: String?
        let mounts: [String]
        let holders: [HolderEntry]
        let runtime: String?
        let containerId: String?
        let container: String?
        let pod: String?
        let podNamespace: String?
        /// What the containers' specifications set; absent for a namespace without a container.
        let declared: [String: String]?
        /// All containers in it, the owner first.
        let containers: [ContainerEntry]
        /// Absent when they could not be read.
        let interfaces: [Interface]?
    }

    let namespaces: [Entry]

    /// A listing of samples, in their order. `linked` are those that were resolved together; `commands` has the command
    /// lines of processes, where the name of the command is not to do.
    init(_ samples: [NamespaceSample], linked: [NamespaceSample], _ commands: [Int32: String] = [:]) {
        namespaces = samples.map { Self.entry($0, linked, commands) }
    }

    /// One namespace of a listing.
    static func entry(
        _ sample: NamespaceSample, _ linked: [NamespaceSample], _ commands: [Int32: String], hasInterfaces: Bool = true
    ) -> Entry {
        let owner = sample.owner
        return Entry(
            name: sample.name, inode: sample.inode, cookie: sample.cookie, nsid: sample.nsid,
            origin: sample.origin.rawValue, processes: sample.processes, pid: sample.leader?.pid,
            user: sample.leader?.user, command: sample.leader.map { commands[$0.pid] ?? $0.command },
            mounts: sample.mounts.map { PrintableText.string($0) }, holders: sample.holders.map(holder),
            runtime: owner?.runtime?.rawValue, containerId: owner?.id, container: owner?.name, pod: owner?.pod,
            podNamespace: owner?.podNamespace, declared: owner == nil ? nil : dictionary(sample.declared),
            containers: sample.containers.map(container),
            interfaces: hasInterfaces && sample.wasRead && sample.hasLinks ? interfaces(of: sample, linked) : nil)
    }

    private static func container(_ container: Container) -> ContainerEntry {
        ContainerEntry(
            runtime: container.runtime?.rawValue, containerId: container.id, container: container.name,
            pod: container.pod, podNamespace: container.podNamespace, pid: container.pid,
            declared: dictionary(container.declared))
    }

    private static func dictionary(_ declared: [DeclaredSysctl]) -> [String: String] {
        Dictionary(declared.map { ($0.name.dotted, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    private static func interfaces(of sample: NamespaceSample, _ linked: [NamespaceSample]) -> [Interface] {
        let addresses = Dictionary(grouping: sample.addresses, by: \.link)
        return sample.links.indices.map { position in
            let link = sample.links[position]
            let peer = linked.peer(of: position, in: sample)
            let own = sample.master(of: link)
            return Interface(
                device: link.name.description, ifindex: link.index,
                operstate: link.operationalState?.name.description, mtu: link.mtu,
                kind: link.kind.isEmpty ? nil : link.kind.description, address: hardwareAddress(link.address),
                addresses: sample.hasAddresses
                    ? (addresses[link.index] ?? []).map { "\($0.address)/\($0.prefixLength)" } : nil,
                peerNetns: peer?.namespace.name, peerDevice: peer?.link.name.description,
                master: (own ?? peer.flatMap { $0.namespace.master(of: $0.link) })?.description,
                portState: (own == nil ? peer?.link : link)?.portState?.name.description, isPeersMaster: own == nil)
        }
    }

    /// `02:00:0a:00:00:01`; nil when there is none.
    static func hardwareAddress(_ address: InlineBytes<32>) -> String? {
        guard !address.isEmpty else { return nil }
        return (0..<address.count).map { index in
            let digits = String(address[index], radix: 16)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }.joined(separator: ":")
    }

    private static func holder(_ holder: Holder) -> HolderEntry {
        let origin = holder.origin.rawValue
        switch holder {
        case .process(let pid):
            return HolderEntry(origin: origin, pid: pid, fd: nil, tid: nil, path: nil)
        case .mount(let path):
            return HolderEntry(origin: origin, pid: nil, fd: nil, tid: nil, path: PrintableText.string(path))
        case .foreignMount(let pid, let path):
            return HolderEntry(origin: origin, pid: pid, fd: nil, tid: nil, path: PrintableText.string(path))
        case .descriptor(let pid, let fd), .socket(let pid, let fd):
            return HolderEntry(origin: origin, pid: pid, fd: fd, tid: nil, path: nil)
        case .thread(let pid, let tid):
            return HolderEntry(origin: origin, pid: pid, fd: nil, tid: tid, path: nil)
        }
    }

    /// The listing as JSON with sorted keys, ended by a line feed; on lines of its own each value when it is `pretty`.
    func json(pretty: Bool) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
