import NetnsCore

/// 30 expectations of every kind, which a new namespace meets.
enum Expectations {
    static func rules() throws -> [Rule] {
        func number(_ value: UInt64) -> SysctlNumber { SysctlNumber(magnitude: value) }
        let atLeastOne = Expectation.compare(.greaterOrEqual, number(1))
        let named: [(String, Expectation)] = [
            ("net.ipv4.tcp_keepalive_time", .equal("7200")), ("net.ipv4.tcp_keepalive_intvl", .equal("75")),
            ("net.ipv4.tcp_keepalive_probes", .range(number(1)...number(20))), ("net.ipv4.tcp_retries2", .equal("15")),
            ("net.ipv4.tcp_fin_timeout", .compare(.lessOrEqual, number(60))),
            ("net.core.somaxconn", .compare(.greaterOrEqual, number(128))),
            ("net.ipv4.tcp_rmem", .tuple([atLeastOne, atLeastOne, atLeastOne])),
            ("net.ipv4.tcp_wmem", .tuple([atLeastOne, atLeastOne, atLeastOne])),
            ("net.ipv4.tcp_congestion_control", .oneOf([.equal("bbr"), .equal("cubic"), .equal("reno")])),
            ("net.ipv4.tcp_timestamps", .not(.equal("9"))), ("net.ipv4.tcp_sack", .equal("1")),
            ("net.ipv4.tcp_syncookies", .not(.equal("9"))),
        ]
        let born = LoadOptions.compared.prefix(30 - named.count).map { ($0, Expectation.sameAs(.fresh)) }
        return try [("named", named), ("born", born)].map { name, list in
            Rule(name: name, content: .sysctls(try list.map { .init(try SysctlPattern($0.0), $0.1) }))
        }
    }
}
