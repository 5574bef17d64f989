internal import FoundationEssentials
internal import NetnsCore

/// The namespaces for a person or a program: names are those of the labels. What is not known is left out.
struct NamespaceListing: Encodable {
    struct Interface: Encodable {
        let device: String
        let ifindex: Int32
        let operstate: String?
        let mtu: UInt32?
        let kind: String?
        let address: String?
        /// With their prefix lengths; absent when they could not be read.
        let addresses: [String]?
        let master: String?
    }

    struct HolderEntry: Encodable {
        let origin: String
        let pid: Int32?
        let fd: Int32?
        let tid: Int32?
        let path: String?
    }

    struct Entry: Encodable {
        let name: String
        let inode: UInt64
        let cookie: UInt64?
        let nsid: Int32?
        let origin: String
        let processes: Int
        let pid: Int32?
        let user: String?
        let command: String?
        let mounts: [String]
        let holders: [HolderEntry]
        /// Absent when they could not be read.
        let interfaces: [Interface]?
    }

    let namespaces: [Entry]

    /// A listing of samples, in their order; `commands` has the command lines of their processes.
    init(_ samples: [NamespaceSample], _ commands: [Int32: String]) {
        namespaces = samples.map { Self.entry($0, commands) }
    }

    private static func entry(_ sample: NamespaceSample, _ commands: [Int32: String]) -> Entry {
        Entry(
            name: sample.name, inode: sample.inode, cookie: sample.cookie, nsid: sample.nsid,
            origin: sample.origin.rawValue, processes: sample.processes, pid: sample.leader?.pid,
            user: sample.leader?.user,
            command: sample.leader.map { commands[$0.pid] ?? $0.command },
            mounts: sample.mounts.map { PrintableText.string($0) }, holders: sample.holders.map(holder),
            interfaces: sample.wasRead && sample.hasLinks ? interfaces(sample) : nil)
    }

    private static func interfaces(_ sample: NamespaceSample) -> [Interface] {
        let links = sample.links
        let addresses = Dictionary(grouping: sample.addresses, by: \.link)
        let names = Dictionary(links.map { ($0.index, $0.name.description) }, uniquingKeysWith: { first, _ in first })
        return links.sorted { $0.index < $1.index }.map { link in
            Interface(
                device: link.name.description, ifindex: link.index,
                operstate: link.operationalState?.name.description, mtu: link.mtu,
                kind: link.kind.isEmpty ? nil : link.kind.description, address: hardwareAddress(link.address),
                addresses: sample.hasAddresses
                    ? (addresses[link.index] ?? []).map { "\($0.address)/\($0.prefixLength)" } : nil,
                master: link.master.flatMap { names[$0] })
        }
    }

    private static func hardwareAddress(_ address: InlineBytes<32>) -> String? {
        guard !address.isEmpty else { return nil }
        return (0..<address.count).map { index in
            let digits = String(address[index], radix: 16)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }.joined(separator: ":")
    }

    private static func holder(_ holder: Holder) -> HolderEntry {
        let origin = holder.origin.rawValue
        switch holder {
        case .process(let pid):
            return HolderEntry(origin: origin, pid: pid, fd: nil, tid: nil, path: nil)
        case .mount(let path):
            return HolderEntry(origin: origin, pid: nil, fd: nil, tid: nil, path: PrintableText.string(path))
        case .foreignMount(let pid, let path):
            return HolderEntry(origin: origin, pid: pid, fd: nil, tid: nil, path: PrintableText.string(path))
        case .descriptor(let pid, let fd), .socket(let pid, let fd):
            return HolderEntry(origin: origin, pid: pid, fd: fd, tid: nil, path: nil)
        case .thread(let pid, let tid):
            return HolderEntry(origin: origin, pid: pid, fd: nil, tid: tid, path: nil)
        }
    }

    /// The listing as JSON with sorted keys, ended by a line feed.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// The listing as a table; lines longer than `width` are cut, since a wrapped table cannot be read.
    func table(width: Int?) -> String {
        let header = [
            "NS", "NAME", "ORIGIN", "NPROCS", "PID", "USER", "NETNSID", "NSFS", "INTERFACES", "COMMAND",
        ]
        let rightAligned: Set<Int> = [0, 3, 4]
        let rows = namespaces.map { entry in
            [
                String(entry.inode), entry.name, entry.origin, String(entry.processes),
                entry.pid.map { String($0) } ?? "-", entry.user ?? "-", entry.nsid.map { String($0) } ?? "unassigned",
                Self.list(entry.mounts), entry.interfaces.map { Self.list($0.map(\.device)) } ?? "?",
                entry.command ?? Self.heldBy(entry),
            ]
        }
        var widths = header.map(\.count)
        for row in rows {
            for column in row.indices { widths[column] = max(widths[column], row[column].count) }
        }
        return ([header] + rows).map { row in
            var line = ""
            for column in row.indices {
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                if column > 0 { line += " " }
                if rightAligned.contains(column) {
                    line += padding + row[column]
                } else {
                    line += row[column] + (column == row.count - 1 ? "" : padding)
                }
            }
            while line.last == " " { line.removeLast() }
            return width.map { String(line.prefix($0)) } ?? line
        }.joined(separator: "\n") + "\n"
    }

    /// A few items, and how many more there are: the host of a thousand containers has a thousand veths.
    private static func list(_ items: [String]) -> String {
        guard !items.isEmpty else { return "-" }
        let shown = items.prefix(4).joined(separator: ",")
        return items.count > 4 ? shown + ",+\(items.count - 4)" : shown
    }

    /// For a namespace without a process: who holds it.
    private static func heldBy(_ entry: Entry) -> String {
        guard entry.mounts.isEmpty, let holder = entry.holders.first(where: { $0.origin == entry.origin }) else {
            return "-"
        }
        let process = holder.pid.map { "pid \($0)" } ?? ""
        switch holder.origin {
        case "fd", "socket": return "(\(holder.origin) \(holder.fd.map { String($0) } ?? "?") of \(process))"
        case "thread": return "(thread \(holder.tid.map { String($0) } ?? "?") of \(process))"
        default: return "(mounted on \(holder.path ?? "?") in the mount namespace of \(process))"
        }
    }
}
