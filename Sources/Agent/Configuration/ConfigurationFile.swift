internal import NetnsCore

/// The configuration file and the saved state: bytes in, values or every mistake out.
package enum ConfigurationFile {
    private static let keys = ["namespaces", "sysctls", "expectations", "probes", "baseline"]

    /// Reads and checks a file. Throws `UnreadableFile`, or `ConfigurationError` with every mistake.
    static func load(_ path: String) throws -> Configuration {
        try parse(try FileBytes.read(path, upTo: YAMLDocument.Limits.configuration.bytes), file: path)
    }

    /// Checks the bytes of a file; `file` is its name in messages, and what a relative path in it is relative to.
    static func parse(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        guard let root = try document(bytes, file), !root.isNull else { return configuration }
        var issues = IssueCollector(file: file)
        var expectations: IssueCollector.Field?
        for field in issues.fields(root, .top, known: keys) ?? [] {
            switch field.name {
            case "namespaces":
                for part in issues.fields(field.value, field.path, known: ["include", "exclude"]) ?? [] {
                    let globs = issues.oneOrMore(part.value, part.path)?.compactMap { value, path in
                        issues.text(value, path).map { Glob($0) }
                    }
                    if part.name == "include" { configuration.include = globs ?? [] }
                    if part.name == "exclude" { configuration.exclude = globs ?? [] }
                }
            case "sysctls":
                configuration.sysctls =
                    issues.oneOrMore(field.value, field.path)?.compactMap { value, path in
                        issues.text(value, path).flatMap { issues.pattern($0, value, path) }
                    } ?? []
            case "expectations":
                expectations = field
            case "probes":
                configuration.probes = issues.probes(field.value, field.path)
            default:
                configuration.baseline = issues.text(field.value, field.path).map { resolve($0, beside: file) }
            }
        }
        if let expectations {
            configuration.drift.rules = issues.rules(
                expectations.value, expectations.path, hasBaseline: configuration.baseline != nil)
        }
        try issues.finish()
        return configuration
    }

    /// Reads and checks a saved state. Throws as `load` does.
    static func loadBaseline(_ path: String) throws -> Baseline {
        try parseBaseline(try FileBytes.read(path, upTo: YAMLDocument.Limits.savedState.bytes), file: path)
    }

    /// Checks the bytes of a saved state: `version: 1` and `namespaces: {NAME: {SYSCTL: VALUE}}`.
    static func parseBaseline(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> Baseline {
        var baseline = Baseline()
        var issues = IssueCollector(file: file)
        let nothing = YAMLValue(content: .map([]), line: 1, column: 1)
        let root = try document(bytes, file, .savedState) ?? nothing
        let fields = issues.fields(root, .top, known: ["version", "namespaces"]) ?? []
        if let version = fields.first(where: { $0.name == "version" }) {
            if version.value.text != "1" {
                issues.add("this is not version 1, the only one", version.value, version.path)
            }
        } else if issues.issues.isEmpty {
            issues.add("a saved state begins with version: 1", root, .top)
        }
        for field in fields where field.name == "namespaces" {
            for namespace in issues.fields(field.value, field.path, known: nil) ?? [] {
                var values: [SysctlName: String] = [:]
                for entry in issues.fields(namespace.value, namespace.path, known: nil) ?? [] {
                    let name = issues.attempt(entry.key, entry.path) { try SysctlName(entry.name) }
                    guard let value = entry.value.text, !entry.value.isNull else {
                        issues.add("the value that was saved is missing", entry.value, entry.path)
                        continue
                    }
                    if let name { values[name] = value }
                }
                baseline.namespaces[namespace.name] = values
            }
        }
        try issues.finish()
        return baseline
    }

    static func document(
        _ bytes: [UInt8], _ file: String, _ limits: YAMLDocument.Limits = .configuration
    ) throws(ConfigurationError) -> YAMLValue? {
        do { return try YAMLDocument.parse(bytes, limits) } catch {
            throw ConfigurationError(issues: [
                ConfigurationIssue(
                    file: file, line: error.line, column: error.column, key: "", message: error.message)
            ])
        }
    }

    /// A path in a file is relative to the file's directory.
    static func resolve(_ path: String, beside file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return file[...slash] + path
    }

    /// What is wrong with the bytes of a file, as it is told; nothing when it can be used.
    package static func mistakes(in bytes: [UInt8]) -> [String] {
        do { _ = try parse(bytes, file: "-") } catch { return error.issues.map(\.description) }
        return []
    }

    /// What is wrong with the bytes of a saved state.
    package static func mistakes(inSavedState bytes: [UInt8]) -> [String] {
        do { _ = try parseBaseline(bytes, file: "-") } catch { return error.issues.map(\.description) }
        return []
    }
}
