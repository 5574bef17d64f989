/// Decoding of NFT_MSG_NEW*: `struct nfgenmsg`, then attributes; numbers of them are in network order.
/// Source: net/netfilter/nf_tables_api.c nf_tables_fill_*_info().
extension FilterTable {
    /// The number of the ruleset that a message is of, its lowest 16 bits: nfgenmsg.res_id. Dumps that have the same
    /// one fit together.
    public static func generation(_ payload: borrowing RawSpan) throws(NetlinkDecodingError) -> UInt16 {
        guard payload.byteCount >= NftConstant.headerLength else {
            throw .tooShort(type: NftConstant.subsystem, length: payload.byteCount)
        }
        return UInt16(bigEndian: payload.load(UInt16.self, at: 2))
    }

    /// Adds what a message of any of the dumps says; one of a family nobody knows is passed over.
    public mutating func add(
        decoding payload: borrowing RawSpan, type: UInt16
    ) throws(NetlinkDecodingError) {
        guard payload.byteCount >= NftConstant.headerLength else {
            throw .tooShort(type: type, length: payload.byteCount)
        }
        guard let family = FilterFamily(rawValue: payload.loadByte(at: 0)) else { return }
        let attributes = payload.extracting(NftConstant.headerLength..<payload.byteCount)
        switch type {
        case NftConstant.newTable: try addTable(attributes, family)
        case NftConstant.newChain: try addChain(attributes, family)
        case NftConstant.newRule: try addRule(attributes, family)
        case NftConstant.newSet: try addSet(attributes, family)
        case NftConstant.newElement: try addElements(attributes, family)
        default: break
        }
    }

    private mutating func addTable(
        _ attributes: borrowing RawSpan, _ family: FilterFamily
    ) throws(NetlinkDecodingError) {
        var name: String?
        var flags: UInt32 = 0
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.tableName: name = value.name
            case NftConstant.tableFlags: flags = value.number ?? 0
            default: break
            }
        }
        if let name, flags & NftConstant.dormant != 0 { dormantTables.insert(ID(family: family, name: name)) }
    }

    private mutating func addChain(
        _ attributes: borrowing RawSpan, _ family: FilterFamily
    ) throws(NetlinkDecodingError) {
        var id = FilterChain.ID(family: family, table: "", name: "")
        var base = FilterChain.Base(hook: 0, priority: 0, type: "", drops: false)
        var isBase = false
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.chainTable: id.table = value.name
            case NftConstant.chainName: id.name = value.name
            case NftConstant.chainType: base.type = value.name
            // NF_DROP is 0, NF_ACCEPT 1.
            case NftConstant.chainPolicy: base.drops = value.number == 0
            case NftConstant.chainHook:
                isBase = true
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                    switch type {
                    case NftConstant.hookNumber: base.hook = value.number ?? .max
                    case NftConstant.hookPriority: base.priority = Int32(bitPattern: value.number ?? 0)
                    default: break
                    }
                }
            default: break
            }
        }
        chains.append(FilterChain(id: id, base: isBase ? base : nil))
    }

    private mutating func addRule(
        _ attributes: borrowing RawSpan, _ family: FilterFamily
    ) throws(NetlinkDecodingError) {
        var rule = FilterRule(
            chain: FilterChain.ID(family: family, table: "", name: ""), handle: 0, expressions: [])
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.ruleTable: rule.chain.table = value.name
            case NftConstant.ruleChain: rule.chain.name = value.name
            case NftConstant.ruleHandle where value.byteCount >= 8:
                rule.handle = UInt64(bigEndian: value.load(UInt64.self, at: 0))
            case NftConstant.ruleExpressions: rule.expressions = try FilterExpression.list(value)
            default: break
            }
        }
        rules[rule.chain, default: []].append(rule)
    }

    private mutating func addSet(
        _ attributes: borrowing RawSpan, _ family: FilterFamily
    ) throws(NetlinkDecodingError) {
        var set = FilterSet(id: FilterSet.ID(family: family, table: "", name: ""), keyLength: 0)
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.setTable: set.id.table = value.name
            case NftConstant.setName: set.id.name = value.name
            case NftConstant.setFlags:
                let flags = value.number ?? 0
                set.isAnonymous = flags & NftConstant.setAnonymous != 0
                set.hasIntervals = flags & NftConstant.setInterval != 0
                set.isMap = flags & (NftConstant.setMap | NftConstant.setObject) != 0
            // NFT_DATA_VALUE_MAXLEN is 64.
            case NftConstant.setKeyLength: set.keyLength = min(Int(value.number ?? 0), 64)
            case NftConstant.setDescription:
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                    if type == NftConstant.setDescriptionFields { set.fields = try Self.fields(value) }
                }
            default: break
            }
        }
        sets[set.id] = set
    }

    private static func fields(_ list: borrowing RawSpan) throws(NetlinkDecodingError) -> [Int] {
        var fields: [Int] = []
        try NetlinkDecoding.forEachAttribute(in: list, from: 0) { (_, value) throws(NetlinkDecodingError) in
            try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                // NFT_REG32_COUNT is 16.
                if type == NftConstant.setFieldLength, fields.count < 16 {
                    fields.append(min(Int(value.number ?? 0), 64))
                }
            }
        }
        return fields
    }

    private mutating func addElements(
        _ attributes: borrowing RawSpan, _ family: FilterFamily
    ) throws(NetlinkDecodingError) {
        var id = FilterSet.ID(family: family, table: "", name: "")
        var elements: [FilterSet.Element] = []
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.elementsTable: id.table = value.name
            case NftConstant.elementsSet: id.name = value.name
            case NftConstant.elements:
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (_, value) throws(NetlinkDecodingError) in
                    elements.append(try FilterSet.Element(decoding: value))
                }
            default: break
            }
        }
        guard let index = sets.index(forKey: id) else { return }
        if sets.values[index].elements == nil {
            sets.values[index].elements = elements
        } else {
            sets.values[index].elements?.append(contentsOf: elements)
        }
    }
}

