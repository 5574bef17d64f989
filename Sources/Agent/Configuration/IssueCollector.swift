internal import NetnsCore

/// A place in the file: the keys from its top.
struct KeyPath: CustomStringConvertible {
    let description: String

    static let top = KeyPath(description: "")

    func key(_ name: String) -> KeyPath {
        let name = PrintableText.string(Array(name.utf8))
        return KeyPath(description: description.isEmpty ? name : "\(description).\(name)")
    }

    func item(_ index: Int) -> KeyPath { KeyPath(description: "\(description)[\(index)]") }
}

/// Reads values and collects what is wrong with them, so that one run tells all of it: a reader gives nil for what it
/// could not read, and has said why.
struct IssueCollector {
    /// One key of a map.
    struct Field {
        let name: String
        let key: YAMLValue
        let value: YAMLValue
        let path: KeyPath
    }

    let file: String
    private(set) var issues: [ConfigurationIssue] = []

    init(file: String) { self.file = file }

    /// Throws what was found, in the order of the file.
    func finish() throws(ConfigurationError) {
        if issues.isEmpty { return }
        throw ConfigurationError(issues: issues.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
    }

    mutating func add(_ message: String, _ value: YAMLValue, _ path: KeyPath) {
        issues.append(
            ConfigurationIssue(
                file: file, line: value.line, column: value.column, key: path.description, message: message))
    }

    /// The keys of a map that have a value, in the order of the file. A key that is not in `known` (nil: any is known), or
    /// is there twice, is an issue.
    mutating func fields(_ value: YAMLValue, _ path: KeyPath, known: [String]?) -> [Field]? {
        guard case .map(let pairs) = value.content else {
            add("a map is wanted here, not \(Self.kind(value))", value, path)
            return nil
        }
        var fields: [Field] = []
        var seen: Set<String> = []
        for (key, item) in pairs {
            guard let name = key.text else {
                add("a key is a word, not \(Self.kind(key))", key, path)
                continue
            }
            let place = path.key(name)
            if name == "<<" {
                add("merge keys are no part of YAML 1.2: an alias may stand for a whole value", key, place)
            } else if let known, !known.contains(name) {
                add("unknown key '\(Self.quoted(name))'\(Self.hint(name, known, "it is one of"))", key, place)
            } else if !seen.insert(name).inserted {
                add("the key '\(Self.quoted(name))' is given twice", key, place)
            } else if known == nil || !item.isNull {
                fields.append(Field(name: name, key: key, value: item, path: place))
            }
        }
        return fields
    }

    /// The items of a list.
    mutating func items(_ value: YAMLValue, _ path: KeyPath) -> [(value: YAMLValue, path: KeyPath)]? {
        guard case .list(let items) = value.content else {
            add("a list is wanted here, not \(Self.kind(value))", value, path)
            return nil
        }
        return items.enumerated().map { ($1, path.item($0)) }
    }

    /// The items of a list, or the one text that stands in its place.
    mutating func oneOrMore(_ value: YAMLValue, _ path: KeyPath) -> [(value: YAMLValue, path: KeyPath)]? {
        if value.text != nil, !value.isNull { return [(value, path)] }
        return items(value, path)
    }

    /// A text that is not empty.
    mutating func text(_ value: YAMLValue, _ path: KeyPath) -> String? {
        guard let text = value.text, !value.isNull else {
            add("a text is wanted here, not \(Self.kind(value))", value, path)
            return nil
        }
        guard !text.allSatisfy(\.isWhitespace) else {
            add("it is empty", value, path)
            return nil
        }
        return text
    }

    /// A name for a label: a text without control characters.
    mutating func name(_ value: YAMLValue, _ path: KeyPath) -> String? {
        guard let text = text(value, path) else { return nil }
        guard text == PrintableText.string(Array(text.utf8)), text.utf8.count <= 200 else {
            add("a name is at most 200 bytes, without control characters", value, path)
            return nil
        }
        return text
    }

    /// One of the words of an enumeration.
    mutating func choice<T: RawRepresentable & CaseIterable>(_ value: YAMLValue, _ path: KeyPath) -> T?
    where T.RawValue == String {
        guard let text = text(value, path) else { return nil }
        if let choice = T(rawValue: text) { return choice }
        add(
            "'\(Self.quoted(text))' is none of them\(Self.hint(text, T.allCases.map(\.rawValue), "write one of"))",
            value, path)
        return nil
    }

    mutating func boolean(_ value: YAMLValue, _ path: KeyPath) -> Bool? {
        switch value.text {
        case "true": return true
        case "false": return false
        default:
            add("write true or false", value, path)
            return nil
        }
    }

    /// A whole number within `range`.
    mutating func integer(_ value: YAMLValue, _ path: KeyPath, _ range: ClosedRange<Int>) -> Int? {
        guard let text = text(value, path) else { return nil }
        if text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(text), range.contains(number) { return number }
        add("'\(Self.quoted(text))' is no whole number from \(range.lowerBound) to \(range.upperBound)", value, path)
        return nil
    }

    /// Seconds, of a length of time within `range`.
    mutating func duration(_ value: YAMLValue, _ path: KeyPath, _ range: ClosedRange<Double>, _ words: String)
        -> Double?
    {
        guard let text = text(value, path) else { return nil }
        guard let duration = PromDuration(argument: text) else {
            add("'\(Self.quoted(text))' is no length of time: write it as in 5s, 500ms or 1m30s", value, path)
            return nil
        }
        if range.contains(duration.seconds) { return duration.seconds }
        add("'\(Self.quoted(text))' is out of bounds: it is \(words)", value, path)
        return nil
    }

    /// What is given by calling `body`; its error becomes an issue.
    mutating func attempt<T>(
        _ value: YAMLValue, _ path: KeyPath, _ body: () throws -> T
    ) -> T? {
        do { return try body() } catch {
            add("\(error)", value, path)
            return nil
        }
    }

    /// A text of the file as a message shows it: short, and without what would write over the terminal.
    static func quoted(_ text: String) -> String {
        let shown = PrintableText.string(Array(text.utf8))
        return shown.count <= 60 ? shown : shown.prefix(60) + "..."
    }

    private static func kind(_ value: YAMLValue) -> String {
        switch value.content {
        case .scalar: value.isNull ? "nothing" : "a text"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// What was meant: the nearest of some words, or all of them where none is near.
    static func hint(_ word: String, _ known: [String], _ all: String) -> String {
        if let nearest = EditDistance.nearest(word, known) { return ", did you mean '\(nearest)'?" }
        return ": \(all) \(known.joined(separator: ", "))"
    }
}

/// How far apart two words are.
enum EditDistance {
    /// The nearest of `words`, nil when none is near enough to have been meant.
    static func nearest(_ word: String, _ words: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let distances = words.map { (distance(word.lowercased(), $0), $0) }
        guard let best = distances.min(by: { $0.0 < $1.0 }), best.0 <= max(1, word.utf8.count / 3) else { return nil }
        return best.1
    }

    /// Insertions, deletions, replacements and exchanges of neighbours that make one word of the other (Damerau and
    /// Levenshtein, by optimal string alignment).
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
