/// The way to answer one request: now or later, from any thread, once.
///
/// The connection waits without holding a thread. A responder that is dropped without an answer answers 500, so that
/// no client waits for ever. An answer to a client that has gone away, or that the server answered itself because it
/// was stopping, is discarded.
public final class Responder: Sendable {
    private let exchange: Exchange

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    deinit {
        // Ignored when there was an answer.
        exchange.answer(.text(500, "Internal server error: the request was dropped.\n"))
    }

    /// Answers. The first answer counts; later ones are discarded.
    public func respond(_ response: Response) {
        exchange.answer(response)
    }
}
