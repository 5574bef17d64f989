/// Constants of nf_tables that the decoders need, from <linux/netfilter/nf_tables.h>, nfnetlink.h and
/// nf_tables_compat.h; a test holds each against them.
package enum NftConstant {
    /// NFNL_SUBSYS_NFTABLES in the message type's high byte.
    package static let subsystem: UInt16 = 10 << 8
    package static let newTable: UInt16 = subsystem | 0
    package static let getTable: UInt16 = subsystem | 1
    package static let newChain: UInt16 = subsystem | 3
    package static let getChain: UInt16 = subsystem | 4
    package static let newRule: UInt16 = subsystem | 6
    package static let getRule: UInt16 = subsystem | 7
    package static let newSet: UInt16 = subsystem | 9
    package static let getSet: UInt16 = subsystem | 10
    package static let newElement: UInt16 = subsystem | 12
    package static let getElement: UInt16 = subsystem | 13
    package static let headerLength = 4
    package static let dormant: UInt32 = 1

    package static let tableName: UInt16 = 1
    package static let tableFlags: UInt16 = 2
    package static let chainTable: UInt16 = 1
    package static let chainName: UInt16 = 3
    package static let chainHook: UInt16 = 4
    package static let chainPolicy: UInt16 = 5
    package static let chainType: UInt16 = 7
    package static let hookNumber: UInt16 = 1
    package static let hookPriority: UInt16 = 2
    package static let ruleTable: UInt16 = 1
    package static let ruleChain: UInt16 = 2
    package static let ruleHandle: UInt16 = 3
    package static let ruleExpressions: UInt16 = 4
    package static let listElement: UInt16 = 1
    package static let expressionName: UInt16 = 1
    package static let expressionData: UInt16 = 2
    package static let dataValue: UInt16 = 1
    package static let dataVerdict: UInt16 = 2
    package static let verdictCode: UInt16 = 1
    package static let verdictChain: UInt16 = 2

    package static let setTable: UInt16 = 1
    package static let setName: UInt16 = 2
    package static let setFlags: UInt16 = 3
    package static let setKeyLength: UInt16 = 5
    package static let setDescription: UInt16 = 9
    package static let setDescriptionFields: UInt16 = 2
    package static let setFieldLength: UInt16 = 1
    package static let setAnonymous: UInt32 = 0x1
    package static let setInterval: UInt32 = 0x4
    package static let setMap: UInt32 = 0x8
    package static let setObject: UInt32 = 0x40
    package static let elementsTable: UInt16 = 1
    package static let elementsSet: UInt16 = 2
    package static let elements: UInt16 = 3
    package static let elementKey: UInt16 = 1
    package static let elementData: UInt16 = 2
    package static let elementFlags: UInt16 = 3
    package static let elementExpression: UInt16 = 7
    package static let elementKeyEnd: UInt16 = 10
    package static let elementExpressions: UInt16 = 11
    package static let elementIntervalEnd: UInt32 = 1
    package static let elementCatchAll: UInt32 = 2
}
