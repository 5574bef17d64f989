internal import FoundationEssentials
internal import Glibc
internal import NetnsCore

/// What a directory of containers holds: one directory for each, with files of one runtime.
enum ContainerLayout: Hashable {
    case runc, crun, containerd, docker, storage

    /// The files of each container. Where there are two, the runtime writes the second for good before it makes the first:
    /// while that is unchanged, so is the other.
    var files: [ContainerFile] {
        switch self {
        case .runc: [.runcState]
        case .crun: [.crunStatus, .spec]
        case .containerd: [.initPid, .spec]
        case .docker: [.dockerConfig]
        case .storage: [.storageSpec]
        }
    }

    /// The files that tell of all of its containers.
    var listFiles: [String] { self == .storage ? ["containers.json", "volatile-containers.json"] : [] }

    /// The runtime of containers in the directory `name`, as long as no file says otherwise. containerd's directories are
    /// those of its namespaces, and docker's namespace is `moby`.
    func runtime(inDirectory name: String) -> ContainerRuntime {
        switch self {
        case .runc: .runc
        case .crun: .crun
        case .containerd: name == "moby" ? .docker : .containerd
        case .docker: .docker
        case .storage: .podman
        }
    }
}

/// A file that tells of one container, by its path below the container's directory.
///
/// conmon's `userdata/pidfile` of containers/storage is not among them: podman leaves it there when the container has
/// ended, and the number in it is soon somebody else's. The state of runc or crun has the process id, and when it started.
enum ContainerFile: String {
    case runcState = "state.json"
    case crunStatus = "status"
    case spec = "config.json"
    case initPid = "init.pid"
    case dockerConfig = "config.v2.json"
    case storageSpec = "userdata/config.json"

    /// The longest that is read.
    static let limit = 4 << 20
    /// The longest list of containers/storage that is read.
    static let listLimit = 64 << 20

    /// What the file says, added to `record`, which knows the id; false when it cannot be made out. `malformed` is called
    /// for each sysctl that can be none.
    func decode(_ bytes: borrowing RawSpan, into record: inout ContainerRecord, malformed: () -> Void) -> Bool {
        switch self {
        case .runcState:
            guard let state = JSON.decode(RuncState.self, bytes) else { return false }
            record.setProcess(state.pid, startTime: state.startTime)
            record.created = state.created
            record.setSpecification(state.network, state.sysctls, state.annotations, malformed: malformed)
        case .crunStatus:
            guard let status = JSON.decode(CrunStatus.self, bytes) else { return false }
            record.setProcess(status.pid, startTime: status.startTime)
            record.created = status.created
        case .spec, .storageSpec:
            guard let spec = JSON.decode(OCISpec.self, bytes) else { return false }
            record.setSpecification(spec.network, spec.sysctls, spec.annotations, malformed: malformed)
        case .initPid:
            let text = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0.prefix(16), as: UTF8.self) }
            guard let pid = Int32(text.split(whereSeparator: \.isWhitespace).first ?? "") else { return false }
            record.setProcess(pid, startTime: nil)
        case .dockerConfig:
            guard let config = JSON.decode(DockerConfig.self, bytes) else { return false }
            record.setProcess(config.pid, startTime: nil)
            record.created = config.created
            record.identity = config.identity
        }
        return true
    }

    /// The containers of a list of containers/storage; nil when it cannot be made out.
    static func decodeList(_ bytes: borrowing RawSpan, owner: UInt32) -> [ContainerRecord]? {
        JSON.decode([Lenient<StorageContainer>].self, bytes)?.compactMap(\.value).map { (entry: StorageContainer) in
            let metadata = entry.metadata.flatMap {
                unsafe JSON.decode(StorageContainer.Metadata.self, $0.utf8Span.span.bytes)
            }
            let isPod = metadata?.podName?.isEmpty == false
            var record = ContainerRecord(id: entry.id, runtime: isPod ? .crio : .podman, owner: owner)
            let name = metadata?.name ?? entry.listedName ?? ""
            record.identity = isPod ? ContainerIdentity(crioName: name) : ContainerIdentity(name: name)
            record.created = entry.created
            return record
        }
    }
}

extension ContainerRecord {
    fileprivate mutating func setProcess(_ pid: Int32?, startTime: UInt64?) {
        guard let pid, pid > 0 else { return }
        self.pid = pid
        self.startTime = startTime
    }

    fileprivate mutating func setSpecification(
        _ network: Container.Network, _ sysctls: DeclaredSysctls, _ annotations: [String: String], malformed: () -> Void
    ) {
        self.network = network
        declared = sysctls.values
        identity = ContainerIdentity(annotations: annotations)
        if let manager = ContainerRuntime(annotations: annotations) { runtime = manager }
        for _ in 0..<sysctls.malformed { malformed() }
    }
}

/// JSON of files that anybody may have written.
private enum JSON {
    /// nil when it is none, or not of this form; nesting deeper than the decoder's limit of 512 is none.
    static func decode<T: Decodable>(_ type: T.Type, _ bytes: borrowing RawSpan) -> T? {
        unsafe bytes.withUnsafeBytes { unsafe try? JSONDecoder().decode(type, from: Data($0)) }
    }
}
