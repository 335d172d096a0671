"""Names of cases: the folder of a scenario as one plain file name, and never the same one for two folders.

``live/L01`` is ``live-L01``. Where anything had to be replaced or cut, a digest of the whole folder is appended.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from harness.evidence.paths import MAX_NAME, fault_of

SUFFIX: Final = ".json"

_DIGITS: Final = 8
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.+=,@-]+")
_LOOKS_CUT: Final = re.compile(rf".*-[0-9a-f]{{{_DIGITS}}}", re.DOTALL)
_LONGEST: Final = MAX_NAME - len(SUFFIX)


def case_id_of(folder: str) -> str:
    """The id of the case of a scenario's folder; with ``.json`` it is a file name on every system."""
    plain = folder.replace("/", "-")
    # A hyphen of the folder's own could be one of ours, and eight digits at the end could be those of a digest.
    is_whole = "-" not in folder and not _LOOKS_CUT.fullmatch(plain) and not fault_of(plain + SUFFIX)
    return plain if is_whole else _cut(plain, folder)


def _cut(plain: str, folder: str) -> str:
    digest = hashlib.sha256(folder.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
    head = _UNSAFE.sub("_", plain)[: _LONGEST - _DIGITS - 1]
    found = f"{head}-{digest}"
    # What begins with a dot, or is called like a device, needs another beginning.
    return f"_{found[1:]}" if fault_of(found + SUFFIX) else found
