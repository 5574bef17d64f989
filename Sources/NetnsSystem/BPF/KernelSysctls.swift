internal import CNetnsBPF
internal import Glibc
internal import NetnsCore

/// The sysctls that the walk reads: which, how what it finds is written as text, and what has to be read in another way.
///
/// Nothing is taken for granted of a kernel's tables. What a handler's data means is known by the handler's name, and is
/// used once it was seen to give what /proc gives, in the namespace this program is in; a handler that ever gave something
/// else is used no more, and neither is an entry whose value was not as /proc had it.
///
/// Concurrency: belongs to the thread that collects.
@safe final class KernelSysctls {
    /// How one sysctl comes.
    enum Way: Hashable {
        /// From the walk.
        case kernel
        /// From /proc, and why.
        case portable(String)
    }

    /// A handler with a length of data: what makes two entries the same to write out.
    private struct Handler: Hashable {
        let address: UInt64
        let length: UInt32
    }

    /// How the data of a handler is written, and what it is called.
    private struct Known {
        let symbol: String
        /// Nil for one that cannot be told from its data, or that did not do what is known of it.
        var encoding: SysctlEncoding?
        /// Whether it was seen to give what /proc gives.
        var isConfirmed = false

        var usable: SysctlEncoding? { isConfirmed ? encoding : nil }
    }

    /// One sysctl of the plan.
    private struct Planned {
        let item: SysctlTable.Item
        var way = Way.portable("it was not looked at yet")
        /// The handler that was seen last, and its encoding.
        var handler = Handler(address: 0, length: 0)
        var encoding: SysctlEncoding?
    }

    private let programs: KernelPrograms
    private let procfs: String
    private var planned: [Planned] = []
    private var places: [[[UInt8]]: Int] = [:]
    private var known: [Handler: Known] = [:]
    /// The place in the plan of each entry of a table; -1 for one that has none.
    private var tables: [ObjectIdentifier: (table: SysctlTable, places: [Int])] = [:]
    private(set) var groups = 0
    /// How many of them live as long as their namespace: the first ones.
    private(set) var lasting = 0
    /// CONFIG_HZ, as the values of `proc_dointvec_jiffies` show it; 0 when they do not.
    private(set) var tickRate = 0
    /// One more whenever what the values mean may be another.
    private(set) var generation = 0
    private var needsLearning = false
    /// Tables that were added since the plan was empty.
    private var additions = 0
    private var text: [UInt8] = []

    init(_ programs: KernelPrograms, procfs: String) {
        self.programs = programs
        self.procfs = procfs
    }

    /// How many sysctls the walk reads in each namespace.
    var count: Int { planned.count }

    /// The sysctls of the plan with the way they come, by name.
    var ways: [(name: String, way: Way, handler: String)] {
        planned.map { ($0.item.name.dotted, $0.way, known[$0.handler]?.symbol ?? "") }.sorted { $0.name < $1.name }
    }

    // MARK: The plan

    /// Forgets all sysctls: others are wanted.
    func reset() {
        planned.removeAll()
        places.removeAll()
        tables.removeAll()
        additions = 0
        needsLearning = true
    }

    /// Adds the entries of a table that are not in the plan yet, as far as there is room.
    func add(_ table: SysctlTable) {
        guard tables[ObjectIdentifier(table)] == nil else { return }
        // Tables and names of namespaces that have gone fill the plan for nobody.
        additions += 1
        if tables.count > 4096 || (planned.count == ND_BPF_SYSCTLS && additions > 1000) { reset() }
        let positions = table.entries.indices.map { index -> Int in
            let item = table.item(at: index)
            if let place = places[item.path] { return place }
            guard planned.count < ND_BPF_SYSCTLS,
                item.path.allSatisfy({ $0.count < ND_BPF_NAME }),
                item.path.count <= ND_BPF_DEPTH
            else { return -1 }
            places[item.path] = planned.count
            planned.append(Planned(item: item))
            needsLearning = true
            return planned.count - 1
        }
        tables[ObjectIdentifier(table)] = (table, positions)
    }

