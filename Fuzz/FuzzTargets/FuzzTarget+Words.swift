internal import NetnsCore

/// Words of a configuration, a command line or a query.
extension FuzzTarget {
    static let words: [FuzzTarget] = [
        FuzzTarget("glob", texts: ["prod-*", "[a-c]?*\\*", "**a**b**", "*a*a*a*a*a*b", "[!x]"]) { bytes in
            let glob = Glob(bytes.text)
            _ = glob.matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
            _ = glob.matches(bytes.text)
        },
        FuzzTarget("ip-address", texts: ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "::"]) {
            bytes in
            guard let address = IPAddress(parsing: bytes) else { return }
            precondition(IPAddress(String(describing: address)) == address, "\(address) is not read as it is written")
        },
        FuzzTarget(
            "sysctl-name",
            texts: ["net.ipv4.conf.eth0/100.rp_filter", "net.ipv4.tcp_keepalive_*", "net/core/somaxconn", "net..x"]
        ) { bytes in
            let text = bytes.text
            _ = try? SysctlPattern(text)
            guard let name = try? SysctlName(text) else { return }
            precondition((try? SysctlName(name.dotted)) == name)
            _ = name.components
        },
        FuzzTarget("expectation", texts: [">= 4096", "!= 0", "/^bbr|cubic$/", "<10", "~ a*", "1024 65535"]) { bytes in
            let text = bytes.text
            guard let expectation = try? Expectation(text), let name = try? SysctlName("net.core.somaxconn") else {
                return
            }
            let value = bytes.array
            _ = Check(expectation, for: name).evaluate(value.span)
        },
    ]
}
