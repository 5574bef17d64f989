/// Attributes of the expressions, which number them each for itself: NFTA_PAYLOAD_*, NFTA_META_* and so on; held against
/// the header by a test.
package enum NftAttribute {
    package static let payloadTo: UInt16 = 1
    package static let payloadBase: UInt16 = 2
    package static let payloadOffset: UInt16 = 3
    package static let payloadLength: UInt16 = 4
    package static let metaTo: UInt16 = 1
    package static let metaKey: UInt16 = 2
    package static let connectionTo: UInt16 = 1
    package static let connectionKey: UInt16 = 2
    package static let compareFrom: UInt16 = 1
    package static let compareOperator: UInt16 = 2
    package static let compareData: UInt16 = 3
    package static let rangeFrom: UInt16 = 1
    package static let rangeOperator: UInt16 = 2
    package static let rangeFirst: UInt16 = 3
    package static let rangeLast: UInt16 = 4
    package static let bitwiseFrom: UInt16 = 1
    package static let bitwiseTo: UInt16 = 2
    package static let bitwiseMask: UInt16 = 4
    package static let bitwiseXor: UInt16 = 5
    package static let bitwiseOperator: UInt16 = 6
    package static let byteOrderFrom: UInt16 = 1
    package static let byteOrderTo: UInt16 = 2
    package static let byteOrderLength: UInt16 = 4
    package static let byteOrderSize: UInt16 = 5
    package static let lookupSet: UInt16 = 1
    package static let lookupFrom: UInt16 = 2
    package static let lookupTo: UInt16 = 3
    package static let lookupFlags: UInt16 = 5
    package static let immediateTo: UInt16 = 1
    package static let immediateData: UInt16 = 2
    package static let extensionName: UInt16 = 1
    package static let extensionRevision: UInt16 = 2
    package static let extensionInfo: UInt16 = 3
    package static let objectType: UInt16 = 1
}

