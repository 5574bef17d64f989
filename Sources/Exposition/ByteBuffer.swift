/// A growable run of bytes that is written in place and reused: what an exposition is rendered into.
///
/// Growing doubles the capacity; `removeAll()` keeps it, so that a buffer used again for a like amount allocates nothing.
/// The memory does not move while nothing is appended, so a server may send from it without a copy for as long as it
/// keeps a reference to this object.
///
/// Concurrency: one owner writes; once writing has ended any number of threads may read. Whoever writes again must hold
/// the only reference (`isKnownUniquelyReferenced`).
@safe public final class ByteBuffer: @unchecked Sendable {
    /// Bytes written so far.
    public private(set) var count = 0
    private var storage: UnsafeMutableRawBufferPointer

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int = 4096) {
        unsafe storage = .allocate(byteCount: max(capacity, 64), alignment: 16)
    }

    deinit { unsafe storage.deallocate() }

    /// Bytes that fit before the next growth.
    public var capacity: Int { unsafe storage.count }

    /// A copy of the written bytes.
    public var copied: [UInt8] { unsafe Array(UnsafeRawBufferPointer(rebasing: storage[0..<count])) }

    /// Calls `body` with the written bytes; the pointer stays valid until the next change of this buffer.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(rebasing: storage[0..<count]))
    }

    /// Whether the bytes in two ranges are the same.
    public func equal(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        precondition(a.upperBound <= count && b.upperBound <= count)
        return unsafe storage[a].elementsEqual(storage[b])
    }

    /// Forgets the bytes and keeps the memory.
    public func removeAll() { count = 0 }

    /// Forgets the bytes from `position` on.
    public func truncate(to position: Int) {
        precondition(position >= 0 && position <= count)
        count = position
    }

    @inline(__always)
    func reserve(_ additional: Int) {
        if unsafe count &+ additional > storage.count { grow(additional) }
    }

    @inline(never)
    private func grow(_ additional: Int) {
        let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(storage.count * 2, count + additional), alignment: 16)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[0..<count]))
        unsafe storage.deallocate()
        unsafe storage = larger
    }

    /// Appends one byte.
    @inline(__always)
    public func append(_ byte: UInt8) {
        reserve(1)
        unsafe storage.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Appends the bytes of `span`.
    @inline(__always)
    public func append(_ span: borrowing Span<UInt8>) {
        let length = span.count
        reserve(length)
        unsafe span.withUnsafeBytes { source in
            guard let from = source.baseAddress, let to = unsafe storage.baseAddress else { return }
            unsafe (to + count).copyMemory(from: from, byteCount: length)
        }
        count &+= length
    }

    /// Appends the bytes of an array.
    @inline(__always)
    public func append(_ bytes: [UInt8]) { append(bytes.span) }

    /// Appends bytes of `source`, another buffer or this one, at `range`.
    public func append(_ source: ByteBuffer, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
        reserve(range.count)
        guard let from = unsafe source.storage.baseAddress, let to = unsafe storage.baseAddress else { return }
        unsafe (to + count).copyMemory(from: from + range.lowerBound, byteCount: range.count)
        count &+= range.count
    }

    /// Appends a literal.
    @inline(__always)
    public func append(_ literal: StaticString) {
        let length = literal.utf8CodeUnitCount
        reserve(length)
        guard let to = unsafe storage.baseAddress else { return }
        unsafe (to + count).copyMemory(from: literal.utf8Start, byteCount: length)
        count &+= length
    }

    /// Appends the UTF-8 of a string.
    public func append(_ string: String) {
        let utf8 = string.utf8Span
        append(utf8.span)
    }

    /// Appends a number in decimal.
    public func append(decimal value: UInt64) {
        reserve(20)
        guard let base = unsafe storage.baseAddress else { return }
        var length = 1
        var bound = value
        while bound >= 10 {
            bound /= 10
            length &+= 1
        }
        var rest = value
        var position = count &+ length
        repeat {
            position &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe base.storeBytes(of: UInt8(truncatingIfNeeded: digit) &+ 0x30, toByteOffset: position, as: UInt8.self)
            rest = quotient
        } while rest != 0
        count &+= length
    }

    /// Appends a number in decimal, with a sign when it is negative.
    public func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: value.magnitude)
    }

    /// Appends a number as the shortest text that reads back the same; not-a-number and infinities as Prometheus
    /// writes them (`NaN`, `+Inf`, `-Inf`).
    public func append(_ value: Double) {
        if value.isNaN {
            append("NaN" as StaticString)
        } else if value.isInfinite {
            append(value < 0 ? "-Inf" as StaticString : "+Inf")
        } else if value == value.rounded(), value.magnitude < 9e15 {
            append(decimal: Int64(value))
        } else {
            append(value.description)
        }
    }
}
