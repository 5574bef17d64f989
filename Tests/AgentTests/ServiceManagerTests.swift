import NetnsCore
import Testing

@testable import Agent

/// What the environment says of a service manager, and what it is told.
@Suite struct ServiceManagerTests {
    private func manager(_ variables: [String: String]) throws -> ServiceManager? {
        try ServiceManager({ variables[$0] }, process: 42)
    }

    @Test("without NOTIFY_SOCKET there is none")
    func none() throws {
        #expect(try manager([:]) == nil)
        #expect(try manager(["NOTIFY_SOCKET": "", "WATCHDOG_USEC": "1"]) == nil)
    }

    @Test(
        "the watchdog's time, for the process it is meant for",
        arguments: [
            ([:], nil), (["WATCHDOG_USEC": "3000000"], 3.0), (["WATCHDOG_USEC": "500", "WATCHDOG_PID": "42"], 0.0005),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "43"], nil),
            (["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "x"], nil),
        ] as [([String: String], Double?)])
    func watchdog(_ variables: [String: String], _ seconds: Double?) throws {
        let all = variables.merging(["NOTIFY_SOCKET": "/run/systemd/notify"]) { $1 }
        #expect(try #require(try manager(all)).watchdog == seconds)
    }

    @Test(
        "variables that cannot be meant are refused with their value",
        arguments: [
            ("NOTIFY_SOCKET", "notify"), ("NOTIFY_SOCKET", "@"),
            ("NOTIFY_SOCKET", "/" + String(repeating: "x", count: 107)),
            ("NOTIFY_SOCKET", "vsock:2:9999"), ("WATCHDOG_USEC", "0"), ("WATCHDOG_USEC", "-1"), ("WATCHDOG_USEC", "1s"),
        ])
    func refused(_ name: String, _ value: String) throws {
        let variables = ["NOTIFY_SOCKET": "/n"].merging([name: value]) { $1 }
        let error = #expect(throws: ServiceManager.BadVariable.self) { try manager(variables) }
        #expect(error?.description.contains("\(name) is '\(value)'") == true)
    }

    @Test("messages by the letter; a status stays one line")
    func messages() {
        #expect(ServiceManager.Message.ready(status: "a\nb").text == "READY=1\nSTATUS=a; b\nWATCHDOG=1")
        #expect(ServiceManager.Message.alive(status: "a\nREADY=1").text == "STATUS=a; READY=1\nWATCHDOG=1")
        #expect(
            ServiceManager.Message.reloading(since: Instant(nanoseconds: 1_234_567)).text
                == "RELOADING=1\nMONOTONIC_USEC=1234")
        #expect(ServiceManager.Message.stopping.text == "STOPPING=1")
    }
}