extension FilterExpression {
    /// NFTA_LIST_ELEM, each an expression. The kernel allows 128 in a rule.
    static func list(_ attributes: borrowing RawSpan) throws(NetlinkDecodingError) -> [FilterExpression] {
        var list: [FilterExpression] = []
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            if type == NftConstant.listElement { list.append(try FilterExpression(decoding: value)) }
        }
        return list
    }

    /// An expression by its name; one that lacks what it must have is `unknown`.
    init(decoding attributes: borrowing RawSpan) throws(NetlinkDecodingError) {
        var name = ""
        var fields = Fields()
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.expressionName: name = value.name
            case NftConstant.expressionData:
                fields = try Fields(decoding: value)
            default: break
            }
        }
        self = try fields.expression(name)
    }

    /// The attributes of an expression, as bytes: there are few, and each has one.
    private struct Fields {
        private var values: [UInt16: [UInt8]] = [:]

        init() {}

        init(decoding attributes: borrowing RawSpan) throws(NetlinkDecodingError) {
            var values: [UInt16: [UInt8]] = [:]
            try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) {
                (type, value) throws(NetlinkDecodingError) in
                values[type] = value.bytes(0..<value.byteCount)
            }
            self.values = values
        }

        func has(_ type: UInt16) -> Bool { values[type] != nil }

        func bytes(_ type: UInt16) -> [UInt8] { values[type] ?? [] }

        func number(_ type: UInt16) -> UInt32? { unsafe bytes(type).span.bytes.number }

        func name(_ type: UInt16) -> String { unsafe bytes(type).span.bytes.name }

        /// Where a register is among the kernel's bytes; nil of one there is none of: nft_parse_register().
        func register(_ type: UInt16) -> Int? {
            guard let number = number(type) else { return nil }
            switch number {
            // NFT_REG_1 to 4, of 16 bytes each; NFT_REG_VERDICT is 0.
            case 0...4: return Int(number) * 16
            // NFT_REG32_00 to 15
            case 8..<24: return 16 + Int(number - 8) * 4
            default: return nil
            }
        }

        func data(_ type: UInt16) throws(NetlinkDecodingError) -> FilterData? {
            try unsafe FilterData(decoding: bytes(type).span.bytes)
        }

        func value(_ type: UInt16) throws(NetlinkDecodingError) -> [UInt8]? {
            guard case .value(let bytes) = try data(type) else { return nil }
            return bytes
        }

        func expression(_ name: String) throws(NetlinkDecodingError) -> FilterExpression {
            switch name {
            case "payload", "meta", "ct": load(name)
            case "cmp": try compare()
            case "range": try range()
            case "bitwise": try bitwise()
            case "byteorder": byteOrder()
            case "lookup": lookup()
            case "immediate": try immediate()
            case "match", "target": extensionOf(name)
            case "reject": .reject
            case "masq", "nat", "redir": .translate(name)
            // Statements of what is done beside: none ends the rule.
            case "counter", "log", "notrack", "flow_offload", "dup", "last": .passOver(name)
            case "limit", "quota", "connlimit", "dynset": .mayMatch(name)
            case "fib", "rt", "socket", "numgen", "hash", "exthdr", "osf", "xfrm", "tunnel", "inner": .opaque(name)
            // NFT_OBJECT_COUNTER, NFT_OBJECT_CT_HELPER, _CT_TIMEOUT, _SECMARK, _CT_EXPECT
            case "objref":
                [1, 3, 7, 8, 9].contains(number(NftAttribute.objectType)) ? .passOver(name) : .mayMatch(name)
            default: .unknown(name)
            }
        }

        /// What reads into a register; without one it writes, to the packet or beside it.
        private func load(_ name: String) -> FilterExpression {
            switch name {
            case "payload":
                guard let to = register(NftAttribute.payloadTo) else { return .passOver("payload set") }
                let (offset, length) = (number(NftAttribute.payloadOffset), number(NftAttribute.payloadLength))
                guard let header = number(NftAttribute.payloadBase).flatMap(Header.init(rawValue:)), let offset,
                    let length, offset <= 65535, length <= 64
                else { return .opaque(name) }
                return .payload(register: to, header: header, offset: Int(offset), length: Int(length))
            case "meta":
                guard let to = register(NftAttribute.metaTo) else { return .passOver("meta set") }
                return number(NftAttribute.metaKey).map { .meta(register: to, key: $0) } ?? .opaque(name)
            default:
                guard let to = register(NftAttribute.connectionTo) else { return .passOver("ct set") }
                return number(NftAttribute.connectionKey).map { .connection(register: to, key: $0) } ?? .opaque(name)
            }
        }

        private func compare() throws(NetlinkDecodingError) -> FilterExpression {
            guard let from = register(NftAttribute.compareFrom), let bytes = try value(NftAttribute.compareData),
                let comparison = number(NftAttribute.compareOperator).flatMap(Comparison.init(rawValue:))
            else { return .mayMatch("cmp") }
            return .compare(register: from, comparison, bytes: bytes)
        }

        private func range() throws(NetlinkDecodingError) -> FilterExpression {
            guard let from = register(NftAttribute.rangeFrom), let first = try value(NftAttribute.rangeFirst),
                let last = try value(NftAttribute.rangeLast), first.count == last.count
            else { return .mayMatch("range") }
            let isInverted = number(NftAttribute.rangeOperator) == 1
            return .range(register: from, isInverted: isInverted, from: first, through: last)
        }

        /// NFT_BITWISE_MASK_XOR; shifts and the operations of two registers are of no rule that filters.
        private func bitwise() throws(NetlinkDecodingError) -> FilterExpression {
            guard let from = register(NftAttribute.bitwiseFrom), let to = register(NftAttribute.bitwiseTo),
                number(NftAttribute.bitwiseOperator) ?? 0 == 0, let mask = try value(NftAttribute.bitwiseMask),
                let xor = try value(NftAttribute.bitwiseXor), mask.count == xor.count
            else { return .opaque("bitwise") }
            return .bitwise(from: from, to: to, mask: mask, xor: xor)
        }

        private func byteOrder() -> FilterExpression {
            guard let from = register(NftAttribute.byteOrderFrom), let to = register(NftAttribute.byteOrderTo),
                let length = number(NftAttribute.byteOrderLength), let size = number(NftAttribute.byteOrderSize),
                length <= 64, size >= 1, size <= 8
            else { return .opaque("byteorder") }
            return .byteOrder(from: from, to: to, length: Int(length), size: Int(size))
        }

        private func lookup() -> FilterExpression {
            let set = name(NftAttribute.lookupSet)
            guard let from = register(NftAttribute.lookupFrom) else { return .unknown("lookup") }
            guard has(NftAttribute.lookupTo) else {
                // NFT_LOOKUP_F_INV
                let isInverted = (number(NftAttribute.lookupFlags) ?? 0) & 1 != 0
                return .lookup(set: set, register: from, isInverted: isInverted)
            }
            guard let to = register(NftAttribute.lookupTo) else { return .unknown("lookup") }
            return .map(set: set, register: from, into: to == 0 ? nil : to)
        }

        private func immediate() throws(NetlinkDecodingError) -> FilterExpression {
            switch try data(NftAttribute.immediateData) {
            case .verdict(let jump)?: .verdict(jump)
            case .value(let bytes)?:
                register(NftAttribute.immediateTo).map { .load(register: $0, bytes: bytes) } ?? .unknown("immediate")
            case nil: .unknown("immediate")
            }
        }

        /// A match or target of iptables.
        private func extensionOf(_ kind: String) -> FilterExpression {
            let name = name(NftAttribute.extensionName)
            if kind == "match" {
                let info = Array(bytes(NftAttribute.extensionInfo).prefix(256))
                return .match(name: name, revision: number(NftAttribute.extensionRevision) ?? 0, info: info)
            }
            switch name {
            case "REJECT": return .reject
            case "MASQUERADE", "SNAT", "DNAT", "REDIRECT", "NETMAP": return .translate(name)
            case "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "ECN", "HL", "HMARK", "LED",
                "LOG", "MARK", "NFLOG", "NOTRACK", "RATEEST", "SECMARK", "SET", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS",
                "TRACE", "TTL":
                return .passOver(name)
            default: return .unknown(name)
            }
        }
    }
}
