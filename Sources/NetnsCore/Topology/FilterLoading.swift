/// The keys of `meta` and `ct` that a packet that does not exist can answer to, NFT_META_* and NFT_CT_*; held against the
/// header by a test.
package enum FilterKey {
    package static let metaProtocol: UInt32 = 1
    package static let metaMark: UInt32 = 3
    package static let inputIndex: UInt32 = 4
    package static let outputIndex: UInt32 = 5
    package static let inputName: UInt32 = 6
    package static let outputName: UInt32 = 7
    package static let networkProtocol: UInt32 = 15
    package static let transportProtocol: UInt32 = 16
    package static let connectionState: UInt32 = 0
    package static let connectionDirection: UInt32 = 1
    package static let connectionMark: UInt32 = 3
}

extension FilterPacket {
    /// What NFT_CT_STATE has for it, NF_CT_STATE_BIT().
    var stateBits: UInt32 { state == .new ? 8 : 2 }

    /// What NFT_META_* has for it at a hook; bytes that are not known are nil.
    func meta(_ key: UInt32, at hook: FilterHook) -> [UInt8?] {
        switch key {
        case FilterKey.metaProtocol: family == .ipv4 ? [0x08, 0x00] : [0x86, 0xDD]
        case FilterKey.inputIndex: index(of: input, isThere: hook.hasInput)
        case FilterKey.outputIndex: index(of: output, isThere: hook.hasOutput)
        case FilterKey.inputName: name(of: input, isThere: hook.hasInput)
        case FilterKey.outputName: name(of: output, isThere: hook.hasOutput)
        // NFPROTO_IPV4 and NFPROTO_IPV6 are AF_INET and AF_INET6.
        case FilterKey.networkProtocol: [family.rawValue]
        case FilterKey.transportProtocol: [protocolNumber]
        default: [UInt8?](repeating: nil, count: 16)
        }
    }

    /// Where there is no device the index is 0 and the name is empty: nft_meta_get_eval_ifindex().
    private func index(of interface: Interface?, isThere: Bool) -> [UInt8?] {
        guard let interface else { return [UInt8?](repeating: isThere ? nil : 0, count: 4) }
        return Self.hostOrder(UInt32(bitPattern: interface.index))
    }

    private func name(of interface: Interface?, isThere: Bool) -> [UInt8?] {
        guard let interface else { return [UInt8?](repeating: isThere ? nil : 0, count: 16) }
        return (0..<16).map { $0 < interface.name.count ? interface.name[$0] : 0 }
    }

    /// What NFT_CT_* has for it.
    func connection(_ key: UInt32) -> [UInt8?] {
        switch key {
        case FilterKey.connectionState: Self.hostOrder(stateBits)
        case FilterKey.connectionDirection where state == .new: [0]
        default: [UInt8?](repeating: nil, count: 16)
        }
    }

    private static func hostOrder(_ number: UInt32) -> [UInt8?] {
        var bytes: [UInt8?] = []
        var number = number.littleEndian
        for _ in 0..<4 {
            bytes.append(UInt8(truncatingIfNeeded: number))
            number >>= 8
        }
        return bytes
    }

    /// Bytes of its headers; those that are not known are nil.
    func payload(_ header: FilterExpression.Header, _ offset: Int, _ length: Int) -> [UInt8?] {
        (offset..<offset + length).map { position in
            switch header {
            case .link: nil
            case .network: networkByte(position)
            case .transport: transportByte(position)
            }
        }
    }

    private func networkByte(_ position: Int) -> UInt8? {
        switch (family, position) {
        case (.ipv4, 9), (.ipv6, 6): protocolNumber
        case (.ipv4, 12..<16): source.octets[safe: position - 12]
        case (.ipv4, 16..<20): destination.octets[safe: position - 16]
        case (.ipv6, 8..<24): source.octets[safe: position - 8]
        case (.ipv6, 24..<40): destination.octets[safe: position - 24]
        default: nil
        }
    }

    private func transportByte(_ position: Int) -> UInt8? {
        switch protocolNumber {
        // ICMP and ICMPv6: type and code.
        case 1, 58:
            if position == 0 { return icmpType }
            return position == 1 && icmpType != nil ? 0 : nil
        // TCP, UDP, DCCP, SCTP, UDP-Lite: the second number is the destination's port.
        case 6, 17, 33, 132, 136:
            if position == 2 { return destinationPort.map { UInt8($0 >> 8) } }
            if position == 3 { return destinationPort.map { UInt8($0 & 0xFF) } }
            // The flags of TCP.
            return position == 13 && protocolNumber == 6 && state == .new ? 0x02 : nil
        default: return nil
        }
    }
}

extension FilterHook {
    fileprivate var hasInput: Bool { self != .output }
    fileprivate var hasOutput: Bool { self != .input && self != .prerouting }
}

extension [UInt8] {
    fileprivate subscript(safe index: Int) -> UInt8? { indices.contains(index) ? self[index] : nil }
}
