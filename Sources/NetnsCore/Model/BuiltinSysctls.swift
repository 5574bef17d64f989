/// The sysctls that are read without being asked for: the ones that people set, or are bitten by, per namespace.
public enum BuiltinSysctls {
    /// Their names, sorted.
    public static let names: [SysctlName] = {
        var names: [[String]] = [["net", "core", "somaxconn"]]
        names += ipv4.map { ["net", "ipv4", $0] }
        for scope in ["all", "default"] {
            names += ipv4Conf.map { ["net", "ipv4", "conf", scope, $0] }
            names += ipv6Conf.map { ["net", "ipv6", "conf", scope, $0] }
        }
        names += netfilter.map { ["net", "netfilter", $0] }
        return names.map(SysctlName.init(components:)).sorted { $0.dotted < $1.dotted }
    }()

    /// Entries whose value is text whatever it looks like: a list of ports may be the one port `8080`, a bitmap `00`.
    /// Their type must not change with their value.
    public static let text: Set<String> = [
        "net.core.flow_limit_cpu_bitmap", "net.core.rps_default_mask", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_allowed_congestion_control", "net.ipv4.tcp_available_congestion_control",
        "net.ipv4.tcp_available_ulp", "net.ipv4.tcp_congestion_control",
    ]

    private static let ipv4 = [
        "icmp_echo_ignore_all", "ip_default_ttl", "ip_forward", "ip_local_port_range", "ip_local_reserved_ports",
        "ip_nonlocal_bind", "ip_unprivileged_port_start", "ping_group_range", "tcp_congestion_control", "tcp_ecn",
        "tcp_fastopen", "tcp_fin_timeout", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_keepalive_time",
        "tcp_max_syn_backlog", "tcp_max_tw_buckets", "tcp_mtu_probing", "tcp_notsent_lowat", "tcp_retries1",
        "tcp_retries2", "tcp_rmem", "tcp_sack", "tcp_slow_start_after_idle", "tcp_syn_retries", "tcp_synack_retries",
        "tcp_syncookies", "tcp_timestamps", "tcp_tw_reuse", "tcp_window_scaling", "tcp_wmem",
    ]
    private static let ipv4Conf = [
        "accept_redirects", "arp_announce", "arp_ignore", "forwarding", "rp_filter", "send_redirects",
    ]
    private static let ipv6Conf = ["accept_ra", "disable_ipv6", "forwarding"]
    private static let netfilter = [
        "nf_conntrack_max", "nf_conntrack_tcp_be_liberal", "nf_conntrack_tcp_timeout_established",
    ]
}
