import Testing
import Web

@Suite struct BodyTests {
    /// Lends its bytes and notes its own end.
    final class Owner: Sendable {
        let onRelease: @Sendable () -> Void
        init(onRelease: @escaping @Sendable () -> Void) { self.onRelease = onRelease }
        deinit { onRelease() }
    }

    private func bytes(_ body: Body) -> [UInt8] {
        body.withBytes { span in (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
    }

    @Test func copies() {
        #expect(bytes(Body("häh")) == Array("häh".utf8))
        #expect(bytes(Body(copying: [1, 2, 3])) == [1, 2, 3])
        let array: [UInt8] = [9, 8]
        #expect(bytes(Body(copying: array.span)) == array)
    }

    @Test func emptyIsNothing() {
        #expect(Body("").count == 0)
        #expect(bytes(Body("")) == [])
        unsafe #expect(Body(adopting: .allocate(byteCount: 0, alignment: 1)).count == 0)
        unsafe #expect(Body(adopting: UnsafeMutableRawBufferPointer(start: nil, count: 0)).count == 0)
    }

    @Test func adopts() {
        let allocation = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
        unsafe allocation.copyBytes(from: [4, 5, 6])
        #expect(bytes(unsafe Body(adopting: allocation)) == [4, 5, 6])
    }

    @Test func keepsTheLendersOwner() {
        let allocation = UnsafeMutableRawBufferPointer.allocate(byteCount: 2, alignment: 1)
        defer { unsafe allocation.deallocate() }
        unsafe allocation.copyBytes(from: [7, 8])
        let released = Flag()
        var body: Body? = unsafe Body(
            lending: UnsafeRawBufferPointer(allocation), owner: Owner { released.raise() })
        #expect(body.map(bytes) == [7, 8])
        #expect(!released.isRaised)
        body = nil
        #expect(released.isRaised)
    }
}
