internal import NetnsCore

/// What the configuration file says. Without a file, and with an empty one: everything is exported, what containers
/// declared is expected of them, and the gateway is probed.
struct Configuration: Hashable, Sendable {
    /// Globs on the names of the namespaces that are of interest; none given: all of them.
    var include: [Glob] = []
    /// Globs on the names of namespaces that are not.
    var exclude: [Glob] = []
    /// Sysctls to read beside the built-in list.
    var sysctls: [SysctlPattern] = []
    /// What sysctls should be.
    var drift = DriftConfiguration()
    /// What is to be reached.
    var probes: [Probe] = [.gateway]
    /// The path of the saved state that `same_as: baseline` means, nil when there is none.
    var baseline: String?
}

/// One mistake in a file: where it is, what is wrong and what to write.
struct ConfigurationIssue: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file as it was named.
    let file: String
    /// From 1.
    let line: Int
    /// From 1, in Unicode scalars.
    let column: Int
    /// The key it is about, from the top of the file: `expectations[0].sysctls.net.core.somaxconn`; empty when it is
    /// about no key.
    let key: String
    /// What is wrong, and what was meant.
    let message: String

    /// `FILE:LINE:COLUMN: KEY: message`.
    var description: String { "\(file):\(line):\(column): " + (key.isEmpty ? "" : "\(key): ") + message }
}

/// Every mistake that was found in a file.
struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In the order of the file; at least one.
    let issues: [ConfigurationIssue]

    /// A line for each.
    var description: String { issues.map(\.description).joined(separator: "\n") }
}

/// A file that could not be read at all.
struct UnreadableFile: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}
