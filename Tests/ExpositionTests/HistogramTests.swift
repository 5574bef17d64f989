import Testing

@testable import Exposition

@Suite struct HistogramTests {
    private static func write(_ format: ExpositionFormat) -> String {
        written { buffer in
            let labels = ByteBuffer(capacity: 64)
            labels.openLabels("netns", Array("a".utf8).span)
            var writer = ExpositionWriter(format, into: buffer)
            writer.begin(MetricFamily("t_rtt_seconds", .histogram, unit: "seconds", help: "Round trips."))
            writer.histogram(
                labels, 0..<labels.count, HistogramBounds([0.00005, 0.5, 1]), counts: [2, 0, 3, 1], sum: 4.25)
            writer.end()
        }
    }

    @Test func theTextFormat() {
        #expect(
            Self.write(.text) == """
                # HELP t_rtt_seconds Round trips.
                # TYPE t_rtt_seconds histogram
                t_rtt_seconds_bucket{netns="a",le="5e-05"} 2
                t_rtt_seconds_bucket{netns="a",le="0.5"} 2
                t_rtt_seconds_bucket{netns="a",le="1"} 5
                t_rtt_seconds_bucket{netns="a",le="+Inf"} 6
                t_rtt_seconds_count{netns="a"} 6
                t_rtt_seconds_sum{netns="a"} 4.25

                """)
    }

    @Test func openMetrics() {
        let text = Self.write(.openMetrics)
        #expect(
            text.hasPrefix(
                "# HELP t_rtt_seconds Round trips.\n# TYPE t_rtt_seconds histogram\n# UNIT t_rtt_seconds seconds\n"))
        #expect(text.contains("t_rtt_seconds_bucket{netns=\"a\",le=\"1.0\"} 5\n"))
        #expect(text.hasSuffix("t_rtt_seconds_sum{netns=\"a\"} 4.25\n# EOF\n"))
    }
}
