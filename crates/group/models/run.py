#!/usr/bin/env python3
"""Proves the models and finds the attacks on their mutants: `run.py [path of proverif]`."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROVERIF = sys.argv[1] if len(sys.argv) > 1 else "proverif"

# File, name, changes (old, new), and the expected result of each query. ProVerif finds a trace for
# each false one.
T, F = "true", "false"
RUNS = [
    ("keys", "unchanged", [], [T, F, T, T, T, T, T, F]),
    ("keys", "the signature does not cover the commitment", [("(*COMMIT*) (UPDATE, body, c)", "(UPDATE, body)")],
     [T, F, T, F, F, F, T, F]),
    ("keys", "a session id that is not a hash of its announce", [("(*SESSION*) H((ANNOUNCE, announce))", "label")],
     [None, F, None, None, None, None, F, F]),
    ("keys", "the newcomer is given the key without a ratchet step", [("ratchet(k_before))) |", "k_before)) |")],
     [F, None, T, T, None, T, T, F]),
    ("minutes", "unchanged", [], [T, T]),
    ("minutes", "prekeys are not wiped", [("(*MEMORY*) second", "(first, second)")], [F, T]),
    # An attacker with the identity key signs a prekey. ProVerif finds this attack and cannot replay
    # it over phases.
    ("minutes", "the identity key is copied too", [("(*MEMORY*) second", "(skB, second)")], [T, "unknown"]),
    ("orders", "unchanged", [], [T, T, T, F, F, F]),
    ("orders", "no proof of life", [("(*LIVE*) verify(pk(skM), (HEARTBEAT, sid, mine), beat)", "true")],
     [F, T, T, F, F, F]),
    ("orders", "a departed signer need not have been live", [("(*WASLIVE*) verify(pk(skM), (HEARTBEAT, sid, mine), beat)", "true")],
     [F, T, T, F, F, F]),
    ("orders", "a removal of any session", [("(*TARGET*) verify(idT, (HEARTBEAT, target, mine), beat)", "true")],
     [T, T, F, F, F, F]),
    ("orders", "a dishonest live member", [("(*INSIDER*)", "out(net, skE);")], [T, F, None, F, F, F]),
    ("check", "unchanged", [], [T, F]),
    ("check", "no commitment",
     [("H((COMMIT, check, idA, other, pub(a)))", "pub(a)"), ("(*OPENS*) commitment = H((COMMIT, check, other, idB, a))", "true")],
     [F, F]),
]


def results(path: Path) -> list[str]:
    done = subprocess.run([PROVERIF, str(path)], capture_output=True, text=True, timeout=600, check=False)
    lines = re.findall(r"^RESULT .*?(is true|is false|cannot be proved)\.$", done.stdout, re.MULTILINE)
    if not lines:
        sys.exit(done.stdout + done.stderr)
    return [{"is true": T, "is false": F}.get(line, "unknown") for line in lines]


bad = 0
for file, name, changes, expected in RUNS:
    text = (HERE / f"{file}.pv").read_text()
    for old, new in changes:
        assert text.count(old) == 1, (file, old)
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{file}.pv"
        path.write_text(text)
        found = results(path)
    fits = len(found) == len(expected) and all(e in (None, f) for e, f in zip(expected, found))
    bad += not fits
    print(f"{'ok ' if fits else 'BAD'} {file}: {name}: {' '.join(found)}", flush=True)
print(f"{len(RUNS) - bad} passed, {bad} failed")
sys.exit(bad > 0)
