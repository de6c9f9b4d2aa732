#!/usr/bin/env python3
"""Makes group.json: test vectors for the group protocol of crates/group/PROTOCOL.md, version 1.

    python3 make_group.py > group.json       writes the vectors; the same bytes every time
    python3 make_group.py --check FILE       reads them as their recipients would

Follows PROTOCOL.md, RFC 9180 (HPKE, base mode, single shot), draft-ietf-hpke-pq (X-Wing in HPKE),
draft-connolly-cfrg-xwing-kem and RFC 9605 (section 5.1), and shares no code with any implementation
of them. AES-GCM, Ed25519, X25519 and ML-KEM's decapsulation come from the package `cryptography`,
ML-KEM's encapsulation with given randomness from `kyber-py`, HMAC, SHA-2 and SHA-3 from Python's
standard library: pip install cryptography==48.0.0 kyber-py==1.2.0.

Licence: MIT OR Apache-2.0, for the script and for the vectors.
"""

import hashlib
import hmac
import json
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke as reference
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from kyber_py.ml_kem import ML_KEM_768


def be(value, n):
    return value.to_bytes(n, "big")


def hkdf_extract(hash, salt, ikm):
    return hmac.new(salt, ikm, hash).digest()


def hkdf_expand(hash, prk, info, length):
    okm, block, count = b"", b"", 0
    while len(okm) < length:
        count += 1
        block = hmac.new(prk, block + info + bytes([count]), hash).digest()
        okm += block
    return okm[:length]


# --- X25519 and Ed25519 -------------------------------------------------------------------------


def x25519_public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def x25519(secret, public):
    """The shared secret, or None if it is all zeros."""
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return None


L = 2**252 + 27742317777372353535851937790883648493  # the order of Ed25519's base point

NEUTRAL = be(1, 1) + bytes(31)
ORDER_2 = bytes.fromhex("ec" + 30 * "ff" + "7f")
ORDER_4 = bytes(32)
ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
NEUTRAL_NOT_REDUCED = bytes.fromhex("ee" + 30 * "ff" + "7f")
OTHER_ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
ORDER_4_NOT_REDUCED = bytes.fromhex("ed" + 30 * "ff" + "7f")
SMALL_ORDER = {  # with either sign bit, reduced or not
    point[:31] + bytes([point[31] | sign])
    for point in (NEUTRAL, ORDER_2, ORDER_4, ORDER_8, OTHER_ORDER_8, NEUTRAL_NOT_REDUCED, ORDER_4_NOT_REDUCED)
    for sign in (0, 0x80)
}


def ed25519_public(secret):
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def ed25519_sign(secret, message):
    return Ed25519PrivateKey.from_private_bytes(secret).sign(message)


def ed25519_verify_loosely(identity, message, signature):
    """RFC 8032 as OpenSSL verifies it, which accepts points of small order."""
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


def ed25519_verify(identity, message, signature):
    """Strictly: neither the key nor the signature's R is of small order, and s is below L."""
    if identity in SMALL_ORDER or signature[:32] in SMALL_ORDER:
        return False
    if int.from_bytes(signature[32:], "little") >= L:
        return False
    return ed25519_verify_loosely(identity, message, signature)


def ed25519_scalar(secret):
    digest = bytearray(hashlib.sha512(secret).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return int.from_bytes(digest, "little") % L


def ed25519_challenge(r, identity, message):
    return int.from_bytes(hashlib.sha512(r + identity + message).digest(), "little") % L


def forged_for_small_order(identity, message, label):
    """A signature that anyone can make for a key of small order: R = sB; it cancels the key."""
    for attempt in range(1000):
        secret = random(f"{label} {attempt}", 32)
        r = ed25519_public(secret)
        if ed25519_challenge(r, identity, message) % 8 == 0:
            return r + ed25519_scalar(secret).to_bytes(32, "little")
    raise AssertionError("no signature found")


def signed_with_small_order_r(secret, message):
    """R is the neutral element, s the challenge times the secret scalar."""
    challenge = ed25519_challenge(NEUTRAL, ed25519_public(secret), message)
    return NEUTRAL + (challenge * ed25519_scalar(secret) % L).to_bytes(32, "little")


# --- HPKE: RFC 9180, base mode, HKDF-SHA256, AES-128-GCM -----------------------------------------


def labeled_extract(suite_id, salt, label, ikm):
    return hkdf_extract("sha256", salt, b"HPKE-v1" + suite_id + label + ikm)


def labeled_expand(suite_id, prk, label, info, length):
    return hkdf_expand("sha256", prk, be(length, 2) + b"HPKE-v1" + suite_id + label + info, length)


class DhKemX25519:
    """RFC 9180 §4.1."""

    id, npk, nenc, nrandom = 0x0020, 32, 32, 32
    suite_id = b"KEM" + be(id, 2)
    public = staticmethod(x25519_public)

    def derive(self, ikm):
        """§7.1.3."""
        return labeled_expand(self.suite_id, labeled_extract(self.suite_id, b"", b"dkp_prk", ikm), b"sk", b"", 32)

    def extract_and_expand(self, dh, kem_context):
        prk = labeled_extract(self.suite_id, b"", b"eae_prk", dh)
        return labeled_expand(self.suite_id, prk, b"shared_secret", kem_context, 32)

    def encaps(self, public, randomness):
        """Randomness is ikmE, from which DeriveKeyPair makes the ephemeral key."""
        secret = self.derive(randomness)
        enc = x25519_public(secret)
        return self.extract_and_expand(x25519(secret, public), enc + public), enc

    def decaps(self, secret, enc):
        dh = x25519(secret, enc)
        return dh and self.extract_and_expand(dh, enc + x25519_public(secret))


class XWing:
    """draft-connolly-cfrg-xwing-kem; a secret key is its seed."""

    id, npk, nenc, nrandom = 0x647A, 1216, 1120, 64

    def derive(self, ikm):
        """draft-ietf-hpke-pq: SHAKE256.LabeledDerive."""
        label = b"HPKE-v1" + b"KEM" + be(self.id, 2) + be(13, 2) + b"DeriveKeyPair" + be(32, 2)
        return hashlib.shake_256(ikm + label).digest(32)

    def expanded(self, secret):
        seed = hashlib.shake_256(secret).digest(96)
        return MLKEM768PrivateKey.from_seed_bytes(seed[:64]), seed[64:]

    def public(self, secret):
        ml_kem, x = self.expanded(secret)
        return ml_kem.public_key().public_bytes_raw() + x25519_public(x)

    def combined(self, ml_kem_ss, x_ss, x_ct, x_public):
        return hashlib.sha3_256(ml_kem_ss + x_ss + x_ct + x_public + rb"\.//^" + b"\\").digest()

    def encaps(self, public, randomness):
        """Randomness is ML-KEM's m, then X25519's secret key."""
        ml_kem_public, x_public = public[:1184], public[1184:]
        ml_kem_ss, ml_kem_ct = ML_KEM_768._encaps_internal(ml_kem_public, randomness[:32])
        x_ct = x25519_public(randomness[32:])
        x_ss = x25519(randomness[32:], x_public)
        return self.combined(ml_kem_ss, x_ss, x_ct, x_public), ml_kem_ct + x_ct

    def decaps(self, secret, enc):
        ml_kem, x = self.expanded(secret)
        x_ss = x25519(x, enc[1088:]) or bytes(32)
        return self.combined(ml_kem.decapsulate(enc[:1088]), x_ss, enc[1088:], x25519_public(x))


KEMS = {1: DhKemX25519(), 2: XWing()}


def key_schedule(kem, shared_secret, info, aead=1, nk=16):
    """§5.1 in base mode: key and base_nonce."""
    suite_id = b"HPKE" + be(kem.id, 2) + be(1, 2) + be(aead, 2)
    psk_id_hash = labeled_extract(suite_id, b"", b"psk_id_hash", b"")
    info_hash = labeled_extract(suite_id, b"", b"info_hash", info)
    context = b"\0" + psk_id_hash + info_hash
    secret = labeled_extract(suite_id, shared_secret, b"secret", b"")
    key = labeled_expand(suite_id, secret, b"key", context, nk)
    return key, labeled_expand(suite_id, secret, b"base_nonce", context, 12)


def hpke_seal(kem, public, info, aad, pt, randomness):
    """enc and ciphertext."""
    shared_secret, enc = kem.encaps(public, randomness)
    key, nonce = key_schedule(kem, shared_secret, info)
    return enc, AESGCM(key).encrypt(nonce, pt, aad)


def hpke_open(kem, secret, enc, info, aad, ct):
    """The plaintext, or None."""
    shared_secret = kem.decaps(secret, enc)
    if shared_secret is None:
        return None
    key, nonce = key_schedule(kem, shared_secret, info)
    try:
        return AESGCM(key).decrypt(nonce, ct, aad)
    except InvalidTag:
        return None


def self_check():
    """Checks the above against published answers and against HPKE of the package `cryptography`."""
    hex = bytes.fromhex
    # RFC 9180 A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, first
    # encryption.
    kem, info = KEMS[1], b"Ode on a Grecian Urn"
    secret = kem.derive(hex("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037"))
    assert secret == hex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    public = kem.public(secret)
    assert public == hex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
    ikm_e = hex("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234")
    shared_secret, enc = kem.encaps(public, ikm_e)
    assert enc == hex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
    assert shared_secret == hex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc")
    key, nonce = key_schedule(kem, shared_secret, info)
    assert key == hex("4531685d41d65f03dc48f6b8302c05b0") and nonce == hex("56d890e5accaaf011cff4b7d")
    pt, aad = b"Beauty is truth, truth beauty", b"Count-0"
    ct = hex("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a")
    assert hpke_seal(kem, public, info, aad, pt, ikm_e) == (enc, ct)
    assert hpke_open(kem, secret, enc, info, aad, ct) == pt
    # draft-connolly-cfrg-xwing-kem, appendix C, first vector: its bytes are SHAKE-128 of the empty
    # string.
    kem, shake = KEMS[2], hashlib.shake_128(b"").digest(96)
    shared_secret, enc = kem.encaps(kem.public(shake[:32]), shake[32:])
    assert shared_secret == hex("d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384")
    assert kem.decaps(shake[:32], enc) == shared_secret
    # The vector of draft-ietf-hpke-pq for MLKEM768-X25519, HKDF-SHA256 and ChaCha20Poly1305, which
    # differs from ours in the AEAD: keys and key schedule.
    secret = kem.derive(hex("b86e76a59fabfc87b30cd7b1f7aaa28a834eb64e7a261c197b9a842893fbce56"))
    assert secret == hex("3ec47fa82dd5689d27c6190e724c74ec8f608df3331ce331929e37b829676630")
    randomness = hex(
        "2a1c0a3745fe8a48fb62034d300f54dfe1974a5b2e169e580a8789cb1cf5fd19"
        "0fc00f3fd899594e01a8b15334b9f3fa03d8de44da86e19f5776850fb689e6c8"
    )
    shared_secret, _ = kem.encaps(kem.public(secret), randomness)
    assert shared_secret == hex("58200ed1f137bd95a921bb47f6aaecf2395b26f7fd24efd3a5ffae4849e8dea3")
    key, nonce = key_schedule(kem, shared_secret, info.hex().encode(), aead=3, nk=32)
    assert key == hex("131c2ebb469b909a40915914afd7ff5e638888ac7195dcaaaef8f9a84f0e4030")
    assert nonce == hex("2b7a68f19e6cdbd43dda3c6d")
    # `cryptography` opens what we seal; it has no aad.
    for kem, theirs in ((KEMS[1], reference.KEM.X25519), (KEMS[2], reference.KEM.MLKEM768_X25519)):
        secret = kem.derive(b"recipient")
        sealed = b"".join(hpke_seal(kem, kem.public(secret), info, b"", pt, bytes(kem.nrandom)))
        if kem.id == KEMS[1].id:
            private = X25519PrivateKey.from_private_bytes(secret)
        else:
            ml_kem, x = kem.expanded(secret)
            private = reference.MLKEM768X25519PrivateKey(ml_kem, X25519PrivateKey.from_private_bytes(x))
        suite = reference.Suite(theirs, reference.KDF.HKDF_SHA256, reference.AEAD.AES_128_GCM)
        assert suite.decrypt(sealed, private, info) == pt


# --- §1: terms and notation; §2: messages --------------------------------------------------------

DOMAIN = b"sealframe group 1 "
HEAD_LEN, SIGNATURE_LEN, MESSAGE_MAX, IDENTITY_TAG_LEN = 22, 64, 14_000, 12
SUITE_HASHES = {4: "sha256", 5: "sha512"}  # of the media suite, for the ratchet

ANNOUNCE, KEY_UPDATE, REQUEST, ACK, HEARTBEAT, LEAVE = 1, 2, 3, 4, 5, 6
ORDER, ROSTER, FORWARD, REFUSAL, SAS, UPDATE_HEADER = 7, 8, 9, 10, 11, 12
NAMES = {
    ANNOUNCE: "announce",
    KEY_UPDATE: "key update",
    REQUEST: "request",
    ACK: "ack",
    HEARTBEAT: "heartbeat",
    LEAVE: "leave",
    ORDER: "order",
    ROSTER: "roster",
    FORWARD: "forward",
    REFUSAL: "refusal",
    SAS: "sas",
    UPDATE_HEADER: "update header",
}
START, LEFT, TIMER, LIMIT, SUSPICION, DELIVERY, NO_ACK = 0, 1, 2, 3, 4, 5, 8
U8, U16, U32, U64 = "u8", "u16", "u32", "u64"  # a number; otherwise that many bytes
WIDTHS = {U8: 1, U16: 2, U32: 4, U64: 8}
HEADER = [("flags", U8), ("generation", U32), ("step", U8), ("prev_hash", 32)]
BODIES = {
    ANNOUNCE: [("joined_at", U64), ("media_suite", U16), ("kem", U8), ("role", U8), ("identity", 32)]
    + [("prekey", "x1216"), ("versions", "x16"), ("address", "x255"), ("credential", "x4096")]
    + [("extensions", "x1024")],
    KEY_UPDATE: HEADER,
    REQUEST: [("target", 16), ("wants", U8)],
    ACK: [("generation", U32), ("step", U8), ("mac", 8)],
    HEARTBEAT: [("seq", U32), ("flags", U8), ("generation", U32), ("step", U8), ("frames", U32)]
    + [("newest", U32), ("update_hash", 32), ("roster_hash", 32), ("view_hash", 32)]
    + [("orders_hash", 32), ("counter", U32), ("witness", 8), ("witness_seq", U32)]
    + [("witness_hash", 8), ("prekey_number", U16), ("prekey", "x1216")],
    LEAVE: [],
    ORDER: [("counter", U32), ("action", U8), ("target", 16), ("identities", "x12300")],
    # `first` and `last` are PROTOCOL.md's `from` and `to`.
    ROSTER: [("flags", U8), ("first", 8), ("last", 8), ("entries", "x12600")],
    FORWARD: [("messages", "x13600")],
    REFUSAL: [("target", 16), ("reason", U8), ("other", 16)],
    SAS: [("target", 16), ("check", 16), ("stage", U8), ("data", 32)],
    UPDATE_HEADER: HEADER + [("key_commit", 32)],
}
LISTS = {  # fields of their elements
    "extensions": [("id", U16), ("data", "x1020")],
    "identities": IDENTITY_TAG_LEN,
    "entries": [("session", 8), ("status", U8), ("newest", U32), ("update_hash", 4)],
    "messages": "x65535",
}
RANGES = {
    (ANNOUNCE, "kem"): range(1, 3),
    (ANNOUNCE, "role"): range(3),
    (REQUEST, "wants"): range(1, 16),
    (HEARTBEAT, "seq"): range(1, 1 << 32),
    (HEARTBEAT, "flags"): range(8),
    (ORDER, "action"): range(1, 4),
    (ROSTER, "flags"): range(2),
    (REFUSAL, "reason"): range(1, 8),
    (SAS, "stage"): range(1, 6),
}


def H(name, *data):
    return hashlib.sha256(DOMAIN + name.encode() + b"\0" + b"".join(data)).digest()


def expand(key, name, data, length):
    info = DOMAIN + name.encode() + b"\0" + data
    return hkdf_expand("sha256", hkdf_extract("sha256", b"", key), info, length)


def ratchet(suite, base_key, steps=1):
    """RFC 9605 §5.1."""
    hash = SUITE_HASHES[suite]
    for _ in range(steps):
        prk = hkdf_extract(hash, b"", base_key)
        base_key = hkdf_expand(hash, prk, b"SFrame 1.0 Ratchet", len(base_key))
    return base_key


class Refused(Exception):
    """malformed, head, session, entry, signature, suite, mac or check."""


class Call:
    def __init__(self, kem, suite, group_id):
        self.kem, self.suite, self.group_id = kem, suite, group_id
        self.group_hash = H("group", group_id)
        self.tag = self.group_hash[:4]
        self.nh = hashlib.new(SUITE_HASHES[suite]).digest_size
        self.entry_len = 2 + 2 + KEMS[kem].nenc + self.nh + 16
        self.is_first = (kem, suite) == (1, 4)  # the only one with long cases


def head(call, type, session, version=1, tag=None):
    return bytes([version, type]) + (tag or call.tag) + session


def field(value, width):
    if width in WIDTHS:
        return be(value, WIDTHS[width])
    if isinstance(width, int):
        assert len(value) == width
        return value
    return be(len(value), 2) + value


def packed(name, items):
    """The bytes of a list; bytes stay as they are."""
    if isinstance(items, bytes):
        return items
    parts = LISTS[name]
    if not isinstance(parts, list):
        return b"".join(field(item, parts) for item in items)
    return b"".join(field(item[part], width) for item in items for part, width in parts)


def body(type, fields):
    values = ((name, fields[name], width) for name, width in BODIES[type])
    return b"".join(field(packed(name, value) if name in LISTS else value, width) for name, value, width in values)


def to_sign(call, type, unsigned, key_commit=b""):
    """Signs head ‖ body; also an update's commitment. Its header is signed like the update."""
    if type == UPDATE_HEADER:
        type, unsigned = KEY_UPDATE, as_update(unsigned)
    return DOMAIN + NAMES[type].encode() + b"\0" + call.group_hash + unsigned + key_commit


def as_update(unsigned):
    """With the type of a key update in the head."""
    return unsigned[:1] + bytes([KEY_UPDATE]) + unsigned[2:]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if len(self.data) - self.at < count:
            raise Refused("malformed")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, width):
        return int.from_bytes(self.take(width), "big")

    def field(self, width):
        if width in WIDTHS:
            return self.number(WIDTHS[width])
        if isinstance(width, int):
            return self.take(width)
        length = self.number(2)
        if length > int(width[1:]):
            raise Refused("malformed")
        return self.take(length)

    def list(self, parts):
        while self.at < len(self.data):
            if isinstance(parts, list):
                yield {part: self.field(width) for part, width in parts}
            else:
                yield self.field(parts)


