#!/usr/bin/env python3
"""Makes keys.json: test vectors for the parts of RFC 9605 that have none.

    python3 make_keys.py > keys.json            writes the vectors; the same bytes every time
    python3 make_keys.py --check FILE...        checks this script against the RFC's own vectors

Follows the pseudocode of RFC 9605 (sections 4.3, 4.4, 4.5.1, 5.1 and 5.2; suites 6 to 8 from
draft-barnes-sframe-iana-256) and shares no code with any implementation of it. HKDF and HMAC come
from Python's standard library; AES comes from the package `cryptography`: pip install cryptography.

Licence: MIT OR Apache-2.0, for the script and for the vectors.
"""

import hashlib
import hmac
import json
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


# --- Section 4.5: cipher suites -----------------------------------------------------------------


class Suite:
    def __init__(self, id, hash, nka, nk, nt):
        self.id, self.hash, self.nka, self.nk, self.nt = id, hash, nka, nk, nt
        self.nh, self.nn = hash().digest_size, 12


SUITES = {
    suite.id: suite
    for suite in [
        Suite(1, hashlib.sha256, 16, 48, 10),
        Suite(2, hashlib.sha256, 16, 48, 8),
        Suite(3, hashlib.sha256, 16, 48, 4),
        Suite(4, hashlib.sha256, None, 16, 16),
        Suite(5, hashlib.sha512, None, 32, 16),
        Suite(6, hashlib.sha512, 32, 96, 10),
        Suite(7, hashlib.sha512, 32, 96, 8),
        Suite(8, hashlib.sha512, 32, 96, 4),
    ]
}


def be(value, n):
    return value.to_bytes(n, "big")


# --- Section 4.5.1: AES-CTR with SHA2 -----------------------------------------------------------


def aes_ctr(enc_key, nonce, text):
    return Cipher(algorithms.AES(enc_key), modes.CTR(nonce + bytes(4))).encryptor().update(text)


def full_mac(suite, auth_key, nonce, aad, ct):
    auth_data = be(len(aad), 8) + be(len(ct), 8) + be(suite.nt, 8) + nonce + aad + ct
    return hmac.new(auth_key, auth_data, suite.hash).digest()


def aead_encrypt(suite, key, nonce, aad, pt):
    assert len(key) == suite.nk and len(nonce) == suite.nn
    if suite.nka is None:
        return AESGCM(key).encrypt(nonce, pt, aad)
    enc_key, auth_key = key[: suite.nka], key[suite.nka :]
    ct = aes_ctr(enc_key, nonce, pt)
    return ct + full_mac(suite, auth_key, nonce, aad, ct)[: suite.nt]


def aead_decrypt(suite, key, nonce, aad, ct):
    """The plaintext, or None."""
    if len(ct) < suite.nt:
        return None
    if suite.nka is None:
        try:
            return AESGCM(key).decrypt(nonce, ct, aad)
        except InvalidTag:
            return None
    enc_key, auth_key = key[: suite.nka], key[suite.nka :]
    inner_ct, tag = ct[: len(ct) - suite.nt], ct[len(ct) - suite.nt :]
    if tag != full_mac(suite, auth_key, nonce, aad, inner_ct)[: suite.nt]:
        return None
    return aes_ctr(enc_key, nonce, inner_ct)


# --- Section 4.3: the header --------------------------------------------------------------------


def minimal_len(value):
    """Bytes behind the config byte; 0 if the value fits inside."""
    return 0 if value < 8 else (value.bit_length() + 7) // 8


def encode_header(kid, ctr, kid_len=None, ctr_len=None):
    """The header; with lengths given, an encoding that may be longer than the RFC allows."""
    kid_len = minimal_len(kid) if kid_len is None else kid_len
    ctr_len = minimal_len(ctr) if ctr_len is None else ctr_len
    high = kid if kid_len == 0 else 8 | kid_len - 1
    low = ctr if ctr_len == 0 else 8 | ctr_len - 1
    behind = [be(value, length) for value, length in ((kid, kid_len), (ctr, ctr_len)) if length]
    return bytes([high << 4 | low]) + b"".join(behind)


