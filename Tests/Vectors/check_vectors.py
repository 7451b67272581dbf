#!/usr/bin/env python3
"""Judges the vectors of this folder again with the standard library and `cryptography`: nothing of Nave's, and nothing of
`make_vectors.py`. Every case has to end with its code, or hold where it has none. Exit 1 and a line for each that does not.
"""
import base64
import binascii
import hashlib
import json
import pathlib
import re
import sys

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).parent
BUNDLE = "application/vnd.nave.policy-bundle.v1+json"
LEASE = "application/vnd.nave.lease.v1+json"
MANIFEST = "application/vnd.nave.trust-manifest.v1+json"


class Refused(Exception):
    """A judgement; its text is the code."""


def demand(condition, code):
    if not condition:
        raise Refused(code)


# --- texts and numbers -----------------------------------------------------------------------------------------------


def unbase64(text, code, url=False):
    """The one spelling: standard and padded, or URL and unpadded."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if url else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(code) from None
    again = base64.urlsafe_b64encode(data).rstrip(b"=") if url else base64.b64encode(data)
    demand(again.decode() == text, code)
    return data


def sha256(data):
    return hashlib.sha256(data).digest()


def digest_text(data):
    return "sha256:" + sha256(data).hex()


def canonical(value):
    """RFC 8785 for what our formats hold: integers, and names without characters above U+FFFF."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse(data):
    def pairs(items):
        names = [name for name, _ in items]
        demand(len(set(names)) == len(names), "duplicate-key")
        return dict(items)

    try:
        return json.loads(data.decode(), object_pairs_hook=pairs)
    except ValueError:
        raise Refused("bad-json") from None


# --- shapes ----------------------------------------------------------------------------------------------------------

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def optional(shape):
    return ("optional", shape)


def mapping(shape):
    return ("mapping", shape)


def time(value):
    demand(isinstance(value, str), "wrong-type")
    demand(TIME.fullmatch(value), "bad-time")


def serial_or_key(value):
    """The serial number of a certificate, or the digest of an authority's SubjectPublicKeyInfo."""
    demand(isinstance(value, str), "wrong-type")
    demand(re.fullmatch("([0-9a-f]{2}){8,20}|sha256:[0-9a-f]{64}", value), "unknown-value")


def one_of(*values):
    def check(value):
        demand(value in values, "unknown-value")
    return check


RULE = {
    "id": str, "effect": one_of("allow", "deny"), "capabilities": [str], "servers": optional([str]), "to": [str],
    "except": optional([str]), "from": optional(time), "until": optional(time), "reason": optional(str),
    "when": optional({"readOnly": optional(bool), "networks": optional([str]), "hours": optional(str),
                      "arguments": optional(mapping(str))}),
    "place": optional({"file": str, "line": int, "column": int}),
}
POLICY = {
    "responseHeaders": mapping(str), "removedRequestHeaders": [str],
    "rates": [{"requests": int, "per": int, "burst": optional(int)}], "concurrency": int, "requestBody": int,
    "responseBody": int, "connectTimeout": int, "requestTimeout": int, "idleTimeout": int,
    "stale": {"after": int, "then": one_of("readOnly", "deny"), "until": optional(int)},
}
SHAPES = {
    BUNDLE: {
        "v": int, "organization": str, "origin": str, "spoke": str, "revision": int, "domains": [str],
        "servers": [{"name": str, "classification": str, "networks": [str], "policy": POLICY}],
        "rules": [RULE],
        "masks": [{"id": str, "principal": str, "server": str, "capabilities": [str], "at": time,
                   "cause": one_of("revoked", "lapsed")}],
        "revokedSerials": [serial_or_key], "revokedIdentities": [{"identity": str, "issuedBefore": time}],
    },
    LEASE: {"v": int, "spoke": str, "bundle": str, "issued": time},
}
ROLE = {"keys": [str], "threshold": int}
SHAPES[MANIFEST] = {
    "v": int, "version": int, "expires": time, "organization": str, "origin": str, "roots": [str],
    "roles": {"manifest": ROLE, "bundle": ROLE, "lease": ROLE, "checkpoint": ROLE},
    "keys": mapping({"algorithm": str, "public": str}),
    "start": optional({"size": int, "root": str}),
}
ENVELOPE = {"payloadType": str, "payload": str, "signatures": [{"keyid": str, "sig": str}]}
TOKEN = {"v": int, "hub": str, "address": str, "root": str, "zone": optional(str), "name": str, "kind": str, "secret": str}


