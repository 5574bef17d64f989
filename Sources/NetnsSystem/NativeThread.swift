internal import CLinux
internal import Glibc

/// A POSIX thread of our own.
///
/// A thread that enters namespaces must never run anything else, so none of this is left to Swift's cooperative pool:
/// tasks that entered a namespace and awaited resumed elsewhere, and unrelated ones then ran in the foreign namespace.
@safe public final class NativeThread: @unchecked Sendable {
    private let thread: pthread_t

    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts `body` on a new thread; `name` is cut to 15 bytes. Throws when the host has no thread left (EAGAIN).
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        let box = unsafe Unmanaged.passRetained(Body(name, body))
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, nil, nativeThreadMain, box.toOpaque())
        guard result == 0 else {
            unsafe box.release()
            throw SystemError("start", "thread \(name)", Errno(rawValue: result))
        }
        self.thread = thread
    }

    /// Waits for the thread to end; once at most.
    public func join() { pthread_join(thread, nil) }

    /// Lets the thread end on its own.
    public func detach() { pthread_detach(thread) }

    fileprivate static func run(_ argument: UnsafeMutableRawPointer?) {
        guard let argument = unsafe argument else { return }
        let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        _ = unsafe body.name.withCString { unsafe nd_set_thread_name($0) }
        body.run()
    }
}

/// A plain function: a closure literal may be isolated to the main actor, and dies on another thread.
private func nativeThreadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    unsafe NativeThread.run(argument)
    return nil
}
