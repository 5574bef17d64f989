/// What one CPU did with the packets that came in, of all namespaces: a line of /proc/net/softnet_stat.
public struct SoftnetStatistics: Sendable {
    /// The columns that have a meaning, by their number. Source: net/core/net-procfs.c softnet_seq_show().
    public enum Column: Int, CaseIterable, Sendable {
        case processed = 0
        case dropped = 1
        case timeSqueezed = 2
        case receivedRPS = 9
        case flowLimited = 10
        /// Packets in the backlog; Linux 5.10.
        case backlog = 11
    }

    /// The number of the CPU: the column of Linux 5.10, or the line's position before, when all CPUs are online.
    public internal(set) var cpu = 0
    private var values = OptionalValues<13>()

    /// A column's number; nil where the kernel does not print it.
    public subscript(column: Column) -> UInt64? { values[column.rawValue] }

    /// Reads the lines of the text into `cpus`, whose memory is used again. A line without its end is passed over.
    public static func read(_ text: borrowing RawSpan, into cpus: inout [SoftnetStatistics]) {
        cpus.removeAll(keepingCapacity: true)
        var offset = 0
        while let end = text.endOfLine(from: offset) {
            var line = SoftnetStatistics()
            line.cpu = cpus.count
            for column in 0..<13 {
                let word = text.word(at: &offset, before: end)
                guard !word.isEmpty else { break }
                var start = word.lowerBound
                line.values[column] = text.hexadecimal(at: &start)
            }
            if let cpu = line.values[12], let number = Int(exactly: cpu) { line.cpu = number }
            if line.values[0] != nil { cpus.append(line) }
            offset = end
        }
    }
}
