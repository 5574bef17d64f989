import NetnsCore
import Testing

@Suite struct MountInfoTests {
    private static func mounts(_ text: String) -> [NamespaceMount] { mounts(Array(text.utf8)) }

    private static func mounts(_ bytes: [UInt8]) -> [NamespaceMount] {
        unsafe MountInfo.namespaceMounts(bytes.span.bytes)
    }

    private static func mount(_ inode: UInt64, _ path: String) -> NamespaceMount {
        NamespaceMount(inode: inode, path: Array(path.utf8))
    }

    /// Lines as seen on Debian 12, with the optional fields of each kind of propagation.
    @Test func realLines() {
        let text = #"""
            22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
            24 22 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
            155 25 0:25 /netns /run/netns rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=1g,mode=755
            160 155 0:4 net:[4026532177] /run/netns/blue rw shared:86 - nsfs nsfs rw
            161 155 0:4 net:[4026532178] /run/netns/red rw - nsfs nsfs rw
            162 155 0:4 net:[4026532179] /run/netns/a\040b\011\012\134c rw shared:1 master:2 propagate_from:3 - nsfs nsfs rw
            163 155 0:4 mnt:[4026532180] /run/mnt rw - nsfs nsfs rw
            164 155 0:4 net:[4026532177] /run/netns/blue rw unbindable - nsfs nsfs rw

            """#
        #expect(
            Self.mounts(text) == [
                Self.mount(4_026_532_177, "/run/netns/blue"), Self.mount(4_026_532_178, "/run/netns/red"),
                Self.mount(4_026_532_179, "/run/netns/a b\t\n\\c"), Self.mount(4_026_532_177, "/run/netns/blue"),
            ])
    }

    @Test func aCutLastLineIsPassedOver() {
        let line = "160 155 0:4 net:[4026532177] /run/netns/blue rw shared:86 - nsfs nsfs rw\n"
        for length in 0..<line.utf8.count { #expect(Self.mounts(String(line.prefix(length))).isEmpty) }
        #expect(Self.mounts(line).count == 1)
        #expect(Self.mounts(line + line.dropLast()).count == 1)
    }

    /// `net:[` elsewhere than in the root field is somebody's choice of a name.
    @Test(arguments: [
        "160 155 0:4 / /mnt/net:[1] rw - ext4 /dev/sda rw\n", "160 155 0:4 /net:[1] /mnt rw - ext4 /dev/sda rw\n",
        "160 155 0:4 /x /mnt rw - ext4 net:[1] rw\n", "160 155 0:4 net:[1 /mnt rw - nsfs nsfs rw\n",
        "160 155 0:4 net:[] /mnt rw - nsfs nsfs rw\n", "160 155 0:4 net:[1]\n", "160 155 0:4 net:[1] \n",
        "160 155 0:4 net:[1] /mnt\n", "160 155 0:4 net:[1]  rw\n", "160 155 0:4\n", "n\n", "\n", "", "   net:[1]\n",
        "160 155 0:4 net:[1]x /mnt rw - nsfs nsfs rw\n",
    ])
    func otherLines(_ text: String) { #expect(Self.mounts(text).isEmpty) }

    @Test(arguments: [
        (#"/a\040b"#, "/a b"), (#"/a\134040"#, #"/a\040"#), (#"/a\04"#, #"/a\04"#), (#"/a\"#, #"/a\"#),
        (#"/a\080"#, #"/a\080"#), (#"/a\777"#, #"/a\777"#), (#"/a\400"#, #"/a\400"#), (#"/\101\102"#, "/AB"),
        (#"/a\0400"#, "/a 0"), (#"/x\n"#, #"/x\n"#),
    ])
    func escapes(_ field: String, _ path: String) {
        #expect(Self.mounts("1 2 0:4 net:[7] \(field) rw - nsfs nsfs rw\n") == [Self.mount(7, path)])
    }

    @Test func rawBytes() {
        let line = Array("1 2 0:4 net:[7] /".utf8) + [0xFF] + Array(#"\377 rw - nsfs nsfs rw"#.utf8) + [0x0A]
        #expect(Self.mounts(line) == [NamespaceMount(inode: 7, path: [0x2F, 0xFF, 0xFF])])
    }
}

@Suite struct NamespaceLinkTextTests {
    private static func inode(_ text: String) -> UInt64? {
        let bytes = Array(text.utf8)
        return unsafe NamespaceLinkText.inode(bytes.span.bytes)
    }

    @Test(
        arguments: [
            ("net:[4026531840]", 4_026_531_840), ("net:[0]", 0), ("net:[18446744073709551615]", UInt64.max),
            ("net:[18446744073709551616]", nil), ("net:[99999999999999999999]", nil), ("net:[]", nil), ("net:[1", nil),
            ("net:[1] ", nil), ("net:[-1]", nil), ("net:[1a]", nil), ("net:[ 1]", nil), ("net:1]", nil), ("", nil),
            ("net:[", nil), ("]", nil), ("mnt:[1]", nil), ("Net:[1]", nil), ("xnet:[1]", nil), ("net:[1]]", nil),
            ("/proc/1/ns/net", nil), ("net:[007]", 7),
        ] as [(String, UInt64?)])
    func network(_ text: String, _ expected: UInt64?) { #expect(Self.inode(text) == expected) }

    @Test func otherKinds() {
        let mount = Array("mnt:[4026531841]".utf8)
        let socket = Array("socket:[12345]".utf8)
        let pipe = Array("pipe:[12345]".utf8)
        let found = unsafe [
            NamespaceLinkText.mountNamespaceInode(mount.span.bytes),
            NamespaceLinkText.mountNamespaceInode(socket.span.bytes),
            NamespaceLinkText.socketInode(socket.span.bytes), NamespaceLinkText.socketInode(pipe.span.bytes),
            NamespaceLinkText.inode(mount.span.bytes),
        ]
        #expect(found == [4_026_531_841, nil, 12_345, nil, nil])
    }
}

@Suite struct ProcessStatTests {
    /// A line of Linux 6.18.
    private static let line = """
        1234 (netdrift) S 1 1234 1234 0 -1 4194560 2034 0 12 0 417 183 5 7 20 0 9 0 88123 1056768000 3561 \
        18446744073709551615 94 95 0 0 0 0 0 4096 17663 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0

        """

    private static func read(_ text: String) -> ProcessStat? {
        let bytes = Array(text.utf8)
        return unsafe ProcessStat(bytes.span.bytes)
    }

    @Test(arguments: [
        "netdrift", "a b", "a) S 1 2 3 4 (b", ")", "(", "", ") S 1", "x)(y", "a\nb", "é",
    ])
    func fields(_ command: String) throws {
        let stat = try #require(Self.read(Self.line.replacing("(netdrift)", with: "(\(command))")))
        #expect(stat.cpuTicks == 600)
        #expect(stat.threads == 9)
        #expect(stat.startTicks == 88_123)
        #expect(stat.virtualBytes == 1_056_768_000)
        #expect(stat.residentPages == 3561)
    }

    @Test func justAsManyFieldsAsAreNeeded() throws {
        let fields = Self.line.split(separator: " ")
        #expect(Self.read(fields[..<24].joined(separator: " "))?.residentPages == 3561)
        #expect(Self.read(fields[..<23].joined(separator: " ")) == nil)
    }

    @Test(arguments: ["", " ", ")", "1", "1 (a", "1 (a)", "1 (a) S", "1 (a) S 1 2 3\n", "no parentheses at all"])
    func shortLines(_ text: String) { #expect(Self.read(text) == nil) }

    /// Cut anywhere: nothing before the 24th field begins, and then what is there.
    @Test func everyTruncation() throws {
        let needed = try #require(Self.line.firstRange(of: "3561")).lowerBound
        for index in Self.line.indices {
            let stat = Self.read(String(Self.line[..<index]))
            #expect((stat == nil) == (index <= needed))
            if let stat, index >= Self.line.index(needed, offsetBy: 4) { #expect(stat.residentPages == 3561) }
        }
    }
}