def parse(call, message):
    """Type, session, fields, signature (None for an ack) and entry."""
    if not HEAD_LEN <= len(message) <= MESSAGE_MAX:
        raise Refused("malformed")
    reader = Reader(message)
    version, type = reader.take(2)
    tag, session = reader.take(4), reader.take(16)
    if version != 1 or type not in NAMES or tag != call.tag:
        raise Refused("head")
    fields = {name: reader.field(width) for name, width in BODIES[type]}
    for name in LISTS:
        if name in fields:
            fields[name] = list(Reader(fields[name]).list(LISTS[name]))
    if not are_in_range(call, type, fields):
        raise Refused("malformed")
    signature = None if type == ACK else reader.take(SIGNATURE_LEN)
    entry = reader.take(call.entry_len) if type == KEY_UPDATE else b""
    if reader.at < len(message):
        raise Refused("malformed")
    return type, session, fields, signature, entry


def ascends(values):
    """Without duplicates."""
    return all(one < next for one, next in zip(values, values[1:]))


def are_in_range(call, type, fields):
    if any(value not in RANGES.get((type, name), (value,)) for name, value in fields.items()):
        return False
    if type == ANNOUNCE:
        is_key = len(fields["prekey"]) == KEMS[fields["kem"]].npk
        versions, ids = fields["versions"], [each["id"] for each in fields["extensions"]]
        return is_key and ascends(versions) and 1 in versions and ascends(ids)
    if type in (KEY_UPDATE, UPDATE_HEADER):
        reason = fields["flags"] & 7
        return fields["flags"] < 16 and reason <= DELIVERY and (reason == DELIVERY or fields["step"] == 0)
    if type == HEARTBEAT:
        return len(fields["prekey"]) in (0, KEMS[call.kem].npk)
    if type == ORDER:
        is_target = fields["action"] == 3 or not any(fields["target"])
        tags = fields["identities"]
        is_list = fields["action"] == 1 or len(tags) == (0, 1)[fields["action"] == 3]
        return is_target and is_list and ascends(tags)
    if type == ROSTER:
        sessions = [entry["session"] for entry in fields["entries"]]
        is_within = all(fields["first"] <= session <= fields["last"] for session in sessions)
        is_status = all(entry["status"] in range(1, 9) for entry in fields["entries"])
        return is_within and is_status and ascends(sessions)
    if type == REFUSAL:
        return fields["reason"] in (5, 7) or not any(fields["other"])
    return True


def messages_of(bundle):
    """The messages in a bundle, valid or not."""
    if len(bundle) > MESSAGE_MAX or bundle[:1] != b"\0":
        raise Refused("malformed")
    return list(Reader(bundle[1:]).list("x14000"))


def announce_hash(call, body):
    return H("announce", call.group_hash, body)


def entry_info(call, sender, recipient, prekey, kem=None, suite=None, group_hash=None):
    """`sender` and `recipient` are members: dictionaries with identity and session."""
    return (
        DOMAIN
        + b"key\0"
        + bytes([kem or call.kem])
        + be(suite or call.suite, 2)
        + (group_hash or call.group_hash)
        + sender["identity"]
        + sender["session"]
        + recipient["identity"]
        + recipient["session"]
        + hashlib.sha256(prekey).digest()
    )


def key_commit(call, base_key, session, generation, step):
    data = call.group_hash + session + be(generation, 4) + be(step, 1)
    return expand(base_key, "commit", data, 32)


def header_hash(call, header):
    return H("header", call.group_hash, header)


def ack_mac(base_key, hash, session):
    return expand(base_key, "ack", hash + session, 8)


def roster_hash(announces):
    """From announce_hashes, in any order."""
    return H("roster", *sorted(announces))


def view_hash(view):
    """From (announce_hash, newest generation, update_hash), in any order."""
    return H("view", *(announce + be(newest, 4) + hash for announce, newest, hash in sorted(view)))


ORDER_FIELDS = ("counter", "action", "target", "identities")


def orders_hash(orders):
    """From (counter, session, action, target, identities), in any order."""
    bodies = []
    for counter, session, action, target, identities in orders:
        fields = dict(zip(ORDER_FIELDS, (counter, action, target, identities)))
        bodies.append((counter, session, body(ORDER, fields)))
    return H("orders", *(session + content for _, session, content in sorted(bodies)))


def identity_tags(session, counter, identities):
    """The tags in an order of this session for these identities, in any order."""
    return sorted({H("identity", session, be(counter, 4), each)[:IDENTITY_TAG_LEN] for each in identities})


