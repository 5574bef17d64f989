internal import Exposition
internal import NetnsCore
internal import NetnsSystem

/// What one exposition is written from: the namespaces of a collection, with the labels they share rendered once.
///
/// A namespace has some 130 series and its label is in each of them; a link has 32. Rendering `{netns="a"` once a
/// namespace and `{netns="a",device="eth0"` once a link leaves a copy for each sample. All memory is used again.
///
/// Concurrency: belongs to the thread that collects.
final class Scene {
    /// One link to be written.
    struct Device {
        /// Its namespace, an index into `namespaces`.
        let namespace: Int
        /// Its position in the namespace's links.
        let link: Int
        /// `{netns="...",device="..."` in `labels`.
        let label: Range<Int>
    }

    /// One address to be written.
    struct Address {
        /// Its position in the namespace's addresses.
        let position: Int
        /// Its link, an index into `devices`.
        let device: Int
    }

    /// What one probe found in one namespace.
    struct Probed {
        let result: ProbeResult
        /// `{netns="...",probe="...",target="..."` in `labels`.
        let label: Range<Int>
    }

    private(set) var namespaces: [NamespaceSample] = []
    /// Those that the places of peers speak of: `namespaces`, and perhaps the host's.
    private(set) var linkedNamespaces: [NamespaceSample] = []
    private(set) var report = CollectionReport()
    /// The open label sets.
    let labels = ByteBuffer(capacity: 65536)
    /// `{netns="..."` of each namespace.
    private(set) var namespaceLabels: [Range<Int>] = []
    /// The links that are written, by namespace and index.
    private(set) var devices: [Device] = []
    /// Which of `devices` are a namespace's.
    private(set) var deviceRanges: [Range<Int>] = []
    /// The written devices of one namespace by their indexes: of the one that was asked for last.
    private var deviceMap: (namespace: Int, devices: [Int32: Int]) = (-1, [:])
    /// The addresses that are written, in the order of their namespaces.
    private(set) var addresses: [Address] = []
    /// Addresses that the limit of addresses a namespace left out.
    private(set) var addressesLeftOut = 0
    /// Links that the limit of links a namespace left out.
    private(set) var devicesLeftOut = 0
    /// Labels of sysctls by the table they come from; one table serves all namespaces unless there are patterns.
    private(set) var sysctlLabels: [ObjectIdentifier: SysctlLabels] = [:]

    /// The collectors that ran, as open label sets, and how they went.
    private(set) var collectors: [(label: [UInt8], part: CollectionReport.Part)] = []
    /// What the namespaces' sysctls should be; nil when that was not evaluated.
    var drift: DriftMonitor?
    /// What is heard of writes; nil when nobody listens.
    var writes: SceneWrites?
    /// How that spares readings.
    var trust = SysctlTrustReport()
    /// What the probes found, in the order of the namespaces.
    private(set) var probes: [Probed] = []
    /// How the prober's work goes; nil when there is none.
    private(set) var prober: Prober.Status?
    /// What this process uses.
    private(set) var process: ProcessStatistics?

    private let filter: DeviceFilter
    private let includesHostVeths: Bool
    private let maximumDevices: Int
    private let maximumAddresses: Int

    init(filter: DeviceFilter, includesHostVeths: Bool, maximumDevices: Int, maximumAddresses: Int = 1000) {
        self.filter = filter
        self.includesHostVeths = includesHostVeths
        self.maximumDevices = maximumDevices
        self.maximumAddresses = maximumAddresses
    }

    /// Prepares for writing what a collection found.
    func prepare(
        _ namespaces: [NamespaceSample], linked: [NamespaceSample], _ report: CollectionReport,
        collectors: [(name: String, part: CollectionReport.Part)], probes results: [ProbeResult] = [],
        prober: Prober.Status? = nil
    ) {
        self.prober = prober
        self.namespaces = namespaces
        linkedNamespaces = linked
        self.report = report
        self.collectors = collectors.map { collector in
            labels.removeAll()
            labels.openLabels("collector", collector.name.utf8Span.span)
            return (labels.copied, collector.part)
        }
        process = ProcessStatistics.read()
        labels.removeAll()
        namespaceLabels.removeAll(keepingCapacity: true)
        devices.removeAll(keepingCapacity: true)
        deviceMap.namespace = -1
        devicesLeftOut = 0
        deviceRanges.removeAll(keepingCapacity: true)
        addresses.removeAll(keepingCapacity: true)
        addressesLeftOut = 0
        var tables: [ObjectIdentifier: SysctlLabels] = [:]
        for (index, namespace) in namespaces.enumerated() {
            let start = labels.count
            let name = namespace.name.utf8Span
            labels.openLabels("netns", name.span)
            namespaceLabels.append(start..<labels.count)
            let firstDevice = devices.count
            if namespace.wasRead, namespace.hasLinks { addDevices(of: namespace, index) }
            deviceRanges.append(firstDevice..<devices.count)
            if namespace.wasRead, namespace.hasAddresses { addAddresses(of: namespace, index) }
            if namespace.wasRead, namespace.hasSysctls {
                let table = namespace.sysctls.table
                let id = ObjectIdentifier(table)
                if tables[id] == nil { tables[id] = sysctlLabels[id] ?? SysctlLabels(table) }
            }
        }
        sysctlLabels = tables
        add(results)
    }

