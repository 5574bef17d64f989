/// The states of a TCP socket. Source: <net/tcp_states.h>, tcp(7).
public enum TCPState: UInt8, CaseIterable, Sendable {
    case established = 1
    case synSent
    case synReceived
    case finWait1
    case finWait2
    case timeWait
    case close
    case closeWait
    case lastAck
    case listen
    case closing

    /// The name as ss(8) and node_exporter write it.
    public var name: StaticString {
        switch self {
        case .established: "established"
        case .synSent: "syn_sent"
        case .synReceived: "syn_recv"
        case .finWait1: "fin_wait1"
        case .finWait2: "fin_wait2"
        case .timeWait: "time_wait"
        case .close: "close"
        case .closeWait: "close_wait"
        case .lastAck: "last_ack"
        case .listen: "listen"
        case .closing: "closing"
        }
    }
}

/// How many TCP sockets of a namespace are in each state.
public struct TCPStateCounts: Sendable {
    /// By family, then state.
    private var counts = InlineArray<24, Int>(repeating: 0)

    /// None.
    public init() {}

    /// The sockets of a family in a state. A socket of IPv6 that talks IPv4 is one of IPv6.
    public internal(set) subscript(family: IPFamily, state: TCPState) -> Int {
        get { counts[Self.position(family, state)] }
        set { counts[Self.position(family, state)] = newValue }
    }

    private static func position(_ family: IPFamily, _ state: TCPState) -> Int {
        (family == .ipv4 ? 0 : 12) + Int(state.rawValue)
    }
}

extension TCPStateCounts {
    /// Length of `struct inet_diag_msg`; held against <linux/inet_diag.h> by a test.
    package static let messageLength = 72

    /// Counts the socket of an inet_diag message; one of another family, or in a state that has no name, is passed over.
    /// Source: sock_diag(7), net/ipv4/inet_diag.c.
    public mutating func add(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= Self.messageLength else { throw .tooShort(type: 20, length: payload.byteCount) }
        guard let family = IPFamily(rawValue: payload.loadByte(at: 0)),
            let state = TCPState(rawValue: payload.loadByte(at: 1))
        else { return }
        self[family, state] += 1
    }
}
