/// What is known of a path: read by a program that entered the namespaces on it, evaluated by `evaluate()`.
///
/// Nothing here is a handle: a value of what was read at one moment. nil is what is not known.
public struct PathFacts: Sendable {
    /// A namespace on the path.
    public struct Place: Sendable {
        /// Its name.
        public var name: String
        /// What stands before a command so that it runs there, with a blank behind: `ip netns exec web `; empty where the
        /// reader's shell is; nil when no way in is known.
        public var prefix: String?
        /// Its links, in the order of their indexes.
        public var links: [Link]
        /// Its addresses, in the kernel's order.
        public var addresses: [InterfaceAddress]

        /// A namespace with what was read of it.
        public init(name: String, prefix: String?, links: [Link] = [], addresses: [InterfaceAddress] = []) {
            self.name = name
            self.prefix = prefix
            self.links = links
            self.addresses = addresses
        }
    }

    /// How it is tried. The name in words is `target`.
    public enum Target: Hashable, Sendable {
        /// The default gateway.
        case gateway
        /// Anything else.
        case host
    }

    /// What a link is attached to: its other end, or its lower device.
    public struct Attachment: Sendable {
        /// The namespace that is in.
        public var place: Place
        /// The index of the other end there.
        public var link: Int32
        /// Of a port of a bridge: which of its packets get where.
        public var vlans: VLANs?

        /// A link's other end.
        public init(place: Place, link: Int32, vlans: VLANs? = nil) {
            self.place = place
            self.link = link
            self.vlans = vlans
        }
    }

    /// The VLANs of a port and of what its packets have to get to on the same bridge.
    public struct VLANs: Hashable, Sendable {
        /// Those of one port: what is sent untagged has `pvid`, and those of `untagged` come out without a tag.
        public struct Port: Hashable, Sendable {
            /// The VLAN of what comes in without a tag; nil when that is dropped.
            public var pvid: UInt16?
            /// The VLANs that go out without a tag.
            public var untagged: Set<UInt16>

            /// The VLANs of a port.
            public init(pvid: UInt16? = nil, untagged: Set<UInt16> = []) {
                self.pvid = pvid
                self.untagged = untagged
            }
        }

        /// Whether the bridge looks at them at all (IFLA_BR_VLAN_FILTERING).
        public var isFiltering: Bool
        /// Those of the port.
        public var port: Port
        /// The device that the packets have to get to: the bridge itself, or another port.
        public var counterpart: String
        /// Its VLANs.
        public var other: Port

        /// The VLANs of two ports.
        public init(isFiltering: Bool, port: Port, counterpart: String, other: Port) {
            self.isFiltering = isFiltering
            self.port = port
            self.counterpart = counterpart
            self.other = other
        }
    }

    /// The kernel's answer to "how would a packet go?" (RTM_GETROUTE).
    public enum RouteAnswer: Hashable, Sendable {
        /// By this route.
        case route(Route)
        /// Not at all.
        case refused(Refusal)
        /// It was not asked, or its answer was not understood.
        case unknown

        /// The route, if there is one.
        public var route: Route? {
            guard case .route(let route) = self else { return nil }
            return route
        }
    }

    /// A way that a packet takes.
    public struct Route: Hashable, Sendable {
        /// RTA_OIF
        public var link: Int32
        /// RTA_GATEWAY or RTA_VIA; nil where the destination is on the link.
        public var gateway: IPAddress?
        /// RTA_PREFSRC: the address it is sent from.
        public var source: IPAddress?
        /// Whether it is the namespace's own address (RTN_LOCAL).
        public var isLocal: Bool
        /// The path MTU that the kernel has learnt or was told (RTAX_MTU), bytes.
        public var mtu: UInt32?

        /// A way.
        public init(
            link: Int32, gateway: IPAddress? = nil, source: IPAddress? = nil, isLocal: Bool = false, mtu: UInt32? = nil
        ) {
            self.link = link
            self.gateway = gateway
            self.source = source
            self.isLocal = isLocal
            self.mtu = mtu
        }
    }

