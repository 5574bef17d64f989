/// How the kernel writes out the data of a sysctl: what is in memory is bytes, what /proc/sys shows is text.
///
/// Each sysctl names a function that writes it (`ctl_table.proc_handler`). Those of the kernel that can be told from the
/// data alone are known by name; whether they do on this kernel what is known of them is seen by comparing.
/// Source: kernel/sysctl.c, net/ipv4/sysctl_net_ipv4.c, net/ipv4/devinet.c, net/ipv6/addrconf.c, net/core/neighbour.c.
public enum SysctlEncoding: Hashable, Sendable {
    /// Whole numbers of 4 bytes with a sign, tabs between.
    case signed
    /// Whole numbers of this many bytes without a sign, tabs between.
    case unsigned(width: Int)
    /// Numbers of 4 bytes in ticks, written in seconds.
    case seconds(hz: Int)
    /// The same, written in milliseconds.
    case milliseconds(hz: Int)
    /// The same, written in hundredths of a second (USER_HZ).
    case userTicks(hz: Int)
    /// Two port numbers in one number of 4 bytes, the lower one in its lower half.
    case ports
    /// Text that ends at its first NUL.
    case text

    /// The numbers of ticks a second that kernels are built with, CONFIG_HZ.
    public static let tickRates = [100, 200, 250, 300, 500, 512, 1000, 1024]

    /// What a handler of the kernel's writes, by its name; nil for one that is not known. `hz` is 0 where it is not known:
    /// what depends on it is not known then.
    public init?(handler: String, length: Int, hz: Int) {
        switch handler {
        case "proc_dointvec", "proc_dointvec_minmax", "devinet_conf_proc", "devinet_sysctl_forward",
            "ipv4_doint_and_flush", "addrconf_sysctl_forward", "addrconf_sysctl_disable", "addrconf_sysctl_proxy_ndp",
            "addrconf_sysctl_mtu", "addrconf_sysctl_ignore_routes_with_linkdown", "addrconf_sysctl_addr_gen_mode",
            "addrconf_sysctl_disable_policy", "addrconf_sysctl_force_forwarding", "neigh_proc_dointvec",
            "neigh_proc_dointvec_zero_intmax", "ipv4_fwd_update_priority", "proc_fib_multipath_hash_policy",
            "proc_fib_multipath_hash_fields", "ipv4_privileged_ports", "proc_tfo_blackhole_detect_timeout",
            "nf_conntrack_hash_sysctl":
            guard length > 0, length.isMultiple(of: 4) else { return nil }
            self = .signed
        case "proc_douintvec", "proc_douintvec_minmax", "ipv4_ping_group_range":
            guard length > 0, length.isMultiple(of: 4) else { return nil }
            self = .unsigned(width: 4)
        case "proc_dou8vec_minmax", "proc_dobool":
            guard length == 1 else { return nil }
            self = .unsigned(width: 1)
        case "proc_doulongvec_minmax":
            guard length > 0, length.isMultiple(of: 8) else { return nil }
            self = .unsigned(width: 8)
        case "ipv4_local_port_range":
            // Before Linux 6.8, two numbers of 4 bytes.
            guard length == 4 || length == 8 else { return nil }
            self = length == 4 ? .ports : .signed
        case "proc_tcp_congestion_control":
            self = .text
        case "proc_dointvec_jiffies", "neigh_proc_dointvec_jiffies":
            guard length > 0, length.isMultiple(of: 4), hz > 0 else { return nil }
            self = .seconds(hz: hz)
        case "proc_dointvec_ms_jiffies", "proc_dointvec_ms_jiffies_minmax", "neigh_proc_dointvec_ms_jiffies",
            "neigh_proc_dointvec_ms_jiffies_positive":
            // The kernel divides otherwise where a tick is no whole number of milliseconds.
            guard length > 0, length.isMultiple(of: 4), hz > 0, 1000.isMultiple(of: hz) else { return nil }
            self = .milliseconds(hz: hz)
        case "proc_dointvec_userhz_jiffies", "neigh_proc_dointvec_userhz_jiffies":
            guard length > 0, length.isMultiple(of: 4), hz > 0, hz >= 100 else { return nil }
            self = .userTicks(hz: hz)
        default: return nil
        }
    }

