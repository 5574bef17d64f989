/// Up to `capacity` bytes stored in place: interface names, link kinds, hardware addresses. Copying allocates nothing.
public struct InlineBytes<let capacity: Int>: Sendable {
    private var storage = InlineArray<capacity, UInt8>(repeating: 0)
    /// How many bytes are used.
    public private(set) var count = 0

    /// No bytes.
    public init() {}

    /// The first `capacity` of `bytes`; the kernel's own limits make them fit.
    public init(_ bytes: borrowing RawSpan) {
        count = min(bytes.byteCount, capacity)
        for index in 0..<count { storage[index] = bytes.loadByte(at: index) }
    }

    /// The bytes of a text, for tests and tables.
    public init(_ text: String) {
        for byte in text.utf8.prefix(capacity) {
            storage[count] = byte
            count += 1
        }
    }

    /// Adds a byte; traps when there is no room.
    mutating func append(_ byte: UInt8) {
        storage[count] = byte
        count += 1
    }

    /// Whether there are none.
    public var isEmpty: Bool { count == 0 }

    /// Whether all bytes are printable ASCII and none is a backslash: such names need no escape, and look the same only
    /// if they are.
    public var isPlain: Bool {
        for index in 0..<count {
            let byte = storage[index]
            if byte <= 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") { return false }
        }
        return true
    }

    /// Calls `body` with the bytes.
    public func withSpan<R: ~Copyable>(_ body: (borrowing Span<UInt8>) -> R) -> R {
        body(storage.span.extracting(0..<count))
    }

    /// The byte at `index`, which is below `count`.
    public subscript(index: Int) -> UInt8 { storage[index] }
}

extension InlineBytes: Hashable {
    /// Equal bytes.
    public static func == (a: Self, b: Self) -> Bool {
        guard a.count == b.count else { return false }
        for index in 0..<a.count where a.storage[index] != b.storage[index] { return false }
        return true
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for index in 0..<count { hasher.combine(storage[index]) }
    }
}

extension InlineBytes: CustomStringConvertible {
    /// The bytes as text; what is not UTF-8, and control characters, as `\xHH` (`PrintableText`).
    public var description: String { withSpan { PrintableText.string($0) } }
}

extension RawSpan {
    /// The byte at `offset`.
    @inline(__always)
    func loadByte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// A number in the host's byte order at any alignment, which is how netlink puts them; traps outside the span.
    @inline(__always)
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        precondition(offset >= 0 && offset <= byteCount - MemoryLayout<T>.size)
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self)
    }
}
