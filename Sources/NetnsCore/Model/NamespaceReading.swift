/// What the text of a collector's files becomes. One value a namespace is kept and used again, so that a collection
/// allocates nothing for it.
public protocol FileReading: Sendable {
    /// Forgets what the last collection read, and keeps the memory.
    mutating func begin()

    /// Takes the text of one file, by its name in /proc/net. It may be cut off anywhere: what cannot be told is left out.
    mutating func read(_ text: borrowing RawSpan, of file: String)
}

/// What one collection read of one namespace for one collector.
///
/// Concurrency: as `NamespaceSample`, to which it belongs.
public class AnyNamespaceReading: @unchecked Sendable {
    /// Whether this collection read it; when false, the value is of no collection and must not be shown.
    public var wasRead = false

    fileprivate init() {}
}

/// What one collection read of one namespace, with its type.
public final class NamespaceReading<Value: FileReading>: AnyNamespaceReading, @unchecked Sendable {
    /// What was read, when `wasRead`.
    public fileprivate(set) var value: Value

    fileprivate init(_ value: Value) { self.value = value }
}

/// Files that an engine reads in each namespace for a collector, whatever they become.
public protocol NamespaceSource: Sendable {
    /// The collector's name; failures are counted under it.
    var name: String { get }
    /// Names in /proc/net. A kernel may be without some of them, or all.
    var files: [String] { get }
    /// Whether they say the same in every namespace, so that the host's alone are read.
    var inHostAlone: Bool { get }
    /// Where it is kept: one for each namespace.
    func makeReading() -> AnyNamespaceReading
    /// See `FileReading`; does nothing to a reading of another source.
    func begin(_ reading: AnyNamespaceReading)
    /// See `FileReading`; does nothing to a reading of another source.
    func read(_ text: borrowing RawSpan, of file: String, into reading: AnyNamespaceReading)
}

/// Files of /proc/net that become a value of one type in each namespace.
public struct FileSource<Value: FileReading>: NamespaceSource {
    /// See `NamespaceSource`.
    public let name: String
    /// See `NamespaceSource`.
    public let files: [String]
    /// See `NamespaceSource`.
    public let inHostAlone: Bool
    /// A value that has read nothing.
    public let empty: Value

    /// The files that the collector `name` reads, into copies of `empty`.
    public init(_ name: String, files: [String], inHostAlone: Bool = false, into empty: Value) {
        self.name = name
        self.files = files
        self.inHostAlone = inHostAlone
        self.empty = empty
    }

    /// See `NamespaceSource`.
    public func makeReading() -> AnyNamespaceReading { NamespaceReading(empty) }

    /// See `NamespaceSource`.
    public func begin(_ reading: AnyNamespaceReading) { (reading as? NamespaceReading<Value>)?.value.begin() }

    /// See `NamespaceSource`.
    public func read(_ text: borrowing RawSpan, of file: String, into reading: AnyNamespaceReading) {
        (reading as? NamespaceReading<Value>)?.value.read(text, of: file)
    }
}

extension NamespaceSample {
    /// The reading of the source at `index`. All are made when the first is asked for, and kept as long as the sample.
    public func reading(at index: Int, of sources: [any NamespaceSource]) -> AnyNamespaceReading {
        if readings.count != sources.count { readings = sources.map { $0.makeReading() } }
        return readings[index]
    }

    /// What this collection read from the source at `index`; nil when it did not, or that is another source.
    public func reading<Value>(_ type: Value.Type, at index: Int) -> NamespaceReading<Value>? {
        guard wasRead, index < readings.count, readings[index].wasRead else { return nil }
        return readings[index] as? NamespaceReading<Value>
    }

    /// Of no source was anything read.
    public func clearReadings() { for reading in readings { reading.wasRead = false } }
}
