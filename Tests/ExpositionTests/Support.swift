import Exposition

/// What `body` writes into a fresh buffer, as text.
func written(capacity: Int = 64, _ body: (ByteBuffer) -> Void) -> String {
    let buffer = ByteBuffer(capacity: capacity)
    body(buffer)
    return String(decoding: buffer.copied, as: UTF8.self)
}
