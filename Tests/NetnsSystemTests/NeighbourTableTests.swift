import Foundation
import NetnsCore
import Testing

@testable import NetnsSystem

@Suite struct NeighbourTableTests {
    /// A /proc whose ARP table has so many entries, in the kernel's hexadecimal, of so many that there may be.
    @Test(arguments: [
        ("0000037f", "1024", false), ("00000380", "1024", true), ("00000800", "1024", true),
        ("00000800", "8192", false),
        ("0000037f", "", false), ("what", "1024", false), ("00000400", "0", false), ("00000400", "-1", false),
    ])
    func fill(_ entries: String, _ limit: String, _ isNearlyFull: Bool) throws {
        let directory = try TemporaryDirectory()
        let files = FileManager.default
        try files.createDirectory(
            atPath: "\(directory.path)/thread-self/net/stat", withIntermediateDirectories: true)
        try files.createDirectory(
            atPath: "\(directory.path)/sys/net/ipv4/neigh/default", withIntermediateDirectories: true)
        try "entries  allocs\n\(entries) 000012bd\n\(entries) 00000001\n".write(
            toFile: "\(directory.path)/thread-self/net/stat/arp_cache", atomically: true, encoding: .utf8)
        try "\(limit)\n".write(
            toFile: "\(directory.path)/sys/net/ipv4/neigh/default/gc_thresh3", atomically: true, encoding: .utf8)
        var tables = NeighbourTables(procfs: directory.path)
        tables.refresh(at: Instant(nanoseconds: 1))
        let found = [tables.isNearlyFull(.ipv4), tables.isNearlyFull(.ipv6), tables.isNearlyFull(nil)]
        #expect(found == [isNearlyFull, false, isNearlyFull])
    }

    @Test func whereItCannotBeSeenNothingIsHeldBack() {
        var tables = NeighbourTables(procfs: "/nonexistent")
        tables.refresh(at: .now())
        let found = tables.isNearlyFull(nil)
        #expect(!found)
    }
}
