/// One thing to evaluate in one namespace: a sysctl, what it should be, and who says so. At most one for each rule and
/// sysctl.
public struct Assertion: Sendable {
    /// Where its value is in the namespace's readings; nil when the sysctl is not in its table, and so absent.
    public let index: Int?
    /// The sysctl.
    public let sysctl: SysctlName
    /// What is asked of it.
    public let check: Check
    /// The name of the rule.
    public let rule: String
    /// Who says so.
    public let source: ExpectationSource
    /// How bad a drift is.
    public let severity: Severity
    /// Whether the sysctl was asked for by its name. One that only matched a pattern and is not there is not missed.
    public let isNamed: Bool
}

/// The rules of a configuration, compiled: says what is to be evaluated in a namespace.
public struct RuleSet: Sendable {
    private struct Entry: Sendable {
        let pattern: SysctlPattern
        let literal: SysctlName?
        let source: ExpectationSource
        /// One for each way of comparing: a pattern may name sysctls of several kinds.
        let checks: [SysctlInterpretation: Check]
    }

    private struct CompiledRule: Sendable {
        let rule: Rule
        /// nil: what the container declared.
        let entries: [Entry]?
    }

    private static let interpretations: [SysctlInterpretation] = [.elements, .text, .ports, .words]
    private let rules: [CompiledRule]

    /// Compiles the rules of a configuration.
    public init(_ configuration: DriftConfiguration) {
        rules = configuration.rules.map { rule in
            guard case .sysctls(let entries) = rule.content else { return CompiledRule(rule: rule, entries: nil) }
            return CompiledRule(
                rule: rule,
                entries: entries.map { entry in
                    let literal = entry.pattern.literal
                    let kinds = literal.map { [SysctlInterpretation($0)] } ?? Self.interpretations
                    return Entry(
                        pattern: entry.pattern, literal: literal,
                        source: entry.expectation.reference?.source ?? .config,
                        checks: Dictionary(uniqueKeysWithValues: kinds.map { ($0, Check(entry.expectation, $0)) }))
                })
        }
    }

    /// The indexes of the rules that are for a namespace.
    public func applicable(to identity: NamespaceIdentity) -> [Int] {
        rules.indices.filter { rules[$0].rule.namespaces.matches(identity) }
    }

    /// What to evaluate in a namespace, by rule and then by sysctl. It stays the same as long as the identity, the table
    /// and what the container declared do; `AssertionCache` keeps it.
    ///
    /// Within a rule a sysctl's own name goes before a pattern, and of two patterns the later.
    public func assertions(
        for identity: NamespaceIdentity, table: SysctlTable, declared: [SysctlName: String]
    ) -> [Assertion] {
        assertions(of: applicable(to: identity), table: table, declared: declared)
    }

    func assertions(of applicable: [Int], table: SysctlTable, declared: [SysctlName: String]) -> [Assertion] {
        let positions = Dictionary(uniqueKeysWithValues: table.entries.indices.map { (table.entries[$0].name, $0) })
        return applicable.flatMap { index -> [Assertion] in
            let rule = rules[index].rule
            guard let entries = rules[index].entries else {
                return declared.sorted { $0.key.dotted < $1.key.dotted }.map { name, value in
                    Assertion(
                        index: positions[name], sysctl: name, check: Check(.equal(value), for: name), rule: rule.name,
                        source: .declared, severity: rule.severity, isNamed: true)
                }
            }
            var chosen: [SysctlName: Entry] = [:]
            for entry in entries where entry.literal == nil {
                for item in table.entries where entry.pattern.matches(item.name) { chosen[item.name] = entry }
            }
            for entry in entries { if let name = entry.literal { chosen[name] = entry } }
            return chosen.sorted { $0.key.dotted < $1.key.dotted }.compactMap { name, entry in
                guard let check = entry.checks[SysctlInterpretation(name)] else { return nil }
                return Assertion(
                    index: positions[name], sysctl: name, check: check, rule: rule.name, source: entry.source,
                    severity: rule.severity, isNamed: entry.literal != nil)
            }
        }
    }
}

/// What is made of the assertions of many namespaces: those with the same rules, table and declarations share one.
///
/// Concurrency: belongs to the thread that collects.
public struct AssertionCache<List> {
    private struct Key: Hashable {
        let rules: [Int]
        let table: ObjectIdentifier
        let declared: [SysctlName: String]
    }

    private struct Kept {
        let list: List
        /// Held, so that no other table gets its address.
        let table: SysctlTable
    }

    private let rules: RuleSet
    private let make: ([Assertion], SysctlTable) -> List
    private var kept: [Key: Kept] = [:]

    /// An empty cache; a reload makes another.
    public init(_ rules: RuleSet, _ make: @escaping ([Assertion], SysctlTable) -> List) {
        self.rules = rules
        self.make = make
    }

    /// What to evaluate in a namespace. To be asked when its identity, its table or what it declared has changed, not at
    /// every scrape: the matchers are run again.
    public mutating func list(
        for identity: NamespaceIdentity, table: SysctlTable, declared: [SysctlName: String]
    ) -> List {
        let applicable = rules.applicable(to: identity)
        let key = Key(rules: applicable, table: ObjectIdentifier(table), declared: declared)
        if let found = kept[key] { return found.list }
        // Tables come and go with interfaces: what is remembered stays bounded.
        if kept.count >= 4096 { kept.removeAll() }
        let list = make(rules.assertions(of: applicable, table: table, declared: declared), table)
        kept[key] = Kept(list: list, table: table)
        return list
    }

    /// Forgets what was made for others than those that `isUsed` says are in use.
    public mutating func keep(_ isUsed: (List) -> Bool) { kept = kept.filter { isUsed($0.value.list) } }

    /// How many are remembered.
    public var count: Int { kept.count }
}
