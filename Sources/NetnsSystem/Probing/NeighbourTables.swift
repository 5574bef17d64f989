internal import Glibc
internal import NetnsCore

/// How full the kernel's neighbour tables (ARP, NDP) are. Each is one for all namespaces of the host: a probe may cost two
/// entries, one on each side, and once `gc_thresh3` of them are in use nobody on the host reaches a new neighbour any more.
///
/// Source: net/core/neighbour.c neigh_alloc(), /proc/net/stat/{arp,ndisc}_cache, which the initial namespace alone has.
struct NeighbourTables: ~Copyable {
    /// The part of the limit from which on no new entries are made by us.
    private static let part = 7.0 / 8
    private static let interval = 1.0

    private let procfs: String
    private var reader = FileReader(capacity: 4096)
    private var next: Instant?
    private var full: [IPFamily] = []

    init(procfs: String) { self.procfs = procfs }

    /// Looks again, at most once a second. The calling thread is at home.
    mutating func refresh(at now: Instant) {
        if let next, now < next { return }
        next = now.advanced(bySeconds: Self.interval)
        full.removeAll()
        if isNearlyFull("arp_cache", "ipv4") { full.append(.ipv4) }
        if isNearlyFull("ndisc_cache", "ipv6") { full.append(.ipv6) }
    }

    /// Whether the table of a family, or of any when it is not known which, was nearly full at the last look. false where
    /// that cannot be seen.
    func isNearlyFull(_ family: IPFamily?) -> Bool { family.map { full.contains($0) } ?? !full.isEmpty }

    private mutating func isNearlyFull(_ file: String, _ family: String) -> Bool {
        // A line of names, then for each CPU the same number of entries, in hexadecimal.
        guard let entries = word("\(procfs)/thread-self/net/stat/\(file)", line: 1).flatMap({ Int($0, radix: 16) }),
            let limit = word("\(procfs)/sys/net/\(family)/neigh/default/gc_thresh3", line: 0).flatMap({ Int($0) }),
            limit > 0
        else { return false }
        return Double(entries) >= Double(limit) * Self.part
    }

    private mutating func word(_ path: String, line: Int) -> String? {
        let text = try? reader.read(path, limit: 1 << 16) { span in
            var bytes: [UInt8] = []
            for offset in 0..<min(span.byteCount, 1024) {
                unsafe bytes.append(span.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let lines = text?.split(separator: "\n") ?? []
        guard line < lines.count else { return nil }
        return lines[line].split(separator: " ").first.map(String.init)
    }
}
