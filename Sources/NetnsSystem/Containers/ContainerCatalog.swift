public import NetnsCore

/// The containers of a host, as the files of their runtimes tell of them, without a word to any runtime.
///
/// Files are the user's, some of them: what cannot be read or understood is counted in the ledger, as `container` with a
/// short reason, once for each change of the file, and costs nothing but what it would have told.
///
/// Concurrency: belongs to the thread that collects.
public final class ContainerCatalog {
    /// The containers at the last refresh, by id, then runtime. Those that do not run are among them.
    public private(set) var containers: [Container] = []

    private let paths: ContainerPaths
    private let ledger: ErrorLedger
    /// What lies where no user has a say in what is mounted.
    private let common: ContainerFinder
    private let patternsOfUsers: [ContainerPattern]
    /// Lists the users' runtime directories, and looks into none.
    private let listing: ContainerFinder
    private var users: [UInt32: UserContainers] = [:]
    private var round = 0

    /// How many bytes of users' files a refresh reads: they may write as much as they like, as often as they like, and it is
    /// read bit by bit. A megabyte takes up to 0.3 s when it is made to, and 20 ms when it is what runtimes write.
    private static let allowance = ContainerFileReader.userLimit

    /// A catalog that has not looked yet.
    public init(_ paths: ContainerPaths, ledger: ErrorLedger) {
        self.paths = paths
        self.ledger = ledger
        let patterns = paths.directories.map { ContainerPattern($0.pattern, $0.layout) }
        let users = PathComponent.split(paths.users)
        patternsOfUsers = patterns.compactMap { $0.ofUser(below: users) }
        common = ContainerFinder(
            patterns.filter { $0.ofUser(below: users) == nil }, rootfs: paths.rootfs, ledger: ledger)
        listing = ContainerFinder([], rootfs: paths.rootfs, ledger: ledger)
    }

    /// How many files were read so far.
    var reads: Int { users.values.reduce(common.reads) { $0 + $1.reads } }

    /// Looks again; true when `containers` changed. Directories that changed are listed, and files that changed are read.
    ///
    /// Where users keep theirs may be a file system that answers no more (FUSE, NFS): each user's are looked for on a thread
    /// that may be lost. They stay as they were then, until it comes back.
    public func refresh() -> Bool {
        var allowance = Self.allowance
        var changed = common.refresh(&allowance)
        if !patternsOfUsers.isEmpty {
            if welcomeUsers() { changed = true }
            // Another is first each time: one who writes all the time takes the allowance from nobody for good.
            round &+= 1
            let order = users.keys.sorted()
            for index in order.indices {
                let user = order[(index + round) % order.count]
                if users[user]?.refresh(&allowance) == true { changed = true }
            }
        }
        guard changed else { return false }
        let containers = ContainerRecord.merged(common.records + users.values.flatMap(\.records))
        guard containers != self.containers else { return false }
        self.containers = containers
        return true
    }

    /// Looks who has a runtime directory; true when containers go with a user.
    private func welcomeUsers() -> Bool {
        guard let present = listing.numbers(in: paths.users) else { return false }
        for user in present where users[user] == nil {
            users[user] = UserContainers(user, patternsOfUsers, rootfs: paths.rootfs, ledger: ledger)
        }
        let gone = Set(users.keys).subtracting(present)
        for user in gone { users[user] = nil }
        return !gone.isEmpty
    }
}