    /// Writes the plan down for the program and learns what there is to be known of it, when it has changed.
    func prepare() throws(Errno) {
        guard needsLearning else { return }
        generation += 1
        try writePlan()
        let values = unsafe try programs.learn(sysctls: planned.count, groups: groups)
        // Headers tell tables apart: sysctls of one table are looked up together from now on.
        groupByTable()
        unsafe learn(from: values)
        needsLearning = false
    }

    private func writePlan() throws(Errno) {
        var numbers: [[[UInt8]]: Int] = [:]
        var chains: [[UInt8]] = [[]]
        let directories = unsafe programs.directories
        unsafe directories[0] = nd_bpf_directory()
        for index in planned.indices {
            var chain: [UInt8] = []
            var parent = 0
            for depth in 1..<max(planned[index].item.path.count, 1) {
                let path = Array(planned[index].item.path.prefix(depth))
                let number = numbers[path] ?? chains.count
                if number == chains.count {
                    guard number < ND_BPF_DIRECTORIES else {
                        parent = -1
                        break
                    }
                    numbers[path] = number
                    chains.append(chain + [UInt8(number)])
                    var directory = nd_bpf_directory()
                    Self.copy(path[depth - 1], to: &directory.name)
                    Self.copy(chains[number], to: &directory.chain)
                    unsafe directories[number] = directory
                }
                chain = chains[number]
                parent = number
            }
            var sysctl = nd_bpf_sysctl()
            Self.copy(planned[index].item.path.last ?? [], to: &sysctl.name)
            // One that there is no room for is in a group that the program passes over.
            sysctl.directory = UInt32(max(parent, 0))
            sysctl.group = parent < 0 ? UInt32.max : UInt32(parent)
            sysctl.offset = UInt32.max
            sysctl.kind = Self.kind(of: planned[index].item.name.dotted)
            unsafe programs.sysctls[index] = sysctl
            unsafe programs.lessons[index] = nd_bpf_lesson()
        }
        groups = min(chains.count, ND_BPF_GROUPS)
        lasting = 0
    }

    private static func kind(of name: String) -> UInt32 {
        switch name {
        case "net.ipv4.tcp_congestion_control": ND_BPF_CONGESTION.rawValue
        case "net.ipv4.ip_local_reserved_ports": ND_BPF_BITMAP.rawValue
        case "net.ipv4.ip_local_port_range": ND_BPF_PORTS.rawValue
        default: ND_BPF_PLAIN.rawValue
        }
    }

    private static func copy<T>(_ bytes: [UInt8], to field: inout T) {
        unsafe withUnsafeMutableBytes(of: &field) { place in
            for (index, byte) in bytes.prefix(place.count - 1).enumerated() { unsafe place[index] = byte }
        }
    }

    /// Sysctls of one directory may be in several tables: each table becomes a group, the fullest ones first, since those
    /// are remembered of each namespace.
    ///
    /// Tables of single devices come last: they are looked up each time.
    private func groupByTable() {
        var members: [UInt64: [Int]] = [:]
        var ungrouped: [UInt32: [Int]] = [:]
        for index in planned.indices {
            let header = unsafe programs.lessons[index].header
            let group = unsafe programs.sysctls[index].group
            if header != 0 {
                members[header, default: []].append(index)
            } else if group != UInt32.max {
                // Not here: those of one directory are taken for those of one table.
                ungrouped[unsafe programs.sysctls[index].directory, default: []].append(index)
            }
        }
        func lasts(_ indices: [Int]) -> Bool {
            let path = planned[indices[0]].item.path
            // net.ipv4.conf.eth0, net.ipv6.neigh.eth0; `all` and `default` are no devices.
            guard path.count > 4, path[2] == Array("conf".utf8) || path[2] == Array("neigh".utf8) else {
                return path.count <= 3
            }
            return path[3] == Array("all".utf8) || path[3] == Array("default".utf8)
        }
        let every =
            members.values.sorted { ($1.count, $0[0]) < ($0.count, $1[0]) }
            + ungrouped.values.sorted { ($1.count, $0[0]) < ($0.count, $1[0]) }
        let all = every.filter(lasts) + every.filter { !lasts($0) }
        lasting = min(every.count(where: lasts), ND_BPF_CACHED_GROUPS)
        groups = min(all.count, ND_BPF_GROUPS)
        for (group, indices) in all.enumerated() {
            for index in indices { unsafe programs.sysctls[index].group = UInt32(min(group, groups - 1)) }
        }
    }

