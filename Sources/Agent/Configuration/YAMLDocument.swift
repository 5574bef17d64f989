internal import NetnsCore
internal import Yams

/// A value of a YAML file with its place. Scalars keep the text that stands in the file: `yes`, `0o10` and `1_000` are
/// texts, and what they mean is decided by who reads them, not by a version of YAML.
struct YAMLValue {
    indirect enum Content {
        case scalar(String, isPlain: Bool)
        case list([YAMLValue])
        case map([(key: YAMLValue, value: YAMLValue)])
    }

    let content: Content
    let line: Int
    let column: Int

    /// Whether nothing, `~` or `null` stands there.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The text of a scalar, nil for a list or a map.
    var text: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }
}

/// Turns the bytes of a file into values, within bounds that no honest file meets.
enum YAMLDocument {
    /// How much of a file is read.
    struct Limits {
        /// The longest file that is read.
        let bytes: Int
        /// The most values of a file, each alias counted with all that it stands for.
        let values: Int
        /// Whether texts of many lines have a meaning: certificates do.
        var blocks = false

        /// Of what a person writes.
        static let configuration = Limits(bytes: 1 << 20, values: 200_000)
        /// Of what `--web.config.file` names.
        static let web = Limits(bytes: 1 << 20, values: 200_000, blocks: true)
        /// Of what `netdrift check --save` writes: 2.5 KiB and 110 values a namespace with the built-in list.
        static let savedState = Limits(bytes: 64 << 20, values: 5_000_000)
    }

    /// A mistake in the YAML itself: there is no going on after it.
    struct Mistake: Error {
        let line: Int
        let column: Int
        let message: String
    }

    /// The document in these bytes, nil when there is none.
    static func parse(_ bytes: [UInt8], _ limits: Limits = .configuration) throws(Mistake) -> YAMLValue? {
        let text = try decode(bytes, limits)
        try AliasGuard.check(text)
        let root: Node?
        do { root = try Parser(yaml: text, encoding: .utf8).singleRoot() } catch { throw mistake(error, in: text) }
        guard let root else { return nil }
        var values = 0
        return try convert(root, &values, limits, (1, 1))
    }

    private static func convert(
        _ node: Node, _ values: inout Int, _ limits: Limits, _ parent: (line: Int, column: Int)
    ) throws(Mistake) -> YAMLValue {
        values += 1
        let place = node.mark.map { (line: $0.line, column: $0.column) } ?? parent
        func value(_ content: YAMLValue.Content) -> YAMLValue {
            YAMLValue(content: content, line: place.line, column: place.column)
        }
        guard values <= limits.values else {
            throw Mistake(
                line: place.line, column: place.column, message: "the file has more than \(limits.values) values")
        }
        guard !node.hasForeignTag else {
            throw Mistake(
                line: place.line, column: place.column,
                message: "a tag of YAML has no meaning here: put a text that begins with ! into quotes, as in \"!= 0\"")
        }
        switch node {
        case .scalar(let scalar):
            guard limits.blocks || scalar.style != .literal && scalar.style != .folded else {
                throw Mistake(
                    line: place.line, column: place.column,
                    message: "a block of text has no meaning here: put a text that begins with > into quotes")
            }
            return value(.scalar(scalar.string, isPlain: scalar.style == .plain))
        case .sequence(let sequence):
            var items: [YAMLValue] = []
            for item in sequence { items.append(try convert(item, &values, limits, place)) }
            return value(.list(items))
        case .mapping(let mapping):
            var pairs: [(key: YAMLValue, value: YAMLValue)] = []
            for (key, item) in mapping {
                pairs.append((try convert(key, &values, limits, place), try convert(item, &values, limits, place)))
            }
            return value(.map(pairs))
        case .alias:
            // The parser puts what an alias stands for in its place.
            throw Mistake(line: place.line, column: place.column, message: "an alias that stands for nothing")
        }
    }

    /// The text, without a byte order mark; throws at the first byte that no YAML file may have.
    private static func decode(_ bytes: [UInt8], _ limits: Limits) throws(Mistake) -> String {
        guard bytes.count <= limits.bytes else {
            throw Mistake(line: 1, column: 1, message: "the file is longer than \(limits.bytes >> 20) MiB")
        }
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        var (line, column) = (1, 1)
        var decoder = UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let encoded):
                let scalar = UTF8.decode(encoded)
                column += 1
                switch scalar.value {
                case 0x0A: (line, column) = (line + 1, 1)
                case 0x09, 0x0D, 0x85, 0x20...0x7E, 0xA0...0xFEFE, 0xFF00...0xFFFD, 0x10000...: break
                default:
                    let code = String(scalar.value, radix: 16, uppercase: true)
                    throw Mistake(line: line, column: column - 1, message: "the character U+\(code) may not stand here")
                }
            case .error:
                throw Mistake(line: line, column: column, message: "the file is not UTF-8")
            case .emptyInput:
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}

extension Node {
    /// Whether a tag of somebody's own stands before it; those of YAML (`!!str`) change nothing, since texts are read as
    /// they stand, and the parser gives them to what has none.
    fileprivate var hasForeignTag: Bool {
        let tag =
            switch self {
            case .scalar(let scalar): scalar.tag.description
            case .sequence(let sequence): sequence.tag.description
            case .mapping(let mapping): mapping.tag.description
            case .alias: ""
            }
        return !tag.isEmpty && !tag.hasPrefix("tag:yaml.org,2002:")
    }
}
