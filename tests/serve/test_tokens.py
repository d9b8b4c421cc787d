"""Signed calls of hooks: a token of the list holds, and each that does not is refused alike."""

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from served import HOST, call, client_of

from riskmodel.errors import InputError
from riskmodel.serve.app import Service
from riskmodel.serve.desk import Desk
from riskmodel.serve.exchange.tokens import Trusted

MILD, ISSUER = "fetal-mild-ventriculomegaly", "https://ehr.example"
PATH = "/cds-services/riskmodel-patient-view"
OURS, STRANGE = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def public(key, kid, algorithm):
    kind = jwt.algorithms.ECAlgorithm if algorithm == "ES384" else jwt.algorithms.RSAAlgorithm
    return json.loads(kind.to_jwk(key.public_key())) | {"kid": kid, "alg": algorithm}


KEYS = {ISSUER: {"keys": [public(OURS, "one", "ES384"), public(RSA, "two", "RS384")]}}


@pytest.fixture(scope="module")
def signed():
    return client_of(Service(Desk([MILD]), trusted=Trusted(KEYS), background=False))


def token(key=OURS, algorithm="ES384", kid="one", without="", **claims):
    now = int(time.time())
    said = {"iss": ISSUER, "aud": HOST + PATH, "iat": now, "exp": now + 60, "jti": "1"} | claims
    said.pop(without, None)
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


def asked(client, authorization, path=PATH, body=None):
    headers = {"authorization": authorization} if authorization else {}
    return client.post(path, json=call(MILD, {}) if body is None else body, headers=headers)


@pytest.mark.parametrize("how", [{}, {"key": RSA, "algorithm": "RS384", "kid": "two"}], ids=["ES384", "RS384"])
def test_a_token_of_the_list_is_answered(signed, how):
    assert asked(signed, f"Bearer {token(**how)}").status_code == 200
    assert asked(signed, f"Bearer {token(**how)}", f"{PATH}/feedback", {"feedback": []}).status_code == 200
    assert signed.get("/cds-services").status_code == 200


@pytest.mark.parametrize(
    "how",
    [
        None, {"key": STRANGE}, {"iss": "https://evil.example"}, {"aud": "https://other.example"}, {"exp": 1}, {"kid": "none"},
        {"without": "exp"}, {"without": "jti"}, {"without": "iss"}, {"key": "x" * 48, "algorithm": "HS384"},
        {"key": RSA, "algorithm": "RS256", "kid": "two"}, {"key": None, "algorithm": "none"},
    ],
    ids=["none", "strange-key", "issuer", "audience", "late", "unknown-key", "no-end", "no-number", "no-issuer", "shared-secret",
         "RS256", "unsigned"],
)  # fmt: skip
def test_any_other_is_refused(signed, how):
    reply = asked(signed, "" if how is None else f"Bearer {token(**how)}")
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json()["issue"][0]["code"] == "login"


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer x.y.z", "Basic abc", "Bearer ...."])
def test_what_is_no_token_is_refused(signed, authorization):
    assert asked(signed, authorization).status_code == 401


def test_a_list_that_cannot_be_read_is_told(tmp_path):
    place = tmp_path / "trust.json"
    for text in ("{", "[]", "{}", '{"x": 7}', '{"x": {"keys": []}}'):
        place.write_text(text)
        with pytest.raises(InputError):
            Trusted.read(place)
    place.write_text(json.dumps(KEYS))
    assert list(Trusted.read(place).keys) == [ISSUER]