def check_shape(value, shape):
    if isinstance(shape, dict):
        demand(isinstance(value, dict), "wrong-type")
        for name, member in shape.items():
            is_optional = isinstance(member, tuple) and member[0] == "optional"
            demand(name in value or is_optional, "missing-key")
            if name in value:
                check_shape(value[name], member[1] if is_optional else member)
        demand(set(value) <= set(shape), "unknown-key")
    elif isinstance(shape, list):
        demand(isinstance(value, list), "wrong-type")
        for item in value:
            check_shape(item, shape[0])
    elif isinstance(shape, tuple):
        demand(isinstance(value, dict), "wrong-type")
        for item in value.values():
            check_shape(item, shape[1])
    elif isinstance(shape, type):
        demand(isinstance(value, shape) and (shape is bool or not isinstance(value, bool)), "wrong-type")
    else:
        shape(value)


def decode(data, shape):
    value = parse(data)
    check_shape(value, shape)
    demand(canonical(value) == data, "not-canonical")
    return value


# --- signatures ------------------------------------------------------------------------------------------------------


def key_id(raw):
    return digest_text(bytes.fromhex("302a300506032b6570032100") + raw)


def holds(raw, signature, covered):
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, covered)
        return True
    except InvalidSignature:
        return False


def pae(payload_type, payload):
    kind = payload_type.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


def verify_envelope(envelope, payload_type, keys, threshold):
    """keys: id -> 32 bytes. Returns the payload."""
    try:
        check_shape(envelope, ENVELOPE)
    except Refused:
        raise Refused("bad-envelope") from None
    demand(threshold >= 1, "bad-threshold")
    demand(envelope["payloadType"] == payload_type, "wrong-payload-type")
    payload = unbase64(envelope["payload"], "bad-envelope")
    demand(1 <= len(envelope["signatures"]) <= 64, "bad-envelope")
    signers = set()
    for signature in envelope["signatures"]:
        raw = keys.get(signature["keyid"])
        if raw is None:
            continue
        data = unbase64(signature["sig"], "bad-signature")
        demand(len(data) == 64 and holds(raw, data, pae(payload_type, payload)), "bad-signature")
        signers.add(raw)
    demand(len(signers) >= threshold, "below-threshold")
    return payload


def check_keys(vectors):
    keys = {}
    for key in vectors["keys"].values():
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key["seed"]))
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        assert base64.b64decode(key["public"]) == raw and key["keyid"] == key_id(raw)
        keys[key["keyid"]] = raw
    return keys


def judge_dsse(row, _):
    keys = {name: base64.b64decode(text) for name, text in row["trusted"].items()}
    payload = verify_envelope(row["envelope"], row["payloadType"], keys, row["threshold"])
    assert base64.b64encode(payload).decode() == row["result"]


# --- notes -----------------------------------------------------------------------------------------------------------


def read_verifier_key(text):
    name, given, encoded = text.split("+", 2)
    data = unbase64(encoded, "bad-note-key")
    demand(len(data) == 33 and data[0] == 1, "bad-note-key")
    identifier = sha256(name.encode() + b"\n" + data)[:4]
    demand(identifier.hex() == given, "bad-note-key")
    return name, identifier, data[1:]


def judge_checkpoint(row, _):
    keys = [read_verifier_key(text) for text in row["verifierKeys"]]
    note = row["note"]
    demand(note.endswith("\n") and "\n\n" in note, "bad-note")
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    demand(all(ord(character) >= 32 or character == "\n" for character in text), "bad-note")
    demand(signatures, "bad-note")
    read = []
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        demand(len(parts) == 3 and parts[0] == "—" and parts[1] and "+" not in parts[1], "bad-note")
        data = unbase64(parts[2], "bad-note")
        demand(len(data) > 4, "bad-note")
        read.append((parts[1], data[:4], data[4:]))
    demand(row["threshold"] >= 1, "bad-threshold")
    signers = set()
    for name, identifier, signature in read:
        for key_name, key_identifier, raw in keys:
            if (name, identifier) == (key_name, key_identifier):
                demand(holds(raw, signature, text.encode()), "bad-signature")
                signers.add(raw)
    demand(len(signers) >= row["threshold"], "below-threshold")
    lines = text.split("\n")
    demand(len(lines) == 4 and re.fullmatch(r"0|[1-9]\d*", lines[1]), "bad-checkpoint")
    root = unbase64(lines[2], "bad-checkpoint")
    demand(len(root) == 32, "bad-checkpoint")
    demand(lines[0] == row["origin"], "foreign-origin")
    assert int(lines[1]) == row["size"] and root.hex() == row["root"]


# --- the tree (RFC 9162, sections 2.1.1, 2.1.3.2 and 2.1.4.2) --------------------------------------------------------


def leaf_hash(entry):
    return sha256(b"\0" + entry)


def node_hash(left, right):
    return sha256(b"\1" + left + right)


def tree_root(leaves):
    level = list(leaves)
    if not level:
        return sha256(b"")
    while len(level) > 1:
        paired = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + (level[-1:] if len(level) % 2 else [])
    return level[0]


