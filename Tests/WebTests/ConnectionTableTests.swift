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

    @Test func whoHasMostMakesRoom() {
        var table = ConnectionTable(receiveLimit: .seconds(10), sendLimit: .seconds(20))
        table.open(1, descriptor: 11, from: "192.0.2.1", at: start)
        for key in 2...4 {
            table.open(UInt(key), descriptor: Int32(10 + key), from: "192.0.2.2", at: start + .seconds(key))
        }
        #expect(table.dispensable(limit: 4) == nil)
        // The longest of the address with most, not the longest of all.
        #expect(table.dispensable(limit: 3) == 12)
        table.change(2, to: .handling, at: start + .seconds(5))
        #expect(table.dispensable(limit: 3) == 13)
        // An answer that is being sent is not cut, whoever receives it.
        for key in 3...4 { table.change(UInt(key), to: .sending, at: start + .seconds(5)) }
        #expect(table.dispensable(limit: 3) == 11)
        table.change(1, to: .handling, at: start + .seconds(6))
        #expect(table.dispensable(limit: 3) == nil)
    }

    /// Each listener has its own limit: what one has too much of takes no room from another.
    @Test func listenersAreApart() {
        var table = ConnectionTable(receiveLimit: .seconds(10), sendLimit: .seconds(20))
        table.open(1, descriptor: 11, by: 1, from: "192.0.2.1", at: start)
        for key in 2...4 { table.open(UInt(key), descriptor: Int32(10 + key), by: 2, from: "192.0.2.1", at: start) }
        #expect(table.dispensable(of: 1, limit: 1) == nil)
        #expect(table.dispensable(of: 3, limit: 1) == nil)
        #expect((12...14).contains(table.dispensable(of: 2, limit: 2) ?? 0))
    }
}
