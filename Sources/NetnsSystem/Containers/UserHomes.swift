internal import Glibc

/// The home directories of users, asked for once each: the name service may be slow.
///
/// Concurrency: belongs to its catalog.
struct UserHomes {
    private let rootfs: String
    private var homes: [UInt32: [PathComponent]] = [:]

    /// Of the host whose root is mounted at `rootfs`.
    init(rootfs: String) { self.rootfs = rootfs }

    /// The homes of those of some users who have one, as paths below `rootfs`.
    mutating func components(of users: [UInt32]) -> [[PathComponent]] {
        users.compactMap { user in
            if homes[user] == nil { homes[user] = find(user).map(PathComponent.split) ?? [] }
            return homes[user].flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    /// Source: getpwuid_r(3); in a container the host's users are those of a file, fgetpwent_r(3).
    private func find(_ user: UInt32) -> String? {
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
