internal import CNetnsBPF
internal import Glibc
internal import NetnsCore

/// Why the BPF programs do not run here.
public struct KernelProgramsUnavailable: Error, Hashable, CustomStringConvertible {
    /// What stands in the way: the label `reason` of `netdrift_engine_info`.
    public enum Reason: String, Sendable, CaseIterable {
        /// libbpf.so.1 is not installed.
        case library = "no_libbpf"
        /// The kernel does not describe its types: CONFIG_DEBUG_INFO_BTF.
        case types = "no_btf"
        /// The kernel is older than 5.17.
        case kernel = "old_kernel"
        /// Kernel lockdown is on: nothing may read the kernel's memory.
        case lockdown = "lockdown"
        /// CAP_BPF or CAP_PERFMON is missing.
        case capability = "missing_capability"
        /// There was no memory for them, or RLIMIT_MEMLOCK is in the way.
        case memory = "no_memory"
        /// The root of the cgroup v2 hierarchy cannot be reached: what is heard of writes alone needs it.
        case cgroup = "no_cgroup"
        /// The kernel refused them for another reason.
        case refused = "refused"
    }

    /// What stands in the way.
    public let reason: Reason
    /// What was done and what the kernel, or libbpf, said.
    public let description: String
    /// All that libbpf and the kernel said, for a bug report; may be empty.
    public let log: String
}

/// The BPF programs, loaded: they read the kernel's own lists of namespaces, sysctls, threads and descriptors.
///
/// Loading needs CAP_BPF and CAP_PERFMON; running what is loaded needs neither since Linux 5.19. Source: bpf(2).
///
/// Concurrency: belongs to the thread that collects, which is another than the one that loads. One call runs at a time.
@safe public final class KernelPrograms: @unchecked Sendable {
    private var bpf: nd_bpf
    private var buffer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// Loads the programs.
    public init() throws(KernelProgramsUnavailable) {
        if let known = Self.obstacle() { throw known }
        var log = [CChar](repeating: 0, count: 65536)
        var step = ND_BPF_STEP_NONE
        unsafe bpf = unsafe nd_bpf()
        let result = unsafe nd_bpf_load(&bpf, &step, &log, log.count)
        guard result == 0 else {
            let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw Self.failure(step, Errno(rawValue: -result), text, needed: [.bpf, .perfmon])
        }
        unsafe buffer = .allocate(byteCount: 65536, alignment: 16)
    }

    /// What running them takes: nothing since Linux 5.19; before, every bpf(2) took CAP_BPF where ordinary users may not
    /// call it (kernel.unprivileged_bpf_disabled).
    public static var neededToRun: Set<Capability> {
        KernelFeatures.version.map { $0 >= (5, 19) } ?? false ? [] : [.bpf]
    }

    deinit {
        unsafe nd_bpf_unload(&bpf)
        unsafe buffer.deallocate()
    }

    // MARK: Why not