def receive(call, sender, message, recipient=None, update=None):
    """The fields of a message for a member that knows `sender`; also an update's base_key.

    An ack is compared with the header_hash and base_key of `update`.
    """
    type, session, fields, signature, entry = parse(call, message)
    unsigned = message[: len(message) - len(signature or b"") - len(entry)]
    identity, commit = sender["identity"], b""
    if type == ANNOUNCE:
        identity = fields["identity"]
        if session != announce_hash(call, unsigned[HEAD_LEN:])[:16]:
            raise Refused("session")
    if type == KEY_UPDATE:
        fields["base_key"] = open_entry(call, sender, recipient, unsigned, entry)
        commit = key_commit(call, fields["base_key"], session, fields["generation"], fields["step"])
    if signature and not ed25519_verify(identity, to_sign(call, type, unsigned, commit), signature):
        raise Refused("signature")
    if type == ANNOUNCE and (fields["media_suite"], fields["kem"]) != (call.suite, call.kem):
        raise Refused("suite")
    if type == ACK:
        is_of = all(fields[name] == update[name] for name in ("generation", "step"))
        if not is_of or fields["mac"] != ack_mac(update["base_key"], update["header_hash"], session):
            raise Refused("mac")
    return type, session, fields


def open_entry(call, sender, recipient, aad, entry):
    prekey = recipient["prekeys"].get(int.from_bytes(entry[2:4], "big"))
    if entry[:2] != recipient["session"][:2] or prekey is None:
        raise Refused("entry")
    kem = KEMS[call.kem]
    enc, ct = entry[4 : 4 + kem.nenc], entry[4 + kem.nenc :]
    info = entry_info(call, sender, recipient, prekey["public"])
    base_key = hpke_open(kem, prekey["secret"], enc, info, aad, ct)
    if base_key is None:
        raise Refused("entry")
    return base_key


# --- §7: checks by people ------------------------------------------------------------------------


def call_code(group_hash, announces):
    """From announce_hashes, in any order."""
    data = expand(group_hash, "call code", b"".join(sorted(announces)), 60)
    groups = (int.from_bytes(data[5 * at : 5 * at + 5], "big") for at in range(12))
    return "".join(f"{group % 10**5:05}" for group in groups)


def emoji(sas):
    """Seven places in a table of 64, from the first 42 bits."""
    bits = int.from_bytes(sas, "big") >> 6
    return [bits >> 6 * (6 - at) & 63 for at in range(7)]


# --- The vectors ---------------------------------------------------------------------------------


def random(label, length):
    return hashlib.shake_256(b"sealframe group vectors " + label.encode()).digest(length)


def plain(value, width=None):
    """As JSON: bytes in hex, u64 as "0x…" because JSON numbers lose some of them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return plain_all(value)
    return hex(value) if width == U64 else value


def plain_fields(type, fields):
    return {name: plain(fields[name], width) for name, width in BODIES[type]}


def plain_all(fields):
    return {name: plain(value) for name, value in fields.items()}


def message_of(call, member, type, fields):
    """A signed message, and its vector; the session of an announce follows from it."""
    content = body(type, fields)
    session = announce_hash(call, content)[:16] if type == ANNOUNCE else member["session"]
    unsigned = head(call, type, session) + content
    signature = ed25519_sign(member["identity_secret"], to_sign(call, type, unsigned))
    message = unsigned + signature
    vector = {
        "from": member["at"],
        **plain_fields(type, fields),
        "to_sign": to_sign(call, type, unsigned).hex(),
        "signature": signature.hex(),
        "message": message.hex(),
    }
    return message, vector


PREKEYS = (0, 1, 2, 3, 0xFFFF)


def make_member(call, at):
    label = f"call {call.kem} {call.suite} member {at} "
    kem = KEMS[call.kem]
    member = {
        "at": at,
        "joined_at": 1_767_225_600_000 + 1000 * at,
        "role": at,
        "identity_secret": random(label + "identity", 32),
        "address": (b"1", b"laptop of the second", bytes(range(16)))[at],
        "credential": (b"", b"credential of the second", bytes(range(256)))[at],
        "user_id": (b"alice", b"bob", "bj\u00f6rn@example.org".encode())[at],
        "prekeys": {},
    }
    member["identity"] = ed25519_public(member["identity_secret"])
    for number in PREKEYS:
        ikm = random(f"{label}prekey {number}", 32)
        secret = kem.derive(ikm)
        member["prekeys"][number] = {"ikm": ikm, "secret": secret, "public": kem.public(secret)}
    member["announce_hash"] = announce_hash(call, body(ANNOUNCE, announce_fields(call, member)))
    member["session"] = member["announce_hash"][:16]
    return member


def plain_member(member):
    names = ("role", "identity_secret", "identity", "address", "credential", "user_id", "announce_hash", "session")
    vector = {"joined_at": hex(member["joined_at"])} | {name: plain(member[name]) for name in names}
    vector["number"] = int.from_bytes(member["session"][:2], "big")
    vector["prekeys"] = [{"number": number, **plain_all(prekey)} for number, prekey in member["prekeys"].items()]
    return vector


def announce_fields(call, member, **changed):
    fields = {name: member[name] for name in ("joined_at", "role", "identity", "address", "credential")}
    fields |= {"media_suite": call.suite, "kem": call.kem, "prekey": member["prekeys"][0]["public"]}
    return {**fields, "versions": b"\1", "extensions": [], **changed}


def announce_of(call, member, **changed):
    """The message, and its vector."""
    message, vector = message_of(call, member, ANNOUNCE, announce_fields(call, member, **changed))
    hash = announce_hash(call, message[HEAD_LEN:-SIGNATURE_LEN])
    vector |= {"announce_hash": hash.hex(), "session": hash[:16].hex()}
    return message, vector


def make_announces(call, members):
    """Those of the members, then others of theirs, each of its own session."""
    a, b, c = members
    full = [{"id": 7, "data": random("extension", 1020)}]
    some = [{"id": id, "data": data} for id, data in ((0, b""), (1, b"\0"), (0x0100, b"data"), (0xFFFF, bytes(100)))]
    long = {"credential": random("long credential", 4096), "address": random("long address", 255)}
    others = [
        (a, {"versions": bytes(range(1, 17)), "extensions": full, **long}),
        (b, {"versions": b"\1\2", "extensions": some, "joined_at": 0, "address": b""}),
        (c, {"versions": b"\1\xff", "joined_at": (1 << 64) - 1, "extensions": [{"id": 0, "data": b""}]}),
        (c, {"role": 0, "prekey": c["prekeys"][3]["public"], "address": "bj\u00f6rn".encode()}),
    ]
    return [announce_of(call, member, **changed) for member, changed in [*((each, {}) for each in members), *others]]


def make_entry(call, sender, recipient, prekey_number, aad, base_key, label, info=None):
    """The entry's bytes, and its vector; `info` replaces the protocol's."""
    kem, prekey = KEMS[call.kem], recipient["prekeys"][prekey_number]["public"]
    info = entry_info(call, sender, recipient, prekey) if info is None else info
    randomness = random(f"call {call.kem} {call.suite} entry {label}", kem.nrandom)
    enc, ct = hpke_seal(kem, prekey, info, aad, base_key, randomness)
    entry = recipient["session"][:2] + be(prekey_number, 2) + enc + ct
    vector = {"to": recipient["at"], "prekey_number": prekey_number}
    parts = {"randomness": randomness, "info": info, "enc": enc, "ct": ct, "entry": entry}
    return entry, vector | plain_all(parts)


class Updates:
    """One member's updates, in order; `made` has those that were sent, with their inputs."""

    def __init__(self, call, sender):
        self.call, self.sender, self.label = call, sender, f"call {call.kem} {call.suite} from {sender['at']} "
        self.begun, self.sent, self.made = [], [], []
        self.generation_keys, self.hashes = {}, {}

    def begin(self, reason, generation, flags=0):
        before = random(f"{self.label}before", 32) if generation else bytes(32)
        self.generation_keys[generation] = random(f"{self.label}generation {generation}", self.call.nh)
        header = self.header(reason | flags, generation, 0, self.hashes.get(generation - 1, before))
        self.hashes[generation] = header["header_hash"]
        return header

    def deliver(self, generation, step, flags=0):
        return self.header(DELIVERY | flags, generation, step, self.hashes[generation])

    def header(self, flags, generation, step, prev_hash):
        base_key = ratchet(self.call.suite, self.generation_keys[generation], step)
        fields = {"flags": flags, "generation": generation, "step": step, "prev_hash": prev_hash}
        commit = key_commit(self.call, base_key, self.sender["session"], generation, step)
        return {"base_key": base_key, **header_of(self.call, self.sender, fields, commit)}

    def vector(self, header):
        vector = {"from": self.sender["at"], **plain_fields(UPDATE_HEADER, header)}
        names = ("base_key", "header", "header_hash", "to_sign", "signature", "update_header")
        vector |= {name: header[name].hex() for name in names}
        return vector | {"generation_key": self.generation_keys[header["generation"]].hex()}

    def keep(self, header):
        """Begun, and sent to nobody."""
        self.begun.append(header)

    def send(self, header, recipient, prekey_number=0):
        aad = header["header"][:-32]
        label = f"{self.sender['at']} {len(self.sent)} {recipient['at']}"
        parts = (self.call, self.sender, recipient, prekey_number, aad, header["base_key"], label)
        entry, entry_vector = make_entry(*parts)
        message = aad + header["signature"] + entry
        self.sent.append({**self.vector(header), **entry_vector, "message": message.hex()})
        self.made.append({**header, "message": message, "entry": entry})


def header_of(call, sender, fields, commit):
    """An update's header with its derived values."""
    unsigned = head(call, KEY_UPDATE, sender["session"]) + body(KEY_UPDATE, fields)
    header, content = unsigned + commit, to_sign(call, KEY_UPDATE, unsigned, commit)
    signature = ed25519_sign(sender["identity_secret"], content)
    update_header = header[:1] + bytes([UPDATE_HEADER]) + header[2:] + signature
    return {
        **fields,
        "key_commit": commit,
        "header": header,
        "header_hash": header_hash(call, header),
        "to_sign": content,
        "signature": signature,
        "update_header": update_header,
    }


HELD = 2  # index of the update that refused messages are compared with


def make_updates(call, members):
    a, b, c = members
    of_a, of_b, of_c = (Updates(call, member) for member in members)
    of_a.keep(of_a.begin(START, 0))
    of_a.send(of_a.deliver(0, 0), b)
    of_a.send(of_a.deliver(0, 1), c)
    left = of_a.begin(LEFT, 1)
    of_a.send(left, b)
    of_a.send(left, c)
    timer = of_a.begin(TIMER, 2, NO_ACK)
    of_a.send(timer, b, 1)
    of_a.send(timer, c, 0xFFFF)
    of_a.send(of_a.begin(LIMIT, 3), b, 2)
    of_b.keep(of_b.begin(START, 0))
    of_b.send(of_b.deliver(0, 0), a)
    of_c.send(of_c.begin(START, 0), a, 3)
    of_c.keep(of_c.begin(SUSPICION, 0xFFFF_FFFE))
    of_c.send(of_c.begin(SUSPICION, 0xFFFF_FFFF), a, 0xFFFF)
    of_c.send(of_c.deliver(0xFFFF_FFFF, 255, NO_ACK), b, 0xFFFF)
    return of_a, of_b, of_c


def make_acks(call, members, updates):
    """For every update in the list that wants one."""
    for at, (update, vector) in enumerate(updates):
        if update["flags"] & NO_ACK:
            continue
        member = members[vector["to"]]
        fields = {name: update[name] for name in ("generation", "step")}
        fields["mac"] = ack_mac(update["base_key"], update["header_hash"], member["session"])
        message = head(call, ACK, member["session"]) + body(ACK, fields)
        yield {"from": member["at"], "update": at, **plain_fields(ACK, fields), "message": message.hex()}


NOTHING_TOLD = (0, bytes(32))


