internal import Exposition
internal import NetnsCore
internal import NetnsSystem
internal import Web

/// Makes a collection and writes it: the one place where families are put in order.
///
/// Concurrency: belongs to the thread that collects.
final class Exposer {
    /// One form of an answer.
    struct Variant: Hashable {
        let format: ExpositionFormat
        let gzip: Bool
    }

    private let engine: any NamespaceEngine
    private let scene: Scene
    private let state: AgentState
    private let enabled: Set<CollectorName>
    private let collectors: [any Collector]
    /// All families with the collector they belong to, sorted by name.
    private let emitters: [(collector: String?, emitter: Emitter)]
    private var buffers: [ByteBuffer] = []
    private let compressor: GzipCompressor
    private let drift: DriftMonitor
    private let prober: Prober?
    private let writes: SceneWrites?
    private let watch: WriteWatch?
    /// The time, seconds since the epoch.
    private let now: () -> Double
    /// What the last collection read, and when it ended.
    private var last: (parts: CollectionParts, end: Instant)?
    private var lastReport = CollectionReport()
    /// When it ended, seconds since the epoch.
    private var collected = 0.0
    /// What a new namespace has; nil when nobody is to find out.
    private let fresh: FreshSysctls?
    /// What the API was told of the last collection.
    private var told: [Inquiry: Body] = [:]

    private struct Inquiry: Hashable {
        let resource: Resource
        let gzip: Bool
    }

    init(
        engine: any NamespaceEngine, scene: Scene, state: AgentState, collectors enabled: Set<CollectorName>,
        mib: MIBSelection = MIBSelection([]), drift: DriftMonitor, prober: Prober? = nil, fresh: FreshSysctls? = nil,
        writes: SceneWrites? = nil, watch: WriteWatch? = nil,
        now: @escaping () -> Double = { WallClock.now() }
    ) throws {
        self.fresh = fresh
        self.drift = drift
        self.prober = prober
        self.writes = writes
        self.watch = watch
        self.now = now
        self.engine = engine
        self.scene = scene
        self.state = state
        self.enabled = enabled
        compressor = try GzipCompressor()
        collectors = everyCollector(state, mib: mib, buckets: prober?.buckets ?? .roundTrip).filter { collector in
            collector.name.map { name in enabled.contains { $0.rawValue == name } } ?? true
        }
        emitters = collectors.flatMap { collector in
            collector.emitters.map { (collector.name, $0) }
        }.sorted { $0.emitter.family.name < $1.emitter.family.name }
    }

    /// Directories that the last collection had to open anew.
    var directoriesNotKept: Int { scene.report.directoriesNotKept }

    /// How the collectors of the last collection went, sorted by name.
    private(set) var parts: [(name: String, part: CollectionReport.Part)] = []

    /// What the last discovery took, seconds.
    var discoverySeconds: Double { scene.report.discoverySeconds }

    /// What the last evaluation of drift took, seconds.
    private(set) var evaluationSeconds = 0.0

    /// Reads what those of `names` need that are switched on, now.
    func collect(_ names: Set<CollectorName>, until deadline: Instant?) throws {
        let parts = names.intersection(enabled).reduce(into: CollectionParts()) { $0.formUnion($1.parts) }
        let report = try collect(parts, until: deadline)
        let ran = collectors.compactMap { collector -> (name: String, part: CollectionReport.Part)? in
            guard let name = collector.name, let known = CollectorName(rawValue: name), names.contains(known),
                let part = collector.part(of: report)
            else { return nil }
            return (name, part)
        }
        self.parts = ran.sorted { $0.name < $1.name }
        scene.prepare(
            engine.namespaces, linked: engine.linkedNamespaces, report, collectors: self.parts,
            probes: names.contains(.probe) ? prober?.results ?? [] : [], prober: prober?.status)
    }

    private func collect(_ parts: CollectionParts, until deadline: Instant?) throws -> CollectionReport {
        state.collections += 1
        told.removeAll()
        last = nil
        let report = try engine.collect(parts, until: deadline)
        lastReport = report
        collected = now()
        if parts.contains(.sysctls), enabled.contains(.drift) {
            let start = Instant.now()
            drift.evaluate(engine.namespaces, linked: engine.linkedNamespaces, at: now())
            evaluationSeconds = Instant.now().seconds(since: start)
            scene.drift = drift
        }
        scene.writes = writes
        scene.trust = engine.trustReport
        if prober != nil || watch != nil {
            let sites = engine.sites()
            prober?.update(sites)
            watch?.update(sites)
        }
        writes?.monitor?.keep(Set(engine.namespaces.compactMap(\.cookie)), of: engine.namespaces.count)
        // One that was cut short is no answer to who did not ask for that.
        if report.leftOutByDeadline == 0 { last = (parts, .now()) }
        return report
    }

    /// Tries that probes left out for want of room in the kernel's neighbour tables.
    var heldBackProbes: UInt64 { prober?.status.heldBack ?? 0 }

    /// Whether a collection was made that nothing cut short.
    var hasCollected: Bool { last != nil }

    /// Namespaces that the last collection found and kept.
    var namespaceCount: Int { engine.namespaces.count }

    /// Whether somebody works by what collections find.
    var watchesNamespaces: Bool { prober != nil || watch != nil }

