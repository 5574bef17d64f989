/// The matches of iptables' extensions that iptables-nft leaves to them, where they are simple.
enum FilterMatch {
    /// Whether a match holds for a packet. Source: include/uapi/linux/netfilter/xt_*.h; their numbers are in the host's
    /// order.
    static func answer(
        _ name: String, _ revision: UInt32, _ info: [UInt8], _ packet: FilterPacket
    ) -> FilterRegisters.Answer {
        switch (name, revision) {
        case ("comment", _): .yes
        case ("conntrack", 2...3): connection(info, packet)
        case ("state", 0) where info.count >= 4:
            answer(unsafe info.span.bytes.load(UInt32.self, at: 0) & packet.stateBits != 0)
        case ("tcp", 0): tcp(info, packet)
        case ("udp", 0): udp(info, packet)
        case ("multiport", 1): multiport(info, packet)
        case ("icmp", 0), ("icmp6", 0): icmp(info, packet)
        default: .maybe
        }
    }

    private static func answer(_ holds: Bool) -> FilterRegisters.Answer { holds ? .yes : .no }

    private static func number(_ info: [UInt8], _ offset: Int) -> UInt16 {
        unsafe info.span.bytes.load(UInt16.self, at: offset)
    }

    /// `struct xt_conntrack_mtinfo3`, when it asks for the state alone.
    private static func connection(_ info: [UInt8], _ packet: FilterPacket) -> FilterRegisters.Answer {
        guard info.count >= 154, number(info, 146) == 1 else { return .maybe }
        let (inverts, states) = (number(info, 148) & 1 != 0, number(info, 150))
        let holds = states & UInt16(packet.stateBits) != 0
        // XT_CONNTRACK_STATE_SNAT and _DNAT are of how it was translated.
        if !holds, states & 0xC0 != 0 { return .maybe }
        return answer(holds != inverts)
    }

    /// The destination's port within two bounds; any of the source's.
    private static func ports(
        _ info: [UInt8], inverts: UInt8, _ packet: FilterPacket
    ) -> FilterRegisters.Answer {
        guard number(info, 0) == 0, number(info, 2) == .max, inverts & 1 == 0 else { return .maybe }
        let (first, last) = (number(info, 4), number(info, 6))
        if first == 0, last == .max { return answer(inverts & 2 == 0) }
        guard let port = packet.destinationPort else { return .maybe }
        return answer((first <= port && port <= last) != (inverts & 2 != 0))
    }

    /// `struct xt_tcp`
    private static func tcp(_ info: [UInt8], _ packet: FilterPacket) -> FilterRegisters.Answer {
        guard info.count >= 12 else { return .maybe }
        guard packet.protocolNumber == 6 else { return .no }
        let ports = ports(info, inverts: info[11], packet)
        let (option, mask, wanted, inverts) = (info[8], info[9], info[10], info[11])
        if option != 0 { return ports == .no ? .no : .maybe }
        guard mask != 0 else { return ports }
        guard packet.state == .new else { return ports == .no ? .no : .maybe }
        return (0x02 & mask == wanted) != (inverts & 4 != 0) ? ports : .no
    }

    /// `struct xt_udp`
    private static func udp(_ info: [UInt8], _ packet: FilterPacket) -> FilterRegisters.Answer {
        guard info.count >= 9 else { return .maybe }
        return packet.protocolNumber == 17 ? ports(info, inverts: info[8], packet) : .no
    }

    /// `struct xt_multiport_v1` of destination ports
    private static func multiport(_ info: [UInt8], _ packet: FilterPacket) -> FilterRegisters.Answer {
        guard info.count >= 48, info[0] == 1, info[1] <= 15, let port = packet.destinationPort else { return .maybe }
        var holds = false
        var index = 0
        while index < Int(info[1]) {
            let first = number(info, 2 + 2 * index)
            // The first of a range has a mark, and its end stands behind it.
            if info[32 + index] != 0, index + 1 < Int(info[1]) { index += 1 }
            if first <= port, port <= number(info, 2 + 2 * index) { holds = true }
            index += 1
        }
        return answer(holds != (info[47] != 0))
    }

    /// `struct ipt_icmp`, `struct ip6t_icmp`
    private static func icmp(_ info: [UInt8], _ packet: FilterPacket) -> FilterRegisters.Answer {
        guard info.count >= 4, let type = packet.icmpType else { return .maybe }
        // Type 255 of ipt_icmp is any.
        let holds = (info[0] == 255 && packet.family == .ipv4) || (info[0] == type && info[1] == 0)
        return answer(holds != (info[3] & 1 != 0))
    }
}
