"""Makes credentials.json: credentials that a judge must accept or refuse.

Follows crates/credentials/FORMATS.md alone. PyJWT makes the tokens, `cryptography` the
certificates, revocation lists and signatures; random values come from SHAKE-256 of a label.

    python3 make_credentials.py > credentials.json
    python3 make_credentials.py --check     # PyJWT and `cryptography` must accept every valid one
"""

import base64
import datetime
import hashlib
import hmac
import json
import sys
import warnings

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A key that is too short is one of the cases.
warnings.simplefilter("ignore")

LABEL = b"sealframe credential 1\x00"
NOW = 1_795_000_000  # in November 2026
UTC = datetime.timezone.utc


def shake(label, length):
    return hashlib.shake_256(b"credentials " + label.encode()).digest(length)


def sha256(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


# Keys, each from a label.


def is_prime(n):
    d, twos = n - 1, 0
    while d % 2 == 0:
        d, twos = d // 2, twos + 1
    for place in range(24):
        x = pow(int.from_bytes(shake(f"witness {place}", 32)), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(label, bits, e):
    n = int.from_bytes(shake(label, bits // 8)) | 3 << bits - 2 | 1
    while n % e == 1 or any(n % small == 0 for small in (3, 5, 7, 11, 13)) or not is_prime(n):
        n += 2
    return n


def rsa_key(label, bits=2048, e=65537):
    p, q = prime(label + " p", bits // 2, e), prime(label + " q", bits // 2, e)
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def ec_key(label, curve=ec.SECP256R1()):
    return ec.derive_private_key(int.from_bytes(shake(label, 32)), curve)


def ed_key(label):
    return ed25519.Ed25519PrivateKey.from_private_bytes(shake(label, 32))


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class SteadyEC(jwt.algorithms.ECAlgorithm):
    """ES256 with nonces by RFC 6979: the same bytes every time."""

    def sign(self, msg, key):
        signature = key.sign(msg, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(part.to_bytes(32) for part in decode_dss_signature(signature))


JWS = jwt.PyJWS()
JWS.unregister_algorithm("ES256")
JWS.register_algorithm("ES256", SteadyEC(SteadyEC.SHA256))

RSA = rsa_key("provider rsa")
RSA_NEXT = rsa_key("provider rsa next")
P256 = ec_key("provider p256")
ED = ed_key("provider ed25519")
STRANGER = ed_key("a stranger")


def of_rsa(key, **more):
    numbers = key.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    return {"kty": "RSA", "n": b64(numbers.n.to_bytes(size)), "e": b64(numbers.e.to_bytes(3)), **more}


def of_ec(key, crv="P-256", size=32, **more):
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": crv,
        "x": b64(numbers.x.to_bytes(size)),
        "y": b64(numbers.y.to_bytes(size)),
        **more,
    }


def of_ed(key, **more):
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw(key.public_key())), **more}


# As providers publish them: some of the keys are of no use to a judge.
KEY_SET = {
    "keys": [
        of_rsa(RSA, use="sig", kid="6f7254101f56e41cf35c9926de84a2d552b4c6f1", alg="RS256"),
        of_rsa(RSA_NEXT, use="sig", kid="next"),
        of_rsa(rsa_key("encryption"), use="enc", kid="encryption", alg="RSA-OAEP"),
        of_rsa(RSA_NEXT, use="sig", kid="pss", alg="PS256"),
        of_ec(P256, use="sig", kid="p256", alg="ES256", key_ops=["verify"]),
        of_ec(ec_key("p384", ec.SECP384R1()), "P-384", 48, use="sig", kid="p384", alg="ES384"),
        of_ed(ED, use="sig", kid="ed25519", alg="EdDSA"),
        {"kty": "oct", "kid": "shared", "k": b64(b"a secret that is shared, 32 bytes"), "alg": "HS256"},
        {"kty": "new", "kid": "new"},
    ]
}
ONE_KEY = {"keys": [of_ed(ED)]}
ROTATED = {"keys": [of_ed(ED, kid="6f7254101f56e41cf35c9926de84a2d552b4c6f1"), of_rsa(RSA_NEXT, kid="next")]}
NEAR_2048 = {"keys": [of_rsa(rsa_key("short", 1024), kid="short")]}

ISSUER = "https://login.example.org"
CLIENT = "4f1c9d2e-sealframe"
MOBILE = "4f1c9d2e-mobile"
GROUP = b"weekly/2026-11"
IDENTITY = raw(ed_key("alice").public_key())
OTHER = raw(ed_key("mallory").public_key())


def statement(group, identity):
    return LABEL + sha256(group) + identity


def nonce(identity):
    return b64(sha256(LABEL + identity))


def nonce_of_call(group, identity):
    return b64(sha256(statement(group, identity)))


def thumbprint(identity):
    return b64(sha256(b'{"crv":"Ed25519","kty":"OKP","x":"' + b64(identity).encode() + b'"}'))


def jwk(identity):
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(identity)}


KEYS = {"RS256": (RSA, KEY_SET["keys"][0]["kid"]), "ES256": (P256, "p256"), "EdDSA": (ED, "ed25519")}
KEEP = object()


def claims(**changes):
    """A provider's claims; None removes one."""
    all_of_them = {
        "iss": ISSUER,
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": CLIENT,
        "exp": NOW + 3000,
        "iat": NOW - 600,
        "nonce": nonce(IDENTITY),
        **changes,
    }
    return {name: value for name, value in all_of_them.items() if value is not None}


def token(alg="EdDSA", key=None, kid=KEEP, header=None, payload=None, **changes):
    made, name = KEYS.get(alg, KEYS["EdDSA"])
    headers = {"typ": "JWT", "kid": name if kid is KEEP else kid, **(header or {})}
    headers = {name: value for name, value in headers.items() if value is not None}
    payload = compact(claims(**changes)) if payload is None else payload
    return JWS.encode(payload, key or made, alg, headers)


def forged(header, payload, signature):
    """A token that no library would make."""
    return f"{b64(compact(header))}.{b64(payload)}.{b64(signature)}"


def signed(header, payload):
    message = f"{b64(header)}.{b64(payload)}"
    return f"{message}.{b64(ED.sign(message.encode()))}"


OIDC = []


def oidc(
    name,
    credential,
    refusal=None,
    user=None,
    end=None,
    names_call=False,
    identity=IDENTITY,
    group=GROUP,
    now=NOW,
    keys="key_set",
    **setup,
):
    case = {
        "name": name,
        "credential": credential,
        "identity": identity.hex(),
        "group_id": group.hex(),
        "now": now,
        "keys": keys,
        "setup": setup,
    }
    if refusal is None:
        case["accepted"] = {
            "user": user or f"{ISSUER}|auth0|5f7c8ec7c33c6c004bbafe82",
            "expires_at": NOW + 3060 if end is None else end,
            "names_call": names_call,
        }
    else:
        case["refusal"] = refusal
    OIDC.append(case)


def make_oidc():
    # The claims of four providers.
    google = token(
        "RS256",
        iss="https://accounts.google.com",
        azp=f"{CLIENT}.apps.googleusercontent.com",
        aud=f"{CLIENT}.apps.googleusercontent.com",
        sub="110169484474386276334",
        hd="example.org",
        email="alice@example.org",
        email_verified=True,
        at_hash="HK6E_P6Dh8Y93mRNtsDB1Q",
        name="Alice Example",
        picture="https://lh3.googleusercontent.com/a-/AOh14Gi",
        given_name="Alice",
        family_name="Example",
        locale="en",
    )
    at_google = {
        "issuer": "https://accounts.google.com",
        "audiences": [f"{CLIENT}.apps.googleusercontent.com"],
    }
    oidc("RS256, as Google", google, user="https://accounts.google.com|110169484474386276334", **at_google)
    oidc("RS256, as Google, by e-mail", google, user="alice@example.org", user_claim="email", **at_google)
    keycloak = token(
        "ES256",
        iss="https://sso.example.org/realms/staff",
        jti="5d6b8f3e-8f1c-4b0e-9d3e-2f6f5f1f0b11",
        typ="ID",
        sub="2c1f5a52-6b1d-4f8e-a2f6-0d9b8b7c6a55",
        azp=CLIENT,
        session_state="9c4a",
        acr="1",
        sid="9c4a",
        email_verified=True,
        preferred_username="alice",
        email="alice@example.org",
        exp=NOW + 240,
        iat=NOW - 60,
        auth_time=NOW - 61,
        nonce=nonce_of_call(GROUP, IDENTITY),
    )
    at_keycloak = {"issuer": "https://sso.example.org/realms/staff"}
    oidc(
        "ES256, as Keycloak, for this call",
        keycloak,
        names_call=True,
        end=NOW + 300,
        call_required=True,
        user="https://sso.example.org/realms/staff|2c1f5a52-6b1d-4f8e-a2f6-0d9b8b7c6a55",
        **at_keycloak,
    )
    oidc(
        "ES256, as Keycloak, two hours later, by its issue",
        keycloak,
        names_call=True,
        end=NOW - 60 + 14400 + 60,
        now=NOW + 7200,
        since_issued=14400,
        user="https://sso.example.org/realms/staff|2c1f5a52-6b1d-4f8e-a2f6-0d9b8b7c6a55",
        **at_keycloak,
    )
    entra = token(
        "RS256",
        header={"x5t": "6f72VBAfVuQc81yZJt6EotVStMb"},
        ver="2.0",
        iss="https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        sub="AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        oid="00000000-0000-0000-66f3-3332eca7ea81",
        tid="9188040d-6c67-4c5b-b112-36a304b66dad",
        preferred_username="alice@example.org",
        aio="Df2UVXL1ix",
        nbf=NOW - 900,
    )
    oidc(
        "RS256, as Entra ID, by object id",
        entra,
        user_claim="oid",
        issuer="https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        user="https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0|00000000-0000-0000-66f3-3332eca7ea81",
    )
    apple = token(
        "ES256",
        iss="https://appleid.apple.com",
        sub="001473.0a1b",
        email="x7@privaterelay.appleid.com",
        email_verified="true",
        nonce_supported=True,
    )
    oidc(
        "ES256, as Apple, whose true is text",
        apple,
        user="x7@privaterelay.appleid.com",
        user_claim="email",
        issuer="https://appleid.apple.com",
    )
    oidc("EdDSA with cnf.jwk", token(cnf={"jwk": jwk(IDENTITY)}, nonce="n-0S6_WzA2Mj"))
    oidc("EdDSA with cnf.jkt", token(cnf={"jkt": thumbprint(IDENTITY)}, nonce=None))
    oidc(
        "ES256 with both", token("ES256", cnf={"jwk": jwk(IDENTITY), "jkt": thumbprint(IDENTITY)}, nonce=None)
    )
    oidc("a cnf that names no key, and a nonce", token(cnf={"x5t#S256": b64(shake("thumb", 32))}))
    oidc("alg Ed25519 (RFC 9864)", signed(compact({"alg": "Ed25519", "kid": "ed25519"}), compact(claims())))
    oidc("typ in other words", token(header={"typ": "application/jwt"}))
    oidc("no typ", token(header={"typ": None}))
    oidc("the next key", token("RS256", RSA_NEXT, "next"))
    oidc("no kid, one key", token(kid=None), keys="one_key")
    oidc("several audiences, all ours", token(aud=[CLIENT, MOBILE], azp=MOBILE), audiences=[CLIENT, MOBILE])
    oidc("the last second", token(), now=NOW + 3059)
    oidc("issued within the leeway", token(iat=NOW + 60, exp=NOW + 120), end=NOW + 180)
    oidc("times with fractions", token(iat=NOW - 1.5, exp=NOW + 3000.75))
    oidc("24 hours at most", token(iat=NOW - 86000, exp=NOW + 86400 * 30), end=NOW - 86000 + 86400 + 60)
    oidc("any age", token(iat=NOW - 86400 * 20, exp=NOW + 86400), end=NOW + 86460, any_age=True)
    oidc(
        "a claim for the call, as text",
        token(room=GROUP.decode()),
        names_call=True,
        call_claim="room",
        call_required=True,
    )
    oidc(
        "a claim for the call, in base64url",
        token(room=b64(b"\xff\x00")),
        names_call=True,
        group=b"\xff\x00",
        call_claim="room",
        call_form="base64url",
    )
    oidc("no claim for the call, none demanded", token(), call_claim="room")
    oidc(
        "a member twice, of which the last counts",
        signed(
            b'{"alg":"EdDSA","kid":"ed25519"}',
            compact(claims(exp=NOW + 9))[:-1] + f',"exp":{NOW + 3000}}}'.encode(),
        ),
    )
    name = "M\u00fcller \u2603"
    oidc("a user in other letters", token(sub=name), user=f"{ISSUER}|{name}")

    # Copied, or not bound to an identity.
    oidc("copied by another", token(), "WrongIdentity", identity=OTHER)
    oidc(
        "copied by another, for this call",
        token(nonce=nonce_of_call(GROUP, IDENTITY)),
        "WrongIdentity",
        identity=OTHER,
    )
    oidc(
        "copied by another, with cnf.jwk", token(cnf={"jwk": jwk(IDENTITY)}), "WrongIdentity", identity=OTHER
    )
    oidc(
        "copied by another, with cnf.jkt",
        token(cnf={"jkt": thumbprint(IDENTITY)}),
        "WrongIdentity",
        identity=OTHER,
    )
    oidc("cnf decides, not the nonce", token(cnf={"jwk": jwk(OTHER)}), "WrongIdentity")
    oidc("two keys in cnf", token(cnf={"jwk": jwk(IDENTITY), "jkt": thumbprint(OTHER)}), "WrongIdentity")
    oidc(
        "two keys in cnf, the other way",
        token(cnf={"jwk": jwk(OTHER), "jkt": thumbprint(IDENTITY)}),
        "WrongIdentity",
    )
    oidc(
        "cnf with a key of another curve",
        token(cnf={"jwk": {**jwk(IDENTITY), "crv": "X25519"}}),
        "WrongIdentity",
    )
    oidc(
        "cnf with a key of another kind", token(cnf={"jwk": {**jwk(IDENTITY), "kty": "EC"}}), "WrongIdentity"
    )
    oidc("cnf with padding", token(cnf={"jwk": {**jwk(IDENTITY), "x": b64(IDENTITY) + "="}}), "WrongIdentity")
    oidc("cnf with a secret key", token(cnf={"jwk": {**jwk(IDENTITY), "d": b64(bytes(32))}}), "Malformed")
    oidc("cnf that is text", token(cnf=thumbprint(IDENTITY)), "Malformed")
    oidc("cnf.jwk that is text", token(cnf={"jwk": b64(IDENTITY)}), "Malformed")
    oidc("cnf.jkt that is a number", token(cnf={"jkt": 7}), "Malformed")
    oidc("a nonce of its own", token(nonce="n-0S6_WzA2Mj"), "WrongIdentity")
    oidc("the identity itself as nonce", token(nonce=b64(IDENTITY)), "WrongIdentity")
    oidc("the nonce with padding", token(nonce=nonce(IDENTITY) + "="), "WrongIdentity")
    oidc("no nonce, no cnf: a bearer token", token(nonce=None), "NotBound")
    oidc("a nonce that is a number", token(nonce=7), "Malformed")
    oidc("a nonce where cnf is demanded", token(), "NotBound", bindings=["cnf"])
    oidc(
        "cnf where a nonce is demanded",
        token(cnf={"jwk": jwk(IDENTITY)}, nonce=None),
        "NotBound",
        bindings=["nonce"],
    )
    # For another call.
    oidc("for another call", token(nonce=nonce_of_call(b"another", IDENTITY)), "WrongIdentity")
    oidc("for any call where one is demanded", token(), "WrongCall", call_required=True)
    oidc("a claim for another call", token(room="another"), "WrongCall", call_claim="room")
    oidc(
        "a claim for another call, and a nonce for this one",
        token(room="another", nonce=nonce_of_call(GROUP, IDENTITY)),
        "WrongCall",
        call_claim="room",
    )
    oidc(
        "a claim for the call in the other form",
        token(room=GROUP.decode()),
        "WrongCall",
        call_claim="room",
        call_form="base64url",
    )
    oidc("a claim for the call that is a list", token(room=[GROUP.decode()]), "Malformed", call_claim="room")
    # Times.
    oidc("the first second after", token(), "Expired", now=NOW + 3060)
    oidc("without leeway", token(), "Expired", now=NOW + 3000, leeway=0)
    oidc("too old, though it has not ended", token(exp=NOW + 86400 * 365), "Expired", now=NOW - 600 + 86460)
    oidc("too old by its issue", token(), "Expired", now=NOW - 600 + 960, since_issued=900)
    oidc("issued in the future", token(iat=NOW + 61, exp=NOW + 90), "NotYetValid")
    oidc("not before", token(nbf=NOW + 61), "NotYetValid")
    oidc("no exp", token(exp=None), "Malformed")
    oidc("no iat", token(iat=None), "Malformed")
    oidc("exp as text", token(exp=str(NOW + 3000)), "Malformed")
    oidc("exp below 0", token(exp=-1), "Malformed")
    oidc("exp of 2^53", token(exp=2**53), "Malformed")
    oidc("exp of 10^300", token(exp=1e300), "Malformed")
    oidc(
        "exp beyond all numbers",
        signed(b'{"alg":"EdDSA","kid":"ed25519"}', compact(claims())[:-1] + b',"exp":1e999}'),
        "Malformed",
    )
    oidc(
        "nbf that is null",
        signed(b'{"alg":"EdDSA","kid":"ed25519"}', compact(claims())[:-1] + b',"nbf":null}'),
        "Malformed",
    )
    # Audience and issuer.
    oidc("another issuer", token(iss="https://login.example.com"), "WrongIssuer")
    oidc("another issuer by a slash", token(iss=ISSUER + "/"), "WrongIssuer")
    oidc("no issuer", token(iss=None), "Malformed")
    oidc("another audience", token(aud="somebody-else"), "WrongAudience")
    oidc("ours and another audience", token(aud=[CLIENT, "somebody-else"]), "WrongAudience")
    oidc("another authorized party", token(azp="somebody-else"), "WrongAudience")
    oidc("no audience", token(aud=None), "Malformed")
    oidc("an empty list of audiences", token(aud=[]), "Malformed")
    oidc("an audience that is a number", token(aud=[CLIENT, 7]), "Malformed")
    # Keys and algorithms.
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    rsa_kid = KEY_SET["keys"][0]["kid"]
    header, body = compact({"alg": "HS256", "kid": rsa_kid}), compact(claims())
    message = f"{b64(header)}.{b64(body)}".encode()
    mac = hmac.digest(public, message, "sha256")
    oidc("HS256 with the public key as secret", f"{message.decode()}.{b64(mac)}", "WrongAlgorithm")
    oidc(
        "HS256 with the key set's own secret",
        JWS.encode(body, b"a secret that is shared, 32 bytes", "HS256", {"kid": "shared"}),
        "UnknownKey",
    )
    oidc("alg none", JWS.encode(body, None, "none", {"kid": "ed25519"}), "WrongAlgorithm")
    oidc("alg none, no kid", JWS.encode(body, None, "none"), "UnknownKey")
    oidc("alg none, no kid, one key", JWS.encode(body, None, "none"), "WrongAlgorithm", keys="one_key")
    oidc("alg nOnE", forged({"alg": "nOnE", "kid": "ed25519"}, body, b""), "WrongAlgorithm")
    oidc(
        "ES256 said of an Ed25519 key",
        signed(compact({"alg": "ES256", "kid": "ed25519"}), body),
        "WrongAlgorithm",
    )
    oidc(
        "PS256 with a key for RS256",
        forged({"alg": "PS256", "kid": rsa_kid}, body, shake("salted", 256)),
        "WrongAlgorithm",
    )
    oidc("RS512 with a key for RS256", token("RS512", RSA, rsa_kid), "WrongAlgorithm")
    oidc(
        "PS256 with a key for PS256",
        forged({"alg": "PS256", "kid": "pss"}, body, shake("salted", 256)),
        "UnknownKey",
    )
    oidc("a key for encryption", token("RS256", rsa_key("encryption"), "encryption"), "UnknownKey")
    oidc(
        "a key of 1024 bits", token("RS256", rsa_key("short", 1024), "short"), "UnknownKey", keys="short_key"
    )
    oidc("a kid that nobody has", token(kid="gone"), "UnknownKey")
    oidc("no kid, several keys", token(kid=None), "UnknownKey")
    oidc("a kid, and a key without", token(), "UnknownKey", keys="one_key")
    oidc("after the keys were changed", token("RS256"), "WrongAlgorithm", keys="rotated")
    oidc("a stranger's key", token(key=STRANGER), "BadSignature")
    oidc(
        "a key that the token brings along",
        token(key=STRANGER, header={"jwk": of_ed(STRANGER), "jku": "https://evil.example"}),
        "BadSignature",
    )
    oidc("a stranger's key for RS256", token("RS256", RSA_NEXT, rsa_kid), "BadSignature")
    oidc(
        "ES256 in DER",
        forged(
            {"alg": "ES256", "kid": "p256"},
            body,
            P256.sign(
                f"{b64(compact({'alg': 'ES256', 'kid': 'p256'}))}.{b64(body)}".encode(),
                ec.ECDSA(hashes.SHA256(), deterministic_signing=True),
            ),
        ),
        "BadSignature",
    )
    oidc("ES256 of zeros", forged({"alg": "ES256", "kid": "p256"}, body, bytes(64)), "BadSignature")
    oidc("no signature", forged({"alg": "EdDSA", "kid": "ed25519"}, body, b""), "BadSignature")
    oidc("an access token", token(header={"typ": "at+jwt"}), "WrongPurpose")
    oidc("a logout token", token(header={"typ": "logout+jwt"}), "WrongPurpose")
    oidc("something critical", token(header={"crit": ["exp"], "exp": NOW}), "Malformed")
    oidc("a type that is a number", signed(b'{"alg":"EdDSA","kid":"ed25519","typ":7}', body), "Malformed")
    oidc("a kid that is a number", signed(b'{"alg":"EdDSA","kid":7}', body), "Malformed")
    oidc("no alg", signed(b'{"kid":"ed25519"}', body), "Malformed")
    # The user.
    oidc("no sub", token(sub=None), "NoUser")
    oidc("an empty sub", token(sub=""), "NoUser")
    oidc("a blank sub", token(sub=" \u2003"), "NoUser")
    oidc("a sub with a line feed", token(sub="alice\nadmin"), "NoUser")
    oidc("a sub that is a number", token(sub=7), "Malformed")
    oidc(
        "an e-mail address that is not verified",
        token(email="alice@example.org"),
        "UnverifiedEmail",
        user_claim="email",
    )
    oidc(
        "an e-mail address that is said not to be",
        token(email="alice@example.org", email_verified=False),
        "UnverifiedEmail",
        user_claim="email",
    )
    oidc(
        "an e-mail address verified by 1",
        token(email="alice@example.org", email_verified=1),
        "UnverifiedEmail",
        user_claim="email",
    )
    oidc("no e-mail address", token(email_verified=True), "NoUser", user_claim="email")
    # Form.
    whole = token()
    oidc("too large", token(padding="x" * 3000), "TooLarge")
    oidc("nothing", "", "NotThisKind")
    oidc("a name", "alice@example.org", "NotThisKind")
    oidc("cut in the header", whole[:20], "NotThisKind")
    oidc("cut in the claims", whole[:200], "NotThisKind")
    oidc("cut behind the claims", whole.rsplit(".", 1)[0], "NotThisKind")
    oidc("cut behind the last dot", whole.rsplit(".", 1)[0] + ".", "BadSignature")
    oidc("cut in the signature", whole[:-6], "BadSignature")
    oidc("cut in the signature, inside of a byte", whole[:-4], "Malformed")
    oidc("with a space behind", whole + " ", "Malformed")
    oidc("with padding", whole + "==", "Malformed")
    oidc("five parts, encrypted", "a.b.c.d.e", "NotThisKind")
    oidc("an object for each part", ".".join([b64(b"{}")] * 3), "Malformed")
    oidc("a list for a header", signed(b'["EdDSA"]', body), "NotThisKind")
    oidc("a list for claims", signed(b'{"alg":"EdDSA","kid":"ed25519"}', b"[]"), "Malformed")
    oidc("claims that are no JSON", signed(b'{"alg":"EdDSA","kid":"ed25519"}', b"{'iss':1}"), "Malformed")
    oidc(
        "claims behind a byte order mark",
        signed(b'{"alg":"EdDSA","kid":"ed25519"}', b"\xef\xbb\xbf" + body),
        "Malformed",
    )
    oidc(
        "claims that are no UTF-8",
        signed(b'{"alg":"EdDSA","kid":"ed25519"}', body[:-1] + b',"x":"\xff"}'),
        "Malformed",
    )
    spare = whole[:-1] + chr(ord(whole[-1]) + 1)
    assert base64.urlsafe_b64decode(spare.split(".")[2] + "==") == base64.urlsafe_b64decode(
        whole.split(".")[2] + "=="
    )
    oidc("bits left over in the signature", spare, "Malformed")
    long = token("RS256")
    assert set("-_") & set(long) and not set("-_") & set(long.split(".")[0])
    oidc("the other alphabet", long.replace("-", "+").replace("_", "/"), "Malformed")


# Certificates.


def date(seconds):
    return datetime.datetime.fromtimestamp(seconds, UTC)


DAY = 86400
BEGIN, END = NOW - 30 * DAY, NOW + 300 * DAY


def certificate(
    name,
    key,
    issuer=None,
    issuer_key=None,
    ca=False,
    san=(),
    eku=(ExtendedKeyUsageOID.CLIENT_AUTH,),
    usage=None,
    begin=BEGIN,
    end=END,
    more=(),
    path_length=None,
):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer_name=subject if issuer is None else issuer.subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=int.from_bytes(shake("serial " + name, 15)),
        not_valid_before=date(begin),
        not_valid_after=date(end),
    )
    builder = builder.add_extension(x509.BasicConstraints(ca, path_length), True)
    signer = issuer_key or key
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
    )
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    usage = usage or ("key_cert_sign", "crl_sign") if ca else usage or ("digital_signature",)
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    builder = builder.add_extension(x509.KeyUsage(**{each: each in usage for each in names}), True)
    if eku and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(eku)), False)
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(san)), False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    return sign_with(builder, signer)


