"""Where a file is asked for: at its own address, or at a class's mirror of it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from cxrlab.errors import CXRLabError

# Names a server that holds copies, for a classroom without internet and for tests.
MIRROR_VARIABLE = "CXRLAB_MIRROR"


def at_mirror(url: str) -> str:
    """The address to ask instead of ``url``, where ``CXRLAB_MIRROR`` names a server.

    With ``http://127.0.0.1:9000`` there, ``https://HOST/PATH?Q`` becomes
    ``http://127.0.0.1:9000/HOST/PATH?Q``. Without the variable ``url`` stays as it is. Raises
    :class:`CXRLabError` where either of them is no web address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CXRLabError(
            f"{url!r} is not a web address: it has to begin with http:// or https://."
        )
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return url
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise CXRLabError(
            f"{MIRROR_VARIABLE} is {mirror!r}, which is not a web address. It has to begin with "
            "http:// or https://, as in http://127.0.0.1:9000."
        )
    rest = url.partition("://")[2]
    return f"{mirror.rstrip('/')}/{rest}"
