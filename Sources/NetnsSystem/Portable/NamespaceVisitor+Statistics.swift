internal import CLinux
internal import Glibc
internal import NetnsCore

/// Reads files of /proc/net of the namespace that the calling thread is in. One for each thread.
///
/// The directory /proc/thread-self/net may stay open while the thread hops: it is one of the thread, and every lookup in
/// it happens in the namespace that the thread is in then (fs/proc/proc_net.c proc_tgid_net_lookup()). An open *file* in it
/// would hold the namespace: each is closed before the next is opened.
struct NetworkFiles: ~Copyable {
    private let procfs: String
    private var directory: FileDescriptor?
    private var reader = FileReader()

    init(procfs: String) { self.procfs = procfs }

    /// Forgets the directory: at the end of a collection nothing stays open.
    mutating func close() { directory = nil }

    /// Gives the bytes of a file to `body`; false when this kernel has no such file.
    mutating func read(_ name: String, _ body: (borrowing RawSpan) -> Void) throws(NetlinkError) -> Bool {
        do throws(Errno) {
            if directory == nil {
                directory = try FileDescriptor.open("\(procfs)/thread-self/net", ND_O_PATH | O_DIRECTORY)
            }
            try reader.read(name, at: directory?.rawValue ?? AT_FDCWD, limit: 4 << 20, body)
            return true
        } catch {
            if error == .noSuchFile { return false }
            throw .errno(error)
        }
    }
}

extension NamespaceVisitor {
    /// Counts the sockets, before the visit opens one of its own there: the kernel counts one for a moment after it was
    /// closed. nil when they are not wanted or could not be read.
    func readSockets(
        _ namespace: PortableNamespace, _ job: VisitJob, _ totals: inout VisitJob.Totals
    ) -> SocketStatistics? {
        guard namespace.isSelected, job.parts.contains(.sockets) else { return nil }
        var sockets = SocketStatistics()
        let wasRead = attempt("sockstat", &totals.sockets) { () throws(NetlinkError) in
            _ = try files.read("sockstat") { sockets.add(decoding: $0) }
            _ = try files.read("sockstat6") { sockets.add(decoding: $0) }
        }
        return wasRead ? sockets : nil
    }

    /// What is not read over the visit's netlink socket: the files of /proc/net, and what has sockets of its own.
    func readStatistics(_ sample: NamespaceSample, _ job: VisitJob, _ totals: inout VisitJob.Totals) {
        sample.hasMIB = false
        sample.hasConntrack = false
        sample.hasTCPStates = false
        if job.parts.contains(.mib) {
            sample.hasMIB = attempt("netstat", &totals.mib) { () throws(NetlinkError) in try readMIB(sample) }
        }
        readSources(sample, job, &totals)
        if job.parts.contains(.conntrack) {
            sample.hasConntrack = attempt("conntrack", &totals.conntrack) { () throws(NetlinkError) in
                var socket = try Self.socket(Int32(NETLINK_NETFILTER))
                try socket.readConntrack(into: &sample.conntrack, buffer: buffer)
            }
        }
        if job.parts.contains(.tcpStates) {
            sample.hasTCPStates = attempt("tcp", &totals.tcpStates) { () throws(NetlinkError) in
                var socket = try Self.socket(Int32(NETLINK_SOCK_DIAG))
                try socket.countTCPStates(into: &sample.tcpStates, buffer: buffer)
            }
        }
    }

    /// The files that collectors have for themselves. Where this kernel has none of them, there is nothing to show, and
    /// that is no failure.
    private func readSources(_ sample: NamespaceSample, _ job: VisitJob, _ totals: inout VisitJob.Totals) {
        sample.clearReadings()
        for (index, source) in settings.sources.enumerated() where job.parts.contains(.source(index)) {
            if source.inHostAlone, !sample.isHost { continue }
            let reading = sample.reading(at: index, of: settings.sources)
            var isThere = false
            let wasRead = attempt(source.name, &totals.sources[index]) { () throws(NetlinkError) in
                source.begin(reading)
                for file in source.files
                where try files.read(file, { source.read($0, of: file, into: reading) }) { isThere = true }
            }
            reading.wasRead = wasRead && isThere
        }
    }

    private func readMIB(_ sample: NamespaceSample) throws(NetlinkError) {
        sample.mib.begin(settings.mib)
        for file in settings.mib.files {
            _ = try files.read(file.rawValue) { mibParser.parse($0, of: file, into: &sample.mib) }
        }
    }

    private static func socket(_ family: Int32) throws(NetlinkError) -> NetlinkSocket {
        do throws(Errno) { return try NetlinkSocket(family) } catch { throw .errno(error) }
    }
}
