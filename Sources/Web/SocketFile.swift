import Glibc

/// The file of a unix socket: made by bind(2), removed when the listener goes.
struct SocketFile {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Binds a socket at a path, readable and writable for owner and group alone (0660). What an agent that was killed has
    /// left there is removed; a socket that somebody listens on, or another kind of file, is not.
    static func bind(_ path: String) throws(WebError) -> (descriptor: Int32, file: SocketFile) {
        func failure(_ operation: String, _ error: Int32) -> WebError {
            .listen(address: "unix:\(path)", operation: operation, errno: error)
        }
        guard let address = SocketAddress(unix: path) else { throw failure("bind", ENAMETOOLONG) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        var status = stat()
        if unsafe lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else { throw failure("bind", EEXIST) }
            let probe = socket(AF_UNIX, type, 0)
            guard probe >= 0 else { throw failure("socket", errno) }
            let result = unsafe address.withPointer { unsafe connect(probe, $0, $1) }
            let error = errno
            close(probe)
            // EAGAIN: its backlog is full, so somebody has it.
            guard result != 0, error == ECONNREFUSED else { throw failure("bind", EADDRINUSE) }
            unsafe unlink(path)
        }
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw failure("socket", errno) }
        // The mode that bind gives follows from umask(2): changed later, others could connect in between. The agent has one
        // thread at this time.
        let mask = umask(0o117)
        let bound = unsafe address.withPointer { unsafe Glibc.bind(descriptor, $0, $1) }
        let error = errno
        umask(mask)
        guard bound == 0 else {
            close(descriptor)
            throw failure("bind", error)
        }
        unsafe lstat(path, &status)
        return (descriptor, SocketFile(path: path, device: status.st_dev, inode: status.st_ino))
    }

    /// Removes the file, unless another one is there by now.
    func remove() {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
        unsafe unlink(path)
    }
}
