internal import ArgumentParser
internal import Logging
internal import NetnsSystem

/// How the kernel is asked.
enum EngineChoice: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// `bpf` where it loads.
    case auto
    /// By /proc, setns(2) and kept descriptors: on every kernel.
    case portable
    /// By BPF programs that walk the kernel's own lists; the portable way for what they cannot tell.
    case bpf
}

struct EngineOptions: ParsableArguments {
    @Option(
        name: .customLong("engine"),
        help: ArgumentHelp(
            "How namespaces, holders and sysctls are read: bpf, from the kernel's own lists; portable, by /proc and setns; "
                + "auto, bpf where it loads.", valueName: "engine"))
    var choice = EngineChoice.auto

    /// Loads what was asked for. Throws when `bpf` was, and it does not load.
    func load() throws -> LoadedEngine { try LoadedEngine.load(choice) }
}

extension LoadedEngine {
    /// Loads the engine of a choice. Throws when it is `bpf`, and that does not load.
    static func load(_ choice: EngineChoice) throws -> LoadedEngine {
        guard choice != .portable else { return LoadedEngine(programs: nil, reason: "not_wanted", obstacle: nil) }
        do throws(KernelProgramsUnavailable) {
            return LoadedEngine(programs: try KernelPrograms(), reason: "", obstacle: nil)
        } catch {
            if choice == .bpf { throw Failure("--engine=bpf: \(error)") }
            return LoadedEngine(programs: nil, reason: error.reason.rawValue, obstacle: error)
        }
    }
}

/// The engine that runs, and why.
struct LoadedEngine: Sendable {
    let programs: KernelPrograms?
    /// Why it is not `bpf`; empty when it is.
    let reason: String
    /// What kept `bpf` from being loaded, when it was tried.
    let obstacle: KernelProgramsUnavailable?

    /// The portable one, unasked.
    static let portable = LoadedEngine(programs: nil, reason: "not_wanted", obstacle: nil)

    /// The label `engine`.
    var name: String { programs == nil ? EngineChoice.portable.rawValue : EngineChoice.bpf.rawValue }

    /// Says in one line why the portable way is taken.
    func log(_ logger: Logger) {
        guard let obstacle else { return }
        logger.info(
            "the portable engine is used", metadata: ["reason": "\(reason)", "because": "\(obstacle.description)"])
        if !obstacle.log.isEmpty { logger.debug("bpf", metadata: ["log": "\(obstacle.log)"]) }
    }
}
