"""A service that every test of the room asks, without a socket."""

import pytest
from served import client_of

from riskmodel.serve.app import Service
from riskmodel.serve.desk import Desk


@pytest.fixture(scope="session")
def service():
    return Service(Desk(), background=False)


@pytest.fixture(scope="session")
def client(service):
    return client_of(service)
