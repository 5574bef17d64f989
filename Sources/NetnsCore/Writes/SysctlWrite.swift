/// A write of a file of /proc/sys/net, as the kernel's hook reported it: who wrote what, in whose namespace.
///
/// The hook runs before the kernel takes the value, so `result` is found out afterwards (`WriteQueue`).
public struct SysctlWrite: Sendable, Hashable {
    /// What became of it.
    public enum Result: String, Sendable, CaseIterable {
        /// The sysctl has the value, or what the kernel made of it.
        case applied
        /// The sysctl has the value from before.
        case refused
        /// The sysctl could not be read back in time, or another write came in between.
        case unknown
    }

    /// From where a namespace's sysctl is written.
    public enum Origin: String, Sendable, CaseIterable {
        /// By a process of the container that the namespace belongs to, or of the user namespace that owns it.
        case inside
        /// By a process of the host: nsenter(1), ip-netns(8), a network plugin, or, in the host's own namespace, anybody.
        case host
        /// By a process of another container.
        case container
        /// By a process in a process-id namespace of which nothing is known.
        case unknown
    }

    /// The process that wrote, as it was then. Ids are those of the kernel's first process-id and user namespaces.
    public struct Writer: Sendable, Hashable {
        /// The process.
        public var pid: Int32
        /// The thread in it.
        public var thread: Int32
        /// Its parent.
        public var parent: Int32
        /// Its effective user.
        public var uid: UInt32
        /// Who logged in (the audit system's loginuid); nil where nobody did.
        public var loginUID: UInt32?
        /// /proc/PID/comm: up to 15 bytes, which a process chooses itself.
        public var command: String
        /// The path of the program in its own file system; begins with an ellipsis where the front of it is missing. nil for
        /// a thread of the kernel.
        public var executable: String?
        /// The inode of its network namespace.
        public var network: UInt64
        /// The inode of its mount namespace.
        public var mounts: UInt64
        /// The inode of its process-id namespace.
        public var processes: UInt64
        /// The inode of its user namespace.
        public var users: UInt64

        /// A process with all that is known of it.
        public init(
            pid: Int32, thread: Int32, parent: Int32, uid: UInt32, loginUID: UInt32?, command: String,
            executable: String?,
            network: UInt64, mounts: UInt64, processes: UInt64, users: UInt64
        ) {
            self.pid = pid
            self.thread = thread
            self.parent = parent
            self.uid = uid
            self.loginUID = loginUID
            self.command = command
            self.executable = executable
            self.network = network
            self.mounts = mounts
            self.processes = processes
            self.users = users
        }
    }

    /// A value as text.
    public struct Value: Sendable, Hashable {
        /// Its elements with single spaces between; what is no text as \xHH.
        public let text: String
        /// Whether the end is missing, since it is longer than what the hook hands over.
        public let isCut: Bool

        /// A value.
        public init(_ text: String, isCut: Bool = false) {
            self.text = text
            self.isCut = isCut
        }
    }

    /// When, seconds since the epoch.
    public var time: Double
    /// The inode of the namespace whose sysctl it is.
    public var inode: UInt64
    /// That namespace's cookie.
    public var cookie: UInt64
    /// The inode of the user namespace that it belongs to.
    public var owner: UInt64
    /// Whether it is known to be that namespace's sysctl: else it is the writer's, since the sysctl is everybody's, or the
    /// kernel (before 6.2) does not tell.
    public var isSure: Bool
    /// The sysctl.
    public var sysctl: SysctlName
    /// What it showed before; nil for a key, which is not looked at.
    public var old: Value?
    /// What was written; nil for a key.
    public var new: Value?
    /// Who wrote.
    public var writer: Writer
    /// What became of it.
    public var result = Result.unknown
    /// What the sysctl showed afterwards; nil when it was not read back.
    public var actual: String?
    /// From where.
    public var origin = Origin.unknown
    /// The container of the writer, where it is in one that is known.
    public var writerContainer: String?
    /// The name of the written namespace at that time; nil for one that was not known yet.
    public var namespace: String?
    /// The name of the writer's effective user, or the number.
    public var user = ""

    /// A write that was just heard.
    public init(
        time: Double, inode: UInt64, cookie: UInt64, owner: UInt64, isSure: Bool, sysctl: SysctlName, old: Value?,
        new: Value?, writer: Writer
    ) {
        self.time = time
        self.inode = inode
        self.cookie = cookie
        self.owner = owner
        self.isSure = isSure
        self.sysctl = sysctl
        self.old = old
        self.new = new
        self.writer = writer
    }

    /// Which sysctl of which namespace.
    public struct Key: Sendable, Hashable {
        /// The namespace's cookie.
        public let cookie: UInt64
        /// The sysctl.
        public let sysctl: SysctlName

        /// A sysctl of a namespace.
        public init(cookie: UInt64, sysctl: SysctlName) {
            self.cookie = cookie
            self.sysctl = sysctl
        }
    }

    /// Which sysctl of which namespace it was.
    public var key: Key { Key(cookie: cookie, sysctl: sysctl) }

    /// Whether the sysctl has another value since: what it shows is not what it showed.
    public var isChange: Bool {
        guard result == .applied, let old, let after = actual ?? new?.text else { return false }
        return !SysctlInterpretation(sysctl).areEqual(old.text.utf8Span.span, after.utf8Span.span)
    }
}

extension SysctlWrite.Writer {
    /// The inode of the first process-id namespace is fixed: PROC_PID_INIT_INO, include/linux/proc_ns.h.
    public static let hostProcesses: UInt64 = 4_026_531_836
    /// That of the first user namespace: PROC_USER_INIT_INO.
    public static let hostUsers: UInt64 = 4_026_531_837

    /// Whether it is in the host's process-id namespace.
    public var isOfHost: Bool { processes == Self.hostProcesses }
}

extension SysctlWrite.Origin {
    /// Tells from where a sysctl was written.
    ///
    /// `container` is the writer's, by its mount and process-id namespaces, and `isMember` says whether it is one of those in
    /// the written namespace. nsenter(1) with the network alone changes neither of the two, so it is told from what runs
    /// inside.
    public init(of write: SysctlWrite, isHostNamespace: Bool, writerIsContained: Bool, isMember: Bool) {
        let writer = write.writer
        if writerIsContained {
            self = isMember ? .inside : .container
        } else if writer.isOfHost {
            // unshare -Urn: who made the namespace is in it.
            let isOwner = write.owner == writer.users && write.owner != SysctlWrite.Writer.hostUsers
            self = isOwner && !isHostNamespace ? .inside : .host
        } else {
            // A container that was not found yet writes its own sysctls as it starts.
            self = writer.network == write.inode && !isHostNamespace ? .inside : .unknown
        }
    }
}