def decode_header(frame):
    """(kid, ctr, length, whether minimal), or None."""
    if not frame:
        return None
    fields, at = [], 1
    for nibble in (frame[0] >> 4, frame[0] & 15):
        if nibble < 8:
            fields.append(nibble)
            continue
        end = at + (nibble & 7) + 1
        if len(frame) < end:
            return None
        fields.append(int.from_bytes(frame[at:end], "big"))
        at = end
    kid, ctr = fields
    return kid, ctr, at, frame[:at] == encode_header(kid, ctr)


# --- Section 4.4: keys, encryption, decryption --------------------------------------------------


def hkdf_extract(suite, salt, ikm):
    return hmac.new(salt, ikm, suite.hash).digest()


def hkdf_expand(suite, prk, info, length):
    okm, block, count = b"", b"", 0
    while len(okm) < length:
        count += 1
        block = hmac.new(prk, block + info + bytes([count]), suite.hash).digest()
        okm += block
    return okm[:length]


def derive_key_salt(suite, kid, base_key):
    secret = hkdf_extract(suite, b"", base_key)
    label = be(kid, 8) + be(suite.id, 2)
    return (
        hkdf_expand(suite, secret, b"SFrame 1.0 Secret key " + label, suite.nk),
        hkdf_expand(suite, secret, b"SFrame 1.0 Secret salt " + label, suite.nn),
    )


def nonce_of(suite, salt, ctr):
    return bytes(a ^ b for a, b in zip(salt, be(ctr, suite.nn)))


def seal(suite, kid, base_key, ctr, metadata, pt, header=None, aad=None):
    """A sealed frame; `header` and `aad` replace the RFC's, for frames to be refused."""
    key, salt = derive_key_salt(suite, kid, base_key)
    header = encode_header(kid, ctr) if header is None else header
    aad = header + metadata if aad is None else aad
    return header + aead_encrypt(suite, key, nonce_of(suite, salt, ctr), aad, pt)


def open_frame(suite, kid, base_key, metadata, frame, strict=True):
    """The plaintext, or None. `strict` is the RFC; without it, longer headers pass."""
    header = decode_header(frame)
    if header is None:
        return None
    got_kid, ctr, end, minimal = header
    if got_kid != kid or (strict and not minimal):
        return None
    key, salt = derive_key_salt(suite, kid, base_key)
    aad = frame[:end] + metadata
    return aead_decrypt(suite, key, nonce_of(suite, salt, ctr), aad, frame[end:])


# --- Section 5: KIDs and the ratchet ------------------------------------------------------------


def ratchet(suite, base_key):
    return hkdf_expand(suite, hkdf_extract(suite, b"", base_key), b"SFrame 1.0 Ratchet", suite.nh)


def sender_key_kid(step_bits, sender_bits, generation, sender, step):
    """Section 5.1, where sender_bits is 0. Sender bits sit between its two fields.

    None if a field does not fit. The step is taken modulo 2^step_bits.
    """
    if sender >> sender_bits or generation >> 64 - sender_bits - step_bits:
        return None
    return (generation << sender_bits + step_bits) + (sender << step_bits) + step % (1 << step_bits)


def mls_kid(epoch_bits, index_bits, context, index, epoch):
    """Section 5.2, with E and S. None if a field does not fit."""
    if index >> index_bits or context >> 64 - index_bits - epoch_bits:
        return None
    return (context << index_bits + epoch_bits) + (index << epoch_bits) + epoch % (1 << epoch_bits)


# --- The vectors --------------------------------------------------------------------------------

CTRS = [0, 1, 7, 8, 255, 256, 0x4567, 0xFFFF_FFFF, 1 << 32, (1 << 64) - 1]
METADATA = [b"", b"IETF SFrame WG", bytes(range(0x80, 0x80 + 33))]
PLAINTEXTS = [b"draft-ietf-sframe-enc", b"", b"\xf8", b"\xf8\xff\xfe", bytes(range(16)), bytes(range(65))]


def number(value):
    return None if value is None else hex(value)


def pattern(length, start):
    return bytes((start + 7 * i) % 256 for i in range(length))