def make_heartbeats(call, members, of_a, of_b, of_c):
    """Fields and vectors; each has the one before as its witness.

    In the order of joining: a sender may not know all other members.
    """
    a, b, c = members
    of_a_told = [of_a.begun[0], *(of_a.made[at] for at in (2, 4, 6))]
    of_a_told, (of_b_told,), of_c_told = (
        [(header["generation"], header["header_hash"]) for header in headers]
        for headers in (of_a_told, of_b.begun, of_c.made[:2])
    )
    top, identities = (1 << 32) - 1, [member["identity"] for member in members]
    lock, last_lock = (
        (counter, by["session"], 1, bytes(16), identity_tags(by["session"], counter, identities))
        for counter, by in ((1, a), (top, b))
    )
    removed = identity_tags(a["session"], 2, [random("removed identity", 32)])
    remove = (2, a["session"], 3, random("removed", 16), removed)
    unlock = (7, b["session"], 2, bytes(16), [])
    # member, flags, (seq, generation, step, frames), told, orders, counter, prekey_number, with
    # prekey
    cases = [
        # A's heartbeat after joining, alone; B's answer.
        (a, 2, (1, 0, 0, 0), (of_a_told[0],), [], 0, 0, True),
        (b, 2, (2, 0, 0, 0), (of_a_told[0], of_b_told), [], 0, 0, True),
        (a, 3, (2, 0, 1, 123_456), (of_a_told[1], of_b_told, NOTHING_TOLD), [lock], 1, 1, True),
        (c, 5, (1, 0, 0, 7), (of_a_told[1], of_b_told, of_c_told[0]), [lock, remove], 2, 1, True),
        (a, 2, (256, 1, 0, 65_536), (of_a_told[2], of_b_told, of_c_told[0]), [remove, unlock], 7, 2, False),
        (b, 4, (65_536, 0, 0, 16_777_216), (of_a_told[3], of_b_told, of_c_told[1]), [unlock], 7, 3, False),
        (b, 1, (65_537, 0, 32, 1), (of_a_told[3], of_b_told, of_c_told[1]), [remove, last_lock], top, 0xFFFF, True),
        (a, 6, (257, 1, 1, 0), (of_a_told[2], of_b_told, NOTHING_TOLD), [remove, unlock], 8, 2, False),
        (c, 0, (2, 0, 0, 0), (of_a_told[3], NOTHING_TOLD, of_c_told[0]), [], 0, 0, False),
        (c, 7, (top, top, 255, top), (of_a_told[3], of_b_told, of_c_told[1]), [last_lock], top, 0xFFFF, True),
    ]
    made, witness = [], None
    for member, flags, now, told, orders, counter, prekey_number, with_prekey in cases:
        seq, generation, step, frames = now
        newest, update_hash = told[member["at"]]
        view = [(each["announce_hash"], *seen) for each, seen in zip(members, told)]
        prekey = member["prekeys"][prekey_number]["public"] if with_prekey else b""
        fields = {"seq": seq, "flags": flags, "generation": generation, "step": step, "frames": frames}
        fields |= {"newest": newest, "update_hash": update_hash, "view_hash": view_hash(view), "counter": counter}
        fields |= {"roster_hash": roster_hash([announce for announce, _, _ in view])}
        fields |= {"orders_hash": orders_hash(orders), **witnessed(witness)}
        fields |= {"prekey_number": prekey_number, "prekey": prekey}
        message, vector = message_of(call, member, HEARTBEAT, fields)
        vector["witness_at"] = len(made) - 1 if made else None
        vector["view"] = plain_view(view)
        vector["orders"] = plain_orders(orders)
        witness = message
        made.append((fields, vector))
    return made


def witnessed(message):
    """A heartbeat's fields about the one received last."""
    if message is None:
        return {"witness": bytes(8), "witness_seq": 0, "witness_hash": bytes(8)}
    reader = Reader(message[6:])
    session, seq = reader.take(16), reader.number(4)
    return {"witness": session[:8], "witness_seq": seq, "witness_hash": H("heartbeat", message)[:8]}


def plain_view(view):
    names = ("announce_hash", "newest", "update_hash")
    return [plain_all(dict(zip(names, seen))) for seen in view]


def plain_orders(orders):
    names = ("counter", "session", "action", "target", "identities")
    return [plain_all(dict(zip(names, order))) for order in orders]


def make_orders(call, members):
    """Messages and vectors, which also have the identities that an order names."""
    a, b, c = members
    identities = [member["identity"] for member in members]
    cases = [
        (a, 1, 1, bytes(16), identities),
        (a, 2, 3, c["session"], identities[2:]),
        (a, 3, 2, bytes(16), []),
        (b, 4, 1, bytes(16), identities[:1]),
        (b, 5, 1, bytes(16), identities[1:]),
        (c, 6, 1, bytes(16), []),
        (b, (1 << 32) - 1, 2, bytes(16), []),
        (c, 0, 3, a["session"], identities[:1]),
    ]
    if call.is_first:
        cases.append((a, 0x0102_0304, 1, bytes(16), [random(f"identity {at}", 32) for at in range(1025)]))
    for member, counter, action, target, named in cases:
        fields = {"counter": counter, "action": action, "target": target}
        fields["identities"] = identity_tags(member["session"], counter, named)
        message, vector = message_of(call, member, ORDER, fields)
        yield message, vector | {"named": plain(named)}


def roster_entry(session, status, newest=0, update_hash=bytes(4)):
    return {"session": session[:8], "status": status, "newest": newest, "update_hash": update_hash[:4]}


def make_rosters(call, members, of_a):
    a, b, c = members
    lowest, highest = bytes(8), b"\xff" * 8
    newest = of_a.made[2]["generation"], of_a.made[2]["header_hash"]
    three = [roster_entry(a["session"], 1, *newest), roster_entry(b["session"], 2), roster_entry(c["session"], 3)]
    eight = [roster_entry(be(at << 56 | at, 8), at, at << 24, bytes([at]) * 4) for at in range(1, 9)]
    edges = [roster_entry(lowest, 8, 0xFFFF_FFFF, highest), roster_entry(highest, 1)]
    cases = [
        (a, 0, lowest, highest, []),
        (b, 1, lowest, highest, sorted(three, key=lambda entry: entry["session"])),
        (c, 0, be(1 << 56 | 1, 8), be(8 << 56 | 8, 8), eight),
        (a, 1, b["session"][:8], b["session"][:8], three[1:2]),
        (b, 0, lowest, highest, edges),
        (c, 1, b["session"][:8], b["session"][:8], []),
    ]
    if call.is_first:
        cases.append((a, 0, lowest, highest, [roster_entry(be(at, 8), at % 8 + 1, at) for at in range(741)]))
    for member, flags, first, last, entries in cases:
        yield member, {"flags": flags, "first": first, "last": last, "entries": entries}


def make_forwards(call, members, announces, of_a, orders):
    """Sender, and messages of others."""
    a, b, c = members
    leave = message_of(call, c, LEAVE, {})[0]
    headers = [update["update_header"] for update in of_a.made]
    fork = header_of(call, a, of_a.made[2], random("fork", 32))["update_header"]
    yield b, [announces[0]]
    yield b, [headers[2], fork]  # of one generation: equivocation
    yield a, [leave, orders[3], announces[1], headers[0]]
    yield c, [orders[0], orders[5], announces[0], orders[2], announces[1]]
    if call.is_first:
        messages = [announces[3], *headers[:2], leave, orders[0]]
        # The last one fills the rest.
        room = 13_600 - sum(2 + len(message) for message in messages)
        while room:
            more = announce_of(call, a, credential=b"")[0]
            filler = min(room - 2 - len(more), 4096)
            if 0 < room - (2 + len(more) + filler) < 2 + len(more):
                filler //= 2
            messages.append(announce_of(call, a, credential=random("filler", filler))[0])
            room -= 2 + len(messages[-1])
        yield c, messages


def make_refusals(members):
    a, b, c = members
    for reason in range(1, 8):
        other = (c if reason == 5 else a)["session"] if reason in (5, 7) else bytes(16)
        yield (b if reason % 2 else c), {"target": a["session"], "reason": reason, "other": other}


def make_bundles(call, sent):
    """Bundles of messages of one member; `refused` says which are rejected, and why."""
    heartbeat, request, leave, order, lock = sent
    cases = [
        ("one message", [(leave, None)]),
        ("twice the same", [(request, None), (request, None)]),
        ("several types", [(heartbeat, None), (request, None), (order, None), (lock, None), (leave, None)]),
        ("one not authentic", [(heartbeat, None), (flipped(request, -1), "signature"), (request, None)]),
        ("the first cut", [(order[:-1], "malformed"), (heartbeat, None)]),
        ("one with another tag", [(request, None), (flipped(order, 2), "head"), (heartbeat, None)]),
        ("a message of no bytes", [(heartbeat, None), (b"", "malformed"), (request, None)]),
        ("a bundle within", [(b"\0" + field(request, "x14000"), "head"), (heartbeat, None)]),
    ]
    if call.is_first:
        filler = b"\2" + random("filler", MESSAGE_MAX - 1 - 2 - len(request) - 2 - 1)
        cases.append(("of 14000 bytes", [(request, None), (filler, "head")]))
    for name, messages in cases:
        inside = [{"message": message.hex(), "refused": kind} for message, kind in messages]
        bundle = bundle_of(*(message for message, _ in messages))
        yield {"name": name, "from": 0, "message": bundle.hex(), "messages": inside}


def bundle_of(*messages):
    return b"\0" + b"".join(field(message, "x14000") for message in messages)


def refused_bundles(call, sent):
    """Nothing in them is accepted."""
    heartbeat, request, *_ = sent
    whole = bundle_of(request)
    yield "nothing after a length", b"\0" + be(len(request), 2)
    yield "half a length", b"\0\0"
    yield "length of 14001 bytes", b"\0" + be(14_001, 2) + request
    yield "length longer by one byte", b"\0" + be(len(request) + 1, 2) + request
    yield "cut", whole[:-1]
    yield "begins with 01", b"\1" + whole[1:]
    if call.is_first:
        more = bundle_of(*[request] * 120)
        filler = field(random("filler", MESSAGE_MAX + 1 - len(more) - 2), "x14000")
        assert len(more + filler) == MESSAGE_MAX + 1
        yield "of 14001 bytes", more + filler


def make_call(kem, suite):
    call = Call(kem, suite, f"room {kem}.{suite}".encode())
    members = [make_member(call, at) for at in range(3)]
    a, b, c = members
    announces = make_announces(call, members)
    of_a, of_b, of_c = all_updates = make_updates(call, members)
    sent = [update for each in all_updates for update in zip(each.made, each.sent)]

    def vectors(type, cases):
        return [message_of(call, member, type, fields)[1] for member, fields in cases]

    requests = [
        (b, {"target": a["session"], "wants": 4}),
        (c, {"target": b["session"], "wants": 15}),
        (a, {"target": b["session"], "wants": 3}),
        (b, {"target": a["session"], "wants": 1}),
        (b, {"target": c["session"], "wants": 10}),
    ]
    heartbeats = make_heartbeats(call, members, *all_updates)
    orders = list(make_orders(call, members))
    order_messages = [message for message, _ in orders]
    forwards = make_forwards(call, members, [message for message, _ in announces], of_a, order_messages)
    bundled = [bytes.fromhex(heartbeats[2][1]["message"]), message_of(call, a, REQUEST, requests[2][1])[0]]
    bundled += [message_of(call, a, LEAVE, {})[0], order_messages[1], order_messages[0]]
    return {
        "kem": kem,
        "media_suite": suite,
        "group_id": call.group_id.hex(),
        "group_hash": call.group_hash.hex(),
        "members": [plain_member(member) for member in members],
        "announces": [vector for _, vector in announces],
        "begun": [each.vector(header) for each in all_updates for header in each.begun],
        "updates": [vector for _, vector in sent],
        "requests": vectors(REQUEST, requests),
        "acks": list(make_acks(call, members, sent)),
        "heartbeats": [vector for _, vector in heartbeats],
        "leaves": vectors(LEAVE, [(member, {}) for member in members]),
        "orders": [vector for _, vector in orders],
        "rosters": vectors(ROSTER, make_rosters(call, members, of_a)),
        "forwards": vectors(FORWARD, [(member, {"messages": messages}) for member, messages in forwards]),
        "refusals": vectors(REFUSAL, make_refusals(members)),
        "check": make_check(call, a, b),
        "bundles": list(make_bundles(call, bundled)),
        "refused": list(refused_vectors(call, members, of_a, heartbeats[2][0])),
        "refused_bundles": [
            {"name": name, "from": 0, "message": bundle.hex()} for name, bundle in refused_bundles(call, bundled)
        ],
    }


