/// What the bytes of a sysctl mean when two of its values are compared. White space around and between elements never
/// means anything.
public enum SysctlInterpretation: Hashable, Sendable {
    /// Elements in order: equal when there are as many, and each is the same number or the same text.
    case elements
    /// As `elements`, but no element is a number: a bitmap `10` is not `0x10`.
    case text
    /// Ports and ranges of ports in any order: `1-3,5` is `5,1,2,3`.
    case ports
    /// Words in any order.
    case words

    /// How the values of a sysctl are compared.
    public init(_ name: SysctlName) {
        self = Self.sets[name.dotted] ?? (BuiltinSysctls.text.contains(name.dotted) ? .text : .elements)
    }

    /// The sysctls whose value is a set. Source: proc_do_large_bitmap() for the ports, tcp_set_allowed_congestion_control()
    /// and its like for the words.
    private static let sets: [String: SysctlInterpretation] = [
        "net.ipv4.ip_local_reserved_ports": .ports,
        "net.ipv4.tcp_allowed_congestion_control": .words,
        "net.ipv4.tcp_available_congestion_control": .words,
        "net.ipv4.tcp_available_ulp": .words,
    ]
}
