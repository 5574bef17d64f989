import Testing

@testable import Exposition

@Suite struct ExpositionWriterTests {
    private static let requests = MetricFamily("t_requests_total", .counter, help: "Requests.")
    private static let silent = MetricFamily("t_silent_seconds", .gauge, unit: "seconds", help: "Nothing.")
    private static let size = MetricFamily("t_size_bytes", .gauge, unit: "bytes", help: "Size.")
    private static let sysctl = MetricFamily("t_sysctl", .gauge, help: "Sysctl.")
    private static let text = MetricFamily("t_text_info", .info, help: "Text.")

    /// Every kind of sample, in the order of their families.
    private static func write(_ format: ExpositionFormat) -> (text: String, samples: Int) {
        let buffer = ByteBuffer(capacity: 64)
        let labels = ByteBuffer(capacity: 64)
        labels.openLabels("netns", Array("a".utf8).span)
        let range = 0..<labels.count
        let more = ByteBuffer()
        more.append("?")
        more.addLabel("sysctl", Array("net.x".utf8).span)
        let fragment = LabelFragment(more, 1..<more.count)

        var writer = ExpositionWriter(format, into: buffer)
        writer.begin(requests)
        writer.sample(2.5)
        writer.sample(labels.copied.span, UInt64.max)
        writer.sample(labels.copied.span, -1.5)
        writer.begin(silent)
        writer.begin(size)
        writer.sample(labels, range, UInt64(7))
        writer.sample(labels, range, milliseconds: 1_700_000_000_250)
        writer.begin(sysctl)
        writer.sample(labels, range, fragment, text: Array("-12".utf8).span)
        writer.sample(labels, range, fragment, index: 0, text: Array("4".utf8).span)
        writer.sample(labels, range, fragment, index: 12, text: Array("5".utf8).span)
        writer.begin(text)
        writer.infoSample(labels, range, fragment, value: Array("cu\"b\\ic\n".utf8).span)
        let samples = writer.sampleCount
        writer.end()
        return (String(decoding: buffer.copied, as: UTF8.self), samples)
    }

    @Test func writesTheTextFormat() {
        let written = Self.write(.text)
        #expect(
            written.text == #"""
                # HELP t_requests_total Requests.
                # TYPE t_requests_total counter
                t_requests_total 2.5
                t_requests_total{netns="a"} 18446744073709551615
                t_requests_total{netns="a"} -1.5
                # HELP t_size_bytes Size.
                # TYPE t_size_bytes gauge
                t_size_bytes{netns="a"} 7
                t_size_bytes{netns="a"} 1700000000.250
                # HELP t_sysctl Sysctl.
                # TYPE t_sysctl gauge
                t_sysctl{netns="a",sysctl="net.x"} -12
                t_sysctl{netns="a",sysctl="net.x",index="0"} 4
                t_sysctl{netns="a",sysctl="net.x",index="12"} 5
                # HELP t_text_info Text.
                # TYPE t_text_info gauge
                t_text_info{netns="a",sysctl="net.x",value="cu\"b\\ic\n"} 1

                """#)
        #expect(written.samples == 9)
    }

    @Test(arguments: [ExpositionFormat.openMetrics, .openMetricsDraft])
    func writesOpenMetrics(_ format: ExpositionFormat) {
        let written = Self.write(format)
        #expect(
            written.text == #"""
                # HELP t_requests Requests.
                # TYPE t_requests counter
                t_requests_total 2.5
                t_requests_total{netns="a"} 18446744073709551615
                t_requests_total{netns="a"} -1.5
                # HELP t_size_bytes Size.
                # TYPE t_size_bytes gauge
                # UNIT t_size_bytes bytes
                t_size_bytes{netns="a"} 7
                t_size_bytes{netns="a"} 1700000000.250
                # HELP t_sysctl Sysctl.
                # TYPE t_sysctl gauge
                t_sysctl{netns="a",sysctl="net.x"} -12
                t_sysctl{netns="a",sysctl="net.x",index="0"} 4
                t_sysctl{netns="a",sysctl="net.x",index="12"} 5
                # HELP t_text Text.
                # TYPE t_text info
                t_text_info{netns="a",sysctl="net.x",value="cu\"b\\ic\n"} 1
                # EOF

                """#)
        #expect(written.samples == 9)
    }

    @Test(arguments: [(ExpositionFormat.text, ""), (.openMetrics, "# EOF\n"), (.openMetricsDraft, "# EOF\n")])
    func familiesWithoutSamplesWriteNothing(_ format: ExpositionFormat, _ expected: String) {
        let text = written { buffer in
            var writer = ExpositionWriter(format, into: buffer)
            writer.begin(Self.requests)
            writer.begin(Self.size)
            writer.end()
        }
        #expect(text == expected)
    }

    @Test func writesBehindWhatIsThere() {
        let text = written { buffer in
            buffer.append("before\n")
            var writer = ExpositionWriter(.text, into: buffer)
            writer.begin(MetricFamily("a", .gauge, help: "A."))
            writer.sample(1)
            writer.end()
        }
        #expect(text == "before\n# HELP a A.\n# TYPE a gauge\na 1\n")
    }
}
