"""What the tests of new counts share."""

import pytest
from new_series import OUT


@pytest.fixture
def held(folder):
    """The shipped finding without the counts of two series, and those counts."""
    path = folder / "counts.csv"
    lines = path.read_text().splitlines()
    new = [lines[0], *(one for one in lines if one.startswith(OUT))]
    path.write_text("\n".join(one for one in lines if not one.startswith(OUT)) + "\n")
    (folder.parent / "new.csv").write_text("\n".join(new) + "\n")
    return folder, folder.parent / "new.csv"