    /// Why a packet has no way. The raw value is the errno's name.
    public enum Refusal: String, Hashable, Sendable {
        /// No route matches, or one of type throw.
        case noRoute = "ENETUNREACH"
        /// A route of type unreachable; of what is to be forwarded, also that nothing is forwarded.
        case unreachable = "EHOSTUNREACH"
        /// A route of type prohibit.
        case prohibited = "EACCES"
        /// A route of type blackhole; of what comes in, also an impossible source.
        case invalid = "EINVAL"
        /// What comes in is taken for forged: net/ipv4/fib_frontend.c __fib_validate_source().
        case forged = "EXDEV"
    }

    /// A route that refuses what it matches.
    public struct RefusingRoute: Hashable, Sendable {
        /// `blackhole`, `unreachable`, `prohibit` or `throw`, as ip(8) has it.
        public var type: String
        /// What it matches.
        public var destination: IPAddress
        /// Its prefix length, bits.
        public var prefixLength: UInt8
        /// Its table, when it is not the main one.
        public var table: UInt32?

        /// A route.
        public init(type: String, destination: IPAddress, prefixLength: UInt8, table: UInt32? = nil) {
            self.type = type
            self.destination = destination
            self.prefixLength = prefixLength
            self.table = table
        }
    }

    /// What the neighbour table has of the next hop, asked after the probes.
    public enum Neighbour: Hashable, Sendable {
        /// An entry in this state.
        case entry(NeighbourState)
        /// No entry.
        case absent
        /// It was not asked.
        case unknown
    }

    /// The namespace that routes: that which has the gateway's address, or else what the link's other end is in.
    public struct Router: Sendable {
        /// The namespace.
        public var place: Place
        /// The link by which the packets come in.
        public var ingress: Int32
        /// Whether what comes in by that link is forwarded; IPv6: whether anything is.
        public var forwardsIngress: Bool?
        /// Whether what comes in by the link to the target is: the answers.
        public var forwardsEgress: Bool?
        /// net.ipv4.ip_forward, or net.ipv6.conf.all.forwarding.
        public var forwardsAtAll: Bool?
        /// rp_filter of `all`, and of the ingress: the larger applies. Nothing for IPv6.
        public var rpFilter: (all: Int?, ingress: Int?)
        /// The way to the source's address.
        public var back: RouteAnswer
        /// The way to the target for a packet of the source's that comes in by `ingress`.
        public var through: RouteAnswer
        /// Whether it may put its own address in place of the source's: it has a chain of type nat that does.
        public var translates: Bool?

        /// A router.
        public init(
            place: Place, ingress: Int32, forwardsIngress: Bool? = nil, forwardsEgress: Bool? = nil,
            forwardsAtAll: Bool? = nil, rpFilter: (all: Int?, ingress: Int?) = (nil, nil), back: RouteAnswer = .unknown,
            through: RouteAnswer = .unknown, translates: Bool? = nil
        ) {
            self.place = place
            self.ingress = ingress
            self.forwardsIngress = forwardsIngress
            self.forwardsEgress = forwardsEgress
            self.forwardsAtAll = forwardsAtAll
            self.rpFilter = rpFilter
            self.back = back
            self.through = through
            self.translates = translates
        }
    }

    /// The namespace that has the target's address, when it is neither the source's nor the router's.
    public struct Far: Sendable {
        /// The namespace.
        public var place: Place
        /// The link that has the address.
        public var link: Int32
        /// That link's other end.
        public var attachment: Attachment?
        /// The way back to the source's address.
        public var back: RouteAnswer
        /// Whether it answers no echo request (icmp_echo_ignore_all).
        public var ignoresEcho: Bool?

        /// A far end.
        public init(
            place: Place, link: Int32, attachment: Attachment? = nil, back: RouteAnswer = .unknown,
            ignoresEcho: Bool? = nil
        ) {
            self.place = place
            self.link = link
            self.attachment = attachment
            self.back = back
            self.ignoresEcho = ignoresEcho
        }
    }

    /// What a packet filter does with the packets of this path.
    public struct Filter: Hashable, Sendable {
        /// ok when it lets them pass, broken when it does not.
        public var state: StepState
        /// Which one, and why.
        public var evidence: String
        /// The command that mends it.
        public var remedy: String?
        /// Whether neighbours are not found either where it drops: IPv6 has them in packets that pass it.
        public var hidesNeighbours: Bool

