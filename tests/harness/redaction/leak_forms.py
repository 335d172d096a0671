"""The forms of the leak matrix, the forms that the redactor was not built for, and what counts as masked.

The forms of ``UNSEEN`` and ``LATER`` were written down before the redactor had met them. At the first try 87 of 138 and
68 of 90 cells were masked; then the cheap ones were added (C arrays, reversed base64, base85, markup and full-width
letters; members of zip archives). The test states what is masked now.

Each form is a function from a secret to the text in which it leaks, written without the redactor's code.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import html
import io
import json
import lzma
import quopri
import random
import shlex
import string
import tarfile
import textwrap
import zipfile
import zlib
from itertools import zip_longest
from urllib.parse import quote

MARKER = b"[REDACTED]"
_RANDOM = random.Random(20251114)


def _characters(count, alphabet):
    return "".join(_RANDOM.choices(alphabet, k=count))


_KEY_SIGNS = string.ascii_letters + string.digits + "-_"
KINDS = {
    "key of 164": "sk-proj-" + _characters(74, _KEY_SIGNS) + "T3BlbkFJ" + _characters(74, _KEY_SIGNS),
    "id of 28": "org-" + _characters(24, string.ascii_letters + string.digits),
    "password with signs": "Gr4v\"el&p1t\\Zo'nk<7>wQ%2rX+t",
}


def _b64(data):
    return base64.b64encode(data).decode()


def _shift_rot47(text):
    return "".join(chr(33 + (ord(char) - 33 + 47) % 94) if 33 <= ord(char) <= 126 else char for char in text)


def _broken(text, separator, size):
    return separator.join(text[at : at + size] for at in range(0, len(text), size))


def _lower_percent(text):
    coded = quote(text, safe="")
    return "".join(char.lower() if "%" in coded[max(0, at - 2) : at] else char for at, char in enumerate(coded))


MATRIX = {
    "raw": lambda s: s,
    "JSON string": json.dumps,
    "JSON in JSON": lambda s: json.dumps(json.dumps({"v": s})),
    "JSON \\uXXXX": lambda s: "".join(f"\\u{ord(char):04x}" for char in s),
    "Python repr": repr,
    "shell single-quoted": shlex.quote,
    "XML named entities": lambda s: html.escape(s, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
    "HTML numeric entities": lambda s: "".join(f"&#{ord(char)};" for char in s),
    "upper-cased": str.upper,
    "reversed": lambda s: s[::-1],
    "rot13": lambda s: codecs.encode(s, "rot13"),
    "percent, upper-case hex": lambda s: quote(s, safe=""),
    "percent, lower-case hex": _lower_percent,
    "percent on every byte": lambda s: "".join(f"%{byte:02X}" for byte in s.encode()),
    "base64 exact": lambda s: _b64(s.encode()),
    "base64 prefix 1": lambda s: _b64(b"x" + s.encode()),
    "base64 prefix 2": lambda s: _b64(b"u:" + s.encode()),
    "base64 prefix 5": lambda s: _b64(b"user:" + s.encode()),
    "base64 suffix newline": lambda s: _b64(s.encode() + b"\n"),
    "base64 suffix 2": lambda s: _b64(s.encode() + b"\r\n"),
    "base64 prefix 1 and suffix 2": lambda s: _b64(b"'" + s.encode() + b"';"),
    "base64 prefix 5 and suffix 1": lambda s: _b64(b"pass=" + s.encode() + b"\n"),
    "base64 URL-safe, unpadded": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "base64 wrapped at 76": lambda s: base64.encodebytes(
        b"some words before it: " + s.encode() + b" and after"
    ).decode(),
    "base64 twice": lambda s: _b64(_b64(s.encode()).encode()),
    "base64 of gzip": lambda s: _b64(gzip.compress(s.encode(), mtime=0)),
    "hex lower": lambda s: s.encode().hex(),
    "hex upper": lambda s: s.encode().hex().upper(),
    "hex dump with spaces": lambda s: s.encode().hex(" "),
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "UTF-16LE": lambda s: s.encode("utf-16-le"),
    "line-wrapped at 40": lambda s: _broken(s, "\n", 40 if len(s) > 40 else len(s) // 2),
    "ANSI colour code inside": lambda s: s[:9] + "\x1b[31m" + s[9:17] + "\x1b[0m" + s[17:],
    "zero-width space inside": lambda s: s[:10] + "\u200b" + s[10:],
    "spaced characters": " ".join,
    "string concatenation": lambda s: f'"{s[: len(s) // 2]}" + "{s[len(s) // 2 :]}"',
    "first 20 only": lambda s: s[:20],
    "last 12 only": lambda s: s[-12:],
}

UNSEEN = {
    "percent twice": lambda s: quote(quote(s, safe=""), safe=""),
    "base64 three times": lambda s: _b64(_b64(_b64(s.encode()).encode()).encode()),
    "base64 of hex": lambda s: _b64(s.encode().hex().encode()),
    "hex of base64": lambda s: _b64(s.encode()).encode().hex(),
    "hex of gzip": lambda s: gzip.compress(s.encode(), mtime=0).hex(),
    "gzip, raw": lambda s: gzip.compress(s.encode(), mtime=0),
    "base64 of zlib": lambda s: _b64(zlib.compress(s.encode())),
    "base64 of bzip2": lambda s: _b64(bz2.compress(s.encode())),
    "base64 of xz": lambda s: _b64(lzma.compress(s.encode())),
    "base64 of UTF-16": lambda s: _b64(s.encode("utf-16-le")),
    "base64 of the reversed": lambda s: _b64(s[::-1].encode()),
    "base64 reversed": lambda s: _b64(s.encode())[::-1],
    "base32 lower, prefix 2": lambda s: base64.b32encode(b"u:" + s.encode()).decode().lower().rstrip("="),
    "base85": lambda s: base64.b85encode(s.encode()).decode(),
    "ascii85": lambda s: base64.a85encode(s.encode()).decode(),
    "uuencode": lambda s: "".join(
        binascii.b2a_uu(s.encode()[at : at + 45]).decode() for at in range(0, len(s.encode()), 45)
    ),
    "quoted-printable": lambda s: quopri.encodestring(s.encode(), quotetabs=True).decode(),
    "UTF-16BE": lambda s: s.encode("utf-16-be"),
    "UTF-32LE": lambda s: s.encode("utf-32-le"),
    "UTF-7": lambda s: s.encode("utf-7"),
    "EBCDIC": lambda s: s.encode("cp500"),
    "HTML hexadecimal entities": lambda s: "".join(f"&#x{ord(char):X};" for char in s),
    "C escapes \\x": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "octal escapes": lambda s: "".join(f"\\{byte:03o}" for byte in s.encode()),
    "C array 0x..": lambda s: ", ".join(f"0x{byte:02x}" for byte in s.encode()),
    "decimal array": lambda s: str(list(s.encode())),
    "JSON array of characters": lambda s: json.dumps(list(s)),
    "binary digits": lambda s: " ".join(f"{byte:08b}" for byte in s.encode()),
    "hex with colons": lambda s: s.encode().hex(":").upper(),
    "hex dump of xxd": lambda s: "\n".join(
        f"{at:08x}: {s.encode()[at : at + 16].hex(' ', 2):39}  {s[at : at + 16]}" for at in range(0, len(s), 16)
    ),
    "lower-cased": str.lower,
    "case swapped": str.swapcase,
    "groups of four with dashes": lambda s: _broken(s, "-", 4),
    "markup inside": lambda s: s[:9] + "<b>" + s[9:18] + "</b>" + s[18:],
    "colour code escaped in JSON": lambda s: json.dumps(s[:9] + "\x1b[1;31m" + s[9:]),
    "a key and a value each": lambda s: json.dumps([{"part": s[: len(s) // 2]}, {"part": s[len(s) // 2 :]}]),
    "lines with numbers": lambda s: "\n".join(f"{n}: {part}" for n, part in enumerate(textwrap.wrap(s, 14))),
    "wrapped at 10": lambda s: _broken(s, "\n    ", 10),
    "full-width letters": lambda s: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in s),
    "rot47": _shift_rot47,
    "Caesar by 3": lambda s: "".join(chr(ord(char) + 3) for char in s),
    "every second character": lambda s: s[::2],
    "middle 16": lambda s: s[len(s) // 2 - 8 : len(s) // 2 + 8],
    "first 11 only": lambda s: s[:11],
    "exclusive or": lambda s: bytes(byte ^ 0x5A for byte in s.encode()),
    "hex, last half": lambda s: s.encode().hex()[len(s) :],
}

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _zipped(text):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), text * 3, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _tarred(text):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return file.getvalue()


def _base58(text):
    number, digits = int.from_bytes(text.encode(), "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return digits


def _bold(char):
    if char.isupper():
        return chr(0x1D400 + ord(char) - ord("A"))
    return chr(0x1D41A + ord(char) - ord("a")) if char.islower() else char


LATER = {
    "deflated in a zip": _zipped,
    "zip in base64": lambda s: _b64(_zipped(s)),
    "member of a tar": _tarred,
    "tar.gz in base64": lambda s: _b64(gzip.compress(_tarred(s), mtime=0)),
    "JWT payload": lambda s: (
        "eyJhbGciOiJub25lIn0."
        + base64.urlsafe_b64encode(json.dumps({"sub": "x", "pw": s}).encode()).decode().rstrip("=")
        + "."
    ),
    "basic authorisation": lambda s: "Basic " + _b64(("someone:" + s).encode()),
    "MIME encoded word": lambda s: "=?utf-8?b?" + _b64(s.encode()) + "?=",
    "base64 in groups of 8 with dots": lambda s: ".".join(textwrap.wrap(_b64(s.encode()), 8)),
    "base64 in a YAML block": lambda s: (
        "k: |\n" + textwrap.indent(_broken(_b64(b"x: " + s.encode()), "\n", 20), "    ")
    ),
    "base58": _base58,
    "String.fromCharCode": lambda s: "String.fromCharCode(" + ",".join(str(ord(c)) for c in s) + ")",
    "zero-padded entities": lambda s: "".join(f"&#{ord(c):04d};" for c in s),
    "Markdown escapes": lambda s: "".join("\\" + c if not c.isalnum() else c for c in s),
    "C string pieces on lines": lambda s: "\n".join(f'  "{s[a : a + 9]}"' for a in range(0, len(s), 9)),
    "shell joined quotes": lambda s: "".join(f"'{c}'" if c != "'" else '"\'"' for c in s),
    "SQL concatenation": lambda s: " || ".join(
        "'" + s[a : a + 7].replace("'", "''") + "'" for a in range(0, len(s), 7)
    ),
    "hexdump -C": lambda s: "\n".join(
        f"{a:08x}  {s.encode()[a : a + 8].hex(' ')}  {s.encode()[a + 8 : a + 16].hex(' ')}  |{s[a : a + 16]}|"
        for a in range(0, len(s), 16)
    ),
    "od -c": lambda s: "\n".join(f"{a:07o}   " + "   ".join(s[a : a + 16]) for a in range(0, len(s), 16)),
    "backspace overstrike": lambda s: "".join(c + "\b" + c for c in s),
    "combining mark on each": lambda s: "".join(c + "\u0332" for c in s),
    "bold mathematical letters": lambda s: "".join(map(_bold, s)),
    "diff of characters": lambda s: "\n".join("+" + c for c in s),
    "cursor moves inside": lambda s: "".join(s[a : a + 6] + "\x1b[1C" for a in range(0, len(s), 6)),
    "OSC hyperlink inside": lambda s: s[:9] + "\x1b]8;;http://x/\x07" + s[9:] + "\x1b]8;;\x07",
    "timestamps before pieces": lambda s: "\n".join(
        f"2025-11-14T17:14:0{n % 10}Z {s[a : a + 13]}" for n, a in enumerate(range(0, len(s), 13))
    ),
    "hex of hex": lambda s: s.encode().hex().encode().hex(),
    "base32 hex alphabet": lambda s: base64.b32hexencode(s.encode()).decode(),
    "PowerShell encoded (base64 of UTF-16)": lambda s: _b64(("echo " + s).encode("utf-16-le")),
    "bytes repr in JSON": lambda s: json.dumps(repr(s.encode())),
    "ellipsis in the middle": lambda s: s[:13] + "..." + s[-13:],
}


def leaked(form, secret):
    """The bytes in which a form gives a secret away."""
    spelt = form(secret)
    return spelt if isinstance(spelt, bytes) else spelt.encode()


def survivors(form, secret, redacted):
    """Pieces of eight bytes of the leak that are still there and of which at least four tell something.

    What another secret of the same shape leaves too is frame, not secret: a header, an offset, an encoded word beside.
    White space and control characters are looked through.
    """
    spelt, other = leaked(form, secret), leaked(form, _sibling(secret))
    left = _visible(redacted.replace(MARKER, b"\xff" * 3))
    telling = [a != b for a, b in zip_longest(spelt, other, fillvalue=-1)]
    seen = [(byte, tells) for byte, tells in zip(spelt, telling, strict=False) if byte > 0x20]
    pieces = [seen[at : at + 8] for at in range(max(1, len(seen) - 7))]
    told = [sum(tells for _, tells in piece) for piece in pieces]
    # Where every character is spelt with six, eight bytes tell less than four.
    enough = min(4, max(told))
    found = [bytes(byte for byte, _ in piece) for piece, tells in zip(pieces, told, strict=True) if tells >= enough]
    return [piece for piece in found if piece in left]


def _visible(data):
    return bytes(byte for byte in data if byte > 0x20)


def _sibling(secret):
    """A secret of the same shape that shares no character with the given one: signs stay, the others move on."""
    lower, digits = string.ascii_lowercase, string.digits
    moved = str.maketrans(
        lower + lower.upper() + digits,
        lower[5:] + lower[:5] + lower[5:].upper() + lower[:5].upper() + digits[3:] + digits[:3],
    )
    return secret.translate(moved)
