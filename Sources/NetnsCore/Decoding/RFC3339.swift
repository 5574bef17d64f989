/// Time stamps such as `2026-11-23T18:13:28.348787796Z` and `...+01:00`, as Go's programs write them. Source: RFC 3339, 5.6.
enum RFC3339 {
    /// Seconds since the epoch, nil when the text is no time stamp, and for Go's zero time, the year 1.
    static func seconds(_ text: String) -> Double? {
        var rest = text.utf8[...]
        func number(_ digits: Int) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            rest = rest.dropFirst(digits)
            return value
        }
        func skip(_ characters: StaticString) -> UInt8? {
            guard let next = rest.first, characters.withUTF8Buffer({ unsafe $0.contains(next) }) else { return nil }
            rest = rest.dropFirst()
            return next
        }
        guard let year = number(4), year > 1, skip("-") != nil, let month = number(2), (1...12).contains(month),
            skip("-") != nil, let day = number(2), (1...31).contains(day), skip("Tt ") != nil, let hour = number(2),
            skip(":") != nil, let minute = number(2), skip(":") != nil, let second = number(2)
        else { return nil }
        var fraction = 0.0
        if skip(".") != nil {
            var scale = 0.1
            while let digit = number(1) {
                fraction += Double(digit) * scale
                scale /= 10
            }
        }
        var offset = 0
        if skip("Zz") == nil {
            guard let sign = skip("+-"), let hours = number(2), skip(":") != nil, let minutes = number(2) else {
                return nil
            }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -60 : 60)
        }
        guard rest.isEmpty else { return nil }
        let clock = hour * 3600 + minute * 60 + second - offset
        return Double(days(year, month, day) * 86400 + clock) + fraction
    }

    /// Days since the epoch, of the Gregorian calendar; the year is counted from March, so that a leap day is its last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
