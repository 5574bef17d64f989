import Testing

@testable import NetnsCore

/// What no kernel here would load, and every way in which a guess may end.
@Suite struct FilterEvaluationTests {
    private static func id(_ name: String) -> FilterChain.ID { .init(family: .inet, table: "t", name: name) }

    /// A ruleset of chains, of which `f` is entered at `forward`; each rule is its expressions.
    private static func table(
        drops: Bool = false, _ chains: [String: [[FilterExpression]]]
    ) -> FilterTable {
        var table = FilterTable()
        for (name, rules) in chains.sorted(by: { $0.key < $1.key }) {
            let base = FilterChain.Base(hook: 2, priority: 0, type: "filter", drops: drops)
            table.chains.append(FilterChain(id: id(name), base: name == "f" ? base : nil))
            table.rules[id(name)] = rules.enumerated().map { index, expressions in
                FilterRule(chain: id(name), handle: UInt64(index + 1), expressions: expressions)
            }
        }
        return table
    }

    private static func shown(_ table: FilterTable) throws -> String {
        let packet = FilterPacket.echoRequest(
            from: try #require(IPAddress("198.18.0.2")), to: try #require(IPAddress("198.18.1.2")))
        switch table.verdict(for: packet, hook: .forward) {
        case .accepted: return "accepted"
        case .dropped(let cause): return "dropped \(cause.chain.name)\(cause.handle.map { "\($0)" } ?? "")"
        case .rejected(let cause): return "rejected \(cause.chain.name)\(cause.handle.map { "\($0)" } ?? "")"
        case .unknown(let doubt): return "unknown \(doubt.rule.chain.name)\(doubt.rule.handle ?? 0) \(doubt.expression)"
        }
    }

    private static let maybe = FilterExpression.mayMatch("limit")
    private static let accept = FilterExpression.verdict(.accept)
    private static let drop = FilterExpression.verdict(.drop)
    private static let back = FilterExpression.verdict(.return)
    private static func jump(_ name: String) -> FilterExpression { .verdict(.jump(name)) }
    private static func goto(_ name: String) -> FilterExpression { .verdict(.goto(name)) }

    @Test(
        arguments: [
            ([[maybe, accept]], false, "accepted"), ([[maybe, accept]], true, "unknown f1 limit"),
            ([[maybe, drop]], false, "unknown f1 limit"), ([[maybe, drop]], true, "dropped f"),
            ([[maybe, drop], [drop]], false, "dropped f2"), ([[maybe, .reject], [drop]], false, "dropped f2"),
            ([[maybe, .reject], [.reject]], true, "rejected f2"), ([[maybe, back], [drop]], true, "dropped f"),
            ([[maybe, back], [drop]], false, "unknown f1 limit"), ([[maybe]], false, "accepted"),
            ([[maybe], [drop]], false, "dropped f2"), ([[.unknown("new")]], false, "unknown f1 new"),
            ([[.unknown("new")], [drop]], false, "unknown f1 new"),
            ([[.unknown("new"), accept]], true, "unknown f1 new"),
            ([[.verdict(.other(3))]], false, "unknown f1 queue"),
            ([[.passOver("counter"), drop]], false, "dropped f1"),
            ([[.translate("masq")], [drop]], true, "accepted"), ([[.opaque("fib"), drop]], false, "unknown f1 fib"),
            (
                [[.meta(register: 16, key: 3), .compare(register: 16, .equal, bytes: [1, 0, 0, 0]), drop]], false,
                "unknown f1 meta mark"
            ),
            ([[.meta(register: 16, key: 16), .compare(register: 16, .notEqual, bytes: [1]), drop]], false, "accepted"),
            ([[.lookup(set: "gone", register: 16, isInverted: false), drop]], false, "unknown f1 lookup @gone"),
            ([[.map(set: "gone", register: 16, into: nil)]], false, "unknown f1 vmap @gone"),
        ] as [([[FilterExpression]], Bool, String)])
    func guesses(_ rules: [[FilterExpression]], _ drops: Bool, _ expected: String) throws {
        #expect(try Self.shown(Self.table(drops: drops, ["f": rules])) == expected)
    }

    @Test(
        arguments: [
            ([[jump("a")], [drop]], [[accept]], "accepted"),
            ([[jump("a")], [drop]], [[back], [accept]], "dropped f2"),
            ([[goto("a")], [drop]], [[back]], "accepted"), ([[maybe, jump("a")]], [[drop]], "unknown f1 limit"),
            ([[jump("a")]], [[maybe, drop]], "unknown a1 limit"),
            ([[jump("a")], [drop]], [[maybe, drop]], "dropped f2"),
            ([[maybe, jump("a")], [drop]], [[]], "dropped f2"),
            ([[maybe, goto("a")], [drop]], [], "unknown f1 limit"),
            ([[jump("nowhere")], [drop]], [], "dropped f2"),
            // Circles end.
            ([[jump("a")], [drop]], [[jump("a")]], "dropped f2"), ([[jump("a")], [drop]], [[jump("f")]], "dropped f2"),
        ] as [([[FilterExpression]], [[FilterExpression]], String)])
    func chains(_ rules: [[FilterExpression]], _ inner: [[FilterExpression]], _ expected: String) throws {
        #expect(try Self.shown(Self.table(["f": rules, "a": inner])) == expected)
    }

    /// Sixteen chains, each of which jumps to the next a hundred times: gone through once.
    @Test func manyJumps() throws {
        var chains: [String: [[FilterExpression]]] = ["f": [[Self.jump("c0")], [Self.drop]]]
        for level in 0..<16 { chains["c\(level)"] = Array(repeating: [Self.jump("c\(level + 1)")], count: 100) }
        #expect(try Self.shown(Self.table(chains)) == "dropped f2")
    }

    /// Registers beyond the kernel's are read and written without harm.
    @Test func registers() {
        var registers = FilterRegisters()
        registers.write(76, [1, 2, 3, 4, 5, 6])
        registers.write(-4, [1])
        #expect(registers.read(76, 8) == [1, 2, 3, 4, nil, nil, nil, nil] && registers.read(-1, 1) == [nil])
        registers.write(16, [9])
        #expect(registers.read(16, 5) == [9, 0, 0, 0, nil])
        #expect(FilterRegisters.compare([1, nil, 3], [1, 2, 4], .equal) == .no)
        #expect(FilterRegisters.compare([1, nil, 3], [1, 2, 3], .equal) == .maybe)
        #expect(FilterRegisters.compare([1, nil], [2, 0], .less) == .yes)
        #expect(FilterRegisters.compare([1, nil], [1, 0], .less) == .maybe)
        #expect(FilterRegisters.compare([1, 2], [1, 2], .lessOrEqual) == .yes)
        #expect(FilterRegisters.compare([1, 2], [1, 2], .less) == .no)
        #expect(FilterRegisters.isWithin([5], [5], [5]) == .yes && FilterRegisters.isWithin([nil], [0], [9]) == .maybe)
    }
}
