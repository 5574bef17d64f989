/// A file of /proc/net with counters of protocols.
public enum MIBFile: String, CaseIterable, Sendable {
    /// IPv4, ICMP, TCP, UDP; pairs of lines.
    case snmp
    /// IPv6, ICMPv6, UDP over IPv6; a line for each.
    case snmp6
    /// What the standard MIBs do not have: TcpExt, IpExt, MPTcpExt; pairs of lines.
    case netstat
}

/// The groups of counters, by the kernel's names.
public enum MIBGroup: String, CaseIterable, Sendable {
    case icmp = "Icmp"
    case icmp6 = "Icmp6"
    case ip = "Ip"
    case ip6 = "Ip6"
    case ipExt = "IpExt"
    case mptcpExt = "MPTcpExt"
    case tcp = "Tcp"
    case tcpExt = "TcpExt"
    case udp = "Udp"
    case udp6 = "Udp6"
    case udpLite = "UdpLite"
    case udpLite6 = "UdpLite6"

    /// Where the kernel prints it.
    public var file: MIBFile {
        switch self {
        case .icmp, .ip, .tcp, .udp, .udpLite: .snmp
        case .icmp6, .ip6, .udp6, .udpLite6: .snmp6
        case .ipExt, .mptcpExt, .tcpExt: .netstat
        }
    }
}

/// One counter or gauge of a protocol, by the kernel's names. Source: net/ipv4/proc.c, net/ipv6/proc.c, net/mptcp/mib.c.
public struct MIBField: Hashable, Sendable, CustomStringConvertible {
    /// The group.
    public let group: MIBGroup
    /// The name within the group: `RetransSegs`.
    public let name: String

    /// A field of a group.
    public init(_ group: MIBGroup, _ name: String) {
        self.group = group
        self.name = name
    }

    /// A field from the form below; nil when there is no such group or no name.
    public init?(_ text: String) {
        guard let separator = text.firstIndex(of: "_"), let group = MIBGroup(rawValue: String(text[..<separator])),
            text.index(after: separator) < text.endIndex
        else { return nil }
        self.init(group, String(text[text.index(after: separator)...]))
    }

    /// `Tcp_RetransSegs`: as node_exporter names it.
    public var description: String { "\(group.rawValue)_\(name)" }
}

/// Which fields are read, and so which files.
public struct MIBSelection: Sendable, Equatable {
    /// The fields; a position in them is where a value is found.
    public let fields: [MIBField]
    /// The files that have them.
    public let files: [MIBFile]

    /// These fields, each of which is there once.
    public init(_ fields: [MIBField]) {
        self.fields = fields
        files = MIBFile.allCases.filter { file in fields.contains { $0.group.file == file } }
    }
}

/// The values of a selection in one namespace; the memory is used again.
public struct MIBReadings: Sendable {
    private var values: [UInt64?] = []

    /// Nothing was read.
    public init() {}

    /// The value of the field at a position of the selection; nil where this kernel or namespace has none.
    public subscript(position: Int) -> UInt64? { position < values.count ? values[position] : nil }

    /// Forgets all values, and makes room for those of a selection.
    public mutating func begin(_ selection: MIBSelection) {
        values.removeAll(keepingCapacity: true)
        for _ in selection.fields { values.append(nil) }
    }

    mutating func set(_ position: Int, _ value: UInt64?) { values[position] = value }
}
