"""A folder one of whose files another process replaces, whole each time, for as long as it is read."""

import multiprocessing
import shutil
from contextlib import contextmanager

import riskmodel as rm
from riskmodel._support.files import write_whole
from riskmodel.evidence.manifest import SHIPPED


def replacing(path, texts, stop):
    while not stop.is_set():
        for text in texts:
            write_whole(path, text)


def numbers(read):
    return [(row.events, row.total) for row in read.counts]


@contextmanager
def replaced(above):
    """The folder, and by the hash of each of its two evidences their numbers."""
    place = above / "template"
    shutil.copytree(SHIPPED / "template", place)
    text = (place / "counts.csv").read_text()
    texts, known = [text, text.replace("12,30", "13,30")], {}
    for one in texts:
        write_whole(place / "counts.csv", one)
        read = rm.load_evidence(place)
        known[read.content_hash] = numbers(read)
    assert len(known) == 2
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    other = context.Process(target=replacing, args=(place / "counts.csv", texts, stop))
    other.start()
    try:
        yield place, known
    finally:
        stop.set()
        other.join()
