/// Why a probe failed, in words that a person can act on. The raw value is the label `reason`.
public enum ProbeFailure: String, CaseIterable, Error, Sendable {
    /// No answer came in time.
    case timeout
    /// The other end is there and refuses: a TCP reset, or ICMP port unreachable.
    case refused
    /// A router, or our own neighbour table, says that the host cannot be reached (EHOSTUNREACH).
    case unreachableHost = "unreachable_host"
    /// A router says that the network cannot be reached (ICMP net unreachable).
    case unreachableNet = "unreachable_net"
    /// The namespace has no route to the target (ENETUNREACH), or one that forbids it.
    case noRoute = "no_route"
    /// The namespace has no default route with a gateway.
    case noGateway = "no_gateway"
    /// The namespace has no address to send from; or the target is the peer or the host, which has none.
    case noAddress = "no_address"
    /// The namespace's resolv.conf cannot be read, or names no server.
    case noResolver = "no_resolver"
    /// A name server answers that the name does not exist or has no such record, or cannot tell (NXDOMAIN, SERVFAIL, ...).
    case nameError = "name_error"
    /// No name server answered in time.
    case nameTimeout = "name_timeout"
    /// The kernel does not let us: a missing capability, or a filter on what the namespace sends (EPERM).
    case permission
    /// The kernel could not do it for another reason: no descriptors, no memory, no such protocol.
    case socket
}
