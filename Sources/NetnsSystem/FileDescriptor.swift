internal import CLinux
internal import Glibc

/// An open file descriptor with one owner, closed when the owner goes. Always close-on-exec.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, valid while this value lives.
    public let rawValue: Int32

    /// Takes over an open descriptor.
    public init(adopting rawValue: Int32) { self.rawValue = rawValue }

    deinit { Self.close(rawValue) }

    /// Gives the descriptor away: whoever takes it closes it.
    public consuming func release() -> Int32 {
        let raw = rawValue
        discard self
        return raw
    }

    /// close(2). Never tried again: on Linux the descriptor is gone whatever it answers.
    static func close(_ rawValue: Int32) { _ = Glibc.close(rawValue) }

    /// open(2) with O_CLOEXEC and O_NOCTTY; a path relative to `directory` when that is given.
    static func open(_ path: String, at directory: Int32 = AT_FDCWD, _ flags: Int32) throws(Errno) -> FileDescriptor {
        try syscall { unsafe path.withCString { unsafe nd_openat(directory, $0, flags | O_CLOEXEC | O_NOCTTY) } }
            .asDescriptor
    }

    /// As `open`, for a path of raw bytes without NUL.
    static func open(_ path: [UInt8], at directory: Int32 = AT_FDCWD, _ flags: Int32) throws(Errno) -> FileDescriptor {
        let terminated = path + [0]
        return try syscall {
            unsafe terminated.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return -EINVAL }
                return unsafe base.withMemoryRebound(to: CChar.self, capacity: buffer.count) {
                    unsafe nd_openat(directory, $0, flags | O_CLOEXEC | O_NOCTTY)
                }
            }
        }.asDescriptor
    }

    /// fstat(2)
    func status() throws(Errno) -> stat {
        var status = stat()
        _ = try syscall { unsafe fstat(rawValue, &status) == 0 ? 0 : -errno }
        return status
    }
}

extension Int32 {
    /// The descriptor that a system call returned.
    var asDescriptor: FileDescriptor { FileDescriptor(adopting: self) }
}

/// Reading of small files of procfs into a buffer that is used again.
@safe struct FileReader: ~Copyable {
    private var buffer: UnsafeMutableRawBufferPointer

    init(capacity: Int = 16384) { unsafe buffer = .allocate(byteCount: capacity, alignment: 16) }

    deinit { unsafe buffer.deallocate() }

    /// Reads a whole file, growing the buffer up to `limit` bytes, and gives its bytes to `body`.
    /// A file that is longer throws E2BIG: half of it would be taken for the whole.
    mutating func read<R>(
        _ path: String, at directory: Int32 = AT_FDCWD, limit: Int = 64 << 20, _ body: (borrowing RawSpan) -> R
    ) throws(Errno) -> R {
        try read(try FileDescriptor.open(path, at: directory, O_RDONLY), limit: limit, body)
    }

    /// As above, of an open file, from where it stands.
    mutating func read<R>(
        _ file: borrowing FileDescriptor, limit: Int, _ body: (borrowing RawSpan) -> R
    ) throws(Errno) -> R {
        var count = 0
        while true {
            if unsafe count == buffer.count {
                guard unsafe buffer.count < limit else { throw Errno(rawValue: E2BIG) }
                let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
                    byteCount: min(buffer.count * 4, limit), alignment: 16)
                unsafe larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
                unsafe buffer.deallocate()
                unsafe buffer = larger
            }
            let got = try syscall {
                guard let base = unsafe buffer.baseAddress else { return -EINVAL }
                let result = unsafe Glibc.read(file.rawValue, base + count, buffer.count - count)
                return result < 0 ? -errno : Int32(result)
            }
            if got == 0 { break }
            count += Int(got)
        }
        return unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[0..<count])))
    }
}

/// readlink(2) into a buffer of its own.
@safe struct LinkReader: ~Copyable {
    private let buffer: UnsafeMutableRawBufferPointer

    init() { unsafe buffer = .allocate(byteCount: 4096, alignment: 16) }

    deinit { unsafe buffer.deallocate() }

    /// The target of the link at a NUL-terminated path below `directory`.
    func read<R>(_ path: UnsafePointer<CChar>, at directory: Int32, _ body: (borrowing RawSpan) -> R) throws(Errno) -> R
    {
        let count = try syscall {
            guard let base = unsafe buffer.bindMemory(to: CChar.self).baseAddress else { return -EINVAL }
            let result = unsafe readlinkat(directory, path, base, buffer.count)
            return result < 0 ? -errno : Int32(result)
        }
        return unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[0..<Int(count)])))
    }

    func read<R>(_ path: String, at directory: Int32, _ body: (borrowing RawSpan) -> R) throws(Errno) -> R {
        let count = try syscall {
            guard let base = unsafe buffer.bindMemory(to: CChar.self).baseAddress else { return -EINVAL }
            let result = unsafe path.withCString { unsafe readlinkat(directory, $0, base, buffer.count) }
            return result < 0 ? -errno : Int32(result)
        }
        return unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[0..<Int(count)])))
    }
}
