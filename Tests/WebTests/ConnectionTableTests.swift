import Testing

@testable import Web

@Suite struct ConnectionTableTests {
    private let start = ContinuousClock.now

    private func table() -> ConnectionTable {
        var table = ConnectionTable(receiveLimit: .seconds(10), sendLimit: .seconds(20))
        table.open(1, descriptor: 7, at: start)
        return table
    }

    @Test func receivingHasItsLimit() {
        #expect(table().overdue(at: start + .seconds(10)) == [])
        #expect(table().overdue(at: start + .seconds(11)) == [7])
    }

    @Test func handlingHasNone() {
        var table = table()
        table.change(1, to: .handling, at: start + .seconds(1))
        #expect(table.overdue(at: start + .seconds(100_000)) == [])
    }

    @Test func sendingCountsFromItsStart() {
        var table = table()
        table.change(1, to: .handling, at: start)
        table.change(1, to: .sending, at: start + .seconds(100))
        #expect(table.overdue(at: start + .seconds(120)) == [])
        #expect(table.overdue(at: start + .seconds(121)) == [7])
        table.change(1, to: .receiving, at: start + .seconds(121))
        #expect(table.overdue(at: start + .seconds(131)) == [])
        #expect(table.overdue(at: start + .seconds(132)) == [7])
    }

    @Test func aClosedOneIsForgotten() {
        var table = table()
        table.close(1)
        table.change(1, to: .sending, at: start)
        #expect(table.overdue(at: start + .seconds(1000)) == [])
    }
}
