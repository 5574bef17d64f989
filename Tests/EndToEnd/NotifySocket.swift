import Foundation

/// The socket of a service manager: what sd_notify(3) sends to.
final class NotifySocket {
    /// What `NOTIFY_SOCKET` is to be.
    let name: String
    private let descriptor: Int32
    private let directory = try? TemporaryDirectory()

    /// A socket in the file system, or one with an abstract name.
    init(isAbstract: Bool = false) throws {
        guard let directory else { throw Trouble("no temporary directory") }
        // A path has room for 108 bytes.
        let path = "\(directory.path)/n"
        name = isAbstract ? "@netdrift-\(UUID().uuidString)" : path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble("socket: \(errno)") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = isAbstract ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
        }
        guard result == 0 else { throw Trouble("bind \(name): \(errno)") }
    }

    deinit { close(descriptor) }

    /// The next message, waited for at most `seconds`: nil when none came.
    func next(within seconds: Double = 20) -> [String: String]? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&waiting, 1, Int32(seconds * 1000)) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        var message: [String: String] = [:]
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            message[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        return message
    }

    /// Everything that has come by now.
    func rest() -> [[String: String]] {
        var messages: [[String: String]] = []
        while let message = next(within: 0) { messages.append(message) }
        return messages
    }

    /// The next message that has a word, those before it left out.
    func next(with word: String, within seconds: Double = 20) -> [String: String]? {
        let end = Date().addingTimeInterval(seconds)
        while let message = next(within: max(0, end.timeIntervalSinceNow)) {
            if message[word] != nil { return message }
        }
        return nil
    }
}
