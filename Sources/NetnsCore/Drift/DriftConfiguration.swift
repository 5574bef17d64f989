/// How bad it is when a value drifts. The raw value is the label `severity`.
public enum Severity: String, CaseIterable, Sendable {
    case critical, warning, info
}

/// What some sysctls of some namespaces should be.
public struct Rule: Hashable, Sendable {
    /// Where a rule's values come from.
    public enum Content: Hashable, Sendable {
        /// From the rule: sysctls or patterns over them, in the order of the file.
        case sysctls([Entry])
        /// From the namespace's own container: what its spec asked the runtime for.
        case declared
    }

    /// One sysctl, or pattern over sysctls, and what is asked of it.
    public struct Entry: Hashable, Sendable {
        /// The sysctls.
        public let pattern: SysctlPattern
        /// What is asked of each.
        public let expectation: Expectation

        /// An entry.
        public init(_ pattern: SysctlPattern, _ expectation: Expectation) {
            self.pattern = pattern
            self.expectation = expectation
        }
    }

    /// Its name: unique among the rules. The label `rule`.
    public let name: String
    /// The namespaces it is for.
    public let namespaces: NamespaceMatcher
    /// How bad a drift from it is.
    public let severity: Severity
    /// What it asks.
    public let content: Content

    /// A rule.
    public init(name: String, namespaces: NamespaceMatcher = .all, severity: Severity = .warning, content: Content) {
        self.name = name
        self.namespaces = namespaces
        self.severity = severity
        self.content = content
    }

    /// The rule there is when nothing else is said about what containers declare.
    public static let asDeclared = Rule(name: "as-declared", severity: .critical, content: .declared)
}

/// What is to be evaluated: the part of the configuration that drift is about.
public struct DriftConfiguration: Hashable, Sendable {
    /// The rules, in the order of the file.
    public var rules: [Rule]

    /// These rules; without any given, that containers have what they declared.
    public init(rules: [Rule] = [.asDeclared]) { self.rules = rules }

    /// The sysctls that the rules name, each once: they have to be read. What containers declared comes on top of it.
    public var sysctls: [SysctlPattern] {
        var seen: Set<SysctlPattern> = []
        return entries.map(\.pattern).filter { seen.insert($0).inserted }
    }

    /// The places that the rules compare with: they have to be read.
    public var references: Set<Reference> { Set(entries.compactMap(\.expectation.reference)) }

    private var entries: [Rule.Entry] {
        rules.flatMap { rule -> [Rule.Entry] in
            guard case .sysctls(let entries) = rule.content else { return [] }
            return entries
        }
    }
}
