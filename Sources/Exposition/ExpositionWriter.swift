/// Bytes of labels that were rendered before: a range instead of a copy, so that many samples share one rendering.
public struct LabelFragment {
    /// Where they are.
    public let buffer: ByteBuffer
    /// Which of its bytes.
    public let range: Range<Int>

    /// The bytes of `buffer` in `range`.
    public init(_ buffer: ByteBuffer, _ range: Range<Int>) {
        self.buffer = buffer
        self.range = range
    }

    /// Writes the bytes.
    public func append(to other: ByteBuffer) { other.append(buffer, range) }
}

/// Writes families and samples into a buffer, in one of the two formats.
///
/// A sample line is name, label fragments, value: each is copied from bytes rendered before, so a sample costs three or
/// four copies and one number, and allocates nothing. A family without samples writes nothing, not even its header.
///
/// The caller gives families in the order they are to appear and each once, since the formats want a family's lines
/// together; label values are escaped when a fragment is rendered (`ByteBuffer.openLabels`, `addLabel`).
public struct ExpositionWriter: ~Copyable {
    /// What is written.
    public let format: ExpositionFormat
    /// Where it is written.
    public let buffer: ByteBuffer
    /// Samples written so far.
    public private(set) var sampleCount = 0
    private var pendingHeader: [UInt8]?
    private var sampleName: [UInt8] = []

    /// A writer at the end of `buffer`.
    public init(_ format: ExpositionFormat, into buffer: ByteBuffer) {
        self.format = format
        self.buffer = buffer
    }

    /// Begins a family: the samples that follow are its own.
    public mutating func begin(_ family: MetricFamily) {
        pendingHeader = family.header(format)
        sampleName = family.sampleName
    }

    @inline(__always)
    mutating func name() {
        if let header = pendingHeader {
            buffer.append(header)
            pendingHeader = nil
        }
        sampleCount &+= 1
        buffer.append(sampleName)
    }

    /// A sample without labels.
    public mutating func sample(_ value: Double) {
        name()
        buffer.append(UInt8(ascii: " "))
        buffer.append(value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// A sample with one open fragment (`{a="1",b="2"`) and a value.
    public mutating func sample(_ labels: borrowing Span<UInt8>, _ value: UInt64) {
        name()
        buffer.append(labels)
        buffer.append("} " as StaticString)
        buffer.append(decimal: value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// A sample with one open fragment and a value with a fraction.
    public mutating func sample(_ labels: borrowing Span<UInt8>, _ value: Double) {
        name()
        buffer.append(labels)
        buffer.append("} " as StaticString)
        buffer.append(value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// A sample with an open fragment in `fragments` at `range`, and a value: a range instead of a copy, so that many
    /// samples may share one rendering.
    @inline(__always)
    public mutating func sample(_ fragments: ByteBuffer, _ range: Range<Int>, _ value: UInt64) {
        name()
        buffer.append(fragments, range)
        buffer.append("} " as StaticString)
        buffer.append(decimal: value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// As above, with a value that has a fraction.
    public mutating func sample(_ fragments: ByteBuffer, _ range: Range<Int>, _ value: Double) {
        name()
        buffer.append(fragments, range)
        buffer.append("} " as StaticString)
        buffer.append(value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// As above, with a time in milliseconds, written in seconds.
    public mutating func sample(_ fragments: ByteBuffer, _ range: Range<Int>, milliseconds value: UInt64) {
        name()
        buffer.append(fragments, range)
        buffer.append("} " as StaticString)
        buffer.append(milliseconds: value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// A sample with an open fragment in `fragments` at `range`, a second fragment that continues it (`,c="3"`), and a
    /// value.
    public mutating func sample(_ fragments: ByteBuffer, _ range: Range<Int>, _ more: LabelFragment, _ value: UInt64) {
        name()
        buffer.append(fragments, range)
        buffer.append(more.buffer, more.range)
        buffer.append("} " as StaticString)
        buffer.append(decimal: value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// As above, with a time in milliseconds, written in seconds.
    public mutating func sample(
        _ fragments: ByteBuffer, _ range: Range<Int>, _ more: LabelFragment, milliseconds value: UInt64
    ) {
        name()
        buffer.append(fragments, range)
        buffer.append(more.buffer, more.range)
        buffer.append("} " as StaticString)
        buffer.append(milliseconds: value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// As above, with a value that is already decimal text.
    public mutating func sample(
        _ fragments: ByteBuffer, _ range: Range<Int>, _ more: LabelFragment, text value: borrowing Span<UInt8>
    ) {
        name()
        buffer.append(fragments, range)
        buffer.append(more.buffer, more.range)
        buffer.append("} " as StaticString)
        buffer.append(value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// As `sample(_:_:_:text:)`, with a last label `index`.
    public mutating func sample(
        _ fragments: ByteBuffer, _ range: Range<Int>, _ more: LabelFragment, index: Int,
        text value: borrowing Span<UInt8>
    ) {
        name()
        buffer.append(fragments, range)
        buffer.append(more.buffer, more.range)
        buffer.append(",index=\"" as StaticString)
        buffer.append(decimal: UInt64(index))
        buffer.append("\"} " as StaticString)
        buffer.append(value)
        buffer.append(UInt8(ascii: "\n"))
    }

    /// An info sample (value 1) with an open fragment, a second one, and a last label `value` with text of any bytes.
    public mutating func infoSample(
        _ fragments: ByteBuffer, _ range: Range<Int>, _ more: LabelFragment,
        value: borrowing Span<UInt8>
    ) {
        name()
        buffer.append(fragments, range)
        buffer.append(more.buffer, more.range)
        buffer.addLabel("value", value)
        buffer.append("} 1\n" as StaticString)
    }

    /// Ends the exposition; OpenMetrics wants `# EOF`.
    public consuming func end() {
        if format.isOpenMetrics { buffer.append("# EOF\n" as StaticString) }
    }
}
