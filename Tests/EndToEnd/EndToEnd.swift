import Foundation
import Testing

/// The real binary on the real kernel. One test at a time: they watch processes, descriptors and namespaces of the whole
/// machine, and each runs an agent of its own.
@Suite(.serialized) enum EndToEnd {}

/// What went wrong outside of what is tested.
struct Trouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A directory that goes when its owner lets go of it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "netdrift-e2e-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and gives its path.
    func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

/// Runs a body several times at once on threads of their own, and gives what each returned.
func concurrently<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) throws -> R) throws -> [R] {
    let results = Results<R>()
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        Thread.detachNewThread {
            defer { group.leave() }
            results.add(Result { try body(index) })
        }
    }
    group.wait()
    return try results.all.map { try $0.get() }
}

private final class Results<R: Sendable>: @unchecked Sendable {
    // Guarded by the lock.
    private var values: [Result<R, any Error>] = []
    private let lock = NSLock()

    func add(_ value: Result<R, any Error>) { lock.withLock { values.append(value) } }

    var all: [Result<R, any Error>] { lock.withLock { values } }
}
