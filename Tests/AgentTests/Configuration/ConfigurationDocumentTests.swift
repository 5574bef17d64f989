import Foundation
import TestSupport
import Testing

@testable import Agent

/// The documents and the schema say what the parser does.
@Suite struct ConfigurationDocumentTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The blocks of the README and of docs/ that begin with `# netdrift`.
    private static func blocks() throws -> [(place: String, yaml: String)] {
        let documents = root.appendingPathComponent("docs")
        let names = try FileManager.default.contentsOfDirectory(atPath: documents.path).filter { $0.hasSuffix(".md") }
        let files =
            names.sorted().map { documents.appendingPathComponent($0) } + [root.appendingPathComponent("README.md")]
        return try files.flatMap { file -> [(place: String, yaml: String)] in
            let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "```")
            return stride(from: 1, to: parts.count, by: 2).compactMap { index -> (place: String, yaml: String)? in
                guard parts[index].hasPrefix("yaml\n") else { return nil }
                let yaml = String(parts[index].dropFirst("yaml\n".count))
                return ("\(file.lastPathComponent), block \(index / 2 + 1)", yaml)
            }
        }
    }

    private static let isBaseline = "# netdrift baseline"

    /// The configurations among them: those that say so, and those that have a key of ours at the top.
    private static func configurations() throws -> [(place: String, yaml: String)] {
        let keys = ["namespaces:", "sysctls:", "expectations:", "probes:", "baseline:"]
        return try blocks().filter { block in
            if block.yaml.hasPrefix(isBaseline) { return false }
            return block.yaml.hasPrefix("# netdrift.yml")
                || block.yaml.split(separator: "\n").contains { line in keys.contains { line.hasPrefix($0) } }
        }
    }

    @Test func everyConfigurationInTheDocumentsLoads() throws {
        let configurations = try Self.configurations()
        #expect(configurations.count >= 5)
        for (place, yaml) in configurations {
            #expect(throws: Never.self, "\(place)") { try ConfigurationFile.parse(Array(yaml.utf8), file: place) }
        }
    }

    @Test func everySavedStateInTheDocumentsLoads() throws {
        let states = try Self.blocks().filter { $0.yaml.hasPrefix(Self.isBaseline) }
        #expect(!states.isEmpty)
        for (place, yaml) in states {
            #expect(throws: Never.self, "\(place)") {
                try ConfigurationFile.parseBaseline(Array(yaml.utf8), file: place)
            }
        }
    }

    /// Reads a JSON list of YAML texts, and prints what the schema has against each: an empty text for nothing.
    private static let validator = """
        import json, sys, yaml, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        print(json.dumps(["; ".join(e.message[:200] for e in validator.iter_errors(yaml.safe_load(t)))
                          for t in json.load(sys.stdin)]))
        """

    @Test(.needs(.tool("python3"))) func theSchemaSaysWhatTheParserSays() throws {
        let right = ConfigurationExamples.right + (try Self.configurations().map(\.yaml))
        let wrong = ConfigurationExamples.wrong.filter(\.schemaTells).map(\.yaml)
        let input = String(decoding: try JSONEncoder().encode(right + wrong), as: UTF8.self)
        let schema = Self.root.appendingPathComponent("docs/netdrift.schema.json").path
        let result = try Command.run(["/usr/bin/python3", "-c", Self.validator, schema], input: input)
        try #require(result.status == 0, "\(result.errors)")
        let verdicts = try JSONDecoder().decode([String].self, from: Data(result.output.utf8))
        try #require(verdicts.count == right.count + wrong.count)
        for (yaml, verdict) in zip(right, verdicts) { #expect(verdict.isEmpty, "\(yaml)") }
        for (yaml, verdict) in zip(wrong, verdicts.dropFirst(right.count)) { #expect(!verdict.isEmpty, "\(yaml)") }
    }
}
