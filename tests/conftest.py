"""Data for the tests: phantoms made once, and real X-rays where a folder of them is named."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from filelock import FileLock

TOP = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
# Tests say themselves which data and budget they mean.
for name in ("CXRLAB_DATA", "CXRLAB_BUDGET"):
    os.environ.pop(name, None)
# Read here, because a relative path means the folder from which pytest was started.
REAL = os.environ.get("CXRLAB_TEST_REAL")
REAL_DATA = Path(REAL).absolute() if REAL else None


def pytest_collection_modifyitems(items):
    """Leave out what needs real X-rays or much time, unless it was asked for."""
    no_real = pytest.mark.skip(reason="CXRLAB_TEST_REAL names no folder of real X-rays")
    too_slow = pytest.mark.skip(reason="slow: runs with CXRLAB_TEST_SLOW=1")
    too_long = pytest.mark.skip(reason="trains for many minutes: runs with CXRLAB_TEST_TRAINING=1")
    whole = pytest.mark.skip(reason="runs whole notebooks again: runs with CXRLAB_TEST_LONG=1")
    for item in items:
        if "real" in item.keywords and REAL_DATA is None:
            item.add_marker(no_real)
        if "slow" in item.keywords and os.environ.get("CXRLAB_TEST_SLOW") != "1":
            item.add_marker(too_slow)
        if "long" in item.keywords and os.environ.get("CXRLAB_TEST_LONG") != "1":
            item.add_marker(whole)
        if "training" in item.keywords and os.environ.get("CXRLAB_TEST_TRAINING") != "1":
            item.add_marker(too_long)


@pytest.fixture(autouse=True)
def own_workspace(tmp_path_factory, monkeypatch):
    """Keep every test out of the reader's own workspace."""
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))


@pytest.fixture
def no_pauses(monkeypatch):
    """Fetching that neither waits before it tries again nor long for an answer, and no proxy."""
    from cxrlab.sources import download

    monkeypatch.setattr(download, "PAUSE", 0)
    monkeypatch.setattr(download, "TIMEOUTS", (2, 0.5))
    monkeypatch.delenv("CXRLAB_MIRROR", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    download.session.cache_clear()
    yield
    download.session.cache_clear()


@pytest.fixture
def bad_server():
    """A web server on this machine; its faults are switched on path by path."""
    from bad_server import BadServer

    with BadServer() as server:
        yield server


@pytest.fixture
def upstream(phantom_data, monkeypatch, no_pauses):
    """The made upstream, serving what the small phantoms have."""
    from upstream import Upstream, offer

    with Upstream() as served:
        yield offer(served, phantom_data, monkeypatch)


@pytest.fixture
def house_style():
    """The course's look for the figures of one test, and every figure closed after it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from cxrlab.plots import use_style

    with matplotlib.rc_context():
        use_style()
        yield
    plt.close("all")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    """Each committed notebook's file."""
    return request.param


@pytest.fixture
def notebook(path):
    """Each committed notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def slides_script():
    """``docs/slides.py`` as a module; ``OUT`` is where it writes."""
    pytest.importorskip("sphinx_revealjs", reason="make slides installs it")
    spec = importlib.util.spec_from_file_location("slides", TOP / "docs" / "slides.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real X-rays."""
    if REAL_DATA is None:
        pytest.skip("CXRLAB_TEST_REAL names no folder of real X-rays")
    assert REAL_DATA.is_dir(), f"CXRLAB_TEST_REAL names {REAL_DATA}, which is not a folder"
    return REAL_DATA


@pytest.fixture(scope="session")
def phantom_data(tmp_path_factory) -> Path:
    """A small folder of phantoms in all three layouts."""
    return _phantoms(tmp_path_factory, "tiny")


@pytest.fixture(scope="session")
def course_phantoms(tmp_path_factory) -> Path:
    """The phantoms of the course."""
    return _phantoms(tmp_path_factory, "course")


def _phantoms(tmp_path_factory, size: str) -> Path:
    from cxrlab.phantoms import make_phantoms

    # Parallel test processes share a parent folder: the first one makes the phantoms.
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    with FileLock(shared / f"phantoms-{size}.lock"):
        return make_phantoms(shared / f"phantoms-{size}", size=size)
