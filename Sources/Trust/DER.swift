import COpenSSL

/// The DER bytes that an `i2d_…` function of libcrypto allocates and writes.
/// - Throws: `bad-encoding`.
func derBytes(
    _ what: String, _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32
) throws(TrustError) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = encode(&bytes)
    guard count > 0, let bytes else { throw TrustError.openSSL("bad-encoding", "cannot encode \(what)") }
    defer { nave_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
}

/// What a `d2i_…` function of libcrypto reads from exactly all the bytes, at most `maximumBytes` of them.
/// - Throws: `code`, also for bytes that are left over.
func decodedDER(
    _ der: [UInt8], _ code: String, _ what: String, maximumBytes: Int = 65_536,
    free: (OpaquePointer?) -> Void, _ decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?
) throws(TrustError) -> OpaquePointer {
    guard (1...maximumBytes).contains(der.count) else {
        throw TrustError(code, "\(what) has \(der.count) bytes, not 1 to \(maximumBytes)")
    }
    var whole = false
    let handle: OpaquePointer? = der.withUnsafeBufferPointer { bytes in
        var cursor = bytes.baseAddress
        let handle = decode(&cursor, bytes.count)
        whole = cursor == bytes.baseAddress.map { $0 + bytes.count }
        return handle
    }
    guard let handle else { throw TrustError.openSSL(code, "cannot read \(what)") }
    guard whole else {
        free(handle)
        throw TrustError(code, "\(what) is followed by other bytes")
    }
    return handle
}

/// The elements of any of libcrypto's stacks.
func elements(of stack: OpaquePointer?) -> [UnsafeMutableRawPointer] {
    guard let stack else { return [] }
    return (0..<max(0, OPENSSL_sk_num(stack))).compactMap { OPENSSL_sk_value(stack, $0) }
}

/// The content bytes of any ASN.1 string.
func contentBytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
    guard let string, let data = ASN1_STRING_get0_data(string) else { return [] }
    return Array(UnsafeBufferPointer(start: data, count: Int(max(0, ASN1_STRING_length(string)))))
}

/// The dotted text of an object identifier.
func dottedText(_ object: OpaquePointer?) -> String {
    var text = [CChar](repeating: 0, count: 128)
    guard let object, OBJ_obj2txt(&text, Int32(text.count), object, 1) > 0 else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
