internal import NetnsCore

/// Rules and what they ask.
extension IssueCollector {
    /// The rules of a list, and the one that is there unless a rule of the file says something about what is declared.
    mutating func rules(_ value: YAMLValue, _ path: KeyPath, hasBaseline: Bool) -> [Rule] {
        var rules: [Rule] = []
        var names: Set<String> = []
        var saysDeclared = false
        for (value, path) in items(value, path) ?? [] {
            let known = ["rule", "namespaces", "severity", "declared", "sysctls"]
            guard let fields = fields(value, path, known: known) else { continue }
            func field(_ name: String) -> Field? { fields.first { $0.name == name } }

            var name: String?
            if let field = field("rule") {
                name = self.name(field.value, field.path)
                if let given = name, !names.insert(given).inserted {
                    add("there is another rule '\(Self.quoted(given))'", field.value, field.path)
                }
            } else {
                add("a rule has a name: write rule: NAME", value, path)
            }
            let severity: Severity = field("severity").flatMap { choice($0.value, $0.path) } ?? .warning
            let namespaces = field("namespaces").map { matcher($0.value, $0.path) } ?? .all
            var declared: Bool?
            if let field = field("declared") {
                saysDeclared = true
                declared = boolean(field.value, field.path) ?? true
            }
            var entries: [Rule.Entry]?
            if let field = field("sysctls") {
                if declared == true {
                    add(
                        "what is declared comes from the container: put sysctls into a rule of their own", field.key,
                        field.path)
                }
                entries = self.entries(field.value, field.path, hasBaseline: hasBaseline)
            } else if declared == nil {
                add("a rule says what is expected: write sysctls: or declared: true", value, path)
            }
            guard let name else { continue }
            if let entries {
                rules.append(Rule(name: name, namespaces: namespaces, severity: severity, content: .sysctls(entries)))
            } else if declared == true {
                rules.append(Rule(name: name, namespaces: namespaces, severity: severity, content: .declared))
            }
        }
        if !saysDeclared {
            if names.contains(Rule.asDeclared.name) {
                add(
                    "'\(Rule.asDeclared.name)' is the rule that is on by default: give this one another name", value,
                    path)
            }
            rules.append(.asDeclared)
        }
        return rules
    }

    /// Which namespaces.
    mutating func matcher(_ value: YAMLValue, _ path: KeyPath) -> NamespaceMatcher {
        let known = NamespaceMatcher.Property.allCases.map(\.rawValue)
        var patterns: [NamespaceMatcher.Property: [TextPattern]] = [:]
        for field in fields(value, path, known: known) ?? [] {
            guard let property = NamespaceMatcher.Property(rawValue: field.name),
                let items = oneOrMore(field.value, field.path)
            else { continue }
            if items.isEmpty { add("a list of nothing matches no namespace", field.value, field.path) }
            patterns[property] = items.compactMap { value, path in
                guard let text = text(value, path),
                    let pattern = attempt(value, path, { try TextPattern(text) })
                else { return nil }
                if property == .origin, let literal = pattern.literal, Origin(rawValue: literal) == nil {
                    let all = Origin.allCases.map(\.rawValue)
                    add("'\(Self.quoted(literal))' is no origin\(Self.hint(literal, all, "it is one of"))", value, path)
                }
                return pattern
            }
        }
        return NamespaceMatcher(patterns)
    }

    /// A sysctl or a pattern over sysctls.
    mutating func pattern(_ text: String, _ value: YAMLValue, _ path: KeyPath) -> SysctlPattern? {
        guard let pattern = attempt(value, path, { try SysctlPattern(text) }) else { return nil }
        if pattern.literal?.isSecret == true {
            add("'\(Self.quoted(text))' is a key, which is never read", value, path)
            return nil
        }
        return pattern
    }

    private mutating func entries(_ value: YAMLValue, _ path: KeyPath, hasBaseline: Bool) -> [Rule.Entry] {
        guard let fields = fields(value, path, known: nil) else { return [] }
        if fields.isEmpty { add("a rule without sysctls expects nothing", value, path) }
        return fields.compactMap { field in
            let pattern = pattern(field.name, field.key, field.path)
            guard let expectation = expectation(field.value, field.path, isWhole: true), let pattern else { return nil }
            if expectation.reference == .baseline, !hasBaseline {
                add(
                    "there is no saved state to compare with: name its file by the key 'baseline'", field.value,
                    field.path)
            }
            _ = attempt(field.value, field.path) { try expectation.validate(for: pattern) }
            return Rule.Entry(pattern, expectation)
        }
    }

    /// What is expected; `isWhole` unless it is a part of another expectation.
    private mutating func expectation(_ value: YAMLValue, _ path: KeyPath, isWhole: Bool) -> Expectation? {
        switch value.content {
        case .scalar(let text, _):
            if value.isNull {
                add("what is expected is missing", value, path)
                return nil
            }
            return attempt(value, path) { try Expectation(text) }
        case .list(let items):
            if items.isEmpty {
                add("a list of nothing expects nothing: write \"\" for the empty value", value, path)
                return nil
            }
            return parts(items, path).map { .tuple($0) }
        case .map:
            guard let fields = fields(value, path, known: ["one_of", "not", "same_as"]) else { return nil }
            guard let field = fields.first, fields.count == 1 else {
                if !fields.isEmpty || isEmptyMap(value) { add("write one of one_of, not, same_as", value, path) }
                return nil
            }
            switch field.name {
            case "one_of":
                guard let items = self.items(field.value, field.path) else { return nil }
                if items.isEmpty { add("one of nothing is nothing", field.value, field.path) }
                var choices: [Expectation] = []
                for (item, path) in items { choices += expectation(item, path, isWhole: false).map { [$0] } ?? [] }
                return choices.count == items.count && !items.isEmpty ? .oneOf(choices) : nil
            case "not":
                return expectation(field.value, field.path, isWhole: false).map { .not($0) }
            default:
                if !isWhole { add("same_as stands on its own, not in another expectation", field.key, field.path) }
                let reference: Reference? = choice(field.value, field.path)
                return isWhole ? reference.map { .sameAs($0) } : nil
            }
        }
    }

    /// The elements of a value, one an item.
    private mutating func parts(_ items: [YAMLValue], _ path: KeyPath) -> [Expectation]? {
        var parts: [Expectation] = []
        for (index, item) in items.enumerated() {
            let path = path.item(index)
            if case .list = item.content {
                add("an element is a value, not a list", item, path)
            } else if let part = expectation(item, path, isWhole: false) {
                if case .tuple = part {
                    add("'\(part)' is several elements: give each an item of its own", item, path)
                } else {
                    parts.append(part)
                }
            }
        }
        return parts.count == items.count ? parts : nil
    }

    private func isEmptyMap(_ value: YAMLValue) -> Bool {
        if case .map(let pairs) = value.content { return pairs.isEmpty }
        return false
    }
}
