/// An address of a link, as RTM_NEWADDR describes it. Source: rtnetlink(7).
public struct InterfaceAddress: Sendable, Hashable {
    /// Flags of an address that say it cannot be used, or not for long.
    public struct Flags: OptionSet, Sendable, Hashable {
        /// IFA_FLAGS as the kernel gave it.
        public let rawValue: UInt32
        /// Any value, also one of a later kernel.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// IFA_F_DADFAILED: duplicate address detection found another host that has it.
        public static let dadFailed = Flags(rawValue: 0x08)
        /// IFA_F_DEPRECATED: its preferred lifetime has ended.
        public static let deprecated = Flags(rawValue: 0x20)
        /// IFA_F_TENTATIVE: duplicate address detection has not ended.
        public static let tentative = Flags(rawValue: 0x40)
    }

    /// How far an address reaches.
    public struct Scope: RawRepresentable, Sendable, Hashable {
        /// ifaddrmsg.ifa_scope, RT_SCOPE_*.
        public let rawValue: UInt8
        /// Any value: those that have no name here may be given one in /etc/iproute2/rt_scopes.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The name as ip(8) writes it; nil where the kernel has none.
        public var name: StaticString? {
            switch rawValue {
            case 0: "global"
            case 200: "site"
            case 253: "link"
            case 254: "host"
            case 255: "nowhere"
            default: nil
            }
        }
    }

    /// The address itself: IFA_LOCAL, which on a point-to-point link is our own end, else IFA_ADDRESS.
    public var address: IPAddress
    /// ifaddrmsg.ifa_prefixlen, bits. On a point-to-point link it is the peer's.
    public var prefixLength: UInt8
    /// ifaddrmsg.ifa_scope
    public var scope: Scope
    /// IFA_FLAGS, or where the kernel gives none the 8 bits of ifaddrmsg.ifa_flags.
    public var flags: Flags
    /// ifaddrmsg.ifa_index: the link it is of.
    public var link: Int32
    /// Whether IFA_ADDRESS is another than its own: that of the other end of a point-to-point link.
    public var hasPeer: Bool
}

extension [InterfaceAddress] {
    /// Leaves one of several that differ only in their peer, which may have one and the same address here.
    ///
    /// Where no address has a peer nothing is done: the kernel refuses to give a link an address twice.
    public mutating func removeRepeated() {
        guard contains(where: \.hasPeer) else { return }
        var seen = Set<InterfaceAddress>(minimumCapacity: count)
        removeAll { address in
            var compared = address
            compared.hasPeer = false
            return !seen.insert(compared).inserted
        }
    }
}
