internal import ArgumentParser
internal import FoundationEssentials

/// `netdrift config`: what has to do with the configuration file.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the configuration file, or write one from what the host has.",
        subcommands: [ConfigCheckCommand.self, ConfigInitCommand.self])
}

/// `netdrift config check`: every mistake of a file.
struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say whether a configuration file is right, and if not, all that is wrong.",
        discussion: """
            Mistakes go to standard error, one a line, as FILE:LINE:COLUMN: KEY: what is wrong. Exit status 0 when the \
            file is right, 1 when it is not, 2 when it cannot be read.
            """)

    @Argument(help: "The file; - for standard input.") var file: String
    @Flag(help: "It is one for --web.config.file.") var web = false
    @Flag(help: "As JSON, on standard output.") var json = false

    func run() throws {
        var issues: [ConfigurationIssue] = []
        do {
            if web {
                for remark in try WebSecurityFile.check(file) { Output.write("\(remark)\n", to: 2) }
            } else {
                try Self.check(file)
            }
        } catch let error as ConfigurationError { issues = error.issues } catch {
            Output.write("netdrift: \(error)\n", to: 2)
            throw ExitCode(2)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let report = Report(valid: issues.isEmpty, errors: issues.map(Report.Issue.init))
            try Output.print(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        } else if issues.isEmpty {
            try Output.print("\(file): right\n")
        } else {
            for issue in issues { Output.write("\(issue)\n", to: 2) }
        }
        if !issues.isEmpty { throw ExitCode(1) }
    }

    /// The file and the saved state it names: either has its own mistakes.
    private static func check(_ file: String) throws {
        let configuration = try ConfigurationFile.load(file)
        if let baseline = configuration.baseline { _ = try ConfigurationFile.loadBaseline(baseline) }
    }

    private struct Report: Encodable {
        let valid: Bool
        let errors: [Issue]

        struct Issue: Encodable {
            let file: String
            let line: Int
            let column: Int
            let key: String?
            let message: String

            init(_ issue: ConfigurationIssue) {
                file = issue.file
                line = issue.line
                column = issue.column
                key = issue.key.isEmpty ? nil : issue.key
                message = issue.message
            }
        }
    }
}
