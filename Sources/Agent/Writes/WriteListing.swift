internal import FoundationEssentials
internal import NetnsCore
internal import NetnsSystem

/// Writes, for a program: names are those of the labels, and what is not known is not there.
struct WriteListing: Codable {
    struct Entry: Codable, Equatable {
        /// One more than that of the write before; absent where there is no history.
        let number: UInt64?
        /// When, RFC 3339 in UTC.
        let time: String
        let netns: String
        let inode: UInt64
        let sysctl: String
        /// What it showed before; absent for a key. Long values are cut at 128 bytes.
        let old: String?
        /// What was written; absent for a key.
        let new: String?
        /// What it showed afterwards; absent when it was not read back.
        let actual: String?
        /// `applied`, `refused` or `unknown`.
        let result: String
        /// `inside`, `host`, `container` or `unknown`.
        let from: String
        /// That of the writer, where it is in one.
        let container: String?
        let pid: Int32
        let ppid: Int32
        let command: String
        let executable: String?
        let uid: UInt32
        let user: String
        let loginUID: UInt32?
        /// The inodes of the writer's namespaces.
        let writerNamespaces: Namespaces

        private enum CodingKeys: String, CodingKey {
            case number, time, netns, inode, sysctl, old, new, actual, result, from, container, pid, ppid, command
            case executable, uid, user
            case loginUID = "login_uid"
            case writerNamespaces = "writer_namespaces"
        }

        init(_ write: SysctlWrite, number: UInt64? = nil) {
            self.number = number
            time = WallClock.timestamp(of: write.time)
            netns = write.namespaceName
            inode = write.inode
            sysctl = write.sysctl.dotted
            old = write.old?.text
            new = write.new?.text
            actual = write.actual
            result = write.result.rawValue
            from = write.origin.rawValue
            container = write.writerContainer
            pid = write.writer.pid
            ppid = write.writer.parent
            command = write.writer.command
            executable = write.writer.executable
            uid = write.writer.uid
            user = write.user
            loginUID = write.writer.loginUID
            writerNamespaces = Namespaces(
                net: write.writer.network, mnt: write.writer.mounts, pid: write.writer.processes,
                user: write.writer.users)
        }

        /// One line, for a person.
        var line: String {
            let values =
                new.map { new in
                    let shown = actual.flatMap { result == "applied" && $0 != new ? " (shows \($0))" : nil } ?? ""
                    return "\(old ?? "?") -> \(new)\(shown)"
                } ?? "(a key)"
            var text = "\(time)  \(netns)  \(sysctl)  \(values)  \(result)  from \(from)"
            if let container { text += " \(container)" }
            text += "  pid \(pid) \(command)"
            if let executable { text += " (\(executable))" }
            text += "  ppid \(ppid)  uid \(uid) \(user)"
            if let loginUID { text += "  login uid \(loginUID)" }
            return PrintableText.string(Array(text.utf8)) + "\n"
        }
    }

    struct Namespaces: Codable, Equatable {
        let net: UInt64
        let mnt: UInt64
        let pid: UInt64
        let user: UInt64
    }

    /// Oldest first.
    let writes: [Entry]
    /// The number of the last write of all.
    let last: UInt64
    /// Writes heard since the agent started.
    let heard: UInt64
    /// Writes that happened and were not heard.
    let lost: UInt64

    init(_ found: (entries: [WriteHistory.Entry], last: UInt64), _ counts: WriteWatch.Counts) {
        writes = found.entries.map { Entry($0.write, number: $0.number) }
        last = found.last
        heard = counts.heard
        lost = counts.lost
    }
}

extension WriteListing.Entry {
    /// In one sentence, for a person: `sysctl (pid 4711, user root) from the host, 600 to 700, 2026-11-25T22:17:53.123Z`.
    var sentence: String {
        let place =
            switch SysctlWrite.Origin(rawValue: from) {
            case .inside: "from inside"
            case .host: "from the host"
            case .container: "from container \(container ?? "?")"
            case .unknown, nil: "from an unknown place"
            }
        let values = new.map { "\(old ?? "?") to \($0)" } ?? "a key"
        let text = "\(command) (pid \(pid), user \(user)) \(place), \(values), \(time)"
        return PrintableText.string(Array(text.utf8)) + (result == "refused" ? ", refused" : "")
    }

    /// As JSON on one line.
    func json() throws -> String { String(decoding: try APIEncoder.encode(self), as: UTF8.self) }
}

/// Which writes are asked for.
struct WriteFilter: Sendable {
    /// More are never told at once.
    static let maximum = 10_000

    var netns: String?
    var sysctl: SysctlPattern?
    /// Only those with a higher number.
    var after: UInt64 = 0
    /// The newest, at most so many.
    var limit = 1000

    func admits(_ write: SysctlWrite) -> Bool {
        (netns.map { $0 == write.namespaceName } ?? true) && (sysctl.map { $0.matches(write.sysctl) } ?? true)
    }
}
