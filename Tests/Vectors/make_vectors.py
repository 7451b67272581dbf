#!/usr/bin/env python3
"""Writes the vectors of this folder from fixed seeds, with the standard library and `cryptography` only.

Run it to add a case, then explain each line of the diff: programs in the field already read the old bytes.
Ed25519 signatures are deterministic, so all files come out the same. The root certificates are kept as PEM beside them.
"""
import base64
import copy
import hashlib
import json
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = pathlib.Path(__file__).parent
NOW = "2026-11-21T12:00:00.000Z"
BUNDLE = "application/vnd.nave.policy-bundle.v1+json"
LEASE = "application/vnd.nave.lease.v1+json"
MANIFEST = "application/vnd.nave.trust-manifest.v1+json"
ORIGIN = "corp.example/nave/1"
NEXT = "corp.example/nave/2"


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sha256(data):
    return hashlib.sha256(data).digest()


def digest_text(data):
    return "sha256:" + sha256(data).hex()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Key:
    """An Ed25519 key whose seed is the SHA-256 of its name."""

    def __init__(self, name):
        self.name = name
        self.seed = sha256(("nave vector " + name).encode())
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)
        raw, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.public = self.private.public_key().public_bytes(raw, form)
        spki = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.id = digest_text(spki)

    def described(self):
        return {"seed": self.seed.hex(), "public": b64(self.public), "keyid": self.id}


A, B, C, D = (Key(name) for name in "abcd")
KEYS = {key.name: key.described() for key in (A, B, C, D)}


def pae(payload_type, payload):
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(payload, payload_type, *keys, signed_type=None):
    covered = pae(signed_type or payload_type, payload)
    return {
        "payloadType": payload_type,
        "payload": b64(payload),
        "signatures": [{"keyid": key.id, "sig": b64(key.private.sign(covered))} for key in keys],
    }


def changed(value, change):
    value = copy.deepcopy(value)
    change(value)
    return value


def write(name, about, **content):
    text = json.dumps({"about": about, **content}, indent=2, ensure_ascii=False) + "\n"
    (HERE / f"{name}.json").write_text(text)


def case(name, code=None, **content):
    return {"name": name, "code": code, **content}


def dsse():
    kind, payload = "application/vnd.nave.test+json", b'{"a":1}'
    good = envelope(payload, kind, A)
    two = envelope(payload, kind, A, B)

    def row(name, code, value, trusted=(A,), threshold=1, expected=kind):
        ids = trusted if isinstance(trusted, dict) else {key.id: b64(key.public) for key in trusted}
        result = {} if code else {"result": b64(payload)}
        return case(name, code, envelope=value, payloadType=expected, trusted=ids, threshold=threshold, **result)

    def payload_of(text):
        return lambda value: value.update(payload=text)

    cases = [
        row("one signature", None, good),
        row("two of two", None, two, (A, B), 2),
        row("two of three", None, two, (A, B, C), 2),
        row("a signature of an unknown key is skipped", None, two, (B,)),
        row("a damaged signature of an unknown key is skipped", None,
            changed(two, lambda value: value["signatures"][1].update(sig="AAAA")), (A,)),
        row("another payload", "bad-signature", changed(good, payload_of(b64(b'{"a":2}')))),
        row("another type in the envelope", "bad-signature", envelope(payload, kind, A, signed_type=kind + "2")),
        row("another type than expected", "wrong-payload-type", good, expected=kind + "2"),
        row("the key id of another key", "bad-signature",
            changed(good, lambda value: value["signatures"][0].update(keyid=B.id)), (A, B)),
        row("one good and one damaged signature of known keys", "bad-signature",
            changed(two, lambda value: value["signatures"][1].update(sig=b64(bytes(64)))), (A, B)),
        row("a signature of 63 bytes", "bad-signature",
            changed(good, lambda value: value["signatures"][0].update(sig=b64(bytes(63))))),
        row("only unknown keys", "below-threshold", good, (B,)),
        row("one of two", "below-threshold", good, (A, B), 2),
        row("one key signs twice", "below-threshold", envelope(payload, kind, A, A), (A, B), 2),
        row("one key under two ids", "below-threshold",
            changed(two, lambda value: value["signatures"][1].update(
                keyid="other", sig=value["signatures"][0]["sig"])),
            {A.id: b64(A.public), "other": b64(A.public)}, 2),
        row("threshold 0", "bad-threshold", good, threshold=0),
        row("no signatures", "bad-envelope", changed(good, lambda value: value.update(signatures=[]))),
        row("65 signatures", "bad-envelope", envelope(payload, kind, *[A] * 65)),
        row("a payload without padding", "bad-envelope", changed(good, payload_of(b64(payload).rstrip("=")))),
        row("a payload in the URL alphabet", "bad-envelope",
            changed(envelope(b"\xff\xff\xff", kind, A), payload_of("____"))),
        row("an unknown member", "bad-envelope", changed(good, lambda value: value.update(x=1))),
        row("no key id", "bad-envelope", changed(good, lambda value: value["signatures"][0].pop("keyid"))),
    ]
    encodings = [
        {"payloadType": kind, "payload": b64(data), "bytes": b64(pae(kind, data))}
        for kind, data in [
            ("http://example.com/HelloWorld", b"hello world"), ("é", b""), ("a b", b"DSSEv1 1 a 0 "), ("", b"\x00\xff")]
    ]
    write("dsse", "Envelopes (DSSE v1): pre-authentication encoding, then verification with a threshold.",
          keys=KEYS, encodings=encodings, cases=cases)


