extension SocketStatistics {
    private static let words: [(line: StaticString, key: StaticString, statistic: SocketStatistic)] = [
        ("sockets:", "used", .used), ("TCP:", "inuse", .tcpInUse), ("TCP:", "orphan", .tcpOrphans),
        ("TCP:", "tw", .tcpTimeWait), ("TCP:", "alloc", .tcpAllocated), ("TCP:", "mem", .tcpMemory),
        ("UDP:", "inuse", .udpInUse), ("UDP:", "mem", .udpMemory), ("UDPLITE:", "inuse", .udpLiteInUse),
        ("RAW:", "inuse", .rawInUse), ("FRAG:", "inuse", .fragmentQueues), ("FRAG:", "memory", .fragmentMemory),
        ("TCP6:", "inuse", .tcp6InUse), ("UDP6:", "inuse", .udp6InUse), ("UDPLITE6:", "inuse", .udpLite6InUse),
        ("RAW6:", "inuse", .raw6InUse), ("FRAG6:", "inuse", .fragment6Queues), ("FRAG6:", "memory", .fragment6Memory),
    ]

    /// Adds what the text of /proc/net/sockstat or sockstat6 has: lines of `PROTOCOL: KEY VALUE KEY VALUE`, in any order.
    /// A line without its end is passed over, since its last number may go on.
    public mutating func add(decoding text: borrowing RawSpan) {
        var offset = 0
        while let end = text.endOfLine(from: offset) {
            let line = text.word(at: &offset, before: end)
            while true {
                let key = text.word(at: &offset, before: end)
                let number = text.word(at: &offset, before: end)
                guard !number.isEmpty else { break }
                var start = number.lowerBound
                guard let value = text.decimal(at: &start) else { continue }
                for word in Self.words where text.equals(word.key, in: key) && text.equals(word.line, in: line) {
                    self[word.statistic] = value
                }
            }
            offset = end
        }
    }
}

extension RawSpan {
    /// Where the next word before `end` is, empty when there is none; moves `offset` behind it.
    func word(at offset: inout Int, before end: Int) -> Range<Int> {
        while offset < end, loadByte(at: offset) <= 0x20 { offset += 1 }
        let start = offset
        while offset < end, loadByte(at: offset) > 0x20 { offset += 1 }
        return start..<offset
    }
}
