#!/usr/bin/env python3
"""Makes group.json: test vectors for the group protocol of crates/group/PROTOCOL.md, version 1.

    python3 make_group.py > group.json       writes the vectors; the same bytes every time
    python3 make_group.py --check FILE       reads them again as those would to whom they are sent

Follows PROTOCOL.md, RFC 9180 (HPKE, base mode, single shot), draft-ietf-hpke-pq (X-Wing in HPKE),
draft-connolly-cfrg-xwing-kem and RFC 9605 (section 5.1), and shares no code with any implementation of
them. AES-GCM, Ed25519, X25519 and ML-KEM's decapsulation come from the package `cryptography`, ML-KEM's
encapsulation with given randomness from `kyber-py`, HMAC, SHA-2 and SHA-3 from Python's standard
library: pip install cryptography==48.0.0 kyber-py==1.2.0.

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
    """RFC 8032 as OpenSSL checks it, which takes points of small order."""
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
    """A signature that anyone can make for a key of small order: R = sB, and the challenge cancels the key."""
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
        """Randomness is ikmE, of which DeriveKeyPair makes the ephemeral key."""
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
    """Holds the above against published answers and against HPKE of the package `cryptography`."""
    hex = bytes.fromhex
    # RFC 9180 A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, first encryption.
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
    # draft-connolly-cfrg-xwing-kem, appendix C, first vector: its bytes are SHAKE-128 of nothing.
    kem, shake = KEMS[2], hashlib.shake_128(b"").digest(96)
    shared_secret, enc = kem.encaps(kem.public(shake[:32]), shake[32:])
    assert shared_secret == hex("d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384")
    assert kem.decaps(shake[:32], enc) == shared_secret
    # The vector of draft-ietf-hpke-pq for MLKEM768-X25519, HKDF-SHA256 and ChaCha20Poly1305, which differs
    # from ours in the AEAD: keys and key schedule.
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
    # What we seal, `cryptography` opens; it takes no aad.
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


# --- §1: words and notation; §2: messages --------------------------------------------------------

DOMAIN = b"sealframe group 1 "
HEAD_LEN, HEADER_LEN, SIGNATURE_LEN, MESSAGE_MAX = 51, 174, 64, 262_144
UPDATE_LEN = HEADER_LEN + SIGNATURE_LEN
SUITE_HASHES = {4: "sha256", 5: "sha512"}  # of the media suite, for the ratchet

NAMES = {
    1: "announce",
    2: "key update",
    3: "key request",
    4: "ack",
    5: "heartbeat",
    6: "leave",
    7: "control",
    8: "evidence",
    9: "check",
}
U8, U16, U32, U64 = "u8", "u16", "u32", "u64"  # a number; otherwise that many bytes
WIDTHS = {U8: 1, U16: 2, U32: 4, U64: 8}
NONCE = [("nonce_number", U8), ("nonce", 24)]
BODIES = {
    1: [("media_suite", U16), ("sender", U16), ("role", U8), ("identity", 32), ("kem_key", "x1216")]
    + NONCE
    + [("credential", "x4096")],
    2: [("reason", U8), ("seq", U64), ("generation", U64), ("step", U32), ("apply_ms", U32)]
    + [("roster_hash", 32), ("prev_hash", 32), ("key_commit", 32), ("count", U16)],
    3: [("target", 16), ("seq", U64)] + NONCE,
    4: [("target", 16), ("seq", U64), ("mac", 16)],
    5: [("seq", U64), ("newest", U64), ("update_hash", 32), ("generation", U64), ("step", U32)]
    + [("frames", U64), ("roster_hash", 32), ("view_hash", 32), ("control", U64), ("locked", U8)]
    + NONCE,
    6: [],
    7: [("counter", U64), ("action", U8), ("target", 16)],
    8: [("updates", "updates")],
    9: [("target", 16), ("check", 16), ("stage", U8), ("data", 32)],
}
RANGES = {
    "role": range(3),
    "reason": range(7),
    "generation": range(1 << 40),
    "newest": range(1 << 40),
    "step": range(256),
    "locked": range(2),
    "action": range(1, 4),
    "stage": range(1, 6),
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
    """malformed, head, signature, suite, entry, commitment, mac or check."""


class Call:
    def __init__(self, kem, suite, group_id):
        self.kem, self.suite, self.group_id = kem, suite, group_id
        self.group_hash = H("group", group_id)
        self.nh = hashlib.new(SUITE_HASHES[suite]).digest_size
        self.entry_len = 16 + 1 + KEMS[kem].nenc + self.nh + 16


def head(call, type, session, version=1, kem=None, group_hash=None):
    return bytes([version, type, kem or call.kem]) + (group_hash or call.group_hash) + session


def field(value, width):
    if width in WIDTHS:
        return be(value, WIDTHS[width])
    if width == "updates":
        return be(len(value), 2) + b"".join(field(update, "x512") for update in value)
    if isinstance(width, int):
        assert len(value) == width
        return value
    return be(len(value), 2) + value


def body(type, fields):
    return b"".join(field(fields[name], width) for name, width in BODIES[type])


def to_sign(type, unsigned):
    return DOMAIN + NAMES[type].encode() + b"\0" + unsigned


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
        if width == "updates":
            updates = [self.field("x512") for _ in range(self.number(2))]
            if any(len(update) != UPDATE_LEN for update in updates):
                raise Refused("malformed")
            return updates
        length = self.number(2)
        if length > int(width[1:]):
            raise Refused("malformed")
        return self.take(length)


def parse(call, message):
    """Type, session, fields, signature (None for an ack) and entries."""
    if not HEAD_LEN <= len(message) <= MESSAGE_MAX:
        raise Refused("malformed")
    reader = Reader(message)
    version, type, kem = reader.take(3)
    group_hash, session = reader.take(32), reader.take(16)
    if version != 1 or type not in NAMES or kem != call.kem or group_hash != call.group_hash:
        raise Refused("head")
    fields = {name: reader.field(width) for name, width in BODIES[type]}
    if any(value not in RANGES[name] for name, value in fields.items() if name in RANGES):
        raise Refused("malformed")
    if type in (2, 5) and fields["seq"] == 0:
        raise Refused("malformed")
    if type == 7 and fields["action"] != 3 and any(fields["target"]):
        raise Refused("malformed")
    if "kem_key" in fields and len(fields["kem_key"]) != KEMS[call.kem].npk:
        raise Refused("malformed")
    signature = None if type == 4 else reader.take(SIGNATURE_LEN)
    entries = []
    while type == 2 and reader.at < len(message):
        entries.append(reader.take(call.entry_len))
    if reader.at < len(message) or len(entries) > fields.get("count", 0):
        raise Refused("malformed")
    return type, session, fields, signature, entries


def signed_part(type, message):
    """head ‖ body."""
    return message[:HEADER_LEN] if type == 2 else message[:-SIGNATURE_LEN]


def entry_info(call, sender, recipient, nonce, kem=None, suite=None, group_hash=None):
    """`sender` and `recipient` are members: dictionaries with identity, session and kem_key."""
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
        + hashlib.sha256(recipient["kem_key"]).digest()
        + nonce
    )


def key_commit(call, base_key, session, generation, step):
    data = call.group_hash + session + be(generation, 8) + be(step, 4)
    return expand(base_key, "commit", data, 32)


def ack_mac(base_key, header_hash, session):
    return expand(base_key, "ack", header_hash + session, 16)


def roster_hash(members):
    """Of (session, identity, announce_hash), in any order."""
    return H("roster", *(part for member in sorted(members) for part in member))


def view_hash(members):
    """Of (session, newest generation, update_hash), in any order."""
    return H("view", *(session + be(newest, 8) + hash for session, newest, hash in sorted(members)))


def receive(call, sender, message, recipient=None, update=None):
    """What a message says to a member that knows `sender`; base_key too if it has an entry for `recipient`.

    An ack is held against `update`: its header_hash and base_key.
    """
    type, session, fields, signature, entries = parse(call, message)
    identity = fields["identity"] if type == 1 else sender["identity"]
    if signature and not ed25519_verify(identity, to_sign(type, signed_part(type, message)), signature):
        raise Refused("signature")
    if type == 1 and fields["media_suite"] != call.suite:
        raise Refused("suite")
    if type == 4 and fields["mac"] != ack_mac(update["base_key"], update["header_hash"], session):
        raise Refused("mac")
    if type == 2 and recipient:
        fields["base_key"] = open_entry(call, sender, recipient, message[:HEADER_LEN], fields, entries)
    return type, session, fields


def open_entry(call, sender, recipient, header, fields, entries):
    for entry in entries:
        if entry[:16] != recipient["session"] or entry[16] not in recipient["nonces"]:
            continue
        info = entry_info(call, sender, recipient, recipient["nonces"][entry[16]])
        kem = KEMS[call.kem]
        enc, ct = entry[17 : 17 + kem.nenc], entry[17 + kem.nenc :]
        base_key = hpke_open(kem, recipient["kem_secret"], enc, info, header, ct)
        if base_key is None:
            raise Refused("entry")
        commit = key_commit(call, base_key, sender["session"], fields["generation"], fields["step"])
        if commit != fields["key_commit"]:
            raise Refused("commitment")
        return base_key
    raise Refused("entry")


# --- §6: checks by people ------------------------------------------------------------------------

def call_code(group_hash, identities):
    hash = H("call code", group_hash, *sorted(identities))
    groups = (int.from_bytes(hash[5 * at : 5 * at + 5], "big") for at in range(6))
    return "".join(f"{group % 10**5:05}" for group in groups)


def emoji(sas):
    """Seven places in a table of 64, from the first 42 bits."""
    bits = int.from_bytes(sas, "big") >> 6
    return [bits >> 6 * (6 - at) & 63 for at in range(7)]


# --- The vectors ---------------------------------------------------------------------------------


def random(label, length):
    return hashlib.shake_256(b"sealframe group vectors " + label.encode()).digest(length)


def number(value):
    return hex(value)


def plain(value, width=None):
    """As JSON: bytes in hex, u64 as "0x…" because JSON numbers lose some of them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(part) for part in value]
    return number(value) if width == U64 else value


