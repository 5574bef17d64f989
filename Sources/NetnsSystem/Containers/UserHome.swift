internal import Glibc

/// The home directory of a user, asked for once: the name service may be slow.
///
/// Concurrency: belongs to its finder.
struct UserHome {
    let user: UInt32
    private let rootfs: String
    private var known: [PathComponent]?

    /// Of the host whose root is mounted at `rootfs`.
    init(of user: UInt32, rootfs: String) {
        self.user = user
        self.rootfs = rootfs
    }

    /// Its path below `rootfs`; nil for a user who has none.
    mutating func components() -> [PathComponent]? {
        let home = known ?? find().map(PathComponent.split) ?? []
        known = home
        return home.isEmpty ? nil : home
    }

    /// Source: getpwuid_r(3); in a container the host's users are those of a file, fgetpwent_r(3).
    private func find() -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16384) { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            var entry = unsafe passwd()
            var result: UnsafeMutablePointer<passwd>?
            if rootfs.isEmpty {
                guard unsafe getpwuid_r(user, &entry, base, buffer.count, &result) == 0, unsafe result != nil else {
                    return nil
                }
                return unsafe entry.pw_dir.map { unsafe String(cString: $0) }
            }
            guard let file = unsafe fopen("\(rootfs)/etc/passwd", "re") else { return nil }
            defer { unsafe fclose(file) }
            while unsafe fgetpwent_r(file, &entry, base, buffer.count, &result) == 0 {
                if unsafe entry.pw_uid == user { return unsafe entry.pw_dir.map { unsafe String(cString: $0) } }
            }
            return nil
        }
    }
}
