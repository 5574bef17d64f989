import CLinux
import Foundation
import NetnsCore
import Synchronization
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// What may stand where a namespace was: it is refused, and nothing waits for it.
    @Suite struct HandleTests {
        /// The errno of opening a holder, nil when it opened; on a thread, so that one that waits does not stop the test.
        private func failure(_ holder: Holder, inode: UInt64, fifo: String? = nil) throws -> NetnsSystem.Errno? {
            let monitor = Monitor<NetnsSystem.Errno??>(nil)
            let thread = try NativeThread("open") {
                var result: NetnsSystem.Errno?
                do throws(NetnsSystem.Errno) {
                    _ = try NamespaceHandle.open(holder, inode: inode, paths: SystemPaths())
                } catch { result = error }
                monitor.withLock { $0 = .some(result) }
            }
            let result = monitor.wait(until: Instant.now().advanced(bySeconds: 10)) { $0 }
            // A writer lets a waiting reader go on.
            if result == nil, let fifo { FileDescriptor.close(unsafe open(fifo, O_RDWR | O_NONBLOCK)) }
            thread.join()
            return try #require(result, "opening \(holder) waits")
        }

        private let own = getpid()

        @Test func aNamespace() throws {
            let namespace = try NamedNamespace()
            let path = Array(namespace.path.utf8)
            #expect(try failure(.mount(path: path), inode: namespace.inode) == nil)
            #expect(try failure(.foreignMount(pid: own, path: path), inode: namespace.inode) == nil)
            #expect(try failure(.process(pid: own), inode: try namespaceInode("/proc/self/ns/net")) == nil)
            // Another namespace is not the one that was looked for.
            for holder in [Holder.mount(path: path), .foreignMount(pid: own, path: path), .process(pid: own)] {
                #expect(try failure(holder, inode: 1) == .stale)
            }
        }

        @Test func filesThatAreNone() throws {
            let directory = try TemporaryDirectory()
            let fifo = "\(directory.path)/fifo"
            let file = "\(directory.path)/file"
            let made = unsafe mkfifo(fifo, 0o600)
            try #require(made == 0)
            try Data().write(to: URL(fileURLWithPath: file))
            for path in [fifo, file, "/dev/null", "/dev/ptmx", directory.path] {
                let inode = try NamedNamespace.inode(of: path)
                let bytes = Array(path.utf8)
                #expect(try failure(.mount(path: bytes), inode: inode, fifo: fifo) == .stale)
                #expect(try failure(.foreignMount(pid: own, path: bytes), inode: inode, fifo: fifo) == .stale)
            }
            #expect(try failure(.mount(path: Array("/nowhere".utf8)), inode: 1) == .noSuchFile)
            #expect(try failure(.foreignMount(pid: own, path: Array("/nowhere".utf8)), inode: 1) == .noSuchFile)
        }

        @Test func descriptorsAndSocketsThatAreNone() throws {
            let directory = try TemporaryDirectory()
            let fifo = "\(directory.path)/fifo"
            let made = unsafe mkfifo(fifo, 0o600)
            try #require(made == 0)
            // Descriptors 0 and 1 are pipes, 3 is a FIFO, 4 a file, 5 is closed.
            let child = try ChildProcess(
                "sh", "-c", "exec 3<>\"$1\" 4</dev/null; echo ready; read wait", "sh", fifo)
            for fd: Int32 in [0, 1, 3, 4] {
                let inode = try NamedNamespace.inode(of: "/proc/\(child.pid)/fd/\(fd)")
                #expect(try failure(.descriptor(pid: child.pid, fd: fd), inode: inode, fifo: fifo) == .stale)
                #expect(try failure(.socket(pid: child.pid, fd: fd), inode: inode, fifo: fifo) == .stale)
            }
            #expect(try failure(.descriptor(pid: child.pid, fd: 77), inode: 1) == .noSuchFile)
            #expect(try failure(.socket(pid: child.pid, fd: 77), inode: 1) == .stale)
            let pid = child.pid
            child.end()
            let holders: [Holder] = [
                .process(pid: pid), .thread(pid: pid, tid: pid), .descriptor(pid: pid, fd: 0),
                .socket(pid: pid, fd: 0), .foreignMount(pid: pid, path: [0x2F]),
            ]
            for holder in holders { #expect(try failure(holder, inode: 1)?.meansGone == true, "\(holder)") }
        }

        /// A container may put a link where a mount was: it leads nowhere but into the container.
        @Test func linksInAnotherRoot() throws {
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory.path)/link", withDestinationPath: namespace.path)
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory.path)/up", withDestinationPath: "../../../../../..\(namespace.path)")
            let child = try ChildProcess(
                "/usr/bin/python3", "-c",
                "import os, sys; os.chroot(sys.argv[1]); print('ready', flush=True); sys.stdin.read()", directory.path)
            for path in ["/link", "/up", namespace.path] {
                let holder = Holder.foreignMount(pid: child.pid, path: Array(path.utf8))
                #expect(try failure(holder, inode: namespace.inode) == .noSuchFile)
            }
        }

        /// Nothing of another type is taken for a network namespace when a path is given by an administrator.
        @Test func anotherTypeOfNamespace() throws {
            for type in ["mnt", "pid", "user", "uts"] {
                #expect(throws: SystemError.self) { _ = try NamespaceHandle.at("/proc/self/ns/\(type)") }
            }
            let own = try NamespaceHandle.at("/proc/self/ns/net").inode()
            #expect(try own == namespaceInode("/proc/self/ns/net"))
        }

        /// `enter` moves the thread that calls it, and no other.
        @Test func entering() throws {
            let namespace = try NamedNamespace()
            let seen = Mutex<[UInt64]>([])
            let path = namespace.path
            try NativeThread("enter") {
                guard let handle = try? NamespaceHandle.at(path), (try? handle.enter()) != nil,
                    let current = try? NamespaceHandle.current().inode(),
                    let cookie = try? NetlinkSocket().namespaceCookie()
                else { return }
                seen.withLock { $0 = [current, cookie] }
            }.join()
            let (inode, cookie) = try #require(seen.withLock { $0.count == 2 ? ($0[0], $0[1]) : nil })
            #expect(inode == namespace.inode)
            let host = try #require(try NetlinkSocket().namespaceCookie())
            #expect(cookie != host)
            let here = try NamespaceHandle.current().inode()
            #expect(try here == namespaceInode("/proc/self/ns/net"))
        }

        @Test func netlinkErrors() throws {
            let file = try FileDescriptor.open("/dev/null", O_RDONLY)
            var socket = try NetlinkSocket()
            let buffer = NetlinkBuffer()
            for descriptor in [file.rawValue, 12_345] {
                let error = #expect(throws: NetlinkError.self) {
                    _ = try socket.namespaceID(of: descriptor, buffer: buffer)
                }
                guard case .errno = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            // The same socket works on: the answers of before are not taken for later ones.
            let namespace = try NamedNamespace()
            let handle = try NamespaceHandle.at(namespace.path)
            #expect(try socket.namespaceID(of: handle.rawValue, buffer: buffer) == nil)
            var links: [Link] = []
            try socket.dumpLinks(into: &links, buffer: buffer)
            #expect(links.contains { $0.name.description == "lo" })
            try Command.check("ip", "netns", "set", namespace.name, "\(3_000_000 + getpid() % 1_000_000)")
            #expect(
                try socket.namespaceID(of: handle.rawValue, buffer: buffer) == 3_000_000 + getpid() % 1_000_000)
        }
    }
}
