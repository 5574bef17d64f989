extension FilterRule {
    /// The most characters of a rule's text.
    static let maximumText = 300

    /// The rule as `nft list ruleset` writes it, or nearly so: what nft(8) has a word for that is not known here is
    /// written with the expression's own name. At most 300 characters. Source: nft(8).
    public func text(sets: [FilterSet.ID: FilterSet]) -> String {
        var writer = FilterText(rule: self, sets: sets)
        for expression in expressions { writer.add(expression) }
        let text = writer.words.map(\.text).joined(separator: " ")
        return text.count <= Self.maximumText ? text : text.prefix(Self.maximumText - 4) + " ..."
    }
}

extension FilterExpression {
    /// The word of a rule that this is, for messages.
    public var name: String {
        switch self {
        case .payload: "payload"
        case .meta(_, let key): FilterText.metaName(key)
        case .connection(_, let key): FilterText.connectionName(key)
        case .load, .verdict: "immediate"
        case .compare: "cmp"
        case .range: "range"
        case .bitwise: "bitwise"
        case .byteOrder: "byteorder"
        case .lookup(let set, _, _): "lookup @\(set)"
        case .map(let set, _, _): "map @\(set)"
        case .reject: "reject"
        case .match(let name, _, _): "match \(name)"
        case .translate(let name), .passOver(let name), .mayMatch(let name), .opaque(let name), .unknown(let name): name
        }
    }
}

/// Writes a rule: what is in a register is remembered by its name, and written when it is compared.
struct FilterText {
    /// What a register holds, for a reader.
    struct Subject {
        enum Kind: Equatable {
            case address(IPFamily)
            case port, link, index, protocolNumber, network, state, icmpType, flags, mark, other
        }
        var text: String
        var kind: Kind
        var length: Int
        var mask: [UInt8]?
        /// What it says of the packet by itself, so that nft(8) leaves out the comparison before it.
        var implies = Implication.nothing
    }

    /// The comparisons that nft(8) adds by itself and does not show.
    enum Implication { case nothing, network, transport }

    struct Word {
        var text: String
        var isLeftOutBefore = Implication.nothing
        /// The subject of a lower bound, which an upper one makes an interval.
        var lowerBound: (subject: String, value: String)?
    }

    private(set) var words: [Word] = []
    private let rule: FilterRule
    private let sets: [FilterSet.ID: FilterSet]
    private var subjects: [Int: Subject] = [:]
    /// What comparisons before have said of the packet.
    private(set) var network: IPFamily?
    private(set) var transport: UInt8?

    init(rule: FilterRule, sets: [FilterSet.ID: FilterSet]) {
        self.rule = rule
        self.sets = sets
        network = IPFamily(rawValue: rule.chain.family.rawValue)
    }

    mutating func add(_ expression: FilterExpression) {
        // A rule may have as many as the kernel allows, its text not.
        guard words.count < 64 else { return }
        switch expression {
        case .payload(let register, let header, let offset, let length):
            subjects[register] = payload(header, offset, length)
        case .meta(let register, let key): subjects[register] = Self.meta(key)
        case .connection(let register, let key):
            subjects[register] = Subject(text: Self.connectionName(key), kind: key == 0 ? .state : .mark, length: 4)
        case .load(let register, let bytes):
            subjects[register] = Subject(text: "0x" + Self.hexadecimal(bytes), kind: .other, length: bytes.count)
        case .bitwise(let from, let to, let mask, let xor):
            subjects[to] = subjects[from]
            subjects[to]?.mask = mask
            if xor.contains(where: { $0 != 0 }) { subjects[to]?.text += " ^ 0x" + Self.hexadecimal(xor) }
        case .byteOrder(let from, let to, _, _): subjects[to] = subjects[from]
        case .compare(let register, let comparison, let bytes): compare(subjects[register], comparison, bytes)
        case .range(let register, let isInverted, let first, let last):
            guard let subject = begin(subjects[register]) else { break }
            let interval = Self.value(first, subject) + "-" + Self.value(last, subject)
            words.append(Word(text: subject.text + (isInverted ? " != " : " ") + interval))
        case .lookup(let set, let register, let isInverted):
            let names = concatenation(register, set)
            words.append(Word(text: names + (isInverted ? " != " : " ") + self.set(set, register)))
        case .map(let set, let register, let into):
            let names = concatenation(register, set)
            let text = names + (into == nil ? " vmap " : " map ") + self.set(set, register)
            if let into { subjects[into] = Subject(text: text, kind: .other, length: 16) }
            if into == nil { words.append(Word(text: text)) }
        case .verdict(let jump): words.append(Word(text: Self.text(jump)))
        case .match(let name, _, _): words.append(Word(text: "xt match \"\(name)\""))
        case .opaque(let name):
            subjects = [:]
            words.append(Word(text: name))
        case .translate("masq"): words.append(Word(text: "masquerade"))
        case .translate("redir"): words.append(Word(text: "redirect"))
        case .reject, .translate, .passOver, .mayMatch, .unknown: words.append(Word(text: expression.name))
        }
    }

