internal import Foundation
public import Testing

/// What a test needs of the machine.
///
/// In CI (`CI` is set) nothing is skipped: a test that lacks something runs, and fails. Elsewhere it is skipped, and says
/// what it lacks.
public enum Requirement: Sendable {
    /// To be root in the initial user namespace, or near enough.
    case root
    /// A variable that `make test` sets: the path of something it built.
    case environment(String)
    /// A program on the PATH.
    case tool(String)
    /// A kernel that describes its types, and libbpf.
    case bpf
    /// Control groups that limit memory.
    case memoryLimits

    var isMet: Bool {
        switch self {
        case .root: geteuid() == 0
        case .environment(let name): ProcessInfo.processInfo.environment[name] != nil
        case .tool(let name): Command.path(of: name) != nil
        case .bpf:
            FileManager.default.fileExists(atPath: "/sys/kernel/btf/vmlinux")
                && (try? Command.run(["ldconfig", "-p"]).output.contains("libbpf.so.1")) == true
        case .memoryLimits: (try? MemoryLimit(1 << 30)) != nil
        }
    }

    var lack: String {
        switch self {
        case .root: "needs root"
        case .environment(let name): "needs \(name): make test sets it"
        case .tool(let name): "needs \(name): make test installs it"
        case .bpf: "needs a kernel with BTF, and libbpf: make test installs it"
        case .memoryLimits: "needs root and a memory controller in /sys/fs/cgroup (v1 or v2)"
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips the test, except in CI, unless everything is there.
    public static func needs(_ requirements: Requirement...) -> Self {
        let isCI = ProcessInfo.processInfo.environment["CI"].map { !$0.isEmpty && $0 != "false" } ?? false
        let lacking = requirements.filter { !$0.isMet }.map(\.lack)
        return .enabled(if: isCI || lacking.isEmpty, Comment(rawValue: lacking.joined(separator: ", ")))
    }
}
