"""Each file is opened once, and what is hashed is what was parsed; nothing but a regular file is read, and none waited for."""

import json
import os
import shutil

import pytest
from replaced import numbers, replaced

import riskmodel as rm
from riskmodel.calibration.corpus import load_corpus
from riskmodel.evidence.export import write_package
from riskmodel.evidence.manifest import FILES, SHIPPED


def test_numbers_are_those_of_the_hash_while_another_process_replaces_the_file(tmp_path):
    seen = set()
    with replaced(tmp_path) as (place, known):
        for _ in range(20_000):  # until both were met: some tens
            read = rm.load_evidence(place)
            seen.add(read.content_hash)
            assert known[read.content_hash] == numbers(read)
            if len(seen) == 2:
                break
    assert len(seen) == 2


def test_what_is_exported_is_what_was_read(tmp_path):
    place = tmp_path / "template"
    shutil.copytree(SHIPPED / "template", place)
    read = rm.load_evidence(place)
    (place / "counts.csv").write_text((place / "counts.csv").read_text().replace("12,30", "13,30"))
    write_package(read, tmp_path / "edited")
    shutil.rmtree(place)
    write_package(read, tmp_path / "gone")
    for name in ("edited", "gone"):
        assert (tmp_path / name / "counts.csv").read_text() == (SHIPPED / "template" / "counts.csv").read_text()
        assert json.loads((tmp_path / name / "datapackage.json").read_text())["version"] == read.version


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nowhere"])
def test_a_file_of_a_folder_that_is_no_regular_file_is_told(tmp_path, name, kind):
    place = tmp_path / "mine"
    shutil.copytree(SHIPPED / "template", place)
    (place / name).unlink()
    spoil(place / name, kind)
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(place)
    assert {one.file for one in caught.value.problems} >= {name}
    assert len([one for one in caught.value.problems if one.file == name]) == 1


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "ods"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_table_that_is_no_regular_file_is_told(tmp_path, suffix, kind):
    path = tmp_path / f"new.{suffix}"
    spoil(path, kind)
    for read in (lambda: rm.refit(SHIPPED / "template", path), lambda: load_corpus(path)):
        with pytest.raises(rm.InputError, match="not a regular file"):
            read()


def spoil(path, kind):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.parent / "nowhere")


def test_a_folder_is_parsed_again_where_a_byte_changed_and_not_otherwise(tmp_path):
    folder = tmp_path / "template"
    shutil.copytree(SHIPPED / "template", folder)
    first = rm.load_evidence(folder)
    assert rm.load_evidence(folder) is first
    assert rm.load_evidence(folder, reading="primary") is first
    counts = (folder / "counts.csv").read_text(encoding="utf-8")
    (folder / "counts.csv").write_text(counts + "\n", encoding="utf-8")
    changed = rm.load_evidence(folder)
    assert changed.content_hash != first.content_hash
    (folder / "counts.csv").write_text(counts, encoding="utf-8")
    assert rm.load_evidence(folder).content_hash == first.content_hash
