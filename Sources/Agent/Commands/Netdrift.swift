public import ArgumentParser
internal import Glibc
internal import NetnsSystem

/// The command `netdrift`.
public struct Netdrift: ParsableCommand {
    /// What `--help` says of it.
    public static let configuration = CommandConfiguration(
        commandName: "netdrift",
        abstract: "Watches every network namespace of a host for Prometheus.",
        discussion: """
            Without a command it runs the agent, which serves the sysctls and interface counters of every network \
            namespace on /metrics. It needs root, or the capabilities that the documentation names; with less it \
            shows what it can see.
            """,
        version: "netdrift \(Version.number)",
        subcommands: [
            ServeCommand.self, ListCommand.self, CheckCommand.self, DiffCommand.self, ExplainCommand.self,
            DiagnoseCommand.self, WritesCommand.self, ConfigCommand.self, MetricsCommand.self, EngineCommand.self,
            HealthCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)

    /// A command; made by the parser.
    public init() {}

    /// Runs the program: exit 0 when it worked, 2 for a mistake in the arguments, 1 for anything else that failed.
    public static func main() {
        // A reader that went away (a pipe, a connection) is answered by a write's error.
        _ = signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            Output.write("netdrift: \(failure)\n", to: 2)
            Glibc.exit(1)
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if !message.isEmpty { Output.write(message + "\n", to: code == .success ? 1 : 2) }
            Glibc.exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }
}

/// Writing to standard output and standard error.
enum Output {
    /// Writes a text whole to standard output. A reader that has seen enough (EPIPE) is no failure; a full disk is.
    static func print(_ text: String) throws {
        guard let error = write(text, to: 1), error != EPIPE else { return }
        throw Failure("cannot write to standard output: \(Errno(rawValue: error))")
    }

    /// Writes a text as far as the other side takes it; what stopped it, when something did.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno != EINTR { return errno }
            if written > 0 { bytes = bytes.dropFirst(written) }
        }
        return nil
    }
}

/// A failure that is told by one line on standard error, with exit status 1.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
