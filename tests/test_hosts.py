"""Which host this is, where it keeps files, and the cell with which every notebook opens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import psutil
import pytest

from cxrlab import hosts
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.publish import id_for

TOP = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
ENVIRONMENTS = {
    hosts.KAGGLE: {"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_RELEASE_TAG": "release-1"},
    hosts.COLAB: {"COLAB_RELEASE_TAG": "release-1"},
    hosts.BINDER: {"BINDER_LAUNCH_HOST": "https://mybinder.org/"},
    hosts.OWN: {},
}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No host's signs, whatever machine the tests run on, and no workspace named."""
    for sign in sum(hosts.SIGNS.values(), ()):
        monkeypatch.delenv(sign, raising=False)
    monkeypatch.delenv("CXRLAB_WORKSPACE")


@pytest.fixture(params=ENVIRONMENTS)
def name(request, monkeypatch):
    for sign, value in ENVIRONMENTS[request.param].items():
        monkeypatch.setenv(sign, value)
    return request.param


def test_a_host_is_known_by_what_it_sets(name):
    assert hosts.host() == name


def test_work_is_kept_where_the_host_keeps_it(name, monkeypatch, tmp_path):
    expected = {hosts.KAGGLE: "/kaggle/working", hosts.COLAB: "/content"}
    kept = Path(expected.get(name) or Path.home())
    assert workspace_root() == (kept / "cxrlab-workspace").absolute()
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path))
    assert workspace_root() == tmp_path


@pytest.fixture
def drive(monkeypatch):
    """Colab, and a Drive that notes where it is mounted."""
    mounted = []
    colab = ModuleType("google.colab")
    colab.drive = SimpleNamespace(mount=mounted.append)
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setenv("CXRLAB_WORKSPACE", "")
    colab.mounted = mounted
    return colab


def test_drive_is_opened_on_colab_only_and_when_asked_for(drive, capsys, monkeypatch):
    assert hosts.host() == hosts.COLAB  # known without its variables
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    hosts.keep_work(on_drive=True)
    assert "This is Kaggle." in capsys.readouterr().out
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE")
    hosts.keep_work()
    assert drive.mounted == []
    assert workspace_root() == Path("/content/cxrlab-workspace").absolute()
    hosts.keep_work(on_drive=True)
    assert drive.mounted == ["/content/drive"]
    assert os.environ["CXRLAB_WORKSPACE"] == "/content/drive/MyDrive/cxrlab-workspace"
    assert "kept in /content/drive/MyDrive/cxrlab-workspace." in capsys.readouterr().out
    drive.drive.mount = lambda place: 1 / 0
    with pytest.raises(CXRLabError, match="division by zero.*ON_DRIVE"):
        hosts.keep_work(on_drive=True)


GB = 10**9


@pytest.fixture
def sixteen(tmp_path, monkeypatch):
    """16 GB, 10 of them free, and a folder for control groups that is still empty."""
    free = SimpleNamespace(available=10 * GB, total=16 * GB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(hosts, "CGROUPS", tmp_path)
    (tmp_path / "memory").mkdir()
    return tmp_path


@pytest.mark.parametrize("files", hosts.CGROUP_FILES)
def test_a_container_may_give_less_than_the_machine_has(sixteen, files):
    unlimited = (10 * GB, 16 * GB)
    for limit, used, expected in (
        (f"{2 * GB}\n", GB, (GB, 2 * GB)),
        (f"{2 * GB}\n", 3 * GB, (0, 2 * GB)),
        ("max\n", GB, unlimited),  # in version 2
        ("9223372036854771712\n", GB, unlimited),  # and in version 1
    ):
        for name, content in zip(files, (limit, str(used)), strict=True):
            (sixteen / name).write_text(content)
        assert hosts.memory_here() == expected
        assert hosts.is_memory_short() is (expected != unlimited)


def test_a_limit_by_hand_counts_what_this_process_holds(sixteen, monkeypatch):
    assert hosts.memory_here() == (10 * GB, 16 * GB)  # without control groups the machine counts
    rss = SimpleNamespace(rss=GB // 2)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: rss))
    monkeypatch.setenv("CXRLAB_MEMORY", "1.9")
    assert hosts.memory_here() == (1.4 * GB, 1.9 * GB)
    assert hosts.is_memory_short()


@pytest.mark.parametrize("said", ["two", "-1", "nan"])
def test_a_limit_by_hand_that_is_no_number_is_a_sentence(monkeypatch, said):
    monkeypatch.setenv("CXRLAB_MEMORY", said)
    with pytest.raises(CXRLabError, match=f"CXRLAB_MEMORY is '{said}', not a number"):
        hosts.memory_here()


def first_code_cell(path: Path) -> dict:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return next(cell for cell in cells if cell["cell_type"] == "code")


def set_up() -> str:
    return "".join(first_code_cell(NOTEBOOKS[0])["source"])


def test_every_notebook_opens_with_the_same_cell():
    for path in NOTEBOOKS:
        cell = first_code_cell(path)
        assert "".join(cell["source"]) == set_up()
        assert cell["id"] == id_for(set_up(), set())


def run_set_up(monkeypatch) -> list[str]:
    """Run the set-up cell in IPython; the commands that it gives."""
    from IPython.core.interactiveshell import InteractiveShell

    given = []
    shell = InteractiveShell.instance()
    try:
        monkeypatch.setattr(shell, "system", lambda line: given.append(f"!{line}"))
        monkeypatch.setattr(
            shell, "run_line_magic", lambda name, line, **_: given.append(f"%{name} {line}")
        )
        shell.run_cell(set_up()).raise_error()
    finally:
        InteractiveShell.clear_instance()
    return given


def test_elsewhere_nothing_is_installed(monkeypatch, capsys):
    monkeypatch.setenv("BINDER_LAUNCH_HOST", "https://mybinder.org/")
    assert run_set_up(monkeypatch) == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("host", [hosts.COLAB, hosts.KAGGLE])
def test_on_colab_and_kaggle_it_is_installed_and_says_where_work_is_kept(host, monkeypatch, capsys):
    if host == hosts.COLAB:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    else:
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    held, installed = run_set_up(monkeypatch)
    assert re.search(r"cxrlab\[tf\] @ git\+https://", installed)
    # What the first command writes, the second obeys.
    written = held.split(">")[1].strip()
    assert f"-c {written} " in installed
    kept = Path(hosts.KEPT[host]) / "cxrlab-workspace"
    assert f"kept in {kept}." in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Colab and Kaggle are Linux")
def test_the_hosts_versions_are_held():
    """The set-up cell's own filter, on what pip lists on such a host."""
    listed = "keras==3.13.2 keras-tuner==1.4.7 numpy==2.1.3 pandas==2.2.3 pandas-gbq==0.30.0 "
    listed += "tensorflow==2.20.0 tensorflow-datasets==4.9.9 typer==0.15.0"
    held = re.search(r"!pip list --format=freeze \| (grep .+?) > ", set_up())[1]
    done = subprocess.run(
        held, shell=True, input=listed.replace(" ", "\n"), capture_output=True, text=True
    )
    assert done.stdout.split() == [
        "keras==3.13.2",
        "numpy==2.1.3",
        "pandas==2.2.3",
        "tensorflow==2.20.0",
    ]
