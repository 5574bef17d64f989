extension IPAddress {
    /// The network it is in: the bits behind the first `length` are zero.
    public func network(_ length: UInt8) -> IPAddress {
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        let count = family == .ipv4 ? 4 : 16
        withSpan { span in
            for position in 0..<count {
                let kept = min(max(Int(length) - position * 8, 0), 8)
                bytes[position] = span[position] & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
            }
        }
        return unsafe IPAddress(bytes.span.bytes.extracting(0..<count)) ?? self
    }
}
