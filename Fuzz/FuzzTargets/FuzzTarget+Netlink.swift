internal import NetnsCore

/// Answers of the kernel: whole datagrams, as they are received.
extension FuzzTarget {
    static let netlink: [FuzzTarget] = [
        netlink("netlink-links", header: 16, ["links-a-0.bin", "links-a-1.bin", "links-b-0.bin", "no-such-link.bin"]) {
            (_, payload) throws(NetlinkDecodingError) in
            _ = NetlinkDecoding.errorNumber(payload)
            let link = try Link(decoding: payload)
            precondition(!link.name.isEmpty)
        },
        netlink("netlink-addresses", header: 8, ["addresses.bin"]) { (_, payload) throws(NetlinkDecodingError) in
            _ = try InterfaceAddress(decoding: payload)
        },
        netlink("netlink-routes", header: 12, ["routes.bin"]) { (_, payload) throws(NetlinkDecodingError) in
            var summary = RouteSummary()
            try summary.add(decoding: payload)
        },
        netlink("netlink-neighbours", header: 12, ["neighbours.bin"]) { (_, payload) throws(NetlinkDecodingError) in
            var counts = NeighbourCounts()
            try counts.add(decoding: payload)
            _ = try PathDecoding.neighbourState(payload)
        },
        netlink("netlink-path-route", header: 12, ["routes.bin"]) { (_, payload) throws(NetlinkDecodingError) in
            _ = try PathFacts.Route(decoding: payload)
            if let target = IPAddress("198.18.0.9") {
                _ = try PathFacts.RefusingRoute(decoding: payload, matching: target)
            }
            if let target = IPAddress("2001:db8::9") {
                _ = try PathFacts.RefusingRoute(decoding: payload, matching: target)
            }
        },
        netlink("netlink-path-bridge", header: 16, ["links-a-1.bin"], more: [Example.vlans]) {
            (_, payload) throws(NetlinkDecodingError) in
            _ = try PathDecoding.isVLANFiltering(payload)
            _ = try PathDecoding.vlans(payload)
        },
        netlink("netlink-nsid", header: 4, ["nsid-a.bin", "nsid-b.bin", "nsid-c.bin"]) {
            (_, payload) throws(NetlinkDecodingError) in
            _ = try NetlinkDecoding.namespaceID(payload)
        },
        netlink("netlink-qdiscs", header: 20, [], more: [Example.qdisc]) { (_, payload) throws(NetlinkDecodingError) in
            _ = try Qdisc(decoding: payload)
        },
        netlink("netlink-conntrack", header: 4, [], more: [Example.conntrack]) {
            (_, payload) throws(NetlinkDecodingError) in
            var statistics = ConntrackStatistics()
            try statistics.add(decoding: payload)
            try statistics.set(decoding: payload)
        },
        netlink("netlink-sockets", header: 72, [], more: [Example.socket]) {
            (_, payload) throws(NetlinkDecodingError) in
            var counts = TCPStateCounts()
            try counts.add(decoding: payload)
        },
        FuzzTarget("netlink-filter", .netlink(header: 4), examples: { [Corpus.fixture("filter.bin")] }, run: filter),
    ]

    private static func netlink(
        _ name: String, header: Int, _ fixtures: [String], more: [[UInt8]] = [],
        _ decode: @escaping @Sendable (NetlinkHeader, borrowing RawSpan) throws(NetlinkDecodingError) -> Void
    ) -> FuzzTarget {
        FuzzTarget(name, .netlink(header: header), examples: { fixtures.map { Corpus.fixture($0) } + more }) { bytes in
            try? NetlinkDecoding.forEachMessage(in: bytes) { (header, payload) throws(NetlinkDecodingError) in
                try decode(header, payload)
                return .next
            }
        }
    }

    /// A ruleset is decoded, written as text, and decides on packets.
    private static func filter(_ bytes: borrowing RawSpan) {
        var table = FilterTable()
        try? NetlinkDecoding.forEachMessage(in: bytes) { (header, payload) throws(NetlinkDecodingError) in
            _ = try FilterTable.generation(payload)
            try table.add(decoding: payload, type: header.type)
            return .next
        }
        for rule in table.rules.values.joined() { _ = rule.text(sets: table.sets) }
        let pairs = [("198.18.0.1", "198.18.0.2"), ("2001:db8::1", "2001:db8::2")]
        for (source, destination) in pairs {
            guard let from = IPAddress(source), let to = IPAddress(destination) else { continue }
            for hook in FilterHook.allCases {
                _ = table.verdict(for: .echoRequest(from: from, to: to), hook: hook)
                _ = table.verdict(
                    for: FilterPacket(source: from, destination: to, protocolNumber: 6, destinationPort: 443),
                    hook: hook)
            }
        }
    }
}

/// Messages for which there is no capture.
private enum Example {
    static let qdisc = message(
        36, header: 20, [attribute(1, Array("fq_codel\0".utf8)), attribute(7, nested: statistics)])
    static let conntrack = message(
        0x0105, header: 4, (1...13).map { attribute(UInt16($0), [0, 0, 0, UInt8($0)]) })
    static let socket = message(20, header: 72, [attribute(8, [0])])
    static let vlans = message(
        16, header: 16,
        [
            attribute(
                26, nested: [attribute(2, [6, 0, 1, 0]), attribute(2, [8, 0, 10, 0]), attribute(2, [16, 0, 20, 0])])
        ])
    private static let statistics = [
        attribute(1, [UInt8](repeating: 1, count: 16)), attribute(3, [UInt8](repeating: 2, count: 20)),
    ]

    private static func attribute(_ type: UInt16, _ value: [UInt8]) -> NetlinkAttribute {
        NetlinkAttribute(type: type, value: value)
    }

    private static func attribute(_ type: UInt16, nested: [NetlinkAttribute]) -> NetlinkAttribute {
        NetlinkAttribute(type: type, value: [], children: nested)
    }

    private static func message(_ type: UInt16, header: Int, _ attributes: [NetlinkAttribute]) -> [UInt8] {
        // A family and a state that exist stand first in a struct inet_diag_msg; elsewhere they do no harm.
        let payload = [2, 1] + [UInt8](repeating: 0, count: header - 2) + NetlinkAttribute.bytes(attributes)
        let length = payload.count + 16
        return [
            UInt8(truncatingIfNeeded: length), UInt8(length >> 8), 0, 0, UInt8(truncatingIfNeeded: type),
            UInt8(type >> 8),
        ]
            + [UInt8](repeating: 0, count: 10) + payload
    }
}
