"""Reads each hostile file in a process of its own: processor time, memory and what came of it, as lines of JSON.

``python measured.py FOLDER EVERY`` reads each file of `hostile` whose place is a multiple of EVERY.
"""

import json
import os
import resource
import shutil
import sys
from pathlib import Path

import hostile

import riskmodel as rm
from riskmodel.errors import RiskModelError

rm.load_evidence(hostile.TEMPLATE)  # what is imported is imported before
_ = rm.pool, rm.refit, rm.FitRecord, rm.load_corpus


def files(place):
    """Name, path and reader of each file, made as it is asked for."""
    for name, (suffix, make) in hostile.WORKBOOKS.items():
        yield f"workbook: {name}", lambda m=make, s=suffix: hostile.stored(m(place / f"new.{s}")) if s != "xls" else m(
            place / "new.xls"), lambda path: rm.refit(hostile.TEMPLATE, path)  # fmt: skip
    for (file, name), text in hostile.TEXTS.items():

        def folder(file=file, text=text):
            shutil.copytree(hostile.TEMPLATE, place / "folder")
            (place / "folder" / file).write_text(text())
            return place / "folder" / file

        yield f"{file}: {name}", folder, lambda path: rm.load_evidence(path.parent)
    for name, text in hostile.RECORDS.items():

        def record(text=text):
            (place / "record.json").write_text(text())
            return place / "record.json"

        yield f"record: {name}", record, rm.FitRecord.load


def outcome(read, path):
    """0 where it is read, 3 where it is refused, 1 where it crashes."""
    try:
        read(path)
    except RiskModelError as error:
        sys.stderr.write(f"{error!s:.200}\n")
        return 3
    return 0


def main(folder, every):
    for number, (name, make, read) in enumerate(files(Path(folder))):
        if number % every:
            continue
        path = make()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
            code = 1
            try:
                code = outcome(read, path)
            finally:
                os._exit(code)
        _, status, used = os.wait4(child, 0)
        sys.stdout.write(json.dumps({
            "name": name, "size": path.stat().st_size, "code": os.waitstatus_to_exitcode(status),
            "seconds": round(used.ru_utime + used.ru_stime, 2), "megabytes": used.ru_maxrss // 1024,
        }) + "\n")  # fmt: skip
        sys.stdout.flush()
        shutil.rmtree(path.parent) if path.parent.name == "folder" else path.unlink()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
