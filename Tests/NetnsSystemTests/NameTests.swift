import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Names, in a directory of the test's own in place of /run/netns: a namespace called `host` in the real one would
    /// rename the host for everybody.
    @Suite struct NameTests {
        @Test func ofIpNetnsOfNothingAndOfTheHost() throws {
            let namespace = try NamedNamespace()
            let child = try NamespaceHolder.process()
            let inode = try namespaceInode("/proc/\(child.pid)/ns/net")
            let engine = try EngineUnderTest()
            try engine.collect([])
            #expect(engine[namespace.inode]?.name == namespace.name)
            #expect(engine[inode]?.name == "net:[\(inode)]")
            let host = try #require(engine[try namespaceInode("/proc/self/ns/net")])
            #expect(host.name.hasPrefix("host"))
            #expect(host.isHost)
            #expect(engine.namespaces.count { $0.isHost } == 1)
            #expect(Set(engine.names).count == engine.names.count)
            #expect(engine.names == engine.names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        }

        @Test func aNamespaceCalledHost() throws {
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            let engine = try EngineUnderTest(["host*"]) { $0.paths.namedNamespaces = directory.path }
            try engine.collect([])
            #expect(engine.names == ["host"])
            try directory.mount(namespace.path, as: "host")
            try engine.collect([])
            let own = try namespaceInode("/proc/self/ns/net")
            // Nobody takes the host's name.
            #expect(Set(engine.names) == ["host", "host@\(namespace.inode)"])
            #expect(engine[own]?.name == "host" && engine[own]?.isHost == true)
            #expect(engine[namespace.inode]?.isHost == false)
            // Once the other has gone, the host is the host again.
            try Command.check("umount", "\(directory.path)/host")
            try engine.collect([])
            #expect(engine.names == ["host"])
        }

        @Test(
            arguments: [
                ("two\nlines", "two\\x0alines"), ("quo\"tes'", "quo\"tes'"), ("a space", "a space"),
                ("tab\there", "tab\\x09here"), ("Zürich-日本", "Zürich-日本"), ("back\\slash", "back\\slash"),
                ("\\040", "\\040"), ("x.y@1", "x.y@1"),
            ])
        func unusual(_ file: String, _ name: String) throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "1234")
            let directory = try TemporaryDirectory()
            try directory.mount(namespace.path, as: file)
            // Its only holder is the odd path.
            try namespace.delete()
            let engine = try EngineUnderTest { $0.paths.namedNamespaces = directory.path }
            try engine.collect(.sysctls)
            let sample = try #require(engine[namespace.inode])
            #expect(sample.name == name)
            #expect(sample.wasRead)
            #expect(sample.value("net.ipv4.tcp_keepalive_time") == "1234")
        }

        @Test func inTheDirectoryOfIpNetns() throws {
            let namespace = try NamedNamespace(NamedNamespace.uniqueName("nt ü'\""))
            let engine = try EngineUnderTest()
            try engine.collect([])
            #expect(engine[namespace.inode]?.name == namespace.name)
        }

        /// Of two names of one namespace the first in the order of their bytes counts.
        @Test func twoMountsOfOneNamespace() throws {
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            try directory.mount(namespace.path, as: "second")
            try directory.mount(namespace.path, as: "first")
            let engine = try EngineUnderTest { $0.paths.namedNamespaces = directory.path }
            try engine.collect([])
            let sample = try #require(engine[namespace.inode])
            #expect(sample.name == "first")
            #expect(sample.mounts.count == 3)
        }

        @Test func takenByAForeignMountNamespace() throws {
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            try directory.mount(namespace.path, as: "mine")
            let child = try ChildProcess(
                "unshare", "--mount", "--propagation", "private", "sh", "-ec",
                """
                mount -t tmpfs none "$1"
                touch "$1/mine" "$1/other"
                unshare --net="$1/mine" true
                unshare --net="$1/other" true
                stat -c %i "$1/mine" "$1/other" > "$1/inodes"
                echo ready
                read wait || :
                """, "sh", directory.path)
            let text = try String(contentsOfFile: "/proc/\(child.pid)/root\(directory.path)/inodes", encoding: .utf8)
            let inodes = text.split(separator: "\n").compactMap { UInt64($0) }
            try #require(inodes.count == 2)
            let engine = try EngineUnderTest {
                $0.paths.namedNamespaces = directory.path
                $0.deepInterval = 600
            }
            try engine.collect([])
            #expect(engine[namespace.inode]?.name == "mine")
            #expect(engine[inodes[0]]?.name == "mine@\(inodes[0])")
            #expect(engine[inodes[1]]?.name == "other")
            #expect(engine[inodes[1]]?.wasRead == true)
        }

        @Test func theHostNamespaceAtAPath() throws {
            let namespace = try NamedNamespace()
            let other = try NamedNamespace()
            // Ids are those that the given host has for the others.
            try Command.check("ip", "-n", namespace.name, "netns", "set", other.name, "4243")
            let engine = try EngineUnderTest { $0.paths.hostNamespace = namespace.path }
            try engine.collect([])
            let host = try #require(engine.namespaces.first { $0.isHost })
            #expect(host.inode == namespace.inode)
            #expect(host.name == "host")
            #expect(engine[other.inode]?.nsid == 4243)
        }

        @Test func namespaceIDs() throws {
            let namespace = try NamedNamespace()
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect([])
            #expect(engine[namespace.inode]?.nsid == nil)
            let id = Int32(1_000_000 + getpid() % 1_000_000)
            try Command.check("ip", "netns", "set", namespace.name, "\(id)")
            try engine.collect([])
            #expect(engine[namespace.inode]?.nsid == id)
        }

        @Test func pathsThatAreNoNamespace() throws {
            let directory = try TemporaryDirectory()
            let file = "\(directory.path)/file"
            try Data().write(to: URL(fileURLWithPath: file))
            for path in [file, "/proc/self/ns/mnt", "/dev/null"] {
                let error = #expect(throws: SystemError.self) {
                    _ = try EngineUnderTest { $0.paths.hostNamespace = path }
                }
                #expect(error?.errno == .invalid)
                #expect(error?.description.contains("HostToContainer") == true)
            }
            #expect(
                throws: SystemError(
                    "open", "/nowhere", .noSuchFile,
                    advice: "is procfs mounted there? "
                        + "--path.procfs says where")
            ) { _ = try EngineUnderTest { $0.paths.procfs = "/nowhere" } }
        }
    }
}
