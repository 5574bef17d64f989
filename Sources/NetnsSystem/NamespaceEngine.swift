public import NetnsCore

/// What a collection reads in each namespace.
public struct CollectionParts: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt64
    /// Parts by their bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The sysctls.
    public static let sysctls = CollectionParts(rawValue: 1)
    /// The links with their counters.
    public static let links = CollectionParts(rawValue: 2)
    /// The addresses of the links.
    public static let addresses = CollectionParts(rawValue: 4)
    /// The number of routes, and the default ones.
    public static let routes = CollectionParts(rawValue: 8)
    /// The number of neighbours by state: dear, since its cost in each namespace grows with the neighbours of all.
    public static let neighbours = CollectionParts(rawValue: 16)
    /// The counters of the protocols: /proc/net/{snmp,snmp6,netstat}.
    public static let mib = CollectionParts(rawValue: 32)
    /// The numbers of sockets: /proc/net/{sockstat,sockstat6}.
    public static let sockets = CollectionParts(rawValue: 64)
    /// The connection tracking.
    public static let conntrack = CollectionParts(rawValue: 128)
    /// The number of TCP sockets by state: dear, since the kernel walks the connections of all namespaces for each.
    public static let tcpStates = CollectionParts(rawValue: 256)
    /// The queueing disciplines.
    public static let qdiscs = CollectionParts(rawValue: 512)
    /// The files of `EngineSettings.sources` at an index below 48.
    public static func source(_ index: Int) -> CollectionParts {
        precondition((0..<48).contains(index), "an engine reads at most 48 sources")
        return CollectionParts(rawValue: 1 << (16 + UInt64(index)))
    }
    /// All of those files.
    public static let sources = CollectionParts(rawValue: ~0xFFFF)
    /// Everything.
    public static let all: CollectionParts = [
        .sysctls, .links, .addresses, .routes, .neighbours, .mib, .sockets, .conntrack, .tcpStates, .qdiscs, .sources,
    ]
}

/// How a collection went, beside its namespaces.
public struct CollectionReport: Sendable {
    /// Reading of one part in all namespaces.
    public struct Part: Sendable {
        /// Time spent in it, summed over the threads, seconds.
        public var seconds = 0.0
        /// Namespaces in which it failed.
        public var failures = 0
        /// Namespaces in which it was tried.
        public var attempts = 0

        /// Nothing was tried.
        public init() {}

        /// Whether it worked anywhere, or had nothing to do.
        public var succeeded: Bool { attempts == 0 || failures < attempts }
    }

    /// Finding the namespaces, seconds.
    public var discoverySeconds = 0.0
    /// The sysctls.
    public var sysctls = Part()
    /// The links.
    public var links = Part()
    /// The addresses.
    public var addresses = Part()
    /// The routes.
    public var routes = Part()
    /// The neighbours.
    public var neighbours = Part()
    /// The counters of the protocols.
    public var mib = Part()
    /// The numbers of sockets.
    public var sockets = Part()
    /// The connection tracking.
    public var conntrack = Part()
    /// The states of TCP sockets.
    public var tcpStates = Part()
    /// The queueing disciplines.
    public var qdiscs = Part()
    /// The files of `EngineSettings.sources`, in their order; empty when none were read.
    public var sources: [Part] = []
    /// Namespaces left out since there are more than `maximumNamespaces`.
    public var leftOutByLimit = 0
    /// Namespaces that were not reached before the deadline.
    public var leftOutByDeadline = 0
    /// Namespaces that were found and could not be entered.
    public var unreachable = 0
    /// Collecting threads that did not come back from the kernel, and were given up.
    public var stuckThreads = 0
    /// Processes whose namespace we may not see.
    public var deniedProcesses = 0
    /// The last deep scan; nil before the first, or when there are none.
    public var deepScan: DeepFindings?
    /// Directories of /proc/sys/net that each collection opens anew, since the limit of descriptors has no room for them.
    public var directoriesNotKept = 0
    /// Descriptors that are kept for reading sysctls.
    public var keptDescriptors = 0

    /// Nothing happened yet.
    public init() {}
}

/// The one way by which the rest of the program learns what the kernel knows of the namespaces: it cannot tell which
/// engine ran.
///
/// An engine is used by one thread. The samples it returns are its own: they stay as they are until the next collection.
public protocol NamespaceEngine: AnyObject {
    /// Reads `parts` of every namespace now. Namespaces not reached before `deadline` are counted in the report, and
    /// their samples say that they were not read.
    func collect(_ parts: CollectionParts, until deadline: Instant?) throws -> CollectionReport

    /// Does as other settings say from the next collection on. What is known of the namespaces stays; the paths and the
    /// interval of the deep scan stay as they were.
    func reconfigure(_ settings: EngineSettings)

    /// Reads the sysctls of the namespaces of these cookies now, as far as the last collection read them, and nothing else;
    /// gives those that were read.
    func refreshSysctls(of cookies: Set<UInt64>) throws -> [NamespaceSample]

    /// How the watch of writes spares readings.
    var trustReport: SysctlTrustReport { get }

    /// The namespaces of the last collection, sorted by name.
    var namespaces: [NamespaceSample] { get }

    /// The namespaces of the last collection as the prober needs them, in the same order.
    func sites() -> [ProbeSite]

    /// Those whose links were resolved together (`NamespaceSample.peers`): `namespaces`, and after them the host's when
    /// the filters leave it out and it was needed.
    var linkedNamespaces: [NamespaceSample] { get }
}

/// What an engine is to do, from the command line and the configuration.
public struct EngineSettings: Sendable {
    /// Where the host's files are.
    public var paths = SystemPaths()
    /// Where the files of container runtimes are.
    public var containers = ContainerPaths.standard
    /// Threads that enter namespaces, at least 1.
    public var threads = 1
    /// The sysctls to read.
    public var sysctls = SysctlSelection(builtin: true, include: [], exclude: [])
    /// Whether the host's sysctls are needed though its namespace may not be shown.
    public var comparesWithHost = false
    /// Only namespaces whose name matches one of these, when there are any.
    public var include: [Glob] = []
    /// No namespace whose name matches one of these.
    public var exclude: [Glob] = []
    /// More namespaces than this are left out: the newest of whoever has the most.
    public var maximumNamespaces = 5000
    /// Seconds between deep scans; 0 for none.
    public var deepInterval = 30.0
    /// Seconds that the first collection waits at most for the first deep scan.
    public var firstScanPatience = 5.0
    /// Whether all is read of the host's veths whose other end is in another namespace.
    public var readsHostVeths = false
    /// A namespace with more routes than this has no samples of its routes.
    public var maximumRoutes = 100_000
    /// The counters of the protocols to read.
    public var mib = MIBSelection([])
    /// The files that collectors have for themselves; `CollectionParts.source` says which are read.
    public var sources: [any NamespaceSource] = []
    /// Seconds after which all sysctls are read again, where those that nobody wrote are not read at each collection; 0 to read
    /// them at each.
    public var sweepInterval = 60.0
    /// Descriptors to keep; nil for as many as the limit allows.
    public var descriptors: DescriptorBudget?

    /// The defaults.
    public init() {}
}
