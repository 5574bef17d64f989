internal import Yams

extension YAMLDocument {
    /// What the parser says, in words that name the mistake.
    static func mistake(_ error: any Error, in text: String) -> Mistake {
        guard let error = error as? YamlError else { return Mistake(line: 1, column: 1, message: "\(error)") }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let place = context.map { "\($0.text): " } ?? ""
            let hint =
                place.contains("block scalar") ? ": put a text that begins with > into quotes, as in \">= 4096\"" : ""
            return Mistake(line: mark.line, column: mark.column, message: "not YAML: \(place)\(problem)\(hint)")
        case .composer(_, let problem, let mark, _):
            return Mistake(line: mark.line, column: mark.column, message: composerMessage(problem))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = duplicates.first ?? ""
            return Mistake(
                line: context.mark.line, column: context.mark.column, message: "the key '\(key)' is given twice")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let line = before.split(separator: "\n", omittingEmptySubsequences: false)
            return Mistake(
                line: max(1, line.count), column: (line.last?.unicodeScalars.count ?? 0) + 1,
                message: "not YAML: \(problem)")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return Mistake(line: 1, column: 1, message: "\(error)")
        }
    }

    private static func composerMessage(_ problem: String) -> String {
        if problem.contains("alias") {
            return "a word that begins with * is an alias of YAML, and there is no such anchor: "
                + "put a pattern that begins with * into quotes"
        }
        return problem.contains("another document") ? "a second document begins here: a file has one" : problem
    }

    /// Throws at a key that is a list, a map, an alias or marked by `?`, in a file that has aliases. The parser compares
    /// keys by all they hold, and a few aliases of aliases hold more than a machine does. No key of ours is any of these,
    /// so it is enough to look closely at nothing but where they could be: outside of quotes.
    static func refuseAliasesInKeys(_ text: String) throws(Mistake) {
        let lines = text.utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "\n") }
        var hasAliases = false
        var first: Mistake?
        for (number, line) in lines.enumerated() {
            var scanner = KeyScanner(Array(line))
            let column = scanner.scan()
            hasAliases = hasAliases || scanner.hasAlias
            if let column, first == nil {
                first = Mistake(
                    line: number + 1, column: column, message: "in a file with aliases a key is a word, nothing else")
            }
        }
        if hasAliases, let first { throw first }
    }

    /// Looks through one line.
    private struct KeyScanner {
        private let line: [UInt8]
        private(set) var hasAlias = false

        init(_ line: [UInt8]) { self.line = line }

        /// The column of the first key that is no word.
        mutating func scan() -> Int? {
            var quote: UInt8?
            var result: Int?
            for (index, byte) in line.enumerated() {
                if let open = quote {
                    if byte == open { quote = nil }
                    continue
                }
                let begins = index == 0 || " \t[{,:-?\r".utf8.contains(line[index - 1])
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    if begins { quote = byte }
                case UInt8(ascii: "#"):
                    if begins { return result }
                case UInt8(ascii: "*") where begins && index + 1 < line.count && Self.isWord(line[index + 1]):
                    hasAlias = true
                    let end = line[(index + 1)...].firstIndex { !Self.isWord($0) } ?? line.count
                    if isColon(after: end) { result = result ?? index + 1 }
                case UInt8(ascii: "?"):
                    if begins, index + 1 == line.count || " \t\r".utf8.contains(line[index + 1]) {
                        result = result ?? index + 1
                    }
                case UInt8(ascii: "]"), UInt8(ascii: "}"):
                    if isColon(after: index + 1) { result = result ?? index + 1 }
                default: break
                }
            }
            return result
        }

        /// What the name of an anchor consists of.
        private static func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }

        private func isColon(after index: Int) -> Bool {
            line[index...].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: ":")
        }
    }
}
