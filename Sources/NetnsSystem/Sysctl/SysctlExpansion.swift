internal import CLinux
internal import Glibc
internal import NetnsCore
internal import Synchronization

/// Finds what patterns match in the namespace that the calling thread is in. One for each thread.
///
/// Which entries exist differs between namespaces and changes with their interfaces and the kernel's modules, so they
/// are looked for at each collection; a namespace in which the same ones are found keeps its table.
@safe struct SysctlExpansion: ~Copyable {
    /// More entries than this are not read in one namespace: a container can make interfaces by the thousand.
    static let maximumEntries = 4096

    private let selection: SysctlSelection
    private let pool: SysctlTablePool
    private let root: String
    /// The directories the patterns start from, `net/ipv4` and the like, and for each pattern which.
    private let bases: [String]
    private let baseOfPattern: [Int]
    private let directory = DirectoryReader(capacity: 32768)
    private var matched: [UInt8] = []
    private var count = 0

    init(_ selection: SysctlSelection, pool: SysctlTablePool, procfs: String) {
        self.selection = selection
        self.pool = pool
        root = procfs + "/sys/"
        var bases: [String] = []
        var baseOfPattern: [Int] = []
        for pattern in selection.patterns {
            let base = Self.base(of: pattern)
            if let known = bases.firstIndex(of: base) {
                baseOfPattern.append(known)
            } else {
                baseOfPattern.append(bases.count)
                bases.append(base)
            }
        }
        self.bases = bases
        self.baseOfPattern = baseOfPattern
    }

    /// How many directories the patterns of a selection start from.
    static func baseCount(_ selection: SysctlSelection) -> Int { Set(selection.patterns.map(base(of:))).count }

    private static func base(of pattern: SysctlPattern) -> String {
        guard pattern.components.count > 2, let second = pattern.components[1].literal else { return "net" }
        return "net/" + String(decoding: second, as: UTF8.self)
    }

    /// The table of the namespace, with what its containers declared; `tooMany` when it has more entries than are read.
    mutating func table(
        kept: KeptDescriptors, declared: [UInt8], allowance: Int, round: Int
    ) -> (table: SysctlTable, tooMany: Bool) {
        kept.usePatterns(bases: bases.count)
        if kept.absenceRound != round { kept.closePatternBases() }
        matched.removeAll(keepingCapacity: true)
        count = 0
        for (index, pattern) in selection.patterns.enumerated() {
            let base = baseOfPattern[index]
            if kept.patternBases[base] == KeptDescriptors.none, let opened = open(bases[base]) {
                kept.setPatternBase(base, opened)
            }
            guard kept.patternBases[base] >= 0 else { continue }
            let depth = bases[base] == "net" ? 1 : 2
            var path = bases[base].split(separator: "/").map { Array($0.utf8) }
            walk(kept.patternBases[base], pattern, depth, &path)
        }
        matched += declared
        // The table's directories are of more use than these.
        if allowance < kept.directories.count + bases.count { kept.closePatternBases() }
        let tooMany = count > Self.maximumEntries
        if let table = kept.matchedTable, matched == kept.matched { return (table, tooMany) }
        let table = pool.table(for: matched, selection)
        kept.matched = matched
        kept.matchedTable = table
        return (table, tooMany)
    }

    /// A base directory's descriptor, or that it is absent; nil when it cannot be opened now.
    private func open(_ path: String) -> Int32? {
        do throws(Errno) {
            return try FileDescriptor.open(root + path, ND_O_PATH | O_DIRECTORY).release()
        } catch {
            return error == .noSuchFile ? KeptDescriptors.absent : nil
        }
    }

    /// Adds what matches from component `depth` on, below an open directory.
    private mutating func walk(_ parent: Int32, _ pattern: SysctlPattern, _ depth: Int, _ path: inout [[UInt8]]) {
        guard count <= Self.maximumEntries else { return }
        let glob = pattern.components[depth]
        let isLast = depth == pattern.components.count - 1
        var names: [[UInt8]] = []
        if let literal = glob.literal {
            names = [literal]
        } else {
            guard let listing = try? FileDescriptor.open(".", at: parent, O_RDONLY | O_DIRECTORY) else { return }
            try? unsafe directory.forEachName(of: listing) { name in
                let bytes = unsafe Array(UnsafeBufferPointer(start: name, count: strlen(name)))
                    .map { UInt8(bitPattern: $0) }
                if glob.matches(bytes.span) { names.append(bytes) }
            }
        }
        for name in names {
            path.append(name)
            defer { path.removeLast() }
            if isLast {
                add(name, in: parent, path)
            } else if let child = try? FileDescriptor.open(name, at: parent, ND_O_PATH | O_DIRECTORY | O_NOFOLLOW) {
                walk(child.rawValue, pattern, depth + 1, &path)
            }
        }
    }

    /// Adds an entry when it is a file that everybody may read: one that root alone may holds a key
    /// (`tcp_fastopen_key`), one that nobody may is a command (`route.flush`).
    private mutating func add(_ name: [UInt8], in parent: Int32, _ path: [[UInt8]]) {
        guard let file = try? FileDescriptor.open(name, at: parent, ND_O_PATH | O_NOFOLLOW),
            let status = try? file.status(), status.st_mode & S_IFMT == S_IFREG, status.st_mode & S_IROTH != 0
        else { return }
        guard selection.admits(SysctlTable.Item(path: path).name) else { return }
        count += 1
        guard count <= Self.maximumEntries else { return }
        matched += SysctlTablePool.bytes(of: path)
    }
}

/// The tables that namespaces' matches gave: those with the same entries share one.
///
/// Concurrency: any collecting thread asks; a `Mutex` guards the tables.
final class SysctlTablePool: Sendable {
    private let tables = Mutex<[[UInt8]: SysctlTable]>([:])
    /// Each keeps the table it is of, so that its identity stays its own.
    private let parts = Mutex<[Part: (table: SysctlTable, part: SysctlTable)]>([:])

    /// A path as `table(for:)` takes it: components that end in `/`, and NUL.
    static func bytes(of path: [[UInt8]]) -> [UInt8] {
        path.flatMap { $0 + [UInt8(ascii: "/")] } + [0]
    }

    /// The table for the paths in `matched`, one after the other.
    func table(for matched: [UInt8], _ selection: SysctlSelection) -> SysctlTable {
        tables.withLock { tables in
            if let table = tables[matched] { return table }
            let items = matched.split(separator: 0).map { path in
                SysctlTable.Item(path: path.split(separator: UInt8(ascii: "/")).map { Array($0) })
            }
            let table = selection.table(adding: items)
            tables[matched] = table
            return table
        }
    }

    /// The table of some entries of another, which are in the same order.
    func part(of table: SysctlTable, _ indices: [Int]) -> SysctlTable {
        parts.withLock { parts in
            let key = Part(table: ObjectIdentifier(table), indices: indices)
            if let known = parts[key] { return known.part }
            // Tables of namespaces that have gone.
            if parts.count > 256 { parts.removeAll() }
            let part = SysctlTable(items: indices.map { table.item(at: $0) })
            parts[key] = (table, part)
            return part
        }
    }

    private struct Part: Hashable {
        let table: ObjectIdentifier
        let indices: [Int]
    }

    /// Forgets the tables that none of `used` is.
    func keep(only used: Set<ObjectIdentifier>) {
        tables.withLock { tables in
            if tables.count > used.count { tables = tables.filter { used.contains(ObjectIdentifier($0.value)) } }
        }
    }
}
