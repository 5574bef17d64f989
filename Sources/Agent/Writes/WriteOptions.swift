internal import ArgumentParser
internal import Logging
internal import NetnsCore
internal import NetnsSystem
internal import Web

/// What the command line says of the writes of sysctls.
struct WriteOptions: ParsableArguments {
    @Flag(
        name: .customLong("collector.writes"), inversion: .prefixedNo,
        help: "Every write of a sysctl as it happens, and who wrote it: where the BPF engine loads.")
    var writes = true

    @Option(
        name: .customLong("collector.writes.history"),
        help: ArgumentHelp("Writes that are remembered: about 1 KB each.", valueName: "n"))
    var history = 10_000

    @Option(
        name: .customLong("collector.sysctl.sweep"),
        help: ArgumentHelp(
            "Time after which all sysctls are read again, where writes are heard and what nobody wrote is not read at each "
                + "scrape; 0 to read all at each scrape.", valueName: "duration"))
    var sweep = PromDuration(seconds: 60)

    func validate() throws {
        if !(0...1_000_000).contains(history) {
            throw ValidationError("--collector.writes.history is \(history): it is from 0 to 1000000")
        }
    }
}

/// The watch of writes that runs, or why none does.
struct LoadedWatch: Sendable {
    let watch: WriteWatch?
    /// Why there is none; empty where there is.
    let reason: String
    let obstacle: KernelProgramsUnavailable?

    /// None, unasked.
    static let none = LoadedWatch(watch: nil, reason: "not_wanted", obstacle: nil)

    /// Loads it beside a BPF engine; with the portable one there is none.
    static func load(_ engine: LoadedEngine, _ paths: PathOptions) -> LoadedWatch {
        guard engine.programs != nil else { return LoadedWatch(watch: nil, reason: "portable_engine", obstacle: nil) }
        do throws(KernelProgramsUnavailable) {
            return LoadedWatch(
                watch: try WriteWatch(cgroup: paths.cgroup, rootfs: paths.rootfs), reason: "", obstacle: nil)
        } catch { return LoadedWatch(watch: nil, reason: error.reason.rawValue, obstacle: error) }
    }

    /// Says in one line why writes are not heard.
    func log(_ logger: Logger) {
        guard let obstacle else { return }
        logger.info("writes of sysctls are not heard", metadata: ["reason": "\(reason)", "because": "\(obstacle)"])
        if !obstacle.log.isEmpty { logger.debug("bpf", metadata: ["log": "\(obstacle.log)"]) }
    }
}

/// Which agent is asked for writes by the commands that tell of them beside other things.
struct AgentOption: ParsableArguments {
    @Option(
        name: .customLong("agent"),
        help: ArgumentHelp(
            "The agent that is asked who wrote a sysctl last, as its --web.listen-address says it (default: 127.0.0.1:10124, where "
                + "one answers).", valueName: "address"))
    var agent: String?

    func validate() throws {
        guard let agent else { return }
        do { _ = try ListenAddress(parsing: agent) } catch { throw ValidationError("--agent: \(error)") }
    }
}

extension SysctlPattern {
    /// A name as a pattern that matches it alone: an interface's may have wildcards in it.
    static func literal(_ name: SysctlName) -> String {
        var text = ""
        for scalar in name.dotted.unicodeScalars {
            if "*?[]\\".unicodeScalars.contains(scalar) { text += "\\" }
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}
