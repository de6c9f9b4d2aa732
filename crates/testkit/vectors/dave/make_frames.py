#!/usr/bin/env python3
"""Makes frames.json: sealed frames and ratchet keys of DAVE 1.1, which publishes none.

    python3 make_frames.py > frames.json        the same bytes every time

Follows discord/dave-protocol's protocol.md and RFC 9420 (sections 8 and 9.1), and shares no code
with any implementation. What they do not specify (how many bytes of a slice stay readable, when a
nonce is skipped) follows libdave; where this library leaves less readable than libdave, so does the
script. HMAC is Python's own; AES-GCM comes from the package `cryptography`.

Licence: MIT OR Apache-2.0, for the script and for the vectors.
"""

import hashlib
import hmac
import json
import re

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# --- Keys ---------------------------------------------------------------------------------------


def expand_with_label(secret, label, context, length):
    label = b"MLS 1.0 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:length]


def ratchet(secret, upto):
    for generation in range(upto + 1):
        context = generation.to_bytes(4, "big")
        key = expand_with_label(secret, b"key", context, 16)
        nonce = expand_with_label(secret, b"nonce", context, 12)
        yield generation, key, nonce
        secret = expand_with_label(secret, b"secret", context, 32)


def key_at(secret, wanted):
    return next(key for generation, key, _ in ratchet(secret, wanted) if generation == wanted)


# --- What stays readable: a list of (is_clear, bytes) -------------------------------------------


def nal_units(frame):
    codes = [match.start() for match in re.finditer(b"\0\0\1", frame)]
    for place, code in enumerate(codes):
        end = len(frame)
        if place + 1 < len(codes):
            end = codes[place + 1]
            if end > code + 3 and frame[end - 1] == 0:
                end -= 1
        yield frame[code + 3 : end]


