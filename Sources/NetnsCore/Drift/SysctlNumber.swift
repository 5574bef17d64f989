/// A whole number as the kernel takes it from a sysctl: of 64 bits, signed or unsigned. There is no rounding and no
/// overflow: a text that does not fit is no number.
public struct SysctlNumber: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Whether it is below zero.
    public let isNegative: Bool
    /// Its distance from zero.
    public let magnitude: UInt64

    /// A number; zero has no sign.
    public init(magnitude: UInt64, isNegative: Bool = false) {
        self.magnitude = magnitude
        self.isNegative = isNegative && magnitude != 0
    }

    /// The number that a text is, without white space around it, or nil: decimal, `0x` hexadecimal, or octal where it
    /// begins with 0, each with or without a minus. Source: proc_get_long() in kernel/sysctl.c, which takes base 0.
    @inline(__always)
    public init?(_ text: borrowing Span<UInt8>) {
        var index = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative { index = 1 }
        guard index < text.count else { return nil }
        var base: UInt64 = 10
        if text[index] == UInt8(ascii: "0"), index + 1 < text.count {
            let isHexadecimal = text[index + 1] | 0x20 == UInt8(ascii: "x")
            base = isHexadecimal ? 16 : 8
            index += isHexadecimal ? 2 : 1
            guard index < text.count else { return nil }
        }
        var value: UInt64 = 0
        while index < text.count {
            let byte = text[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46, 0x61...0x66: digit = (byte | 0x20) - 0x61 + 10
            default: return nil
            }
            guard digit < base else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: base)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
            guard !overflowed, !carried else { return nil }
            value = sum
            index += 1
        }
        self.init(magnitude: value, isNegative: isNegative)
    }

    /// As `init(_:)`, of a text.
    public init?(_ text: String) {
        let utf8 = text.utf8Span
        self.init(utf8.span)
    }

    /// By value.
    @inline(__always)
    public static func < (a: Self, b: Self) -> Bool {
        switch (a.isNegative, b.isNegative) {
        case (false, false): a.magnitude < b.magnitude
        case (true, true): a.magnitude > b.magnitude
        case (let negative, _): negative
        }
    }

    /// In decimal.
    public var description: String { (isNegative ? "-" : "") + String(magnitude) }
}
