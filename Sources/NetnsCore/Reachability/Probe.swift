/// One thing to be tried again and again from inside namespaces, as the configuration says it.
public struct Probe: Hashable, Sendable {
    /// How it is tried. The raw value is the key `kind` in the file.
    public enum Kind: String, CaseIterable, Sendable {
        /// An echo request that is answered.
        case icmp
        /// A connection that is accepted.
        case tcp
        /// A question that is answered.
        case dns
    }

    /// What is to be reached.
    public enum Target: Hashable, Sendable {
        /// The namespace's default gateway.
        case gateway
        /// The name servers of the namespace's resolv.conf.
        case resolver
        /// The other end of the namespace's veths, where it has an address.
        case peer
        /// The host, by the address with which it goes out.
        case ownHost
        /// A host by name or address, with the port where there is one; an IPv6 address has no brackets here.
        case host(String, port: UInt16?)
    }

    /// What a DNS probe asks for. The raw value is the key `query_type`.
    public enum QueryType: String, CaseIterable, Sendable {
        case a = "A"
        case aaaa = "AAAA"
        case cname = "CNAME"
        case mx = "MX"
        case ns = "NS"
        case ptr = "PTR"
        case soa = "SOA"
        case srv = "SRV"
        case txt = "TXT"
    }

    /// Its name: unique among the probes. The label `probe`.
    public var name: String
    /// How it is tried.
    public var kind: Kind
    /// What is to be reached.
    public var target: Target
    /// Seconds from one try to the next.
    public var interval: Double
    /// Seconds after which a try has failed; at most the interval.
    public var timeout: Double
    /// Echo requests a try (icmp).
    public var count: Int
    /// The name that is asked for (dns).
    public var query: String?
    /// What is asked for (dns).
    public var queryType: QueryType
    /// The namespaces it is tried in; beside those the host's, when it has a target that is the same for all.
    public var namespaces: NamespaceMatcher

    /// A probe; every 5 s with a second's patience unless it says otherwise.
    public init(
        name: String, kind: Kind, target: Target, interval: Double = 5, timeout: Double = 1, count: Int = 1,
        query: String? = nil, queryType: QueryType = .a, namespaces: NamespaceMatcher = .all
    ) {
        self.name = name
        self.kind = kind
        self.target = target
        self.interval = interval
        self.timeout = timeout
        self.count = count
        self.query = query
        self.queryType = queryType
        self.namespaces = namespaces
    }

    /// The probe there is when nothing else is said: the gateway.
    public static let gateway = Probe(name: "gateway", kind: .icmp, target: .gateway)

    /// Whether the host tries it too, whatever namespaces it is for: "the container cannot, the host can".
    public var isSharedWithHost: Bool {
        if case .host = target { true } else { false }
    }
}

extension Probe.Target {
    /// As the file has it: the label `target`, where the target is no word that stands for addresses.
    public var text: String {
        switch self {
        case .gateway: "gateway"
        case .resolver: "resolver"
        case .peer: "peer"
        case .ownHost: "host"
        case .host(let name, let port):
            if let port {
                name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]:\(port)" : "\(name):\(port)"
            } else {
                name
            }
        }
    }
}