extension FilterSet.Element {
    fileprivate init(decoding attributes: borrowing RawSpan) throws(NetlinkDecodingError) {
        var element = FilterSet.Element(key: [])
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.elementKey:
                if case .value(let key) = try FilterData(decoding: value) { element.key = key }
            case NftConstant.elementKeyEnd:
                if case .value(let key) = try FilterData(decoding: value) { element.lastKey = key }
            case NftConstant.elementData: element.data = try FilterData(decoding: value)
            case NftConstant.elementFlags:
                element.endsInterval = (value.number ?? 0) & NftConstant.elementIntervalEnd != 0
                element.catchesAll = (value.number ?? 0) & NftConstant.elementCatchAll != 0
            case NftConstant.elementExpression:
                if case .passOver = try FilterExpression(decoding: value) { break }
                element.isConditional = true
            case NftConstant.elementExpressions:
                for expression in try FilterExpression.list(value) {
                    if case .passOver = expression { continue }
                    element.isConditional = true
                }
            default: break
            }
        }
        self = element
    }
}

extension FilterData {
    /// NFTA_DATA_VALUE or NFTA_DATA_VERDICT; nil of neither.
    init?(decoding attributes: borrowing RawSpan) throws(NetlinkDecodingError) {
        var data: FilterData?
        try NetlinkDecoding.forEachAttribute(in: attributes, from: 0) { (type, value) throws(NetlinkDecodingError) in
            switch type {
            case NftConstant.dataValue: data = .value(value.bytes(0..<min(value.byteCount, 64)))
            case NftConstant.dataVerdict:
                var code: Int32?
                var chain = ""
                try NetlinkDecoding.forEachAttribute(in: value, from: 0) { (type, value) throws(NetlinkDecodingError) in
                    switch type {
                    case NftConstant.verdictCode: code = value.number.map { Int32(bitPattern: $0) }
                    case NftConstant.verdictChain: chain = value.name
                    default: break
                    }
                }
                if let code { data = .verdict(FilterJump(code, chain)) }
            default: break
            }
        }
        guard let data else { return nil }
        self = data
    }
}

extension FilterJump {
    /// NF_* and NFT_*, <linux/netfilter.h> and nf_tables.h.
    init(_ code: Int32, _ chain: String) {
        self =
            switch code {
            case 0: .drop
            case 1: .accept
            case -1, -2: .continue
            case -3: .jump(chain)
            case -4: .goto(chain)
            case -5: .return
            default: .other(code)
            }
    }
}

extension RawSpan {
    /// A number of four bytes in network order; nil of fewer.
    var number: UInt32? { byteCount >= 4 ? UInt32(bigEndian: load(UInt32.self, at: 0)) : nil }

    /// A name up to its zero, in printable form; names of nf_tables have at most 255 bytes.
    var name: String {
        var bytes: [UInt8] = []
        for offset in 0..<min(byteCount, 256) {
            let byte = loadByte(at: offset)
            if byte == 0 { break }
            bytes.append(byte)
        }
        return PrintableText.string(bytes)
    }
}
