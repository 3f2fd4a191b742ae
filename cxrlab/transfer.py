"""Transfer learning: a network that learned to see on photographs, and a new last layer."""

from __future__ import annotations

import hashlib
import http.client
import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.images import IMAGE_SIZE

if TYPE_CHECKING:
    import keras

# Where keras.applications keeps these weights, and what they are. The variable names another
# server with the same file, for a classroom whose computers may not reach the internet.
ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/"
ADDRESS_VARIABLE = "CXRLAB_WEIGHTS_URL"
WEIGHTS = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
MD5 = "d3e8ec802a04aa4fc771ee12a9a9b836"

PATIENCE = 5  # seconds for a connection, and for each next part of the file
LARGEST = 100_000_000  # bytes; the file has 4 million


class WeightsUnavailable(CXRLabError):
    """The weights that transfer learning starts from are not here and could not be fetched."""


def transfer_network(dropout: float = 0.3) -> keras.Model:
    """Build a network on top of MobileNetV3Small as trained on ImageNet, not compiled.

    The backbone (Howard et al. 2019, arXiv 1905.02244) is frozen, its batch normalisation uses the
    averages of the photographs, and 577 weights of the last layer are left to learn. Studies of
    chest X-rays mostly take DenseNet121 (Rajpurkar et al. 2017, arXiv 1711.05225). Ours was chosen
    by the clock: 32 X-rays take 0.9 s on two busy cores, against 6.4 s with EfficientNetB0 and
    10.4 s with DenseNet121, and the file to fetch has 4 MB, not 29. How much accuracy that costs
    was not measured.

    Input: float images of shape (batch, 224, 224, 3) within 0...1; the backbone's own scale, -1
    to 1, is made inside. Output: the score for COVID-19, shape (batch, 1), within 0...1, float32.

    Raises :class:`WeightsUnavailable` when the weights are neither in Keras's folder nor to be had.
    """
    return _on_backbone(fetch_weights(), dropout)


def fetch_weights() -> Path:
    """The file of weights in Keras's folder, fetched unless it is there and whole.

    Raises :class:`WeightsUnavailable`, at the latest after some ``PATIENCE`` seconds of silence.
    """
    kept = keras_models_folder() / WEIGHTS
    try:
        if kept.exists() and _is_genuine(kept.read_bytes()):
            return kept
    except OSError:
        pass  # unreadable: it is fetched anew
    address = os.environ.get(ADDRESS_VARIABLE) or ADDRESS
    address = f"{address.rstrip('/')}/{WEIGHTS}"
    try:
        data = _download(address)
        if not _is_genuine(data):
            raise OSError("the file that came is damaged or another one")
        # Whole or not at all: what is found half in Keras's folder is a riddle for the next reader.
        return write_atomically(kept, data)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise WeightsUnavailable(
            f"Transfer learning starts from the weights of MobileNetV3Small, 4 MB, but fetching "
            f"them from {address} failed: {_reason(error)}. Connect this computer to the internet "
            f"and run this again, or put the file into the folder {_as_typed(kept.parent)}."
        ) from error


def _as_typed(folder: Path) -> str:
    """The folder as a reader would type it, and as it may stand in a recording: ``~`` for home."""
    home = Path.home()
    if folder.is_relative_to(home):
        return f"~/{folder.relative_to(home).as_posix()}"
    return str(folder)


def keras_models_folder() -> Path:
    """Where Keras keeps weights that were fetched: ``~/.keras/models`` or below ``KERAS_HOME``."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"


def _on_backbone(weights: Path | None, dropout: float) -> keras.Model:
    """The network of :func:`transfer_network`; without ``weights`` the backbone's are random."""
    import keras
    from keras import layers

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")
    backbone = keras.applications.MobileNetV3Small(
        input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
        include_top=False,
        weights=None if weights is None else str(weights),
        include_preprocessing=False,
        name="backbone",
    )
    backbone.trainable = False
    x = layers.Rescaling(2.0, offset=-1.0, name="photograph_scale")(xray)
    # training=False stays for good: batch normalisation keeps its averages even if somebody
    # unfreezes the backbone to tune it.
    x = backbone(x, training=False)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    score = layers.Dense(1, activation="sigmoid", dtype="float32", name="score")(x)
    return keras.Model(xray, score, name="transfer_network")


def _download(address: str) -> bytes:
    """What stands at ``address``; ``OSError`` or ``HTTPException`` when it cannot be had."""
    with _answer(address) as answer:
        data = answer.read(LARGEST)
        expected = answer.headers.get("Content-Length")
    if expected is not None and len(data) < int(expected):
        raise OSError(f"the connection broke after {len(data)} of {expected} bytes")
    return data


def _answer(address: str) -> http.client.HTTPResponse:
    """The beginning of an answer, or ``TimeoutError``.

    The time limit of a connection does not cover finding a name's number, which takes a minute
    on some machines without a network. So this waits for a thread, and leaves it when it is late.
    """
    answers: queue.SimpleQueue = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urlopen(address, timeout=PATIENCE))
        except Exception as error:  # handed to whoever waits
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=2 * PATIENCE)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    return found


def _is_genuine(data: bytes) -> bool:
    return hashlib.md5(data, usedforsecurity=False).hexdigest() == MD5


def _reason(error: Exception) -> str:
    """Why it failed, in the few words that help."""
    if isinstance(error, HTTPError):
        return f"the server answered {error.code} {error.reason}"
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {PATIENCE} seconds"
    if isinstance(cause, http.client.IncompleteRead):
        return f"the connection broke after {len(cause.partial)} bytes"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