    // MARK: Learning

    private func learn(from values: UnsafeBufferPointer<nd_bpf_value>) {
        var reader = FileReader(capacity: 65536)
        let texts = planned.map { sysctl -> [UInt8]? in
            guard !sysctl.item.name.isSecret else { return nil }
            let path = sysctl.item.path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
            return try? reader.read("\(procfs)/sys/\(path)", limit: 1 << 20) { Self.trimmed($0) }
        }
        var symbols: [String] = []
        for index in planned.indices {
            let symbol = unsafe withUnsafeBytes(of: programs.lessons[index].symbol) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            // A handler of a module is shown with the module: `name [module]`.
            symbols.append(String(symbol.prefix { $0 != " " }))
        }
        if tickRate == 0 { tickRate = unsafe findTickRate(values, texts, symbols) }
        var trials: [(index: Int, handler: Handler)] = []
        for index in planned.indices {
            let value = unsafe values[index]
            switch UInt32(value.state) {
            case ND_BPF_ABSENT.rawValue:
                planned[index].handler = Handler(address: 0, length: 0)
                planned[index].encoding = nil
                planned[index].way =
                    texts[index] == nil ? .kernel : .portable("it is not in the namespace's own tables")
            case ND_BPF_EMPTY_BITMAP.rawValue:
                planned[index].way = texts[index] == [] ? .kernel : .portable("/proc shows something else")
                planned[index].handler = Handler(address: value.handler, length: value.maxlen)
                known[planned[index].handler] = Known(symbol: symbols[index], encoding: nil)
            case ND_BPF_VALUE.rawValue:
                let handler = Handler(address: value.handler, length: value.maxlen)
                planned[index].handler = handler
                trials.append((index, handler))
                if known[handler] == nil {
                    known[handler] = Known(
                        symbol: symbols[index],
                        encoding: SysctlEncoding(
                            handler: symbols[index], length: Int(value.length), hz: tickRate))
                }
            default:
                let handler = Handler(address: value.handler, length: value.maxlen)
                planned[index].handler = handler
                if known[handler] == nil { known[handler] = Known(symbol: symbols[index], encoding: nil) }
                planned[index].way =
                    planned[index].item.name.dotted == "net.ipv4.ip_local_reserved_ports"
                    ? .kernel : .portable("its value is not in its table's data, or not everybody may read it")
            }
        }
        // A handler that gives something else anywhere is used nowhere.
        for trial in trials {
            guard let encoding = known[trial.handler]?.encoding, let shown = texts[trial.index] else { continue }
            if unsafe write(values[trial.index], encoding) == shown {
                known[trial.handler]?.isConfirmed = true
            } else {
                // A value may have changed between the two readings: once more, before it is held against the handler.
                let path = planned[trial.index].item.path.map { String(decoding: $0, as: UTF8.self) }
                    .joined(separator: "/")
                let again = try? reader.read("\(procfs)/sys/\(path)", limit: 1 << 20) { Self.trimmed($0) }
                if again == shown { known[trial.handler]?.encoding = nil }
            }
        }
        for trial in trials {
            planned[trial.index].encoding = known[trial.handler]?.usable
            if let encoding = known[trial.handler]?.usable {
                let isSame = texts[trial.index].map { unsafe write(values[trial.index], encoding) == $0 }
                planned[trial.index].way =
                    isSame == true ? .kernel : .portable("/proc could not be compared, or shows something else")
            } else {
                planned[trial.index].way = .portable(
                    "what its handler writes is not known, or was not as /proc shows it")
            }
        }
    }

