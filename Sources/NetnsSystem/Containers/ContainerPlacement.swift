internal import Glibc
internal import NetnsCore

/// Puts containers into the namespaces that their processes are in.
///
/// A runtime's files say which process is a container's first one, and the scan of processes where that is. Where no file
/// tells the process, or no file can be read, the cgroup of a namespace's process tells the container.
///
/// Files and cgroups may be an ordinary user's, who can write into them what there is to be known of any process. So
/// they tell of that user's namespaces only, which is for the kernel to say: of those whose user namespace the user made.
///
/// Concurrency: belongs to the thread that collects.
struct ContainerPlacement: ~Copyable {
    /// The containers of each namespace, by inode, the one it was made for first.
    private(set) var members: [UInt64: [Container]] = [:]

    private let catalog: ContainerCatalog
    private let paths: SystemPaths
    private let procfs: FileDescriptor
    private var reader = FileReader(capacity: 1024)
    /// Where the process of each of the catalog's containers was seen last.
    private var seen: [UInt64?] = []
    /// Whether a process is the one that a container's files mean.
    private var proofs: [Proof: Bool] = [:]
    /// The container that the cgroup of a namespace's lowest process shows, by the namespace's inode.
    private var groups: [UInt64: Group] = [:]

    /// An id is one container's among those of one user.
    private struct Identity: Hashable {
        let id: String
        let owner: UInt32
    }

    private struct Proof: Hashable {
        let identity: Identity
        let pid: Int32
        let startTime: UInt64?
        let inode: UInt64
    }

    private struct Group {
        let pid: Int32
        let cgroup: ContainerCgroup?
        /// Whose the namespace is.
        let owner: UInt32
        /// How often the cgroup was read: a runtime moves a process into it after the start.
        let attempts: Int

        static let maximumAttempts = 3
    }

    /// A placement of a catalog's containers by the processes of the host.
    init(_ catalog: ContainerCatalog, paths: SystemPaths) throws {
        self.catalog = catalog
        self.paths = paths
        do { procfs = try FileDescriptor.open(paths.procfs, O_RDONLY | O_DIRECTORY) } catch {
            throw SystemError("open", paths.procfs, error)
        }
    }

    /// Looks again, after a scan; true when `members` changed.
    mutating func refresh(_ scan: borrowing ProcessScan) -> Bool {
        var changed = catalog.refresh()
        if changed { seen = Array(repeating: nil, count: catalog.containers.count) }
        for index in catalog.containers.indices {
            let inode = catalog.containers[index].pid.flatMap { scan.namespace(of: $0) }
            if inode != seen[index] {
                seen[index] = inode
                changed = true
            }
        }
        if readGroups(scan) { changed = true }
        guard changed else { return false }
        let before = members
        place()
        return members != before
    }

    /// Reads the cgroups of namespaces that are new, or whose process is; true when one shows another container.
    private mutating func readGroups(_ scan: borrowing ProcessScan) -> Bool {
        var changed = false
        for (inode, member) in scan.members {
            let known = groups[inode].flatMap { $0.pid == member.lowest ? $0 : nil }
            if let known, known.cgroup != nil || known.attempts == Group.maximumAttempts { continue }
            let cgroup = cgroup(of: member.lowest)
            if cgroup != groups[inode]?.cgroup { changed = true }
            groups[inode] = Group(
                pid: member.lowest, cgroup: cgroup,
                owner: cgroup.flatMap { _ in owner(of: inode, through: member.lowest) } ?? 0,
                attempts: (known?.attempts ?? 0) + 1)
        }
        guard groups.count > scan.members.count else { return changed }
        for inode in groups.keys where scan.members[inode] == nil { groups[inode] = nil }
        return true
    }

    private mutating func place() {
        members.removeAll(keepingCapacity: true)
        var placed: Set<Identity> = []
        var loose: [Identity: Container] = [:]
        var proofs: [Proof: Bool] = [:]
        for (container, inode) in zip(catalog.containers, seen) {
            let identity = Identity(id: container.id, owner: container.owner)
            guard let inode, let pid = container.pid else {
                loose[identity] = container
                continue
            }
            let proof = Proof(identity: identity, pid: pid, startTime: container.startTime, inode: inode)
            let isRight =
                self.proofs[proof]
                ?? (isFirstProcess(of: container, pid) && mayTell(container, of: inode, through: pid))
            proofs[proof] = isRight
            if isRight {
                members[inode, default: []].append(container)
                placed.insert(identity)
            } else {
                loose[identity] = container
            }
        }
        self.proofs = proofs
        // Of several namespaces whose processes are in one container's cgroup, the lowest process is the container's own.
        for (inode, group) in groups.sorted(by: { $0.value.pid < $1.value.pid }) where members[inode] == nil {
            guard let cgroup = group.cgroup else { continue }
            let identity = Identity(id: cgroup.id, owner: group.owner)
            guard placed.insert(identity).inserted else { continue }
            members[inode] = [loose[identity] ?? Container(cgroup, pid: group.pid, owner: group.owner)]
        }
        for inode in members.keys { members[inode]?.sort(by: Container.inOrderOfOwnership) }
    }

    /// Whether the process of that id is the one that the container's files mean: ids are used again, and files outlive
    /// what they tell of when nobody tidies up.
    private mutating func isFirstProcess(of container: Container, _ pid: Int32) -> Bool {
        guard let startTime = container.startTime else { return cgroup(of: pid)?.id == container.id }
        let stat = try? reader.read("\(pid)/stat", at: procfs.rawValue) { ProcessStat($0) }
        return stat?.startTicks == startTime
    }

    /// Whether a container's files count in the namespace that its process is in: root's do everywhere.
    private func mayTell(_ container: Container, of inode: UInt64, through pid: Int32) -> Bool {
        container.isTrusted || owner(of: inode, through: pid) == container.owner
    }

    /// The user whose namespace it is, 0 for root and ourselves; nil when the kernel does not say.
    private func owner(of inode: UInt64, through pid: Int32) -> UInt32? {
        guard let handle = try? NamespaceHandle.open(.process(pid: pid), inode: inode, paths: paths),
            let owner = try? handle.owner()
        else { return nil }
        return owner == geteuid() ? 0 : owner
    }

    private mutating func cgroup(of pid: Int32) -> ContainerCgroup? {
        (try? reader.read("\(pid)/cgroup", at: procfs.rawValue) { ContainerCgroup($0) }) ?? nil
    }
}
