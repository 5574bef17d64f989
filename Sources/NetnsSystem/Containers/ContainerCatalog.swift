internal import Glibc
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
    private let patterns: [(components: [PathComponent], layout: ContainerLayout)]
    private let reader: ContainerFileReader
    private var homes: UserHomes
    private var directories: [String: ContainerDirectory] = [:]
    /// Those of `directories` that this refresh has met.
    private var present: Set<String> = []
    /// What could not be opened at the last refresh: it was counted then.
    private var failures: Set<Failure> = []
    /// Whether this refresh had no descriptors left to open a directory with.
    private var isShort = false

    private struct Failure: Hashable {
        let path: String
        let reason: String
    }

    /// A catalog that has not looked yet.
    public init(_ paths: ContainerPaths, ledger: ErrorLedger) {
        self.paths = paths
        reader = ContainerFileReader(ledger: ledger)
        homes = UserHomes(rootfs: paths.rootfs)
        patterns = paths.directories.map { (PathComponent.split($0.pattern), $0.layout) }
    }

    /// How many files were read so far.
    var reads: Int { reader.reads }

    /// Looks again; true when `containers` changed. Directories that changed are listed, and files that changed are read.
    public func refresh() -> Bool {
        reader.begin()
        isShort = false
        present.removeAll(keepingCapacity: true)
        var changed = false
        var failures: Set<Failure> = []
        let rootfs = PathComponent.split(paths.rootfs)
        let users = homes.components(of: users(&failures))
        for (components, layout) in patterns {
            let bases = components.first == .home ? users : [[]]
            for base in bases {
                let path = rootfs + base + components.drop { $0 == .home }
                visit(path, &failures) { path, name, directory in
                    present.insert(path)
                    let known = directories[path] ?? ContainerDirectory(layout, name: name)
                    directories[path] = known
                    if known.refresh(directory, reader) { changed = true }
                }
            }
        }
        self.failures = failures
        // What could not be opened for want of descriptors is as it was, as far as is known.
        for path in isShort ? [] : Array(directories.keys) where !present.contains(path) {
            directories[path] = nil
            changed = true
        }
        guard changed else { return false }
        let containers = ContainerRecord.merged(directories.values.flatMap(\.records))
        guard containers != self.containers else { return false }
        self.containers = containers
        return true
    }

    /// The ids of the users who have a runtime directory.
    private func users(_ failures: inout Set<Failure>) -> [UInt32] {
        var users: [UInt32] = []
        visit(PathComponent.split(paths.rootfs + paths.users + "/*"), &failures) { _, name, _ in
            if let user = UInt32(name) { users.append(user) }
        }
        return users
    }

    /// Gives each directory of a pattern to `body`, with its path and its name.
    private func visit(
        _ components: [PathComponent], _ failures: inout Set<Failure>,
        _ body: (String, String, borrowing GuardedDirectory) -> Void
    ) {
        do throws(Errno) {
            try visit(.root(), "", "", components[...], &failures, body)
        } catch { note(error, "/", &failures) }
    }

    private func visit(
        _ directory: borrowing GuardedDirectory, _ path: String, _ name: String, _ rest: ArraySlice<PathComponent>,
        _ failures: inout Set<Failure>, _ body: (String, String, borrowing GuardedDirectory) -> Void
    ) throws(Errno) {
        guard let component = rest.first else { return body(path, name, directory) }
        let (names, isWhole) = try component.names(in: directory, reader)
        if !isWhole { note("too_many", path, &failures) }
        for name in names {
            let path = "\(path)/\(name)"
            do throws(Errno) {
                try visit(directory.directory(name), path, name, rest.dropFirst(), &failures, body)
            } catch { note(error, path, &failures) }
        }
    }

    /// Counts a directory that cannot be looked into, once as long as it stays so. That one is not there, or that something
    /// else has a name which a pattern matches, is normal.
    private func note(_ errno: Errno, _ path: String, _ failures: inout Set<Failure>) {
        guard !errno.meansGone, errno != .notDirectory else { return }
        if errno.meansShortage { isShort = true }
        note(errno.name, path, &failures)
    }

    private func note(_ reason: String, _ path: String, _ failures: inout Set<Failure>) {
        let failure = Failure(path: path, reason: reason)
        if failures.insert(failure).inserted, !self.failures.contains(failure) {
            reader.ledger.count("container", reason)
        }
    }
}

/// A component of a pattern of paths.
enum PathComponent: Equatable {
    case name(String)
    case glob(Glob)
    /// `~`
    case home

    /// The components of a path.
    static func split(_ path: String) -> [PathComponent] {
        path.split(separator: "/").map {
            $0 == "~" ? .home : $0.contains("*") ? .glob(Glob(String($0))) : .name(String($0))
        }
    }

    /// As many as are looked into: of root's, and of an ordinary user's.
    private static let limits = (root: 1000, user: 16)
    /// How many names of an ordinary user's directory are held against a pattern.
    private static let namesOfUser = 1000

    /// The entries of a directory that it stands for, and whether they are all.
    func names(
        in directory: borrowing GuardedDirectory, _ reader: ContainerFileReader
    ) throws(Errno) -> (names: [String], isWhole: Bool) {
        switch self {
        case .name(let name): return ([name], true)
        case .glob(let glob):
            let isTrusted = directory.owner == 0
            let names = try reader.names(in: directory, limit: isTrusted ? .max : Self.namesOfUser + 1)
            let limit = isTrusted ? Self.limits.root : Self.limits.user
            let matching = names.filter(glob.matches)
            return (
                Array(matching.prefix(limit)), matching.count <= limit && (isTrusted || names.count <= Self.namesOfUser)
            )
        case .home: return ([], true)
        }
    }
}
