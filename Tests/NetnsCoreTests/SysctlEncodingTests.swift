import NetnsCore
import Testing

@Suite("what a sysctl's data is as text") struct SysctlEncodingTests {
    private func text(_ encoding: SysctlEncoding, _ data: [UInt8]) -> String? {
        var text: [UInt8] = []
        return unsafe encoding.append(data.span.bytes, to: &text) ? String(decoding: text, as: UTF8.self) : nil
    }

    private func words(_ values: Int32...) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * Int32($0))) } }
    }

    @Test(
        arguments: [
            ("proc_dointvec", [-1, 0, 2_147_483_647], "-1\t0\t2147483647"),
            ("proc_dointvec_minmax", [-2_147_483_648], "-2147483648"),
            ("proc_douintvec", [-1, 7], "4294967295\t7"),
            ("proc_dointvec_jiffies", [1_800_000], "7200"),
            ("proc_dointvec_jiffies", [249, 250], "0\t1"),
            ("proc_dointvec_ms_jiffies", [250], "1000"),
            ("proc_dointvec_userhz_jiffies", [250, 1], "100\t0"),
            ("ipv4_local_port_range", [-285_182_976], "32768\t60999" as String?),
        ] as [(String, [Int32], String?)])
    func numbers(_ handler: String, _ values: [Int32], _ expected: String?) throws {
        let data = values.flatMap { words($0) }
        let encoding = try #require(SysctlEncoding(handler: handler, length: data.count, hz: 250))
        let ports = handler == "ipv4_local_port_range" ? words(Int32(bitPattern: 60999 << 16 | 32768)) : data
        #expect(text(encoding, ports) == expected)
    }

    @Test func bytesAndLongs() throws {
        #expect(text(try #require(SysctlEncoding(handler: "proc_dou8vec_minmax", length: 1, hz: 0)), [255]) == "255")
        let long = try #require(SysctlEncoding(handler: "proc_doulongvec_minmax", length: 8, hz: 0))
        #expect(text(long, [UInt8](repeating: 255, count: 8)) == "18446744073709551615")
        #expect(text(.text, Array("cubic".utf8) + [0, 1, 2]) == "cubic")
    }

    /// What cannot be told is left to /proc, never guessed.
    @Test func whatIsNotKnown() {
        #expect(SysctlEncoding(handler: "proc_dointvec", length: 6, hz: 250) == nil)
        #expect(SysctlEncoding(handler: "proc_dou8vec_minmax", length: 4, hz: 250) == nil)
        #expect(SysctlEncoding(handler: "proc_dointvec_jiffies", length: 4, hz: 0) == nil)
        // A tick of 3.33 ms: the kernel multiplies by a fraction.
        #expect(SysctlEncoding(handler: "proc_dointvec_ms_jiffies", length: 4, hz: 300) == nil)
        #expect(SysctlEncoding(handler: "somebody_elses_handler", length: 4, hz: 250) == nil)
        #expect(text(.seconds(hz: 250), words(-1)) == nil)
        #expect(text(.signed, []) == nil)
        #expect(text(.unsigned(width: 8), [1, 2, 3]) == nil)
        #expect(text(.text, [0]) == nil)
    }
}