def make_check(call, a, b):
    """One emoji check from start to both confirmations, and messages that end it."""
    label = f"call {call.kem} {call.suite} check "
    check = random(label + "id", 16)
    secrets = [random(label + who, 32) for who in "ab"]
    publics = [x25519_public(secret) for secret in secrets]
    secret = x25519(secrets[0], publics[1])
    assert secret == x25519(secrets[1], publics[0])
    data = [call.group_hash, check]
    for member, public in zip((a, b), publics):
        data += [member["identity"], member["session"], public]
    sas = expand(secret, "sas", b"".join(data), 6)

    def commitment(check, first, second, public):
        return H("sas commit", check, first["session"], second["session"], public)

    def confirmation(one, other, secret):
        return H("sas confirm", check, one["session"], other["session"], secret)

    def message(one, other, stage, data, check=check):
        fields = {"target": other["session"], "check": check, "stage": stage, "data": data}
        return message_of(call, one, SAS, fields)[1]

    commit = commitment(check, a, b, publics[0])
    messages = [
        message(a, b, 1, commit),
        message(b, a, 2, publics[1]),
        message(a, b, 3, publics[0]),
        message(b, a, 5, confirmation(b, a, secret)),
        message(a, b, 5, confirmation(a, b, secret)),
    ]
    other = random(label + "other", 32)
    refused = [
        ("reply of small order", message(b, a, 2, bytes(32))),
        ("reveal of another key than committed to", message(a, b, 3, x25519_public(other))),
        ("reveal of the commitment", message(a, b, 3, commit)),
        ("reveal of B's own key", message(a, b, 3, publics[1])),
        ("confirmation of the other", message(b, a, 5, confirmation(a, b, secret))),
        ("confirmation of another secret", message(b, a, 5, confirmation(b, a, other))),
        ("confirmation of nothing", message(b, a, 5, bytes(32))),
    ]
    return {
        "a": {"member": a["at"], "secret": secrets[0].hex(), "public": publics[0].hex()},
        "b": {"member": b["at"], "secret": secrets[1].hex(), "public": publics[1].hex()},
        "check": check.hex(),
        "secret": secret.hex(),
        "sas": sas.hex(),
        "emoji": emoji(sas),
        "messages": messages,
        "cancel": message(b, a, 4, bytes(32), random(label + "cancelled", 16)),
        "refused": [{"name": name, "message": vector["message"]} for name, vector in refused],
    }


# --- Messages to be refused ----------------------------------------------------------------------


def flipped(data, at, bit=0):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def good_fields(call, members, of_a, heartbeat):
    """One of each type: its sender, and the fields of its body."""
    a, b, c = members
    update = of_a.made[HELD]
    ack = {"generation": update["generation"], "step": update["step"]}
    ack["mac"] = ack_mac(update["base_key"], update["header_hash"], b["session"])
    reply = {"target": b["session"], "check": random("refused check", 16), "stage": 2}
    extensions = [{"id": 1, "data": b"one"}, {"id": 2, "data": b"two"}]
    announce = announce_fields(call, a, versions=b"\1\2", credential=b"credential", extensions=extensions)
    entries = [roster_entry(be(at << 60, 8), at) for at in (1, 2, 3)]
    forwarded = [message_of(call, c, LEAVE, {})[0], update["update_header"]]
    identities = [member["identity"] for member in members]
    lock = {"counter": 3, "action": 1, "target": bytes(16)}
    lock["identities"] = identity_tags(a["session"], 3, identities)
    return {
        ANNOUNCE: (a, announce),
        KEY_UPDATE: (a, update),
        REQUEST: (b, {"target": a["session"], "wants": 5}),
        ACK: (b, ack),
        HEARTBEAT: (a, heartbeat),
        LEAVE: (a, {}),
        ORDER: (a, lock),
        ROSTER: (a, {"flags": 1, "first": be(1 << 60, 8), "last": be(3 << 60, 8), "entries": entries}),
        FORWARD: (a, {"messages": forwarded}),
        REFUSAL: (a, {"target": b["session"], "reason": 5, "other": c["session"]}),
        SAS: (a, {**reply, "data": x25519_public(random("refused reply", 32))}),
        UPDATE_HEADER: (a, update),
    }


class Maker:
    """Makes messages with a single defect.

    An update's entry is made for the given head and body, with the key for its recipient.
    """

    def __init__(self, call, members, of_a, heartbeat):
        self.call, self.members, self.of_a = call, members, of_a
        self.update = of_a.made[HELD]
        self.good = good_fields(call, members, of_a, heartbeat)
        self.made = 0

    def body(self, type, **changed):
        return body(type, {**self.good[type][1], **changed})

    def unsigned(self, type, content, session=None, **other_head):
        if session is None:
            is_announce = type == ANNOUNCE
            session = announce_hash(self.call, content)[:16] if is_announce else self.sender(type)["session"]
        return head(self.call, type, session, **other_head) + content

    def sender(self, type):
        return self.good[type][0] if type in self.good else self.members[0]

    def commit(self, type):
        return self.update["key_commit"] if type == KEY_UPDATE else b""

    def to_sign(self, type, unsigned):
        if type not in NAMES:
            return to_sign(self.call, LEAVE, unsigned)
        return to_sign(self.call, type, unsigned, self.commit(type))

    def signed(self, type, content, **other_head):
        """The whole message, with this body."""
        unsigned = self.unsigned(type, content, **other_head)
        return self.complete(type, unsigned, self.to_sign(type, unsigned))

    def complete(self, type, unsigned, content):
        signature = b"" if type == ACK else ed25519_sign(self.sender(type)["identity_secret"], content)
        return unsigned + signature + self.after(type, unsigned)

    def after(self, type, unsigned):
        if type != KEY_UPDATE:
            return b""
        self.made += 1
        a, b, _ = self.members
        return make_entry(self.call, a, b, 0, unsigned, self.update["base_key"], f"refused {self.made}")[0]


def refused_vectors(call, members, of_a, heartbeat):
    """All that can be is validly signed: only the rule in a name rejects its message.

    Cases that do not depend on the media suite exist for suite 4 only, those that do not depend on
    the KEM for KEM 1.
    """
    a, b, _ = members
    names, maker = set(), Maker(call, members, of_a, heartbeat)
    kinds = [type_refusals, field_refusals, list_refusals, length_refusals] if call.suite == 4 else []
    kinds += [session_refusals, signature_refusals] if call.suite == 4 else []
    for kind in [*kinds, entry_refusals, commitment_refusals, ack_refusals]:
        for name, refusal, type, message in kind(maker):
            if call.kem != 1 and type not in (ANNOUNCE, KEY_UPDATE, ACK, HEARTBEAT):
                continue
            sender = maker.sender(type)
            to = a if sender is b else b
            try:
                receive(call, sender, message, to, maker.update)
            except Refused as why:
                assert str(why) == refusal, (name, str(why), refusal)
            else:
                raise AssertionError(f"taken: {name}")
            assert name not in names, name
            names.add(name)
            where = {"from": sender["at"], "to": to["at"], "update": HELD}
            yield {"name": name, "kind": refusal, **where, "message": message.hex()}


def type_refusals(maker):
    """Defects that every type must reject."""
    call = maker.call
    for type, (member, _) in maker.good.items():
        what, of = NAMES[type], maker.body(type)
        message, end = maker.signed(type, of), HEAD_LEN + len(of)
        receive(call, member, message, maker.members[1], maker.update)
        yield f"{what}: shorter by one byte", "malformed", type, message[:-1]
        yield f"{what}: longer by one byte", "malformed", type, message + b"\0"
        missing = message[: end - 8] if type == ACK else message[:end] + message[end + SIGNATURE_LEN :]
        yield f"{what}: {'mac' if type == ACK else 'signature'} missing", "malformed", type, missing
        yield f"{what}: half a head", "malformed", type, message[:11]
        if of:
            yield f"{what}: only the head, signed", "malformed", type, maker.signed(type, b"")
            yield f"{what}: body shorter by one byte", "malformed", type, maker.signed(type, of[:-1])
        yield f"{what}: body longer by one byte", "malformed", type, maker.signed(type, of + b"\0")
        yield f"{what}: twice", "malformed", type, message + message
        for version in (0, 2, 255):
            yield f"{what}: version {version}", "head", type, maker.signed(type, of, version=version)
        for name, tag in [
            ("tag of another group", H("group", call.group_id + b"\0")[:4]),
            ("tag of the bare group id", hashlib.sha256(call.group_id).digest()[:4]),
            ("last bytes of group_hash for a tag", call.group_hash[-4:]),
            ("last bit of the tag flipped", flipped(call.tag, -1)),
        ]:
            yield f"{what}: {name}", "head", type, maker.signed(type, of, tag=tag)
    yield "no bytes at all", "malformed", LEAVE, b""
    yield "one byte", "malformed", LEAVE, b"\1"
    for type in (0, 13, 255):
        yield f"type {type}", "head", type, maker.signed(type, b"")
    order, update = maker.body(ORDER), maker.update
    yield "order: as a leave", "malformed", LEAVE, maker.signed(LEAVE, order)
    start = update["header"][:-32]
    with_commit = maker.complete(KEY_UPDATE, update["header"], update["to_sign"])
    yield "key update: with its commitment", "malformed", KEY_UPDATE, with_commit
    yield "key update: without an entry", "malformed", KEY_UPDATE, start + update["signature"]
    two = start + update["signature"] + 2 * update["entry"]
    yield "key update: two entries", "malformed", KEY_UPDATE, two
    header = update["update_header"]
    yield "update header: with an entry", "malformed", UPDATE_HEADER, header + update["entry"]
    bare = header[: HEAD_LEN + 38] + update["signature"]
    yield "update header: without its commitment", "malformed", UPDATE_HEADER, bare
    as_update = header[:1] + bytes([KEY_UPDATE]) + header[2:]
    yield "key update: a header in its place", "malformed", KEY_UPDATE, as_update


def field_refusals(maker):
    """Fields out of their range, each signed."""
    undefined = (LEFT | 0x10, LEFT | 0x20, LEFT | 0x40, LEFT | 0x80, DELIVERY | 0x10)
    for type, name, values in [
        (ANNOUNCE, "role", (3, 255)),
        (ANNOUNCE, "kem", (0, 3, 255)),
        (KEY_UPDATE, "flags", (6, 7, NO_ACK | 6, NO_ACK | 7, *undefined)),
        (UPDATE_HEADER, "flags", (6, 7, NO_ACK | 6, NO_ACK | 7, *undefined)),
        (KEY_UPDATE, "step", (1, 255)),
        (UPDATE_HEADER, "step", (1, 255)),
        (REQUEST, "wants", (0, 16, 17, 128, 255)),
        (HEARTBEAT, "seq", (0,)),
        (HEARTBEAT, "flags", (8, 16, 32, 64, 128)),
        (ORDER, "action", (0, 4, 255)),
        (ROSTER, "flags", (2, 3, 128)),
        (REFUSAL, "reason", (0, 8, 255)),
        (SAS, "stage", (0, 6, 255)),
    ]:
        for value in values:
            message = maker.signed(type, maker.body(type, **{name: value}))
            yield f"{NAMES[type]}: {name} {value}", "malformed", type, message
    for type in (KEY_UPDATE, UPDATE_HEADER):
        for reason in (START, TIMER, LIMIT, SUSPICION):
            message = maker.signed(type, maker.body(type, flags=reason, step=1))
            yield f"{NAMES[type]}: step 1 with reason {reason}", "malformed", type, message
    target, lock = maker.members[2]["session"], maker.good[ORDER][1]["identities"]
    for name, changed in [
        ("lock with a target", {"target": target}),
        ("unlock with a target", {"action": 2, "target": target, "identities": []}),
        ("unlock that names identities", {"action": 2}),
        ("unlock that names one identity", {"action": 2, "identities": lock[:1]}),
        ("unlock with one byte of an identity", {"action": 2, "identities": b"\0"}),
        ("removal with an identity cut", {"action": 3, "target": target, "identities": lock[0][:-1]}),
        ("removal with an identity and a byte", {"action": 3, "target": target, "identities": lock[0] + b"\0"}),
        ("removal that names no identity", {"action": 3, "target": target, "identities": []}),
        ("removal that names two identities", {"action": 3, "target": target, "identities": lock[:2]}),
    ]:
        yield f"order: {name}", "malformed", ORDER, maker.signed(ORDER, maker.body(ORDER, **changed))
    for reason in (1, 2, 3, 4, 6):
        message = maker.signed(REFUSAL, maker.body(REFUSAL, reason=reason))
        yield f"refusal: reason {reason} with another session", "malformed", REFUSAL, message
    other = 9 - maker.call.suite
    for name, changed in [
        ("media suite 0", {"media_suite": 0}),
        (f"media suite {other}", {"media_suite": other}),
        ("media suite of other byte order", {"media_suite": maker.call.suite << 8}),
        ("another KEM", {"kem": 3 - maker.call.kem, "prekey": prekey_of_other_kem(maker.call)}),
    ]:
        yield f"announce: {name}", "suite", ANNOUNCE, maker.signed(ANNOUNCE, maker.body(ANNOUNCE, **changed))


