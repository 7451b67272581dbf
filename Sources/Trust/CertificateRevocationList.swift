import COpenSSL
import Model

/// A certificate revocation list (X.509 v2 CRL, RFC 5280, section 5) of one CA, for verifiers that do not get our bundles.
/// Reading one trusts nothing: `verify` tells whether it is the issuer's and in force. Complete lists only: whatever would
/// narrow or redirect one is critical, and an unknown critical extension refuses it.
package struct CertificateRevocationList: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        /// Lower-case hexadecimal, as `Certificate.serial` writes it.
        package var serial: String
        /// Whole seconds.
        package var at: Instant

        package init(serial: String, at: Instant) {
            self.serial = serial
            self.at = at
        }
    }

    /// More than 200,000 entries.
    package static let maximumBytes = 8 << 20

    package let der: [UInt8]
    /// RFC 2253 text, for people only.
    package let issuer: String
    /// Grows with every list of the issuer.
    package let number: Int64
    package let thisUpdate: Instant
    /// When the next list is there at the latest.
    package let nextUpdate: Instant
    package let entries: [Entry]
    /// The subject key identifier of the certificate whose key signed it.
    package let authorityKeyID: [UInt8]

    /// - Throws: `bad-crl` for bytes that are not exactly one complete version 2 list with a number, an authority key
    ///   identifier and an end, or one that names a certificate twice.
    package init(der: [UInt8]) throws(TrustError) {
        let handle = try Self.decoded(der)
        defer {
            X509_CRL_free(handle)
            drainedErrors()
        }
        guard X509_CRL_get_version(handle) == 1 else {
            throw TrustError("bad-crl", "the revocation list does not have version 2")
        }
        try Self.checkExtensions(handle)
        self.der = der
        do throws(TrustError) {
            issuer = try CertificateFields.text(X509_CRL_get_issuer(handle))
            thisUpdate = try CertificateFields.instant(X509_CRL_get0_lastUpdate(handle))
            nextUpdate = try CertificateFields.instant(X509_CRL_get0_nextUpdate(handle))
        } catch {
            throw TrustError("bad-crl", "cannot read the issuer or the times of the revocation list: \(error.message)")
        }
        guard thisUpdate < nextUpdate else {
            throw TrustError("bad-crl", "the revocation list ends at \(nextUpdate), before it begins")
        }
        number = try Self.number(handle)
        authorityKeyID = try Self.authorityKeyID(handle)
        entries = try Self.entries(handle)
    }

    package var pem: String { PEM.encode(label: "X509 CRL", der) }

    /// Linear; for one look-up.
    package func contains(serial: String) -> Bool { entries.contains { $0.serial == serial } }

    /// Believes the list: `issuer` signed it and may, and it is in force. What an issuer's own path is worth, its caller
    /// checked.
    /// - Throws: `foreign-crl`, `wrong-key-usage`, `weak-signature`, `bad-signature`, `not-yet-valid`, `expired`.
    package func verify(issuer: Certificate, now: Instant) throws(TrustError) {
        let handle = try Self.decoded(der)
        defer {
            X509_CRL_free(handle)
            drainedErrors()
        }
        guard X509_NAME_cmp(X509_CRL_get_issuer(handle), X509_get_subject_name(try issuer.handle)) == 0,
            authorityKeyID == issuer.subjectKeyID
        else {
            throw TrustError(
                "foreign-crl",
                "the revocation list is of \(backticked(self.issuer)), not of \(backticked(issuer.subject))")
        }
        guard issuer.isCA, issuer.keyUsage?.contains(.crlSign) ?? false else {
            throw TrustError("wrong-key-usage", "\(backticked(issuer.subject)) may not sign revocation lists")
        }
        let algorithm = OBJ_nid2sn(X509_CRL_get_signature_nid(handle)).map { String(cString: $0) } ?? "unknown"
        guard CertificateRules.signatureAlgorithms.contains(algorithm) else {
            throw TrustError("weak-signature", "the revocation list is signed with \(backticked(algorithm))")
        }
        guard X509_CRL_verify(handle, issuer.publicKey.handle) == 1 else {
            throw TrustError.openSSL("bad-signature", "the signature of the revocation list does not hold")
        }
        guard thisUpdate <= now + CertificateRules.skew else {
            throw TrustError("not-yet-valid", "the revocation list begins at \(thisUpdate), it is \(now)")
        }
        guard now < nextUpdate else {
            throw TrustError("expired", "the revocation list ended at \(nextUpdate), it is \(now)")
        }
    }
}

