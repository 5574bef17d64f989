internal import Glibc
internal import NetnsSystem

/// Whole files.
enum FileBytes {
    /// The bytes of a regular file, `limit` and one at most, so that one that is longer is seen to be. Standard input,
    /// whatever it is, is `-`. What else a path may lead to (a FIFO, a terminal) could keep us waiting for ever.
    static func read(_ path: String, upTo limit: Int) throws(UnreadableFile) -> [UInt8] {
        let descriptor = path == "-" ? 0 : unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw UnreadableFile(description: "cannot read \(path): \(Errno(rawValue: errno))")
        }
        defer { if descriptor != 0 { close(descriptor) } }
        var status = stat()
        if descriptor != 0, unsafe fstat(descriptor, &status) != 0 || status.st_mode & S_IFMT != S_IFREG {
            throw UnreadableFile(
                description:
                    "cannot read \(path): it is no regular file; for what another program writes, - is standard input")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw UnreadableFile(description: "cannot read \(path): \(Errno(rawValue: errno))")
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
