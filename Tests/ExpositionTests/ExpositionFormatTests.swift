import Exposition
import TestSupport
import Testing

@Suite struct ExpositionFormatTests {
    @Test func contentTypes() {
        #expect(ExpositionFormat.text.contentType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(
            ExpositionFormat.openMetrics.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(
            ExpositionFormat.openMetricsDraft.contentType
                == "application/openmetrics-text; version=0.0.1; charset=utf-8")
    }

    @Test func withoutAHeaderItIsText() { #expect(ExpositionFormat.negotiate(accept: nil) == .text) }

    /// As Prometheus 2.42 sends it.
    @Test func prometheus242() {
        let accept =
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        #expect(ExpositionFormat.negotiate(accept: accept) == .openMetrics)
    }

    /// As Prometheus 3.14 sends it, and as it does when told to prefer another format.
    @Test func prometheus314() {
        let accept =
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        #expect(ExpositionFormat.negotiate(accept: accept) == .openMetrics)
        let text =
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.2"
        #expect(ExpositionFormat.negotiate(accept: text) == .text)
    }

    @Test(
        arguments: [
            ("", .text), (",", .text), (",,,;;;,", .text), ("text/plain", .text), ("text/plain;version=0.0.4", .text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .text), ("*/*", .text),
            ("text/*", .text),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text;version=1.0.0", .openMetrics),
            ("application/openmetrics-text;version=0.0.1", .openMetricsDraft),
            // A version nobody has.
            ("application/openmetrics-text;version=2.0.0", .text),
            (
                "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=0.0.1;q=0.1",
                .openMetricsDraft
            ),
            ("application/json", .text),
            // Order decides between equals, q between others.
            ("text/plain,application/openmetrics-text", .text),
            ("application/openmetrics-text,text/plain", .openMetrics),
            ("text/plain;q=0.5,application/openmetrics-text;q=0.6", .openMetrics),
            ("application/openmetrics-text;q=0.5,text/plain;q=0.6", .text),
            ("application/openmetrics-text;q=0.5,*/*", .text),
            (
                "application/openmetrics-text;version=1.0.0;q=0.1,application/openmetrics-text;version=0.0.1;q=0.2",
                .openMetricsDraft
            ),
            // q=0 refuses.
            ("application/openmetrics-text;q=0", .text), ("application/openmetrics-text;q=0.000,*/*;q=0.1", .text),
            ("application/openmetrics-text;version=1.0.0;q=0,application/openmetrics-text;q=1", .text),
            ("text/plain;q=0,application/openmetrics-text;q=0.1", .openMetrics), ("*/*;q=0", .text),
            // A q that cannot be read costs its element alone.
            ("application/openmetrics-text;q=2,text/plain;q=0.1", .text), ("application/openmetrics-text;q=-1", .text),
            ("application/openmetrics-text;q=nan", .text), ("application/openmetrics-text;q=", .text),
            ("application/openmetrics-text;q=x", .text),
            ("text/plain;q=y,application/openmetrics-text;q=0.1", .openMetrics),
            // Upper case, spaces, quotes, tabs.
            ("APPLICATION/OpenMetrics-Text;VERSION=1.0.0;Q=0.5,text/plain;q=0.4", .openMetrics),
            ("APPLICATION/OpenMetrics-Text;Q=0.3,text/plain;q=0.4", .text),
            (" application/openmetrics-text ; version = 1.0.0 ; q = 0.9 , text/plain ; q=0.8", .openMetrics),
            ("\tapplication/openmetrics-text\t;\tversion=1.0.0", .openMetrics),
            ("application/openmetrics-text;version=\"1.0.0\"", .openMetrics),
            ("application/openmetrics-text;version=\"0.0.1\"", .openMetricsDraft),
            ("application/openmetrics-text;version=\"", .text), ("application/openmetrics-text;version=\"1.0.0", .text),
            // Parameters that are nothing to us, and none at all.
            ("application/openmetrics-text;escaping=underscores;charset=utf-8;version=1.0.0", .openMetrics),
            ("application/openmetrics-text;;flag;=;version=1.0.0", .openMetrics),
            // Garbage.
            ("openmetrics", .text), ("/", .text), ("é/ü;q=0.5", .text),
            ("application/openmetrics-text,\u{0}", .openMetrics),
            ("application/openmetrics-textx", .text),
        ] as [(String, ExpositionFormat)])
    func negotiates(_ accept: String, _ expected: ExpositionFormat) {
        #expect(ExpositionFormat.negotiate(accept: accept) == expected)
    }

    /// What lies behind the 64th element is not looked at.
    @Test func aLongHeaderIsReadInPart() {
        let filler = String(repeating: "a/b,", count: 63)
        #expect(ExpositionFormat.negotiate(accept: filler + "application/openmetrics-text") == .openMetrics)
        #expect(ExpositionFormat.negotiate(accept: filler + "a/b,application/openmetrics-text") == .text)
        let long = String(repeating: "x", count: 1_000_000)
        #expect(ExpositionFormat.negotiate(accept: long) == .text)
        #expect(
            ExpositionFormat.negotiate(accept: "a/\(long);q=0.\(long),application/openmetrics-text") == .openMetrics)
        #expect(ExpositionFormat.negotiate(accept: String(repeating: ",;=", count: 300_000)) == .text)
    }

    @Test func anyHeaderIsAnswered() {
        var generator = SplitMix64(seed: 4)
        let pieces = [
            "application/openmetrics-text", "text/plain", "*/*", ";", ",", "=", "q", "0", ".5", "1", "version", "1.0.0",
            "0.0.1", "\"", " ", "\t", "é", "/",
        ]
        var seen: Set<ExpositionFormat> = []
        for _ in 0..<50_000 {
            let accept = (0..<generator.next() % 16).map { _ in pieces[Int(generator.next() % UInt64(pieces.count))] }
            seen.insert(ExpositionFormat.negotiate(accept: accept.joined()))
        }
        #expect(seen.contains(.text) && seen.contains(.openMetrics))
    }
}
