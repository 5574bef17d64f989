internal import Glibc
internal import NetnsCore

/// The descriptors of /proc/sys/net that are kept for one namespace.
///
/// None of them holds the namespace: when it is freed they answer ENOENT.
///
/// Concurrency: belongs to the namespace, which one thread at a time visits.
final class KeptDescriptors {
    /// Not opened.
    static let none: Int32 = -1
    /// Looked for and not there.
    static let absent: Int32 = -2

    /// One for each directory of the table.
    private(set) var directories: [Int32] = []
    /// One for each entry of the table.
    private(set) var files: [Int32] = []
    /// How many files are open.
    private(set) var openFiles = 0
    /// How many descriptors are open.
    var count: Int { openFiles + directories.count { $0 >= 0 } + openBases }
    /// Which round of looking for absent directories was the last.
    var absenceRound = -1
    /// One for each base directory of the patterns, once `usePatterns` was called.
    private(set) var patternBases: [Int32] = []
    /// The paths that the patterns matched the last time, and the table that was made of them.
    var matched: [UInt8] = []
    var matchedTable: SysctlTable?
    private var table: SysctlTable?

    deinit { closeAll() }

    /// Prepares for a table; what another table's entries had open is closed.
    func use(_ table: SysctlTable) {
        guard table !== self.table else { return }
        for index in files.indices { dropFile(index) }
        for index in directories.indices { setDirectory(index, Self.none) }
        self.table = table
        directories = Array(repeating: Self.none, count: table.directories.count)
        files = Array(repeating: Self.none, count: table.entries.count)
    }

    func setDirectory(_ index: Int, _ value: Int32) {
        if directories[index] >= 0 { FileDescriptor.close(directories[index]) }
        directories[index] = value
    }

    func keepFile(_ index: Int, _ file: consuming FileDescriptor) {
        dropFile(index)
        files[index] = file.release()
        openFiles += 1
    }

    func dropFile(_ index: Int) {
        guard files[index] >= 0 else { return }
        FileDescriptor.close(files[index])
        files[index] = Self.none
        openFiles -= 1
    }

    /// The table it was read by last.
    var lastTable: SysctlTable? { table }

    /// How many pattern bases are open.
    var openBases: Int { patternBases.count { $0 >= 0 } }

    /// Closes what is beyond an allowance, the least useful first: files, then pattern bases, then directories.
    func trim(to allowance: Int) {
        guard count > allowance, let table else { return }
        var share = DescriptorBudget.Share(
            allowance: allowance - openBases, directories: table.directories.count, files: table.entries.count)
        for index in files.indices where table.keepRank[index] >= share.files { dropFile(index) }
        guard count > allowance else { return }
        closePatternBases()
        share = DescriptorBudget.Share(allowance: allowance, directories: table.directories.count, files: 0)
        for index in directories.indices where table.directoryRank[index] >= share.directories {
            setDirectory(index, Self.none)
        }
    }

    /// Forgets which directories were absent, and those in which nothing was found, so that they are looked for again:
    /// a module that is loaded later brings its directory (`net/netfilter`), one that is loaded again a new one.
    func lookAgain(at round: Int, found: [Bool]) {
        guard absenceRound != round else { return }
        absenceRound = round
        for index in directories.indices where directories[index] == Self.absent || !found[index] {
            setDirectory(index, Self.none)
        }
    }

    /// Prepares for patterns with this many base directories.
    func usePatterns(bases: Int) {
        if patternBases.count != bases { patternBases = Array(repeating: Self.none, count: bases) }
    }

    func setPatternBase(_ index: Int, _ value: Int32) {
        if patternBases[index] >= 0 { FileDescriptor.close(patternBases[index]) }
        patternBases[index] = value
    }

    func closePatternBases() {
        for index in patternBases.indices { setPatternBase(index, Self.none) }
    }

    /// Closes everything.
    func closeAll() {
        guard openFiles > 0 || directories.contains(where: { $0 != Self.none }) || openBases > 0 else { return }
        for index in files.indices { dropFile(index) }
        for index in directories.indices { setDirectory(index, Self.none) }
        closePatternBases()
    }
}
