/// The bounds of a histogram's buckets, rendered once: `,le="0.001"} `.
public struct HistogramBounds: Sendable {
    /// How many there are, the infinite one among them.
    public let count: Int
    private let text: [[UInt8]]
    private let openMetrics: [[UInt8]]

    /// Bounds that rise; the infinite one is added.
    ///
    /// A whole number is `1` in the text format, as Go's client writes it, and `1.0` in OpenMetrics 1.0, which wants a float.
    public init(_ bounds: [Double]) {
        func fragment(_ text: String) -> [UInt8] { Array(",le=\"\(text)\"} ".utf8) }
        let last = [fragment("+Inf")]
        text =
            bounds.map { bound in
                let written = bound.description
                return fragment(written.hasSuffix(".0") ? String(written.dropLast(2)) : written)
            } + last
        openMetrics = bounds.map { fragment($0.description) } + last
        count = bounds.count + 1
    }

    func fragment(_ index: Int, _ format: ExpositionFormat) -> [UInt8] {
        format.isOpenMetrics ? openMetrics[index] : text[index]
    }
}

extension ExpositionWriter {
    /// A histogram with one open fragment of labels: how many values each bucket has by itself, the infinite one last, and
    /// their sum. As many `counts` as `bounds`.
    public mutating func histogram(
        _ fragments: ByteBuffer, _ range: Range<Int>, _ bounds: HistogramBounds, counts: borrowing [UInt64],
        sum: Double
    ) {
        var total: UInt64 = 0
        for index in 0..<min(bounds.count, counts.count) {
            total += counts[index]
            name("_bucket")
            buffer.append(fragments, range)
            buffer.append(bounds.fragment(index, format))
            buffer.append(decimal: total)
            buffer.append(UInt8(ascii: "\n"))
        }
        name("_count")
        buffer.append(fragments, range)
        buffer.append("} " as StaticString)
        buffer.append(decimal: total)
        buffer.append(UInt8(ascii: "\n"))
        name("_sum")
        buffer.append(fragments, range)
        buffer.append("} " as StaticString)
        buffer.append(sum)
        buffer.append(UInt8(ascii: "\n"))
    }

    private mutating func name(_ suffix: StaticString) {
        name()
        buffer.append(suffix)
    }
}