    /// What is known to stand in the way before anything is tried.
    static func obstacle() -> KernelProgramsUnavailable? {
        if let version = KernelFeatures.version, version < (5, 17) {
            return KernelProgramsUnavailable(
                reason: .kernel, description: "Linux \(version.0).\(version.1): bpf_loop came with 5.17", log: "")
        }
        if unsafe access("/sys/kernel/btf/vmlinux", R_OK) != 0 {
            return KernelProgramsUnavailable(
                reason: .types,
                description: "/sys/kernel/btf/vmlinux cannot be read: the kernel was built without "
                    + "CONFIG_DEBUG_INFO_BTF, or /sys is not mounted", log: "")
        }
        var reader = FileReader(capacity: 256)
        let lockdown = try? reader.read("/sys/kernel/security/lockdown") { text in
            unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        if lockdown?.contains("[confidentiality]") == true {
            return KernelProgramsUnavailable(
                reason: .lockdown, description: "kernel lockdown is on (confidentiality): programs may not read memory",
                log: "")
        }
        return nil
    }

    /// What a failure means to who runs the agent.
    static func failure(
        _ step: nd_bpf_step, _ errno: Errno, _ log: String, needed: Set<Capability>
    ) -> KernelProgramsUnavailable {
        let reason: KernelProgramsUnavailable.Reason
        let text: String
        switch step {
        case ND_BPF_STEP_LIBRARY:
            reason = .library
            text = "libbpf.so.1 cannot be used: \(log); it is in the package libbpf1"
        case ND_BPF_STEP_CGROUP:
            reason = .cgroup
            text =
                "the root of the cgroup v2 hierarchy cannot be opened: \(errno); --path.cgroup says where it is mounted"
        default:
            let missing = Capability.missing(of: needed)
            if errno == .notPermitted || errno.meansDenied, !missing.isEmpty {
                reason = .capability
                let names = missing.dropLast().map(\.name).joined(separator: ", ")
                let last = missing[missing.count - 1].name
                text =
                    (names.isEmpty
                        ? "\(last) is missing: run as root, or give it "
                        : "\(names) and \(last) are missing: run as root, or give them ")
                    + "(AmbientCapabilities= in a systemd unit)"
            } else if errno.rawValue == ENOMEM {
                reason = .memory
                text = "no memory for the programs: \(errno)"
            } else if errno == .notPermitted {
                reason = .refused
                text =
                    "bpf(2) is forbidden, though the capabilities are there: \(errno); by a seccomp filter or an LSM?"
            } else {
                reason = .refused
                let last = log.split(separator: "\n").first { $0.contains("libbpf:") } ?? ""
                text = "the kernel refused the programs: \(errno); \(last)"
            }
        }
        return KernelProgramsUnavailable(reason: reason, description: text, log: log)
    }

    // MARK: The plan

    /// The directories of the plan.
    var directories: UnsafeMutableBufferPointer<nd_bpf_directory> {
        unsafe UnsafeMutableBufferPointer(start: bpf.directories, count: ND_BPF_DIRECTORIES)
    }

    /// The sysctls of the plan; the program writes down where it found them.
    var sysctls: UnsafeMutableBufferPointer<nd_bpf_sysctl> {
        unsafe UnsafeMutableBufferPointer(start: bpf.sysctls, count: ND_BPF_SYSCTLS)
    }

    /// What was learnt of each sysctl.
    var lessons: UnsafeMutableBufferPointer<nd_bpf_lesson> {
        unsafe UnsafeMutableBufferPointer(start: bpf.lessons, count: ND_BPF_SYSCTLS)
    }

    // MARK: Calls

    /// Runs the walk once. Throws what bpf(2) answered.
    private func call(_ call: inout nd_bpf_call) throws(Errno) {
        let result = unsafe nd_bpf_walk(&bpf, &call)
        if result < 0 { throw Errno(rawValue: -result) }
    }

    /// Fills the lessons with what the caller's own namespace has of the plan, and gives its values.
    func learn(sysctls: Int, groups: Int) throws(Errno) -> UnsafeBufferPointer<nd_bpf_value> {
        var request = nd_bpf_call()
        request.sysctls = UInt32(sysctls)
        request.groups = UInt32(groups)
        request.learns = 1
        request.capacity = 1
        try call(&request)
        guard request.count == 1 else { throw .invalid }
        return unsafe UnsafeBufferPointer(start: bpf.values, count: sysctls)
    }

    /// What is called with each namespace of a walk.
    typealias WalkBody = (
        borrowing nd_bpf_namespace, UnsafePointer<nd_bpf_value>, UnsafeBufferPointer<nd_bpf_link>
    ) -> Void

    /// How a walk went.
    struct WalkReport {
        /// Namespaces that were left out, since they are being freed.
        var dying = 0
        /// Our own process id as the kernel counts.
        var pid: Int32 = 0
    }

    /// Walks all namespaces, and calls `body` with each, with the values of its sysctls, in the order of the plan, and with
    /// its links, where they are wanted and could be read (`has_links`); all are valid in the call alone. Throws EAGAIN when
    /// the kernel's list changed at each of several tries, so that the walk cannot be trusted; `begin` is called before each
    /// try: what came of the last is void.
    func walk(
        sysctls: Int, groups: Int, lasting: Int = 0, links: Bool = false, begin: () -> Void, _ body: WalkBody
    ) throws(Errno) -> WalkReport {
        var request = nd_bpf_call()
        request.sysctls = UInt32(sysctls)
        request.groups = UInt32(groups)
        request.lasting = UInt32(lasting)
        request.links = links ? 1 : 0
        request.port_device = unsafe bpf.port_device
        request.port_state = unsafe bpf.port_state
        for _ in 0..<5 {
            begin()
            if let report = unsafe try walkOnce(request, body) { return report }
        }
        throw .again
    }

    private func walkOnce(_ wanted: nd_bpf_call, _ body: WalkBody) throws(Errno) -> WalkReport? {
        var report = WalkReport()
        var after: UInt64 = 0
        while true {
            var request = wanted
            request.after = after
            request.capacity = UInt32(ND_BPF_BATCH)
            try call(&request)
            report.dying += Int(request.skipped)
            report.pid = Int32(bitPattern: request.pid)
            guard let namespaces = unsafe bpf.namespaces, let values = unsafe bpf.values,
                let links = unsafe bpf.links
            else { throw .invalid }
            guard request.outcome == ND_BPF_COMPLETE.rawValue || request.outcome == ND_BPF_FULL.rawValue else {
                return nil
            }
            for index in 0..<Int(request.count) {
                let first = unsafe min(Int(namespaces[index].first_link), ND_BPF_LINKS)
                let count = unsafe min(Int(namespaces[index].links), ND_BPF_LINKS - first)
                unsafe body(
                    namespaces[index], values + index * Int(wanted.sysctls),
                    UnsafeBufferPointer(start: links + first, count: count))
            }
            if request.outcome == ND_BPF_COMPLETE.rawValue { return report }
            guard request.count > 0 else { throw .invalid }
            after = unsafe namespaces[Int(request.count) - 1].cookie
        }
    }

    /// Calls `body` with every thread that the caller's process-id namespace shows, by ascending id.
    func forEachTask(_ body: (borrowing nd_bpf_task) -> Void) throws(Errno) {
        var iteration = try unsafe KernelIteration(bpf.tasks)
        _ = try resume(&iteration, nd_bpf_task.self, until: nil, body)
    }

    /// Begins to go through the descriptors of all processes that are namespaces or sockets.
    func beginFiles() throws(Errno) -> KernelIteration { try unsafe KernelIteration(bpf.files) }

    /// Goes on with those: calls `body` with each, and gives false when it is not over by `deadline`.
    func resumeFiles(
        _ iteration: inout KernelIteration, until deadline: Instant, _ body: (borrowing nd_bpf_file) -> Void
    ) throws(Errno) -> Bool {
        try resume(&iteration, nd_bpf_file.self, until: deadline, body)
    }

    private func resume<T>(
        _ iteration: inout KernelIteration, _ type: T.Type, until deadline: Instant?, _ body: (borrowing T) -> Void
    ) throws(Errno) -> Bool {
        let iterator = iteration.iterator.rawValue
        let size = MemoryLayout<T>.size
        var held = iteration.rest.count
        unsafe buffer.copyBytes(from: iteration.rest)
        defer { iteration.rest = unsafe Array(buffer[..<held]) }
        while true {
            let count: Int
            do throws(Errno) {
                count = Int(
                    try syscall {
                        let result = unsafe read(
                            iterator, buffer.baseAddress.map { unsafe $0 + held }, buffer.count - held)
                        return result < 0 ? -errno : Int32(result)
                    })
            } catch {
                // A million objects without one that is told of: the kernel wants to be asked again (bpf_seq_read()).
                guard error == .again else { throw error }
                if let deadline, Instant.now() >= deadline { return false }
                continue
            }
            if count == 0 { return true }
            held += count
            // The kernel may stop within a record.
            let whole = held / size * size
            for offset in stride(from: 0, to: whole, by: size) {
                unsafe body(buffer.load(fromByteOffset: offset, as: T.self))
            }
            unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[whole..<held]))
            held -= whole
            if let deadline, Instant.now() >= deadline { return false }
        }
    }
}

/// A way through one of the kernel's lists by a BPF iterator, which may be gone bit by bit: it keeps its place, and holds
/// nothing meanwhile.
struct KernelIteration: ~Copyable {
    fileprivate let iterator: FileDescriptor
    /// The beginning of a record whose end is still to come.
    fileprivate var rest: [UInt8] = []

    fileprivate init(_ link: Int32) throws(Errno) {
        iterator = try syscall { nd_bpf_iterate(link) }.asDescriptor
    }
}
