internal import Exposition
internal import NetnsCore

/// A metric family of the `netstat` collector, with the kernel's fields that are its samples: one, or one for each version
/// of IP, which is then the label `family`.
struct MIBFamily {
    let name: String
    let kind: MetricKind
    let unit: String?
    /// How many of the kernel's units make one of ours: 1000 for milliseconds.
    let divisor: UInt64
    let fields: [MIBField]
    let text: String

    /// What it is, and the kernel's names of it.
    var help: String { "\(text) (\(fields.map { "\($0.group.rawValue) \($0.name)" }.joined(separator: ", ")))." }

    /// Whether its samples have the label `family`.
    var hasFamilyLabel: Bool { fields.contains { $0.group.version != nil } }

    private init(
        _ name: String, _ kind: MetricKind, unit: String? = nil, divisor: UInt64 = 1, _ fields: [String], _ text: String
    ) {
        self.init(
            name: "netns_\(name)" + (kind == .counter ? "_total" : ""), kind, unit: unit, divisor: divisor,
            fields.compactMap { MIBField($0) }, text)
    }

    private init(
        name: String, _ kind: MetricKind, unit: String? = nil, divisor: UInt64 = 1, _ fields: [MIBField], _ text: String
    ) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.divisor = divisor
        self.fields = fields
        self.text = text
    }

    /// The families of a selection: those of the table that have a field in it, and one with a mechanical name for each
    /// field that the table does not have. A mechanical name is the group's, without its 6, and the field's in snake case:
    /// `netns_tcpext_tcpdsack_recv_total`; all these are counters, since the kernel's gauges are in the table.
    static func families(of selection: MIBSelection) -> [MIBFamily] {
        let wanted = Set(selection.fields)
        var families = table.filter { $0.fields.contains { wanted.contains($0) } }
        var known = Set(table.flatMap(\.fields))
        var names = Set(table.map(\.name))
        for field in selection.fields where known.insert(field).inserted {
            let name = mechanicalName(field)
            guard names.insert(name).inserted else { continue }
            // The other version's field of the same name belongs to it.
            let both = selection.fields.filter {
                mechanicalName($0) == name && ($0 == field || known.insert($0).inserted)
            }
            families.append(MIBFamily(name: name, .counter, both, "A counter of the kernel's"))
        }
        return families
    }

    static func mechanicalName(_ field: MIBField) -> String {
        var group = field.group.rawValue.lowercased()
        if group.hasSuffix("6") { group.removeLast() }
        return "netns_\(group)_\(snakeCase(field.name))_total"
    }

    /// `TCPHPHits` is `tcphp_hits`: a word begins with a capital that a small letter follows, or that follows one.
    static func snakeCase(_ name: String) -> String {
        let letters = Array(name)
        var out = ""
        for (index, letter) in letters.enumerated() {
            let follows = index > 0 && !letters[index - 1].isUppercase
            let leads = index + 1 < letters.count && letters[index + 1].isLowercase
            if index > 0, letter.isUppercase, follows || leads { out += "_" }
            out += letter.lowercased()
        }
        return out
    }

    /// What is exported unless `--collector.netstat.fields` says otherwise: what people alert on.
    static let defaultFields =
        "^(Tcp_(ActiveOpens|PassiveOpens|AttemptFails|EstabResets|CurrEstab|InSegs|OutSegs|RetransSegs|InErrs|OutRsts)"
        + "|TcpExt_(ListenOverflows|ListenDrops|Syncookies.*|TCPTimeouts|TCPSynRetrans|TCPOFOQueue|TCPRcvQDrop"
        + "|TCPBacklogDrop|TCPAbortOnTimeout|TCPAbortOnMemory|IPReversePathFilter)"
        + "|Udp6?_(InDatagrams|OutDatagrams|NoPorts|InErrors|RcvbufErrors|SndbufErrors)"
        + "|Ip6?_(InReceives|OutRequests|InDiscards|OutDiscards|OutNoRoutes|FragFails|ReasmFails)"
        + "|Ip_ForwDatagrams|Ip6_OutForwDatagrams|(IpExt|Ip6)_InNoRoutes|Icmp6?_(InDestUnreachs|OutDestUnreachs))$"

    /// The one list of the names that were chosen by hand.
    static let table: [MIBFamily] =
        tcp + tcpExtensions + udp + ip + icmp + [
            MIBFamily(
                "mptcp_established_connections", .gauge, ["MPTcpExt_MPCurrEstab"], "Established connections of MPTCP")
        ]

    private static let tcp: [MIBFamily] = [
        MIBFamily("tcp_active_opens", .counter, ["Tcp_ActiveOpens"], "Connections begun from here"),
        MIBFamily("tcp_passive_opens", .counter, ["Tcp_PassiveOpens"], "Connections begun by others"),
        MIBFamily(
            "tcp_attempt_failures", .counter, ["Tcp_AttemptFails"],
            "Connections that ended before they were established"),
        MIBFamily("tcp_established_resets", .counter, ["Tcp_EstabResets"], "Established connections that were reset"),
        MIBFamily(
            "tcp_established_connections", .gauge, ["Tcp_CurrEstab"],
            "Connections that are established or in close-wait"),
        MIBFamily("tcp_received_segments", .counter, ["Tcp_InSegs"], "Segments received"),
        MIBFamily("tcp_sent_segments", .counter, ["Tcp_OutSegs"], "Segments sent, without those sent again"),
        MIBFamily("tcp_retransmitted_segments", .counter, ["Tcp_RetransSegs"], "Segments sent again"),
        MIBFamily("tcp_receive_errors", .counter, ["Tcp_InErrs"], "Segments received with an error"),
        MIBFamily("tcp_sent_resets", .counter, ["Tcp_OutRsts"], "Segments sent with RST"),
        MIBFamily("tcp_checksum_errors", .counter, ["Tcp_InCsumErrors"], "Segments received with a wrong checksum"),
        MIBFamily(
            "tcp_rto_algorithm", .gauge, ["Tcp_RtoAlgorithm"], "Algorithm of the retransmission timeout: 1 other"),
        MIBFamily(
            "tcp_rto_min_seconds", .gauge, unit: "seconds", divisor: 1000, ["Tcp_RtoMin"],
            "Least retransmission timeout"),
        MIBFamily(
            "tcp_rto_max_seconds", .gauge, unit: "seconds", divisor: 1000, ["Tcp_RtoMax"],
            "Greatest retransmission timeout"),
        MIBFamily(
            "tcp_max_connections", .gauge, ["Tcp_MaxConn"],
            "Limit of connections; absent where there is no fixed one, as in every Linux so far"),
    ]

    private static let tcpExtensions: [MIBFamily] = [
        MIBFamily(
            "tcp_listen_overflows", .counter, ["TcpExt_ListenOverflows"],
            "Times the queue of connections to be accepted was full"),
        MIBFamily("tcp_listen_drops", .counter, ["TcpExt_ListenDrops"], "Connections that a listening socket dropped"),
        MIBFamily("tcp_syncookies_sent", .counter, ["TcpExt_SyncookiesSent"], "SYN cookies sent"),
        MIBFamily("tcp_syncookies_received", .counter, ["TcpExt_SyncookiesRecv"], "SYN cookies received"),
        MIBFamily("tcp_syncookies_failed", .counter, ["TcpExt_SyncookiesFailed"], "Wrong SYN cookies received"),
        MIBFamily("tcp_timeouts", .counter, ["TcpExt_TCPTimeouts"], "Times the retransmission timer ran out"),
        MIBFamily("tcp_syn_retransmits", .counter, ["TcpExt_TCPSynRetrans"], "SYN and SYN/ACK segments sent again"),
        MIBFamily("tcp_fast_retransmits", .counter, ["TcpExt_TCPFastRetrans"], "Segments sent again before a timeout"),
        MIBFamily(
            "tcp_retransmit_failures", .counter, ["TcpExt_TCPRetransFail"], "Segments that could not be sent again"),
        MIBFamily("tcp_out_of_order_segments", .counter, ["TcpExt_TCPOFOQueue"], "Segments received out of order"),
        MIBFamily(
            "tcp_out_of_order_drops", .counter, ["TcpExt_TCPOFODrop"],
            "Segments out of order that were dropped for lack of memory"),
        MIBFamily(
            "tcp_receive_queue_drops", .counter, ["TcpExt_TCPRcvQDrop"],
            "Segments dropped since the receive queue was full"),
        MIBFamily(
            "tcp_backlog_drops", .counter, ["TcpExt_TCPBacklogDrop"], "Segments dropped since the backlog was full"),
        MIBFamily(
            "tcp_aborts_on_timeout", .counter, ["TcpExt_TCPAbortOnTimeout"],
            "Connections given up after too many retransmissions or probes"),
        MIBFamily(
            "tcp_aborts_on_memory", .counter, ["TcpExt_TCPAbortOnMemory"], "Connections given up for lack of memory"),
        MIBFamily(
            "tcp_memory_pressures", .counter, ["TcpExt_TCPMemoryPressures"], "Times TCP came under memory pressure"),
        MIBFamily(
            "tcp_request_queue_full_drops", .counter, ["TcpExt_TCPReqQFullDrop"],
            "SYN segments dropped since the queue of requests was full"),
        MIBFamily(
            "tcp_request_queue_full_cookies", .counter, ["TcpExt_TCPReqQFullDoCookies"],
            "SYN segments answered by a cookie since the queue of requests was full"),
        MIBFamily(
            "tcp_time_wait_overflows", .counter, ["TcpExt_TCPTimeWaitOverflow"],
            "Sockets closed at once since there were too many in time-wait"),
        MIBFamily(
            "ip_reverse_path_filter_drops", .counter, ["TcpExt_IPReversePathFilter"],
            "IPv4 packets dropped by the sysctl rp_filter"),
    ]

    private static func both(_ group: String, _ name: String) -> [String] { ["\(group)_\(name)", "\(group)6_\(name)"] }

    private static let udp: [MIBFamily] = [
        MIBFamily("udp_received_datagrams", .counter, both("Udp", "InDatagrams"), "Datagrams received"),
        MIBFamily("udp_sent_datagrams", .counter, both("Udp", "OutDatagrams"), "Datagrams sent"),
        MIBFamily("udp_no_ports", .counter, both("Udp", "NoPorts"), "Datagrams to a port where nobody listens"),
        MIBFamily("udp_receive_errors", .counter, both("Udp", "InErrors"), "Datagrams received and not delivered"),
        MIBFamily(
            "udp_receive_buffer_errors", .counter, both("Udp", "RcvbufErrors"),
            "Datagrams dropped since the receive buffer was full"),
        MIBFamily(
            "udp_send_buffer_errors", .counter, both("Udp", "SndbufErrors"),
            "Datagrams not sent since the send buffer was full"),
        MIBFamily("udp_checksum_errors", .counter, both("Udp", "InCsumErrors"), "Datagrams with a wrong checksum"),
    ]

    private static let ip: [MIBFamily] = [
        MIBFamily("ip_received_packets", .counter, both("Ip", "InReceives"), "Packets received, also broken ones"),
        MIBFamily("ip_delivered_packets", .counter, both("Ip", "InDelivers"), "Packets delivered to a protocol here"),
        MIBFamily("ip_sent_packets", .counter, both("Ip", "OutRequests"), "Packets that were sent from here"),
        MIBFamily(
            "ip_forwarded_packets", .counter, ["Ip_ForwDatagrams", "Ip6_OutForwDatagrams"], "Packets forwarded"),
        MIBFamily(
            "ip_received_bytes", .counter, unit: "bytes", ["IpExt_InOctets", "Ip6_InOctets"],
            "Bytes of received packets"
        ),
        MIBFamily(
            "ip_sent_bytes", .counter, unit: "bytes", ["IpExt_OutOctets", "Ip6_OutOctets"], "Bytes of sent packets"),
        MIBFamily("ip_header_errors", .counter, both("Ip", "InHdrErrors"), "Packets with a broken header"),
        MIBFamily("ip_address_errors", .counter, both("Ip", "InAddrErrors"), "Packets to an address that is not here"),
        MIBFamily(
            "ip_unknown_protocols", .counter, both("Ip", "InUnknownProtos"), "Packets of a protocol that is not here"),
        MIBFamily("ip_receive_discards", .counter, both("Ip", "InDiscards"), "Received packets that were dropped"),
        MIBFamily("ip_send_discards", .counter, both("Ip", "OutDiscards"), "Packets to be sent that were dropped"),
        MIBFamily(
            "ip_receive_no_routes", .counter, ["IpExt_InNoRoutes", "Ip6_InNoRoutes"],
            "Packets to be forwarded for which there was no route"),
        MIBFamily(
            "ip_send_no_routes", .counter, both("Ip", "OutNoRoutes"), "Packets to be sent for which there was no route"),
        MIBFamily("ip_fragmented_packets", .counter, both("Ip", "FragOKs"), "Packets that were fragmented"),
        MIBFamily(
            "ip_fragmentation_failures", .counter, both("Ip", "FragFails"),
            "Packets too long that could or must not be fragmented"),
        MIBFamily("ip_reassembled_packets", .counter, both("Ip", "ReasmOKs"), "Packets put together again"),
        MIBFamily(
            "ip_reassembly_failures", .counter, both("Ip", "ReasmFails"), "Packets that could not be put together again"
        ),
        MIBFamily("ip_forwarding", .gauge, ["Ip_Forwarding"], "Whether packets are forwarded: 1 yes, 2 no"),
        MIBFamily("ip_default_ttl", .gauge, ["Ip_DefaultTTL"], "Time to live of packets that were sent from here"),
    ]

    private static let icmp: [MIBFamily] = [
        MIBFamily("icmp_received_messages", .counter, both("Icmp", "InMsgs"), "Messages received"),
        MIBFamily("icmp_sent_messages", .counter, both("Icmp", "OutMsgs"), "Messages sent"),
        MIBFamily("icmp_receive_errors", .counter, both("Icmp", "InErrors"), "Messages received with an error"),
        MIBFamily(
            "icmp_received_destination_unreachables", .counter, both("Icmp", "InDestUnreachs"),
            "Messages received that a destination cannot be reached"),
        MIBFamily(
            "icmp_sent_destination_unreachables", .counter, both("Icmp", "OutDestUnreachs"),
            "Messages sent that a destination cannot be reached"),
        MIBFamily(
            "icmp_received_time_exceeded", .counter, both("Icmp", "InTimeExcds"),
            "Messages received that a packet was too long on its way"),
        MIBFamily("icmp_received_echos", .counter, both("Icmp", "InEchos"), "Echo requests received"),
        MIBFamily("icmp_sent_echos", .counter, both("Icmp", "OutEchos"), "Echo requests sent"),
        MIBFamily(
            "icmp_received_echo_replies", .counter, ["Icmp_InEchoReps", "Icmp6_InEchoReplies"], "Echo replies received"),
        MIBFamily(
            "icmp_sent_echo_replies", .counter, ["Icmp_OutEchoReps", "Icmp6_OutEchoReplies"], "Echo replies sent"),
    ]
}

extension MIBGroup {
    /// The version of IP it counts; nil for TCP, which counts both together.
    var version: IPFamily? {
        switch self {
        case .icmp, .ip, .ipExt, .udp, .udpLite: .ipv4
        case .icmp6, .ip6, .udp6, .udpLite6: .ipv6
        case .mptcpExt, .tcp, .tcpExt: nil
        }
    }
}
