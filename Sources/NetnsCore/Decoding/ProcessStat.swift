/// The fields of /proc/PID/stat that are exported. Source: proc_pid_stat(5).
public struct ProcessStat: Hashable, Sendable {
    /// utime + stime, clock ticks.
    public let cpuTicks: UInt64
    /// starttime, clock ticks after boot.
    public let startTicks: UInt64
    /// vsize, bytes.
    public let virtualBytes: UInt64
    /// rss, pages.
    public let residentPages: UInt64
    /// num_threads
    public let threads: UInt64

    /// Reads the line, nil when it has not the form of one. The command, field 2, is in parentheses and may hold any
    /// byte, parentheses too: the fields begin after the last one.
    public init?(_ text: borrowing RawSpan) {
        var position = text.byteCount - 1
        while position >= 0, text.loadByte(at: position) != UInt8(ascii: ")") { position -= 1 }
        guard position > 0 else { return nil }
        position += 1
        // After the command: state is field 3.
        var fields = InlineArray<22, UInt64>(repeating: 0)
        var field = 0
        while field < 22 {
            while position < text.byteCount, text.loadByte(at: position) == 0x20 { position += 1 }
            guard position < text.byteCount, text.loadByte(at: position) > 0x20 else { return nil }
            var value: UInt64 = 0
            while position < text.byteCount, text.loadByte(at: position) > 0x20 {
                let digit = text.loadByte(at: position) &- 0x30
                if digit < 10 { value = value &* 10 &+ UInt64(digit) }
                position += 1
            }
            fields[field] = value
            field += 1
        }
        cpuTicks = fields[11] &+ fields[12]
        threads = fields[17]
        startTicks = fields[19]
        virtualBytes = fields[20]
        residentPages = fields[21]
    }
}
