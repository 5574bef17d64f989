extension Container {
    /// What a namespace that this container owns is called: its pod with the Kubernetes namespace, else the container.
    /// What would act on a terminal, or is no text, is written as `PrintableText` does.
    public var namespaceName: String? {
        if let pod {
            return PrintableText.string(Array((podNamespace.map { "\($0)/\(pod)" } ?? pod).utf8))
        }
        return name.map { PrintableText.string(Array($0.utf8)) }
    }

    /// Containers of one namespace in the order of who it was made for: a pod's sandbox, then one whose namespace the
    /// runtime made, or had made for it; last those that joined another's by way of its process.
    package static func inOrderOfOwnership(_ a: Container, _ b: Container) -> Bool {
        let (left, right) = (a.ownershipRank, b.ownershipRank)
        if left != right { return left < right }
        let (made, other) = (a.created ?? .infinity, b.created ?? .infinity)
        return made != other ? made < other : a.id < b.id
    }

    private var ownershipRank: Int {
        if isSandbox { return 0 }
        switch network {
        case .own: return 1
        // Made by the runtime's network part (CNI, netavark) and given by its mount.
        case .path(let path) where !path.hasSuffix("/ns/net"): return 2
        case .unknown: return 3
        case .path, .host: return 4
        }
    }

    /// A container of which only a process's cgroup tells, in a namespace of user `owner`.
    package init(_ cgroup: ContainerCgroup, pid: Int32, owner: UInt32) {
        self.init(
            id: cgroup.id, runtime: cgroup.runtime, name: nil, pod: nil, podNamespace: nil, isSandbox: false,
            network: .unknown, pid: pid, startTime: nil, created: nil, declared: [], owner: owner)
    }
}
