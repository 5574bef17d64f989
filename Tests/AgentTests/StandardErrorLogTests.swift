import Foundation
import Testing

@testable import Agent

@Suite struct StandardErrorLogTests {
    private static func line(_ format: LogFormat, _ message: String, _ fields: [(key: String, value: String)] = [])
        -> String
    {
        StandardErrorLog.line(format, time: "2026-01-02T03:04:05.678Z", level: "info", message: message, fields)
    }

    @Test func logfmt() {
        #expect(Self.line(.logfmt, "ready") == "time=2026-01-02T03:04:05.678Z level=info msg=ready")
        let fields = [(key: "path", value: "/metrics"), (key: "threads", value: "2")]
        #expect(
            Self.line(.logfmt, "it runs", fields)
                == #"time=2026-01-02T03:04:05.678Z level=info msg="it runs" path=/metrics threads=2"#)
    }

    @Test func json() {
        #expect(
            Self.line(.json, "it runs", [(key: "a", value: "b")])
                == #"{"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"it runs","a":"b"}"#)
    }

    /// What a container chose as a name cannot make a line, a field or a colour of its own.
    @Test(arguments: [
        ("", #""""#), ("plain", "plain"), ("a=b", #""a=b""#), ("a\"b", #""a\"b""#), ("a\\b", #""a\\b""#),
        ("a\nlevel=error msg=forged", #""a\nlevel=error msg=forged""#), ("a\rb", #""a\rb""#), ("a\tb", #""a\tb""#),
        ("\u{1B}[31m", #""\u001b[31m""#), ("\u{0}", #""\u0000""#), ("\u{7F}", #""\u007f""#), ("é", #""é""#),
        ("\u{2028}", #""\u2028""#), ("\u{2029}x", #""\u2029x""#), (" ", #"" ""#), ("😀", #""😀""#),
        ("~!@#$%^&*()", "~!@#$%^&*()"),
    ])
    func hostileValues(_ value: String, _ written: String) throws {
        let start = "time=2026-01-02T03:04:05.678Z level=info msg=m key="
        #expect(Self.line(.logfmt, "m", [(key: "key", value: value)]) == start + written)
        let json = Self.line(.json, value, [(key: "key", value: value)])
        #expect(!json.utf8.contains { $0 < 0x20 || $0 == 0x7F })
        let object = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
        #expect(object["msg"].map { Array($0.utf8) } == Array(value.utf8))
        #expect(object["key"].map { Array($0.utf8) } == Array(value.utf8))
        #expect(object["level"] == "info")
        #expect(object.count == 4)
    }
}
