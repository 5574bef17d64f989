import CLinux
import Testing

@testable import NetnsCore

/// The constants of nf_tables that the pure decoders hold, against the kernel's headers.
@Suite struct FilterConstantTests {
    @Test func messages() {
        let pairs: [(UInt16, nf_tables_msg_types)] = [
            (NftConstant.newTable, NFT_MSG_NEWTABLE), (NftConstant.getTable, NFT_MSG_GETTABLE),
            (NftConstant.newChain, NFT_MSG_NEWCHAIN), (NftConstant.getChain, NFT_MSG_GETCHAIN),
            (NftConstant.newRule, NFT_MSG_NEWRULE), (NftConstant.getRule, NFT_MSG_GETRULE),
            (NftConstant.newSet, NFT_MSG_NEWSET), (NftConstant.getSet, NFT_MSG_GETSET),
            (NftConstant.newElement, NFT_MSG_NEWSETELEM), (NftConstant.getElement, NFT_MSG_GETSETELEM),
        ]
        for (ours, kernels) in pairs { #expect(UInt32(ours) == UInt32(NFNL_SUBSYS_NFTABLES) << 8 | kernels.rawValue) }
        #expect(NftConstant.headerLength == MemoryLayout<nfgenmsg>.size)
        #expect(MemoryLayout<nfgenmsg>.offset(of: \.res_id) == 2)
    }

    @Test func objects() {
        let pairs: [(UInt16, UInt32)] = [
            (NftConstant.tableName, NFTA_TABLE_NAME.rawValue), (NftConstant.tableFlags, NFTA_TABLE_FLAGS.rawValue),
            (NftConstant.chainTable, NFTA_CHAIN_TABLE.rawValue), (NftConstant.chainName, NFTA_CHAIN_NAME.rawValue),
            (NftConstant.chainHook, NFTA_CHAIN_HOOK.rawValue), (NftConstant.chainPolicy, NFTA_CHAIN_POLICY.rawValue),
            (NftConstant.chainType, NFTA_CHAIN_TYPE.rawValue), (NftConstant.hookNumber, NFTA_HOOK_HOOKNUM.rawValue),
            (NftConstant.hookPriority, NFTA_HOOK_PRIORITY.rawValue), (NftConstant.ruleTable, NFTA_RULE_TABLE.rawValue),
            (NftConstant.ruleChain, NFTA_RULE_CHAIN.rawValue), (NftConstant.ruleHandle, NFTA_RULE_HANDLE.rawValue),
            (NftConstant.ruleExpressions, NFTA_RULE_EXPRESSIONS.rawValue),
            (NftConstant.listElement, NFTA_LIST_ELEM.rawValue), (NftConstant.expressionName, NFTA_EXPR_NAME.rawValue),
            (NftConstant.expressionData, NFTA_EXPR_DATA.rawValue), (NftConstant.dataValue, NFTA_DATA_VALUE.rawValue),
            (NftConstant.dataVerdict, NFTA_DATA_VERDICT.rawValue),
            (NftConstant.verdictCode, NFTA_VERDICT_CODE.rawValue),
            (NftConstant.verdictChain, NFTA_VERDICT_CHAIN.rawValue), (NftConstant.setTable, NFTA_SET_TABLE.rawValue),
            (NftConstant.setName, NFTA_SET_NAME.rawValue), (NftConstant.setFlags, NFTA_SET_FLAGS.rawValue),
            (NftConstant.setKeyLength, NFTA_SET_KEY_LEN.rawValue), (NftConstant.setDescription, NFTA_SET_DESC.rawValue),
            (NftConstant.setDescriptionFields, NFTA_SET_DESC_CONCAT.rawValue),
            (NftConstant.setFieldLength, NFTA_SET_FIELD_LEN.rawValue),
            (NftConstant.elementsTable, NFTA_SET_ELEM_LIST_TABLE.rawValue),
            (NftConstant.elementsSet, NFTA_SET_ELEM_LIST_SET.rawValue),
            (NftConstant.elements, NFTA_SET_ELEM_LIST_ELEMENTS.rawValue),
            (NftConstant.elementKey, NFTA_SET_ELEM_KEY.rawValue),
            (NftConstant.elementData, NFTA_SET_ELEM_DATA.rawValue),
            (NftConstant.elementFlags, NFTA_SET_ELEM_FLAGS.rawValue),
            (NftConstant.elementExpression, NFTA_SET_ELEM_EXPR.rawValue),
            (NftConstant.elementKeyEnd, NFTA_SET_ELEM_KEY_END.rawValue),
            (NftConstant.elementExpressions, NFTA_SET_ELEM_EXPRESSIONS.rawValue),
        ]
        for (ours, kernels) in pairs { #expect(UInt32(ours) == kernels) }
        let flags: [(UInt32, UInt32)] = [
            (NftConstant.dormant, NFT_TABLE_F_DORMANT.rawValue), (NftConstant.setAnonymous, NFT_SET_ANONYMOUS.rawValue),
            (NftConstant.setInterval, NFT_SET_INTERVAL.rawValue), (NftConstant.setMap, NFT_SET_MAP.rawValue),
            (NftConstant.setObject, NFT_SET_OBJECT.rawValue),
            (NftConstant.elementIntervalEnd, NFT_SET_ELEM_INTERVAL_END.rawValue),
            (NftConstant.elementCatchAll, NFT_SET_ELEM_CATCHALL.rawValue),
        ]
        for (ours, kernels) in flags { #expect(ours == kernels) }
    }

    @Test func expressions() {
        let pairs: [(UInt16, UInt32)] = [
            (NftAttribute.payloadTo, NFTA_PAYLOAD_DREG.rawValue),
            (NftAttribute.payloadBase, NFTA_PAYLOAD_BASE.rawValue),
            (NftAttribute.payloadOffset, NFTA_PAYLOAD_OFFSET.rawValue),
            (NftAttribute.payloadLength, NFTA_PAYLOAD_LEN.rawValue), (NftAttribute.metaTo, NFTA_META_DREG.rawValue),
            (NftAttribute.metaKey, NFTA_META_KEY.rawValue), (NftAttribute.connectionTo, NFTA_CT_DREG.rawValue),
            (NftAttribute.connectionKey, NFTA_CT_KEY.rawValue), (NftAttribute.compareFrom, NFTA_CMP_SREG.rawValue),
            (NftAttribute.compareOperator, NFTA_CMP_OP.rawValue), (NftAttribute.compareData, NFTA_CMP_DATA.rawValue),
            (NftAttribute.rangeFrom, NFTA_RANGE_SREG.rawValue), (NftAttribute.rangeOperator, NFTA_RANGE_OP.rawValue),
            (NftAttribute.rangeFirst, NFTA_RANGE_FROM_DATA.rawValue),
            (NftAttribute.rangeLast, NFTA_RANGE_TO_DATA.rawValue),
            (NftAttribute.bitwiseFrom, NFTA_BITWISE_SREG.rawValue),
            (NftAttribute.bitwiseTo, NFTA_BITWISE_DREG.rawValue),
            (NftAttribute.bitwiseMask, NFTA_BITWISE_MASK.rawValue),
            (NftAttribute.bitwiseXor, NFTA_BITWISE_XOR.rawValue),
            (NftAttribute.bitwiseOperator, NFTA_BITWISE_OP.rawValue),
            (NftAttribute.byteOrderFrom, NFTA_BYTEORDER_SREG.rawValue),
            (NftAttribute.byteOrderTo, NFTA_BYTEORDER_DREG.rawValue),
            (NftAttribute.byteOrderLength, NFTA_BYTEORDER_LEN.rawValue),
            (NftAttribute.byteOrderSize, NFTA_BYTEORDER_SIZE.rawValue),
            (NftAttribute.lookupSet, NFTA_LOOKUP_SET.rawValue), (NftAttribute.lookupFrom, NFTA_LOOKUP_SREG.rawValue),
            (NftAttribute.lookupTo, NFTA_LOOKUP_DREG.rawValue), (NftAttribute.lookupFlags, NFTA_LOOKUP_FLAGS.rawValue),
            (NftAttribute.immediateTo, NFTA_IMMEDIATE_DREG.rawValue),
            (NftAttribute.immediateData, NFTA_IMMEDIATE_DATA.rawValue),
            (NftAttribute.extensionName, NFTA_MATCH_NAME.rawValue),
            (NftAttribute.extensionRevision, NFTA_MATCH_REV.rawValue),
            (NftAttribute.extensionInfo, NFTA_MATCH_INFO.rawValue),
            (NftAttribute.extensionName, NFTA_TARGET_NAME.rawValue),
            (NftAttribute.objectType, NFTA_OBJREF_IMM_TYPE.rawValue),
        ]
        for (ours, kernels) in pairs { #expect(UInt32(ours) == kernels) }
    }

    @Test func values() {
        let keys: [(UInt32, UInt32)] = [
            (FilterKey.metaProtocol, NFT_META_PROTOCOL.rawValue), (FilterKey.metaMark, NFT_META_MARK.rawValue),
            (FilterKey.inputIndex, NFT_META_IIF.rawValue), (FilterKey.outputIndex, NFT_META_OIF.rawValue),
            (FilterKey.inputName, NFT_META_IIFNAME.rawValue), (FilterKey.outputName, NFT_META_OIFNAME.rawValue),
            (FilterKey.networkProtocol, NFT_META_NFPROTO.rawValue),
            (FilterKey.transportProtocol, NFT_META_L4PROTO.rawValue),
            (FilterKey.connectionState, NFT_CT_STATE.rawValue),
            (FilterKey.connectionDirection, NFT_CT_DIRECTION.rawValue),
            (FilterKey.connectionMark, NFT_CT_MARK.rawValue),
            (FilterExpression.Comparison.equal.rawValue, NFT_CMP_EQ.rawValue),
            (FilterExpression.Comparison.greaterOrEqual.rawValue, NFT_CMP_GTE.rawValue),
            (FilterExpression.Header.transport.rawValue, NFT_PAYLOAD_TRANSPORT_HEADER.rawValue),
        ]
        for (ours, kernels) in keys { #expect(ours == kernels) }
        #expect(FilterJump(NFT_JUMP.rawValue, "x") == .jump("x") && FilterJump(NFT_GOTO.rawValue, "x") == .goto("x"))
        #expect(FilterJump(NFT_RETURN.rawValue, "") == .return && FilterJump(NFT_CONTINUE.rawValue, "") == .continue)
    }
}
