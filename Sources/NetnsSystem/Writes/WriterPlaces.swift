internal import Glibc
internal import NetnsCore

/// Who writes, and where: the namespaces by their cookies, and containers by the namespaces of their processes.
///
/// Concurrency: belongs to the thread that hears.
struct WriterPlaces: ~Copyable {
    private struct Home: Hashable {
        let pid: Int32
        let startTime: UInt64?
    }

    private struct Inodes {
        let mounts: UInt64
        let processes: UInt64
    }

    private let procfs: String
    private let ownMounts: UInt64
    private let links = LinkReader()
    private var sites: [UInt64: ProbeSite] = [:]
    private var known: [Home: Inodes] = [:]
    private var containers: [UInt64: Container] = [:]
    private var pending: [ProbeSite]?

    init(procfs: String) {
        self.procfs = procfs
        ownMounts = Self.inode("\(procfs)/self/ns/mnt") ?? 0
    }

    /// These are the namespaces from now on.
    mutating func take(_ sites: [ProbeSite]) { pending = sites }

    /// What is known of the namespace of a cookie.
    mutating func site(_ cookie: UInt64) -> ProbeSite? {
        refresh()
        return sites[cookie]
    }

    /// Fills in what is known of the written namespace and of the writer.
    mutating func complete(_ write: inout SysctlWrite) {
        refresh()
        let site = sites[write.cookie]
        write.namespace = site?.identity.name
        let container = containers[write.writer.mounts] ?? containers[write.writer.processes]
        write.writerContainer = container.map { $0.name ?? $0.pod ?? String($0.id.prefix(12)) }
        write.origin = SysctlWrite.Origin(
            of: write, isHostNamespace: site?.isHost ?? false, writerIsContained: container != nil,
            isMember: container.map { one in site?.containers.contains { $0.id == one.id } ?? false } ?? false)
    }

    /// Makes the tables, when something was heard since the sites changed: it takes two links a container, each looked at
    /// once in the life of its process.
    private mutating func refresh() {
        guard let pending else { return }
        self.pending = nil
        sites.removeAll(keepingCapacity: true)
        containers.removeAll(keepingCapacity: true)
        var alive: [Home: Inodes] = [:]
        for site in pending {
            if let cookie = site.cookie { sites[cookie] = site }
            for container in site.containers {
                guard let pid = container.pid else { continue }
                let home = Home(pid: pid, startTime: container.startTime)
                guard let inodes = known[home] ?? read(pid) else { continue }
                alive[home] = inodes
                // What it shares with the host tells nothing.
                if inodes.mounts != ownMounts { containers[inodes.mounts] = container }
                if inodes.processes != SysctlWrite.Writer.hostProcesses { containers[inodes.processes] = container }
            }
        }
        known = alive
    }

    private func read(_ pid: Int32) -> Inodes? {
        guard let mounts = Self.inode("\(procfs)/\(pid)/ns/mnt"), let processes = Self.inode("\(procfs)/\(pid)/ns/pid")
        else { return nil }
        return Inodes(mounts: mounts, processes: processes)
    }

    private static func inode(_ path: String) -> UInt64? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }
}