def prekey_of_other_kem(call):
    other = KEMS[3 - call.kem]
    return other.public(other.derive(b"other"))


def list_refusals(maker):
    """Lists out of order, with duplicates, or with parts that do not fit."""
    fields = {type: of for type, (_, of) in maker.good.items()}
    one, two = fields[ANNOUNCE]["extensions"]
    lock, roster = fields[ORDER]["identities"], fields[ROSTER]["entries"]
    entries, messages = packed("entries", roster), packed("messages", fields[FORWARD]["messages"])
    extensions, tags = packed("extensions", [one, two]), packed("identities", lock)
    lowest, highest = bytes(8), b"\xff" * 8
    outside = {"first": lowest, "last": highest}

    def with_status(status):
        return [{**roster[0], "status": status}, *roster[1:]]

    long_entries = [roster_entry(be(at, 8), 1) for at in range(742)]
    long_tags = [be(at, 12) for at in range(1026)]
    for type, name, cases in [
        (
            ANNOUNCE,
            "versions",
            [
                ("empty", b""),
                ("without 1", b"\2\3"),
                ("descending", b"\2\1"),
                ("with a duplicate", b"\1\1"),
                ("with a duplicate later", b"\1\2\2"),
                ("of 17 bytes", bytes(range(1, 18))),
            ],
        ),
        (
            ANNOUNCE,
            "extensions",
            [
                ("descending", [two, one]),
                ("with a duplicate", [one, one]),
                ("with one id and other data", [one, {**one, "data": b"other"}]),
                ("with the first cut", extensions[1:]),
                ("with the last cut", extensions[:-1]),
                ("with a byte more", extensions + b"\0"),
                ("of one id alone", be(1, 2)),
                ("of 1025 bytes", [one, {"id": 2, "data": bytes(1025 - 7 - 4)}]),
                ("with data longer than all of them", be(1, 2) + be(1021, 2) + bytes(1020)),
            ],
        ),
        (
            ORDER,
            "identities",
            [
                ("descending", lock[::-1]),
                ("with a duplicate", [lock[0], lock[0], lock[1]]),
                ("with a duplicate later", [*lock, lock[0]]),
                ("cut", tags[:-1]),
                ("of one byte", b"\0"),
                ("with a byte more", tags + b"\xff"),
                ("of 1026", long_tags),
            ],
        ),
        (
            ROSTER,
            "entries",
            [
                ("descending", roster[::-1]),
                ("with a duplicate", [roster[0], roster[0], roster[2]]),
                ("with one session twice", [roster[0], {**roster[0], "status": 2}, roster[2]]),
                ("cut", entries[:-1]),
                ("of one byte", b"\0"),
                ("with a byte more", entries + b"\0"),
                ("with status 0", with_status(0)),
                ("with status 9", with_status(9)),
                ("with status 255", with_status(255)),
                ("below the first", [roster_entry(be((1 << 60) - 1, 8), 1), *roster]),
                ("above the last", [*roster, roster_entry(be((3 << 60) + 1, 8), 1)]),
                ("of whole session ids", b"".join(random(f"whole {at}", 16) for at in range(3))),
            ],
        ),
        (
            FORWARD,
            "messages",
            [
                ("cut", messages[:-1]),
                ("with half a length", messages + b"\0"),
                ("without lengths", b"".join(fields[FORWARD]["messages"])),
                ("with a length that lies", messages + be(200, 2) + bytes(199)),
                ("of 13601 bytes", messages + field(bytes(13_601 - len(messages) - 2), "x14000")),
                ("in more than 14000 bytes", messages + field(bytes(14_001), "x14000")),
            ],
        ),
    ]:
        for case, value in cases:
            content = maker.body(type, **{name: value})
            yield f"{NAMES[type]}: {name} {case}", "malformed", type, maker.signed(type, content)
    message = maker.signed(ROSTER, maker.body(ROSTER, **outside, entries=long_entries))
    yield "roster: entries of 742", "malformed", ROSTER, message


def length_refusals(maker):
    """Parts of wrong length, and wrong lengths of parts; each signed."""
    call, key = maker.call, maker.members[0]["prekeys"][0]["public"]
    keys = [
        ("shorter by one byte", key[:-1]),
        ("longer by one byte", key + b"\0"),
        ("of the other KEM", prekey_of_other_kem(call)),
        ("longer than any", (key + bytes(1217))[:1217]),
    ]
    for type, cases in [(ANNOUNCE, [("empty", b""), *keys]), (HEARTBEAT, [("of one byte", b"\0"), *keys])]:
        for name, prekey in cases:
            message = maker.signed(type, maker.body(type, prekey=prekey))
            yield f"{NAMES[type]}: prekey {name}", "malformed", type, message
    for name, length in (("credential", 4097), ("address", 256)):
        message = maker.signed(ANNOUNCE, maker.body(ANNOUNCE, **{name: bytes(length)}))
        yield f"announce: {name} of {length} bytes", "malformed", ANNOUNCE, message
    for type in (ANNOUNCE, HEARTBEAT, ORDER, ROSTER, FORWARD):
        of, at = maker.body(type), 0
        for name, width in BODIES[type]:
            value = maker.good[type][1][name]
            if not isinstance(width, str) or width in WIDTHS:
                at += len(field(value, width))
                continue
            length = len(packed(name, value) if name in LISTS else value)
            for lie in dict.fromkeys((length - 1, length + 1, 0, 0xFFFF)):
                if lie not in (length, -1):
                    lying = of[:at] + be(lie, 2) + of[at + 2 :]
                    yield f"{NAMES[type]}: {name} length {lie}", "malformed", type, maker.signed(type, lying)
            at += 2 + length


def session_refusals(maker):
    """Announces whose session is not the hash of their content; each signed."""
    call, of = maker.call, maker.body(ANNOUNCE)
    hash = announce_hash(call, of)
    for name, session in [
        ("first bit flipped", flipped(hash[:16], 0, 7)),
        ("last bit flipped", flipped(hash[:16], -1)),
        ("all zeros", bytes(16)),
        ("the last bytes of the hash", hash[16:]),
        ("of another announce", maker.members[0]["session"]),
        ("hash without group_hash", H("announce", of)[:16]),
        ("hash in another group", H("announce", H("group", b"another"), of)[:16]),
        ("hash with the tag for group_hash", H("announce", call.tag, of)[:16]),
        ("hash under the name of old", H("announced", call.group_hash, of)[:16]),
        ("hash without domain and name", hashlib.sha256(call.group_hash + of).digest()[:16]),
        ("hash without the zero byte", hashlib.sha256(DOMAIN + b"announce" + call.group_hash + of).digest()[:16]),
    ]:
        yield f"announce: session {name}", "session", ANNOUNCE, maker.signed(ANNOUNCE, of, session=session)
    message = maker.signed(ANNOUNCE, of)
    for name, at in (("first bit of the body", HEAD_LEN), ("last bit of the body", HEAD_LEN + len(of) - 1)):
        yield f"announce: {name} flipped", "session", ANNOUNCE, flipped(message, at)


def signature_refusals(maker):
    call, members = maker.call, maker.members
    other_group = H("group", b"another")
    for type, (member, _) in maker.good.items():
        if type == ACK:
            continue
        what, of = NAMES[type], maker.body(type)
        unsigned = maker.unsigned(type, of)
        content, after = maker.to_sign(type, unsigned), maker.after(type, unsigned)
        secret = member["identity_secret"]
        signature, commit = ed25519_sign(secret, content), maker.commit(type)
        # An update's header is signed like the update.
        name, covered = (NAMES[KEY_UPDATE], as_update(unsigned)) if type == UPDATE_HEADER else (what, unsigned)
        label = DOMAIN + name.encode() + b"\0"
        assert content == label + call.group_hash + covered + commit

        def with_signature(signature):
            return "signature", type, unsigned + signature + after

        yield f"{what}: bit of R flipped", *with_signature(flipped(signature, 0))
        yield f"{what}: bit of s flipped", *with_signature(flipped(signature, 32))
        yield f"{what}: signature all zeros", *with_signature(bytes(SIGNATURE_LEN))
        s = int.from_bytes(signature[32:], "little") + L
        yield f"{what}: s + L", *with_signature(signature[:32] + s.to_bytes(32, "little"))
        loose = signed_with_small_order_r(secret, content)
        assert ed25519_verify_loosely(member["identity"], content, loose)
        yield f"{what}: R of small order", *with_signature(loose)
        other = members[(member["at"] + 1) % 3]["identity_secret"]
        yield f"{what}: signed by another member", *with_signature(ed25519_sign(other, content))
        rest = covered + commit
        next_name = NAMES[type % len(NAMES) + 1]
        for how, content in [
            ("under another type's name", DOMAIN + next_name.encode() + b"\0" + call.group_hash + rest),
            ("for another group", label + other_group + rest),
            ("without group_hash", label + rest),
            ("with the tag for group_hash", label + call.tag + rest),
            ("with group_hash behind the head", label + rest[:HEAD_LEN] + call.group_hash + rest[HEAD_LEN:]),
            ("without domain and name", call.group_hash + rest),
            ("without the head", label + call.group_hash + rest[HEAD_LEN:]),
            ("without the zero byte", label[:-1] + call.group_hash + rest),
            ("under version 2's name", label.replace(b"1", b"2", 1) + call.group_hash + rest),
        ]:
            yield f"{what}: signed {how}", *with_signature(ed25519_sign(secret, content))
        if type == KEY_UPDATE:
            for how, content in [
                ("without its commitment", label + call.group_hash + unsigned),
                ("with its entry", label + call.group_hash + unsigned + after),
                ("with its commitment before the body", label + call.group_hash + unsigned[:22] + commit + of),
                ("as an update header", label + call.group_hash + bytes([1, UPDATE_HEADER]) + rest[2:]),
            ]:
                yield f"key update: signed {how}", *with_signature(ed25519_sign(secret, content))
        if type == UPDATE_HEADER:
            for how, content in [
                ("with its own type and the update's name", label + call.group_hash + unsigned),
                ("with its own type and name", DOMAIN + what.encode() + b"\0" + call.group_hash + unsigned),
                ("with its own name", DOMAIN + what.encode() + b"\0" + call.group_hash + covered),
                ("without its commitment", label + call.group_hash + covered[:-32]),
            ]:
                yield f"update header: signed {how}", *with_signature(ed25519_sign(secret, content))
        if type == ANNOUNCE:
            continue
        moved = flipped(unsigned, HEAD_LEN - 1)
        message = moved + signature + maker.after(type, moved)
        yield f"{what}: another session, not signed anew", "signature", type, message
        if of:
            # The last bit of a hash, a session, a tag or data.
            moved = flipped(unsigned, -1)
            message = moved + signature + maker.after(type, moved)
            yield f"{what}: last bit of the body flipped", "signature", type, message
    yield from small_order_refusals(maker)


