import Glibc

/// Errno values as text: the sentence of strerror(3) and the constant's name.
enum ErrnoText {
    static let addressInUse = EADDRINUSE
    static let accessDenied = EACCES
    static let addressNotAvailable = EADDRNOTAVAIL
    static let exists = EEXIST
    static let noSuchFile = ENOENT

    /// For example `Address already in use (EADDRINUSE)`.
    static func describe(_ errno: Int32) -> String {
        // strerror's buffer is thread-local since glibc 2.32, and known numbers do not use it at all.
        let sentence = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "unknown error"
        return "\(sentence) (\(names[errno] ?? "errno \(errno)"))"
    }

    /// Those that opening a listening socket gives. strerrorname_np(3) would know them all, but Swift's Glibc module
    /// leaves out what needs _GNU_SOURCE.
    private static let names: [Int32: String] = [
        EACCES: "EACCES", EADDRINUSE: "EADDRINUSE", EADDRNOTAVAIL: "EADDRNOTAVAIL", EAFNOSUPPORT: "EAFNOSUPPORT",
        EBADF: "EBADF", EEXIST: "EEXIST", EINVAL: "EINVAL", EMFILE: "EMFILE", ENFILE: "ENFILE", ENOBUFS: "ENOBUFS",
        ENODEV: "ENODEV", ENOENT: "ENOENT",
        ENOMEM: "ENOMEM", ENOTSOCK: "ENOTSOCK", EPERM: "EPERM",
    ]
}
