internal import Glibc
public import NetnsCore
internal import Synchronization

/// What is to be diagnosed.
public struct DiagnosisRequest: Sendable, Hashable {
    /// What is to be reached.
    public enum Target: Sendable, Hashable {
        /// The default gateway.
        case gateway
        /// The first name server of the namespace's resolv.conf.
        case resolver
        /// The other end of its link.
        case peer
        /// The host.
        case host
        /// An address.
        case address(IPAddress)
        /// A name, resolved as the namespace does.
        case name(String)
    }

    /// What is to be reached.
    public var target: Target
    /// As a person calls it.
    public var text: String
    /// How it is tried.
    public var kind: Probe.Kind
    /// The port, of kind tcp and dns.
    public var port: UInt16?
    /// The name that a name server is asked for; nil when any answer will do.
    public var query: String?
    /// What it is asked for.
    public var queryType: Probe.QueryType
    /// Seconds that one try takes at most.
    public var timeout: Double

    /// A request.
    public init(
        _ target: Target, text: String, kind: Probe.Kind = .icmp, port: UInt16? = nil, query: String? = nil,
        queryType: Probe.QueryType = .a, timeout: Double = 1
    ) {
        self.target = target
        self.text = text
        self.kind = kind
        self.port = port
        self.query = query
        self.queryType = queryType
        self.timeout = timeout
    }
}

/// Walks the path from a namespace to a target: reads what is known of each step, tries it, and says what is broken.
public enum Diagnosis {
    /// What a collection has to read before.
    public static let parts: CollectionParts = [.links, .addresses, .routes]

    /// Diagnoses the path from one of `namespaces`, which were collected together and are not changed meanwhile; `site` is
    /// what the engine says of it.
    ///
    /// A thread of its own enters the namespaces of the path one after the other, and ends. It sends to the target alone:
    /// at most two echo requests and two of what the target is for, and as many from the router when there was no answer.
    /// Throws `SystemError` when the namespace cannot be entered.
    public static func run(
        _ request: DiagnosisRequest, from namespace: NamespaceSample, site: ProbeSite, in namespaces: [NamespaceSample],
        paths: SystemPaths
    ) throws -> PathReport {
        let result = ResultBox()
        let thread = try NativeThread("diagnose") {
            let reader = PathReader(request, namespace, site, namespaces, paths)
            do throws(SystemError) {
                let facts = try reader.read()
                result.value.withLock { $0 = .success(facts.evaluate()) }
            } catch { result.value.withLock { $0 = .failure(error) } }
        }
        thread.join()
        return try result.value.withLock { $0 }.get()
    }

    /// The inode of the network namespace that lies at a path. Throws `SystemError` when there is none.
    public static func inode(at path: String) throws -> UInt64 {
        do throws(Errno) { return try NamespaceHandle.namespace(at: path).inode() } catch {
            throw SystemError(
                "open", path, error, advice: error == .invalid ? "it is no network namespace" : nil)
        }
    }

    private final class ResultBox: Sendable {
        let value = Mutex<Result<PathReport, SystemError>>(
            .failure(SystemError("run", "thread diagnose", Errno(rawValue: ECANCELED))))
    }
}
