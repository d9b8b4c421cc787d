"""Number formats: whether a program shows the number that a cell holds, or something else (ECMA-376-1, section 18.8.31)."""

from __future__ import annotations

import functools
import re

#: A format in pieces: quoted or escaped text, what is in brackets, a space as wide as a sign, a filler, or one sign.
_PIECES = re.compile(r'"([^"]*)"?|\\(.)|(\[[^\]]*\]?)|_.?|\*.?|(.)', re.DOTALL)
_PLAIN = re.compile(r"[#0?](?:[#0?, \u00a0\u202f]*[#0?])?(\.[#0?]*)?(?:[eE][-+][#0?]+)?|\.[#0?]+")
_COLOUR = re.compile(r"(?i)\[(black|blue|cyan|green|magenta|red|white|yellow|colou?r ?[0-9]+|\$-[0-9a-f]+)\]")
#: Excel shows fifteen digits of any number.
DIGITS = 15


@functools.lru_cache(1000)
def _sections(code: str) -> list[tuple[str, str, str]]:
    """Each section as signs with letters that are text masked, as text, and what is in brackets."""
    found, masked, text, brackets = [], "", "", ""
    for quoted, escaped, bracket, sign in _PIECES.findall(code):
        literal = quoted or escaped
        if sign == ";":
            found.append((masked, text, brackets))
            masked = text = brackets = ""
            continue
        masked += (literal if not literal.strip() else "\0" * len(literal)) + sign
        text += literal + sign
        brackets += "" if _COLOUR.fullmatch(bracket) else bracket
    return [*found, (masked, text, brackets)]


def plain(number: float) -> str:
    """A number as a program shows it under no format."""
    rounded = float(f"{number:.{DIGITS}g}")
    return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e15 else repr(rounded)


def of_number(number: float, code: str) -> str | None:
    """What a cell shows where that is not the number it holds: None where it is."""
    sections = _sections(code)
    if any(re.search("[<>=]", brackets) for _, _, brackets in sections):
        return f"something else, under the format {code}"
    which = 2 if number == 0 and len(sections) > 2 else 1 if number < 0 and len(sections) > 1 else 0
    masked, text, brackets = (part.strip() for part in sections[which])
    if (masked.casefold() in ("general", "@") and not brackets) or not code:
        return None
    masked, text = (re.sub("(?i)general", "0", part) for part in (masked, text))
    if "%" in masked:
        places = len((re.search(r"\.([#0?]+)", masked) or ["", ""])[1])
        return f"{100 * number:.{places}f}%"
    if brackets or re.search("[a-df-zA-DF-Z]", masked):
        return f"a date, a time or a currency, under the format {code}"
    if number == 0 and text.rstrip("? ") == "-":
        return None  # how accountants write none
    match = _PLAIN.fullmatch(masked)
    if match is not None:
        return _rounded(number, masked, match[1])
    if not masked:
        return "nothing"
    return re.sub(r"[#0?][#0?,.]*", plain(number), text, count=1)


def _rounded(number: float, masked: str, fraction: str | None) -> str | None:
    if number == 0 and "0" not in masked:
        return "nothing"
    places = len(fraction or ".") - 1
    as_shown = f"{number:.{places}{'e' if 'e' in masked.casefold() else 'f'}}"
    return None if plain(float(as_shown)) == plain(number) else as_shown


def of_text(text: str, code: str) -> str | None:
    """What a cell with a text shows where that is not the text: None where it is."""
    sections = _sections(code)
    masked, text_of, brackets = (part.strip() for part in sections[3 if len(sections) == 4 else 0])
    if brackets or ("@" not in masked and len(sections) < 4) or masked == "@":
        return None
    return text_of.replace("@", text) or "nothing"


def of_shown(number: float, shown: str, code: str) -> str | None:
    """The same where the file says what is shown: the digits of the number, set apart in whatever way."""
    digits, whole = re.sub(r"[\s\u00a0\u2009\u202f.,'\u2019]", "", shown), plain(number)
    wanted = whole.replace(".", "")
    zeros = "0*" if "." in whole or re.search("[.,]", shown) else ""
    same = re.fullmatch(re.escape(wanted) + zeros, digits) or (number == 0 and shown.strip() == "-")
    fine = code not in ("0%", "currency") and same
    return None if fine else shown
