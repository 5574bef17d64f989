/// When a socket that is already open takes up a sysctl's new value.
public enum SocketEffect: String, CaseIterable, Sendable {
    /// Copied into the socket when it is made; an accepted one takes after its listener.
    case atCreation = "at_creation"
    /// Settled when the connection is set up.
    case atConnection = "at_connection"
    /// Taken over by listen(2).
    case atListen = "at_listen"
    /// Looked at by bind(2) and connect(2).
    case atBind = "at_bind"
    /// Looked at when the socket's keepalive timer runs out, for which the old value decided.
    case atTimer = "at_timer"

    /// What is known of a sysctl; nil when nothing is.
    public init?(_ name: SysctlName) {
        guard let effect = Self.table[name.dotted] else { return nil }
        self = effect
    }

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .atCreation:
            "sockets already open keep what they were born with, and what a listener accepts is born with its"
        case .atConnection: "connections already made keep what they were set up with"
        case .atListen: "sockets that listen already keep what they had when they called listen(2)"
        case .atBind: "sockets already bound or connected keep their port"
        case .atTimer:
            "sockets already open wait out the timer that the old value set, up to that long, before they use the new one; "
                + "one whose program set its own keeps that"
        }
    }

    /// The general truth, for sysctls of which it is not known.
    public static let unknown =
        "some values are copied into a socket when it is made, others are looked at each time they matter: only a program "
        + "that makes its sockets anew is sure to have the new one"

    /// Where the kernel reads each. Source: tcp_init_sock(), tcp_finish_connect() and tcp_parse_options(),
    /// tcp_keepalive_timer() with keepalive_time_when(), inet_csk_listen_start() by way of __sys_listen(), inet_create(),
    /// sock_init_data(), inet_csk_find_open_port(), __inet_hash_connect(), inet_bind().
    private static let table: [String: SocketEffect] = {
        let names: [SocketEffect: [String]] = [
            .atCreation: [
                "net.core.rmem_default", "net.core.wmem_default", "net.ipv4.ip_no_pmtu_disc",
                "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_reordering", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
                "net.ipv6.bindv6only",
            ],
            .atConnection: [
                "net.ipv4.tcp_ecn", "net.ipv4.tcp_mtu_probing", "net.ipv4.tcp_sack", "net.ipv4.tcp_timestamps",
                "net.ipv4.tcp_window_scaling",
            ],
            .atListen: ["net.core.somaxconn"],
            .atBind: [
                "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_nonlocal_bind",
                "net.ipv4.ip_unprivileged_port_start", "net.ipv6.ip_nonlocal_bind",
            ],
            .atTimer: [
                "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
            ],
        ]
        return Dictionary(uniqueKeysWithValues: names.flatMap { effect, names in names.map { ($0, effect) } })
    }()
}