def sign_with(builder, key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    if isinstance(key, rsa.RSAPrivateKey):
        return builder.sign(key, hashes.SHA256())
    return builder.sign(key, digest_of(key), ecdsa_deterministic=True)


def digest_of(key):
    return hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()


def der(thing):
    return thing.public_bytes(serialization.Encoding.DER)


ROOT_KEY, CA_KEY = ec_key("root", ec.SECP384R1()), ec_key("authority")
ROOT = certificate("Example Root", ROOT_KEY, ca=True, end=NOW + 3650 * DAY)
CA = certificate("Example People", CA_KEY, ROOT, ROOT_KEY, ca=True, path_length=0)
RSA_ROOT = certificate("Example RSA Root", RSA, ca=True)
ED_ROOT = certificate("Example Ed Root", ED, ca=True)
EVIL_KEY = ec_key("evil")
EVIL = certificate("Example Root", EVIL_KEY, ca=True)
ALICE = [
    x509.RFC822Name("alice@example.org"),
    x509.UniformResourceIdentifier("spiffe://example.org/alice"),
    x509.DNSName("alice.people.example.org"),
]
SCHEMES = {"rsa_pkcs1": 0x0401, "p256": 0x0403, "p384": 0x0503, "ed25519": 0x0807}


def leaf(key, san=ALICE, name="Alice Example", issuer=CA, issuer_key=CA_KEY, **more):
    return certificate(name, key, issuer, issuer_key, san=san, **more)


def sign_statement(key, message):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message, ec.ECDSA(digest_of(key), deterministic_signing=True))


