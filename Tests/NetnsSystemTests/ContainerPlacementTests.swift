import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Files of runtimes, with the ids of processes that run.
    @Suite struct ContainerPlacementTests {
        /// A process in a network namespace of its own; `user` makes that in a user namespace, as without rights.
        private final class Inhabitant {
            private let child: ChildProcess
            let inode: UInt64
            let start: Int
            var pid: Int { Int(child.pid) }

            init(user: Int? = nil) throws {
                child =
                    try user.map {
                        try ChildProcess(
                            "setpriv", "--reuid", "\($0)", "--regid", "\($0)", "--clear-groups", "unshare", "--user",
                            "--map-root-user", "--net", "sh", "-c", "echo ready; read wait")
                    } ?? NamespaceHolder.process()
                inode = try namespaceInode("/proc/\(child.pid)/ns/net")
                let stat = Array(try Data(contentsOf: URL(fileURLWithPath: "/proc/\(child.pid)/stat")))
                start = Int(try #require(unsafe ProcessStat(stat.span.bytes)).startTicks)
            }

            func state(_ id: String, start: Int? = nil) -> String {
                RuntimeFiles.runcState(id, pid: pid, start: start ?? self.start)
            }
        }

        private func engine(
            _ host: ContainerHost, _ change: (inout EngineSettings) -> Void = { _ in }
        ) throws -> EngineUnderTest {
            try EngineUnderTest {
                $0.containers = ContainerPaths(rootfs: host.directory.path)
                change(&$0)
            }
        }

        @Test func byTheProcessAndWhenItStarted() throws {
            let one = try Inhabitant()
            let host = try ContainerHost(["/run/runc/web/state.json": one.state("web", start: one.start + 1)])
            let engine = try engine(host)
            try engine.collect([])
            #expect(engine[one.inode]?.name == "net:[\(one.inode)]" && engine[one.inode]?.owner == nil)
            try host.write("/run/runc/web/state.json", one.state("web"))
            try engine.collect([])
            #expect(engine[one.inode]?.name == "web" && engine[one.inode]?.owner?.runtime == .runc)
            try host.remove("/run/runc/web")
            try engine.collect([])
            #expect(engine[one.inode]?.name == "net:[\(one.inode)]" && engine[one.inode]?.containers.isEmpty == true)
        }

        /// What a user writes of a process that is not the user's names nothing, hides nothing, and declares nothing.
        @Test func aUsersFilesOfAnothersNamespace() throws {
            let (bare, contained) = (try Inhabitant(), try Inhabitant())
            let named = try NamedNamespace()
            let inside = try ChildProcess("nsenter", "--net=\(named.path)", "sh", "-c", "echo ready; read wait")
            let stat = Array(try Data(contentsOf: URL(fileURLWithPath: "/proc/\(inside.pid)/stat")))
            let start = Int(try #require(unsafe ProcessStat(stat.span.bytes)).startTicks)
            let user = "/run/user/1000/runc"
            let host = try ContainerHost([
                "/run/runc/web/state.json": contained.state("web"),
                "\(user)/a/state.json": bare.state("a"), "\(user)/b/state.json": contained.state("b"),
                "\(user)/web/state.json": contained.state("web"),
                "\(user)/c/state.json": RuntimeFiles.runcState("c", pid: Int(inside.pid), start: start),
            ])
            try host.give("/run/user/1000", to: 1000)
            let engine = try engine(host) { $0.include = [Glob("web"), Glob("net:*"), Glob(named.name)] }
            try engine.collect([])
            #expect(engine[bare.inode]?.name == "net:[\(bare.inode)]")
            #expect(engine[bare.inode]?.containers.isEmpty == true)
            #expect(engine[contained.inode]?.name == "web")
            #expect(engine[contained.inode]?.containers.map(\.id) == ["web"])
            #expect(engine[named.inode]?.name == named.name && engine[named.inode]?.containers.isEmpty == true)
        }

        /// In a namespace of the user's own they name it, below what root says, and do not decide whether it is watched.
        @Test func aUsersOwnNamespace() throws {
            let (theirs, other, roots) = (try Inhabitant(user: 1000), try Inhabitant(user: 1001), try Inhabitant())
            let user = "/run/user/1000/runc"
            let host = try ContainerHost([
                "\(user)/web/state.json": theirs.state("web"), "\(user)/x/state.json": other.state("x"),
            ])
            try host.give("/run/user/1000", to: 1000)
            let engine = try engine(host) { $0.exclude = [Glob("web*")] }
            try engine.collect([])
            #expect(engine[theirs.inode]?.name == "web" && engine[theirs.inode]?.owner?.isTrusted == false)
            #expect(engine[other.inode]?.name == "net:[\(other.inode)]")
            try host.write("/run/runc/web/state.json", roots.state("web"))
            try engine.collect([])
            #expect(engine[roots.inode] == nil)
            #expect(engine[theirs.inode]?.name == "web@\(theirs.inode)")
            // Root gave it a name too.
            let directory = try TemporaryDirectory()
            try directory.mount("/proc/\(theirs.pid)/ns/net", as: "lab")
            let mounted = try self.engine(host) { $0.paths.namedNamespaces = directory.path }
            try mounted.collect([])
            #expect(mounted[theirs.inode]?.name == "lab" && mounted[theirs.inode]?.owner?.name == "web")
            #expect(mounted[roots.inode]?.name == "web")
        }

        /// What cannot be opened for want of descriptors is as it was.
        @Test func withoutDescriptors() throws {
            let host = try ContainerHost(["/run/runc/web/state.json": RuntimeFiles.runcState("web", pid: 7)])
            #expect(host.containers().count == 1)
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var low = rlimit(rlim_cur: 3, rlim_max: limit.rlim_max)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low)
            let changed = host.catalog.refresh()
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            #expect(!changed && host.catalog.containers.count == 1 && host.errors.keys.elementsEqual(["EMFILE"]))
            #expect(!host.catalog.refresh())
        }

        /// Where no file tells of the process, its cgroup does; a cgroup of a user's says nothing of root's containers.
        @Test func byTheCgroup() throws {
            let (a, b) = (try Inhabitant(), try Inhabitant(user: 1000))
            let (first, second) = (ContainerID.drawn(), ContainerID.drawn())
            let host = try ContainerHost([
                "/var/lib/docker/containers/\(first)/config.v2.json":
                    RuntimeFiles.dockerConfig(first, name: "web", pid: 0),
                "/var/lib/docker/containers/\(second)/config.v2.json":
                    RuntimeFiles.dockerConfig(second, name: "db", pid: 0),
            ])
            let groups = try [
                ControlGroup("docker-\(first).scope", a.pid), ControlGroup("docker-\(second).scope", b.pid),
            ]
            let engine = try engine(host)
            try engine.collect([])
            try withExtendedLifetime(groups) {
                #expect(engine[a.inode]?.name == "web" && engine[a.inode]?.owner?.id == first)
                #expect(engine[b.inode]?.name == "net:[\(b.inode)]" && engine[b.inode]?.owner?.id == second)
                #expect(engine[b.inode]?.owner?.isTrusted == false && engine[b.inode]?.owner?.name == nil)
                try host.remove("/var/lib/docker/containers/\(first)")
                try engine.collect([])
                #expect(engine[a.inode]?.name == "net:[\(a.inode)]" && engine[a.inode]?.owner?.runtime == .docker)
            }
        }
    }
}

/// A control group with one process in it; given back with its owner.
private final class ControlGroup {
    private let path: String
    private let home: String
    private let pid: Int

    init(_ name: String, _ pid: Int) throws {
        let unified = FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.procs")
        let root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids"
        path = "\(root)/\(name)"
        home = "\(root)/cgroup.procs"
        self.pid = pid
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Data("\(pid)\n".utf8).write(to: URL(fileURLWithPath: "\(path)/cgroup.procs"))
    }

    deinit {
        try? Data("\(pid)\n".utf8).write(to: URL(fileURLWithPath: home))
        _ = unsafe rmdir(path)
    }
}

extension ContainerID {
    /// An id that nobody had.
    static func drawn() -> String {
        (0..<64).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
    }
}
