internal import CLinux
internal import Glibc
internal import NetnsCore

/// Reads the sysctls of the namespace that the calling thread is in. One for each thread.
@safe struct SysctlReader: ~Copyable {
    /// Most values have 2 to 20 bytes. The kernel allocates and zeroes as much as is asked for: 1.9 us with 128 bytes,
    /// 3.6 with 64 KiB.
    private static let smallRead = 128
    private static let largeRead = 1 << 20

    private let root: String
    private var buffer: UnsafeMutableRawBufferPointer
    /// Directories that are opened for this visit alone, because the budget has no room for them.
    private var transient: [Int32] = []
    /// Which of the table's directories had an entry in this namespace.
    private var found: [Bool] = []

    /// A reader of the sysctls below `procfs`.
    init(procfs: String) {
        root = procfs + "/sys/"
        unsafe buffer = .allocate(byteCount: 4096, alignment: 16)
    }

    deinit { unsafe buffer.deallocate() }

    /// Fills `readings` with the table's entries. `round` changes when absent directories are to be looked for again.
    mutating func read(
        _ table: SysctlTable, into readings: inout SysctlReadings, kept: KeptDescriptors,
        allowance: Int, round: Int
    ) {
        kept.use(table)
        // The patterns' directories may have come since the files were kept.
        kept.trim(to: allowance)
        let share = DescriptorBudget.Share(
            allowance: allowance - kept.openBases, directories: table.directories.count, files: table.entries.count)
        readings.begin(table)
        found.removeAll(keepingCapacity: true)
        for _ in table.directories { found.append(false) }
        transient.removeAll(keepingCapacity: true)
        for _ in table.directories { transient.append(KeptDescriptors.none) }
        for index in table.entries.indices {
            let entry = table.entries[index]
            let state = readKept(index, entry, kept, &readings)
            if state { continue }
            var directory = kept.directories[entry.directory]
            if directory == KeptDescriptors.none { directory = transient[entry.directory] }
            if directory == KeptDescriptors.none {
                directory = open(table.directories[entry.directory])
                // That it is absent is kept too; that it could not be opened (EMFILE) is no fact about it.
                if directory == KeptDescriptors.absent
                    || directory >= 0 && table.directoryRank[entry.directory] < share.directories
                {
                    kept.setDirectory(entry.directory, directory)
                } else {
                    transient[entry.directory] = directory
                }
            }
            guard directory >= 0 else {
                readings.append(directory == KeptDescriptors.absent ? .absent : .unreadable(-directory - 100))
                continue
            }
            readOpening(index, entry, table, directory, kept, share, &readings)
        }
        for directory in transient where directory >= 0 { FileDescriptor.close(directory) }
        kept.lookAgain(at: round, found: found)
    }

    /// Reads from the kept file; false when there is none, or none any more.
    private mutating func readKept(
        _ index: Int, _ entry: SysctlTable.Entry, _ kept: KeptDescriptors, _ readings: inout SysctlReadings
    ) -> Bool {
        let file = kept.files[index]
        guard file >= 0 else { return false }
        do throws(Errno) {
            try append(file, entry, &readings)
            found[entry.directory] = true
            return true
        } catch {
            // The entry went (an interface, a module) and may be back under the same name: look for it.
            if error == .noSuchFile {
                kept.dropFile(index)
                return false
            }
            readings.append(.unreadable(error.rawValue))
            return true
        }
    }

    private mutating func readOpening(
        _ index: Int, _ entry: SysctlTable.Entry, _ table: SysctlTable, _ directory: Int32, _ kept: KeptDescriptors,
        _ share: DescriptorBudget.Share, _ readings: inout SysctlReadings
    ) {
        do throws(Errno) {
            let file = try syscall {
                unsafe table.paths.withUnsafeBufferPointer { paths in
                    guard let base = paths.baseAddress else { return -EINVAL }
                    return unsafe nd_openat(directory, base + entry.pathOffset, O_RDONLY | O_CLOEXEC)
                }
            }.asDescriptor
            found[entry.directory] = true
            try append(file.rawValue, entry, &readings)
            if table.keepRank[index] < share.files { kept.keepFile(index, file) }
        } catch {
            readings.append(error == .noSuchFile || error == .notDirectory ? .absent : .unreadable(error.rawValue))
        }
    }

    /// Reads a value whole and appends it.
    private mutating func append(
        _ file: Int32, _ entry: SysctlTable.Entry, _ readings: inout SysctlReadings
    ) throws(Errno) {
        var size = Self.smallRead
        while true {
            let count = Int(
                try syscall {
                    let result = unsafe pread(file, buffer.baseAddress, size, 0)
                    return result < 0 ? -errno : Int32(result)
                })
            if count < size || size >= Self.largeRead {
                let value = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
                if count == Self.largeRead {
                    readings.append(.tooLong)
                } else {
                    readings.append(value: value, isText: entry.isText)
                }
                return
            }
            // It may go on: from the beginning with more room, since some handlers answer a second read with nothing.
            size = size == Self.smallRead ? 4096 : Self.largeRead
            if unsafe buffer.count < size {
                unsafe buffer.deallocate()
                unsafe buffer = .allocate(byteCount: size, alignment: 16)
            }
        }
    }

    /// Opens a directory below /proc/sys: its descriptor, `absent`, or -100 - errno.
    private func open(_ path: [CChar]) -> Int32 {
        let full = root + String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do throws(Errno) {
            return try FileDescriptor.open(full, ND_O_PATH | O_DIRECTORY).release()
        } catch {
            return error == .noSuchFile ? KeptDescriptors.absent : -100 - error.rawValue
        }
    }
}
