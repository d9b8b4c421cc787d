"""What campaigns share: how they count what they try, so that one failure does not end the count."""

import os
from contextlib import contextmanager

import pytest

SOAK = bool(os.environ.get("RISKMODEL_SOAK"))


class Tally:
    """What was tried, and what of it failed, with the first words of why."""

    def __init__(self):
        self.tried = 0
        self.failed = []
        self.note = ""

    @contextmanager
    def one(self, what):
        self.tried += 1
        try:
            yield
        except Exception as error:
            self.failed.append(f"{what}: {type(error).__name__}: {str(error)[:300]}")


@pytest.fixture
def tally(record_property):
    @contextmanager
    def counted(kind):
        found = Tally()
        yield found
        record_property("campaign", [kind, found.tried, len(found.failed), found.note])
        assert found.tried
        assert not found.failed, "\n".join(found.failed[:20])

    return counted


@pytest.fixture
def share():
    """All of them in ``make soak``, one in twenty otherwise."""
    return 1 if SOAK else 20
