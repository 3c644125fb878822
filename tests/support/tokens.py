"""Who signs tokens in the tests: keys, their JWKS, and a server that publishes it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://sign-in.example/realm", "customer-clusters"


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """A private key, made once for each number."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public(key_id: str | None, key: Any, **changes: object) -> dict[str, Any]:
    """The entry of a key in a JWKS."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    entry = json.loads(algorithm.to_jwk(key.public_key()))
    entry.pop("key_ops", None)
    return {**entry, **({"kid": key_id} if key_id else {}), **changes}


def signed(
    key: Any = None, key_id: str | None = "one", algorithm: str = "RS256", **claims: Any
) -> str:
    """A token; a claim that is None is left out."""
    known = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "nightly", "scope": "assign",
        "exp": time.time() + 600, **claims,
    }  # fmt: skip
    payload = {name: value for name, value in known.items() if value is not None}
    headers = {"kid": key_id} if key_id else None
    return jwt.encode(payload, key or rsa_key(), algorithm, headers)


@contextmanager
def publishing(answer: Callable[[], tuple[int, bytes]]) -> Iterator[str]:
    """The address of a server that gives a status and a document."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answer()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
