internal import Exposition
internal import NetnsSystem

/// What this process uses, by the names every Prometheus client has for it.
struct ProcessCollector: Collector {
    let name: String? = nil
    let parts: CollectionParts = []

    let emitters = [
        counter(
            "process_cpu_seconds_total", unit: "seconds", help: "User and system time, as /proc/self/stat counts it."
        ) {
            $0.cpuSeconds
        },
        gauge("process_max_fds", help: "Soft limit of open descriptors (RLIMIT_NOFILE).") {
            Double($0.maximumDescriptors)
        },
        gauge("process_open_fds", help: "Open descriptors.") { Double($0.openDescriptors) },
        gauge("process_resident_memory_bytes", unit: "bytes", help: "Resident memory.") { Double($0.residentBytes) },
        gauge("process_start_time_seconds", unit: "seconds", help: "When the process started, since the epoch.") {
            $0.startTime
        },
        gauge("process_threads", help: "Threads.") { Double($0.threads) },
        gauge("process_virtual_memory_bytes", unit: "bytes", help: "Virtual memory.") { Double($0.virtualBytes) },
    ]

    private static func counter(
        _ name: String, unit: String, help: String, _ value: @escaping (ProcessStatistics) -> Double
    ) -> Emitter {
        Emitter(name, .counter, unit: unit, help: help) { scene, writer in
            if let statistics = scene.process { writer.sample(value(statistics)) }
        }
    }

    private static func gauge(
        _ name: String, unit: String? = nil, help: String, _ value: @escaping (ProcessStatistics) -> Double
    ) -> Emitter {
        Emitter(name, .gauge, unit: unit, help: help) { scene, writer in
            if let statistics = scene.process { writer.sample(value(statistics)) }
        }
    }
}
