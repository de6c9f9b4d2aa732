#!/usr/bin/env python3
"""Makes checks.json: codes and emoji checks of the group protocol, version 1.

    python3 make_checks.py > checks.json        writes the vectors; the same bytes every time
    python3 make_checks.py --check              checks this script against DAVE's own vectors

Follows section 7 of the group crate's PROTOCOL.md and shares no code with the library. SHA-256,
HMAC and scrypt come from Python's standard library; X25519 comes from the package `cryptography`:
pip install cryptography.

Licence: MIT OR Apache-2.0, for the script and for the vectors.
"""

import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

DOMAIN = b"sealframe group 1 "


def be(value, n):
    return value.to_bytes(n, "big")


def made(name, n=32):
    """Reproducible pseudorandom bytes."""
    return hashlib.shake_256(b"sealframe checks " + name.encode()).digest(n)


# --- Section 1 ------------------------------------------------------------------------------------


def h(name, data):
    return hashlib.sha256(DOMAIN + name.encode() + bytes(1) + data).digest()


def expand(key, name, data, length):
    prk = hmac.digest(bytes(32), key, "sha256")
    info, block, out, counter = DOMAIN + name.encode() + bytes(1) + data, b"", b"", 1
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        out, counter = out + block, counter + 1
    return out[:length]


def group_hash(group_id):
    return h("group", group_id)


# --- Section 7: codes -----------------------------------------------------------------------------


def digits(data, groups):
    numbers = [int.from_bytes(data[5 * i : 5 * i + 5], "big") % 10**5 for i in range(groups)]
    return " ".join(f"{number:05}" for number in numbers)


def call_code(group, announces):
    """From announce_hashes, in any order."""
    return digits(expand(group, "call code", b"".join(sorted(announces)), 60), 12)


SALT = bytes.fromhex("24cab17a7af8ec2b82b412b92dab192e")


def record(key, user):
    if len(user) == 8:
        return bytes.fromhex("0000") + key + user
    return bytes.fromhex("0001") + key + be(len(user), 8) + user


def fingerprint(a, b):
    password = b"".join(sorted([record(*a), record(*b)]))
    memory = 64 * 1024 * 1024
    return hashlib.scrypt(password, salt=SALT, n=16384, r=8, p=2, dklen=64, maxmem=memory)


def pairwise_code(a, b):
    return digits(fingerprint(a, b), 9)


# --- Section 7: emoji checks
# ------------------------------------------------------------------------

# Matrix, Client-Server API, "SAS method: emoji": code points and names, from 0 to 63.
TABLE = """\
1F436 Dog
1F431 Cat
1F981 Lion
1F40E Horse
1F984 Unicorn
1F437 Pig
1F418 Elephant
1F430 Rabbit
1F43C Panda
1F413 Rooster
1F427 Penguin
1F422 Turtle
1F41F Fish
1F419 Octopus
1F98B Butterfly
1F337 Flower
1F333 Tree
1F335 Cactus
1F344 Mushroom
1F30F Globe
1F319 Moon
2601+FE0F Cloud
1F525 Fire
1F34C Banana
1F34E Apple
1F353 Strawberry
1F33D Corn
1F355 Pizza
1F382 Cake
2764+FE0F Heart
1F600 Smiley
1F916 Robot
1F3A9 Hat
1F453 Glasses
1F527 Spanner
1F385 Santa
1F44D Thumbs Up
2602+FE0F Umbrella
231B Hourglass
23F0 Clock
1F381 Gift
1F4A1 Light Bulb
1F4D5 Book
270F+FE0F Pencil
1F4CE Paperclip
2702+FE0F Scissors
1F512 Lock
1F511 Key
1F528 Hammer
260E+FE0F Telephone
1F3C1 Flag
1F682 Train
1F6B2 Bicycle
2708+FE0F Aeroplane
1F680 Rocket
1F3C6 Trophy
26BD Ball
1F3B8 Guitar
1F3BA Trumpet
1F514 Bell
2693 Anchor
1F3A7 Headphones
1F4C1 Folder
1F4CC Pin
"""


def table():
    rows = []
    for index, line in enumerate(TABLE.splitlines()):
        points, name = line.split(" ", 1)
        symbol = "".join(chr(int(point, 16)) for point in points.split("+"))
        rows.append({"index": index, "symbol": symbol, "name": name})
    assert len(rows) == 64
    return rows


def emoji(sas):
    bits = "".join(f"{byte:08b}" for byte in sas)
    return [int(bits[6 * i : 6 * i + 6], 2) for i in range(7)]


def numbers(sas):
    bits = "".join(f"{byte:08b}" for byte in sas)
    return [int(bits[13 * i : 13 * i + 13], 2) + 1000 for i in range(3)]


