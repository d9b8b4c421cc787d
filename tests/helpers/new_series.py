"""Counts that are new to the shipped finding: two of its series held out, and one that is made up."""

import csv
import io

OUT = ("Koopman 1998", "Achiron 1996")
NEW_SOURCE = {
    "citation": "Nobody N. A series. J Nowhere 2020;1:1-2.",
    "year": 2020,
    "doi": "10.1234/nowhere.2020",
    "pmid": None,
    "design": "case series",
}


def line(source, variable, category, given, events, total, **more):
    return {
        "source": source,
        "variable": variable,
        "category": category,
        "given": given,
        "events": events,
        "total": total,
        "ascertainment": "referral",
        "terminations": "excluded",
        "basis": "abstract",
        "population": "with_finding",
    } | more


NOBODY = [
    line("Nobody 2020", "karyotype", "abnormal", "anatomy=isolated", 0, 30, **NEW_SOURCE),
    line("Nobody 2020", "anatomy", "associated", "", 12, 42),
]


def as_csv(rows, path):
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue())
    return path
