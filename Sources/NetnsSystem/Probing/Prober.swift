internal import CLinux
internal import Glibc
public import NetnsCore
internal import Synchronization

/// Tries probes from inside namespaces, each at its own interval, on one thread of its own.
///
/// Nothing is held: a socket in a namespace lives for one try, at most the probe's timeout, and a namespace's descriptor for
/// the moment of entering. The tries of a probe are spread evenly over its interval, so that a thousand namespaces make no
/// burst.
///
/// Concurrency: settings go in and results come out under locks; all else belongs to the thread.
public final class Prober: Sendable {
    /// What the thread is to be told.
    struct Inbox: Sendable {
        var sites: [ProbeSite]?
        var probes: [Probe]?
        var resolutions: [(token: UInt64, resolution: NameResolution?)] = []
        var isStopping = false
    }

    /// How the work goes.
    public struct Status: Sendable {
        /// Namespaces and targets that are probed.
        public var targets = 0
        /// Tries that had to wait, since too many were under way or the host was too busy.
        public var overruns: UInt64 = 0
        /// Packets that were no answer to what was asked: malformed, or somebody else's.
        public var strays: UInt64 = 0
    }

    let inbox = Mutex(Inbox())
    let board = Mutex<[UInt64: ProbeResult]>([:])
    let state = Mutex(Status())
    private let peerWish = Atomic<Bool>(false)
    /// Wakes the thread: an eventfd(2).
    private let wakeup: FileDescriptor
    /// The bounds of the histograms.
    public let buckets: HistogramBuckets

    /// A prober that waits to be started; throws when the host has no descriptor left.
    public init(buckets: HistogramBuckets = .roundTrip) throws {
        self.buckets = buckets
        do throws(Errno) { wakeup = try syscall { nd_eventfd() }.asDescriptor } catch {
            throw SystemError("make", "an eventfd", error)
        }
    }

    /// Starts the thread, which tries `probes` at the sites it is told of.
    public func start(_ probes: [Probe], paths: SystemPaths, maximumTries: Int, ledger: ErrorLedger) throws {
        configure(probes)
        let reader = try ResolverReader(paths) { [weak self] token, resolution in
            self?.post { $0.resolutions.append((token, resolution)) }
        }
        let loop = try ProbeLoopStart(self, paths, maximumTries, ledger, reader)
        try NativeThread("probe") { loop.run() }.detach()
    }

    /// Tries other probes from now on. What is known of those that stay as they are is kept.
    public func configure(_ probes: [Probe]) {
        peerWish.store(probes.contains { $0.target == .peer }, ordering: .relaxed)
        post { $0.probes = probes }
    }

    /// Whether the sites have to say where the other ends of veths are.
    public var needsPeers: Bool { peerWish.load(ordering: .relaxed) }

    /// Tries at these namespaces from now on, and forgets others.
    public func update(_ sites: [ProbeSite]) { post { $0.sites = sites } }

    /// Lets the thread end; its sockets are closed.
    public func stop() { post { $0.isStopping = true } }

    /// Every result there is now, sorted by namespace, probe and target.
    public var results: [ProbeResult] {
        board.withLock { Array($0.values) }.sorted {
            ($0.serial, $0.probe, $0.target) < ($1.serial, $1.probe, $1.target)
        }
    }

    /// How the work goes.
    public var status: Status {
        var status = state.withLock { $0 }
        status.targets = board.withLock { $0.count }
        return status
    }

    var wakeupDescriptor: Int32 { wakeup.rawValue }

    private func post(_ body: (inout Inbox) -> Void) {
        inbox.withLock { body(&$0) }
        var one: UInt64 = 1
        _ = unsafe write(wakeup.rawValue, &one, 8)
    }
}

/// What the thread needs to make its loop, which lives on that thread alone.
private struct ProbeLoopStart: Sendable {
    let prober: Prober
    let paths: SystemPaths
    let maximumTries: Int
    let ledger: ErrorLedger
    let reader: ResolverReader

    init(
        _ prober: Prober, _ paths: SystemPaths, _ maximumTries: Int, _ ledger: ErrorLedger, _ reader: ResolverReader
    ) throws {
        self.prober = prober
        self.paths = paths
        self.maximumTries = maximumTries
        self.ledger = ledger
        self.reader = reader
    }

    func run() {
        do throws(Errno) {
            let loop = try ProbeLoop(prober, paths, maximumTries, ledger, reader)
            while loop.turn() {}
        } catch { ledger.count("probe", error) }
    }
}
