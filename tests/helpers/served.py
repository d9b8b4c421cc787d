"""A service asked without a socket."""

from starlette.testclient import TestClient

HOST = "http://127.0.0.1"


def client_of(service):
    """What a browser on this machine would be, that follows nothing and is told of every fault."""
    return TestClient(service.guarded, base_url=HOST, raise_server_exceptions=False, follow_redirects=False)
