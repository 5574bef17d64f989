import NetnsCore
import Testing

@Suite struct ExpectationTests {
    @Test(
        arguments: [
            ("600", "600"), ("  600 ", "600"), (">=4096", ">= 4096"), (">= 4096", ">= 4096"), ("!= 0x10", "!= 16"),
            ("= 5", "5"), ("1024..65535", "1024..65535"), ("4096\t131072  >= 6291456", "4096 131072 >=6291456"),
            ("", ""), ("a b", "a b"), ("-1", "-1"),
        ] as [(String, String)])
    func textIsReadAndShown(_ text: String, _ shown: String) throws {
        let expectation = try Expectation(text)
        #expect(expectation.description == shown)
        #expect(try Expectation(shown) == expectation, "what is shown reads as the same")
    }

    @Test func wordsForPeople() throws {
        #expect(Expectation.oneOf([.equal("bbr"), .equal("cubic")]).description == "one of bbr, cubic")
        #expect(Expectation.not(.equal("0")).description == "not 0")
        #expect(Expectation.not(.oneOf([.equal("0"), .equal("1")])).description == "not one of 0, 1")
        let tuple = Expectation.tuple([.equal("4096"), .oneOf([.equal("1"), .equal("2")]), try Expectation("1..9")])
        #expect(tuple.description == "4096 (one of 1, 2) 1..9")
        #expect(Expectation.sameAs(.host).description == "same as host")
        #expect(Expectation.sameAs(.host).description(reference: "7200") == "same as host (7200)")
        #expect(Expectation.sameAs(.host).description(reference: nil) == "same as host")
        #expect(Expectation.equal("600").description(reference: "7200") == "600")
    }

    @Test(
        arguments: [
            (">=", "'>=' compares with nothing"), ("> bbr", "'bbr' is none of 64 bits"), ("!=bbr", "'bbr' is none"),
            ("> 18446744073709551616", "is none of 64 bits"), ("> 1.5", "'1.5' is none"), ("= a", "'a' is none"),
            ("5..1", "write 1..5"), ("a..b", "'a..b' is no range"), ("1..", "'1..' is no range"),
            ("1..2..3", "is no range"), ("> 010", "write '10'"), ("010..020", "octal"),
            ("=> 5", "is none of 64 bits"), ("< > 5", "'>' is none"),
        ] as [(String, String)])
    func mistakes(_ text: String, _ part: String) throws {
        let error = try #require(throws: ExpectationError.self) { try Expectation(text) }
        #expect(error.description.contains(part), "\(error)")
    }

    @Test(
        arguments: [
            ("net.ipv4.x", "yes", "write 1"), ("net.ipv4.x", "False", "write 0"), ("net.ipv4.x", "on", "write 1"),
            ("net.ipv4.x", "1_000", "is no number to the kernel"), ("net.ipv4.x", "1e3", "is no number to the kernel"),
            ("net.ipv4.x", "0o10", "is no number to the kernel"), ("net.ipv4.x", "0b1", "is no number to the kernel"),
            ("net.ipv4.x", "1.5", "is no number to the kernel"), ("net.ipv4.x", "010", "write '10'"),
            ("net.ipv4.x", "00", "write '0'"), ("net.ipv4.x", "-010", "octal"), ("net.ipv4.x", "1 2 yes", "write 1"),
            ("net.ipv4.x", "18446744073709551616", "does not fit into 64 bits"),
            ("net.ipv4.tcp_*_time", "010", "octal"), ("net.ipv4.tcp_congestion_control", "> 5", "is text"),
            ("net.core.flow_limit_cpu_bitmap", "1..5", "is text"),
            ("net.ipv4.ip_local_reserved_ports", "> 5", "is a set of ports"),
            ("net.ipv4.ip_local_reserved_ports", "bbr", "is no list of ports"),
            ("net.ipv4.ip_local_reserved_ports", "5-1", "is no list of ports"),
            ("net.ipv4.ip_local_reserved_ports", "65536", "is no list of ports"),
            ("net.ipv4.ip_local_reserved_ports", "1-3,010", "write '10'"),
            ("net.ipv4.tcp_allowed_congestion_control", "!= 5", "is a set of words"),
        ] as [(String, String, String)])
    func trapsAreNamed(_ pattern: String, _ text: String, _ part: String) throws {
        let expectation = try Expectation(text)
        let error = try #require(throws: ExpectationError.self) {
            try expectation.validate(for: SysctlPattern(pattern))
        }
        #expect(error.description.contains(part), "\(error)")
        #expect(throws: ExpectationError.self) {
            try Expectation.not(.oneOf([.equal("1"), expectation])).validate(for: SysctlPattern(pattern))
        }
    }

    @Test(
        arguments: [
            ("net.ipv4.x", "0"), ("net.ipv4.x", "0x10"), ("net.ipv4.x", "-1"), ("net.ipv4.x", "bbr"),
            ("net.ipv4.x", "4a:1b"), ("net.core.flow_limit_cpu_bitmap", "00"), ("net.core.*_bitmap", "00"),
            ("net.ipv4.ip_local_reserved_ports", "8080, 9000-9010"), ("net.ipv4.ip_local_reserved_ports", ""),
            ("net.ipv4.tcp_congestion_control", "bbr"), ("net.ipv4.tcp_allowed_congestion_control", "reno cubic"),
        ] as [(String, String)])
    func whatIsFine(_ pattern: String, _ text: String) throws {
        try Expectation(text).validate(for: SysctlPattern(pattern))
    }

    @Test(
        arguments: [
            ("0", false, 0), ("-0", false, 0), ("7", false, 7), ("-7", true, 7), ("0xff", false, 255),
            ("-0xFF", true, 255), ("010", false, 8), ("00", false, 0), ("18446744073709551615", false, .max),
            ("0xffffffffffffffff", false, .max),
        ] as [(String, Bool, UInt64)])
    func numbers(_ text: String, _ isNegative: Bool, _ magnitude: UInt64) {
        #expect(SysctlNumber(text) == SysctlNumber(magnitude: magnitude, isNegative: isNegative))
    }

    @Test(arguments: [
        "", "-", "--1", "+1", "0x", "0xg", "08", "1a", "1 ", " 1", "18446744073709551616", "0x10000000000000000", "1_0",
        "١", "1.0", "0o7", "0b1", "1e3", "-0x",
    ])
    func noNumbers(_ text: String) { #expect(SysctlNumber(text) == nil) }

    @Test func numbersAreOrdered() throws {
        let texts = ["-18446744073709551615", "-2", "-1", "0", "1", "2", "9223372036854775808", "18446744073709551615"]
        let numbers = texts.compactMap { SysctlNumber($0) }
        #expect(numbers.map(\.description) == texts)
        for (low, a) in numbers.enumerated() {
            for (high, b) in numbers.enumerated() { #expect((a < b) == (low < high)) }
        }
    }
}
