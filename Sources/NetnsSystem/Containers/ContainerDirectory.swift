internal import Glibc
internal import NetnsCore

/// The containers of one directory, whose files are read again only when they changed.
///
/// Concurrency: belongs to its catalog.
final class ContainerDirectory {
    private let layout: ContainerLayout
    private let runtime: ContainerRuntime
    /// The lists of the directory, then the files of each container, one after the other.
    private var files: [WatchedFile]
    private var stamp: FileStamp?
    private var isSettled = false

    /// More containers than a host runs, or an ordinary user; what is put beyond them is not looked at.
    private static let limits = (root: 20_000, user: 1000)

    /// The directory called `name`, not looked at yet.
    init(_ layout: ContainerLayout, name: String) {
        self.layout = layout
        runtime = layout.runtime(inDirectory: name)
        files = layout.listFiles.map { WatchedFile(.list, container: "", path: $0) }
    }

    /// What the files say, one record a container and list.
    var records: [ContainerRecord] {
        var records: [ContainerRecord] = []
        var last: String?
        for file in files {
            for record in file.records {
                if file.kind != .list, last == record.id {
                    records[records.count - 1] = records[records.count - 1].adding(record)
                } else {
                    records.append(record)
                    last = file.kind == .list ? nil : record.id
                }
            }
        }
        return records
    }

    /// Looks again at the directory, which is open; true when `records` may have changed.
    func refresh(_ directory: borrowing GuardedDirectory, _ reader: ContainerFileReader) -> Bool {
        var changed = false
        if directory.stamp != stamp || !isSettled { changed = list(directory, reader) }
        var isWitnessed = false
        for index in files.indices where !(files[index].isFollower && files[index].isSettled && isWitnessed) {
            let isNews = files[index].look(in: directory, reader)
            if isNews, files[index].read(in: directory, runtime, reader) { changed = true }
            if !files[index].isFollower { isWitnessed = files[index].isPresent && !isNews }
        }
        return changed
    }

    /// Lists the directory; true when containers have gone. New ones show when their files are read.
    private func list(_ directory: borrowing GuardedDirectory, _ reader: ContainerFileReader) -> Bool {
        let limit = directory.owner == 0 ? Self.limits.root : Self.limits.user
        let names: [String]
        do { names = try reader.names(in: directory, limit: limit + 1) } catch {
            reader.ledger.count("container", error)
            return false
        }
        stamp = directory.stamp
        isSettled = directory.stamp.isSettled(at: reader.now)
        if names.count > limit { reader.ledger.count("container", "too_many") }
        let lists = files.filter { $0.kind == .list }
        let known = Dictionary(grouping: files.dropFirst(lists.count), by: \.container)
        let present = names.prefix(limit)
        files = lists
        for name in present {
            files +=
                known[name]
                ?? layout.files.map {
                    let path = "\(name)/\($0.rawValue)"
                    return WatchedFile(.of($0), container: name, path: path, isFollower: $0 != layout.files[0])
                }
        }
        return !Set(known.keys).isSubset(of: present)
    }
}

/// A file of a directory of containers.
private struct WatchedFile {
    enum Kind: Equatable {
        /// It tells of one container.
        case of(ContainerFile)
        /// It tells of all containers of the directory.
        case list
    }

    let kind: Kind
    /// The container's id; empty for a list.
    let container: String
    /// Whether it was written for good before the container's first file, and so cannot change while that does not.
    let isFollower: Bool
    /// What it says; nothing while it cannot be read.
    private(set) var records: [ContainerRecord] = []
    /// Whether a change since the last look must show in the stamp.
    private(set) var isSettled = true
    private let path: String
    private let terminated: ContiguousArray<CChar>
    /// nil while there is no such file.
    private var stamp: FileStamp?
    /// Whether what is wrong with the file as it is was counted.
    private var isCounted = false

    init(_ kind: Kind, container: String, path: String, isFollower: Bool = false) {
        self.kind = kind
        self.container = container
        self.isFollower = isFollower
        self.path = path
        terminated = ContiguousArray(path.utf8CString)
    }

    var isPresent: Bool { stamp != nil }

    /// Whether the file may have changed since the last look.
    mutating func look(in directory: borrowing GuardedDirectory, _ reader: ContainerFileReader) -> Bool {
        let raw = directory.descriptor.rawValue
        let now = unsafe terminated.withUnsafeBufferPointer { path -> FileStamp? in
            guard let path = path.baseAddress else { return nil }
            return unsafe try? FileStamp(at: raw, path)
        }
        if now == stamp, isSettled { return false }
        if now != stamp { isCounted = false }
        stamp = now
        isSettled = now?.isSettled(at: reader.now) ?? true
        return true
    }

    /// Reads the file; true when `records` changed.
    mutating func read(
        in directory: borrowing GuardedDirectory, _ runtime: ContainerRuntime, _ reader: ContainerFileReader
    ) -> Bool {
        let old = records
        guard isPresent else {
            records = []
            return !old.isEmpty
        }
        let ledger = isCounted ? nil : reader.ledger
        isCounted = true
        do throws(ContainerFileError) {
            records = try reader.read(path, in: directory, limit: limit) { (bytes, owner) throws(ContainerFileError) in
                try decode(bytes, runtime, owner, ledger)
            }
        } catch {
            // It is tried again when there are descriptors, or time: until then, what it said.
            if error.isPassing { (isSettled, isCounted) = (false, false) } else { records = [] }
            if !error.isNormal { ledger?.count("container", error.reason) }
        }
        return records != old
    }

    private func decode(
        _ bytes: borrowing RawSpan, _ runtime: ContainerRuntime, _ owner: UInt32, _ ledger: ErrorLedger?
    ) throws(ContainerFileError) -> [ContainerRecord] {
        switch kind {
        case .list:
            guard let records = ContainerFile.decodeList(bytes, owner: owner) else { throw .malformed }
            return records
        case .of(let file):
            var record = ContainerRecord(id: container, runtime: runtime, owner: owner)
            let isWhole = file.decode(bytes, into: &record) { ledger?.count("container", "bad_sysctl") }
            guard isWhole else { throw .malformed }
            return [record]
        }
    }

    private var limit: Int { kind == .list ? ContainerFile.listLimit : ContainerFile.limit }
}
