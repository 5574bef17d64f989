internal import ArgumentParser
internal import Web

/// `netdrift health`: whether an agent of this host is ready, for the health checks of container engines.
struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask the agent on this host whether it is ready.",
        discussion: """
            For the health check of a container without a shell or curl. It asks for /-/ready over plain HTTP; an agent \
            that wants a password is ready too, one that speaks TLS cannot be asked so. \
            Exit status 0 when it is ready, 1 when it is not or does not answer.
            """)

    @Argument(
        help: ArgumentHelp("Where the agent listens, as --web.listen-address says it.", valueName: "address"))
    var address = "127.0.0.1:10124"

    func validate() throws {
        do { _ = try ListenAddress(parsing: address) } catch { throw ValidationError("\(error)") }
    }

    func run() throws {
        let answer: ReadinessRequest.Answer
        do { answer = try ReadinessRequest.send(to: try ListenAddress(parsing: address), within: 5) } catch {
            throw Failure("\(error)")
        }
        switch answer {
        case .ready: try Output.print("ready\n")
        case .status(let status): throw Failure("the agent at \(address) is not ready: HTTP \(status)")
        case .unintelligible:
            throw Failure("what listens at \(address) speaks no plain HTTP: an agent with TLS cannot be asked so")
        }
    }
}