def small_order_refusals(maker):
    """Announces of identities that anybody can sign for."""
    for name, identity in [
        ("the neutral element", NEUTRAL),
        ("of order 2", ORDER_2),
        ("of order 4", ORDER_4),
        ("of order 8", ORDER_8),
        ("the neutral element, not reduced", NEUTRAL_NOT_REDUCED),
    ]:
        unsigned = maker.unsigned(ANNOUNCE, maker.body(ANNOUNCE, identity=identity))
        content = maker.to_sign(ANNOUNCE, unsigned)
        forged = forged_for_small_order(identity, content, f"forged {name}")
        assert ed25519_verify_loosely(identity, content, forged)
        yield f"announce: identity {name}", "signature", ANNOUNCE, unsigned + forged
    no_point = maker.body(ANNOUNCE, identity=be(2, 1) + bytes(31))
    yield "announce: identity no point", "signature", ANNOUNCE, maker.signed(ANNOUNCE, no_point)


def entry_refusals(maker):
    """Entries that do not open."""
    call, update = maker.call, maker.update
    a, b, c = maker.members
    kem, aad, base_key = KEMS[call.kem], update["header"][:-32], update["base_key"]
    start, entry, other = aad + update["signature"], update["entry"], maker.of_a.made[HELD + 1]
    assert entry[:4] == b["session"][:2] + bytes(2) and other["entry"][:2] == c["session"][:2]
    assert other["header"] == update["header"]

    def made(label, recipient=b, aad=aad, pt=base_key, prekey_number=0, **replaced):
        return make_entry(call, a, recipient, prekey_number, aad, pt, f"refused {label}", **replaced)[0]

    def refused(name, entry, kind="entry"):
        return f"key update: {name}", kind, KEY_UPDATE, start + entry

    assert receive(call, a, start + entry, b)[2]["base_key"] == base_key
    yield refused("entry for another", other["entry"])
    yield refused("another's entry under the recipient's number", entry[:4] + other["entry"][4:])
    yield refused("entry under another number", c["session"][:2] + entry[2:])
    yield refused("entry under the sender's number", a["session"][:2] + entry[2:])
    for number in (1, 3, 0xFFFF):
        yield refused(f"entry for prekey 0 under prekey {number}", entry[:2] + be(number, 2) + entry[4:])
    yield refused("entry for prekey 1 under prekey 0", entry[:4] + made("prekey 1", prekey_number=1)[4:])
    yield refused("entry for a prekey that there is not", entry[:2] + be(256, 2) + entry[4:])
    for name, at in [
        ("first byte of enc", 4),
        ("last byte of enc", 3 + kem.nenc),
        ("first byte of the ciphertext", 4 + kem.nenc),
        ("last byte of the tag", -1),
    ]:
        yield refused(f"bit flipped, {name}", flipped(entry, at))
    yield refused("enc all zeros", entry[:4] + bytes(kem.nenc) + entry[4 + kem.nenc :])
    yield refused("ciphertext of another entry", entry[: 4 + kem.nenc] + other["entry"][4 + kem.nenc :])
    yield refused("entry of another update", made("moved", aad=maker.of_a.made[0]["header"][:-32]))
    for name, aad in [
        ("empty", b""),
        ("the body alone", aad[HEAD_LEN:]),
        ("the header with its commitment", update["header"]),
        ("head, body and signature", start),
        ("hash of the header", update["header_hash"]),
        ("with group_hash before it", call.group_hash + aad),
        ("of an update header", update["update_header"][: len(aad)]),
    ]:
        yield refused(f"aad {name}", made(f"aad {name}", aad=aad))
    prekey, later = (b["prekeys"][number]["public"] for number in (0, 1))
    right = entry_info(call, a, b, prekey)
    label_len = len(DOMAIN) + 4
    for name, info in [
        ("empty", b""),
        ("another recipient's session", entry_info(call, a, {**b, "session": c["session"]}, prekey)),
        ("another recipient's identity", entry_info(call, a, {**b, "identity": c["identity"]}, prekey)),
        ("another recipient's prekey", entry_info(call, a, b, c["prekeys"][0]["public"])),
        ("another prekey of the recipient's", entry_info(call, a, b, later)),
        ("another sender's session", entry_info(call, {**a, "session": c["session"]}, b, prekey)),
        ("another sender's identity", entry_info(call, {**a, "identity": c["identity"]}, b, prekey)),
        ("sender and recipient swapped", entry_info(call, b, a, prekey)),
        ("another media suite", entry_info(call, a, b, prekey, suite=9 - call.suite)),
        ("another KEM", entry_info(call, a, b, prekey, kem=3 - call.kem)),
        ("another group", entry_info(call, a, b, prekey, group_hash=H("group", b"another"))),
        ("the tag for group_hash", entry_info(call, a, b, prekey, group_hash=call.tag)),
        ("no prekey", right[:-32]),
        ("the prekey itself instead of its hash", right[:-32] + prekey),
        ("without domain and name", right[label_len:]),
        ("without the zero byte", right[: label_len - 1] + right[label_len:]),
    ]:
        assert info != right, name
        yield refused(f"info with {name}" if info else "info empty", made(f"info {name}", info=info))
    for name, pt in [
        ("shorter by one byte", base_key[:-1]),
        ("longer by one byte", base_key + b"\0"),
        ("as long as the other media suite's", (base_key + base_key)[: 96 - call.nh]),
    ]:
        yield refused(f"base_key {name}", made(f"pt {name}", pt=pt), kind="malformed")


def commitment_refusals(maker):
    """Each entry opens, but the signature covers a commitment to another key.

    The recipient cannot tell that from a wrong signature: the commitment is not sent.
    """
    call, update = maker.call, maker.update
    a, b, _ = maker.members
    base_key, generation, step = update["base_key"], update["generation"], update["step"]
    unsigned = update["header"][:-32]
    bare = a["session"] + be(generation, 4) + be(step, 1)
    for name, commit in [
        ("another key", key_commit(call, random("another key", call.nh), a["session"], generation, step)),
        ("the next step's key", key_commit(call, ratchet(call.suite, base_key), a["session"], generation, step)),
        ("another session", key_commit(call, base_key, b["session"], generation, step)),
        ("another generation", key_commit(call, base_key, a["session"], generation + 1, step)),
        ("another step", key_commit(call, base_key, a["session"], generation, step + 1)),
        ("another name", expand(base_key, "ack", call.group_hash + bare, 32)),
        ("no group", expand(base_key, "commit", bare, 32)),
        ("a step of 32 bits", expand(base_key, "commit", call.group_hash + bare[:-1] + be(step, 4), 32)),
        ("nothing but the key", expand(base_key, "commit", b"", 32)),
        ("a key of leading zeros", key_commit(call, b"\0" + base_key[1:], a["session"], generation, step)),
        ("zeros", bytes(32)),
    ]:
        assert commit != update["key_commit"], name
        message = maker.complete(KEY_UPDATE, unsigned, to_sign(call, KEY_UPDATE, unsigned, commit))
        yield f"key update: commitment to {name}", "signature", KEY_UPDATE, message
        header = update["update_header"][: -32 - SIGNATURE_LEN] + commit + update["signature"]
        if call.suite == 4:
            yield f"update header: commitment to {name}", "signature", UPDATE_HEADER, header


def ack_refusals(maker):
    call, update, earlier = maker.call, maker.update, maker.of_a.made[0]
    a, b, c = maker.members
    key, hash = update["base_key"], update["header_hash"]
    right = ack_mac(key, hash, b["session"])
    good = maker.good[ACK][1]
    for name, changed in [
        ("first bit of the mac flipped", {"mac": flipped(right, 0, 7)}),
        ("last bit of the mac flipped", {"mac": flipped(right, -1)}),
        ("mac all zeros", {"mac": bytes(8)}),
        ("mac of another member", {"mac": ack_mac(key, hash, c["session"])}),
        ("mac of the sender", {"mac": ack_mac(key, hash, a["session"])}),
        ("mac of another update", {"mac": ack_mac(earlier["base_key"], earlier["header_hash"], b["session"])}),
        ("mac of another key", {"mac": ack_mac(earlier["base_key"], hash, b["session"])}),
        ("mac of another header", {"mac": ack_mac(key, earlier["header_hash"], b["session"])}),
        ("mac without the session", {"mac": expand(key, "ack", hash, 8)}),
        ("mac under another name", {"mac": expand(key, "commit", hash + b["session"], 8)}),
        ("mac cut from the key's commitment", {"mac": update["key_commit"][:8]}),
        ("mac of another's number alone", {"mac": ack_mac(key, hash, b["session"][:2])}),
        ("another generation", {"generation": good["generation"] + 1}),
        ("another step", {"step": good["step"] + 1}),
    ]:
        yield f"ack: {name}", "mac", ACK, maker.signed(ACK, maker.body(ACK, **changed))


# --- Hashes and codes of whole calls -------------------------------------------------------------


