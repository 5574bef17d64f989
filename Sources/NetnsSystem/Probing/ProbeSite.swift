public import NetnsCore

/// A namespace as the prober and the watch of writes need it: who it is, and the ways into it. Made by an engine at the end of a collection.
public final class ProbeSite: Sendable {
    /// The serial number of its sample.
    public let serial: UInt64
    /// What rules and probes may ask for.
    public let identity: NamespaceIdentity
    /// Whether it is the host's.
    public let isHost: Bool
    let inode: UInt64
    let cookie: UInt64?
    /// Whether this program is in it.
    let isOwn: Bool
    let ways: [Holder]
    /// The containers whose processes are in it.
    let containers: [Container]
    /// The process whose files it resolves names with; nil for those of /etc/netns or the host.
    let pid: Int32?
    /// Its name under the directory of `ip netns`.
    let mountName: String?
    /// The addresses of the other ends of its veths.
    let peers: [ProbeAddress]

    init(_ namespace: PortableNamespace, isOwn: Bool, peers: [ProbeAddress], paths: SystemPaths) {
        let sample = namespace.sample
        serial = sample.serial
        identity = sample.identity
        isHost = sample.isHost
        inode = namespace.inode
        cookie = sample.cookie
        self.isOwn = isOwn
        var ways = namespace.otherWays
        if let first = sample.mounts.first { ways.insert(.mount(path: first), at: 0) }
        self.ways = ways
        containers = sample.containers
        pid = sample.owner?.pid ?? sample.leader?.pid
        mountName =
            sample.mounts.lazy.compactMap {
                NamespaceNames.name(ofMount: $0, in: paths.nameDirectories)
            }.first
        self.peers = peers
    }

    /// Whether it is still as it was made of.
    func isCurrent(_ namespace: PortableNamespace, peers: [ProbeAddress]) -> Bool {
        let sample = namespace.sample
        return serial == sample.serial && cookie == sample.cookie && self.peers == peers
            && containers == sample.containers
            && pid == sample.owner?.pid ?? sample.leader?.pid && identity == sample.identity
            && ways.elementsEqual(
                (sample.mounts.first.map { [Holder.mount(path: $0)] } ?? []) + namespace.otherWays)
    }

    /// Opens the namespace by the first way that leads there; `noSuchFile` when none does.
    func open(_ paths: SystemPaths) throws(Errno) -> NamespaceHandle {
        var failure = Errno.noSuchFile
        for way in ways {
            do throws(Errno) { return try NamespaceHandle.open(way, inode: inode, paths: paths) } catch {
                if !error.meansGone { failure = error }
            }
        }
        throw failure
    }
}
