"""Pack JSON values into one short value of an address, and unpack a value that anybody may have written."""

import base64
import json
import zlib
from typing import Any

MAX_ENCODED = 4000  # characters
MAX_DECODED = 60_000  # bytes; a longer text is refused before it is unpacked whole


def pack_json(value: Any) -> str:
    """Return a JSON value as text of letters, digits, "-" and "_".

    Examples
    --------
    >>> unpack_json(pack_json({"tau": 0.2}))
    {'tau': 0.2}
    """
    packed = zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def unpack_json(text: str) -> Any:
    """Return the JSON value that a text stands for.

    Raises
    ------
    ValueError
        If the text is none that `pack_json` writes, or it is too long.
    """
    if not 0 < len(text) <= MAX_ENCODED:
        raise ValueError("the length of the text")
    try:
        unpack = zlib.decompressobj()
        plain = unpack.decompress(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), MAX_DECODED)
        if unpack.unconsumed_tail:
            raise ValueError("a value that is too long")
        return json.loads(plain)
    except (zlib.error, RecursionError) as error:
        raise ValueError("a text that does not unpack") from error