def scheme_of(key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return 0x0807
    if isinstance(key, rsa.RSAPrivateKey):
        return 0x0401
    return 0x0503 if key.curve.name == "secp384r1" else 0x0403


def encoded(scheme, certificates, signature):
    parts = [part if isinstance(part, bytes) else der(part) for part in certificates] + [signature]
    return (
        b"\x01"
        + scheme.to_bytes(2)
        + len(certificates).to_bytes(1)
        + b"".join(len(part).to_bytes(2) + part for part in parts)
    )


def credential(chain, key, group=GROUP, identity=IDENTITY, scheme=None):
    return encoded(scheme or scheme_of(key), chain, sign_statement(key, statement(group, identity)))


def revocations(issuer, key, revoked=(), begin=NOW - DAY, end=NOW + 7 * DAY, number=1):
    builder = x509.CertificateRevocationListBuilder(issuer.subject, date(begin), date(end))
    builder = builder.add_extension(x509.CRLNumber(number), False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder(each.serial_number, date(NOW - 2 * DAY))
        builder = builder.add_revoked_certificate(entry.build())
    return der(builder.sign(key, digest_of(key), ecdsa_deterministic=True))


CERTIFICATES = []


def x(
    name,
    made,
    refusal=None,
    user="alice@example.org",
    kind="email",
    end=END + 1,
    identity=IDENTITY,
    group=GROUP,
    now=NOW,
    anchors=(ROOT,),
    lists=(),
    reach="chain",
):
    case = {
        "name": name,
        "credential": made.hex(),
        "identity": identity.hex(),
        "group_id": group.hex(),
        "now": now,
        "kind": kind,
        "anchors": [der(anchor).hex() for anchor in anchors],
        "revocations": [each.hex() for each in lists],
        "reach": reach,
    }
    if refusal is None:
        case["accepted"] = {"user": user, "expires_at": end, "names_call": True}
    else:
        case["refusal"] = refusal
    CERTIFICATES.append(case)


def make_x509():
    p256, p384, ed = ec_key("alice p256"), ec_key("alice p384", ec.SECP384R1()), ed_key("alice leaf")
    of_p256 = leaf(p256)
    good = credential([of_p256, CA], p256)
    x("P-256 leaf, P-384 root", good)
    x("P-384 leaf", credential([leaf(p384), CA], p384))
    x("Ed25519 leaf", credential([leaf(ed), CA], ed))
    x(
        "RSA leaf, RSA root",
        credential([leaf(RSA_NEXT, issuer=RSA_ROOT, issuer_key=RSA)], RSA_NEXT),
        anchors=[RSA_ROOT],
    )
    x(
        "Ed25519 leaf, Ed25519 root",
        credential([leaf(ed, issuer=ED_ROOT, issuer_key=ED)], ed),
        anchors=[ROOT, ED_ROOT],
    )
    x("by URI", good, user="spiffe://example.org/alice", kind="uri")
    x("by DNS", good, user="alice.people.example.org", kind="dns")
    x("the last second", good, now=END)
    valid = [revocations(CA, CA_KEY), revocations(ROOT, ROOT_KEY)]
    x("nobody revoked", good, lists=valid)
    x("a list for the leaf alone", good, lists=valid[:1], reach="leaf")
    deep_key = ec_key("deep")
    deep_ca = certificate("Example Deep", deep_key, ROOT, ROOT_KEY, ca=True)
    deeper_key = ec_key("deeper")
    deeper_ca = certificate("Example Deeper", deeper_key, deep_ca, deep_key, ca=True, end=NOW + 9 * DAY)
    x(
        "two authorities, one of which ends first",
        credential([leaf(ed, issuer=deeper_ca, issuer_key=deeper_key), deep_ca, deeper_ca], ed),
        end=NOW + 9 * DAY + 1,
    )

    x("copied by another", good, "BadSignature", identity=OTHER)
    x("in another call", good, "BadSignature", group=b"another")
    x(
        "somebody else's certificate",
        encoded(0x0403, [of_p256, CA], sign_statement(EVIL_KEY, statement(GROUP, IDENTITY))),
        "BadSignature",
    )
    x(
        "a signature over the identity alone",
        encoded(0x0403, [of_p256, CA], sign_statement(p256, IDENTITY)),
        "BadSignature",
    )
    x("no signature", encoded(0x0403, [of_p256, CA], b""), "BadSignature")
    x("an unknown root", good, "UntrustedChain", anchors=[RSA_ROOT])
    x(
        "a root of the same name",
        credential([leaf(p256, issuer=EVIL, issuer_key=EVIL_KEY)], p256),
        "UntrustedChain",
    )
    x("no authority between", credential([of_p256], p256), "UntrustedChain")
    x("the root too", credential([of_p256, CA, ROOT], p256))
    x("a stranger's certificate behind", credential([of_p256, CA, RSA_ROOT], p256), "UntrustedChain")
    x(
        "a leaf as authority",
        credential([leaf(ed, name="Under Alice", issuer=of_p256, issuer_key=p256), of_p256, CA], ed),
        "UntrustedChain",
    )
    x(
        "an authority too deep",
        credential(
            [
                leaf(ed, issuer=certificate("Below", deep_key, CA, CA_KEY, ca=True), issuer_key=deep_key),
                certificate("Below", deep_key, CA, CA_KEY, ca=True),
                CA,
            ],
            ed,
        ),
        "UntrustedChain",
    )
    x("an authority as leaf", credential([CA], CA_KEY), "UntrustedChain")
    x("the first second after", good, "Expired", now=END + 1)
    x("before", good, "NotYetValid", now=BEGIN - 1)
    x(
        "an authority that has ended",
        credential([leaf(ed, issuer=deeper_ca, issuer_key=deeper_key), deep_ca, deeper_ca], ed),
        "Expired",
        now=NOW + 9 * DAY + 1,
    )
    x(
        "for servers",
        credential([leaf(p256, eku=[ExtendedKeyUsageOID.SERVER_AUTH]), CA], p256),
        "WrongPurpose",
    )
    x("for nothing in particular", credential([leaf(p256, eku=()), CA], p256), "WrongPurpose")
    serving_key = ec_key("serving")
    serving = certificate(
        "Example Servers",
        serving_key,
        ROOT,
        ROOT_KEY,
        ca=True,
        more=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)],
    )
    x(
        "an authority for servers",
        credential([leaf(p256, issuer=serving, issuer_key=serving_key), serving], p256),
        "WrongPurpose",
    )
    x("a key for encryption", credential([leaf(p256, usage=("key_agreement",)), CA], p256), "WrongPurpose")
    x("revoked", good, "Revoked", lists=[revocations(CA, CA_KEY, [of_p256]), valid[1]])
    x("an authority that was revoked", good, "Revoked", lists=[valid[0], revocations(ROOT, ROOT_KEY, [CA])])
    x("no list for the authority", good, "RevocationUnknown", lists=valid[:1])
    x(
        "a list that has ended",
        good,
        "RevocationUnknown",
        lists=[revocations(CA, CA_KEY, end=NOW - 60), valid[1]],
    )
    x("a list by somebody else", good, "RevocationUnknown", lists=[revocations(CA, EVIL_KEY), valid[1]])
    x("no name of that kind", credential([leaf(p256, ALICE[1:]), CA], p256), "NoUser")
    x("a common name alone", credential([leaf(p256, (), "alice@example.org"), CA], p256), "NoUser")
    two = [x509.RFC822Name("alice@example.org"), x509.RFC822Name("admin@example.org")]
    x("two names of that kind", credential([leaf(p256, two), CA], p256), "NoUser")
    x(
        "an empty name",
        credential([leaf(p256, [x509.UniformResourceIdentifier("")]), CA], p256),
        "NoUser",
        kind="uri",
    )
    x(
        "a name with a line feed",
        credential([leaf(p256, [x509.UniformResourceIdentifier("a\nb")]), CA], p256),
        "NoUser",
        kind="uri",
    )
    x(
        "a name with a wildcard",
        credential([leaf(p256, [x509.DNSName("*.example.org")]), CA], p256),
        "NoUser",
        kind="dns",
    )
    tied_key = ec_key("tied")
    tied = certificate(
        "Example Tied",
        tied_key,
        ROOT,
        ROOT_KEY,
        ca=True,
        more=[(x509.NameConstraints([x509.DNSName("people.example.org")], None), True)],
    )
    x(
        "within an authority's names",
        credential([leaf(p256, [ALICE[2]], issuer=tied, issuer_key=tied_key), tied], p256),
        user="alice.people.example.org",
        kind="dns",
    )
    x(
        "outside of an authority's names",
        credential(
            [leaf(p256, [x509.DNSName("alice.example.com")], issuer=tied, issuer_key=tied_key), tied], p256
        ),
        "UntrustedChain",
        kind="dns",
    )
    for name, kind, kept in (
        ("e-mail names", "email", x509.RFC822Name("example.org")),
        ("URIs", "uri", x509.UniformResourceIdentifier("example.org")),
    ):
        # Permitted, and still refused: path builders do not compare these.
        held = certificate(
            "Example Held",
            tied_key,
            ROOT,
            ROOT_KEY,
            ca=True,
            more=[(x509.NameConstraints([kept], None), True)],
        )
        x(
            f"an authority with {name} of its own",
            credential([leaf(p256, issuer=held, issuer_key=tied_key), held], p256),
            "UntrustedChain",
            kind=kind,
        )
    x(
        "a critical extension that nobody knows",
        credential(
            [
                leaf(
                    p256,
                    more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)],
                ),
                CA,
            ],
            p256,
        ),
        "UntrustedChain",
    )
    x("another scheme than the key's", credential([of_p256, CA], p256, scheme=0x0807), "WrongAlgorithm")
    x("RSA said of P-256", credential([of_p256, CA], p256, scheme=0x0401), "WrongAlgorithm")
    x("a scheme with SHA-1", credential([of_p256, CA], p256, scheme=0x0203), "WrongAlgorithm")
    x("scheme 0", encoded(0, [of_p256, CA], b""), "WrongAlgorithm")

    x("nothing", b"", "NotThisKind")
    x("an ID token", b"eyJhbGciOiJFZERTQSJ9.e30.AA", "NotThisKind")
    x("version 2", b"\x02" + good[1:], "NotThisKind")
    x("version alone", good[:1], "Malformed")
    x("cut in the leaf", good[:200], "Malformed")
    x(
        "cut before the signature",
        good[: -len(good) + 4 + 2 + len(der(of_p256)) + 2 + len(der(CA))],
        "Malformed",
    )
    x("a byte behind", good + b"\0", "Malformed")
    x("no certificate", encoded(0x0403, [], b"\x30"), "Malformed")
    x("fewer certificates than there are", good[:3] + b"\x01" + good[4:], "Malformed")
    x("more certificates than there are", good[:3] + b"\xff" + good[4:], "Malformed")
    x("a leaf that is none", encoded(0x0403, [b"\x30\x03\x02\x01\x00", CA], b""), "Malformed")
    x(
        "an authority that is none",
        encoded(0x0403, [of_p256, b"\x30\x03\x02\x01\x00"], sign_statement(p256, statement(GROUP, IDENTITY))),
        "Malformed",
    )
    x("too large", encoded(0x0403, [of_p256, CA], bytes(4096)), "TooLarge")


