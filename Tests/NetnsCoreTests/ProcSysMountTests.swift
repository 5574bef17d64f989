import NetnsCore
import Testing

/// Whether /proc/sys can be written, by the mounts on the way there.
@Suite struct ProcSysMountTests {
    private static func isWritable(_ lines: [String]) -> Bool? {
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        return unsafe MountInfo.isProcSysWritable(bytes.span.bytes)
    }

    private static let root = "1 0 0:9 / / rw - overlay overlay rw"
    private static let proc = "2 1 0:10 / /proc rw,nosuid - proc proc rw"
    private static let closed = "3 2 0:10 /sys /proc/sys ro,relatime - proc proc rw"

    @Test(
        arguments: [
            ([root, proc, closed], false), ([root, proc], true), ([], nil), ([root], nil),
            // As docker has it: other paths of /proc are closed or hidden too.
            (
                [
                    root, proc, "4 2 0:10 /bus /proc/bus ro shared:3 master:1 - proc proc rw", closed,
                    "5 2 0:11 / /proc/acpi ro - tmpfs tmpfs ro", "6 2 0:5 /null /proc/kcore rw - devtmpfs devtmpfs rw",
                ], false
            ),
            // The whole of /proc read-only: by the mount's options, or by those of the file system.
            ([root, "2 1 0:10 / /proc ro - proc proc rw"], false),
            ([root, "2 1 0:10 / /proc rw - proc proc ro"], false),
            // One on top of the other: the last counts, nearer to the root too.
            ([root, proc, closed, "7 3 0:10 /sys /proc/sys rw - proc proc rw"], true),
            ([root, proc, closed, "7 3 0:10 /sys/net /proc/sys/net rw - proc proc rw"], true),
            ([root, proc, "7 2 0:10 /sys/net /proc/sys/net ro - proc proc rw"], false),
            ([root, proc, closed, "7 2 0:12 / /proc rw - tmpfs tmpfs rw"], nil),
            ([root, proc, "7 2 0:12 / /proc/sys rw - tmpfs tmpfs rw"], nil),
            ([root, proc, closed, "7 1 0:13 / / rw - ext4 /dev/sda rw"], nil),
            ([root, proc, closed, "7 1 0:13 / / rw - ext4 /dev/sda rw", "8 7 0:10 / /proc rw - proc proc rw"], true),
            // What is mounted elsewhere, or looks like it.
            ([root, proc, "7 1 0:10 /sys /mnt/proc/sys ro - proc proc rw"], true),
            ([root, proc, #"7 1 0:10 /sys /proc/sys\040 ro - proc proc rw"#], true),
            ([root, proc, #"7 1 0:10 /sys /proc\134sys ro - proc proc rw"#], true),
            ([root, proc, "7 1 0:10 /sys /proc/sys/ ro - proc proc rw"], true),
            ([root, proc, "7 2 0:10 /sys/kernel /proc/sys/kernel ro - proc proc rw"], true),
            // `ro` as part of a word.
            ([root, "2 1 0:10 / /proc rw,nosuid,errors=ro - proc proc rw,gid=ro"], true),
            // Lines that are none.
            (
                ["", "x", "1 2 3 4 /proc", "1 2 3 4 /proc rw", "1 2 3 4 /proc rw -", "1 2 3 4 /proc rw - proc proc"],
                nil
            ),
            ([proc, "3 2 0:10 /sys /proc/sys ro - proc"], true),
        ] as [([String], Bool?)])
    func mounts(_ lines: [String], _ expected: Bool?) { #expect(Self.isWritable(lines) == expected) }

    @Test func aCutLastLineIsPassedOver() {
        let whole = [Self.proc, Self.closed].map { $0 + "\n" }.joined()
        for length in (Self.proc.utf8.count + 1)..<whole.utf8.count {
            let bytes = Array(whole.utf8.prefix(length))
            #expect(unsafe MountInfo.isProcSysWritable(bytes.span.bytes) == true)
        }
        #expect(Self.isWritable([Self.proc, Self.closed]) == false)
    }
}