def plain_fields(type, fields):
    return {name: plain(fields[name], width) for name, width in BODIES[type]}


def plain_all(fields):
    return {name: plain(value) for name, value in fields.items()}


def message_of(call, member, type, fields):
    """A signed message, and its vector."""
    unsigned = head(call, type, member["session"]) + body(type, fields)
    signature = ed25519_sign(member["identity_secret"], to_sign(type, unsigned))
    message = unsigned + signature
    vector = {
        "from": member["at"],
        **plain_fields(type, fields),
        "to_sign": to_sign(type, unsigned).hex(),
        "signature": signature.hex(),
        "message": message.hex(),
    }
    return message, vector


def make_member(call, at):
    """With its first nonce and one from later on."""
    label = f"call {call.kem} {call.suite} member {at} "
    kem, later = KEMS[call.kem], (1, 2, 255)[at]
    member = {
        "at": at,
        "session": random(label + "session", 16),
        "sender": (0, 0xFFFF, 0x0102)[at],
        "role": at,
        "identity_secret": random(label + "identity", 32),
        "kem_ikm": random(label + "kem", 32),
        "nonces": {number: random(f"{label}nonce {number}", 24) for number in (0, later)},
        "credential": (b"", b"credential of the second", bytes(range(256)))[at],
        "user_id": (b"alice", b"", "bj\u00f6rn@example.org".encode())[at],
    }
    member["identity"] = ed25519_public(member["identity_secret"])
    member["kem_secret"] = kem.derive(member["kem_ikm"])
    member["kem_key"] = kem.public(member["kem_secret"])
    return member


def plain_member(member):
    nonces = [{"number": number, "nonce": nonce.hex()} for number, nonce in member["nonces"].items()]
    return {name: plain(value) for name, value in member.items() if name not in ("at", "nonces")} | {"nonces": nonces}


def announce_fields(call, member, which=0, **changed):
    nonce_number, nonce = list(member["nonces"].items())[which]
    same = {name: member[name] for name in ("sender", "role", "identity", "kem_key", "credential")}
    return {"media_suite": call.suite, "nonce_number": nonce_number, "nonce": nonce, **same, **changed}