A, B, C = (raw(ed_key(name).public_key()).hex() for name in ("alice", "alice's telephone", "bob"))
LIST = f"# The team, November 2026\r\n\r\n{A} alice@example.org\n{B.upper()}\talice@example.org  \n  {C}   Bob van Dale\n{C} Bob van Dale\n"


def known(name, user, identity, refusal=None, accepted=None):
    case = {
        "name": name,
        "credential": user.encode().hex() if isinstance(user, str) else user.hex(),
        "identity": identity,
    }
    if refusal is None:
        return {**case, "accepted": {"user": accepted or user, "expires_at": None, "names_call": False}}
    return {**case, "refusal": refusal, **({"named": user} if refusal == "ChangedIdentity" else {})}


def make_list():
    stranger = OTHER.hex()
    return {
        "text": LIST,
        "cases": [
            known("a user with its key", "alice@example.org", A),
            known("its other key", "alice@example.org", B),
            known("a name with blanks", "Bob van Dale", C),
            known("a key that says nothing", "", C, accepted="Bob van Dale"),
            known("a user with a stranger's key", "alice@example.org", stranger, "ChangedIdentity"),
            known("a user with another user's key", "alice@example.org", C, "ChangedIdentity"),
            known("a key of the list under a name that is not in it", "admin@example.org", A, "NotListed"),
            known("a stranger", "mallory", stranger, "NotListed"),
            known("a stranger that says nothing", "", stranger, "NotListed"),
            known("a name in other letters", "Alice@example.org", A, "NotListed"),
            known("a name and a blank", "alice@example.org ", A, "NotListed"),
            known("no UTF-8", b"alice\xff", A, "NotThisKind"),
            known("too large", "a" * 4097, A, "TooLarge"),
        ],
        "no_lists": [
            {"text": text, "line": line, "problem": problem}
            for text, line, problem in [
                (f"{A}", 1, "NoName"),
                (f"\n{A} \t ", 2, "NoName"),
                (f"{A} alice\x07", 1, "NoName"),
                (f"alice {A}", 1, "NoIdentity"),
                (f"{A[:-2]} alice", 1, "NoIdentity"),
                (f"{A}00 alice", 1, "NoIdentity"),
                (f"+1{A[2:]} alice", 1, "NoIdentity"),
                (f"{A} alice\n{A} bob", 2, "OfAnother"),
            ]
        ],
    }


