import TestSupport
import Testing
import Trust

@Suite struct SealingKeyTests {
    @Test(arguments: [1, 16, 1000]) func whatIsSealedOpensInItsContext(count: Int) throws {
        let key = try SealingKey()
        let plain = [UInt8](repeating: 7, count: count)
        let sealed = try key.seal(plain, context: Array("a".utf8))
        #expect(sealed.count == count + SealingKey.overhead)
        #expect(key.open(sealed, context: Array("a".utf8)) == plain)
        #expect(try key.seal(plain, context: Array("a".utf8)) != sealed)
    }

    @Test func nothingElseOpens() throws {
        let key = try SealingKey()
        let context = Array("caller".utf8)
        let sealed = try key.seal(Array("state".utf8), context: context)
        #expect(key.open(sealed, context: Array("another".utf8)) == nil)
        #expect(key.open(sealed, context: []) == nil)
        #expect(try SealingKey().open(sealed, context: context) == nil)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(key.open(changed, context: context) == nil)
        }
        for count in 0..<sealed.count { #expect(key.open(Array(sealed.prefix(count)), context: context) == nil) }
        #expect(key.open(sealed + [0], context: context) == nil)
    }
}