def judge_inclusion(row, _):
    index, size = row["index"], row["size"]
    proof = [bytes.fromhex(text) for text in row["proof"]]
    demand(0 <= index < size and all(len(value) == 32 for value in proof), "bad-proof")
    fn, sn, result = index, size - 1, bytes.fromhex(row["leafHash"])
    for value in proof:
        demand(sn != 0, "bad-proof")
        if fn & 1 or fn == sn:
            result = node_hash(value, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, value)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and result.hex() == row["root"], "bad-proof")


def judge_consistency(row, _):
    first, second = row["first"], row["second"]
    first_root, second_root = bytes.fromhex(row["firstRoot"]), bytes.fromhex(row["secondRoot"])
    proof = [bytes.fromhex(text) for text in row["proof"]]
    demand(0 <= first <= second and all(len(value) == 32 for value in proof), "bad-proof")
    if first in (0, second):
        demand(not proof and first_root == (second_root if first else sha256(b"")), "bad-proof")
        return
    if first & (first - 1) == 0:
        proof.insert(0, first_root)
    demand(proof, "bad-proof")
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = proof[0]
    for value in proof[1:]:
        demand(sn != 0, "bad-proof")
        if fn & 1 or fn == sn:
            old, new = node_hash(value, old), node_hash(value, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, value)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and old == first_root and new == second_root, "bad-proof")


# --- payloads, leaves, tokens, manifests -----------------------------------------------------------------------------


def judge_delivery(row, vectors):
    trusted = {name: raw for name, raw in check_keys(vectors).items() if name in vectors["roles"][row["payloadType"]]}
    payload = verify_envelope(row["envelope"], row["payloadType"], trusted, 1)
    decode(payload, SHAPES[row["payloadType"]])
    assert payload.decode() == row["payload"] and digest_text(payload) == row["digest"]


TYPES = {"ledger.opened", "certificate.revoked", "invitation.created", "grant.revoked", "object.set",
         "epoch.opened"}


def revealed(value, values):
    if isinstance(value, dict):
        if set(value) == {"commit"}:
            return values[value["commit"]]
        return {name: revealed(member, values) for name, member in value.items()}
    if isinstance(value, list):
        return [revealed(member, values) for member in value]
    return value


def judge_leaf(row, _):
    data = row["leaf"].encode()
    demand(leaf_hash(data).hex() == row["leafHash"], "bad-leaf-hash")
    leaf = parse(data)
    demand(canonical(leaf) == data, "not-canonical")
    demand(leaf.get("v") == 1 and leaf.get("type") in TYPES, "unknown-entry")
    values = {}
    for item in row["disclosures"]:
        salt = bytes.fromhex(item["salt"])
        demand(len(salt) == 32 and digest_text(salt + item["value"].encode()) == item["commit"], "bad-commitment")
        values[item["commit"]] = item["value"]
    assert revealed(leaf, values) == row["entry"]


def judge_publication(row, _):
    entry = parse(row["entry"].encode())
    demand(entry["v"] == 1 and entry["type"] == "bundles.published", "not-published")
    count = entry["body"]["count"]
    depth = count.bit_length() - 1
    demand(count == 1 << depth and 32 <= depth <= 52, "not-published")
    slot = int.from_bytes(sha256(f"{depth} {row['bundle']['spoke']}".encode())[:8], "big") >> (64 - depth)
    demand(row["leaf"]["index"] == slot, "not-published")
    proof = [unbase64(text, "bad-proof") for text in row["leaf"]["path"]]
    try:
        judge_inclusion({"index": row["leaf"]["index"], "size": entry["body"]["count"],
                         "leafHash": leaf_hash(canonical(row["bundle"])).hex(), "proof": [value.hex() for value in proof],
                         "root": entry["body"]["root"].removeprefix("sha256:")}, None)
    except Refused:
        raise Refused("not-published") from None


LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def judge_token(row, _):
    text = row["token"].strip()
    code = "bad-join-token"
    demand(text.startswith("nave-join:") and len(text) <= 4096, code)
    try:
        body = decode(unbase64(text[len("nave-join:"):], code, url=True), TOKEN)
    except Refused:
        raise Refused(code) from None
    demand(body["v"] == 1 and re.fullmatch(r"sha256:[0-9a-f]{64}", body["root"]), code)
    demand(all(LABEL.fullmatch(label) for label in body["hub"].split(".")) and "." in body["hub"], code)
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+):([1-9]\d{0,4})", body["address"])
    demand(found and int(found[2]) <= 65535, code)
    demand(LABEL.fullmatch(body["name"]) and body["kind"] in ("spoke", "client", "user"), code)
    demand(("zone" in body) == (body["kind"] != "user"), code)
    demand(len(unbase64(body["secret"], code, url=True)) == 32, code)
    assert body == row["body"] and digest_text(body["secret"].encode()) == row["secretHash"]


