"""While another process replaces a file over and over, the counts that are read are those of the hash that is told."""

import multiprocessing
import shutil
import time

import riskmodel as rm
from riskmodel._support.files import write_whole
from riskmodel.evidence.manifest import SHIPPED

SECONDS = 10


def replacing(path, texts, stop):
    while not stop.is_set():
        for text in texts:
            write_whole(path, text)


def test_counts_are_those_of_the_hash_while_a_file_is_replaced(tally, share, tmp_path):
    place = tmp_path / "template"
    shutil.copytree(SHIPPED / "template", place)
    text = (place / "counts.csv").read_text()
    texts, known = [text, text.replace("12,30", "13,30")], {}
    for one in texts:
        write_whole(place / "counts.csv", one)
        read = rm.load_evidence(place)
        known[read.content_hash] = [(row.events, row.total) for row in read.counts]
    assert len(known) == 2
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    other = context.Process(target=replacing, args=(place / "counts.csv", texts, stop))
    other.start()
    try:
        with tally("loads while a file is replaced") as found:
            end = time.monotonic() + SECONDS / share
            while time.monotonic() < end or found.tried < 10:
                with found.one(f"load {found.tried}"):
                    read = rm.load_evidence(place)
                    assert known[read.content_hash] == [(row.events, row.total) for row in read.counts]
    finally:
        stop.set()
        other.join()
