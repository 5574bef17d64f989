/// A saved state: what the sysctls of some namespaces were, by the namespace's name.
public struct Baseline: Hashable, Sendable {
    /// The values, as one line each.
    public var namespaces: [String: [SysctlName: String]]

    /// A state of these values.
    public init(namespaces: [String: [SysctlName: String]] = [:]) { self.namespaces = namespaces }

    /// The value that a sysctl of a namespace had, nil when it was not saved.
    public func value(of sysctl: SysctlName, in namespace: String) -> String? { namespaces[namespace]?[sysctl] }
}
