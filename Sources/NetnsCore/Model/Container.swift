/// What made a container: the highest of the programs that had a part in it, since its words are the user's.
public enum ContainerRuntime: String, Sendable, Hashable {
    case docker
    case containerd
    case crio = "cri-o"
    case podman
    case crun
    case runc

    /// The manager that the annotations of a specification name, nil when they name none. Source: podman
    /// libpod/define/annotations.go and cri-o pkg/annotations: `io.container.manager`.
    package init?(annotations: [String: String]) {
        switch annotations["io.container.manager"] {
        case "libpod": self = .podman
        case "cri-o": self = .crio
        default: return nil
        }
    }
}

/// A container as its runtime's files on disk tell of it. It may be running, stopped or never started: whether its
/// process is alive is for the reader to see.
public struct Container: Hashable, Sendable {
    /// Where the network namespace of a container comes from.
    public enum Network: Hashable, Sendable {
        /// A network namespace of its own, made by the runtime.
        case own
        /// The one at this path: `/proc/PID/ns/net` of another container, `/run/netns/cni-...`.
        case path(String)
        /// That of the runtime itself: there is no network namespace in the specification.
        case host
        /// No file says.
        case unknown
    }

    /// What the runtime calls it: 64 hexadecimal digits, or a user's choice with plain runc, crun and ctr.
    public var id: String
    /// What made it; nil where only a cgroup tells of it, and does not say.
    public var runtime: ContainerRuntime?
    /// What a user calls it: docker's and podman's name, Kubernetes' container name, else the id where a user chose that.
    /// nil when it has none (a pod's sandbox) or its file cannot be read.
    public var name: String?
    /// The Kubernetes pod.
    public var pod: String?
    /// The Kubernetes namespace of the pod.
    public var podNamespace: String?
    /// Whether it is the pause or infra container that holds a pod's namespaces.
    public var isSandbox: Bool
    /// Where its network namespace comes from.
    public var network: Network
    /// The first process, in the host's numbers; nil when it does not run.
    public var pid: Int32?
    /// When that process started, clock ticks since boot, where the runtime wrote it down. Field 22 of proc_pid_stat(5).
    public var startTime: UInt64?
    /// When it was made, seconds since the epoch: to order containers by.
    public var created: Double?
    /// The `net.*` sysctls that its specification sets, by name.
    public var declared: [DeclaredSysctl]
    /// The user whose word all of this is: 0 when every file that tells of it is root's or our own.
    public var owner: UInt32
}

extension Container {
    /// Whether it is root's word, or our own.
    public var isTrusted: Bool { owner == 0 }
}

/// A sysctl that somebody asked a runtime to set.
public struct DeclaredSysctl: Hashable, Sendable {
    /// Its name.
    public let name: SysctlName
    /// The value as it was asked for.
    public let value: String

    /// A sysctl and its value.
    public init(name: SysctlName, value: String) {
        self.name = name
        self.value = value
    }
}
