/// A growable run of bytes that is written in place and reused: what an exposition is rendered into.
///
/// Growing doubles the capacity; `removeAll()` keeps it, so that a buffer used again for a like amount allocates nothing.
/// The memory does not move while nothing is appended, so a server may send from it without a copy for as long as it
/// keeps a reference to this object.
///
/// Concurrency: one owner writes; once writing has ended any number of threads may read. Whoever writes again must hold
/// the only reference (`isKnownUniquelyReferenced`).
@safe public final class ByteBuffer: @unchecked Sendable {
    // Private, and never held over a call of foreign code: so the compiler can prove that accesses do not overlap, and
    // leaves out the checks at run time that were an eighth of the time of encoding.
    private var used = 0
    private var base: UnsafeMutableRawPointer
    private var room: Int

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int = 4096) {
        room = max(capacity, 64)
        unsafe base = .allocate(byteCount: room, alignment: 16)
    }

    deinit { unsafe base.deallocate() }

    /// Bytes written so far.
    public var count: Int { used }

    /// Bytes that fit before the next growth.
    public var capacity: Int { room }

    /// A copy of the written bytes.
    public var copied: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    /// Calls `body` with the written bytes; the pointer stays valid until the next change of this buffer.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let bytes = unsafe UnsafeRawBufferPointer(start: base, count: used)
        return try unsafe body(bytes)
    }

    /// Whether the bytes in two ranges are the same.
    public func equal(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
        precondition(a.lowerBound >= 0 && a.upperBound <= used && b.lowerBound >= 0 && b.upperBound <= used)
        return unsafe withUnsafeBytes { bytes in unsafe bytes[a].elementsEqual(bytes[b]) }
    }

    /// Forgets the bytes and keeps the memory.
    public func removeAll() { used = 0 }

    /// Forgets the bytes from `position` on.
    public func truncate(to position: Int) {
        precondition(position >= 0 && position <= used)
        used = position
    }

    @inline(__always)
    private func reserve(_ additional: Int) {
        if used &+ additional > room { grow(additional) }
    }

    @inline(never)
    private func grow(_ additional: Int) {
        let more = max(room * 2, used + additional)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: more, alignment: 16)
        unsafe larger.copyMemory(from: base, byteCount: used)
        unsafe base.deallocate()
        unsafe base = larger
        room = more
    }

    @inline(__always)
    private func append(_ source: UnsafeRawPointer, _ length: Int) {
        reserve(length)
        unsafe (base + used).copyMemory(from: source, byteCount: length)
        used &+= length
    }

    /// Appends one byte.
    @inline(__always)
    public func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used &+= 1
    }

    /// Appends the bytes of `span`.
    public func append(_ span: borrowing Span<UInt8>) {
        unsafe span.withUnsafeBytes { source in
            if let from = source.baseAddress { unsafe append(from, source.count) }
        }
    }

    /// Appends the bytes of an array.
    public func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { source in
            if let from = source.baseAddress { unsafe append(from, source.count) }
        }
    }

    /// Appends bytes of `source`, another buffer or this one, at `range`.
    public func append(_ source: ByteBuffer, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= source.used)
        // Room first: the source may be this buffer, and move.
        reserve(range.count)
        unsafe append(source.base + range.lowerBound, range.count)
    }

    /// Appends a literal.
    @inline(__always)
    public func append(_ literal: StaticString) {
        unsafe append(literal.utf8Start, literal.utf8CodeUnitCount)
    }

    /// Appends the UTF-8 of a string.
    public func append(_ string: String) {
        let utf8 = string.utf8Span
        append(utf8.span)
    }

    /// Appends a number in decimal.
    public func append(decimal value: UInt64) {
        reserve(20)
        // Most values are 0 or small.
        if value < 10 {
            unsafe base.storeBytes(of: UInt8(truncatingIfNeeded: value) &+ 0x30, toByteOffset: used, as: UInt8.self)
            used &+= 1
            return
        }
        var length = 1
        var bound = value
        while bound >= 10 {
            bound /= 10
            length &+= 1
        }
        var rest = value
        var position = used &+ length
        repeat {
            position &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe base.storeBytes(of: UInt8(truncatingIfNeeded: digit) &+ 0x30, toByteOffset: position, as: UInt8.self)
            rest = quotient
        } while rest != 0
        used &+= length
    }

    /// Appends seconds given in milliseconds, with three decimals: `1795448925.827`.
    public func append(milliseconds value: UInt64) {
        append(decimal: value / 1000)
        append(UInt8(ascii: "."))
        let rest = value % 1000
        append(UInt8(rest / 100) + 0x30)
        append(UInt8(rest / 10 % 10) + 0x30)
        append(UInt8(rest % 10) + 0x30)
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
