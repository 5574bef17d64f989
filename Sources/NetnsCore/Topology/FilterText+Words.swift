/// The words that nft(8) has for what a register holds.
extension FilterText {
    private static let metaNames = [
        "length", "protocol", "priority", "mark", "iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "skuid",
        "skgid", "nftrace", "rtclassid", "secmark", "nfproto", "l4proto", "ibrname", "obrname", "pkttype", "cpu",
        "iifgroup", "oifgroup", "cgroup", "random", "secpath", "iifkind", "oifkind", "ibrpvid", "ibrvproto", "time",
        "day", "hour", "sdif", "sdifname",
    ]
    private static let connectionNames = [
        "state", "direction", "status", "mark", "secmark", "expiration", "helper", "l3proto", "saddr", "daddr",
        "protocol", "proto-src", "proto-dst", "label", "packets", "bytes", "avgpkt", "zone", "event", "saddr", "daddr",
        "saddr", "daddr", "id",
    ]
    private static let protocolNames: [UInt8: String] = [
        1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp", 132: "sctp",
        136: "udplite",
    ]
    private static let icmpTypes: [String: [UInt8: String]] = [
        "icmp": [0: "echo-reply", 3: "destination-unreachable", 8: "echo-request", 11: "time-exceeded"],
        "icmpv6": [
            1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 128: "echo-request",
            129: "echo-reply", 133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit",
            136: "nd-neighbor-advert",
        ],
    ]
    /// The bits of NFT_CT_STATE.
    private static let states: [(UInt32, String)] = [
        (1, "invalid"), (2, "established"), (4, "related"), (8, "new"), (64, "untracked"),
    ]

    /// The bits of TCP's flags.
    private static let flagNames: [(UInt8, String)] = [
        (1, "fin"), (2, "syn"), (4, "rst"), (8, "psh"), (16, "ack"), (32, "urg"), (64, "ecn"), (128, "cwr"),
    ]

    static func metaName(_ key: UInt32) -> String {
        guard key < metaNames.count else { return "meta \(key)" }
        // Those whose keyword nft(8) leaves out.
        return (4...11).contains(key) || key == 21 || key == 22 ? metaNames[Int(key)] : "meta " + metaNames[Int(key)]
    }

    static func connectionName(_ key: UInt32) -> String {
        "ct " + (key < connectionNames.count ? connectionNames[Int(key)] : String(key))
    }

    static func meta(_ key: UInt32) -> Subject {
        let (kind, length): (Subject.Kind, Int) =
            switch key {
            case FilterKey.metaMark: (.mark, 4)
            case FilterKey.inputIndex, FilterKey.outputIndex: (.index, 4)
            case FilterKey.inputName, FilterKey.outputName: (.link, 16)
            case FilterKey.networkProtocol: (.network, 1)
            case FilterKey.transportProtocol: (.protocolNumber, 1)
            default: (.other, 4)
            }
        return Subject(text: metaName(key), kind: kind, length: length)
    }

    func payload(_ header: FilterExpression.Header, _ offset: Int, _ length: Int) -> Subject {
        switch (header, network, offset) {
        case (.network, .ipv4, 12): return address("ip saddr", .ipv4, length)
        case (.network, .ipv4, 16): return address("ip daddr", .ipv4, length)
        case (.network, .ipv4, 9):
            return Subject(text: "ip protocol", kind: .protocolNumber, length: 1, implies: .network)
        case (.network, .ipv6, 8): return address("ip6 saddr", .ipv6, length)
        case (.network, .ipv6, 24): return address("ip6 daddr", .ipv6, length)
        case (.network, .ipv6, 6):
            return Subject(text: "ip6 nexthdr", kind: .protocolNumber, length: 1, implies: .network)
        case (.transport, _, 0) where isICMP && length == 1:
            return Subject(text: icmpName + " type", kind: .icmpType, length: 1, implies: .transport)
        case (.transport, _, 0) where length == 2 && !isICMP:
            return Subject(text: transportName + " sport", kind: .port, length: 2, implies: .transport)
        case (.transport, _, 2) where length == 2 && !isICMP:
            return Subject(text: transportName + " dport", kind: .port, length: 2, implies: .transport)
        case (.transport, _, 13) where transport == 6:
            return Subject(text: "tcp flags", kind: .flags, length: 1, implies: .transport)
        default:
            let base =
                switch header {
                case .link: "ll"
                case .network: "nh"
                case .transport: "th"
                }
            return Subject(text: "@\(base),\(offset * 8),\(length * 8)", kind: .other, length: length)
        }
    }

