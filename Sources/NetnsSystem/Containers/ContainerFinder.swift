internal import Glibc
internal import NetnsCore

/// Directories whose entries are containers.
struct ContainerPattern {
    /// From the root of the host's file system; `.home` is first, or nowhere.
    let components: [PathComponent]
    let layout: ContainerLayout

    init(_ path: String, _ layout: ContainerLayout) { self.init(PathComponent.split(path), layout) }

    private init(_ components: [PathComponent], _ layout: ContainerLayout) {
        self.components = components
        self.layout = layout
    }

    /// What is left of it below a user's home or runtime directory; nil when it leads through neither.
    func ofUser(below users: [PathComponent]) -> ContainerPattern? {
        if components.first == .home { return self }
        guard components.starts(with: users + [.everything]) else { return nil }
        return ContainerPattern(users + [.user] + components.dropFirst(users.count + 1), layout)
    }
}

/// Finds the directories of some patterns, and keeps what is in them.
///
/// Concurrency: belongs to whoever refreshes it.
final class ContainerFinder {
    private let patterns: [ContainerPattern]
    private let rootfs: [PathComponent]
    private let reader: ContainerFileReader
    private var home: UserHome?
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

    /// A finder that has not looked yet, of what is below `rootfs`: of everybody, or of one user.
    init(_ patterns: [ContainerPattern], rootfs: String, user: UInt32? = nil, ledger: ErrorLedger) {
        self.patterns = patterns
        self.rootfs = PathComponent.split(rootfs)
        reader = ContainerFileReader(ledger: ledger)
        home = user.map { UserHome(of: $0, rootfs: rootfs) }
    }

    /// What the files say, one record a container, directory and list.
    var records: [ContainerRecord] { directories.values.flatMap(\.records) }

    /// How many files were read so far.
    var reads: Int { reader.reads }

    /// Looks again, reading `allowance` bytes of users' files at most and taking off what it read; true when `records` may have
    /// changed.
    func refresh(_ allowance: inout Int) -> Bool {
        reader.begin(allowance: allowance)
        defer { allowance = reader.allowance }
        isShort = false
        present.removeAll(keepingCapacity: true)
        var changed = false
        var failures: Set<Failure> = []
        for pattern in patterns {
            guard let path = path(of: pattern) else { continue }
            visit(path, &failures) { path, name, directory in
                present.insert(path)
                let known = directories[path] ?? ContainerDirectory(pattern.layout, name: name)
                directories[path] = known
                if known.refresh(directory, reader) { changed = true }
            }
        }
        self.failures = failures
        // What could not be opened for want of descriptors is as it was, as far as is known.
        for path in isShort ? [] : Array(directories.keys) where !present.contains(path) {
            directories[path] = nil
            changed = true
        }
        return changed
    }

    /// The numbers among the names in a directory, none of which is looked into; nil when there are no descriptors for it.
    func numbers(in path: String) -> Set<UInt32>? {
        isShort = false
        var numbers: Set<UInt32> = []
        var failures: Set<Failure> = []
        var failure: Errno?
        visit(rootfs + PathComponent.split(path), &failures) { _, _, directory in
            do throws(Errno) {
                numbers.formUnion(try reader.names(in: directory).compactMap { UInt32($0) })
            } catch { failure = error }
        }
        if let failure { note(failure, path, &failures) }
        self.failures = failures
        return isShort ? nil : numbers
    }

    /// Where a pattern leads on this host; nil where its user has no home.
    private func path(of pattern: ContainerPattern) -> [PathComponent]? {
        guard pattern.components.contains(where: { $0 == .home || $0 == .user }) else {
            return rootfs + pattern.components
        }
        guard let user = home?.user else { return nil }
        guard pattern.components.first == .home else {
            return rootfs + pattern.components.map { $0 == .user ? .name(String(user)) : $0 }
        }
        guard let components = home?.components() else { return nil }
        return rootfs + components + pattern.components.dropFirst()
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
