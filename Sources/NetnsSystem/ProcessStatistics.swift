internal import Glibc
internal import NetnsCore

/// What this process uses of the host, for the `process_*` metrics.
public struct ProcessStatistics: Sendable {
    /// User and system time, seconds.
    public let cpuSeconds: Double
    /// When it started, seconds since the epoch.
    public let startTime: Double
    /// Virtual memory, bytes.
    public let virtualBytes: UInt64
    /// Resident memory, bytes.
    public let residentBytes: UInt64
    /// Threads.
    public let threads: UInt64
    /// Open descriptors.
    public let openDescriptors: UInt64
    /// The soft limit of descriptors.
    public let maximumDescriptors: UInt64

    /// Reads them now, nil when procfs does not show them.
    public static func read() -> ProcessStatistics? {
        var reader = FileReader(capacity: 4096)
        guard let stat = (try? reader.read("/proc/self/stat", { ProcessStat($0) })) ?? nil else { return nil }
        let boot = (try? reader.read("/proc/stat") { Self.bootTime($0) }) ?? nil
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return ProcessStatistics(
            cpuSeconds: Double(stat.cpuTicks) / ticks, startTime: (boot ?? 0) + Double(stat.startTicks) / ticks,
            virtualBytes: stat.virtualBytes, residentBytes: stat.residentPages * UInt64(sysconf(Int32(_SC_PAGESIZE))),
            threads: stat.threads, openDescriptors: countDescriptors(), maximumDescriptors: UInt64(limit.rlim_cur))
    }

    /// Since Linux 6.2 the size of /proc/self/fd is their number; before, it is 0 and they are counted.
    private static func countDescriptors() -> UInt64 {
        guard let directory = try? FileDescriptor.open("/proc/self/fd", O_RDONLY | O_DIRECTORY) else { return 0 }
        if let size = try? directory.status().st_size, size > 0 { return UInt64(size) }
        var count: UInt64 = 0
        try? DirectoryReader().forEachNumber(of: directory) { _ in count += 1 }
        return count
    }

    /// `btime SECONDS` of /proc/stat.
    private static func bootTime(_ text: borrowing RawSpan) -> Double? {
        var bytes: [UInt8] = []
        unsafe text.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "btime ".utf8) {
            return Double(String(decoding: line.dropFirst(6), as: UTF8.self))
        }
        return nil
    }
}
