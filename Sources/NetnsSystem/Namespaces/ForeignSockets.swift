internal import CLinux
internal import Glibc
internal import NetnsCore
internal import Synchronization

/// The network namespaces that sockets of other processes live in.
///
/// A process may put anything in the place of a socket while it is asked for: to ask a FUSE's file, or only to close it, may
/// take for ever, and so may the last close(2) of a socket that lingers. So it is done on a thread that may be lost.
///
/// Source: pidfd_getfd(2), SIOCGSKNS of socket(7), fs/fuse/file.c fuse_flush().
enum ForeignSockets {
    /// What there is to be known of one descriptor.
    struct Answer: Sendable {
        let descriptor: Int32
        /// Open; `stale` when the descriptor is no socket by now.
        let result: Result<Handle, Errno>
    }

    /// A namespace that was opened, to be taken once.
    final class Handle: Sendable {
        private let file: Mutex<Int32>

        init(_ file: consuming FileDescriptor) { self.file = Mutex(file.release()) }

        deinit {
            let raw = file.withLock { $0 }
            if raw >= 0 { FileDescriptor.close(raw) }
        }

        /// `stale` when it was taken before.
        func take() throws(Errno) -> FileDescriptor {
            let raw = file.withLock { file in
                defer { file = -1 }
                return file
            }
            guard raw >= 0 else { throw .stale }
            return raw.asDescriptor
        }
    }

    /// How long one process's may take, seconds.
    private static let patience = 1.0

    /// The namespaces of descriptors of a process; nil when it takes too long.
    static func namespaces(of descriptors: [Int32], _ pid: Int32) -> [Answer]? {
        LosableThread.run(.init(.descriptors, "\(pid)"), within: patience) {
            do throws(Errno) {
                return try look(at: descriptors, of: syscall { nd_pidfd_open(pid) }.asDescriptor)
            } catch { return descriptors.map { Answer(descriptor: $0, result: .failure(error)) } }
        }
    }

    private static func look(at descriptors: [Int32], of process: borrowing FileDescriptor) -> [Answer] {
        var answers: [Answer] = []
        for descriptor in descriptors {
            do throws(Errno) {
                let socket = try duplicate(descriptor, of: process)
                let namespace = Handle(try namespace(ofSocket: socket))
                answers.append(Answer(descriptor: descriptor, result: .success(namespace)))
            } catch { answers.append(Answer(descriptor: descriptor, result: .failure(error))) }
        }
        return answers
    }

    /// A copy of descriptor `fd` of another process; `stale` when it has no such descriptor by now.
    private static func duplicate(_ fd: Int32, of process: borrowing FileDescriptor) throws(Errno) -> FileDescriptor {
        let raw = process.rawValue
        do throws(Errno) { return try syscall { nd_pidfd_getfd(raw, fd) }.asDescriptor } catch {
            throw error == .badDescriptor ? .stale : error
        }
    }

    /// The namespace a socket lives in; `stale` when the descriptor is no socket.
    private static func namespace(ofSocket socket: borrowing FileDescriptor) throws(Errno) -> FileDescriptor {
        let raw = socket.rawValue
        // Of what is no socket, ioctl(2) would ask whoever serves it, and take any number for a descriptor.
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(raw, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else { throw .stale }
        return try syscall { nd_socket_netns(raw) }.asDescriptor
    }
}
