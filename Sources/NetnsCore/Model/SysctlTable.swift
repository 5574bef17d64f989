/// The sysctls to read in a namespace, laid out for the reader: sorted by dotted name, each with the directory it is
/// opened from and its path below it.
///
/// Immutable and shared: a thousand namespaces with the same entries share one table.
public final class SysctlTable: Sendable {
    /// One entry of the table.
    public struct Entry: Sendable {
        /// Its name.
        public let name: SysctlName
        /// The directory it is opened from: an index into `directories`.
        public let directory: Int
        /// Where its path below the directory begins in `paths`.
        public let pathOffset: Int
        /// Whether its value is text whatever it looks like.
        public let isText: Bool
    }

    /// The entries, sorted by dotted name.
    public let entries: [Entry]
    /// The directories below /proc/sys: `net/ipv4`, `net/core`, ...; NUL-terminated paths.
    public let directories: [[CChar]]
    /// The entries' paths below their directories, one after the other, each NUL-terminated.
    public let paths: [CChar]
    /// For each directory, how many others have more entries.
    public let directoryRank: [Int]
    /// For each entry, how many others gain more from a kept descriptor: the deepest paths gain most.
    public let keepRank: [Int]

    /// An entry to put into a table: its name, and the components of its path below /proc/sys as they stand there (an
    /// interface's name may hold bytes that are no UTF-8, which its dotted name can only show).
    public struct Item: Hashable, Sendable {
        /// The dotted name.
        public let name: SysctlName
        /// The path's components, raw.
        public let path: [[UInt8]]

        /// An entry by its name.
        public init(_ name: SysctlName) {
            self.name = name
            path = name.components.map { Array($0.utf8) }
        }

        /// An entry by its path.
        public init(path: [[UInt8]]) {
            self.path = path
            name = SysctlName(components: path.map { PrintableText.string($0) })
        }
    }

    /// A table of these names; equal ones count once.
    public convenience init(_ names: some Sequence<SysctlName>) { self.init(items: names.map(Item.init)) }

    /// A table of these entries; of two with the same name the first counts.
    public init(items: some Sequence<Item>) {
        var directories: [[CChar]] = []
        var known: [[UInt8]: Int] = [:]
        var paths: [CChar] = []
        var entries: [Entry] = []
        var depths: [Int] = []
        let unique = Dictionary(items.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for item in unique.values.sorted(by: { $0.name.dotted < $1.name.dotted }) {
            // The dentries below net/ipv4, net/core, ... are each namespace's own; those below net are in one hash
            // chain with every other namespace's, which a lookup walks: 50 us against 6 at 1,000 namespaces.
            let split = item.path.count > 2 ? 2 : 1
            let directory = Array(item.path[..<split].joined(separator: [UInt8(ascii: "/")]))
            let index = known[directory] ?? directories.count
            if index == directories.count {
                known[directory] = index
                directories.append(directory.map { CChar(bitPattern: $0) } + [0])
            }
            entries.append(
                Entry(
                    name: item.name, directory: index, pathOffset: paths.count,
                    isText: BuiltinSysctls.text.contains(item.name.dotted)))
            paths += item.path[split...].joined(separator: [UInt8(ascii: "/")]).map { CChar(bitPattern: $0) }
            paths.append(0)
            depths.append(item.path.count)
        }
        self.entries = entries
        self.directories = directories
        self.paths = paths
        var ranks = Array(repeating: 0, count: entries.count)
        for (rank, index) in entries.indices.sorted(by: { (depths[$1], $0) < (depths[$0], $1) }).enumerated() {
            ranks[index] = rank
        }
        keepRank = ranks
        var sizes = Array(repeating: 0, count: directories.count)
        for entry in entries { sizes[entry.directory] += 1 }
        var directoryRanks = Array(repeating: 0, count: directories.count)
        for (rank, index) in directories.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }).enumerated() {
            directoryRanks[index] = rank
        }
        directoryRank = directoryRanks
    }

    /// Where an entry is, nil when there is none of that name.
    public func index(of name: SysctlName) -> Int? {
        var range = entries.indices
        while let first = range.first {
            let middle = first + range.count / 2
            if entries[middle].name == name { return middle }
            range = entries[middle].name.dotted < name.dotted ? middle + 1..<range.upperBound : first..<middle
        }
        return nil
    }
}

/// What the user wants read: the built-in list or not, more by pattern, less by pattern.
public struct SysctlSelection: Sendable {
    /// Names to read wherever they exist.
    public let literals: [SysctlName]
    /// Patterns to be looked for in each namespace.
    public let patterns: [SysctlPattern]
    private let excluded: [SysctlPattern]
    /// What is read although it is excluded.
    private let required: [SysctlPattern]
    /// Names that were asked for by name and are never read, since they are keys.
    public let refusedSecrets: [SysctlName]

    /// Joins the built-in list (when `builtin`) with `include`, less `exclude`, and with what something else depends on:
    /// `required` is read in any case.
    public init(
        builtin: Bool, include: [SysctlPattern], exclude: [SysctlPattern], required: [SysctlPattern] = []
    ) {
        var names = builtin ? BuiltinSysctls.names : []
        var secrets: [SysctlName] = []
        for pattern in include where pattern.isLiteral {
            let path = pattern.components.map { String(decoding: $0.literal ?? [], as: UTF8.self) }
            let name = SysctlName(components: path)
            if name.isSecret { secrets.append(name) } else { names.append(name) }
        }
        let needed = required.compactMap(\.literal).filter { !$0.isSecret }
        literals = names.filter { name in !exclude.contains { $0.matches(name) } } + needed
        patterns = include.filter { !$0.isLiteral } + required.filter { !$0.isLiteral }
        excluded = exclude
        self.required = required
        refusedSecrets = secrets
    }

    /// Whether an entry found for a pattern may be read.
    public func admits(_ name: SysctlName) -> Bool {
        !name.isSecret
            && (!excluded.contains { $0.matches(name) } || required.contains { $0.matches(name) })
    }

    /// The table of the literal names and what was found for the patterns.
    public func table(adding found: [SysctlTable.Item] = []) -> SysctlTable {
        SysctlTable(items: literals.map(SysctlTable.Item.init) + found)
    }
}

extension SysctlTable {
    /// The entry at `index` as it was given.
    public func item(at index: Int) -> Item {
        let entry = entries[index]
        func bytes(_ text: ArraySlice<CChar>) -> [[UInt8]] {
            text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.split(separator: UInt8(ascii: "/")).map { Array($0) }
        }
        return Item(path: bytes(directories[entry.directory][...]) + bytes(paths[entry.pathOffset...]))
    }
}