def slice_front(payload):
    """Bytes that cover three Exp-Golomb codes, as libdave counts them."""
    at, zeros, codes = 0, 0, 0
    while at < 8 * len(payload) and codes < 3:
        place = at // 8
        if at % 8 == 0 and payload[place] == 3 and place >= 2 and payload[place - 2 : place] == b"\0\0":
            at += 8
        elif payload[place] >> (7 - at % 8) & 1:
            codes, at, zeros = codes + 1, at + 1 + zeros, 0
        else:
            at, zeros = at + 1, zeros + 1
            if zeros == 32:
                return 0
    return min(at // 8 + 1, len(payload))


def h264(frame, parameter_sets_only):
    for unit in nal_units(frame):
        kind = unit[0] & 31
        clear = len(unit) if kind in ([7, 8, 13, 15] if parameter_sets_only else range(6, 17)) else 1
        if kind in (1, 5):
            clear = 1 + slice_front(unit[1:])
        yield True, b"\0\0\0\1" + unit[:clear]
        yield False, unit[clear:]


def h265(frame, parameter_sets_only):
    for unit in nal_units(frame):
        kind = unit[0] >> 1 & 63
        clear = len(unit) if kind in range(32, 35 if parameter_sets_only else 41) else 2
        yield True, b"\0\0\0\1" + unit[:clear]
        yield False, unit[clear:]


def uleb(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def read_uleb(data):
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, place + 1


def av1(frame, _):
    obus, at = [], 0
    while at < len(frame):
        header = frame[at : at + (2 if frame[at] & 4 else 1)]
        at += len(header)
        size = len(frame) - at
        if header[0] & 2:
            size, taken = read_uleb(frame[at:])
            at += taken
        if header[0] >> 3 & 15 not in (2, 8, 15):
            obus.append((header, frame[at : at + size]))
        at += size
    for place, (header, payload) in enumerate(obus):
        if place + 1 == len(obus):
            yield True, bytes([header[0] & ~2]) + header[1:]
        else:
            yield True, header + uleb(len(payload))
        yield False, payload


def vp8(frame, _):
    clear = 1 if frame[0] & 1 else 10
    yield True, frame[:clear]
    yield False, frame[clear:]


def whole(frame, _):
    yield False, frame


RULES = {"VP8": vp8, "H264": h264, "H265": h265, "AV1": av1}

# --- Frames -------------------------------------------------------------------------------------


def seal(secret, nonce, codec, frame, parameter_sets_only, is_well_made=True):
    rule = RULES.get(codec, whole) if is_well_made else whole
    clear, payload, ranges, parts, at = b"", b"", [], [], 0
    for is_clear, data in rule(frame, parameter_sets_only):
        if is_clear and data:
            if ranges and sum(ranges[-1]) == at:
                ranges[-1][1] += len(data)
            else:
                ranges.append([at, len(data)])
            clear += data
        elif data:
            payload += data
        parts.append((is_clear, len(data)))
        at += len(data)
    opened = b"".join(data for _, data in rule(frame, parameter_sets_only))
    for _ in range(10):
        low = nonce % 2**32
        key = key_at(secret, nonce >> 24)
        made = AESGCM(key).encrypt(bytes(8) + low.to_bytes(4, "little"), payload, clear)
        ciphertext, tag = made[: len(payload)], made[len(payload) :][:8]
        media, edges, from_clear, from_sealed = b"", [], 0, 0
        for is_clear, length in parts:
            if is_clear:
                media += clear[from_clear : from_clear + length]
                from_clear += length
            else:
                edges.append((len(media), len(media) + length))
                media += ciphertext[from_sealed : from_sealed + length]
                from_sealed += length
        trailer = tag + uleb(low) + b"".join(uleb(offset) + uleb(length) for offset, length in ranges)
        trailer += bytes([len(trailer) + 3, 0xFA, 0xFA])
        sealed = media + trailer
        edges = [(start, end) for start, end in edges if start < end] + [(len(media), len(sealed))]
        if codec not in ("H264", "H265") or not any(
            b"\0\0\1" in sealed[max(0, start - 2) : end + 2] for start, end in edges
        ):
            return {"nonce": nonce, "sealed": sealed.hex(), "ranges": ranges, "opened": opened.hex()}
        nonce += 1
    raise ValueError("start codes")


def pattern(length, start=0x80, step=37):
    """Bytes without two zeros in a row."""
    return bytes((start + step * place) % 255 + 1 for place in range(length))


SPS, PPS = bytes.fromhex("6742c01f8c8d40"), bytes.fromhex("68ce3c80")
CODE3, CODE4 = b"\0\0\1", b"\0\0\0\1"


def cases():
    """Name, codec, frame; then the exceptions."""
    yield "opus", "Opus", pattern(80), {}
    yield "opus, one byte", "Opus", b"\x78", {}
    yield "opus, silence that a member sent", "Opus", bytes.fromhex("f8fffe"), {}
    yield "opus, empty", "Opus", b"", {}
    for length in (15, 16, 17, 1200):
        yield f"opus, {length} bytes", "Opus", pattern(length), {}
    for nonce in (127, 128, 16383, 16384, 2**21, 2**24 - 1, 2**24, 2**25 + 5, 2**32 - 1, 2**32, 2**32 + 1, 300 << 24):
        yield f"opus, nonce {nonce:#x}", "Opus", pattern(20), {"nonce": nonce}
    yield "vp8, key", "VP8", bytes.fromhex("1002009d012a8002e001") + pattern(60), {}
    yield "vp8, delta", "VP8", b"\x31" + pattern(60), {}
    yield "vp8, key cut off", "VP8", bytes.fromhex("1002009d"), {}
    yield "vp8, delta of one byte", "VP8", b"\x31", {}
    yield "vp9, key", "VP9", bytes.fromhex("8249834200") + pattern(60), {}
    yield "vp9, delta", "VP9", b"\x86" + pattern(60), {}
    idr, delta = b"\x65\xb8" + pattern(50), b"\x41\xe0" + pattern(30)
    yield "h264, parameter sets and a slice", "H264", CODE4 + SPS + CODE4 + PPS + CODE4 + idr, {}
    yield "h264, codes of three bytes", "H264", CODE3 + SPS + CODE3 + PPS + CODE3 + idr, {}
    yield "h264, several slices", "H264", CODE3 + delta + CODE3 + delta[:9] + CODE4 + delta + CODE3 + delta[:4], {}
    sei = b"\x06\x05" + pattern(20) + b"\x80"
    yield "h264, delimiter and sei", "H264", CODE4 + b"\x09\x30" + CODE4 + sei + CODE4 + delta, {}
    yield "h264, sei sealed", "H264", CODE4 + SPS + CODE4 + PPS + CODE4 + sei + CODE4 + idr, {"clear": "parameter sets"}
    partition = b"\x42" + pattern(30)
    yield "h264, data partitions", "H264", CODE4 + partition + CODE4 + b"\x43" + pattern(9) + CODE4 + b"\x44" + pattern(3), {}
    for kind in (0x13, 0x14, 0x15, 0x00, 0x18):
        yield f"h264, unit of type {kind}", "H264", CODE4 + bytes([kind]) + pattern(20), {}
    yield "h264, escape in the front of a slice", "H264", CODE4 + bytes.fromhex("610000038000e0fafafa"), {}
    yield "h264, no code so long", "H264", CODE4 + bytes.fromhex("6100000300000301fafafa"), {}
    yield "h264, slice cut off", "H264", CODE4 + bytes.fromhex("6501"), {}
    yield "h264, zeros before and behind", "H264", bytes(3) + CODE4 + PPS + bytes(2) + CODE4 + idr, {"opened_has": 1}
    yield "h264, parameter sets alone", "H264", CODE4 + SPS + CODE4 + PPS, {}
    yield "h264, no start code", "H264", pattern(40), {"is_well_made": False}
    yield "h264, bytes before the first code", "H264", b"\7" + CODE4 + idr, {"is_well_made": False}
    yield "h264, a nonce skipped", "H264", CODE4 + b"\x65\xb8" + pattern(3000), {"skip": True}
    vps, sps, pps = bytes.fromhex("40010c01ffff"), bytes.fromhex("42010101600000"), bytes.fromhex("4401c072f05324")
    yield "h265, parameter sets and a slice", "H265", CODE4 + vps + CODE3 + sps[:-2] + b"\1" + CODE3 + pps + CODE3 + b"\x26\x01" + pattern(50), {}
    yield "h265, two slices", "H265", CODE3 + b"\x02\x01" + pattern(20) + CODE3 + b"\x02\x01" + pattern(7), {}
    yield "h265, sei", "H265", CODE4 + b"\x4e\x01" + pattern(20) + CODE4 + b"\x02\x01" + pattern(20), {}
    yield "h265, sei sealed", "H265", CODE4 + b"\x4e\x01" + pattern(20) + CODE4 + b"\x02\x01" + pattern(20), {"clear": "parameter sets"}
    yield "h265, unit without a meaning", "H265", CODE4 + b"\x60\x01" + pattern(20), {}
    sequence = bytes.fromhex("0a0b0000000442abbfc377ffe0")[:13]
    temporal = bytes.fromhex("1200")
    yield "av1, key", "AV1", temporal + sequence + b"\x32" + uleb(60) + b"\x10" + pattern(59), {}
    yield "av1, delta", "AV1", temporal + b"\x32" + uleb(300) + b"\x30" + pattern(299), {}
    yield "av1, padded sizes", "AV1", temporal + b"\x0a\x85\x00" + pattern(5) + b"\x32\x8a\x80\x00" + pattern(10), {}
    yield "av1, extensions", "AV1", b"\x36\x08\x05" + pattern(5) + b"\x36\x48\x07" + pattern(7), {}
    yield "av1, the last without a size", "AV1", b"\x1a\x03" + pattern(3) + b"\x20" + pattern(9), {}
    yield "av1, tile list and padding between", "AV1", b"\x1a\x03" + pattern(3) + b"\x42\x02\1\2\x7a\x02\0\0\x22\x04" + pattern(4), {}
    yield "av1, padding at the end", "AV1", b"\x32\x05" + pattern(5) + b"\x7a\x03\0\0\0", {}
    yield "av1, an empty one between", "AV1", b"\x2a\x00\x32\x05" + pattern(5), {}
    yield "av1, size beyond the end", "AV1", b"\x32\x7f" + pattern(5), {"is_well_made": False}
    yield "no codec", None, pattern(33), {}


def frames():
    for place, (name, codec, frame, special) in enumerate(cases()):
        secret = hashlib.sha256(b"sealframe dave vectors").digest()[:16]
        nonce = special.get("nonce", place + 1)
        only = special.get("clear") == "parameter sets"
        if special.get("skip"):
            nonce = next(
                n for n in range(1, 100000) if seal(secret, n, codec, frame, only)["nonce"] != n
            )
        made = seal(secret, nonce, codec, frame, only, special.get("is_well_made", True))
        yield {
            "name": name,
            "codec": codec,
            "clear": special.get("clear", "without picture"),
            "base_secret": secret.hex(),
            "first_nonce": nonce,
            "frame": frame.hex(),
            **made,
        }


def ratchets():
    for secret, kept in [
        (bytes.fromhex("cedd61b1b8a1ca69046554282cf70b7b"), (0, 1, 2, 3, 250, 255, 256, 1000)),
        (bytes(16), (0, 1, 17)),
        (bytes(range(16)), (0, 1, 255)),
    ]:
        steps = [
            {"generation": generation, "key": key.hex(), "nonce": nonce.hex()}
            for generation, key, nonce in ratchet(secret, max(kept))
            if generation in kept
        ]
        yield {"base_secret": secret.hex(), "generations": steps}


print(json.dumps({"ratchets": list(ratchets()), "frames": list(frames())}, indent=1))
