"""Extracts aes-gcm.txt from NIST's CAVP response files: AES-128 and 256, 96-bit IVs, 128-bit tags.

    python3 cut.py FOLDER > aes-gcm.txt

FOLDER holds gcmEncryptExtIV{128,256}.rsp and gcmDecrypt{128,256}.rsp.
"""

import pathlib
import sys


def cases(path):
    section, case = {}, {}
    for line in path.read_text().splitlines():
        line = line.strip()
        if line.startswith("["):
            name, value = line.strip("[]").split(" = ")
            section[name] = int(value)
        elif line == "FAIL":
            case["FAIL"] = True
        elif " = " in line or line.endswith(" ="):
            name, _, value = line.partition(" =")
            if name == "Count":
                case = {}
                yield dict(section), case
            case[name] = value.strip()


for name in ("gcmEncryptExtIV128", "gcmEncryptExtIV256", "gcmDecrypt128", "gcmDecrypt256"):
    for section, case in list(cases(pathlib.Path(sys.argv[1]) / f"{name}.rsp")):
        if section["IVlen"] != 96 or section["Taglen"] != 128:
            continue
        fields = [case["Key"], case["IV"], case["AAD"], case["CT"], case["Tag"]]
        plain = "FAIL" if "FAIL" in case else case["PT"]
        print(" ".join(field or "-" for field in [*fields, plain]))