extension CertificateRevocationList {
    private static func decoded(_ der: [UInt8]) throws(TrustError) -> OpaquePointer {
        try decodedDER(der, "bad-crl", "the revocation list", maximumBytes: maximumBytes, free: X509_CRL_free) {
            d2i_X509_CRL(nil, $0, $1)
        }
    }

    /// Of the list's extensions only number and key identifier are read; of an entry's none, so none may be critical.
    private static func checkExtensions(_ handle: OpaquePointer) throws(TrustError) {
        for index in 0..<X509_CRL_get_ext_count(handle) {
            try checkNotCritical(X509_CRL_get_ext(handle, index))
        }
        for entry in elements(of: X509_CRL_get_REVOKED(handle)) {
            let entry = OpaquePointer(entry)
            for index in 0..<max(0, X509_REVOKED_get_ext_count(entry)) {
                try checkNotCritical(X509_REVOKED_get_ext(entry, index))
            }
        }
    }

    private static func checkNotCritical(_ element: OpaquePointer?) throws(TrustError) {
        guard X509_EXTENSION_get_critical(element) == 0 else {
            let name = dottedText(X509_EXTENSION_get_object(element))
            throw TrustError("bad-crl", "the revocation list has the critical extension \(backticked(name))")
        }
    }

    private static func number(_ handle: OpaquePointer) throws(TrustError) -> Int64 {
        let value = X509_CRL_get_ext_d2i(handle, NID_crl_number, nil, nil)
        let integer = value?.assumingMemoryBound(to: ASN1_INTEGER.self)
        defer { ASN1_INTEGER_free(integer) }
        var number: Int64 = 0
        guard let integer, ASN1_INTEGER_get_int64(&number, integer) == 1, number >= 0 else {
            throw TrustError.openSSL("bad-crl", "the revocation list has no number, or one over 63 bits")
        }
        return number
    }

    private static func authorityKeyID(_ handle: OpaquePointer) throws(TrustError) -> [UInt8] {
        let value = X509_CRL_get_ext_d2i(handle, NID_authority_key_identifier, nil, nil)
        let identifier = value?.assumingMemoryBound(to: AUTHORITY_KEYID.self)
        defer { AUTHORITY_KEYID_free(identifier) }
        let bytes = contentBytes(identifier?.pointee.keyid)
        guard !bytes.isEmpty else {
            throw TrustError.openSSL("bad-crl", "the revocation list does not name its issuer's key")
        }
        return bytes
    }

    private static func entries(_ handle: OpaquePointer) throws(TrustError) -> [Entry] {
        var seen: Set<String> = []
        var entries: [Entry] = []
        for element in elements(of: X509_CRL_get_REVOKED(handle)) {
            let element = OpaquePointer(element)
            let number = X509_REVOKED_get0_serialNumber(element)
            let serial = Hex.encode(contentBytes(number).drop { $0 == 0 })
            guard ASN1_STRING_type(number) == V_ASN1_INTEGER, (2...40).contains(serial.utf8.count) else {
                throw TrustError("bad-crl", "the revocation list holds something that is not a serial number")
            }
            guard seen.insert(serial).inserted else {
                throw TrustError("bad-crl", "the revocation list names \(backticked(serial)) twice")
            }
            let at: Instant
            do throws(TrustError) {
                at = try CertificateFields.instant(X509_REVOKED_get0_revocationDate(element))
            } catch {
                throw TrustError("bad-crl", "cannot read when \(backticked(serial)) was revoked")
            }
            entries.append(Entry(serial: serial, at: at))
        }
        return entries
    }
}

