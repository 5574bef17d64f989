import Testing

@testable import Exposition

@Suite struct MetricFamilyTests {
    private static func header(_ family: MetricFamily, _ format: ExpositionFormat) -> String {
        String(decoding: family.header(format), as: UTF8.self)
    }

    @Test func counterLosesItsSuffixInOpenMetrics() {
        let family = MetricFamily("a_bytes_total", .counter, unit: "bytes", help: "Bytes.")
        #expect(Self.header(family, .text) == "# HELP a_bytes_total Bytes.\n# TYPE a_bytes_total counter\n")
        let open = "# HELP a_bytes Bytes.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\n"
        #expect(Self.header(family, .openMetrics) == open)
        #expect(Self.header(family, .openMetricsDraft) == open)
        #expect(family.sampleName == Array("a_bytes_total".utf8))
    }

    @Test func infoIsAGaugeInTheTextFormat() {
        let family = MetricFamily("a_info", .info, help: "What.")
        #expect(Self.header(family, .text) == "# HELP a_info What.\n# TYPE a_info gauge\n")
        #expect(Self.header(family, .openMetrics) == "# HELP a What.\n# TYPE a info\n")
        #expect(family.sampleName == Array("a_info".utf8))
    }

    @Test func gaugeHasTheSameNameEverywhere() {
        let family = MetricFamily("a_seconds", .gauge, unit: "seconds", help: "How long.")
        #expect(Self.header(family, .text) == "# HELP a_seconds How long.\n# TYPE a_seconds gauge\n")
        let open = "# HELP a_seconds How long.\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n"
        #expect(Self.header(family, .openMetrics) == open)
        let plain = MetricFamily("a_up", .gauge, help: "Up.")
        #expect(Self.header(plain, .openMetrics) == "# HELP a_up Up.\n# TYPE a_up gauge\n")
    }

    /// Both formats escape the backslash and the line feed of a help text; quotes are OpenMetrics' alone.
    @Test func helpIsEscaped() {
        let family = MetricFamily("a", .gauge, help: "say \"\\\" é\nnow")
        #expect(Self.header(family, .text) == "# HELP a say \"\\\\\" é\\nnow\n# TYPE a gauge\n")
        #expect(Self.header(family, .openMetrics) == "# HELP a say \\\"\\\\\\\" é\\nnow\n# TYPE a gauge\n")
    }

    @Test func keepsWhatItWasGiven() {
        let family = MetricFamily("a_bytes_total", .counter, unit: "bytes", help: "Bytes.")
        #expect(family.name == "a_bytes_total")
        #expect(family.help == "Bytes.")
        #expect(family.unit == "bytes")
    }

    @Test func namesThatBreakTheConventionsTrap() async {
        await #expect(processExitsWith: .failure) { _ = MetricFamily("a", .counter, help: "") }
        await #expect(processExitsWith: .failure) { _ = MetricFamily("a_total", .info, help: "") }
        await #expect(processExitsWith: .failure) { _ = MetricFamily("a_bytes", .gauge, unit: "seconds", help: "") }
    }
}