        /// A filter's verdict.
        public init(_ state: StepState, _ evidence: String, remedy: String? = nil, hidesNeighbours: Bool = false) {
            self.state = state
            self.evidence = evidence
            self.remedy = remedy
            self.hidesNeighbours = hidesNeighbours
        }
    }

    /// What came of one try from inside.
    public enum Outcome: Hashable, Sendable {
        /// An answer, after so many seconds.
        case answered(Double)
        /// No answer.
        case failed(ProbeFailure)

        /// Whether there was an answer.
        public var isAnswer: Bool {
            if case .answered = self { return true }
            return false
        }
    }

    /// What was tried.
    public struct Trials: Hashable, Sendable {
        /// A small echo request to the target.
        public var echo: Outcome?
        /// One as large as the link's MTU, which may not be fragmented.
        public var large: Outcome?
        /// One as large as the path MTU that was learnt from the last one.
        public var learnt: Outcome?
        /// What the target is for: a connection, a question to a name server.
        public var service: Outcome?
        /// The same as `service`, or `echo`, from the router.
        public var fromRouter: Outcome?
        /// What more there is to say of the last outcome: "NXDOMAIN".
        public var note: String?

        /// Nothing was tried.
        public init() {}

        /// The one that decides.
        public var decisive: Outcome? { service ?? echo }
    }

    /// The namespace it begins in.
    public var source: Place
    /// What is to be reached, as a person calls it.
    public var target: String
    /// Whether that is the gateway.
    public var kind = Target.host
    /// Its address; nil for the gateway where there is none.
    public var destination: IPAddress?
    /// The family of the path.
    public var family = IPFamily.ipv4
    /// The way from the source.
    public var route = RouteAnswer.unknown
    /// The route of the source that refuses the target, when one does.
    public var refusing: RefusingRoute?
    /// Whether the source's link may have no IPv6 addresses (disable_ipv6).
    public var disablesIPv6: Bool?
    /// Who else has the source's address on the same bridge: a namespace's name and its device.
    public var duplicate: String?
    /// The next hop in the source's neighbour table.
    public var neighbour = Neighbour.unknown
    /// What the link leads to.
    public var attachment: Attachment?
    /// Who routes.
    public var router: Router?
    /// Who has the target's address.
    public var far: Far?
    /// The filters on the way.
    public var filters: [Filter] = []
    /// What was tried.
    public var trials = Trials()

    /// A path from a namespace.
    public init(source: Place, target: String) {
        self.source = source
        self.target = target
    }
}

extension PathFacts.Place {
    /// The link with an index.
    public func link(_ index: Int32) -> Link? { links.first { $0.index == index } }

    /// The link that has an address.
    package func owner(of address: IPAddress) -> Link? {
        addresses.first { $0.address == address }.flatMap { link($0.link) }
    }

    /// The addresses of a link and family.
    func addresses(of link: Int32, _ family: IPFamily) -> [InterfaceAddress] {
        addresses.filter { $0.link == link && $0.address.family == family }
    }

    /// A command that is run there; nil when no way in is known, or a name in it holds bytes that no command line can.
    package func command(_ text: String) -> String? {
        text.contains("\\x") ? nil : prefix.map { $0 + text }
    }

    /// `eth0 of web`.
    package func describe(_ link: Link) -> String { "\(link.name) of \(name)" }
}

extension Link {
    /// The name as a word of a command line.
    var word: String { ShellWord.quoted(name.description) }

    /// Whether it is of a kind.
    package func isKind(_ text: StaticString) -> Bool {
        guard kind.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<kind.count where unsafe kind[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether its ports' packets are its own: the master is where they come in. Not so of a VRF and Open vSwitch's device.
    package var takesPortsPackets: Bool { isKind("bridge") || isKind("bond") || isKind("team") }

    /// Whether its other end is its lower device.
    var isUpper: Bool {
        isKind("macvlan") || isKind("macvtap") || isKind("ipvlan") || isKind("ipvtap") || isKind("vlan")
    }

    /// IFF_NOARP
    var hasNoARP: Bool { flags & 0x80 != 0 }
}