extension CertificateAuthority {
    /// The list of all that this CA revoked and that has not expired; it begins five minutes ago, as certificates do.
    /// - Parameters:
    ///   - revoked: Serial numbers, as `Certificate.serial` writes them, and when each was revoked.
    ///   - number: Higher than that of the list before.
    ///   - nextUpdate: At most 30 days ahead.
    /// - Throws: `bad-crl`, `expired`, `cannot-sign`.
    package func issueCRL(
        revoked: [(serial: String, at: Instant)], number: Int64, now: Instant, nextUpdate: Instant
    ) throws(TrustError) -> CertificateRevocationList {
        try demandValid(at: now)
        guard number >= 0, nextUpdate > now, nextUpdate <= now + .days(30) else {
            throw TrustError("bad-crl", "a revocation list with number \(number) until \(nextUpdate) is not issued")
        }
        guard let crl = X509_CRL_new() else { throw TrustError.openSSL("bad-crl", "cannot make a revocation list") }
        defer { X509_CRL_free(crl) }
        func demand(_ result: Int32, _ what: String) throws(TrustError) {
            guard result == 1 else { throw TrustError.openSSL("bad-crl", "cannot set \(what) of a revocation list") }
        }
        try demand(X509_CRL_set_version(crl, 1), "the version")
        try demand(X509_CRL_set_issuer_name(crl, X509_get_subject_name(try certificate.handle)), "the issuer")
        let start = ASN1_TIME_set(nil, Int((now - Self.backdating).milliseconds / 1000))
        let end = ASN1_TIME_set(nil, Int(nextUpdate.milliseconds / 1000))
        defer {
            ASN1_TIME_free(start)
            ASN1_TIME_free(end)
        }
        try demand(X509_CRL_set1_lastUpdate(crl, start), "the start")
        try demand(X509_CRL_set1_nextUpdate(crl, end), "the end")
        for (serial, at) in revoked { try Self.add(serial, at, to: crl, now: now) }
        try demand(X509_CRL_sort(crl), "the order")

        let crlNumber = ASN1_INTEGER_new()
        let identifier = AUTHORITY_KEYID_new()
        defer {
            ASN1_INTEGER_free(crlNumber)
            AUTHORITY_KEYID_free(identifier)
        }
        try demand(ASN1_INTEGER_set_int64(crlNumber, number), "the number")
        try demand(X509_CRL_add1_ext_i2d(crl, NID_crl_number, crlNumber, 0, 0), "the number")
        let keyID = certificate.subjectKeyID ?? []
        identifier?.pointee.keyid = ASN1_OCTET_STRING_new()
        try demand(ASN1_OCTET_STRING_set(identifier?.pointee.keyid, keyID, Int32(keyID.count)), "the issuer's key")
        try demand(X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, identifier, 0, 0), "the issuer's key")

        guard X509_CRL_sign(crl, key.handle, EVP_sha256()) > 0 else {
            throw TrustError.openSSL("cannot-sign", "cannot sign the list of \(backticked(certificate.subject))")
        }
        // Read and judged from its bytes like anybody else's, before it leaves.
        let list = try CertificateRevocationList(der: derBytes("a revocation list") { i2d_X509_CRL(crl, $0) })
        try list.verify(issuer: certificate, now: now)
        return list
    }

    private static func add(
        _ serial: String, _ at: Instant, to crl: OpaquePointer, now: Instant
    ) throws(TrustError) {
        guard let bytes = Hex.decode(serial), (1...20).contains(bytes.count), bytes[0] != 0, at <= now else {
            throw TrustError("bad-crl", "\(backticked(serial)), revoked at \(at), cannot stand in a revocation list")
        }
        let number = BN_bin2bn(bytes, Int32(bytes.count), nil)
        let integer = BN_to_ASN1_INTEGER(number, nil)
        let date = ASN1_TIME_set(nil, Int(at.milliseconds / 1000))
        defer {
            BN_free(number)
            ASN1_INTEGER_free(integer)
            ASN1_TIME_free(date)
        }
        guard let entry = X509_REVOKED_new(), X509_REVOKED_set_serialNumber(entry, integer) == 1,
            X509_REVOKED_set_revocationDate(entry, date) == 1, X509_CRL_add0_revoked(crl, entry) == 1
        else { throw TrustError.openSSL("bad-crl", "cannot put \(backticked(serial)) into a revocation list") }
    }
}
