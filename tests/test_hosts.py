"""Which host this is, where it keeps files, and the cell with which every notebook opens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from cxrlab import hosts
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.publish import repository

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


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_host_is_known_by_what_it_sets_and_work_is_kept_where_it_keeps_it(
    name, monkeypatch, tmp_path
):
    for sign, value in ENVIRONMENTS[name].items():
        monkeypatch.setenv(sign, value)
    assert hosts.host() == name
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


UNLIMITED = (10 * GB, 16 * GB)


@pytest.mark.parametrize("files", hosts.CGROUP_FILES)
@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [
        (f"{2 * GB}\n", GB, (GB, 2 * GB)),
        (f"{2 * GB}\n", 3 * GB, (0, 2 * GB)),
        ("max\n", GB, UNLIMITED),  # in version 2
        ("9223372036854771712\n", GB, UNLIMITED),  # and in version 1
    ],
)
def test_a_container_may_give_less_than_the_machine_has(sixteen, files, limit, used, expected):
    assert hosts.memory_here() == UNLIMITED
    for name, content in zip(files, (limit, str(used)), strict=True):
        (sixteen / name).write_text(content)
    assert hosts.memory_here() == expected
    assert hosts.is_memory_short() is (expected != UNLIMITED)


def test_a_limit_by_hand_counts_what_this_process_holds(sixteen, monkeypatch):
    rss = SimpleNamespace(rss=GB // 2)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: rss))
    monkeypatch.setenv("CXRLAB_MEMORY", "1.9")
    assert hosts.memory_here() == (1.4 * GB, 1.9 * GB)
    assert hosts.is_memory_short()


def test_a_limit_by_hand_that_is_no_number_is_a_sentence(monkeypatch):
    monkeypatch.setenv("CXRLAB_MEMORY", "two")
    with pytest.raises(CXRLabError, match="CXRLAB_MEMORY is 'two', not a number"):
        hosts.memory_here()


def first_code_cell(path: Path) -> dict:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return next(cell for cell in cells if cell["cell_type"] == "code")


def set_up() -> str:
    return "".join(first_code_cell(NOTEBOOKS[0])["source"])


def test_every_notebook_opens_with_the_same_cell():
    cells = [first_code_cell(path) for path in NOTEBOOKS]
    assert {"".join(cell["source"]) for cell in cells} == {set_up()}
    assert len({cell["id"] for cell in cells}) == 1


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


@pytest.mark.parametrize("host", [hosts.BINDER, hosts.COLAB, hosts.KAGGLE])
def test_on_colab_and_kaggle_it_is_installed_and_says_where_work_is_kept(host, monkeypatch, capsys):
    for sign in hosts.SIGNS[host]:
        monkeypatch.setenv(sign, "1")
    if host == hosts.COLAB:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    given = run_set_up(monkeypatch)
    if host == hosts.BINDER:  # all is there
        assert (given, capsys.readouterr().out) == ([], "")
        return
    held, installed = given
    assert re.search(r"cxrlab\[tf\] @ git\+https://", installed)
    # What the first command writes, the second obeys.
    written = held.split(">")[1].strip()
    assert f"-c {written} " in installed
    kept = Path(hosts.KEPT[host]) / "cxrlab-workspace"
    assert f"kept in {kept}." in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:To exit")
def test_where_nothing_could_be_installed_the_cell_ends_in_what_to_do(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setitem(sys.modules, "cxrlab", None)  # pip was stubbed, and brought nothing
    with pytest.raises(SystemExit, match="switch the internet on, or else ask your teacher") as end:
        run_set_up(monkeypatch)
    assert str(end.value).count(". ") == 0, "one sentence"
    assert os.environ["GIT_TERMINAL_PROMPT"] == "0"


@pytest.fixture
def host_python(tmp_path, monkeypatch):
    """A Python with all libraries of this one but the course, and a TensorFlow in name only."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "host")], check=True)
    (site,) = (tmp_path / "host" / "lib").glob("python*/site-packages")
    libraries = Path(psutil.__file__).parent.parent
    (site / "libraries.pth").write_text(f"{libraries}\n")  # the .pth files in there do not count
    (site / "tensorflow-2.20.0.dist-info").mkdir()
    about = "Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.20.0\n"
    (site / "tensorflow-2.20.0.dist-info" / "METADATA").write_text(about)
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [f"{tmp_path}/host/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "host"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PATH", f"{tmp_path}/host/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return site


@pytest.mark.skipif(sys.platform == "win32", reason="Colab and Kaggle are Linux")
@pytest.mark.slow
def test_a_repository_that_is_there_is_installed_and_used(host_python, tmp_path):
    """By the cell's own pip and git, from a clone; only hatchling comes from the network."""
    clone = tmp_path / "course.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(TOP), str(clone)], check=True)
    kaggle = {"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "GIT_CONFIG_COUNT": "1"}
    kaggle |= {"GIT_CONFIG_KEY_0": f"url.file://{clone}.insteadOf"}
    kaggle |= {"GIT_CONFIG_VALUE_0": f"https://github.com/{repository().path}"}
    cell = nbformat.v4.new_code_cell(set_up())
    client = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=300)
    client.execute(env={**os.environ, **kaggle})
    said = "".join(output.get("text", "") for output in cell.outputs)
    assert "What you make is kept in /kaggle/working/cxrlab-workspace." in said
    assert (host_python / "cxrlab" / "_notebooks" / NOTEBOOKS[0].name).is_file()
    assert "tensorflow==2.20.0\n" in Path("/tmp/held.txt").read_text()
    assert not list(host_python.glob("keras*")), "nothing else was installed"


@pytest.mark.skipif(sys.platform == "win32", reason="Colab and Kaggle are Linux")
def test_the_hosts_versions_are_held():
    """The set-up cell's own filter, on what pip lists on such a host."""
    kept = ["keras==3.13.2", "numpy==2.1.3", "pandas==2.2.3", "tensorflow==2.20.0"]
    others = ["keras-tuner==1.4.7", "pandas-gbq==0.30.0", "tensorflow-datasets==4.9.9"]
    held = re.search(r"!pip list --format=freeze \| (grep .+?) > ", set_up())[1]
    listed = "\n".join(sorted([*kept, *others, "typer==0.15.0"]))
    done = subprocess.run(held, shell=True, input=listed, capture_output=True, text=True)
    assert done.stdout.split() == kept
