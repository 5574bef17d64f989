/// The place of a process among the cgroups of the host, from /proc/PID/cgroup. Source: cgroups(7).
public enum CgroupPath {
    /// Components of one hierarchy's path that are told; deeper groups are taken for their ancestor.
    public static let maximumDepth = 16

    /// The components of its path in the hierarchy of version 2, then of the longest of version 1, where that is another:
    /// where both are in use, either may be the one in which containers have groups. A process cannot leave the part of
    /// each path that was given to it, so two that are given different groups differ here, whatever they make below.
    public static func components(_ text: borrowing RawSpan) -> [String] {
        var unified: [String] = []
        var longest: [String] = []
        var start = 0
        while start < text.byteCount {
            var end = start
            while end < text.byteCount, text.loadByte(at: end) != UInt8(ascii: "\n") { end += 1 }
            let isUnified = text.equals("0::", in: start..<min(end, start + 3))
            var path = start
            // `ID:CONTROLLERS:PATH`: a path may hold colons of its own.
            for _ in 0..<2 {
                while path < end, text.loadByte(at: path) != UInt8(ascii: ":") { path += 1 }
                path += 1
            }
            if path < end {
                let found = split(text.extracting(path..<end))
                if isUnified {
                    unified = found
                } else if found.count > longest.count {
                    longest = found
                }
            }
            start = end + 1
        }
        return unified == longest ? unified : unified + longest
    }

    private static func split(_ path: borrowing RawSpan) -> [String] {
        var components: [String] = []
        var start = 0
        while start < path.byteCount, components.count < maximumDepth {
            var end = start
            while end < path.byteCount, path.loadByte(at: end) != UInt8(ascii: "/") { end += 1 }
            if end > start {
                components.append(
                    unsafe path.extracting(start..<end).withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
            }
            start = end + 1
        }
        return components
    }
}
