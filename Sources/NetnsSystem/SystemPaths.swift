/// Where the host's files are: other places when the agent runs in a container or on fixtures.
public struct SystemPaths: Sendable, Hashable {
    /// procfs of the host's process-id namespace: `/proc`.
    public var procfs: String
    /// The namespace that is called `host`; nil for the one the agent was started in.
    public var hostNamespace: String?
    /// The directory of `ip netns`: `/run/netns`.
    public var namedNamespaces: String

    /// Paths with their usual values.
    public init(procfs: String = "/proc", hostNamespace: String? = nil, namedNamespaces: String = "/run/netns") {
        self.procfs = procfs
        self.hostNamespace = hostNamespace
        self.namedNamespaces = namedNamespaces
    }

    /// The directories whose mounts give names, each with a slash at its end.
    var nameDirectories: [String] {
        var directories = [namedNamespaces.hasSuffix("/") ? namedNamespaces : namedNamespaces + "/"]
        if directories == ["/run/netns/"] { directories.append("/var/run/netns/") }
        return directories
    }
}
