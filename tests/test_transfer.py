"""Transfer learning: the network, and fetching its weights from a server of our own."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from cxrlab import transfer
from cxrlab.errors import CXRLabError

FILE = b"weights " * 5000


@contextmanager
def serving(respond):
    """A server on this machine; ``respond`` gets its handler. Gives address and what was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            respond(self)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield SimpleNamespace(
            address=f"http://127.0.0.1:{server.server_port}/some/where", got=asked
        )
    finally:
        server.shutdown()
        server.server_close()


def whole(data):
    def respond(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return respond


def broken_off(handler):
    """Half of the file, and the connection closes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(FILE)))
    handler.end_headers()
    handler.wfile.write(FILE[: len(FILE) // 2])


def silent_half_way(handler):
    broken_off(handler)
    handler.wfile.flush()
    threading.Event().wait(20)


def silent(handler):
    threading.Event().wait(20)


@pytest.fixture(autouse=True)
def keras_folder(tmp_path, monkeypatch):
    """A Keras folder of the test's own, and no proxy before this machine."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(transfer, "MD5", hashlib.md5(FILE).hexdigest())
    return tmp_path / "keras" / "models"


def fetch_from(address, monkeypatch):
    monkeypatch.setenv(transfer.ADDRESS_VARIABLE, address)
    return transfer.fetch_weights()


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_the_file_is_the_one_that_keras_itself_would_fetch():
    pytest.importorskip("tensorflow")
    ours = pytest.importorskip("keras.src.applications.mobilenet_v3")
    assert ours.BASE_WEIGHT_PATH == transfer.ADDRESS
    original = "d3e8ec802a04aa4fc771ee12a9a9b836"
    assert ours.WEIGHTS_HASHES["small_224_1.0_float"][1] == original


def test_weights_are_fetched_once(keras_folder, monkeypatch):
    with serving(whole(FILE)) as server:
        first = fetch_from(server.address, monkeypatch)
        second = fetch_from(server.address + "/", monkeypatch)
    assert first == second == keras_folder / transfer.WEIGHTS
    assert first.read_bytes() == FILE
    assert server.got == [f"/some/where/{transfer.WEIGHTS}"]
    assert files_in(keras_folder) == [transfer.WEIGHTS]


def test_a_file_put_there_by_hand_needs_no_network(keras_folder, monkeypatch):
    keras_folder.mkdir(parents=True)
    (keras_folder / transfer.WEIGHTS).write_bytes(FILE)
    with serving(silent) as server:
        assert fetch_from(server.address, monkeypatch).read_bytes() == FILE
    assert not server.got


def test_a_damaged_file_is_replaced(keras_folder, monkeypatch):
    keras_folder.mkdir(parents=True)
    (keras_folder / transfer.WEIGHTS).write_bytes(FILE[:100])
    with serving(whole(FILE)) as server:
        assert fetch_from(server.address, monkeypatch).read_bytes() == FILE


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (lambda handler: handler.send_error(404), "the server answered 404 Not Found"),
        (broken_off, "the connection broke after 20000 (of 40000 )?bytes"),
        (whole(FILE[:-1] + b"!"), "damaged or another one"),
        (whole(b"<html>Please log in to this network</html>"), "damaged or another one"),
        (silent, "no answer within 0.3 seconds"),
        (silent_half_way, "no answer within 0.3 seconds"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_nothing(keras_folder, monkeypatch, respond, reason):
    monkeypatch.setattr(transfer, "PATIENCE", 0.3)
    with serving(respond) as server, pytest.raises(transfer.WeightsUnavailable, match=reason):
        fetch_from(server.address, monkeypatch)
    assert files_in(keras_folder) == []


def test_no_network_at_all(keras_folder, monkeypatch):
    def no_name(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.delenv(transfer.ADDRESS_VARIABLE, raising=False)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    with pytest.raises(transfer.WeightsUnavailable) as caught:
        transfer.transfer_network()
    text = str(caught.value)
    assert "storage.googleapis.com" in text and "Temporary failure in name resolution" in text
    assert "Connect this computer" in text and str(keras_folder) in text
    assert text.count(". ") == 1 and text.endswith(".")  # two sentences
    assert isinstance(caught.value, CXRLabError)
    assert files_in(keras_folder) == []


def test_looking_for_the_name_is_given_up_too(monkeypatch):
    """The time limit of a connection does not cover this."""
    for variable in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    forever = threading.Event()
    monkeypatch.setattr(transfer, "PATIENCE", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: forever.wait(20))
    with pytest.raises(transfer.WeightsUnavailable, match="no answer within 0.2 seconds"):
        fetch_from("http://weights.example", monkeypatch)
    forever.set()


def test_a_refused_connection_and_no_address(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(transfer.WeightsUnavailable, match="refused"):
        fetch_from(f"http://127.0.0.1:{port}", monkeypatch)
    with pytest.raises(transfer.WeightsUnavailable, match="unknown url type"):
        fetch_from("not an address", monkeypatch)


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with (
        serving(whole(FILE)) as server,
        pytest.raises(transfer.WeightsUnavailable, match="Not a directory|exists"),
    ):
        fetch_from(server.address, monkeypatch)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """The backbone as it is before any training, in a file of the kind that Keras serves."""
    h5py = pytest.importorskip("h5py")
    keras = pytest.importorskip("keras")
    from keras.src.legacy.saving import legacy_h5_format  # what writes a file like the real one

    keras.utils.set_random_seed(3)
    backbone = keras.applications.MobileNetV3Small(
        input_shape=(224, 224, 3), include_top=False, weights=None, include_preprocessing=False
    )
    path = tmp_path_factory.mktemp("weights") / transfer.WEIGHTS
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, backbone)
    return path, backbone.get_weights()


@pytest.mark.slow
def test_the_network_from_the_server_to_the_score(weights_file, monkeypatch):
    import keras

    from cxrlab.model import float32_copy

    path, weights = weights_file
    monkeypatch.setattr(transfer, "MD5", hashlib.md5(path.read_bytes()).hexdigest())
    with serving(whole(path.read_bytes())) as server:
        monkeypatch.setenv(transfer.ADDRESS_VARIABLE, server.address)
        model = transfer.transfer_network(dropout=0.5)
    backbone = model.get_layer("backbone")
    for ours, served in zip(backbone.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, served)

    assert model.input_shape == (None, 224, 224, 3) and model.output_shape == (None, 1)
    assert not model.compiled and model.get_layer("dropout").rate == 0.5
    assert model.layers[-1].name == "score" and model.layers[-1].dtype == "float32"
    assert sum(int(np.prod(one.shape)) for one in model.trainable_weights) == 577

    # Training moves the last layer alone, not even the averages of batch normalisation.
    rng = np.random.default_rng(0)
    images = rng.random((8, 224, 224, 3), np.float32)
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    before = model.layers[-1].get_weights()[1]
    model.fit(images, np.repeat([0, 1], [6, 2])[:, None], epochs=1, verbose=0)
    for ours, served in zip(backbone.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, served)
    assert not np.array_equal(before, model.layers[-1].get_weights()[1])

    # The scale that the backbone was trained at is made inside.
    pooled = np.asarray(backbone(2 * images - 1, training=False)).mean(axis=(1, 2))
    kernel, bias = model.layers[-1].get_weights()
    expected = 1 / (1 + np.exp(-(pooled @ kernel + bias)))
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)

    # A copy, as the training makes one, needs no weights from anywhere and stays frozen.
    copy = float32_copy(model)
    np.testing.assert_allclose(copy.predict(images, verbose=0), expected, atol=1e-5)
    assert len(copy.trainable_weights) == 2
