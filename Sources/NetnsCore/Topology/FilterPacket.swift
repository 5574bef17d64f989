/// A packet that does not exist: what one would be that is looked for.
public struct FilterPacket: Sendable, Hashable {
    /// A link that it comes or goes by.
    public struct Interface: Sendable, Hashable {
        /// ifindex
        public var index: Int32
        /// Its name.
        public var name: InlineBytes<16>

        /// A link.
        public init(index: Int32, name: InlineBytes<16>) {
            self.index = index
            self.name = name
        }
    }

    /// What connection tracking says of it.
    public enum ConnectionState: Sendable, Hashable {
        /// The first of a connection.
        case new
        /// One that was answered before.
        case established
    }

    /// Where it comes in; nil when it is not known.
    public var input: Interface?
    /// Where it goes out; nil when it is not known.
    public var output: Interface?
    /// Its source at the hook that is asked about.
    public var source: IPAddress
    /// Its destination at the hook: what a translation before it has made of it.
    public var destination: IPAddress
    /// IPPROTO_*: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6.
    public var protocolNumber: UInt8
    /// The destination's port of TCP, UDP or SCTP; nil when it is not known or there is none.
    public var destinationPort: UInt16?
    /// The type of ICMP or ICMPv6, whose code then is 0; nil when it is not known or there is none.
    public var icmpType: UInt8?
    /// What connection tracking says of it. A TCP packet that is the first is a SYN.
    public var state: ConnectionState

    /// A packet.
    public init(
        input: Interface? = nil, output: Interface? = nil, source: IPAddress, destination: IPAddress,
        protocolNumber: UInt8, destinationPort: UInt16? = nil, icmpType: UInt8? = nil, state: ConnectionState = .new
    ) {
        self.input = input
        self.output = output
        self.source = source
        self.destination = destination
        self.protocolNumber = protocolNumber
        self.destinationPort = destinationPort
        self.icmpType = icmpType
        self.state = state
    }

    /// An echo request.
    public static func echoRequest(
        from source: IPAddress, to destination: IPAddress, input: Interface? = nil, output: Interface? = nil
    ) -> FilterPacket {
        let isIPv4 = destination.family == .ipv4
        return FilterPacket(
            input: input, output: output, source: source, destination: destination,
            protocolNumber: isIPv4 ? 1 : 58, icmpType: isIPv4 ? 8 : 128)
    }

    /// Its family: that of its destination.
    public var family: IPFamily { destination.family }
}

/// Who decided on a packet.
public struct FilterCause: Sendable, Hashable {
    /// The chain.
    public var chain: FilterChain.ID
    /// The rule's handle; nil when it was the chain's policy.
    public var handle: UInt64?
    /// The rule as nft(8) writes it, or nearly so; of a policy `policy drop`.
    public var text: String

    /// A cause.
    public init(chain: FilterChain.ID, handle: UInt64?, text: String) {
        self.chain = chain
        self.handle = handle
        self.text = text
    }
}

/// Why it cannot be told what happens to a packet.
public struct FilterDoubt: Sendable, Hashable {
    /// The rule that decides it.
    public var rule: FilterCause
    /// The expression of it that is not understood, or depends on more than the packet.
    public var expression: String

    /// A doubt.
    public init(rule: FilterCause, expression: String) {
        self.rule = rule
        self.expression = expression
    }
}

/// What becomes of a packet at a hook.
public enum FilterVerdict: Sendable, Hashable {
    /// Every chain lets it through.
    case accepted
    /// It is dropped, and nobody is told.
    case dropped(FilterCause)
    /// It is dropped, and its sender gets an ICMP error or a TCP reset.
    case rejected(FilterCause)
    /// One or the other.
    case unknown(FilterDoubt)
}
