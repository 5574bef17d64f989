internal import NetnsCore

/// Files of /proc.
extension FuzzTarget {
    static let procfs: [FuzzTarget] = [
        FuzzTarget(
            "proc-stat",
            texts: [
                "1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 13 170008576 3000 18446744073709551615",
                "42 (a) b (c) R 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99",
            ]
        ) { _ = ProcessStat($0) },
        FuzzTarget(
            "proc-mountinfo",
            texts: [
                "36 35 0:4 net:[4026532700] /run/netns/a rw shared:18 - nsfs nsfs rw\n"
                    + "37 35 0:4 net:[4026532701] /run/netns/b\\040c rw - nsfs nsfs rw\n",
                "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                    + "23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
                    + "24 23 0:21 /sys /proc/sys ro,nosuid - proc proc rw\n",
            ]
        ) {
            _ = MountInfo.namespaceMounts($0)
            _ = MountInfo.isProcSysWritable($0)
        },
        FuzzTarget(
            "proc-cgroup",
            texts: [
                "0::/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\n",
                "12:pids:/kubepods/burstable/pod3d1c9a1e-1b2a-4a53-a2cf-0a2b3c4d5e6f/"
                    + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n0::/\n",
                "0::/machine.slice/libpod-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope/x\n",
            ]
        ) { _ = ContainerCgroup($0) },
        FuzzTarget("proc-links", texts: ["net:[4026531840]", "mnt:[4026531841]", "socket:[12345]"]) {
            _ = NamespaceLinkText.inode($0)
            _ = NamespaceLinkText.mountNamespaceInode($0)
            _ = NamespaceLinkText.socketInode($0)
        },
        FuzzTarget(
            "proc-net-mib",
            examples: { ["snmp.txt", "snmp6.txt", "netstat.txt"].map { Corpus.fixture($0) } }
        ) { bytes in
            for file in MIBFile.allCases {
                let selection = MIBSelection(MIBParser.fields(of: file, in: bytes))
                var parser = MIBParser(selection)
                var readings = MIBReadings()
                readings.begin(selection)
                parser.parse(bytes, of: file, into: &readings)
                // Once more: the places that the first reading learnt are used.
                parser.parse(bytes, of: file, into: &readings)
            }
        },
        FuzzTarget(
            "proc-net-sockstat",
            examples: { ["sockstat.txt", "sockstat6.txt", "softnet_stat.txt"].map { Corpus.fixture($0) } }
        ) { bytes in
            var sockets = SocketStatistics()
            sockets.add(decoding: bytes)
            var cpus: [SoftnetStatistics] = []
            SoftnetStatistics.read(bytes, into: &cpus)
        },
        FuzzTarget(
            "sysctl-values", texts: ["4096\t131072\t6291456\n", "1\n", "cubic\n", "-1\n", "18446744073709551615\n"]
        ) {
            let bytes = $0.array
            _ = SysctlForm(bytes.span)
            _ = SysctlNumber(bytes.span)
            _ = PrintableText.string(bytes.span)
            SysctlForm.forEachElement(of: bytes.span) { _, element in _ = SysctlNumber(element) }
        },
    ]
}