def main():
    make_oidc()
    make_x509()
    if sys.argv[1:] == ["--check"]:
        check()
        return
    derived = [
        {
            "identity": identity.hex(),
            "group_id": group.hex(),
            "statement": statement(group, identity).hex(),
            "nonce": nonce(identity),
            "nonce_of_call": nonce_of_call(group, identity),
            "thumbprint": thumbprint(identity),
        }
        for identity in (
            IDENTITY,
            OTHER,
            bytes(32),
            base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
        )
        for group in (b"", GROUP, bytes(range(256)))
    ]
    key_sets = {
        "key_set": (KEY_SET, 4),
        "one_key": (ONE_KEY, 1),
        "rotated": (ROTATED, 2),
        "short_key": ({"keys": NEAR_2048["keys"] + [of_ed(ED, kid="ed25519")]}, 1),
    }
    no_key_sets = [
        ("", "NotAKeySet"),
        ("[]", "NotAKeySet"),
        ("{}", "NotAKeySet"),
        ('{"keys":{}}', "NotAKeySet"),
        ('{"keys":[]}', "NoUsableKey"),
        (json.dumps(NEAR_2048), "NoUsableKey"),
        (json.dumps({"keys": [{**of_ed(ED), "x": b64(bytes(31))}]}), "NoUsableKey"),
        (json.dumps({"keys": [of_ed(ED, key_ops=["sign"])]}), "NoUsableKey"),
        (json.dumps({"keys": [of_ed(ED, use="enc")]}), "NoUsableKey"),
        (json.dumps({"keys": [of_ed(ED, alg="ES256")]}), "NoUsableKey"),
        (json.dumps({"keys": [of_ed(ED, kid=7)]}), "NoUsableKey"),
        (
            json.dumps(
                {
                    "keys": [
                        {**of_rsa(RSA), "n": b64(b"\0" + base64.urlsafe_b64decode(of_rsa(RSA)["n"] + "=="))}
                    ]
                }
            ),
            "NoUsableKey",
        ),
        (json.dumps({"keys": [of_ed(ED, kid="a"), of_ec(P256, kid="a")]}), "TwoOfOneName"),
    ]
    made = {
        "derived": derived,
        "key_sets": {
            name: {"json": json.dumps(keys), "usable": usable} for name, (keys, usable) in key_sets.items()
        },
        "no_key_sets": [{"json": text, "problem": problem} for text, problem in no_key_sets],
        "issuer": ISSUER,
        "audiences": [CLIENT],
        "oidc": OIDC,
        "x509": CERTIFICATES,
        "list": make_list(),
    }
    # The secret keys with which tests make credentials: the leaf's, in PKCS #8.
    leaves = [
        ("ed25519", ed_key("alice leaf")),
        ("p256", ec_key("alice p256")),
        ("p384", ec_key("alice p384", ec.SECP384R1())),
        ("rsa", RSA_NEXT),
    ]
    made["leaves"] = [
        {
            "kind": name,
            "key": key.private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).hex(),
            "chain": [der(leaf(key)).hex(), der(CA).hex()],
            "anchor": der(ROOT).hex(),
        }
        for name, key in leaves
    ]
    print("{")
    for place, (name, value) in enumerate(made.items()):
        end = "," if place + 1 < len(made) else ""
        if isinstance(value, list) and value and isinstance(value[0], dict):
            print(f'"{name}": [')
            print(",\n".join(json.dumps(each) for each in value))
            print(f"]{end}")
        else:
            print(f'"{name}": {json.dumps(value)}{end}')
    print("}")


