internal import NetnsCore

/// Runs deep scans on a thread of its own, at an interval.
///
/// Concurrency: the findings pass through a monitor.
final class DeepScanner: Sendable {
    private struct State: Sendable {
        var findings: DeepFindings?
        var generation = 0
        var failure: String?
        var isStopping = false
    }

    private let monitor = Monitor(State())
    private let ledger: ErrorLedger

    /// Starts scanning at once, and then every `interval` seconds.
    init(paths: SystemPaths, interval: Double, ledger: ErrorLedger) throws {
        self.ledger = ledger
        let monitor = monitor
        let thread = try NativeThread("deep-scan") {
            var scan: DeepScan
            do { scan = try DeepScan(paths: paths) } catch {
                ledger.count("deep_scan", (error as? SystemError)?.errno.name ?? "failed")
                monitor.withLock { $0.findings = DeepFindings() }
                return
            }
            while true {
                do throws(Errno) {
                    let findings = try scan.run(until: { monitor.withLock { $0.isStopping } })
                    monitor.withLock {
                        $0.findings = findings
                        $0.generation += 1
                    }
                } catch {
                    ledger.count("deep_scan", error)
                    monitor.withLock { if $0.findings == nil { $0.findings = DeepFindings() } }
                }
                let next = Instant.now().advanced(bySeconds: interval)
                if monitor.wait(until: next, { $0.isStopping ? true : nil }) == true { return }
            }
        }
        thread.detach()
    }

    deinit { monitor.withLock { $0.isStopping = true } }

    /// The last findings and their number; the first time it waits for them, until `deadline`.
    func findings(until deadline: Instant) -> (findings: DeepFindings, generation: Int)? {
        monitor.wait(until: deadline) { state in state.findings.map { ($0, state.generation) } }
    }
}
