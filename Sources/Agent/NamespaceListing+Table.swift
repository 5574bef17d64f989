internal import NetnsCore

extension NamespaceListing {
    /// The listing as a table; lines longer than `width` are cut, since a wrapped table cannot be read.
    func table(width: Int?) -> String {
        let header = [
            "NS", "NAME", "ORIGIN", "NPROCS", "PID", "USER", "NETNSID", "NSFS", "CONTAINER", "INTERFACES", "COMMAND",
        ]
        let rightAligned: Set<Int> = [0, 3, 4]
        let rows = namespaces.map { entry in
            [
                String(entry.inode), entry.name, entry.origin, String(entry.processes),
                entry.pid.map { String($0) } ?? "-", entry.user ?? "-", entry.nsid.map { String($0) } ?? "unassigned",
                Self.list(entry.mounts), Self.container(entry), Self.interfaces(entry),
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

    /// `RUNTIME:ID`, a long id as the runtimes' own tools shorten it.
    private static func container(_ entry: Entry) -> String {
        guard let id = entry.containerId else { return "-" }
        return (entry.runtime.map { "\($0):" } ?? "")
            + (id.utf8.count == 64 ? String(id.prefix(12)) : PrintableText.string(Array(id.utf8)))
    }

    /// The interfaces but lo, which is everywhere: `eth0 198.18.0.2/22 -> veth7 (br0)`. Of addresses the first that
    /// reaches further than the link.
    private static func interfaces(_ entry: Entry) -> String {
        guard let interfaces = entry.interfaces else { return "?" }
        let shown = interfaces.filter { $0.device != "lo" || interfaces.count == 1 }.map { interface in
            var text = interface.device
            if let address = interface.addresses?.first(where: { !$0.hasPrefix("fe80:") }) { text += " " + address }
            if let netns = interface.peerNetns, let device = interface.peerDevice {
                text += " -> " + (netns == NamespaceNames.host ? device : "\(netns):\(device)")
                if let master = interface.master, interface.isPeersMaster { text += " (\(master))" }
            }
            return text
        }
        return list(shown, most: 3)
    }

    /// A few items, and how many more there are: the host of a thousand containers has a thousand veths.
    private static func list(_ items: [String], most: Int = 4) -> String {
        guard !items.isEmpty else { return "-" }
        let shown = items.prefix(most).joined(separator: ", ")
        return items.count > most ? shown + ", +\(items.count - most)" : shown
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