def sealed(suite, kid, base_key, salt_of_choice):
    """One frame; its content depends on a number."""
    ctr = CTRS[salt_of_choice % len(CTRS)]
    metadata = METADATA[salt_of_choice % len(METADATA)]
    pt = PLAINTEXTS[salt_of_choice // 2 % len(PLAINTEXTS)]
    key, salt = derive_key_salt(suite, kid, base_key)
    frame = seal(suite, kid, base_key, ctr, metadata, pt)
    assert open_frame(suite, kid, base_key, metadata, frame) == pt
    return {
        "kid": number(kid),
        "sframe_key": key.hex(),
        "sframe_salt": salt.hex(),
        "ctr": number(ctr),
        "metadata": metadata.hex(),
        "pt": pt.hex(),
        "ct": frame.hex(),
    }


def ratchet_vectors():
    sample = {0, 1, 2, 63, 64, 65, 254, 255, 256, 257}
    lanes = [  # step_bits, sender_bits, generation, sender
        (1, 0, 0, 0),
        (1, 16, 3, 0xFFFF),
        (4, 0, 5, 0),
        (8, 16, 1, 7),
    ]
    for suite in SUITES.values():
        for lane, (step_bits, sender_bits, generation, sender) in enumerate(lanes):
            base_key = pattern(suite.nh, 16 * suite.id + lane)
            steps = []
            for step in range((1 << step_bits) + 3):
                if step_bits < 8 or step in sample:
                    kid = sender_key_kid(step_bits, sender_bits, generation, sender, step)
                    frame = sealed(suite, kid, base_key, suite.id + lane + len(steps))
                    steps.append({"step": number(step), "base_key": base_key.hex(), **frame})
                base_key = ratchet(suite, base_key)
            yield {
                "cipher_suite": suite.id,
                "step_bits": step_bits,
                "sender_bits": sender_bits,
                "generation": number(generation),
                "sender": number(sender),
                "steps": steps,
            }


def sender_key_kid_vectors():
    cases = []
    for step_bits in (0, 1, 4, 8, 63):
        last_step, last_generation = (1 << step_bits) - 1, (1 << 64 - step_bits) - 1
        for generation in (0, 1, last_generation):
            for step in sorted({0, last_step // 2, last_step}):
                cases.append((step_bits, 0, generation, 0, step))
        cases += [
            (step_bits, 0, last_generation + 1, 0, 0),
            (step_bits, 0, 0, 1, 0),  # no sender bits: no sender
        ]
    for step_bits, sender_bits in ((8, 16), (4, 10), (0, 16), (1, 62), (31, 32)):
        last_step, last_sender = (1 << step_bits) - 1, (1 << sender_bits) - 1
        last_generation = (1 << 64 - step_bits - sender_bits) - 1
        cases += [
            (step_bits, sender_bits, 0, 0, 0),
            (step_bits, sender_bits, 0, 0, last_step),
            (step_bits, sender_bits, 0, last_sender, 0),
            (step_bits, sender_bits, last_generation, 0, 0),
            (step_bits, sender_bits, 1, 1, last_step),
            (step_bits, sender_bits, last_generation, last_sender, last_step),
            (step_bits, sender_bits, 0, last_sender + 1, 0),
            (step_bits, sender_bits, last_generation + 1, 0, 0),
            (step_bits, sender_bits, last_generation + 1, last_sender + 1, last_step),
        ]
    for step_bits, sender_bits, generation, sender, step in cases:
        kid = sender_key_kid(step_bits, sender_bits, generation, sender, step)
        if generation < 1 << 64:  # fits a 64-bit integer
            yield {
                "step_bits": step_bits,
                "sender_bits": sender_bits,
                "generation": number(generation),
                "sender": number(sender),
                "step": number(step),
                "kid": number(kid),
            }


RFC_MLS_EXAMPLES = [  # context, index, epoch, KID; with E = 4 and S = 6
    (0, 3, 14, 0x3E),
    (0, 7, 14, 0x7E),
    (0, 20, 14, 0x14E),
    (0, 3, 15, 0x3F),
    (0, 5, 15, 0x5F),
    (2, 2, 16, 0x820),
    (3, 2, 16, 0xC20),
    (0, 33, 17, 0x211),
    (0, 51, 17, 0x331),
]


def mls_kid_vectors():
    cases = []
    for context, index, epoch, kid in RFC_MLS_EXAMPLES:
        assert mls_kid(4, 6, context, index, epoch) == kid
        cases.append((4, 6, context, index, epoch))
    top = (1 << 64) - 1
    for epoch_bits, index_bits in ((4, 6), (0, 6), (4, 0), (0, 0), (8, 16), (1, 62), (32, 31)):
        last_index, last_context = (1 << index_bits) - 1, (1 << 64 - epoch_bits - index_bits) - 1
        cases += [
            (epoch_bits, index_bits, 0, 0, 0),
            (epoch_bits, index_bits, 0, last_index, 0),
            (epoch_bits, index_bits, last_context, 0, 0),
            (epoch_bits, index_bits, 0, 0, (1 << epoch_bits) - 1),
            (epoch_bits, index_bits, 0, 0, 1 << epoch_bits),
            (epoch_bits, index_bits, last_context, last_index, top),
            (epoch_bits, index_bits, 0, last_index + 1, 0),
            (epoch_bits, index_bits, last_context + 1, 0, 0),
        ]
    for epoch_bits, index_bits, context, index, epoch in cases:
        if context < 1 << 64:  # fits a 64-bit integer
            yield {
                "epoch_bits": epoch_bits,
                "index_bits": index_bits,
                "context": number(context),
                "index": number(index),
                "epoch": number(epoch),
                "kid": number(mls_kid(epoch_bits, index_bits, context, index, epoch)),
            }


def mls_frame_vectors():
    """Epoch 30 has the low bits of epoch 14, which it replaces."""
    members = [(3, 0), (20, 0), (2, 2), (63, (1 << 54) - 1)]
    for suite in SUITES.values():
        for place, epoch in enumerate((14, 15, 30)):
            base_key = pattern(suite.nk, 16 * suite.id + 8 + place)
            frames = []
            for index, context in members[place:] if place else members:
                kid = mls_kid(4, 6, context, index, epoch)
                frame = sealed(suite, kid, base_key, suite.id + place + len(frames))
                frames.append({"index": number(index), "context": number(context), **frame})
            yield {
                "cipher_suite": suite.id,
                "epoch_bits": 4,
                "index_bits": 6,
                "epoch": number(epoch),
                "base_key": base_key.hex(),
                "frames": frames,
            }


def flipped(frame, at, bit=0):
    at %= len(frame)
    return frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]


def longer_headers(suite, kid, base_key, ctr, metadata, pt):
    """The same frame with longer encodings of the same header."""
    kid_len, ctr_len = minimal_len(kid), minimal_len(ctr)
    lengths = [(kid_len + 1, ctr_len), (kid_len, ctr_len + 1), (kid_len + 1, ctr_len + 1), (8, 8)]
    minimal = encode_header(kid, ctr)
    for more_kid, more_ctr in lengths:
        header = encode_header(kid, ctr, more_kid, more_ctr)
        frame = seal(suite, kid, base_key, ctr, metadata, pt, header=header)
        # Authentic except for the header's form: only strictness rejects it.
        assert open_frame(suite, kid, base_key, metadata, frame, strict=False) == pt
        name = f"kid in {more_kid} bytes, ctr in {more_ctr}"
        yield f"{name}, itself authenticated", metadata, frame
        aad = minimal + metadata
        frame = seal(suite, kid, base_key, ctr, metadata, pt, header=header, aad=aad)
        yield f"{name}, minimal header authenticated", metadata, frame


def mutations(suite, kid, base_key, ctr, metadata, pt):
    frame = seal(suite, kid, base_key, ctr, metadata, pt)
    head = len(encode_header(kid, ctr))
    kid_len = minimal_len(kid)
    nt, body = suite.nt, len(frame)

    yield "no bytes at all", metadata, b""
    yield "only the config byte", metadata, frame[:1]
    yield "only the header", metadata, frame[:head]
    for at, what in [
        (0, "config byte"),
        (1, "first byte of the kid"),
        (kid_len, "last byte of the kid"),
        (kid_len + 1, "first byte of the ctr"),
        (head - 1, "last byte of the ctr"),
        (head, "first byte of the ciphertext"),
        (body - nt - 1, "last byte of the ciphertext"),
        (body - nt, "first byte of the tag"),
        (body - 1, "last byte of the tag"),
    ]:
        yield f"lowest bit flipped, {what}", metadata, flipped(frame, at)
        yield f"highest bit flipped, {what}", metadata, flipped(frame, at, 7)
    for cut in range(1, nt + 1):
        yield f"tag shorter by {cut}", metadata, frame[:-cut]
    yield "first byte of the ciphertext missing", metadata, frame[:head] + frame[head + 1 :]
    yield "zero byte appended", metadata, frame + b"\0"
    yield "tag all zeros", metadata, frame[:-nt] + bytes(nt)
    yield "tag repeated", metadata, frame + frame[-nt:]
    yield "header repeated", metadata, frame[:head] + frame
    if suite.nka is not None:
        key, salt = derive_key_salt(suite, kid, base_key)
        nonce, aad = nonce_of(suite, salt, ctr), frame[:head] + metadata
        mac = full_mac(suite, key[suite.nka :], nonce, aad, frame[head:-nt])
        yield "tag one byte longer, from the same mac", metadata, frame[:-nt] + mac[: nt + 1]
        yield "whole mac for a tag", metadata, frame[:-nt] + mac
        bare = hmac.new(key[suite.nka :], nonce + aad + frame[head:-nt], suite.hash).digest()
        yield "mac without the three lengths", metadata, frame[:-nt] + bare[:nt]

    yield "metadata missing", b"", frame
    yield "metadata with a bit flipped", flipped(metadata, 3), frame
    yield "metadata shorter by one", metadata[:-1], frame
    yield "metadata longer by a zero byte", metadata + b"\0", frame
    moved = frame[:head] + metadata[-1:] + frame[head:]
    yield "metadata's last byte moved into the ciphertext", metadata[:-1], moved

    header = encode_header(kid, ctr)

    def resealed(base_key=base_key, aad=None):
        return seal(suite, kid, base_key, ctr, metadata, pt, header, aad)

    yield "metadata before header in the aad", metadata, resealed(aad=metadata + header)
    yield "header not in the aad", metadata, resealed(aad=metadata)
    yield "metadata not in the aad", metadata, resealed(aad=header)
    yield "sealed one ratchet step on, kid of this step", metadata, resealed(ratchet(suite, base_key))
    ahead = seal(suite, kid + 1, base_key, ctr, metadata, pt)
    yield "sealed at this step, kid one ratchet step on", metadata, ahead
    secret = hkdf_extract(suite, b"", base_key)
    key_label = b"SFrame 1.0 Secret key "
    if suite.nk != suite.nh:
        short = hkdf_expand(suite, secret, b"SFrame 1.0 Ratchet", suite.nk)
        wrong = seal(suite, kid + 1, short, ctr, metadata, pt)
        yield "ratcheted to Nk bytes, not Nh", metadata, wrong
    yield "base key shorter by one byte", metadata, resealed(base_key[:-1])
    key, salt = derive_key_salt(suite, kid, base_key)
    nonce, aad = nonce_of(suite, salt, ctr), header + metadata

    def labelled(*parts):
        return hkdf_expand(suite, secret, b"".join(parts), suite.nk)

    for name, other_key, other_nonce in [
        ("nonce is the salt", key, salt),
        ("nonce is the ctr", key, be(ctr, suite.nn)),
        ("nonce with the ctr at the front", key, nonce_of(suite, salt, ctr << 32)),
        ("key label without the space before the kid", labelled(key_label[:-1], be(kid, 8), be(suite.id, 2)), nonce),
        ("kid not widened in the key label", labelled(key_label, be(kid, kid_len), be(suite.id, 2)), nonce),
        ("no suite in the key label", labelled(key_label, be(kid, 8)), nonce),
    ]:
        yield name, metadata, header + aead_encrypt(suite, other_key, other_nonce, aad, pt)


def refused_vectors():
    metadata, pt = METADATA[1], bytes(range(0x20, 0x2B))
    for suite in SUITES.values():
        base_key = pattern(suite.nh, 16 * suite.id + 12)
        for kid, ctr, kinds in (
            (0x123, 0x4567, (mutations, longer_headers)),
            (5, 3, (longer_headers,)),
        ):
            cases = []
            for kind in kinds:
                for name, used, frame in kind(suite, kid, base_key, ctr, metadata, pt):
                    assert open_frame(suite, kid, base_key, used, frame) is None, name
                    # Nor at the next ratchet step, whose KID some of them have.
                    assert open_frame(suite, kid + 1, ratchet(suite, base_key), used, frame) is None, name
                    cases.append({"name": name, "metadata": used.hex(), "ct": frame.hex()})
            frame = seal(suite, kid, base_key, ctr, metadata, pt)
            assert open_frame(suite, kid, base_key, metadata, frame) == pt
            yield {
                "cipher_suite": suite.id,
                "kid": number(kid),
                "ctr": number(ctr),
                "base_key": base_key.hex(),
                "metadata": metadata.hex(),
                "pt": pt.hex(),
                "ct": frame.hex(),
                "cases": cases,
            }


def write(value, out, depth=0):
    """JSON with one line for each value without a list of objects."""
    pad = " " * depth
    if isinstance(value, dict) and any(isinstance(part, list) for part in value.values()):
        flat = {k: v for k, v in value.items() if not isinstance(v, list)}
        head = json.dumps(flat)[1:-1]
        out.write("{" + head + (", " if head else ""))
        lists = [(k, v) for k, v in value.items() if isinstance(v, list)]
        for place, (key, items) in enumerate(lists):
            out.write(("\n" + pad if depth == 0 else "") + json.dumps(key) + ": [\n")
            for at, item in enumerate(items):
                out.write(pad + " ")
                write(item, out, depth + 1)
                out.write(",\n" if at + 1 < len(items) else "\n")
            out.write(pad + "]" + ("," if place + 1 < len(lists) else ""))
        out.write("}")
    else:
        out.write(json.dumps(value))


def check(path):
    """Runs this script against the RFC's vectors and returns how many agreed."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    done = 0
    for case in vectors.get("header", []):
        encoded = bytes.fromhex(case["encoded"])
        assert encode_header(case["kid"], case["ctr"]) == encoded, case
        assert decode_header(encoded) == (case["kid"], case["ctr"], len(encoded), True), case
        done += 1
    for case in vectors.get("aes_ctr_hmac", []) + vectors.get("aes_256_ctr_hmac", []):
        suite = SUITES[case["cipher_suite"]]
        key, nonce, aad, pt, ct = (bytes.fromhex(case[k]) for k in ("key", "nonce", "aad", "pt", "ct"))
        assert aead_encrypt(suite, key, nonce, aad, pt) == ct, case
        assert aead_decrypt(suite, key, nonce, aad, ct) == pt, case
        done += 1
    for case in vectors.get("sframe", []) + vectors.get("sframe_aes_256_ctr_hmac", []):
        suite, kid, ctr = SUITES[case["cipher_suite"]], case["kid"], case["ctr"]
        base_key, metadata, pt, ct = (bytes.fromhex(case[k]) for k in ("base_key", "metadata", "pt", "ct"))
        key, salt = derive_key_salt(suite, kid, base_key)
        assert (key.hex(), salt.hex()) == (case["sframe_key"], case["sframe_salt"]), case
        assert nonce_of(suite, salt, ctr).hex() == case["nonce"], case
        assert seal(suite, kid, base_key, ctr, metadata, pt) == ct, case
        assert open_frame(suite, kid, base_key, metadata, ct) == pt, case
        done += 1
    return done


def main(arguments):
    if arguments and arguments[0] == "--check" and arguments[1:]:
        for path in arguments[1:]:
            done = check(path)
            assert done, f"no vectors in {path}"
            print(f"{done} vectors agree: {path}")
        return
    if arguments:
        sys.exit(__doc__)
    vectors = {
        "ratchet": list(ratchet_vectors()),
        "sender_key_kids": list(sender_key_kid_vectors()),
        "mls_kids": list(mls_kid_vectors()),
        "mls_frames": list(mls_frame_vectors()),
        "refused": list(refused_vectors()),
    }
    write(vectors, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