def check():
    """Other libraries' verifiers, where they exist: they know nothing of identities."""
    sets = {"key_set": KEY_SET, "one_key": ONE_KEY, "rotated": ROTATED}
    for case in OIDC:
        if "accepted" not in case:
            continue
        keys = {each.get("kid"): each for each in sets[case["keys"]]["keys"]}
        head = jwt.get_unverified_header(case["credential"])
        key = jwt.PyJWK(keys[head.get("kid")], algorithm="EdDSA" if head["alg"] == "Ed25519" else head["alg"])
        jws = jwt.PyJWS()
        jws.register_algorithm("Ed25519", jwt.algorithms.OKPAlgorithm())
        told = json.loads(jws.decode(case["credential"], key.key, algorithms=[head["alg"]]))
        audience = told["aud"] if isinstance(told["aud"], list) else [told["aud"]]
        assert told["iss"] == case["setup"].get("issuer", ISSUER), case["name"]
        assert set(audience) <= set(case["setup"].get("audiences", [CLIENT])), case["name"]
    for case in CERTIFICATES:
        if "accepted" not in case:
            continue
        made, anchors = bytes.fromhex(case["credential"]), [
            x509.load_der_x509_certificate(bytes.fromhex(each)) for each in case["anchors"]
        ]
        parts, rest = [], made[4:]
        while rest:
            length = int.from_bytes(rest[:2])
            parts, rest = parts + [rest[2 : 2 + length]], rest[2 + length :]
        chain = [x509.load_der_x509_certificate(part) for part in parts[:-1]]
        if any(isinstance(each.public_key(), ed25519.Ed25519PublicKey) for each in chain):
            # The verifier of `cryptography` does not support these: signatures only.
            by_name = {each.subject: each for each in chain + anchors}
            for each in chain:
                each.verify_directly_issued_by(by_name[each.issuer])
        else:
            store = verification.Store(anchors)
            policy = verification.PolicyBuilder().store(store).time(date(min(case["now"], NOW)))
            policy = policy.extension_policies(
                ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
                ee_policy=verification.ExtensionPolicy.permit_all(),
            )
            path = policy.build_client_verifier().verify(chain[0], chain[1:]).chain
            assert set(path) == {*chain, path[-1]}, case["name"]
        message, key, signature = (
            statement(bytes.fromhex(case["group_id"]), bytes.fromhex(case["identity"])),
            chain[0].public_key(),
            parts[-1],
        )
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, message, ec.ECDSA(digest_of(key)))
    accepted = sum("accepted" in case for case in OIDC), sum("accepted" in case for case in CERTIFICATES)
    print(f"{accepted[0]} tokens and {accepted[1]} chains are accepted by others", file=sys.stderr)


main()
