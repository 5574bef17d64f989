/// The bytes of an answer: immutable, and handed to libmicrohttpd without a copy.
///
/// A body either owns its bytes or borrows them from another object, which it keeps alive until libmicrohttpd has sent
/// them or given up. It may be sent in any number of answers at the same time.
///
/// Concurrency: the pointer and the count are set once; nobody writes to the bytes while a body refers to them, which
/// the initialisers ask for. That is the proof behind `@unchecked`: reads of unchanging memory from any thread.
@safe public final class Body: @unchecked Sendable {
    /// Whose the bytes are.
    private enum Storage {
        case allocated
        case lent(any AnyObject & Sendable)
    }

    /// The number of bytes.
    public let count: Int

    /// The first byte; `nil` exactly when `count` is 0.
    let base: UnsafeRawPointer?

    private let storage: Storage

    /// A body that owns a copy of `bytes`.
    public convenience init(copying bytes: some Collection<UInt8>) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe copy.copyBytes(from: bytes)
        unsafe self.init(adopting: copy)
    }

    /// A body that owns a copy of `bytes`.
    public convenience init(copying bytes: RawSpan) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.byteCount, alignment: 1)
        unsafe bytes.withUnsafeBytes { unsafe copy.copyMemory(from: $0) }
        unsafe self.init(adopting: copy)
    }

    /// A body that owns a copy of `bytes`.
    public convenience init(copying bytes: Span<UInt8>) {
        self.init(copying: unsafe bytes.bytes)
    }

    /// A body that owns a copy of `text`, in UTF-8.
    public convenience init(_ text: String) {
        self.init(copying: text.utf8)
    }

    /// A body that takes over an allocation, without a copy.
    ///
    /// `bytes` was made by `UnsafeMutableRawBufferPointer.allocate` or malloc(3), is initialised, and belongs to the
    /// body from now on: nobody else may write to it or deallocate it.
    @unsafe public init(adopting bytes: UnsafeMutableRawBufferPointer) {
        count = bytes.count
        unsafe base = bytes.isEmpty ? nil : UnsafeRawPointer(bytes.baseAddress)
        storage = .allocated
        // An empty allocation may still be one.
        if count == 0 { unsafe bytes.deallocate() }
    }

    /// A body that borrows the bytes of `owner`, without a copy.
    ///
    /// `owner` is kept alive until the last answer with this body is done. Until its reference is released, `owner`
    /// must neither write to the bytes nor free them; `isKnownUniquelyReferenced` on it tells when it may again.
    @unsafe public init(lending bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
        count = bytes.count
        unsafe base = bytes.isEmpty ? nil : bytes.baseAddress
        storage = .lent(owner)
    }

    deinit {
        if case .allocated = storage { unsafe base?.deallocate() }
    }

    /// Calls `body` with the bytes.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: count)))
    }
}