    private func address(_ text: String, _ family: IPFamily, _ length: Int) -> Subject {
        Subject(text: text, kind: .address(family), length: length, implies: .network)
    }

    private var isICMP: Bool { transport == 1 || transport == 58 }
    private var icmpName: String { transport == 1 ? "icmp" : "icmpv6" }
    private var transportName: String { transport.flatMap { Self.protocolNames[$0] } ?? "th" }

    /// A value as it is written beside its subject.
    static func value(_ bytes: [UInt8], _ subject: Subject) -> String {
        switch subject.kind {
        case .address(let family):
            let length = family == .ipv4 ? 4 : 16
            let padded = Array((bytes + [UInt8](repeating: 0, count: length)).prefix(length))
            guard let address = unsafe IPAddress(padded.span.bytes) else { break }
            // A prefix is a mask, or a comparison of the first bytes alone.
            let prefix = subject.mask.map(prefixLength) ?? (bytes.count < length ? bytes.count * 8 : nil)
            return address.description + (prefix.map { "/\($0)" } ?? "")
        case .port: return number(bytes)
        case .link:
            let name = PrintableText.string(Array(bytes.prefix { $0 != 0 }))
            // Fewer bytes than a name's have no end: whatever begins so.
            return "\"" + name + (bytes.count < 16 && !bytes.contains(0) ? "*" : "") + "\""
        case .index: return String(hostOrder(bytes))
        case .protocolNumber: return bytes.first.map { protocolNames[$0] ?? String($0) } ?? "0"
        case .network: return bytes.first.flatMap(IPFamily.init(rawValue:)).map { "\($0.name)" } ?? hexadecimal(bytes)
        case .icmpType:
            let names = icmpTypes[String(subject.text.prefix { $0 != " " })]
            return bytes.first.map { names?[$0] ?? String($0) } ?? "0"
        case .state:
            let set = hostOrder(bytes)
            let names = states.filter { set & $0.0 != 0 }.map(\.1)
            return names.isEmpty ? "0x" + String(set, radix: 16) : names.joined(separator: ",")
        case .mark: return "0x" + padded(hostOrder(bytes))
        case .flags:
            let names = flagNames.filter { (bytes.first ?? 0) & $0.0 != 0 }.map(\.1)
            return names.isEmpty ? "0x" + hexadecimal(bytes) : names.joined(separator: ",")
        case .other: break
        }
        return "0x" + hexadecimal(bytes)
    }

    /// The mask of a subject that is not written as a prefix.
    static func maskText(_ subject: Subject) -> String {
        guard let mask = subject.mask else { return "" }
        if case .address = subject.kind, prefixLength(mask) != nil { return "" }
        switch subject.kind {
        case .mark, .index, .state: return " & 0x" + padded(hostOrder(mask))
        default: return " & 0x" + hexadecimal(mask)
        }
    }

    /// How many bits a mask begins with, when no other is set.
    private static func prefixLength(_ mask: [UInt8]) -> Int? {
        var length = 0
        for byte in mask {
            let ones = (~byte).leadingZeroBitCount
            guard byte.nonzeroBitCount == ones, ones == 0 || length % 8 == 0 else { return nil }
            length += ones
        }
        return length
    }

    private static func number(_ bytes: [UInt8]) -> String {
        String(bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Eight digits, as nft(8) writes marks.
    private static func padded(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func hostOrder(_ bytes: [UInt8]) -> UInt32 {
        bytes.count >= 4 ? unsafe bytes.span.bytes.load(UInt32.self, at: 0) : UInt32(bytes.first ?? 0)
    }

    /// Two digits a byte, of at most 16 bytes.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            + (bytes.count > 16 ? "..." : "")
    }

    static func text(_ jump: FilterJump) -> String {
        switch jump {
        case .accept: "accept"
        case .drop: "drop"
        case .continue: "continue"
        case .return: "return"
        case .jump(let chain): "jump " + chain
        case .goto(let chain): "goto " + chain
        case .other(let code): code & 0xFF == 3 ? "queue" : "verdict \(code)"
        }
    }
}
