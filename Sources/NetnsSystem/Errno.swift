internal import CLinux
internal import Glibc

/// An error number of the kernel. Any value can be represented, also one that this program has no name for.
public struct Errno: RawRepresentable, Error, Hashable, Sendable, CustomStringConvertible {
    /// The positive number.
    public let rawValue: Int32
    /// An error with this number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The calling thread's last error.
    static var last: Errno { Errno(rawValue: errno) }

    /// EPERM
    public static let notPermitted = Errno(rawValue: EPERM)
    /// ENOENT
    public static let noSuchFile = Errno(rawValue: ENOENT)
    /// ESRCH
    public static let noSuchProcess = Errno(rawValue: ESRCH)
    /// EINTR
    public static let interrupted = Errno(rawValue: EINTR)
    /// EBADF
    public static let badDescriptor = Errno(rawValue: EBADF)
    /// EACCES
    public static let accessDenied = Errno(rawValue: EACCES)
    /// EFAULT
    public static let badAddress = Errno(rawValue: EFAULT)
    /// EINVAL
    public static let invalid = Errno(rawValue: EINVAL)
    /// EMFILE: this process has as many descriptors as it may.
    public static let tooManyDescriptors = Errno(rawValue: EMFILE)
    /// ENFILE: the host has.
    public static let tooManyFiles = Errno(rawValue: ENFILE)
    /// EAGAIN
    public static let again = Errno(rawValue: EAGAIN)
    /// ENOTDIR
    public static let notDirectory = Errno(rawValue: ENOTDIR)
    /// ESTALE: what is there now is not what was looked for.
    public static let stale = Errno(rawValue: ESTALE)
    /// ENOSYS
    public static let notImplemented = Errno(rawValue: ENOSYS)
    /// EOPNOTSUPP
    public static let notSupported = Errno(rawValue: EOPNOTSUPP)
    /// EBADMSG: bytes that are not what the protocol allows.
    public static let badMessage = Errno(rawValue: EBADMSG)
    /// EBUSY
    public static let busy = Errno(rawValue: EBUSY)
    /// EXDEV
    public static let crossDevice = Errno(rawValue: EXDEV)
    /// ELOOP
    public static let loop = Errno(rawValue: ELOOP)

    /// What a process that ended, or a file that went, answers: normal while a host is looked at, and no error.
    public var meansGone: Bool { self == .noSuchFile || self == .noSuchProcess || self == .stale }

    /// What a want of descriptors answers: nothing is wrong with what was to be opened.
    public var meansShortage: Bool { self == .tooManyDescriptors || self == .tooManyFiles }

    /// What a missing right answers.
    public var meansDenied: Bool { self == .accessDenied || self == .notPermitted }

    /// The symbolic name: `ENOENT`. Source: strerrorname_np(3).
    public var name: String {
        guard let name = unsafe nd_errno_name(rawValue) else { return "E\(rawValue)" }
        return unsafe String(cString: name)
    }

    /// `No such file or directory (ENOENT)`
    public var description: String {
        guard let text = unsafe nd_errno_text(rawValue) else { return "error \(rawValue)" }
        return unsafe "\(String(cString: text)) (\(name))"
    }
}

/// A system call that failed: what was tried, on what, and the kernel's answer.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, in the infinitive: `open`, `enter`, `dump links of`.
    public let operation: String
    /// On what: a path, a namespace, a process.
    public let subject: String
    /// The kernel's answer.
    public let errno: Errno
    /// What to do about it, where it is known.
    public let advice: String?

    /// An error to be read by a person.
    public init(_ operation: String, _ subject: String, _ errno: Errno, advice: String? = nil) {
        self.operation = operation
        self.subject = subject
        self.errno = errno
        self.advice = advice
    }

    /// `cannot open /run/netns/a: No such file or directory (ENOENT)`, with the advice behind.
    public var description: String {
        "cannot \(operation) \(subject): \(errno)" + (advice.map { "; \($0)" } ?? "")
    }
}

/// Runs a system call of CLinux (a value, or -errno) again while it was interrupted.
///
/// Any error may come of it, EBADF and EFAULT too: a file system in user space (FUSE) answers what it likes.
@inline(__always)
func syscall(_ body: () -> Int32) throws(Errno) -> Int32 {
    while true {
        let result = body()
        if result >= 0 { return result }
        let error = Errno(rawValue: -result)
        if error == .interrupted { continue }
        throw error
    }
}