def make_entry(call, sender, recipient, header, base_key, label, which=0, info=None, aad=None):
    """The entry's bytes, and its vector; `info` and `aad` replace what the protocol says."""
    kem = KEMS[call.kem]
    nonce_number, nonce = list(recipient["nonces"].items())[which]
    info = entry_info(call, sender, recipient, nonce) if info is None else info
    randomness = random(f"call {call.kem} {call.suite} entry {label}", kem.nrandom)
    enc, ct = hpke_seal(kem, recipient["kem_key"], info, header if aad is None else aad, base_key, randomness)
    vector = {"to": recipient["at"], "nonce_number": nonce_number}
    vector |= plain_all({"nonce": nonce, "randomness": randomness, "info": info, "enc": enc, "ct": ct})
    return recipient["session"] + bytes([nonce_number]) + enc + ct, vector


class Updates:
    """One member's updates, in order."""

    def __init__(self, call, sender):
        self.call, self.sender, self.label = call, sender, f"call {call.kem} {call.suite} from {sender['at']} "
        self.vectors, self.made, self.begun, self.generation_keys = [], [], bytes(32), {}

    def fields(self, reason, generation, step=0, **fields):
        if generation not in self.generation_keys:
            key = random(f"{self.label}generation {generation}", self.call.nh)
            self.generation_keys[generation] = key
        base_key = ratchet(self.call.suite, self.generation_keys[generation], step)
        fields |= {"reason": reason, "generation": generation, "step": step, "prev_hash": self.begun}
        fields["key_commit"] = key_commit(self.call, base_key, self.sender["session"], generation, step)
        return fields, base_key

    def add(self, recipients, reason, generation, step=0, cut=(), which=0, **fields):
        """Each of `cut` names the entries of one copy that the server makes."""
        fields, base_key = self.fields(reason, generation, step, count=len(recipients), **fields)
        signed, vector = message_of(self.call, self.sender, 2, fields)
        header = signed[:HEADER_LEN]
        entries, entry_vectors = [], []
        for recipient in recipients:
            label = f"{self.sender['at']} {len(self.vectors)} {recipient['at']}"
            entry = make_entry(self.call, self.sender, recipient, header, base_key, label, which)
            entries.append(entry[0])
            entry_vectors.append(entry[1])
        header_hash = H("header", header)
        whole = signed + b"".join(entries)
        del vector["message"]
        vector |= plain_all(
            {"base_key": base_key, "generation_key": self.generation_keys[generation], "header": header}
        )
        vector |= {"header_hash": header_hash.hex(), "message": whole.hex(), "entries": entry_vectors}
        vector["cut"] = [(signed + b"".join(entries[at] for at in places)).hex() for places in cut]
        self.vectors.append(vector)
        self.made.append({**fields, "base_key": base_key, "header_hash": header_hash, "message": whole})
        if reason < 5:
            self.begun = header_hash
        return self.made[-1]


def make_updates(call, members, rosters):
    a, b, c = members
    of_b_alone, one, two, three = rosters
    of_a, of_b = Updates(call, a), Updates(call, b)
    last = (1 << 40) - 1
    of_a.add([], 0, 0, seq=1, apply_ms=0, roster_hash=one)
    of_a.add([b], 5, 0, seq=2, apply_ms=0, roster_hash=two)
    of_a.add([c], 5, 0, 1, seq=3, apply_ms=0, roster_hash=three)
    both = sorted([b, c], key=lambda member: member["session"])  # in any order
    of_a.add(both, 1, 1, seq=4, apply_ms=2000, roster_hash=three, cut=[[0], [1], []])
    of_a.add(both[::-1], 2, 2, seq=5, apply_ms=1, roster_hash=three, cut=[[1]], which=1)
    of_a.add([b], 3, 3, seq=0x0123456789ABCDEF, apply_ms=0x01020304, roster_hash=two)
    of_a.add([c], 4, last, seq=(1 << 64) - 2, apply_ms=(1 << 32) - 1, roster_hash=three, which=1)
    of_a.add([b], 6, last, 255, seq=(1 << 64) - 1, apply_ms=0, roster_hash=three)
    of_b.add([], 0, 0, seq=1, apply_ms=0, roster_hash=of_b_alone)
    of_b.add([a], 5, 0, seq=2, apply_ms=0, roster_hash=two)
    return of_a, of_b


def fork(call, updates, at):
    """Another update with the same seq, without entries."""
    fields = {name: updates.made[at][name] for name, _ in BODIES[2]}
    fields["key_commit"] = random("fork", 32)
    return message_of(call, updates.sender, 2, fields)[0]