class Side:
    def __init__(self, name):
        self.identity, self.session = made(name + " identity"), made(name + " session", 16)
        self.secret = made(name + " secret")
        self.key = X25519PrivateKey.from_private_bytes(self.secret)
        self.public = self.key.public_key().public_bytes_raw()

    def json(self):
        return {"identity": self.identity.hex(), "session": self.session.hex(), "secret": self.secret.hex()}


def emoji_check(number):
    group = group_hash(be(number, 4))
    check = made(f"check {number}", 16)
    a, b = Side(f"a {number}"), Side(f"b {number}")
    secret = a.key.exchange(X25519PublicKey.from_public_bytes(b.public))
    assert secret == b.key.exchange(X25519PublicKey.from_public_bytes(a.public))
    info = group + check + a.identity + a.session + a.public + b.identity + b.session + b.public
    sas = expand(secret, "sas", info, 6)
    confirm = lambda one, other: h("sas confirm", check + one.session + other.session + secret)
    return {
        "group_hash": group.hex(),
        "check": check.hex(),
        "a": a.json(),
        "b": b.json(),
        "start": h("sas commit", check + a.session + b.session + a.public).hex(),
        "reply": b.public.hex(),
        "reveal": a.public.hex(),
        "confirm_a": confirm(a, b).hex(),
        "confirm_b": confirm(b, a).hex(),
        "emoji": emoji(sas),
        "numbers": numbers(sas),
    }


# --- The file
# ---------------------------------------------------------------------------------------


def call_code_vector(number, members):
    group = group_hash(f"room {number}".encode())
    announces = [made(f"announce {number} {i}") for i in range(members)]
    code = call_code(group, announces)
    return {"group_hash": group.hex(), "announce_hashes": [one.hex() for one in announces], "code": code}


def pairwise_vector(number, user_a, user_b):
    a, b = (made(f"pair {number} a"), user_a), (made(f"pair {number} b"), user_b)
    return {
        "identity_a": a[0].hex(),
        "user_a": user_a.hex(),
        "identity_b": b[0].hex(),
        "user_b": user_b.hex(),
        "code": pairwise_code(a, b),
    }


USERS = [
    (be(1234, 8), be(5678, 8)),  # as in DAVE
    (be(2**64 - 1, 8), be(0, 8)),
    (b"alice@example.org", b"bob@example.org"),
    (b"alice", b"eight888"),
    (b"", "Zo\u00eb \U0001f436".encode()),
    (bytes(300), bytes.fromhex("0000") * 20),
]


def vectors():
    return {
        "table": table(),
        "call_codes": [call_code_vector(i, n) for i, n in enumerate([1, 2, 2, 3, 5, 8, 9, 32, 64, 128])],
        "pairwise_codes": [pairwise_vector(i, a, b) for i, (a, b) in enumerate(USERS)],
        "checks": [emoji_check(i) for i in range(64)],
    }


# discord/libdave 52cd56d (MIT), js/__tests__/PairwiseFingerprint-test.ts and
# DisplayableCode-test.ts
DAVE_FINGERPRINTS = [
    (
        (bytes(33), 1234),
        (bytes(65), 5678),
        "8581f12c24874fc31b1c97457cc5bd29c007102d4ff78a3a7ea1b2880c6d60a4"
        "a95c02e888ae4a9cad90bfb8222df28829850e9e774fcc3006dc7906f20ba43c",
    ),
    (
        (bytes([0, 100]), 1),
        (bytes([0, 20]), 2),
        "8da9c28f164816f50d8c42e49fc3656a77f045bfb2e3c27ea2ffde948a0521d7"
        "f0a7eaf595b62e140453bf1fa54afda5c7101d47c1cda99aff9a221e5eabf72b",
    ),
]
DAVE_CODES = [
    ("aabbccddee", "05870"),
    ("aabbccddeebbccddeeffccddeeffaaddeeffaabbeeffaabbccffaabbccdd", "05870 81055 56138 05211 95724 94877"),
]


def check():
    for (key_a, user_a), (key_b, user_b), out in DAVE_FINGERPRINTS:
        assert fingerprint((key_a, be(user_a, 8)), (key_b, be(user_b, 8))).hex() == out
    for data, code in DAVE_CODES:
        assert digits(bytes.fromhex(data), len(data) // 10) == code
    print(f"agrees with DAVE's {len(DAVE_FINGERPRINTS)} fingerprints and {len(DAVE_CODES)} codes")


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check()
    else:
        lists = [
            f'"{name}": [\n' + ",\n".join(" " + json.dumps(one) for one in cases) + "\n]"
            for name, cases in vectors().items()
        ]
        print("{\n" + ",\n".join(lists) + "\n}")
