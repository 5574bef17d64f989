/// One rule and one packet.
struct FilterRun {
    /// What a rule leads to.
    enum Result {
        /// The next rule.
        case next
        case rejects
        case jump(FilterJump)
        /// Nobody knows.
        case anything
    }

    /// One way in which a rule may end, and the expression that had to be guessed for it.
    struct End {
        var result: Result
        var guess: String?
    }

    private let packet: FilterPacket
    private let hook: FilterHook
    private let rule: FilterRule
    private let table: FilterTable
    private var registers = FilterRegisters()
    /// What was loaded into a register, for who asks why it is not known.
    private var loaded: [Int: String] = [:]
    private var ends: [End] = []
    private var guess: String?

    /// All ways in which a rule may end.
    static func ends(
        of rule: FilterRule, _ packet: FilterPacket, _ hook: FilterHook, _ table: FilterTable
    ) -> [End] {
        var run = FilterRun(packet: packet, hook: hook, rule: rule, table: table)
        for expression in rule.expressions where !run.step(expression) { return run.ends }
        run.end(.next)
        return run.ends
    }

    private init(packet: FilterPacket, hook: FilterHook, rule: FilterRule, table: FilterTable) {
        self.packet = packet
        self.hook = hook
        self.rule = rule
        self.table = table
    }

    private mutating func end(_ result: Result) {
        if case .next = result, guess != nil { return }
        ends.append(End(result: result, guess: guess))
    }

    /// Goes on after a match, which may be a guess; false when the rule ends.
    private mutating func goesOn(_ answer: FilterRegisters.Answer, _ name: @autoclosure () -> String) -> Bool {
        switch answer {
        case .yes: return true
        case .no:
            end(.next)
            return false
        case .maybe:
            if guess == nil {
                end(.next)
                guess = name()
            }
            return true
        }
    }

    private mutating func remember(_ expression: FilterExpression) {
        switch expression {
        case .payload(let register, _, _, _), .meta(let register, _), .connection(let register, _):
            loaded[register] = expression.name
        case .bitwise(let from, let to, _, _), .byteOrder(let from, let to, _, _): loaded[to] = loaded[from]
        case .load(let register, _): loaded[register] = nil
        case .opaque: loaded = [:]
        default: break
        }
    }

    /// Runs an expression; false when the rule ends with it.
    private mutating func step(_ expression: FilterExpression) -> Bool {
        remember(expression)
        switch expression {
        case .payload(let register, let header, let offset, let length):
            registers.write(register, packet.payload(header, offset, length))
        case .meta(let register, let key): registers.write(register, packet.meta(key, at: hook))
        case .connection(let register, let key): registers.write(register, packet.connection(key))
        case .load(let register, let bytes): registers.write(register, bytes)
        case .bitwise(let from, let to, let mask, let xor):
            registers.write(to, Self.bitwise(registers.read(from, mask.count), mask, xor))
        case .byteOrder(let from, let to, let length, let size):
            registers.write(to, Self.turned(registers.read(from, length), size))
        case .compare(let register, let comparison, let bytes):
            let value = registers.read(register, bytes.count)
            let name = loaded[register] ?? expression.name
            return goesOn(FilterRegisters.compare(value, bytes, comparison), name)
        case .range(let register, let isInverted, let first, let last):
            let isWithin = FilterRegisters.isWithin(registers.read(register, first.count), first, last)
            let name = loaded[register] ?? expression.name
            return goesOn(isInverted ? isWithin.inverted : isWithin, name)
        case .lookup(let set, let register, let isInverted):
            let answer = lookup(set, register).answer
            return goesOn(isInverted ? answer.inverted : answer, "lookup @\(set)")
        case .map(let set, let register, let into): return map(set, register, into)
        case .match(let name, let revision, let info):
            return goesOn(FilterMatch.answer(name, revision, info, packet), expression.name)
        case .mayMatch: return goesOn(.maybe, expression.name)
        case .opaque:
            registers.forget()
            return goesOn(.maybe, expression.name)
        case .passOver: break
        case .reject:
            end(.rejects)
            return false
        case .translate:
            end(.jump(.accept))
            return false
        case .verdict(let jump): return decide(jump)
        case .unknown:
            guess = guess ?? expression.name
            end(.anything)
            return false
        }
        return true
    }

    private mutating func decide(_ jump: FilterJump) -> Bool {
        switch jump {
        case .continue: return true
        case .other(let code):
            guess = guess ?? (code & 0xFF == 3 ? "queue" : "verdict \(code)")
            end(.anything)
        default: end(.jump(jump))
        }
        return false
    }

    private func lookup(_ name: String, _ register: Int) -> FilterSet.Finding {
        let id = FilterSet.ID(family: rule.chain.family, table: rule.chain.table, name: name)
        guard let set = table.sets[id] else { return FilterSet.Finding(answer: .maybe, isWhole: false) }
        return set.find(registers.read(register, set.keyLength))
    }