def root_pin(pem):
    certificate = x509.load_pem_x509_certificate(pem.encode())
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    demand(constraints.ca and certificate.issuer == certificate.subject, "bad-manifest")
    try:
        certificate.public_key().verify(
            certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(certificate.signature_hash_algorithm))
    except InvalidSignature:
        raise Refused("bad-manifest") from None
    return digest_text(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def read_manifest(payload):
    code = "bad-manifest"
    try:
        manifest = decode(payload, SHAPES[MANIFEST])
    except Refused:
        raise Refused(code) from None
    demand(manifest["v"] == 1 and manifest["version"] >= 1, code)
    demand(1 <= len(manifest["roots"]) <= 32 and 1 <= len(manifest["keys"]) <= 64, code)
    manifest["pins"] = [root_pin(pem) for pem in manifest["roots"]]
    if "start" in manifest:
        demand(manifest["start"]["size"] > 0 and re.fullmatch("sha256:[0-9a-f]{64}", manifest["start"]["root"]), code)
    for name, key in manifest["keys"].items():
        raw = unbase64(key["public"], code)
        demand(key["algorithm"] == "ed25519" and len(raw) == 32 and key_id(raw) == name, code)
    for role in manifest["roles"].values():
        demand(len(set(role["keys"])) == len(role["keys"]) and set(role["keys"]) <= set(manifest["keys"]), code)
        demand(1 <= role["threshold"] <= len(role["keys"]), code)
    return manifest


def verify_manifest(envelope, manifest):
    role = manifest["roles"]["manifest"]
    keys = {name: base64.b64decode(manifest["keys"][name]["public"]) for name in role["keys"]}
    return verify_envelope(envelope, MANIFEST, keys, role["threshold"])


def next_origin(manifest):
    prefix, _, epoch = manifest["origin"].rpartition("/")
    demand(prefix == manifest["organization"] + "/nave" and re.fullmatch("[1-9][0-9]*", epoch), "not-next-epoch")
    return f"{prefix}/{int(epoch) + 1}"


def judge_manifest(row, _):
    first, *rest = row["envelopes"]
    manifest = read_manifest(unbase64(first["payload"], "bad-envelope"))
    verify_manifest(first, manifest)
    demand(manifest["version"] > 1 or "start" not in manifest, "not-first-manifest")
    demand(row["pin"] in manifest["pins"], "unknown-root")
    for envelope in rest:
        following = read_manifest(verify_manifest(envelope, manifest))
        verify_manifest(envelope, following)
        demand(following["version"] == manifest["version"] + 1, "not-next-manifest")
        demand(following["organization"] == manifest["organization"], "other-organization")
        if following["origin"] == manifest["origin"]:
            demand(following.get("start") == manifest.get("start"), "start-moved")
        else:
            demand(following["origin"] == next_origin(manifest), "not-next-epoch")
            demand("start" in following, "no-start")
        manifest = following
    # Times of one width compare as texts.
    demand(row["now"] < manifest["expires"], "expired")
    assert manifest["version"] == row["version"]


# --- all of it -------------------------------------------------------------------------------------------------------

JUDGES = [
    ("dsse", "cases", judge_dsse), ("checkpoint", "cases", judge_checkpoint), ("merkle", "inclusion", judge_inclusion),
    ("merkle", "consistency", judge_consistency), ("delivery", "cases", judge_delivery), ("leaf", "cases", judge_leaf),
    ("publication", "cases", judge_publication), ("join-token", "cases", judge_token), ("manifest", "cases", judge_manifest),
]


def main():
    failures, count = [], 0
    for file, group, judge in JUDGES:
        vectors = json.loads((HERE / f"{file}.json").read_text())
        if "keys" in vectors:
            check_keys(vectors)
        for row in vectors.get("encodings", []):
            assert pae(row["payloadType"], base64.b64decode(row["payload"])) == base64.b64decode(row["bytes"])
        if file == "merkle":
            leaves = [leaf_hash(text.encode()) for text in vectors["entries"]]
            assert [tree_root(leaves[:size]).hex() for size in range(len(leaves) + 1)] == vectors["roots"]
        for row in vectors[group]:
            count += 1
            try:
                judge(row, vectors)
                code = None
            except Refused as refusal:
                code = str(refusal)
            except Exception as error:  # A case that nothing here expected is a failure like any other.
                code = repr(error)
            if code != row["code"]:
                failures.append(f"{file}: {row['name']}: expected {row['code']}, found {code}")
    print("\n".join(failures) if failures else f"all cases hold: {count}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
