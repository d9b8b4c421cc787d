"""Who may call the hooks, where a list of them is given: a signed token of an issuer on the list, with one of its keys.

CDS Hooks 2.0, "Trusting CDS Clients": ES384 or RS384, with the service's address as audience. Keys are read from the list
alone, never fetched from where a token says; a token's number (``jti``) is not remembered, since nothing is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskmodel._support.files import as_path, read_once
from riskmodel._support.record import MOST_BYTES
from riskmodel.errors import InputError, UnavailableError

ALGORITHMS = ("ES384", "RS384")
#: Seconds by which the clocks of two machines may differ.
LEEWAY = 30


def _unread(what: str) -> InputError:
    return InputError(what, where="trust", remedy='Give {"ISSUER": {"keys": [...]}}')


class Trusted:
    """Issuers that may call, each with its JSON Web Key Set."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        try:
            import jwt
        except ModuleNotFoundError as error:
            remedy = "Install it: pip install 'riskmodel-prenatal[web,jwt]'"
            raise UnavailableError("signed calls need the package PyJWT", where="trust", remedy=remedy) from error
        self._jwt = jwt
        try:
            self.keys = {issuer: jwt.PyJWKSet.from_dict(dict(held)).keys for issuer, held in keys.items()}
        except (jwt.PyJWTError, TypeError, ValueError, AttributeError) as error:
            raise _unread("a key cannot be read") from error

    @classmethod
    def read(cls, path: str | Path) -> Trusted:
        """The list in a file: JSON, by issuer its key set."""
        try:
            found = json.loads(read_once(as_path(path, "trust"), MOST_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise _unread("the list cannot be read") from error
        if not isinstance(found, dict) or not found:
            raise _unread("the list names nobody")
        return cls(found)

    def allows(self, authorization: str, audience: str) -> bool:
        """Whether a call's header bears a token that holds: signed by an issuer of the list, for us, and in time."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return False
        try:
            head = self._jwt.get_unverified_header(token)
            said = self._jwt.decode(token, options={"verify_signature": False})
            key = next(one for one in self.keys[said["iss"]] if head.get("kid") in (None, one.key_id))
            if head["alg"] != key.algorithm_name:
                return False
            self._jwt.decode(
                token, key, algorithms=list(ALGORITHMS), audience=audience, issuer=said["iss"], leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "iat", "jti"]},
            )  # fmt: skip
        except (self._jwt.PyJWTError, KeyError, StopIteration, TypeError, ValueError):
            return False
        return True