    /// A map of verdicts is followed, one of values fills a register.
    private mutating func map(_ name: String, _ register: Int, _ into: Int?) -> Bool {
        let finding = lookup(name, register)
        let isCertain = finding.answer == .yes && finding.data.count == 1
        guard isCertain || finding.answer == .no else {
            guard into == nil else {
                registers.forget()
                return goesOn(.maybe, "map @\(name)")
            }
            if finding.answer == .maybe { _ = goesOn(.maybe, "vmap @\(name)") }
            guess = guess ?? "vmap @\(name)"
            if !finding.isWhole { end(.anything) }
            for case .verdict(let jump) in finding.data { _ = decide(jump) }
            return false
        }
        guard finding.answer == .yes else { return goesOn(.no, "") }
        switch finding.data[0] {
        case .verdict(let jump): return decide(jump)
        case .value(let bytes):
            if let into { registers.write(into, bytes) }
            return true
        }
    }

    private static func bitwise(_ value: [UInt8?], _ mask: [UInt8], _ xor: [UInt8]) -> [UInt8?] {
        zip(value, zip(mask, xor)).map { byte, bits in
            // What is masked out need not be known.
            bits.0 == 0 ? bits.1 : byte.map { ($0 & bits.0) ^ bits.1 }
        }
    }

    private static func turned(_ value: [UInt8?], _ size: Int) -> [UInt8?] {
        guard size > 0, 1.bigEndian != 1 else { return value }
        return stride(from: 0, to: value.count, by: size).flatMap { value[$0..<min($0 + size, value.count)].reversed() }
    }
}

extension FilterSet {
    /// What a key finds.
    struct Finding {
        var answer: FilterRegisters.Answer
        /// What a map has for it; several when it may be one of them.
        var data: [FilterData] = []
        /// Whether `data` is all there can be.
        var isWhole = true
    }

    /// Looks a key up, of which some bytes may not be known.
    func find(_ key: [UInt8?]) -> Finding {
        guard let elements else { return Finding(answer: .maybe, isWhole: false) }
        let rest = elements.filter(\.catchesAll)
        var finding = fields.count < 2 && hasIntervals ? findInterval(key, elements) : findEach(key, elements)
        guard finding.answer != .yes, let last = rest.first else { return finding }
        finding.answer = last.isConditional ? .maybe : .yes
        if let data = last.data { finding.data.append(data) }
        return finding
    }

    /// A hash, or a concatenation in which each field may be an interval.
    private func findEach(_ key: [UInt8?], _ elements: [Element]) -> Finding {
        var finding = Finding(answer: .no)
        for element in elements where !element.catchesAll {
            let answer =
                element.lastKey.map { isWithin(key, element.key, $0) }
                ?? FilterRegisters.compare(key, element.key, .equal)
            switch answer {
            case .no: continue
            case .yes where !element.isConditional: return Finding(answer: .yes, data: element.data.map { [$0] } ?? [])
            case .yes, .maybe:
                finding.answer = .maybe
                if let data = element.data, !finding.data.contains(data) { finding.data.append(data) }
            }
        }
        return finding
    }

    /// Each field of a concatenation, which begins at a word, within its own bounds.
    private func isWithin(_ key: [UInt8?], _ first: [UInt8], _ last: [UInt8]) -> FilterRegisters.Answer {
        guard first.count == key.count, last.count == key.count else { return .maybe }
        var answer = FilterRegisters.Answer.yes
        var start = 0
        for length in fields.isEmpty ? [key.count] : fields {
            guard length > 0, start + length <= key.count else { return .maybe }
            let range = start..<start + length
            switch FilterRegisters.isWithin(Array(key[range]), Array(first[range]), Array(last[range])) {
            case .no: return .no
            case .maybe: answer = .maybe
            case .yes: break
            }
            start += (length + 3) & ~3
        }
        return answer
    }

    /// A tree in which each element begins an interval, or ends the one before: the last that is not above the key decides.
    private func findInterval(_ key: [UInt8?], _ elements: [Element]) -> Finding {
        guard key.allSatisfy({ $0 != nil }) else {
            let starts = elements.filter { !$0.endsInterval && !$0.catchesAll }
            var data: [FilterData] = []
            for case let some? in starts.map(\.data) where !data.contains(some) { data.append(some) }
            return Finding(answer: starts.isEmpty ? .no : .maybe, data: data)
        }
        var found: Element?
        for element in elements
        where !element.catchesAll && FilterRegisters.compare(key, element.key, .greaterOrEqual) == .yes {
            guard let other = found else {
                found = element
                continue
            }
            let isHigher = other.key.lexicographicallyPrecedes(element.key)
            // One interval may begin where another ends.
            if isHigher || (other.key == element.key && other.endsInterval) { found = element }
        }
        guard let found, !found.endsInterval else { return Finding(answer: .no) }
        return Finding(answer: found.isConditional ? .maybe : .yes, data: found.data.map { [$0] } ?? [])
    }
}
