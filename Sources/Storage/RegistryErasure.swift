import GRDB
import Model
import Trust

/// Forgetting a person. Leaves hold commitments only; what opens them lies in `disclosures`, and names of people may stand
/// in frozen evidence.
extension Registry {
    /// Deletes every disclosure that names the person, and puts a pseudonym into frozen evidence, inside an append's
    /// closure: the entry and the deletion are one commit.
    ///
    /// A person whom the topology in force still names is not erased: a deny rule whose principal, exception or argument
    /// nobody can read any more would let pass what it was written to stop.
    /// - Parameter pseudonym: random; what stands in evidence in the address's place.
    /// - Returns: What the entry says; nil when nothing here names the person.
    /// - Throws: `still-named`.
    package func erase(_ address: PersonalAddress, pseudonym: String) throws -> PersonErased? {
        let naming = try objectsNaming(address)
        guard naming.isEmpty else {
            throw StorageError(
                "still-named", "the topology still names the person, in \(naming.joined(separator: ", "))",
                hint: "take the address out of the files, apply, and erase then: a rule must not change silently")
        }
        let identities = try identities(of: address)
        return try read {
            var commitments: [String] = []
            let rows = try Row.fetchCursor(db, sql: "SELECT commitment, value FROM disclosures ORDER BY commitment")
            while let row = try rows.next() {
                if address.occurs(in: row["value"] as String) { commitments.append(row["commitment"]) }
            }
            for commitment in commitments {
                try db.run("DELETE FROM disclosures WHERE commitment = ?", [commitment])
            }
            let redactions = try redactArtifacts(naming: address, by: pseudonym)
            guard !commitments.isEmpty || !redactions.isEmpty else { return nil }
            return PersonErased(
                identities: identities, disclosures: Int64(commitments.count),
                commitments: digestText(of: Array(commitments.map { "\($0)\n" }.joined().utf8)), artifacts: redactions)
        }
    }

    /// The identities that were invited by the address, sorted.
    package func identities(of address: PersonalAddress) throws -> [SPIFFEID] {
        guard let opened = try opened() else { return [] }
        let users = try addresses().filter { address.occurs(in: $0.value) }.keys.sorted()
        return try users.map { try SPIFFEID(trustDomain: opened.organization, path: ["user", $0]) }
    }

    /// Objects of the topology in force that name the person: `rule finance/analysts-read`.
    private func objectsNaming(_ address: PersonalAddress) throws -> [String] {
        try read {
            try Row.fetchAll(db, sql: "SELECT kind, name, value FROM objects ORDER BY kind, name").filter {
                address.occurs(in: try revealed($0["value"]))
            }.map { "\($0["kind"] as String) `\($0["name"] as String)`" }
        }
    }

    private func redactArtifacts(
        naming address: PersonalAddress, by pseudonym: String
    ) throws -> [PersonErased.Redaction] {
        var redactions: [PersonErased.Redaction] = []
        for digest in try String.fetchAll(db, sql: "SELECT digest FROM artifacts ORDER BY digest") {
            guard
                let bytes = try Blob.fetchOne(
                    db, sql: "SELECT bytes FROM artifacts WHERE digest = ?", arguments: [digest])?.bytes,
                let json = try? JSON(parsing: bytes), address.occurs(in: json)
            else { continue }
            try db.run("DELETE FROM artifacts WHERE digest = ?", [digest])
            redactions.append(
                PersonErased.Redaction(
                    from: digest, to: try keep(artifact: address.replaced(in: json, by: pseudonym).canonicalBytes)))
        }
        return redactions
    }

    /// What stands in the place of evidence that was redacted, perhaps more than once. Reads the whole ledger: only asked
    /// for evidence that is not there.
    func redaction(of digest: String) throws -> String? {
        let leaves = try Row.fetchCursor(
            db, sql: "SELECT bytes FROM ledger WHERE instr(bytes, CAST(? AS BLOB)) > 0 ORDER BY idx",
            arguments: ["\"type\":\"person.erased\""])
        var newest = digest
        while let row = try leaves.next() {
            guard case .personErased(let erased) = try Leaf(stored: (row["bytes"] as Blob).bytes).entry.event else {
                continue
            }
            newest = erased.artifacts.first { $0.from == newest }?.to ?? newest
        }
        return newest == digest ? nil : newest
    }
}