def make_call(kem, suite):
    call = Call(kem, suite, f"room {kem}.{suite}".encode())
    members = [make_member(call, at) for at in range(3)]
    a, b, c = members
    announces = []
    for member, which, changed in [(a, 0, {}), (b, 0, {}), (c, 0, {}), (b, 1, {})] + (
        [(a, 1, {"credential": random("long credential", 4096)})] if suite == 4 else []
    ):
        message, vector = message_of(call, member, 1, announce_fields(call, member, which, **changed))
        vector["announce_hash"] = H("announced", message).hex()
        announces.append((message, vector))
    hashes = [H("announced", message) for message, _ in announces]
    roster = [(member["session"], member["identity"], hash) for member, hash in zip(members, hashes)]
    rosters = [roster_hash(part) for part in (roster[1:2], roster[:1], roster[:2], roster)]
    of_a, of_b = make_updates(call, members, rosters)

    def vectors(type, cases):
        return [message_of(call, member, type, fields)[1] for member, fields in cases]

    requests = [
        (b, {"target": a["session"], "seq": 0, "nonce_number": 0, "nonce": b["nonces"][0]}),
        (c, {"target": b["session"], "seq": (1 << 64) - 1, "nonce_number": 255, "nonce": c["nonces"][255]}),
    ]
    acks = []
    for member, at in ((b, 1), (c, 2), (b, 3), (c, 3), (b, 7)):
        update = of_a.made[at]
        mac = ack_mac(update["base_key"], update["header_hash"], member["session"])
        fields = {"target": a["session"], "seq": update["seq"], "mac": mac}
        message = head(call, 4, member["session"]) + body(4, fields)
        acks.append({"from": member["at"], "update": at, **plain_fields(4, fields), "message": message.hex()})
    # Generations, and hashes of the updates that began them.
    first, second = [(update["generation"], update["header_hash"]) for update in (of_a.made[0], of_a.made[3])]
    of_b_first, none = (0, of_b.made[0]["header_hash"]), (0, bytes(32))
    heartbeats, beats = [], []
    last, top = (1 << 40) - 1, (1 << 64) - 1
    of_c_last = (last, random("of c", 32))
    for member, view, update_hash, now, nonce_number in [
        (a, (first, of_b_first, none), first[1], (1, 0, 0, 1, 0, 0, 0), 0),
        (a, (second, of_b_first, none), second[1], (2, 1, 0, 1, 123_456, 7, 1), 1),
        (c, (second, of_b_first, of_c_last), of_c_last[1], (top, last, last, 255, top, top, 1), 255),
    ]:
        seq, newest, generation, step, frames, control, locked = now
        viewed = [(each["session"], *seen) for each, seen in zip(members, view)]
        fields = {"seq": seq, "newest": newest, "update_hash": update_hash, "generation": generation, "step": step}
        fields |= {"frames": frames, "roster_hash": rosters[3], "view_hash": view_hash(viewed)}
        fields |= {"control": control, "locked": locked, "nonce_number": nonce_number}
        fields["nonce"] = member["nonces"][nonce_number]
        vector = message_of(call, member, 5, fields)[1]
        vector["view"] = [
            {"session": session.hex(), "newest": number(newest), "update_hash": hash.hex()}
            for session, newest, hash in viewed
        ]
        heartbeats.append(vector)
        beats.append(fields)
    controls = [
        (a, {"counter": 1, "action": 1, "target": bytes(16)}),
        (b, {"counter": top, "action": 2, "target": bytes(16)}),
        (a, {"counter": 2, "action": 3, "target": c["session"]}),
    ]
    updates = [update["message"][:UPDATE_LEN] for update in of_a.made]
    forked = [updates[3], fork(call, of_a, 3)]
    evidence = [(b, {"updates": forked}), (c, {"updates": updates[:1]}), (a, {"updates": updates})]
    return {
        "kem": kem,
        "media_suite": suite,
        "group_id": call.group_id.hex(),
        "group_hash": call.group_hash.hex(),
        "members": [plain_member(member) for member in members],
        "announces": [vector for _, vector in announces],
        "updates": of_a.vectors + of_b.vectors,
        "requests": vectors(3, requests),
        "acks": acks,
        "heartbeats": heartbeats,
        "leaves": vectors(6, [(member, {}) for member in members]),
        "controls": vectors(7, controls),
        "evidence": vectors(8, evidence),
        "check": make_check(call, a, b),
        "refused": list(refused_vectors(call, members, of_a, evidence[0], beats[0])),
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
    sas = expand(secret, "check sas", b"".join(data), 6)

    def commitment(check, first, second, public):
        return H("check commit", check, first["session"], second["session"], public)

    def confirmation(one, other, secret):
        return H("check confirm", check, one["session"], other["session"], secret)

    def message(one, other, stage, data, check=check):
        fields = {"target": other["session"], "check": check, "stage": stage, "data": data}
        return message_of(call, one, 9, fields)[1]

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


def good_messages(call, members, of_a, evidence, heartbeat):
    """One of each type: member, body and what follows the signature."""
    a, b, c = members
    update = of_a.made[3]
    nonce = {"nonce_number": 0, "nonce": b["nonces"][0]}
    mac = ack_mac(update["base_key"], update["header_hash"], b["session"])
    reply = {"target": b["session"], "check": random("refused check", 16), "stage": 2}
    return {
        1: (a, announce_fields(call, a, credential=b"credential"), b""),
        2: (a, update, entries_of(call, update, b, c)[0]),
        3: (b, {"target": a["session"], "seq": 4, **nonce}, b""),
        4: (b, {"target": a["session"], "seq": 4, "mac": mac}, b""),
        5: (a, heartbeat, b""),
        6: (a, {}, b""),
        7: (a, {"counter": 3, "action": 3, "target": c["session"]}, b""),
        8: (*evidence, b""),
        9: (a, {**reply, "data": x25519_public(random("refused reply", 32))}, b""),
    }


def entries_of(call, update, *recipients):
    """Their entries in an update, in this order."""
    entries = {entry[:16]: entry for entry in parse(call, update["message"])[4]}
    return [entries[recipient["session"]] for recipient in recipients]


def refused_vectors(call, members, of_a, evidence, heartbeat):
    """Whatever can be, is signed as it stands: nothing but the rule that a name tells refuses it.

    What no media suite changes is there for suite 4 alone.
    """
    a, b, c = members
    update = of_a.made[3]
    names = set()
    kinds = [type_refusals, field_refusals, signature_refusals] if call.suite == 4 else []
    good = good_messages(call, members, of_a, evidence, heartbeat)
    for kind in [*kinds, update_refusals]:
        for name, refusal, type, message in kind(call, members, of_a, good):
            sender = good[type][0] if type in good else a
            recipient = b if type == 2 else None
            try:
                receive(call, sender, message, recipient, update)
            except Refused as why:
                assert str(why) == refusal, (name, str(why), refusal)
            else:
                raise AssertionError(f"taken: {name}")
            assert name not in names, name
            names.add(name)
            to = a if sender is b else b
            where = {"from": sender["at"], "to": to["at"], "update": 3}
            yield {"name": name, "kind": refusal, **where, "message": message.hex()}


def signed(call, member, type, body, after=b"", name=None, **other_head):
    unsigned = head(call, type, member["session"], **other_head) + body
    if name is None:
        name = NAMES.get(type, NAMES[6])
    if type == 4:
        return unsigned + after
    content = DOMAIN + name.encode() + b"\0" + unsigned
    return unsigned + ed25519_sign(member["identity_secret"], content) + after


def type_refusals(call, members, of_a, good):
    """What every type must refuse."""
    other_kem = 3 - call.kem
    for type, (member, fields, after) in good.items():
        what, of = NAMES[type], body(type, fields)
        message = signed(call, member, type, of, after)
        receive(call, member, message, members[1], of_a.made[3])
        yield f"{what}: shorter by one byte", "malformed", type, message[:-1]
        yield f"{what}: longer by one byte", "malformed", type, message + b"\0"
        proof, end = ("mac", len(message) - 16) if type == 4 else ("signature", HEAD_LEN + len(of))
        yield f"{what}: {proof} missing", "malformed", type, message[:end]
        yield f"{what}: half a head", "malformed", type, message[:25]
        if of:
            yield f"{what}: only the head, signed", "malformed", type, signed(call, member, type, b"")
            yield f"{what}: body shorter by one byte", "malformed", type, signed(call, member, type, of[:-1])
        yield f"{what}: body longer by one byte", "malformed", type, signed(call, member, type, of + b"\0")
        yield f"{what}: twice", "malformed", type, message + message
        for version in (0, 2):
            yield f"{what}: version {version}", "head", type, signed(call, member, type, of, after, version=version)
        for kem in (other_kem, 3):
            yield f"{what}: KEM {kem}", "head", type, signed(call, member, type, of, after, kem=kem)
        for name, group_hash in [
            ("another group", H("group", call.group_id + b"\0")),
            ("bare hash of the group id", hashlib.sha256(call.group_id).digest()),
        ]:
            message = signed(call, member, type, of, after, group_hash=group_hash)
            yield f"{what}: {name}", "head", type, message
    yield "no bytes at all", "malformed", 6, b""
    for type in (0, 10, 255):
        yield f"type {type}", "head", type, signed(call, members[0], type, b"")
    member, fields, _ = good[7]
    yield "control: as a leave", "malformed", 6, signed(call, member, 6, body(7, fields))


def field_refusals(call, members, of_a, good):
    """Fields out of their range and lengths that lie, each signed."""
    a = members[0]

    def changed(type, **values):
        member, fields, _ = good[type]
        return type, signed(call, member, type, body(type, {**fields, **values}))

    for type, field_name, values in [
        (1, "role", (3, 255)),
        (2, "reason", (7, 255)),
        (2, "generation", (1 << 40, (1 << 64) - 1)),
        (2, "step", (256, (1 << 32) - 1)),
        (5, "newest", (1 << 40, (1 << 64) - 1)),
        (5, "generation", (1 << 40, (1 << 64) - 1)),
        (5, "step", (256, (1 << 32) - 1)),
        (5, "locked", (2, 255)),
        (7, "action", (0, 4, 255)),
        (9, "stage", (0, 6, 255)),
    ]:
        for value in values:
            yield f"{NAMES[type]}: {field_name} {value}", "malformed", *changed(type, **{field_name: value})
    for type in (2, 5):
        yield f"{NAMES[type]}: seq 0", "malformed", *changed(type, seq=0)
    for action, name in ((1, "lock"), (2, "unlock")):
        yield f"control: {name} with a target", "malformed", *changed(7, action=action)
    npk = KEMS[call.kem].npk
    key = a["kem_key"]
    other = KEMS[3 - call.kem]
    for name, kem_key in [
        ("empty", b""),
        ("shorter by one byte", key[:-1]),
        ("longer by one byte", key + b"\0"),
        ("of the other KEM", other.public(other.derive(b"other"))),
        ("longer than any", (key + bytes(1217))[:1217]),
    ]:
        yield f"announce: kem_key {name}", "malformed", *changed(1, kem_key=kem_key)
    yield "announce: credential of 4097 bytes", "malformed", *changed(1, credential=bytes(4097))
    yield "announce: media suite 6", "suite", *changed(1, media_suite=6)
    yield "announce: media suite of other byte order", "suite", *changed(1, media_suite=call.suite << 8)
    of = body(1, good[1][1])
    lengths = [("kem_key", 2 + 2 + 1 + 32), ("credential", 2 + 2 + 1 + 32 + 2 + npk + 25)]
    for name, at in lengths:
        length = int.from_bytes(of[at : at + 2], "big")
        for lie in (length - 1, length + 1, 0, 0xFFFF):
            lying = of[:at] + be(lie, 2) + of[at + 2 :]
            yield f"announce: {name} length {lie}", "malformed", 1, signed(call, a, 1, lying)
    member, fields, _ = good[8]
    first, second = fields["updates"]
    both = field(first, "x512") + field(second, "x512")
    for count in (0, 1, 3, 0xFFFF):
        yield f"evidence: count {count} of 2", "malformed", 8, signed(call, member, 8, be(count, 2) + both)
    for name, updates in [
        ("shorter by one byte", [first[:-1], second]),
        ("longer by one byte", [first, second + b"\0"]),
        ("empty", [b"", second]),
        ("of 513 bytes", [first + bytes(513 - UPDATE_LEN), second]),
    ]:
        yield f"evidence: update {name}", "malformed", 8, signed(call, member, 8, field(updates, "updates"))
    _, update, entry = good[2]
    for count, there in ((0, 1), (1, 2)):
        message = signed(call, a, 2, body(2, {**update, "count": count}), there * entry)
        yield f"key update: count {count}, {there} there", "malformed", 2, message


def signature_refusals(call, members, of_a, good):
    a, b, _ = members
    for type, (member, fields, after) in good.items():
        if type == 4:
            continue
        what, of = NAMES[type], body(type, fields)
        end = HEAD_LEN + len(of)
        message = signed(call, member, type, of, after)
        unsigned, signature = message[:end], message[end : end + SIGNATURE_LEN]
        secret = member["identity_secret"]

        def with_signature(signature):
            return "signature", type, unsigned + signature + after

        yield f"{what}: bit of R flipped", *with_signature(flipped(signature, 0))
        yield f"{what}: bit of s flipped", *with_signature(flipped(signature, 32))
        yield f"{what}: signature all zeros", *with_signature(bytes(SIGNATURE_LEN))
        s = int.from_bytes(signature[32:], "little") + L
        yield f"{what}: s + L", *with_signature(signature[:32] + s.to_bytes(32, "little"))
        loose = signed_with_small_order_r(secret, to_sign(type, unsigned))
        assert ed25519_verify_loosely(member["identity"], to_sign(type, unsigned), loose)
        yield f"{what}: R of small order", *with_signature(loose)
        other = members[(member["at"] + 1) % 3]["identity_secret"]
        yield f"{what}: signed by another member", *with_signature(ed25519_sign(other, to_sign(type, unsigned)))
        for name, content in [
            ("under another type's name", to_sign(type % 9 + 1, unsigned)),
            ("without domain and name", unsigned),
            ("without the head", DOMAIN + what.encode() + b"\0" + of),
            ("without the zero byte", DOMAIN + what.encode() + unsigned),
            ("under version 2's name", DOMAIN.replace(b"1", b"2") + what.encode() + b"\0" + unsigned),
        ]:
            yield f"{what}: signed {name}", *with_signature(ed25519_sign(secret, content))
        if type == 2:
            content = to_sign(2, unsigned + after)
            yield "key update: signed with its entries", *with_signature(ed25519_sign(secret, content))
        place = HEAD_LEN - 1
        moved = flipped(unsigned, place)
        yield f"{what}: another session, not signed anew", "signature", type, moved + signature + after
        if of:
            # The last byte of a nonce, hash, count, target or data.
            moved = flipped(unsigned, end - 1)
            yield f"{what}: last bit of the body flipped", "signature", type, moved + signature + after
    fields = good[1][1]
    for name, identity in [
        ("the neutral element", NEUTRAL),
        ("of order 2", ORDER_2),
        ("of order 4", ORDER_4),
        ("of order 8", ORDER_8),
        ("the neutral element, not reduced", NEUTRAL_NOT_REDUCED),
    ]:
        unsigned = head(call, 1, a["session"]) + body(1, {**fields, "identity": identity})
        forged = forged_for_small_order(identity, to_sign(1, unsigned), f"forged {name}")
        assert ed25519_verify_loosely(identity, to_sign(1, unsigned), forged)
        yield f"announce: identity {name}", "signature", 1, unsigned + forged
    unsigned = head(call, 1, a["session"]) + body(1, {**fields, "identity": be(2, 1) + bytes(31)})
    signature = ed25519_sign(a["identity_secret"], to_sign(1, unsigned))
    yield "announce: identity no point", "signature", 1, unsigned + signature


def update_refusals(call, members, of_a, good):
    """Entries that do not open, keys that are not the ones committed to, acks of others."""
    a, b, c = members
    kem, update = KEMS[call.kem], of_a.made[3]
    header, base_key = update["message"][:HEADER_LEN], update["base_key"]
    start = update["message"][:UPDATE_LEN]
    entry, of_c = entries_of(call, update, b, c)
    (nonce_number, nonce), (other_number, other_nonce) = b["nonces"].items()

    def made(label, recipient=b, **replaced):
        return make_entry(call, a, recipient, header, base_key, label, **replaced)[0]

    def refused(name, *entries, kind="entry"):
        return f"key update: {name}", kind, 2, start + b"".join(entries)

    assert receive(call, a, start + entry, b)[2]["base_key"] == base_key
    yield refused("no entry")
    yield refused("only an entry for another", of_c)
    yield refused("another's entry under the recipient's session", b["session"] + of_c[16:])
    yield refused("the recipient's entry under another session", c["session"] + entry[16:])
    yield refused("nonce_number of another nonce", entry[:16] + bytes([other_number]) + entry[17:])
    yield refused("nonce_number of no nonce", entry[:16] + bytes([(nonce_number + 128) % 256]) + entry[17:])
    for name, at in [
        ("first byte of enc", 17),
        ("last byte of enc", 16 + kem.nenc),
        ("first byte of the ciphertext", 17 + kem.nenc),
        ("last byte of the tag", -1),
    ]:
        yield refused(f"bit flipped, {name}", flipped(entry, at))
    yield refused("enc all zeros", entry[:17] + bytes(kem.nenc) + entry[17 + kem.nenc :])
    yield refused("ciphertext of another entry", entry[: 17 + kem.nenc] + of_c[17 + kem.nenc :])
    moved = made("moved", aad=of_a.made[4]["message"][:HEADER_LEN])
    yield refused("entry of another update", moved)
    for name, aad in [
        ("empty", b""),
        ("the body alone", header[HEAD_LEN:]),
        ("header and signature", start),
        ("hash of the header", H("header", header)),
    ]:
        yield refused(f"aad {name}", made(f"aad {name}", aad=aad))
    right = entry_info(call, a, b, nonce)
    label_len = len(DOMAIN) + 4
    for name, info in [
        ("empty", b""),
        ("another recipient's session", entry_info(call, a, {**b, "session": c["session"]}, nonce)),
        ("another recipient's identity", entry_info(call, a, {**b, "identity": c["identity"]}, nonce)),
        ("another recipient's KEM key", entry_info(call, a, {**b, "kem_key": c["kem_key"]}, nonce)),
        ("another sender's session", entry_info(call, {**a, "session": c["session"]}, b, nonce)),
        ("another sender's identity", entry_info(call, {**a, "identity": c["identity"]}, b, nonce)),
        ("sender and recipient swapped", entry_info(call, b, {**a, "kem_key": b["kem_key"]}, nonce)),
        ("another nonce", entry_info(call, a, b, other_nonce)),
        ("no nonce", right[:-24]),
        ("another media suite", entry_info(call, a, b, nonce, suite=9 - call.suite)),
        ("another KEM", entry_info(call, a, b, nonce, kem=3 - call.kem)),
        ("another group", entry_info(call, a, b, nonce, group_hash=H("group", b"another"))),
        ("without domain and name", right[label_len:]),
        ("without the zero byte", right[: label_len - 1] + right[label_len:]),
        ("KEM key itself instead of its hash", right[:-56] + b["kem_key"] + nonce),
    ]:
        assert info != right, name
        yield refused(f"info with {name}" if info else "info empty", made(f"info {name}", info=info))
    for name, pt in [
        ("shorter by one byte", base_key[:-1]),
        ("longer by one byte", base_key + b"\0"),
        ("as long as the other media suite's", (base_key + base_key)[: 96 - call.nh]),
    ]:
        other = make_entry(call, a, b, header, pt, f"pt {name}")[0]
        yield refused(f"base_key {name}", other, kind="malformed")
    yield from commitment_refusals(call, members, of_a)
    yield from ack_refusals(call, members, of_a)


def commitment_refusals(call, members, of_a):
    """Each update is signed and its entry opens."""
    a, b, _ = members
    update = of_a.made[3]
    base_key, generation, step = update["base_key"], update["generation"], update["step"]
    bare = call.group_hash + a["session"] + be(generation, 8) + be(step, 4)
    for name, commit in [
        ("another key", key_commit(call, random("another key", call.nh), a["session"], generation, step)),
        ("the next step's key", key_commit(call, ratchet(call.suite, base_key), a["session"], generation, step)),
        ("another session", key_commit(call, base_key, b["session"], generation, step)),
        ("another generation", key_commit(call, base_key, a["session"], generation + 1, step)),
        ("another step", key_commit(call, base_key, a["session"], generation, step + 1)),
        ("another name", expand(base_key, "ack", bare, 32)),
        ("nothing but the key", expand(base_key, "commit", b"", 32)),
        ("a key of leading zeros", key_commit(call, b"\0" + base_key[1:], a["session"], generation, step)),
        ("zeros", bytes(32)),
    ]:
        unsigned = head(call, 2, a["session"]) + body(2, {**update, "key_commit": commit})
        signature = ed25519_sign(a["identity_secret"], to_sign(2, unsigned))
        entry = make_entry(call, a, b, unsigned, base_key, f"commit {name}")[0]
        yield f"key update: key_commit of {name}", "commitment", 2, unsigned + signature + entry


def ack_refusals(call, members, of_a):
    a, b, c = members
    update, earlier = of_a.made[3], of_a.made[0]
    key, hash = update["base_key"], update["header_hash"]
    right = ack_mac(key, hash, b["session"])
    for name, mac in [
        ("bit flipped", flipped(right, -1, 7)),
        ("all zeros", bytes(16)),
        ("of another member", ack_mac(key, hash, c["session"])),
        ("of the sender", ack_mac(key, hash, a["session"])),
        ("of another update", ack_mac(earlier["base_key"], earlier["header_hash"], b["session"])),
        ("of another key", ack_mac(earlier["base_key"], hash, b["session"])),
        ("of another header", ack_mac(key, earlier["header_hash"], b["session"])),
        ("cut from the key's commitment", update["key_commit"][:16]),
    ]:
        fields = {"target": a["session"], "seq": update["seq"], "mac": mac}
        yield f"ack: mac {name}", "mac", 4, head(call, 4, b["session"]) + body(4, fields)


# --- Hashes and codes of whole calls -------------------------------------------------------------


def roster_vectors():
    """The order of the members changes nothing."""
    for size in range(1, 9):
        group_hash = H("group", b"roster")
        members = [
            (random(f"session {at}", 16), ed25519_public(random(f"identity {at}", 32)), random(f"announce {at}", 32))
            for at in range(size)
        ]
        orders = [members, members[::-1], members[size // 2 :] + members[: size // 2], sorted(members)]
        distinct = [order for at, order in enumerate(orders) if order not in orders[:at]]
        for order in distinct:
            yield {
                "group_hash": group_hash.hex(),
                "roster_hash": roster_hash(order).hex(),
                "call_code": call_code(group_hash, [identity for _, identity, _ in order]),
                "members": [
                    {"session": session.hex(), "identity": identity.hex(), "announce_hash": announce.hex()}
                    for session, identity, announce in order
                ],
            }


def view_vectors():
    for size in range(1, 9):
        view = [
            (random(f"session {at}", 16), at and 1 << 5 * at + 4, random(f"update {at}", 32) if at else bytes(32))
            for at in range(size)
        ]
        for order in (view, view[::-1]) if size > 1 else (view,):
            yield {
                "view_hash": view_hash(order).hex(),
                "members": [
                    {"session": session.hex(), "newest": number(newest), "update_hash": hash.hex()}
                    for session, newest, hash in order
                ],
            }


def group_vectors():
    for group_id in (b"", b"\0", b"room", "café".encode(), bytes(range(256)), bytes(1000)):
        yield {"group_id": group_id.hex(), "group_hash": H("group", group_id).hex()}


# --- Reading them again --------------------------------------------------------------------------


def bytes_in(vector):
    """Hex back to bytes, except where it is the name, the kind or a code."""
    if isinstance(vector, list):
        return [bytes_in(part) for part in vector]
    if isinstance(vector, dict):
        return {k: v if k in ("name", "kind", "call_code") else bytes_in(v) for k, v in vector.items()}
    if isinstance(vector, str):
        return int(vector, 16) if vector.startswith("0x") else bytes.fromhex(vector)
    return vector


def check_message(call, members, type, vector, recipient=None, update=None):
    """Its fields, read from `message`, are those that the vector states, and its signature verifies."""
    sender = members[vector["from"]]
    message = vector["message"]
    got, session, fields = receive(call, sender, message, recipient, update)
    assert (got, session) == (type, sender["session"]), vector
    for name, _ in BODIES[type]:
        assert fields[name] == vector[name], (name, vector)
    if type != 4:
        part = signed_part(type, message)
        assert to_sign(type, part) == vector["to_sign"], vector
        assert message[len(part) :][:SIGNATURE_LEN] == vector["signature"], vector
    return fields


def check_update(call, members, vector):
    sender, message = members[vector["from"]], vector["message"]
    check_message(call, members, 2, vector)
    header = message[:HEADER_LEN]
    assert header == vector["header"] and H("header", header) == vector["header_hash"]
    assert ratchet(call.suite, vector["generation_key"], vector["step"]) == vector["base_key"]
    entries = parse(call, message)[4]
    assert len(entries) == len(vector["entries"])
    for entry, stated in zip(entries, vector["entries"]):
        recipient = members[stated["to"]]
        assert recipient["nonces"][stated["nonce_number"]] == stated["nonce"]
        assert entry_info(call, sender, recipient, stated["nonce"]) == stated["info"]
        number = bytes([stated["nonce_number"]])
        assert entry == recipient["session"] + number + stated["enc"] + stated["ct"]
        assert receive(call, sender, message, recipient)[2]["base_key"] == vector["base_key"]
    for cut in vector["cut"]:
        kept = parse(call, cut)[4]
        assert cut[:UPDATE_LEN] == message[:UPDATE_LEN] and len(kept) < vector["count"]
        for entry in kept:
            recipient = next(member for member in members if member["session"] == entry[:16])
            assert receive(call, sender, cut, recipient)[2]["base_key"] == vector["base_key"]
    return 1 + len(entries) + len(vector["cut"])


def check_emoji(call, members, check):
    """Walks through the check from either side; returns how many messages it had."""
    keys = {"a": check["a"], "b": check["b"]}
    a, b = (members[keys[who]["member"]] for who in "ab")
    for key in keys.values():
        assert x25519_public(key["secret"]) == key["public"]

    def take(stage_so_far, message):
        """Refuses a message as its recipient would at this place of the transcript."""
        sender = a if parse(call, message)[1] == a["session"] else b
        other = b if sender is a else a
        fields = receive(call, sender, message)[2]
        data, stage = fields["data"], fields["stage"]
        assert fields["target"] == other["session"] and fields["check"] == check["check"]
        if stage == 2 and x25519(keys["a"]["secret"], data) is None:
            raise Refused("check")
        if stage == 3:
            commit = H("check commit", check["check"], a["session"], b["session"], data)
            if commit != stage_so_far[1]:
                raise Refused("check")
        secret = x25519(keys["b"]["secret"], keys["a"]["public"])
        confirm = H("check confirm", check["check"], sender["session"], other["session"], secret)
        if stage == 5 and data != confirm:
            raise Refused("check")
        return stage, data

    seen = {}
    for vector in check["messages"]:
        check_message(call, members, 9, vector)
        stage, data = take(seen, vector["message"])
        seen[stage] = data
    assert list(seen) == [1, 2, 3, 5] and len(check["messages"]) == 5
    assert seen[2] == keys["b"]["public"] and seen[3] == keys["a"]["public"]
    assert x25519(keys["a"]["secret"], seen[2]) == check["secret"]
    data = call.group_hash + check["check"] + a["identity"] + a["session"] + seen[3]
    data += b["identity"] + b["session"] + seen[2]
    assert expand(check["secret"], "check sas", data, 6) == check["sas"]
    bits = "".join(f"{byte:08b}" for byte in check["sas"])
    assert [int(bits[6 * at : 6 * at + 6], 2) for at in range(7)] == check["emoji"]
    assert check_message(call, members, 9, check["cancel"])["stage"] == 4
    for refused in check["refused"]:
        try:
            take(seen, refused["message"])
        except Refused as why:
            assert str(why) == "check", refused["name"]
        else:
            raise AssertionError(f"taken: {refused['name']}")
    return 6 + len(check["refused"])


def check_call(vectors):
    call = Call(vectors["kem"], vectors["media_suite"], vectors["group_id"])
    assert call.group_hash == vectors["group_hash"]
    kem, members = KEMS[call.kem], vectors["members"]
    for at, member in enumerate(members):
        member["at"] = at
        member["nonces"] = {each["number"]: each["nonce"] for each in member["nonces"]}
        assert ed25519_public(member["identity_secret"]) == member["identity"]
        assert kem.derive(member["kem_ikm"]) == member["kem_secret"]
        assert kem.public(member["kem_secret"]) == member["kem_key"]
    done = len(members)
    for vector in vectors["announces"]:
        fields = check_message(call, members, 1, vector)
        assert H("announced", vector["message"]) == vector["announce_hash"]
        assert fields["nonce"] == members[vector["from"]]["nonces"][fields["nonce_number"]]
    done += sum(check_update(call, members, vector) for vector in vectors["updates"])
    for vector in vectors["acks"]:
        check_message(call, members, 4, vector, update=vectors["updates"][vector["update"]])
    for vector in vectors["heartbeats"]:
        fields = check_message(call, members, 5, vector)
        view = [(each["session"], each["newest"], each["update_hash"]) for each in vector["view"]]
        assert view_hash(view) == fields["view_hash"]
        hashes = [announce["announce_hash"] for announce in vectors["announces"]]
        roster = [(member["session"], member["identity"], hash) for member, hash in zip(members, hashes)]
        assert roster_hash(roster) == fields["roster_hash"]
    for type, name in ((3, "requests"), (6, "leaves"), (7, "controls"), (8, "evidence")):
        for vector in vectors[name]:
            check_message(call, members, type, vector)
    names = ("announces", "acks", "heartbeats", "requests", "leaves", "controls", "evidence", "refused")
    done += sum(len(vectors[name]) for name in names) + check_emoji(call, members, vectors["check"])
    for vector in vectors["refused"]:
        update = vectors["updates"][vector["update"]]
        sender, recipient = members[vector["from"]], members[vector["to"]]
        assert sender is not recipient
        try:
            receive(call, sender, vector["message"], recipient, update)
        except Refused as why:
            assert str(why) == vector["kind"], vector["name"]
        else:
            raise AssertionError(f"taken: {vector['name']}")
    return done


def check(path):
    """Reads and verifies every vector in a file; returns how many."""
    with open(path, encoding="utf-8") as file:
        vectors = bytes_in(json.load(file))
    done = sum(check_call(call) for call in vectors["calls"])
    for vector in vectors["groups"]:
        assert H("group", vector["group_id"]) == vector["group_hash"]
    for vector in vectors["rosters"]:
        members = [(each["session"], each["identity"], each["announce_hash"]) for each in vector["members"]]
        assert roster_hash(members) == vector["roster_hash"]
        assert call_code(vector["group_hash"], [identity for _, identity, _ in members]) == vector["call_code"]
    for vector in vectors["views"]:
        members = [(each["session"], each["newest"], each["update_hash"]) for each in vector["members"]]
        assert view_hash(members) == vector["view_hash"]
    return done + sum(len(vectors[name]) for name in ("groups", "rosters", "views"))


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
        "rosters": list(roster_vectors()),
        "views": list(view_vectors()),
    }
    json.dump(vectors, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
