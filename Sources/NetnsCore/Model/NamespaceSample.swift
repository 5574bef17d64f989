/// The process that stands for a namespace: the one with the lowest id, as lsns(8) chooses it.
public struct LeaderProcess: Hashable, Sendable {
    /// Its process id.
    public var pid: Int32
    /// Its effective user id.
    public var uid: UInt32
    /// The user's name, or the number where there is none.
    public var user: String
    /// /proc/PID/comm: up to 15 bytes.
    public var command: String

    /// A process with what is known of it.
    public init(pid: Int32, uid: UInt32, user: String, command: String) {
        self.pid = pid
        self.uid = uid
        self.user = user
        self.command = command
    }
}

/// One network namespace as one collection found it: the model that every writer reads.
///
/// Concurrency: an engine changes it during a collection (each by one thread at a time, with a barrier before and
/// after); between collections it is only read. Whoever reads does so where the collection was made.
public final class NamespaceSample: @unchecked Sendable {
    /// A number no other namespace of this agent's life has had.
    public let serial: UInt64
    /// The nsfs inode; used again by the kernel once the namespace is gone.
    public let inode: UInt64
    /// Whether it is the host's own.
    public let isHost: Bool
    /// When the agent first saw it, seconds since the epoch.
    public let firstSeen: Double
    /// SO_NETNS_COOKIE: never used again before a reboot. nil before it was entered, and before Linux 5.14.
    public var cookie: UInt64?
    /// Its name: unique on the host at any time.
    public var name = ""
    /// How it is held: the first origin that applies.
    public var origin = Origin.process
    /// How many processes (thread groups) are in it.
    public var processes = 0
    /// The process with the lowest id, nil when there is none.
    public var leader: LeaderProcess?
    /// Where it is mounted in our own mount namespace; raw paths, sorted.
    public var mounts: [[UInt8]] = []
    /// What else holds it, as far as the last deep scan saw.
    public var holders: [Holder] = []
    /// The containers whose processes are in it, the one that it was made for first.
    public var containers: [Container] = []
    /// Whether its container could write its sysctls: /proc/sys is not mounted read-only there. nil without a container,
    /// and where it is not known.
    public var isWritableInside: Bool?
    /// The id the host has for it (RTM_GETNSID), nil when none is assigned.
    public var nsid: Int32?
    /// Whether this collection read it; when false, what follows is of no collection and must not be shown.
    public var wasRead = false
    /// Its sysctls, when `hasSysctls`.
    public var sysctls: SysctlReadings
    /// Whether this collection read its sysctls.
    public var hasSysctls = false
    /// Its links, when `hasLinks`, in the order of their indexes.
    public var links: [Link] = []
    /// Whether this collection read its links.
    public var hasLinks = false
    /// The other end or lower device of each link, where it was found: one for each of `links`.
    public internal(set) var peers: [LinkPlace?] = []
    /// Which namespaces its ids stand for, as far as the kernel was asked.
    var idOwners: [IDOwner] = []
    /// Its addresses, when `hasAddresses`, in the kernel's order: by family, then link.
    public var addresses: [InterfaceAddress] = []
    /// Whether this collection read its addresses.
    public var hasAddresses = false
    /// How many routes it has, and its default ones, when `hasRoutes`.
    public var routes = RouteSummary()
    /// Whether this collection read its routes.
    public var hasRoutes = false
    /// How many neighbours it has in each state, when `hasNeighbours`.
    public var neighbours = NeighbourCounts()
    /// Whether this collection read its neighbours.
    public var hasNeighbours = false
    /// Its protocols' counters, when `hasMIB`, in the order of the selection.
    public var mib = MIBReadings()
    /// Whether this collection read its protocols' counters.
    public var hasMIB = false
    /// Its sockets, when `hasSockets`.
    public var sockets = SocketStatistics()
    /// Whether this collection read the numbers of its sockets.
    public var hasSockets = false
    /// Its connection tracking, when `hasConntrack`.
    public var conntrack = ConntrackStatistics()
    /// Whether this collection read its connection tracking.
    public var hasConntrack = false
    /// Its TCP sockets by state, when `hasTCPStates`.
    public var tcpStates = TCPStateCounts()
    /// Whether this collection read the states of its TCP sockets.
    public var hasTCPStates = false
    /// The queueing disciplines of its links, when `hasQdiscs`, in the kernel's order.
    public var qdiscs: [Qdisc] = []
    /// Whether this collection read its queueing disciplines.
    public var hasQdiscs = false
    /// What collectors with files of their own read, in the order of the engine's sources; empty before they did.
    var readings: [AnyNamespaceReading] = []

    /// A namespace that was just found.
    public init(serial: UInt64, inode: UInt64, isHost: Bool, firstSeen: Double, table: SysctlTable) {
        self.serial = serial
        self.inode = inode
        self.isHost = isHost
        self.firstSeen = firstSeen
        sysctls = SysctlReadings(table: table)
    }
}

extension NamespaceSample {
    /// The container or pod it was made for; those in the host's namespace do not own it.
    public var owner: Container? { isHost ? nil : containers.first }
}