def note_key_id(name, key):
    return sha256(name.encode() + b"\n\x01" + key.public)[:4]


def verifier_key(name, key):
    return f"{name}+{note_key_id(name, key).hex()}+{b64(bytes([1]) + key.public)}"


def note(text, *signers):
    lines = [
        f"— {name} {b64(note_key_id(name, key) + key.private.sign(text.encode()))}\n" for name, key in signers]
    return text + "\n" + "".join(lines)


def checkpoints():
    root = sha256(b"root")
    text = f"{ORIGIN}\n42\n{b64(root)}\n"
    good = note(text, (ORIGIN, A))

    def row(name, code, value, keys=(A,), threshold=1, **result):
        if code is None:
            result = {"size": 42, "root": root.hex(), **result}
        return case(name, code, note=value, origin=ORIGIN, verifierKeys=[verifier_key(ORIGIN, key) for key in keys],
                    threshold=threshold, **result)

    def signed(changed_text):
        return note(changed_text, (ORIGIN, A))

    cases = [
        row("one signature", None, good),
        row("two of two", None, note(text, (ORIGIN, A), (ORIGIN, B)), (A, B), 2),
        row("a witness that nobody knows", None, note(text, ("witness.example", D), (ORIGIN, A))),
        row("an empty ledger", None, signed(f"{ORIGIN}\n0\n{b64(sha256(b''))}\n"), size=0, root=sha256(b"").hex()),
        row("another size", "bad-signature", good.replace("\n42\n", "\n43\n")),
        row("another root", "bad-signature", good.replace(b64(root), b64(sha256(b"other")))),
        row("only a foreign signature", "below-threshold", note(text, (ORIGIN, D))),
        row("the right key under another name", "below-threshold", note(text, ("witness.example", A))),
        row("one of two", "below-threshold", good, (A, B), 2),
        row("one key signs twice", "below-threshold", note(text, (ORIGIN, A), (ORIGIN, A)), (A, B), 2),
        row("threshold 0", "bad-threshold", good, threshold=0),
        row("another ledger", "foreign-origin", signed(text.replace("/nave/1", "/nave/2"))),
        row("an extension line", "bad-checkpoint", signed(text + "extension\n")),
        row("a size with a zero before it", "bad-checkpoint", signed(text.replace("\n42\n", "\n042\n"))),
        row("a negative size", "bad-checkpoint", signed(text.replace("\n42\n", "\n-1\n"))),
        row("a root of 31 bytes", "bad-checkpoint", signed(text.replace(b64(root), b64(root[:31])))),
        row("no blank line", "bad-note", good.replace("\n\n", "\n")),
        row("carriage returns", "bad-note", good.replace("\n", "\r\n")),
        row("a hyphen for the dash", "bad-note", good.replace("— ", "- ")),
        row("no line end", "bad-note", good[:-1]),
        row("text after the signatures", "bad-note", good + "more\n"),
    ]
    write("checkpoint", "Signed notes (C2SP signed-note) that are checkpoints (C2SP tlog-checkpoint).",
          keys=KEYS, cases=cases)


