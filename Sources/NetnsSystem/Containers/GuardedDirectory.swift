internal import CLinux
internal import Glibc

/// An open directory with what its path is worth: whether root or we ourselves alone could have put there what is in it.
///
/// A symbolic link is followed where root has put it (an administrator may move /var/lib/docker), and nowhere else: a user
/// could lead the agent to any file of the host.
struct GuardedDirectory: ~Copyable {
    let descriptor: FileDescriptor
    let stamp: FileStamp
    /// The first user on the way to whom a directory belongs; 0 while all are root's or ours.
    let owner: UInt32

    /// The root of the file system.
    static func root() throws(Errno) -> GuardedDirectory {
        try GuardedDirectory(FileDescriptor.open("/", O_RDONLY | O_DIRECTORY), below: 0)
    }

    private init(_ descriptor: consuming FileDescriptor, below owner: UInt32) throws(Errno) {
        stamp = try FileStamp(of: descriptor)
        self.owner = stamp.owner(below: owner)
        self.descriptor = descriptor
    }

    /// A directory in it.
    func directory(_ name: String) throws(Errno) -> GuardedDirectory {
        do {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK
            return try GuardedDirectory(.open(name, at: descriptor.rawValue, flags), below: owner)
        } catch {
            // O_DIRECTORY and O_NOFOLLOW on a symbolic link: ENOTDIR.
            guard error == .notDirectory || error == .loop, owner == 0, try isTrustedLink(name) else { throw error }
            return try GuardedDirectory(
                .open(name, at: descriptor.rawValue, O_RDONLY | O_DIRECTORY | O_NONBLOCK), below: owner)
        }
    }

    private func isTrustedLink(_ name: String) throws(Errno) -> Bool {
        let stamp = try unsafe FileStamp(at: descriptor.rawValue, name)
        return stamp.isLink && stamp.owner(below: owner) == 0
    }

    /// A file below it, by its path, on which no symbolic link is followed. Whatever is no regular file throws EINVAL.
    func file(_ path: Substring) throws(Errno) -> GuardedFile {
        if let slash = path.utf8.firstIndex(of: UInt8(ascii: "/")) {
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK
            let next = try GuardedDirectory(
                .open(String(path[..<slash]), at: descriptor.rawValue, flags), below: owner)
            return try next.file(path[path.utf8.index(after: slash)...])
        }
        let file = try FileDescriptor.open(String(path), at: descriptor.rawValue, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
        let stamp = try FileStamp(of: file)
        guard stamp.isRegular else { throw .invalid }
        return GuardedFile(descriptor: file, owner: stamp.owner(below: owner))
    }
}

/// An open file, and whose word it is.
struct GuardedFile: ~Copyable {
    let descriptor: FileDescriptor
    /// 0 for root's and our own.
    let owner: UInt32
}

/// What fstatat(2) says of a file, as far as it changes when the file does.
struct FileStamp: Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let mode: UInt32
    private let user: UInt32
    private let size: Int64
    private let modified: Moment
    private let changed: Moment

    private struct Moment: Equatable, Comparable {
        let seconds: Int
        let nanoseconds: Int

        init(_ time: timespec) {
            seconds = time.tv_sec
            nanoseconds = time.tv_nsec
        }

        static func < (a: Moment, b: Moment) -> Bool { (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds) }
    }

    /// Of an open file.
    init(of file: borrowing FileDescriptor) throws(Errno) { self.init(try file.status()) }

    /// Of what is at a NUL-terminated path below a directory; a symbolic link is itself.
    init(at directory: Int32, _ path: UnsafePointer<CChar>) throws(Errno) {
        var status = stat()
        guard unsafe fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw .last }
        self.init(status)
    }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        mode = status.st_mode
        user = status.st_uid
        size = Int64(status.st_size)
        modified = Moment(status.st_mtim)
        changed = Moment(status.st_ctim)
    }

    var isRegular: Bool { mode & S_IFMT == S_IFREG }
    var isLink: Bool { mode & S_IFMT == S_IFLNK }

    /// The user whose word this is, in a directory of `owner`: 0 for root's and our own.
    func owner(below owner: UInt32) -> UInt32 {
        owner != 0 ? owner : user == geteuid() ? 0 : user
    }

    /// Whether a change after `now` would show: the kernel dates files by ticks of a coarse clock, and a file that was
    /// changed in the present tick may be changed again in it.
    func isSettled(at now: timespec) -> Bool { max(modified, changed) < Moment(now) }

    /// The time of the clock by which the kernel dates files, now.
    static func now() -> timespec {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &now)
        return now
    }
}