    /// Finds the namespaces anew for those who work by what collections find, unless that was done in the last `maximumAge`
    /// seconds.
    func rediscover(maximumAge: Double) throws {
        guard watchesNamespaces else { return }
        // The other ends of veths have to be known where they are to be reached.
        var parts: CollectionParts = prober?.needsPeers == true ? [.links, .addresses] : []
        // Where writes are heard, drift is told of at once, which takes what was read before.
        if watch != nil, enabled.contains(.drift) { parts.insert(.sysctls) }
        if let last, last.parts.isSuperset(of: parts), Instant.now().seconds(since: last.end) < maximumAge { return }
        _ = try collect(parts, until: nil)
    }

    /// What the API tells, of a collection that ended at most `maximumAge` seconds ago, or else of a new one.
    func body(of resource: Resource, gzip: Bool, maximumAge: Double) throws -> Body {
        let needed = parts(for: resource)
        let age = last.map { Instant.now().seconds(since: $0.end) } ?? .infinity
        if age > maximumAge || !(last?.parts ?? []).isSuperset(of: needed) { _ = try collect(needed, until: nil) }
        let inquiry = Inquiry(resource: resource, gzip: gzip)
        if let body = told[inquiry] { return body }
        let bytes = try json(of: resource)
        let body = gzip ? try compressor.compress(bytes.span) : Body(copying: bytes)
        // What is told of one namespace is asked for by few; thousands of them would fill the memory.
        if case .namespace = resource { return body }
        told[inquiry] = body
        return body
    }

    /// What a resource is made of. A page asks for several at a time: they share one collection.
    private func parts(for resource: Resource) -> CollectionParts {
        switch resource {
        case .drift: return .sysctls
        case .namespaces: return [.links, .addresses]
        case .probes: return []
        case .overview, .namespace:
            var parts: CollectionParts = [.links, .addresses]
            if !enabled.isDisjoint(with: [.drift, .sysctl]) { parts.insert(.sysctls) }
            if enabled.contains(.route) { parts.insert(.routes) }
            return parts
        }
    }

    private func json(of resource: Resource) throws -> [UInt8] {
        let (namespaces, linked) = (engine.namespaces, engine.linkedNamespaces)
        let evaluated = enabled.contains(.drift) ? drift : nil
        switch resource {
        case .namespaces: return try NamespaceListing(namespaces, linked: linked).json(pretty: false)
        case .drift: return try DriftListing(namespaces, drift).json(pretty: false)
        case .probes: return try ProbeListing(namespaces, prober?.results ?? []).json(pretty: false)
        case .overview:
            return try Overview(
                namespaces, linked: linked, lastReport, evaluated, started: state.startTime, at: collected
            ).json()
        case .namespace(let name):
            guard let sample = namespaces.first(where: { $0.name == name }) else { throw UnknownNamespace() }
            return try NamespaceDetail(
                sample, linked: linked, evaluated, fresh: fresh?.values() ?? (.unavailable, [:]), at: collected
            ).json()
        }
    }

    /// Reads the sysctls of namespaces that were written in, and evaluates them anew; what else is known of them stays.
    ///
    /// A namespace that the last collection did not read is found by the next.
    func refresh(_ cookies: Set<UInt64>) throws {
        guard enabled.contains(.drift), last?.parts.contains(.sysctls) == true else { return }
        let read = try engine.refreshSysctls(of: cookies)
        guard !read.isEmpty else { return }
        told.removeAll()
        drift.evaluate(
            engine.namespaces, linked: engine.linkedNamespaces, at: now(), only: Set(read.map(\.serial)))
    }

    /// Works by another setup from the next collection on.
    func reconfigure(_ setup: Setup) {
        engine.reconfigure(setup.engine)
        drift.reconfigure(setup.drift, setup.references)
        prober?.configure(setup.probes)
        last = nil
    }

    /// Writes the last collection into a buffer that is used again when nobody lends it any more.
    func encode(_ format: ExpositionFormat, _ names: Set<CollectorName>) -> ByteBuffer {
        let buffer = freeBuffer()
        var writer = ExpositionWriter(format, into: buffer)
        for (collector, emitter) in emitters {
            if let collector, !names.contains(where: { $0.rawValue == collector }) { continue }
            writer.begin(emitter.family)
            emitter.emit(scene, &writer)
        }
        writer.end()
        return buffer
    }

    /// The last collection as the body of an answer, which lends the buffer it was written into.
    func render(_ variant: Variant, _ names: Set<CollectorName>) throws -> Body {
        let buffer = encode(variant.format, names)
        return variant.gzip
            ? try compress(buffer) : unsafe buffer.withUnsafeBytes { unsafe Body(lending: $0, owner: buffer) }
    }

    /// The gzip form of what was written.
    func compress(_ buffer: ByteBuffer) throws -> Body {
        try unsafe buffer.withUnsafeBytes { try unsafe compressor.compress(RawSpan(_unsafeBytes: $0)) }
    }

    /// A buffer that no answer lends any more. Few are ever needed: one for each answer that is being sent.
    private func freeBuffer() -> ByteBuffer {
        for index in buffers.indices where isKnownUniquelyReferenced(&buffers[index]) {
            buffers[index].removeAll()
            return buffers[index]
        }
        let buffer = ByteBuffer(capacity: 1 << 16)
        // Slow readers may hold many at once; those beyond a few are not kept for the next scrape.
        if buffers.count < 3 { buffers.append(buffer) }
        return buffer
    }
}