def orders_of(data):
    """Without duplicates, in several arbitrary orders."""
    orders = [data, data[::-1], data[len(data) // 2 :] + data[: len(data) // 2], sorted(data)]
    return [order for at, order in enumerate(orders) if order not in orders[:at]]


def roster_vectors():
    """The order of the members changes nothing."""
    group_hash = H("group", b"roster")
    for size in range(1, 9):
        for order in orders_of([random(f"announce {at}", 32) for at in range(size)]):
            hash, code = roster_hash(order), call_code(group_hash, order)
            yield {
                **plain_all({"group_hash": group_hash, "roster_hash": hash, "announce_hashes": order}),
                "call_code": code,
            }


def view_vectors():
    for size in range(1, 9):
        view = [
            (random(f"announce {at}", 32), at and 1 << 4 * at + 3, random(f"update {at}", 32) if at else bytes(32))
            for at in range(size)
        ]
        for order in orders_of(view):
            yield {"view_hash": view_hash(order).hex(), "members": plain_view(order)}


def orders_vectors():
    """None, and up to nine, in several orders; the last two have one signer and one counter."""
    sessions = [random(f"session {at}", 16) for at in range(3)]
    tags = sorted(random(f"tag {at}", 12) for at in range(4))
    orders = [
        (1, sessions[0], 3, sessions[2], tags[:1]),
        (1, sessions[1], 3, sessions[2], tags[1:2]),
        (2, sessions[0], 1, bytes(16), tags),
        (2, sessions[1], 2, bytes(16), []),
        (255, sessions[2], 3, random("removed", 16), tags[2:3]),
        (256, sessions[0], 3, bytes(16), tags[3:]),
        ((1 << 32) - 1, sessions[2], 2, bytes(16), []),
        (1 << 31, sessions[1], 1, bytes(16), tags[:2]),
        (1 << 31, sessions[1], 1, bytes(16), tags[1:]),
    ]
    for size in range(10):
        for order in orders_of(orders[:size]):
            yield {"orders_hash": orders_hash(order).hex(), "orders": plain_orders(order)}


def group_vectors():
    for group_id in (b"", b"\0", b"room", "café".encode(), bytes(range(256)), bytes(1000)):
        yield {"group_id": group_id.hex(), "group_hash": H("group", group_id).hex()}


# --- Reading them again --------------------------------------------------------------------------


def bytes_in(vector):
    """Hex back to bytes, except where it is a name, a kind or a code."""
    if isinstance(vector, list):
        return [bytes_in(part) for part in vector]
    if isinstance(vector, dict):
        words = ("name", "kind", "refused", "call_code")
        return {k: v if k in words and isinstance(v, str) else bytes_in(v) for k, v in vector.items()}
    if isinstance(vector, str):
        return int(vector, 16) if vector.startswith("0x") else bytes.fromhex(vector)
    return vector


def check_message(call, members, type, vector, recipient=None, update=None):
    """Its fields, read from `message`, are those of the vector, and its signature verifies."""
    sender = members[vector["from"]]
    message = vector["message"]
    got, session, fields = receive(call, sender, message, recipient, update)
    assert got == type and session == (vector if type == ANNOUNCE else sender)["session"], vector
    for name, _ in BODIES[type]:
        assert fields[name] == vector[name], (name, vector)
    if type == ACK:
        assert head(call, type, session) + body(type, vector) == message, vector
        return fields
    unsigned = head(call, type, session) + body(type, vector)
    assert message.startswith(unsigned), vector
    commit = vector["key_commit"] if type == KEY_UPDATE else b""
    assert to_sign(call, type, unsigned, commit) == vector["to_sign"], vector
    assert message[len(unsigned) :][:SIGNATURE_LEN] == vector["signature"], vector
    return fields


def check_header(call, members, vector):
    """A key that a member begins or delivers, sent or not; returns the hash of its header."""
    sender, header = members[vector["from"]], vector["header"]
    unsigned = head(call, KEY_UPDATE, sender["session"]) + body(KEY_UPDATE, vector)
    assert header == unsigned + vector["key_commit"]
    assert header_hash(call, header) == vector["header_hash"]
    assert ratchet(call.suite, vector["generation_key"], vector["step"]) == vector["base_key"]
    at = vector["generation"], vector["step"]
    assert key_commit(call, vector["base_key"], sender["session"], *at) == vector["key_commit"]
    fields = check_message(call, members, UPDATE_HEADER, {**vector, "message": vector["update_header"]})
    assert fields["key_commit"] == vector["key_commit"]
    return vector["header_hash"]


def check_update(call, members, vector):
    sender, recipient = members[vector["from"]], members[vector["to"]]
    check_header(call, members, vector)
    fields = check_message(call, members, KEY_UPDATE, vector, recipient)
    assert fields["base_key"] == vector["base_key"]
    prekey = recipient["prekeys"][vector["prekey_number"]]
    assert entry_info(call, sender, recipient, prekey["public"]) == vector["info"]
    start = recipient["session"][:2] + be(vector["prekey_number"], 2)
    assert vector["entry"] == start + vector["enc"] + vector["ct"]
    aad = vector["header"][:-32]
    assert vector["message"] == aad + vector["signature"] + vector["entry"]
    made = hpke_seal(KEMS[call.kem], prekey["public"], vector["info"], aad, vector["base_key"], vector["randomness"])
    assert made == (vector["enc"], vector["ct"])


def check_chain(call, vectors):
    """Each prev_hash is that of the generation it must refer to, if the file has it."""
    headers = [*vectors["begun"], *vectors["updates"]]
    begun = {
        (header["from"], header["generation"]): header["header_hash"]
        for header in headers
        if header["flags"] & 7 != DELIVERY
    }
    unknown = 0
    for header in headers:
        before = header["generation"] - (header["flags"] & 7 != DELIVERY)
        known = bytes(32) if before < 0 else begun.get((header["from"], before))
        assert known in (None, header["prev_hash"]), header
        unknown += known is None
    assert unknown == 1  # of the generation 2^32 - 2, begun without the one before it


def check_heartbeat(call, members, heartbeats, vector):
    fields = check_message(call, members, HEARTBEAT, vector)
    view = [(each["announce_hash"], each["newest"], each["update_hash"]) for each in vector["view"]]
    assert view_hash(view) == fields["view_hash"]
    announces = [member["announce_hash"] for member in members][: len(view)]
    assert roster_hash(announces) == fields["roster_hash"] and [each[0] for each in view] == announces
    assert view[vector["from"]][1:] == (fields["newest"], fields["update_hash"])
    assert orders_hash(orders_in(vector["orders"])) == fields["orders_hash"]
    assert all(counter <= fields["counter"] for counter, *_ in orders_in(vector["orders"]))
    at = vector["witness_at"]
    witness = witnessed(None if at is None else heartbeats[at]["message"])
    assert all(fields[name] == value for name, value in witness.items())
    prekey = members[vector["from"]]["prekeys"][fields["prekey_number"]]
    assert fields["prekey"] in (b"", prekey["public"])


def orders_in(orders):
    names = ("counter", "session", "action", "target", "identities")
    return [tuple(order[name] for name in names) for order in orders]


def check_forward(call, members, announces, vector):
    """Reads its messages too; returns how many there are."""
    by_session = {member["session"]: member for member in members}
    by_session |= {each["session"]: members[each["from"]] for each in announces}
    for message in check_message(call, members, FORWARD, vector)["messages"]:
        session = parse(call, message)[1]
        sender = by_session.get(session, members[0])  # an announce contains its own identity
        type, *_ = receive(call, sender, message)
        assert type in (ANNOUNCE, LEAVE, ORDER, UPDATE_HEADER)
    return len(vector["messages"])


def check_emoji(call, members, check):
    """Runs the check from both sides; returns its number of messages."""
    keys = {"a": check["a"], "b": check["b"]}
    a, b = (members[keys[who]["member"]] for who in "ab")
    for key in keys.values():
        assert x25519_public(key["secret"]) == key["public"]

    def take(stage_so_far, message):
        """Rejects a message as its recipient would at this point of the transcript."""
        sender = a if parse(call, message)[1] == a["session"] else b
        other = b if sender is a else a
        fields = receive(call, sender, message)[2]
        data, stage = fields["data"], fields["stage"]
        assert fields["target"] == other["session"] and fields["check"] == check["check"]
        if stage == 2 and x25519(keys["a"]["secret"], data) is None:
            raise Refused("check")
        if stage == 3:
            commit = H("sas commit", check["check"], a["session"], b["session"], data)
            if commit != stage_so_far[1]:
                raise Refused("check")
        secret = x25519(keys["b"]["secret"], keys["a"]["public"])
        confirm = H("sas confirm", check["check"], sender["session"], other["session"], secret)
        if stage == 5 and data != confirm:
            raise Refused("check")
        return stage, data

    seen = {}
    for vector in check["messages"]:
        check_message(call, members, SAS, vector)
        stage, data = take(seen, vector["message"])
        seen[stage] = data
    assert list(seen) == [1, 2, 3, 5] and len(check["messages"]) == 5
    assert seen[2] == keys["b"]["public"] and seen[3] == keys["a"]["public"]
    assert x25519(keys["a"]["secret"], seen[2]) == check["secret"]
    data = call.group_hash + check["check"] + a["identity"] + a["session"] + seen[3]
    data += b["identity"] + b["session"] + seen[2]
    assert expand(check["secret"], "sas", data, 6) == check["sas"]
    bits = "".join(f"{byte:08b}" for byte in check["sas"])
    assert [int(bits[6 * at : 6 * at + 6], 2) for at in range(7)] == check["emoji"]
    assert check_message(call, members, SAS, check["cancel"])["stage"] == 4
    for refused in check["refused"]:
        try:
            take(seen, refused["message"])
        except Refused as why:
            assert str(why) == "check", refused["name"]
        else:
            raise AssertionError(f"taken: {refused['name']}")
    return 6 + len(check["refused"])


def check_members(call, members):
    kem = KEMS[call.kem]
    for at, member in enumerate(members):
        member["at"] = at
        member["prekeys"] = {each["number"]: each for each in member["prekeys"]}
        assert ed25519_public(member["identity_secret"]) == member["identity"]
        for prekey in member["prekeys"].values():
            assert kem.derive(prekey["ikm"]) == prekey["secret"]
            assert kem.public(prekey["secret"]) == prekey["public"]
        assert member["announce_hash"][:16] == member["session"]
        assert int.from_bytes(member["session"][:2], "big") == member["number"]
    numbers = {member["number"] for member in members}
    assert len(numbers) == len(members)


def check_announce(call, members, vector):
    check_message(call, members, ANNOUNCE, vector)
    hash = announce_hash(call, vector["message"][HEAD_LEN:-SIGNATURE_LEN])
    assert hash == vector["announce_hash"] and hash[:16] == vector["session"]


def check_bundle(call, members, vector):
    messages = messages_of(vector["message"])
    assert messages == [each["message"] for each in vector["messages"]]
    for each in vector["messages"]:
        check_refused(call, members, {**each, "name": vector["name"]}, vector["from"], each["refused"])


def check_refused(call, members, vector, sender, kind, recipient=None, update=None):
    """It is rejected for this reason, or accepted if there is none."""
    try:
        receive(call, members[sender], vector["message"], recipient, update)
    except Refused as why:
        assert str(why) == kind, vector["name"]
    else:
        assert kind is None, vector["name"]


def check_call(vectors):
    call = Call(vectors["kem"], vectors["media_suite"], vectors["group_id"])
    assert call.group_hash == vectors["group_hash"]
    members, updates = vectors["members"], vectors["updates"]
    check_members(call, members)
    for vector in vectors["announces"]:
        check_announce(call, members, vector)
    for member, announce in zip(members, vectors["announces"]):
        assert announce["announce_hash"] == member["announce_hash"]
    for vector in vectors["begun"]:
        check_header(call, members, vector)
    for vector in updates:
        check_update(call, members, vector)
    check_chain(call, vectors)
    for vector in vectors["acks"]:
        update = updates[vector["update"]]
        assert update["to"] == vector["from"] and not update["flags"] & NO_ACK
        check_message(call, members, ACK, vector, update=update)
    for vector in vectors["heartbeats"]:
        check_heartbeat(call, members, vectors["heartbeats"], vector)
    for vector in vectors["orders"]:
        fields = check_message(call, members, ORDER, vector)
        session = members[vector["from"]]["session"]
        assert identity_tags(session, fields["counter"], vector["named"]) == fields["identities"]
    names = {"requests": REQUEST, "leaves": LEAVE, "rosters": ROSTER, "refusals": REFUSAL}
    for name, type in names.items():
        for vector in vectors[name]:
            check_message(call, members, type, vector)
    done = sum(check_forward(call, members, vectors["announces"], vector) for vector in vectors["forwards"])
    done += check_emoji(call, members, vectors["check"])
    for vector in vectors["bundles"]:
        check_bundle(call, members, vector)
    for vector in vectors["refused_bundles"]:
        try:
            messages_of(vector["message"])
        except Refused:
            continue
        raise AssertionError(f"taken: {vector['name']}")
    for vector in vectors["refused"]:
        assert vector["from"] != vector["to"]
        held = updates[vector["update"]]
        check_refused(call, members, vector, vector["from"], vector["kind"], members[vector["to"]], held)
    others = ("members", "announces", "begun", "acks", "heartbeats", "orders", "forwards", "bundles")
    counted = (*names, *others, "refused_bundles", "refused")
    return done + sum(len(vectors[name]) for name in counted) + 2 * len(updates)


def check(path):
    """Reads and verifies every vector in a file; returns how many."""
    with open(path, encoding="utf-8") as file:
        vectors = bytes_in(json.load(file))
    done = sum(check_call(call) for call in vectors["calls"])
    for vector in vectors["groups"]:
        assert H("group", vector["group_id"]) == vector["group_hash"]
    for vector in vectors["roster_hashes"]:
        announces = vector["announce_hashes"]
        assert roster_hash(announces) == vector["roster_hash"]
        assert call_code(vector["group_hash"], announces) == vector["call_code"]
    for vector in vectors["view_hashes"]:
        members = [(each["announce_hash"], each["newest"], each["update_hash"]) for each in vector["members"]]
        assert view_hash(members) == vector["view_hash"]
    for vector in vectors["orders_hashes"]:
        assert orders_hash(orders_in(vector["orders"])) == vector["orders_hash"]
    names = ("groups", "roster_hashes", "view_hashes", "orders_hashes")
    return done + sum(len(vectors[name]) for name in names)


def main(arguments):
    self_check()
    if arguments and arguments[0] == "--check" and len(arguments) == 2:
        done = check(arguments[1])
        print(f"{done} vectors agree: {arguments[1]}")
        return
    if arguments:
        sys.exit(__doc__)
    vectors = {
        "calls": [make_call(kem, suite) for kem in KEMS for suite in SUITE_HASHES],
        "groups": list(group_vectors()),
        "roster_hashes": list(roster_vectors()),
        "view_hashes": list(view_vectors()),
        "orders_hashes": list(orders_vectors()),
    }
    json.dump(vectors, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
