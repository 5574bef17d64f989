/// Attributes of RTM_NEWADDR, `enum` in <linux/if_addr.h>; held against the header by a test.
package enum AddressAttribute {
    package static let address: UInt16 = 1
    package static let local: UInt16 = 2
    package static let flags: UInt16 = 8
}

extension InterfaceAddress {
    /// An address from the payload of an RTM_NEWADDR message: `struct ifaddrmsg`, then attributes.
    ///
    /// nil for a family other than IPv4 and IPv6 (a dump of all families has also those of others), and where there is no
    /// address. Source: rtnetlink(7), net/ipv4/devinet.c inet_fill_ifaddr(), net/ipv6/addrconf.c inet6_fill_ifaddr().
    public init?(decoding payload: borrowing RawSpan) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NetlinkConstant.addressHeaderLength else {
            throw .tooShort(type: NetlinkConstant.newAddress, length: payload.byteCount)
        }
        guard let family = IPFamily(rawValue: payload.loadByte(at: 0)) else { return nil }
        var flags = UInt32(payload.loadByte(at: 2))
        var local: IPAddress?
        var other: IPAddress?
        try NetlinkDecoding.forEachAttribute(in: payload, from: NetlinkConstant.addressHeaderLength) {
            (type, value) throws(NetlinkDecodingError) in
            switch type {
            case AddressAttribute.local: local = IPAddress(value)
            case AddressAttribute.address: other = IPAddress(value)
            case AddressAttribute.flags where value.byteCount >= 4: flags = value.load(UInt32.self, at: 0)
            default: break
            }
        }
        guard let address = local ?? other, address.family == family else { return nil }
        self.init(
            address: address, prefixLength: payload.loadByte(at: 1), scope: Scope(rawValue: payload.loadByte(at: 3)),
            flags: Flags(rawValue: flags), link: payload.load(Int32.self, at: 4),
            hasPeer: other != nil && other != address)
    }
}