def leaf_hash(entry):
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def split(count):
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def path(index, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return path(index, leaves[:k]) + [tree_root(leaves[k:])]
    return path(index - k, leaves[k:]) + [tree_root(leaves[:k])]


def slot(name, depth):
    return int.from_bytes(sha256(f"{depth} {name}".encode())[:8], "big") >> (64 - depth)


def slot_root(slots, level):
    """The root of a tree of 2^level slots, of which only some are not empty."""
    if not slots:
        empty = leaf_hash(b"")
        for _ in range(level):
            empty = node_hash(empty, empty)
        return empty
    if level == 0:
        return slots[0]
    half = 1 << (level - 1)
    return node_hash(slot_root({at: leaf for at, leaf in slots.items() if at < half}, level - 1),
                     slot_root({at - half: leaf for at, leaf in slots.items() if at >= half}, level - 1))


def slot_path(index, slots, level):
    if level == 0:
        return []
    half = 1 << (level - 1)
    low = {at: leaf for at, leaf in slots.items() if at < half}
    high = {at - half: leaf for at, leaf in slots.items() if at >= half}
    if index < half:
        return slot_path(index, low, level - 1) + [slot_root(high, level - 1)]
    return slot_path(index - half, high, level - 1) + [slot_root(low, level - 1)]


def subproof(size, leaves, whole):
    if size == len(leaves):
        return [] if whole else [tree_root(leaves)]
    k = split(len(leaves))
    if size <= k:
        return subproof(size, leaves[:k], whole) + [tree_root(leaves[k:])]
    return subproof(size - k, leaves[k:], False) + [tree_root(leaves[:k])]


def merkle():
    entries = [f"entry {number}".encode() for number in range(13)]
    leaves = [leaf_hash(entry) for entry in entries]
    roots = [tree_root(leaves[:size]) for size in range(len(leaves) + 1)]

    def inclusion(name, code, index, size, leaf=None, proof=None, root=None):
        known = path(index, leaves[:size]) if index < size else []
        return case(name, code, index=index, size=size, leafHash=(leaf or leaves[min(index, 12)]).hex(),
                    proof=[value.hex() for value in (known if proof is None else proof)],
                    root=(root or roots[size]).hex())

    def consistency(name, code, first, second, proof=None, first_root=None, second_root=None):
        known = subproof(first, leaves[:second], True) if 0 < first < second else []
        return case(name, code, first=first, second=second,
                    firstRoot=(first_root or roots[first]).hex(), secondRoot=(second_root or roots[second]).hex(),
                    proof=[value.hex() for value in (known if proof is None else proof)])

    seven = path(3, leaves[:7])
    four_to_seven = subproof(4, leaves[:7], True)
    six_to_eleven = subproof(6, leaves[:11], True)
    inclusions = [
        inclusion(f"leaf {index} of {size}", None, index, size)
        for size in (1, 2, 3, 7, 8, 13) for index in sorted({0, size // 2, size - 1})
    ] + [
        inclusion("another leaf", "bad-proof", 3, 7, leaf=leaves[4]),
        inclusion("another index", "bad-proof", 2, 7, leaf=leaves[3], proof=seven),
        inclusion("another size", "bad-proof", 6, 8, proof=path(6, leaves[:7]), root=roots[7]),
        inclusion("too short", "bad-proof", 3, 7, proof=seven[:-1]),
        inclusion("too long", "bad-proof", 3, 7, proof=seven + [leaves[0]]),
        inclusion("hashes exchanged", "bad-proof", 3, 7, proof=[seven[1], seven[0], seven[2]]),
        inclusion("another root", "bad-proof", 3, 7, root=roots[6]),
        inclusion("an index beyond the size", "bad-proof", 7, 7, proof=[]),
        inclusion("a hash of 31 bytes", "bad-proof", 3, 7, proof=[seven[0][:31]] + seven[1:]),
    ]
    consistencies = [
        consistency(f"{first} to {second}", None, first, second)
        for first, second in [(0, 0), (0, 5), (1, 1), (1, 2), (2, 3), (3, 7), (4, 7), (4, 8), (6, 8), (6, 11), (13, 13)]
    ] + [
        consistency("another first root", "bad-proof", 6, 11, first_root=roots[5]),
        consistency("another second root", "bad-proof", 6, 11, second_root=roots[12]),
        consistency("too short", "bad-proof", 6, 11, proof=six_to_eleven[:-1]),
        consistency("too long", "bad-proof", 6, 11, proof=six_to_eleven + [leaves[0]]),
        consistency("no proof", "bad-proof", 6, 11, proof=[]),
        consistency("the first tree's root before a proof from a power of two", "bad-proof", 4, 7,
                    proof=[roots[4]] + four_to_seven),
        consistency("a proof for equal sizes", "bad-proof", 6, 6, proof=[leaves[0]]),
        consistency("equal sizes, two roots", "bad-proof", 6, 6, first_root=roots[5]),
        consistency("it shrank", "bad-proof", 11, 6, proof=six_to_eleven),
    ]
    write("merkle", "The Merkle tree of RFC 9162: the root over the first n entries, inclusion and consistency proofs.",
          entries=[entry.decode() for entry in entries], roots=[root.hex() for root in roots],
          inclusion=inclusions, consistency=consistencies)


def bundle_payload():
    return {
        "v": 1, "organization": "corp.example", "origin": ORIGIN,
        "spoke": "spiffe://finance.corp.example/spoke/fin-1", "revision": 41,
        "domains": ["corp.example", "analytics.corp.example", "finance.corp.example"],
        "servers": [{
            "name": "finance/ledger", "classification": "confidential", "networks": ["10.20.0.0/16", "127.0.0.0/8"],
            "policy": {
                "responseHeaders": {"X-Frame-Options": "DENY"}, "removedRequestHeaders": ["cookie"],
                "rates": [{"requests": 100, "per": 60000, "burst": 20}], "concurrency": 32, "requestBody": 1048576,
                "responseBody": 16777216, "connectTimeout": 10000, "requestTimeout": 30000, "idleTimeout": 300000,
                "stale": {"after": 86400000, "then": "readOnly", "until": 259200000},
            },
        }],
        "rules": [
            {"id": "no-deletes", "effect": "deny", "capabilities": ["tool:delete_*"], "to": ["anyone"],
             "except": ["client:finance/housekeeping"]},
            {"id": "finance/analysts-read", "effect": "allow", "capabilities": ["tool:read_*"],
             "servers": ["finance/ledger"], "to": ["client:analytics/reporting-bot"],
             "when": {"readOnly": True, "networks": ["10.0.0.0/8"], "arguments": {"amount": "<= 1000"}},
             "until": "2027-03-31T00:00:00.000Z"},
        ],
        "masks": [{"id": "rv-1", "principal": "client:analytics/reporting-bot", "server": "finance/ledger",
                   "capabilities": ["tool:read_salaries"], "at": "1970-01-01T00:00:00.000Z", "cause": "revoked"}],
        "revokedSerials": ["41424344454647484142434445464748"],
        "revokedIdentities": [{"identity": "spiffe://analytics.corp.example/client/old-bot", "issuedBefore": NOW}],
    }


def delivery():
    payload = bundle_payload()
    good = canonical(payload)
    lease = {"v": 1, "spoke": payload["spoke"], "bundle": digest_text(good), "issued": NOW}

    def row(name, code, data, kind=BUNDLE, key=A, **more):
        data = data if isinstance(data, bytes) else canonical(data)
        if code is None:
            more["digest"] = digest_text(data)
        return case(name, code, payloadType=kind, payload=data.decode(),
                    envelope=more.pop("envelope", None) or envelope(data, kind, key), **more)

    def with_change(change):
        return changed(payload, change)

    spaced = json.dumps(payload, sort_keys=True, ensure_ascii=False).encode()
    unsorted = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    cases = [
        row("a bundle", None, good),
        row("a lease", None, lease, LEASE, B),
        row("an empty bundle", None, with_change(lambda value: value.update(
            servers=[], rules=[], masks=[], revokedSerials=[], revokedIdentities=[]))),
        row("a bundle with the key of an authority that retired", None, with_change(
            lambda value: value["revokedSerials"].append(digest_text(b"SubjectPublicKeyInfo of an authority")))),
        row("a bundle signed by the lease's key", "below-threshold", good, key=B),
        row("a lease in the place of a bundle", "wrong-payload-type", lease, BUNDLE,
            envelope=envelope(canonical(lease), LEASE, B)),
        row("a bundle signed as a lease", "bad-signature", good,
            envelope=envelope(good, BUNDLE, A, signed_type=LEASE)),
        row("a condition that is not known", "unknown-key",
            with_change(lambda value: value["rules"][1]["when"].update(moon="full"))),
        row("a member that is not known", "unknown-key", with_change(lambda value: value.update(extra=True))),
        row("an effect that is not known", "unknown-value",
            with_change(lambda value: value["rules"][0].update(effect="maybe"))),
        row("no revision", "missing-key", with_change(lambda value: value.pop("revision"))),
        row("a revision as text", "wrong-type", with_change(lambda value: value.update(revision="41"))),
        row("spaces", "not-canonical", spaced),
        row("members in another order", "not-canonical", unsorted),
        row("a member twice", "duplicate-key", good.replace(b'"v":1', b'"v":1,"v":1')),
        row("bytes after it", "bad-json", good + b"{}"),
        row("a lease with a member that is not known", "unknown-key", {**lease, "until": NOW}, LEASE, B),
        row("a lease with a time without milliseconds", "bad-time",
            {**lease, "issued": "2026-11-21T12:00:00Z"}, LEASE, B),
    ]
    write("delivery", "Payloads of bundles and leases in their envelopes: signature first, then strict and canonical.",
          keys=KEYS, roles={BUNDLE: [A.id], LEASE: [B.id]}, cases=cases)


def leaves():
    def salt(name):
        return sha256(("salt " + name).encode())

    def conceal(value, found, key=None):
        if isinstance(value, dict):
            return {name: conceal(member, found, name) for name, member in value.items()}
        if isinstance(value, list):
            return [conceal(member, found, key) for member in value]
        personal = key in ("why", "reason", "description", "purpose", "address")
        if isinstance(value, str) and (personal or value.startswith("user:") or "@" in value):
            salted = salt(value)
            commit = digest_text(salted + value.encode())
            found.append({"commit": commit, "salt": salted.hex(), "value": value})
            return {"commit": commit}
        return value

    hub = {"robot": "hub"}
    owner = {"requester": "spiffe://corp.example/user/u1"}
    entries = [
        ("the first entry of a ledger", {"v": 1, "type": "ledger.opened", "at": NOW, "by": hub, "body": {
            "organization": "corp.example", "epoch": 1, "origin": ORIGIN, "root": digest_text(b"root")}}),
        ("a certificate revoked, with a reason", {
            "v": 1, "type": "certificate.revoked", "at": NOW, "by": owner, "why": "lost laptop of Ana Müller",
            "body": {"serial": "41424344454647484142434445464748"}}),
        ("an invitation of a person, whose address is personal", {
            "v": 1, "type": "invitation.created", "at": NOW, "by": owner, "body": {
                "id": "iv-1", "kind": "user", "name": "u2", "secretHash": digest_text(b"secret"),
                "expires": "2026-11-28T12:00:00.000Z", "address": "ana@corp.example"}}),
        ("a grant of a person revoked", {
            "v": 1, "type": "grant.revoked", "at": NOW, "by": owner, "why": "moved to another team", "body": {
                "id": "rv-2", "principal": "user:ana@corp.example", "server": "finance/ledger",
                "capabilities": ["tool:*"], "cause": "revoked"}}),
        ("an address where none is expected, and free text in a list", {
            "v": 1, "type": "object.set", "at": NOW, "by": owner, "body": {
                "kind": "client", "name": "finance/housekeeping",
                "value": {"owner": "group:ops@corp.example", "purpose": "nightly clean-up",
                          "notes": ["ask erin@corp.example", "\u20ac 5 \u2028 \"quoted\" \\ / \t end"]}}}),
        ("the first entry of another epoch", {
            "v": 1, "type": "epoch.opened", "at": NOW, "by": {"robot": "epoch-open"}, "why": "disk of h1 was lost",
            "body": {"epoch": 2, "origin": NEXT, "size": 40, "root": digest_text(b"a tree")}}),
    ]
    cases = []
    for name, entry in entries:
        found = []
        leaf = canonical(conceal(entry, found))
        cases.append(case(name, leaf=leaf.decode(), leafHash=leaf_hash(leaf).hex(), disclosures=found, entry=entry))
    good = cases[1]
    wrong_salt = changed(good["disclosures"], lambda value: value[0].update(salt=salt("other").hex()))
    wrong_value = changed(good["disclosures"], lambda value: value[0].update(value="stolen laptop of Ana Müller"))
    rest = {key: good[key] for key in ("leaf", "leafHash")}
    cases += [
        case("another salt", "bad-commitment", **rest, disclosures=wrong_salt),
        case("another value", "bad-commitment", **rest, disclosures=wrong_value),
        case("another hash", "bad-leaf-hash", leaf=good["leaf"], leafHash=leaf_hash(b"").hex(), disclosures=[]),
        case("an entry's type that is not known", "unknown-entry", **(lambda leaf: {
            "leaf": leaf.decode(), "leafHash": leaf_hash(leaf).hex()})(
                canonical({**entries[0][1], "type": "ledger.closed"})), disclosures=[]),
        case("a version that is not known", "unknown-entry", **(lambda leaf: {
            "leaf": leaf.decode(), "leafHash": leaf_hash(leaf).hex()})(
                canonical({**entries[0][1], "v": 2})), disclosures=[]),
        case("members in another order", "not-canonical", **(lambda leaf: {
            "leaf": leaf.decode(), "leafHash": leaf_hash(leaf).hex()})(
                json.dumps(entries[0][1], separators=(",", ":")).encode()), disclosures=[]),
    ]
    write("leaf", "Ledger entries as leaves: canonical bytes, leaf hash, and commitments in the place of personal values.",
          cases=cases)


def publications():
    spokes = ["analytics.corp.example/spoke/ana-1", "finance.corp.example/spoke/fin-1",
              "finance.corp.example/spoke/fin-2"]
    bundles = [{"digest": digest_text(name.encode()), "spoke": "spiffe://" + name} for name in spokes]
    # Each bundle lies in the slot of its spoke; all others are empty.
    depth = 32
    slots = {slot(bundle["spoke"], depth): leaf_hash(canonical(bundle)) for bundle in bundles}
    body = {"revision": 41, "root": "sha256:" + slot_root(slots, depth).hex(), "count": 1 << depth}
    entry = canonical({"v": 1, "type": "bundles.published", "at": NOW, "by": {"robot": "hub"}, "body": body})

    def row(name, code, index, entry=entry, bundle=None, proof=None, at=None, slots=slots):
        at = slot(bundles[index]["spoke"], depth) if at is None else at
        return case(name, code, entry=entry.decode(), bundle=bundle or bundles[index],
                    leaf={"index": at, "path": [b64(value) for value in proof or slot_path(at, slots, depth)]})

    # A publication that holds a second bundle for a spoke, elsewhere, and one of an older kind.
    elsewhere = {**slots, 7: leaf_hash(canonical(other := {**bundles[1], "digest": digest_text(b"never logged")}))}
    twice = canonical({"v": 1, "type": "bundles.published", "at": NOW, "by": {"robot": "hub"}, "body": {
        **body, "root": "sha256:" + slot_root(elsewhere, depth).hex()}})
    listed = [leaf_hash(canonical(bundle)) for bundle in bundles]
    listing = canonical({"v": 1, "type": "bundles.published", "at": NOW, "by": {"robot": "hub"}, "body": {
        "revision": 41, "root": "sha256:" + tree_root(listed).hex(), "count": 3}})

    cases = [row(f"bundle {index} of 3", None, index) for index in range(3)] + [
        row("a bundle that was never published", "not-published", 1, bundle=other),
        row("another spoke's bundle", "not-published", 1, bundle={**bundles[1], "spoke": bundles[2]["spoke"]}),
        row("a forged path", "not-published", 1, proof=[sha256(b"")] * depth),
        row("another index", "not-published", 0, bundle=bundles[1]),
        row("one of two bundles for a spoke, in its slot", None, 1, entry=twice, slots=elsewhere),
        row("one of two bundles for a spoke, in another slot", "not-published", 1, entry=twice, bundle=other, at=7,
            slots=elsewhere),
        row("a tree that is none of slots", "not-published", 1, entry=listing, at=1, proof=path(1, listed)),
        row("an entry that is no publication", "not-published", 1,
            entry=canonical({"v": 1, "type": "certificate.revoked", "at": NOW, "by": {"robot": "hub"},
                             "body": {"serial": "41424344454647484142434445464748"}})),
    ]
    write("publication", "Entries `bundles.published`, and the way from a bundle's digest to the root in one.",
          cases=cases)


def join_tokens():
    secret = b64url(sha256(b"secret"))
    spoke = {"v": 1, "hub": "h1.hub.corp.example", "address": "203.0.113.7:8444", "root": digest_text(b"root"),
             "zone": "finance", "name": "fin-1", "kind": "spoke", "secret": secret}
    user = {key: value for key, value in spoke.items() if key != "zone"} | {"name": "u1", "kind": "user"}

    def token(body):
        return "nave-join:" + b64url(body if isinstance(body, bytes) else canonical(body))

    def good(name, body, text=None):
        return case(name, token=text or token(body), body=body, secretHash=digest_text(body["secret"].encode()))

    def bad(name, value):
        return case(name, "bad-join-token", token=value if isinstance(value, str) else token(value))

    cases = [
        good("a spoke", spoke),
        good("a client", {**spoke, "kind": "client", "name": "housekeeping", "address": "[2001:db8::7]:8444"}),
        good("a user", user),
        good("space and a line end around it", spoke, f"  {token(spoke)}\r\n"),
        bad("another prefix", token(spoke).replace("nave-join:", "nave-token:")),
        bad("with padding", token(spoke) + "="),
        bad("cut", token(spoke)[:-3]),
        bad("members in another order", "nave-join:" + b64url(json.dumps(spoke, separators=(",", ":")).encode())),
        bad("a member that is not known", {**spoke, "x": 1}),
        bad("another version", {**spoke, "v": 2}),
        bad("no zone", {key: value for key, value in spoke.items() if key != "zone"}),
        bad("a user with a zone", {**user, "zone": "finance"}),
        bad("a kind that is not known", {**spoke, "kind": "hub"}),
        bad("a secret of 31 bytes", {**spoke, "secret": b64url(bytes(31))}),
        bad("a pin that is not a digest", {**spoke, "root": "sha256:00"}),
        bad("no port", {**spoke, "address": "203.0.113.7"}),
        bad("port 0", {**spoke, "address": "203.0.113.7:0"}),
        bad("a hub that is not a host name", {**spoke, "hub": "H1"}),
        bad("empty", ""),
    ]
    write("join-token", "Join tokens: one line, canonical JSON in base64url, the hub's root pinned.", cases=cases)


def manifests():
    root = (HERE / "root.pem").read_text()
    other_root = (HERE / "other-root.pem").read_text()

    def pin(pem):
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        return digest_text(key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))

    def manifest(version, signers=(A,), threshold=1, others=(C,), **change):
        keys = {key.id: {"algorithm": "ed25519", "public": b64(key.public)} for key in (*signers, *others)}
        single = {"keys": [others[0].id], "threshold": 1}
        return {
            "v": 1, "version": version, "expires": f"202{6 + version}-11-21T12:00:00.000Z",
            "organization": "corp.example", "origin": ORIGIN, "roots": [root],
            "roles": {"manifest": {"keys": [key.id for key in signers], "threshold": threshold},
                      "bundle": single, "lease": single, "checkpoint": single},
            "keys": keys, **change,
        }

    def signed(body, *keys):
        return envelope(body if isinstance(body, bytes) else canonical(body), MANIFEST, *keys)

    first = signed(manifest(1), A)
    second_body = manifest(2, (A, B, D), 2)
    second = signed(second_body, A, B)
    third = signed(manifest(3, (B, D), 2, (A,)), B, D)

    start = {"size": 40, "root": digest_text(b"a tree")}

    def in_epoch(version, start, origin=NEXT):
        return manifest(version, origin=origin, start=start)

    epoch = signed(in_epoch(2, start), A)

    def row(name, code, *envelopes, now=NOW, pinned=root, version=None):
        return case(name, code, pin=pin(pinned), now=now, envelopes=list(envelopes),
                    **({} if code else {"version": version}))

    cases = [
        row("the first", None, first, version=1),
        row("one threshold to another", None, first, second, version=2),
        row("a chain of three, one key leaves", None, first, second, third, version=3),
        row("a chain whose middle has expired", None, first, second, third, now="2029-01-01T00:00:00.000Z", version=3),
        row("another pinned root", "unknown-root", first, pinned=other_root),
        row("a newcomer begins with a later version", None, signed(manifest(2), A), version=2),
        row("the first is not signed by its own keys", "below-threshold", signed(manifest(1), B)),
        row("a version is left out", "below-threshold", first, third),
        row("a version is left out, all keys sign", "not-next-manifest", first, signed(manifest(3), A)),
        row("back to an older version", "not-next-manifest", first, second,
            signed(manifest(1, (A, B, D), 2), A, B)),
        row("the same version again", "not-next-manifest", first, second, second),
        row("signed by the new keys only", "below-threshold", first, signed(manifest(2, (B, D), 2), B, D)),
        row("signed by the old keys only", "below-threshold", first, signed(manifest(2, (B, D), 2), A)),
        row("one key counts once", "below-threshold", first, signed(second_body, A, A)),
        row("one key under two ids", "bad-manifest", first, signed(changed(second_body, lambda value: (
            value["keys"].update({"other": value["keys"][A.id]}),
            value["roles"]["manifest"]["keys"].append("other"))), A, B)),
        row("another organization", "other-organization", first, signed(manifest(2, organization="other.example"), A)),
        row("the last has expired", "expired", first, second, now="2028-11-21T12:00:00.000Z"),
        row("a millisecond before the end", None, first, second, now="2028-11-21T11:59:59.999Z", version=2),
        row("threshold 0", "bad-manifest", signed(manifest(1, threshold=0), A)),
        row("a threshold over the number of keys", "bad-manifest", signed(manifest(1, threshold=2), A)),
        row("a role names a key twice", "bad-manifest", signed(changed(manifest(1), lambda value: value["roles"][
            "manifest"]["keys"].append(A.id)), A)),
        row("an algorithm that is not known", "bad-manifest", signed(changed(manifest(1), lambda value: value["keys"][
            A.id].update(algorithm="rsa")), A)),
        row("a member that is not known", "bad-manifest", signed(manifest(1, extra=1), A)),
        row("members in another order", "bad-manifest",
            signed(json.dumps(manifest(1), separators=(",", ":")).encode(), A)),
        row("a root that is not one", "bad-manifest", signed(manifest(1, roots=[
            (HERE / "leaf.pem").read_text()]), A)),
        row("no roots", "bad-manifest", signed(manifest(1, roots=[]), A)),
        row("another epoch", None, first, epoch, version=2),
        row("another epoch, and a version more of it", None, first, epoch, signed(in_epoch(3, start), A), version=3),
        row("an epoch that does not say where it begins", "no-start", first, signed(manifest(2, origin=NEXT), A)),
        row("an epoch is left out", "not-next-epoch", first, signed(in_epoch(2, start, "corp.example/nave/3"), A)),
        row("another ledger", "not-next-epoch", first, signed(in_epoch(2, start, "corp.example/other/2"), A)),
        row("back to the epoch before", "not-next-epoch", first, epoch, signed(manifest(3), A)),
        row("a start in the same epoch", "start-moved", first, signed(manifest(2, start=start), A)),
        row("the start is moved", "start-moved", first, epoch, signed(in_epoch(3, {**start, "size": 41}), A)),
        row("the start is forgotten", "start-moved", first, epoch, signed(manifest(3, origin=NEXT), A)),
        row("an epoch that goes on from nothing", "bad-manifest", first, signed(in_epoch(2, {**start, "size": 0}), A)),
        row("a start whose root is no digest", "bad-manifest", first, signed(in_epoch(2, {**start, "root": "0"}), A)),
        row("a start with a member that is not known", "bad-manifest", first, signed(in_epoch(2, {**start, "x": 1}), A)),
        row("the first has a start", "not-first-manifest", signed(manifest(1, start=start), A)),
        row("another payload", "bad-signature", changed(first, lambda value: value.update(
            payload=b64(canonical(manifest(1, origin="corp.example/nave/2")))))),
    ]
    write("manifest", "Trust manifests: the first by its pin, each next one by a threshold of the old and of the new keys.",
          keys=KEYS, cases=cases)


if __name__ == "__main__":
    dsse()
    checkpoints()
    merkle()
    delivery()
    leaves()
    publications()
    join_tokens()
    manifests()