    /// Whether a handler writes ticks, so that CONFIG_HZ shows in what it writes.
    public static func tellsTicks(_ handler: String) -> Bool { handler == "proc_dointvec_jiffies" }

    /// Appends the text of a value as /proc/sys shows it, without the newline; false when this is no value of that form,
    /// and nothing was appended.
    public func append(_ data: borrowing RawSpan, to text: inout [UInt8]) -> Bool {
        switch self {
        case .text:
            var count = 0
            while count < data.byteCount, data.loadByte(at: count) != 0 { count += 1 }
            for index in 0..<count { text.append(data.loadByte(at: index)) }
            return count > 0
        case .ports:
            guard data.byteCount == 4 else { return false }
            let range = data.number(at: 0, width: 4)
            Self.append(range & 0xFFFF, to: &text)
            text.append(0x09)
            Self.append(range >> 16, to: &text)
            return true
        case .unsigned(let width): return numbers(data, width, &text) { $0 }
        case .signed:
            let start = text.count
            var index = 0
            while index + 4 <= data.byteCount {
                if index > 0 { text.append(0x09) }
                let value = Int64(Int32(truncatingIfNeeded: data.number(at: index, width: 4)))
                if value < 0 { text.append(UInt8(ascii: "-")) }
                Self.append(value.magnitude, to: &text)
                index += 4
            }
            return text.count > start
        case .seconds(let hz): return ticks(data, &text) { $0 / UInt64(hz) }
        case .milliseconds(let hz): return ticks(data, &text) { $0 * UInt64(1000 / hz) }
        case .userTicks(let hz):
            // jiffies_to_clock_t(), kernel/time/time.c
            let tick = UInt64(1_000_000_000 / hz)
            return ticks(data, &text) {
                hz.isMultiple(of: 100) && 10_000_000.isMultiple(of: Int(tick))
                    ? $0 / UInt64(hz / 100) : $0 * tick / 10_000_000
            }
        }
    }

    /// Numbers of ticks; what is below 0 has a meaning of its own and is left to the kernel.
    private func ticks(_ data: borrowing RawSpan, _ text: inout [UInt8], _ convert: (UInt64) -> UInt64) -> Bool {
        for index in stride(from: 0, to: data.byteCount, by: 4) where index + 4 <= data.byteCount {
            if data.number(at: index, width: 4) > UInt64(Int32.max) { return false }
        }
        return numbers(data, 4, &text, convert)
    }

    private func numbers(
        _ data: borrowing RawSpan, _ width: Int, _ text: inout [UInt8], _ convert: (UInt64) -> UInt64
    ) -> Bool {
        guard data.byteCount >= width else { return false }
        var index = 0
        while index + width <= data.byteCount {
            if index > 0 { text.append(0x09) }
            Self.append(convert(data.number(at: index, width: width)), to: &text)
            index += width
        }
        return true
    }

    private static func append(_ number: UInt64, to text: inout [UInt8]) {
        if number < 10 { return text.append(0x30 + UInt8(number)) }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        var rest = number
        repeat {
            digits[count] = 0x30 + UInt8(rest % 10)
            rest /= 10
            count += 1
        } while rest > 0
        for index in 0..<count { text.append(digits[count - 1 - index]) }
    }
}

extension RawSpan {
    /// A number as this machine has it in memory.
    fileprivate func number(at offset: Int, width: Int) -> UInt64 {
        switch width {
        case 1: UInt64(loadByte(at: offset))
        case 4: UInt64(load(UInt32.self, at: offset))
        default: load(UInt64.self, at: offset)
        }
    }
}
