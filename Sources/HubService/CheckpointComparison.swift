import Logging
import Model
import Storage
import Trust

/// Holds checkpoints that spokes and people hand over against this ledger. Two signed ones that no one ledger explains are
/// an alarm: logged, kept with both notes as evidence, shown by `nave status`.
package struct CheckpointComparison: Sendable {
    /// This ledger's newest checkpoint, and what leads to it from the one that was handed over.
    package struct Answer: Hashable, Sendable {
        package var note: String
        package var consistency: ConsistencyProof?
        /// Of the note that was handed over, believed or not; nil where there was none of this ledger.
        package var size: Int64?
        /// What contradicts: `checkpoint-older`, `split-view` or `fork`; nil when all is well.
        package var contradiction: String?
    }

    private let ledger: HubLedger
    private let usage: UsageStore
    private let chain: ManifestChainBox
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(
        ledger: HubLedger, usage: UsageStore, chain: ManifestChainBox, now: @escaping @Sendable () -> Instant,
        log: Logger
    ) {
        self.ledger = ledger
        self.usage = usage
        self.chain = chain
        self.now = now
        self.log = log
    }

    /// - Parameters:
    ///   - note: What was handed over; nil for nothing.
    ///   - source: Who did: a SPIFFE ID, or `spoke ZONE/NAME`.
    package func compare(_ note: String?, from source: String) async -> Answer {
        // Taken after the note came: whatever this ledger ever showed to anybody is not newer.
        let newest = ledger.snapshot
        var answer = Answer(note: newest.checkpoint)
        do {
            let ours = try Checkpoint(claimedBy: newest.checkpoint)
            // Of another epoch: what that one had beyond this one's start was given up, by the manifest.
            guard let note, let seen = claimed(by: note, source), seen.origin == ours.origin else {
                // Who has seen nothing of this epoch can still hold it against its beginning.
                if let start = chain.current.newest.start {
                    answer.consistency = try await proof(from: start.size, newest)
                }
                return answer
            }
            answer.size = seen.size
            let isSigned = (try? chain.current.verifyCheckpoint(note)) != nil
            var proof: [[UInt8]] = []
            if seen.size <= ours.size {
                let made = try await self.proof(from: seen.size, newest)
                answer.consistency = made
                proof = try ProofText.decode(made.path)
            }
            guard isSigned else {
                log.warning(
                    "a checkpoint that was handed over is not signed by our keys", metadata: ["by": "\(source)"])
                return answer
            }
            do throws(TrustError) {
                try seen.demandExtended(by: ours, proof: proof)
            } catch {
                answer.contradiction = error.code
                await raise(error, note, newest.checkpoint, source)
            }
        } catch {
            log.warning("a checkpoint cannot be compared", error: error, metadata: ["by": "\(source)"])
        }
        return answer
    }

    private func claimed(by note: String, _ source: String) -> Checkpoint? {
        do { return try Checkpoint(claimedBy: note) } catch {
            log.warning("a checkpoint cannot be compared", error: error, metadata: ["by": "\(source)"])
            return nil
        }
    }

    private func proof(from size: Int64, _ newest: Snapshot) async throws -> ConsistencyProof {
        ConsistencyProof(
            size: size,
            path: ProofText.encode(try await ledger.proofs.consistencyProof(first: size, second: newest.size)))
    }

    private func raise(_ problem: TrustError, _ seen: String, _ ours: String, _ source: String) async {
        log.error(
            "alarm: a checkpoint was handed over that this ledger does not explain",
            metadata: ["by": "\(source)", "code": "\(problem.code)", "problem": "\(problem.message)"])
        do {
            _ = try await usage.keep(
                LedgerContradiction(
                    at: now(), source: source, code: problem.code, problem: problem.message, seen: seen, ours: ours))
        } catch {
            log.error("the evidence cannot be kept", error: error, metadata: ["by": "\(source)"])
        }
    }
}
