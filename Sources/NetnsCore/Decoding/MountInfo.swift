/// A bind mount of a network namespace.
public struct NamespaceMount: Hashable, Sendable {
    /// The namespace's inode, from the mount's root field, `net:[INODE]`.
    public let inode: UInt64
    /// Where it is mounted: raw bytes, unescaped, relative to the root of the process whose mountinfo it is.
    public let path: [UInt8]

    /// A mount of namespace `inode` at `path`.
    public init(inode: UInt64, path: [UInt8]) {
        self.inode = inode
        self.path = path
    }
}

/// Decoding of /proc/PID/mountinfo. Source: proc_pid_mountinfo(5), fs/proc_namespace.c show_mountinfo().
public enum MountInfo {
    /// The mounts of network namespaces among all mounts, in the file's order. A line that is not one is passed over:
    /// so is a last line that was cut.
    public static func namespaceMounts(_ text: borrowing RawSpan) -> [NamespaceMount] {
        var mounts: [NamespaceMount] = []
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.loadByte(at: end) != UInt8(ascii: "\n") { end += 1 }
            if end < text.byteCount, let mount = mount(text.extracting(start..<end)) { mounts.append(mount) }
            start = end + 1
        }
        return mounts
    }

    /// `ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPEROPTIONS`. The root of an ordinary
    /// bind mount begins with a slash, so `net:[` there is nsfs's own.
    private static func mount(_ line: borrowing RawSpan) -> NamespaceMount? {
        var offset = 0
        for _ in 0..<3 {
            while offset < line.byteCount, line.loadByte(at: offset) != 0x20 { offset += 1 }
            offset += 1
        }
        guard offset < line.byteCount, line.loadByte(at: offset) == UInt8(ascii: "n") else { return nil }
        var end = offset
        while end < line.byteCount, line.loadByte(at: end) != 0x20 { end += 1 }
        guard let inode = NamespaceLinkText.inode(line.extracting(offset..<end)) else { return nil }
        let pathStart = end + 1
        guard pathStart < line.byteCount else { return nil }
        end = pathStart
        while end < line.byteCount, line.loadByte(at: end) != 0x20 { end += 1 }
        guard end < line.byteCount, end > pathStart else { return nil }
        return NamespaceMount(inode: inode, path: unescaped(line.extracting(pathStart..<end)))
    }

    /// Space, tab, line feed and backslash stand as `\ooo`, three octal digits.
    private static func unescaped(_ field: borrowing RawSpan) -> [UInt8] {
        var path: [UInt8] = []
        path.reserveCapacity(field.byteCount)
        var offset = 0
        while offset < field.byteCount {
            let byte = field.loadByte(at: offset)
            if byte == UInt8(ascii: "\\"), let code = octal(field, at: offset + 1) {
                path.append(code)
                offset += 4
            } else {
                path.append(byte)
                offset += 1
            }
        }
        return path
    }

    private static func octal(_ field: borrowing RawSpan, at offset: Int) -> UInt8? {
        guard offset + 3 <= field.byteCount else { return nil }
        var value = 0
        for position in offset..<offset + 3 {
            let digit = field.loadByte(at: position) &- 0x30
            guard digit < 8 else { return nil }
            value = value * 8 + Int(digit)
        }
        return UInt8(exactly: value)
    }

    /// Whether /proc/sys/net can be written, as far as mounts decide it: by the last mount on the way there, which hides
    /// those before it. nil when that is no procfs. A cut last line is passed over.
    public static func isProcSysWritable(_ text: borrowing RawSpan) -> Bool? {
        var found: Bool?
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.loadByte(at: end) != UInt8(ascii: "\n") { end += 1 }
            if end < text.byteCount { lookForProcSys(text.extracting(start..<end), &found) }
            start = end + 1
        }
        return found
    }

    private static let wayToSysctls = ["/", "/proc", "/proc/sys", "/proc/sys/net"].map { Array($0.utf8) }

    private static func lookForProcSys(_ line: borrowing RawSpan, _ found: inout Bool?) {
        var fields: [[UInt8]] = []
        var field: [UInt8] = []
        for offset in 0..<line.byteCount {
            if line.loadByte(at: offset) == 0x20 {
                fields.append(field)
                field = []
                // The mount point is the fifth: most lines end here.
                if fields.count == 5, !wayToSysctls.contains(fields[4]) { return }
            } else {
                field.append(line.loadByte(at: offset))
            }
        }
        fields.append(field)
        guard fields.count > 6, let dash = fields[6...].firstIndex(of: [UInt8(ascii: "-")]), fields.count > dash + 3
        else { return }
        let readOnly = Array("ro".utf8)
        let options =
            fields[5].split(separator: UInt8(ascii: ",")) + fields[dash + 3].split(separator: UInt8(ascii: ","))
        found = fields[dash + 1] == Array("proc".utf8) ? !options.contains { $0.elementsEqual(readOnly) } : nil
    }
}
