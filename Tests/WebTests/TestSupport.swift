import Foundation
import Synchronization
import Web

/// A condition that becomes true once, and that another thread can wait for.
final class Flag: Sendable {
    private let raised = Mutex(false)

    var isRaised: Bool { raised.withLock { $0 } }

    func raise() { raised.withLock { $0 = true } }

    /// Whether it is raised within the time.
    func wait(_ time: Duration = .seconds(10)) -> Bool { eventually(time) { isRaised } }
}

/// A value that threads hand to each other.
final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func update<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        value.withLock { (value: inout Value) -> Result in body(&value) }
    }

    var current: Value { value.withLock { $0 } }
}

/// Polls a condition until it holds or the time is up.
func eventually(_ time: Duration = .seconds(10), _ condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + time
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        usleep(2000)
    }
    return true
}

/// Runs on a thread of its own: the cooperative pool has two, and these wait.
func onThread(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.start()
}

/// Runs `body` once for each number below `count`, on threads of their own, and waits for all.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let done = Box(0)
    for index in 0..<count {
        onThread {
            body(index)
            done.update { $0 += 1 }
        }
    }
    _ = eventually(.seconds(60)) { done.current == count }
}

/// A started server on a port of the kernel's choice; stopped when it goes.
final class TestServer {
    let server: Server
    let port: UInt16
    let log: Box<[String]>

    init(_ routes: [Route], limits: Limits = Limits(), address: ListenAddress = .loopback) throws {
        let socket = try ListenSocket(address)
        port = UInt16(socket.boundAddress.split(separator: ":").last ?? "") ?? 0
        let lines = Box<[String]>([])
        log = lines
        server = try Server(
            listeners: [socket], routes: routes, limits: limits,
            log: { line in
                lines.update { $0.append(line) }
            })
        try server.start()
    }

    deinit { server.stop(grace: .zero) }

    func connect() throws -> Client { try Client(port: port) }

    /// One request on a connection of its own.
    func get(_ target: String, method: String = "GET", headers: [String] = []) throws -> Reply {
        let client = try connect()
        try client.send(method, target, headers)
        return try client.reply(toHead: method == "HEAD")
    }
}

extension ListenAddress {
    static let loopback = ListenAddress(host: .ipv4("127.0.0.1"), port: 0)
}

extension Route {
    /// Answers at once with a text.
    static func text(_ path: String, _ text: String, methods: [String] = ["GET"]) -> Route {
        Route(path, methods: methods) { _, responder in responder.respond(.text(200, text)) }
    }
}
