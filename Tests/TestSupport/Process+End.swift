public import Foundation

extension Process {
    /// Waits for the program to end, for at most `seconds`: its exit status, 128 + N when signal N ended it, or nil.
    ///
    /// Foundation hears of the end by a socket that the program's own children inherit, and so waits for them too, for
    /// ever if need be. The kernel knows better: /proc/PID/stat says `Z`, and the status (proc_pid_stat(5)). A first
    /// thread says `Z` too while others of its process still end, so they are counted.
    public func awaitEnd(within seconds: Double) -> Int32? {
        let end = Date().addingTimeInterval(seconds)
        while true {
            if let status = zombieStatus { return status }
            if !isRunning {
                return terminationReason == .uncaughtSignal ? 128 + terminationStatus : terminationStatus
            }
            if Date() >= end { return nil }
            usleep(2000)
        }
    }

    /// Whether the program has not ended yet. One whose entry is gone has, though Foundation may not have noticed.
    public var isAlive: Bool {
        isRunning && zombieStatus == nil && FileManager.default.fileExists(atPath: "/proc/\(processIdentifier)")
    }

    private var zombieStatus: Int32? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(processIdentifier)/stat"),
            let command = data.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: data[(command + 1)...], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard fields.first == "Z", fields.count > 17, let threads = Int(fields[17]), threads <= 1,
            let code = fields.last.flatMap({ Int32($0) })
        else { return nil }
        return code & 0x7F != 0 ? 128 + (code & 0x7F) : code >> 8 & 0xFF
    }
}
