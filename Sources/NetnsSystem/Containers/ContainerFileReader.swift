internal import Glibc

/// What the directories of a catalog share: buffers, the ledger, the time of the refresh.
///
/// Concurrency: belongs to its catalog.
final class ContainerFileReader {
    let ledger: ErrorLedger
    /// When the refresh began, by the clock that dates files.
    private(set) var now = FileStamp.now()
    /// How many bytes of ordinary users' files this refresh may still read.
    private(set) var allowance = 0
    /// How many files were read.
    private(set) var reads = 0
    private var reader = FileReader(capacity: 65536)
    private let directories = DirectoryReader()

    /// No ordinary user's file is read that is longer, in bytes.
    static let userLimit = 1 << 20

    init(ledger: ErrorLedger) { self.ledger = ledger }

    /// A refresh begins, which may read `allowance` bytes of ordinary users' files.
    func begin(allowance: Int) {
        now = FileStamp.now()
        self.allowance = allowance
    }

    /// The names in a directory, which is read no further than `limit` of them.
    func names(in directory: borrowing GuardedDirectory, limit: Int = .max) throws(Errno) -> [String] {
        var names: [String] = []
        try unsafe directories.forEachName(of: directory.descriptor, limit: limit) {
            unsafe names.append(String(cString: $0))
        }
        return names
    }

    /// Gives the bytes of a file below a directory, and whose word they are, to `body`.
    func read<R>(
        _ path: String, in directory: borrowing GuardedDirectory, limit: Int,
        _ body: (borrowing RawSpan, UInt32) throws(ContainerFileError) -> R
    ) throws(ContainerFileError) -> R {
        let file: GuardedFile
        do throws(Errno) { file = try directory.file(path[...]) } catch { throw .errno(error) }
        let owner = file.owner
        guard owner == 0 || allowance > 0 else { throw .postponed }
        let limit = owner == 0 ? limit : min(limit, Self.userLimit)
        reads += 1
        let result: Result<R, ContainerFileError>
        do throws(Errno) {
            result = try reader.read(file.descriptor, limit: limit) { bytes in
                if owner != 0 { allowance -= bytes.byteCount }
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
    /// Other files of users were read first.
    case postponed

    /// As it is counted.
    var reason: String {
        switch self {
        case .errno(Errno(rawValue: E2BIG)): "too_long"
        case .errno(.invalid): "not_regular"
        case .errno(let errno): errno.name
        case .malformed: "malformed"
        case .postponed: "postponed"
        }
    }

    /// Whether it is no error: the file has gone, since containers end, or has to wait.
    var isNormal: Bool {
        switch self {
        case .errno(let errno): errno.meansGone
        case .malformed: false
        case .postponed: true
        }
    }

    /// Whether the reason is none of the file's own.
    var isPassing: Bool {
        switch self {
        case .errno(let errno): errno.meansShortage
        case .malformed: false
        case .postponed: true
        }
    }
}