    /// The one tick rate with which every value in seconds is as /proc shows it.
    private func findTickRate(
        _ values: UnsafeBufferPointer<nd_bpf_value>, _ texts: [[UInt8]?], _ symbols: [String]
    ) -> Int {
        let fitting = SysctlEncoding.tickRates.filter { rate in
            var seen = false
            for index in planned.indices where SysctlEncoding.tellsTicks(symbols[index]) {
                guard unsafe values[index].state == UInt8(ND_BPF_VALUE.rawValue), let shown = texts[index] else {
                    continue
                }
                guard unsafe write(values[index], .seconds(hz: rate)) == shown else { return false }
                if shown != [UInt8(ascii: "0")] { seen = true }
            }
            return seen
        }
        return fitting.count == 1 ? fitting[0] : 0
    }

    private func write(_ value: nd_bpf_value, _ encoding: SysctlEncoding) -> [UInt8]? {
        var out: [UInt8] = []
        let isWritten = unsafe withUnsafeBytes(of: value.raw) { raw in
            encoding.append(
                unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: raw.prefix(Int(value.length)))), to: &out)
        }
        return isWritten ? out : nil
    }

    private static func trimmed(_ text: borrowing RawSpan) -> [UInt8] {
        var bytes = unsafe text.withUnsafeBytes { unsafe [UInt8]($0) }
        while bytes.last == 0x0A || bytes.last == 0 { bytes.removeLast() }
        return bytes
    }

    // MARK: Values

    /// Fills `readings` with the table's entries out of what the walk found in one namespace; gives the entries that have
    /// to be read in the portable way, which are marked as not read.
    func read(
        _ values: UnsafePointer<nd_bpf_value>, _ table: SysctlTable, into readings: inout SysctlReadings,
        leftover: inout [Int]
    ) {
        leftover.removeAll(keepingCapacity: true)
        readings.begin(table)
        guard let positions = tables[ObjectIdentifier(table)]?.places else {
            for index in table.entries.indices {
                leftover.append(index)
                readings.append(.unreadable(EAGAIN))
            }
            return
        }
        for index in table.entries.indices {
            let place = positions[index]
            guard place >= 0, planned[place].way == .kernel else {
                leftover.append(index)
                readings.append(.unreadable(EAGAIN))
                continue
            }
            let value = unsafe values + place
            switch unsafe UInt32(value.pointee.state) {
            case ND_BPF_ABSENT.rawValue: readings.append(.absent)
            case ND_BPF_EMPTY_BITMAP.rawValue:
                text.removeAll(keepingCapacity: true)
                unsafe readings.append(value: text.span.bytes, isText: true)
            case ND_BPF_VALUE.rawValue:
                if let encoding = encoding(place, unsafe value.pointee.handler, unsafe value.pointee.maxlen) {
                    text.removeAll(keepingCapacity: true)
                    let length = unsafe min(Int(value.pointee.length), ND_BPF_RAW)
                    let raw = unsafe UnsafeRawBufferPointer(start: value, count: MemoryLayout<nd_bpf_value>.size)
                    let data = unsafe RawSpan(
                        _unsafeBytes: UnsafeRawBufferPointer(rebasing: raw[Self.rawOffset..<Self.rawOffset + length]))
                    if encoding.append(data, to: &text) {
                        unsafe readings.append(value: text.span.bytes, isText: table.entries[index].isText)
                        continue
                    }
                }
                fallthrough
            default:
                leftover.append(index)
                readings.append(.unreadable(EAGAIN))
            }
        }
    }

    private static let rawOffset = MemoryLayout<nd_bpf_value>.offset(of: \.raw) ?? 16

    @inline(__always)
    private func encoding(_ place: Int, _ address: UInt64, _ length: UInt32) -> SysctlEncoding? {
        let handler = Handler(address: address, length: length)
        if planned[place].handler == handler { return planned[place].encoding }
        // Not here, and there: what its handler writes was learnt of others.
        planned[place].handler = handler
        planned[place].encoding = known[handler]?.usable
        return planned[place].encoding
    }
}
