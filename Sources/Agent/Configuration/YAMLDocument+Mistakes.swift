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
}
