internal import CLinux
internal import Glibc

/// Reading of directories by getdents64(2) into one buffer: no allocation an entry, as opendir(3) and String would cost.
@safe struct DirectoryReader: ~Copyable {
    private let buffer: UnsafeMutableRawBufferPointer

    init(capacity: Int = 65536) { unsafe buffer = .allocate(byteCount: capacity, alignment: 16) }

    deinit { unsafe buffer.deallocate() }

    /// Gives each entry's name, NUL-terminated and valid during the call, to `body`; `.` and `..` are left out.
    /// The directory is read from its beginning, as far as `limit` names.
    func forEachName(
        of directory: borrowing FileDescriptor, limit: Int = .max, _ body: (UnsafePointer<CChar>) -> Void
    ) throws(Errno) {
        var left = limit
        let raw = directory.rawValue
        guard lseek(raw, 0, SEEK_SET) >= 0 else { throw .last }
        while true {
            let count = Int(try syscall { unsafe nd_getdents64(raw, buffer.baseAddress, UInt32(buffer.count)) })
            if count == 0 { return }
            var offset = 0
            while offset + ND_DIRENT_NAME < count {
                let length = unsafe Int(
                    buffer.loadUnaligned(fromByteOffset: offset + ND_DIRENT_RECLEN, as: UInt16.self))
                guard length > ND_DIRENT_NAME, offset + length <= count,
                    let base = unsafe buffer.baseAddress
                else { throw .badMessage }
                let name = unsafe (base + offset + ND_DIRENT_NAME).assumingMemoryBound(to: CChar.self)
                offset += length
                if unsafe name[0] == 0x2E, unsafe name[1] == 0 || (name[1] == 0x2E && name[2] == 0) { continue }
                guard left > 0 else { return }
                left -= 1
                unsafe body(name)
            }
        }
    }

    /// Gives each entry that is a positive decimal number (a process, a thread, a descriptor) to `body`.
    func forEachNumber(of directory: borrowing FileDescriptor, _ body: (Int32) -> Void) throws(Errno) {
        try unsafe forEachName(of: directory) { name in
            if let number = unsafe decimal(name) { body(number) }
        }
    }
}

/// The number a NUL-terminated name is, nil when it is none or beyond Int32.
private func decimal(_ name: UnsafePointer<CChar>) -> Int32? {
    var value: Int32 = 0
    var position = 0
    while unsafe name[position] != 0 {
        let digit = unsafe Int32(name[position]) - 0x30
        guard digit >= 0, digit < 10, position < 10 else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, overflow2) = product.addingReportingOverflow(digit)
        guard !overflow, !overflow2 else { return nil }
        value = sum
        position += 1
    }
    return position > 0 ? value : nil
}
