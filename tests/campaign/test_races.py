"""While another process replaces a file over and over, the counts that are read are those of the hash that is told."""

import time

from replaced import numbers, replaced

import riskmodel as rm

SECONDS = 10


def test_counts_are_those_of_the_hash_while_a_file_is_replaced(tally, share, tmp_path):
    with replaced(tmp_path) as (place, known), tally("loads while a file is replaced") as found:
        end = time.monotonic() + SECONDS / share
        while time.monotonic() < end or found.tried < 10:
            with found.one(f"load {found.tried}"):
                read = rm.load_evidence(place)
                assert known[read.content_hash] == numbers(read)
