import NetnsCore
import NetnsSystem
import Testing

@testable import Agent

extension SysctlSurvey {
    /// A survey of these values, all writable; nil for a key.
    init(_ values: [String: String?]) throws {
        var entries: [SysctlName: Entry] = [:]
        for (name, value) in values {
            entries[try SysctlName(name)] = Entry(value: value.map { .text($0) } ?? .secret, mode: 0o644)
        }
        self.init(values: entries)
    }
}

/// What differs between two namespaces.
@Suite struct SysctlDifferencesTests {
    private static func names(_ a: [String: String?], _ b: [String: String?], all: Bool = false) throws -> [String] {
        SysctlDifferences(try SysctlSurvey(a), try SysctlSurvey(b), all: all).differences.map(\.name.dotted)
    }

    @Test func onlyWhatMeansSomethingElse() throws {
        let name = "net.ipv4.tcp_rmem"
        #expect(try Self.names([name: "1 2 3"], [name: "1 2 3"]).isEmpty)
        #expect(try Self.names([name: "1  2 0x3"], [name: "1 2 3"]).isEmpty)
        #expect(try Self.names([name: "1 2 3"], [name: "1 2 4"]) == [name])
        #expect(try Self.names([name: "1 2 3"], [:]) == [name])
        #expect(try Self.names([:], [name: "1 2 3"]) == [name])
        let ports = "net.ipv4.ip_local_reserved_ports"
        #expect(try Self.names([ports: "1-3,5"], [ports: "5,1,2,3"]).isEmpty)
        let key = "net.ipv4.tcp_fastopen_key"
        #expect(try Self.names([key: String?.none], [key: String?.none]).isEmpty)
    }

    @Test func interfacesOfOneSideAreNamedAlone() throws {
        let a: [String: String?] = ["net.ipv4.conf.eth0.rp_filter": "1", "net.ipv4.conf.lo.rp_filter": "1"]
        let b: [String: String?] = ["net.ipv4.conf.lo.rp_filter": "0", "net.ipv4.conf.a/b.rp_filter": "0"]
        let result = SysctlDifferences(try SysctlSurvey(a), try SysctlSurvey(b), all: false)
        #expect(result.differences.map(\.name.dotted) == ["net.ipv4.conf.lo.rp_filter"])
        #expect(result.devicesOfA == ["eth0"] && result.devicesOfB == ["a.b"])
        #expect(try Self.names(a, b, all: true).count == 3)
    }

    @Test func whatCouldNotBeReadIsNoDifference() throws {
        let name = try SysctlName("net.core.somaxconn")
        let unread = SysctlSurvey(values: [name: .init(value: .unreadable(.accessDenied), mode: 0o644)])
        let read = SysctlSurvey(values: [name: .init(value: .text("1"), mode: 0o644)])
        #expect(SysctlDifferences(unread, read, all: false).unread == [name])
        #expect(SysctlDifferences(unread, unread, all: false).unread.isEmpty)
    }

    @Test func linesAreCutToTheTerminal() {
        #expect(TextTable.text([["a", "bb"], ["ccc", "d"]], width: nil) == "a    bb\nccc  d\n")
        #expect(TextTable.text([["a", "bb"], ["ccc", "d"]], width: 4) == "a   \nccc \n")
        let long = String(repeating: "x", count: 500)
        #expect(TextTable.text([["a", "b"], [long, "c"]], width: nil).hasPrefix("a  b\n"))
    }

    @Test(arguments: [
        ("net.ipv4.tcp_sack", "net.ipv4.tcp_sack"), ("net/ipv4/tcp_sack", "net.ipv4.tcp_sack"),
        ("/proc/sys/net/ipv4/conf/a.b/rp_filter", "net.ipv4.conf.a/b.rp_filter"),
        ("net.ipv4.conf.a/b.rp_filter", "net.ipv4.conf.a/b.rp_filter"), ("tcp_sack", "net.tcp_sack"),
    ])
    func namesAsSysctlTakesThem(_ text: String, _ name: String) throws {
        #expect(try ExplainCommand.name(text).dotted == name)
    }

    @Test(arguments: ["", "kernel.hostname", "/proc/sys/kernel/x", "net..x", "net/../x", "/etc/passwd"])
    func whatIsNoName(_ text: String) { #expect(throws: (any Error).self) { try ExplainCommand.name(text) } }
}