    /// Of namespaces that this collection did not find, nothing is said.
    private func add(_ results: [ProbeResult]) {
        probes.removeAll(keepingCapacity: true)
        guard !results.isEmpty else { return }
        let positions = Dictionary(
            namespaces.enumerated().map { ($0.element.serial, $0.offset) }, uniquingKeysWith: { first, _ in first })
        let known = results.compactMap { result in positions[result.serial].map { (position: $0, result: result) } }
        for (position, result) in known.sorted(by: {
            ($0.position, $0.result.probe, $0.result.target) < ($1.position, $1.result.probe, $1.result.target)
        }) {
            let start = labels.count
            labels.append(labels, namespaceLabels[position])
            labels.addLabel("probe", result.probe)
            labels.addLabel("target", result.target)
            probes.append(Probed(result: result, label: start..<labels.count))
        }
    }

    private func addDevices(of namespace: NamespaceSample, _ index: Int) {
        var count = 0
        for position in namespace.links.indices {
            // The other end is in another namespace, where it is reported: a host would have twice the series.
            if namespace.isHost, !includesHostVeths, namespace.links[position].isVethToElsewhere { continue }
            guard filter.admits(namespace.links[position].name) else { continue }
            count += 1
            guard count <= maximumDevices else {
                devicesLeftOut += 1
                continue
            }
            let start = labels.count
            labels.append(labels, namespaceLabels[index])
            labels.addDevice("device", namespace.links[position].name)
            if !namespace.links[position].name.isPlain {
                distinguish(start, namespace.links[position].index, in: namespace)
            }
            devices.append(Device(namespace: index, link: position, label: start..<labels.count))
        }
    }

    private func addAddresses(of namespace: NamespaceSample, _ index: Int) {
        var count = 0
        var last = deviceRanges[index].lowerBound
        for position in namespace.addresses.indices {
            guard let device = device(withIndex: namespace.addresses[position].link, in: index, near: last) else {
                continue
            }
            last = device
            count += 1
            guard count <= maximumAddresses else {
                addressesLeftOut += 1
                continue
            }
            addresses.append(Address(position: position, device: device))
        }
    }

    /// The written device of a namespace that has this index, as an index into `devices`; nil when it is not written.
    ///
    /// The search begins at `near` and goes round: what the kernel lists by link comes in the order of the links.
    func device(withIndex link: Int32, in namespace: Int, near: Int) -> Int? {
        let range = deviceRanges[namespace]
        for offset in 0..<min(range.count, Self.nearby) {
            var device = near + offset
            if device >= range.upperBound { device -= range.count }
            if namespaces[namespace].links[devices[device].link].index == link { return device }
        }
        guard range.count > Self.nearby else { return nil }
        // A container may have as many devices that are not written, and addresses on them, as it likes.
        if deviceMap.namespace != namespace {
            deviceMap.devices.removeAll(keepingCapacity: true)
            for device in range {
                deviceMap.devices[namespaces[namespace].links[devices[device].link].index] = device
            }
            deviceMap.namespace = namespace
        }
        return deviceMap.devices[link]
    }

    /// How many devices are looked at one by one.
    private static let nearby = 16

    /// Two names may look the same once bytes that are no UTF-8 are written out (`a\xff` may be a byte or four
    /// characters): the later gets its index appended, since two equal series fail the whole scrape. Plain names differ.
    private func distinguish(_ start: Int, _ index: Int32, in namespace: NamespaceSample) {
        // Again, since what is appended may be what a third is called.
        while isTaken(start..<labels.count, in: namespace) {
            labels.truncate(to: labels.count - 1)
            labels.append("@" as StaticString)
            labels.append(decimal: Int64(index))
            labels.append(UInt8(ascii: "\""))
        }
    }

    private func isTaken(_ label: Range<Int>, in namespace: NamespaceSample) -> Bool {
        for device in devices.reversed() {
            guard namespaces[device.namespace] === namespace else { return false }
            if device.label.count == label.count, labels.equal(device.label, label) { return true }
        }
        return false
    }
}

extension ByteBuffer {
    /// Adds a label with the name of a device: as the names of its sysctls have it, what is no text, and what would act on
    /// a terminal, as \xHH.
    func addDevice(_ label: StaticString, _ name: InlineBytes<16>) {
        if name.isPlain {
            name.withSpan { addLabel(label, $0) }
        } else {
            addLabel(label, name.description)
        }
    }
}

/// `,sysctl="NAME"` of each entry of a table.
final class SysctlLabels {
    /// Keeps the table alive, so that its identity stays its own.
    let table: SysctlTable
    private let buffer: ByteBuffer
    private let ranges: [Range<Int>]

    init(_ table: SysctlTable) {
        self.table = table
        let buffer = ByteBuffer()
        self.buffer = buffer
        ranges = table.entries.map { entry in
            let start = buffer.count
            let name = entry.name.dotted.utf8Span
            buffer.addLabel("sysctl", name.span)
            return start..<buffer.count
        }
    }

    /// The label of the entry at `index`.
    subscript(index: Int) -> LabelFragment { LabelFragment(buffer, ranges[index]) }
}
