internal import Glibc

/// What the directories of a catalog share: buffers, the ledger, the time of the refresh.
///
/// Concurrency: belongs to its catalog.
final class ContainerFileReader {
    let ledger: ErrorLedger
    /// When the refresh began, by the clock that dates files.
    var now = FileStamp.now()
    /// How many files were read.
    private(set) var reads = 0
    private var reader = FileReader(capacity: 65536)
    private let directories = DirectoryReader()

    init(ledger: ErrorLedger) { self.ledger = ledger }

    /// The names in a directory.
    func names(in directory: borrowing GuardedDirectory) throws(Errno) -> [String] {
        var names: [String] = []
        try unsafe directories.forEachName(of: directory.descriptor) { unsafe names.append(String(cString: $0)) }
        return names
    }

    /// Gives the bytes of a file below a directory, and whose word they are, to `body`.
    func read<R>(
        _ path: String, in directory: borrowing GuardedDirectory, limit: Int,
        _ body: (borrowing RawSpan, UInt32) throws(ContainerFileError) -> R
    ) throws(ContainerFileError) -> R {
        reads += 1
        let result: Result<R, ContainerFileError>
        do throws(Errno) {
            let file = try directory.file(path[...])
            let owner = file.owner
            result = try reader.read(file.descriptor, limit: limit) { bytes in
                do throws(ContainerFileError) { return .success(try body(bytes, owner)) } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw .errno(error)
        }
        return try result.get()
    }
}

/// Why a file told nothing.
enum ContainerFileError: Error {
    case errno(Errno)
    /// It has not the form that it should have.
    case malformed

    /// As it is counted.
    var reason: String {
        switch self {
        case .errno(Errno(rawValue: E2BIG)): "too_long"
        case .errno(.invalid): "not_regular"
        case .errno(let errno): errno.name
        case .malformed: "malformed"
        }
    }

    /// Whether the file has gone: containers end.
    var isNormal: Bool { if case .errno(let errno) = self { errno.meansGone } else { false } }

    /// Whether the reason is none of the file's own.
    var isPassing: Bool {
        if case .errno(let errno) = self { errno == .tooManyDescriptors || errno == .tooManyFiles } else { false }
    }
}