    /// Leaves out the comparison that the subject implies; nil, and a word, when a register holds nobody knows what.
    private mutating func begin(_ subject: Subject?) -> Subject? {
        guard let subject else {
            words.append(Word(text: "..."))
            return nil
        }
        leaveOut(subject.implies)
        return subject
    }

    private mutating func leaveOut(_ implied: Implication) {
        if case .nothing = implied { return }
        if case .transport = words.last?.isLeftOutBefore, case .transport = implied { words.removeLast() }
        if case .network = words.last?.isLeftOutBefore { words.removeLast() }
    }

    private mutating func compare(_ subject: Subject?, _ comparison: FilterExpression.Comparison, _ bytes: [UInt8]) {
        guard let subject = begin(subject) else { return }
        var word = Word(text: "")
        switch (subject.kind, comparison) {
        case (.network, .equal):
            network = bytes.first.flatMap(IPFamily.init(rawValue:))
            word.isLeftOutBefore = .network
        case (.protocolNumber, .equal):
            transport = bytes.first
            word.isLeftOutBefore = .transport
        default: break
        }
        if let mask = subject.mask, subject.kind == .state || subject.kind == .flags {
            // `ct state new,established` is a mask and a comparison with 0.
            if comparison == .notEqual, !bytes.contains(where: { $0 != 0 }) {
                words.append(Word(text: subject.text + " " + Self.value(mask, subject)))
                return
            }
            if subject.kind == .flags {
                let sign = comparison == .equal ? " " : " != "
                let text = subject.text + sign + Self.value(bytes, subject) + " / " + Self.value(mask, subject)
                words.append(Word(text: text))
                return
            }
        }
        let value = Self.value(bytes, subject)
        if comparison == .lessOrEqual, let lower = words.last?.lowerBound, lower.subject == subject.text {
            words[words.count - 1] = Word(text: "\(subject.text) \(lower.value)-\(value)")
            return
        }
        let sign =
            switch comparison {
            case .equal: " "
            case .notEqual: " != "
            case .less: " < "
            case .lessOrEqual: " <= "
            case .greater: " > "
            case .greaterOrEqual: " >= "
            }
        let mask = Self.maskText(subject)
        word.text = subject.text + mask + (mask.isEmpty || comparison != .equal ? "" : " ==") + sign + value
        if comparison == .greaterOrEqual { word.lowerBound = (subject.text, value) }
        words.append(word)
    }

    /// The subjects side by side that a set's key is made of.
    private mutating func concatenation(_ register: Int, _ name: String) -> String {
        let length = sets[id(name)]?.keyLength ?? 0
        var names: [String] = []
        var position = register
        repeat {
            guard let subject = subjects[position] else {
                names.append("...")
                break
            }
            leaveOut(subject.implies)
            names.append(subject.text + Self.maskText(subject))
            position += (max(subject.length, 1) + 3) & ~3
        } while position < register + length
        return names.joined(separator: " . ")
    }

    private func id(_ name: String) -> FilterSet.ID {
        FilterSet.ID(family: rule.chain.family, table: rule.chain.table, name: name)
    }

    /// `@NAME`, or the elements of a set that has no name of its own.
    private func set(_ name: String, _ register: Int) -> String {
        guard let set = sets[id(name)], set.isAnonymous else { return "@" + name }
        guard let elements = set.elements, let subject = subjects[register], set.fields.count < 2,
            subject.length >= set.keyLength
        else { return "{ ... }" }
        var shown: [(key: String, decision: String)] = []
        for element in elements.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if element.endsInterval {
                guard let first = shown.last?.key, let before = Self.before(element.key) else { continue }
                let last = Self.value(before, subject)
                if first != last { shown[shown.count - 1].key = first + "-" + last }
                continue
            }
            guard shown.count < 8 else {
                shown.append(("...", ""))
                break
            }
            let key = element.catchesAll ? "*" : Self.value(element.key, subject)
            if case .verdict(let jump) = element.data {
                shown.append((key, " : " + Self.text(jump)))
            } else {
                shown.append((key, ""))
            }
        }
        return "{ " + shown.map { $0.key + $0.decision }.joined(separator: ", ") + " }"
    }

    /// The number below.
    private static func before(_ key: [UInt8]) -> [UInt8]? {
        var key = key
        for position in key.indices.reversed() {
            key[position] &-= 1
            if key[position] != .max { return key }
        }
        return nil
    }
}
