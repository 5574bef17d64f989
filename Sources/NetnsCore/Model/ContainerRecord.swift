/// What the files of one runtime in one directory say of one container. Several of these make a `Container`.
package struct ContainerRecord: Hashable, Sendable {
    package var id: String
    package var runtime: ContainerRuntime
    package var identity = ContainerIdentity()
    package var network = Container.Network.unknown
    package var pid: Int32?
    package var startTime: UInt64?
    package var created: Double?
    /// nil when no specification was read.
    package var declared: [DeclaredSysctl]?
    /// The user whose files these are; 0 for root's and our own.
    package var owner: UInt32

    package init(id: String, runtime: ContainerRuntime, owner: UInt32) {
        self.id = id
        self.runtime = runtime
        self.owner = owner
    }

    /// The containers that records tell of, by id, then runtime.
    ///
    /// Records are of one container when they have the same id and the same owner, and the id is one that a runtime drew
    /// at random or they agree on the process. A user's files never add to what root's say.
    package static func merged(_ records: [ContainerRecord]) -> [Container] {
        struct Key: Hashable {
            let id: String
            let owner: UInt32
            let pid: Int32?
        }
        let groups = Dictionary(grouping: records) {
            Key(id: $0.id, owner: $0.owner, pid: isDrawn($0.id) ? nil : $0.pid)
        }
        let containers = groups.values.map { group in
            let sorted = group.sorted { $0.order < $1.order }
            return Container(sorted.dropFirst().reduce(sorted[0]) { $0.adding($1) })
        }
        return containers.sorted {
            ($0.id, $0.runtime?.rawValue ?? "", $0.isTrusted ? 0 : 1, $0.pid ?? 0)
                < ($1.id, $1.runtime?.rawValue ?? "", $1.isTrusted ? 0 : 1, $1.pid ?? 0)
        }
    }

    /// Joined with what another file says of the same container; this one comes first.
    package func adding(_ other: ContainerRecord) -> ContainerRecord {
        var both = self
        if other.runtime.level < runtime.level { both.runtime = other.runtime }
        both.identity = identity.adding(other.identity)
        if network == .unknown { both.network = other.network }
        // A process id is worth more with the time of its start.
        if pid == nil || (startTime == nil && other.pid != nil && other.startTime != nil) {
            both.pid = other.pid
            both.startTime = other.startTime
        }
        both.created = created ?? other.created
        both.declared = declared ?? other.declared
        both.owner = owner == 0 ? other.owner : owner
        return both
    }

    /// Whether an id is 64 hexadecimal digits.
    private static func isDrawn(_ id: String) -> Bool {
        id.utf8.count == 64 && id.utf8.allSatisfy { ContainerCgroup.isHexDigit($0) }
    }

    /// The higher program first; records of the same one in an order that does not depend on that of the files.
    private var order: (Int, Int32, Double, String) {
        (runtime.level, pid ?? .max, created ?? .infinity, identity.name ?? "")
    }
}

extension ContainerRuntime {
    /// 0 for the programs that users speak to, more for those that these call.
    fileprivate var level: Int {
        switch self {
        case .docker: 0
        case .crio, .podman: 1
        case .containerd: 2
        case .crun: 3
        case .runc: 4
        }
    }

    /// Whether the id is what its user calls a container.
    fileprivate var namesByID: Bool { level >= 2 }
}

extension Container {
    fileprivate init(_ record: ContainerRecord) {
        id = record.id
        runtime = record.runtime
        name = record.identity.name
        if name == nil, record.identity.pod == nil, record.runtime.namesByID { name = record.id }
        pod = record.identity.pod
        podNamespace = record.identity.podNamespace
        isSandbox = record.identity.isSandbox
        network = record.network
        pid = record.pid
        startTime = record.startTime
        created = record.created
        declared = record.declared ?? []
        owner = record.owner
    }
}
