"""cxrlab run: which notebooks, how they are executed, what the pages and the index show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from io import StringIO

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console
from test_publish import badges, colab

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json
from cxrlab.running import refresh
from cxrlab.running.course import find_notebooks, run_course, select_notebooks
from cxrlab.running.execute import execute
from cxrlab.running.pages import WIDGET_NOTE, WIDGET_VIEW, without_widgets

FIGURE = """\
import base64
from IPython.display import display
dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
from cxrlab.images import picture_html
picture = picture_html(base64.b64decode(dot), "One grey <dot>.")
display({"text/html": picture, "text/plain": "One grey dot."}, raw=True)"""

BENCH = """\
from cxrlab.widgets import Bench
picture = ipywidgets.HTML(picture_html(base64.b64decode(dot), "A dot on a bench."))"""

HEADLINE = """\
import json, os, pathlib
folder = pathlib.Path(os.environ["CXRLAB_WORKSPACE"])
folder.mkdir(exist_ok=True)
line = {"notebook": "01", "label": "Recall on the test set", "value": "0.91",
        "interval": "0.80 to 0.97", "note": "32 of 35 <found>"}
_ = (folder / "headlines.json").write_text(json.dumps([line]))"""


def write_notebook(folder, name, *cells):
    """A notebook of ``cells``: text that starts with # is Markdown, the rest is code."""
    made = [
        new_markdown_cell(cell) if cell.startswith(("# ", "## ", "[!")) else new_code_cell(cell)
        for cell in cells
    ]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=made), path)
    return path


def run(folder, out, **choices):
    """Run the notebooks of ``folder``: those that stopped early, and what was printed."""
    said = StringIO()
    console = Console(file=said, width=200)
    return run_course(out=out, folder=folder, console=console, **choices), said.getvalue()


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A run of three notebooks, of which the second fails in its second code cell."""
    folder, out = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("out")
    write_notebook(
        folder,
        "01_first",
        f"{badges('01_first')}\n\n# Can *you* tell?",
        "import os, sys\nprint(os.environ['CXRLAB_BUDGET'], sys.executable)",
        FIGURE,
        "import ipywidgets\nipywidgets.IntSlider()",
        "## A *bench*, and more",
        f"{BENCH}\nBench([ipywidgets.Checkbox(True, description='ReLU'), picture])",
        HEADLINE,
    )
    write_notebook(folder, "02_second", "# Second", "1 + 1", "raise KeyError('heart')", "print(3)")
    write_notebook(folder, "03_third", "# Third", "print('went on')")
    return (*run(folder, out, budget="smoke"), folder, out)


@pytest.fixture
def some(tmp_path):
    """Notebooks 01, 02, 03 and 10, and one that has no number."""
    for name in ("02_b", "01_a", "10_d", "03_c", "draft"):
        write_notebook(tmp_path, name, "1")
    return find_notebooks(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, "01 02 03 10"),
        ("03", "03"),
        ("1-2, 10,02-03", "01 02 03 10"),
    ],
)
def test_notebooks_are_chosen_by_number(some, wanted, chosen):
    assert " ".join(path.stem[:2] for path in select_notebooks(some, wanted)) == chosen


@pytest.mark.parametrize("wanted", ["", "first", "04", "01-05", "3-1", "01-999999999", "-2"])
def test_a_choice_that_cannot_be_met_is_explained(some, wanted):
    with pytest.raises(CXRLabError, match="01"):
        select_notebooks(some, wanted)


def test_a_failing_cell_stops_its_notebook_and_no_other(three):
    stopped, said, _, out = three
    assert stopped == ["02_second"]
    assert re.search(r"02_second  0:\d\d  stopped at code cell 2 of 3: KeyError: 'heart'\n", said)
    assert "Traceback" not in said
    assert str(out / "index.html") in said
    second = nbformat.read(out / "notebooks" / "02_second.ipynb", 4)
    assert [cell.execution_count for cell in second.cells[1:]] == [1, 2, None]
    assert "stopped at code cell 2" in (out / "02_second.html").read_text("utf-8")
    assert "went on" in (out / "03_third.html").read_text("utf-8")
    done = nbformat.read(out / "notebooks" / "01_first.ipynb", 4)
    assert done.cells[1].outputs[0].text.split() == ["smoke", sys.executable]


def test_pages_fetch_nothing_and_say_what_they_show(three):
    out = three[-1]
    page = (out / "01_first.html").read_text("utf-8")
    fetched = re.findall(
        r"(?:src|srcset|data)=[\"']?(?!data:)[^\"' >]+|<link[^>]+href=.(?!data:)", page
    )
    assert fetched == []
    assert "<script" not in page
    assert 'alt="One grey &lt;dot&gt;."' in page
    assert "colab-badge.svg" not in page
    assert f'href="{colab("01_first")}"' in page
    assert WIDGET_NOTE in page
    assert "Not for medical use" in page
    assert '<html lang="en">' in page
    assert 'name="viewport"' in page


def test_pages_have_contents_and_neighbours_and_widgets_as_pictures(three):
    out = three[-1]
    page = BeautifulSoup((out / "01_first.html").read_text("utf-8"), "html.parser")
    links = [[a["href"] for a in nav.find_all("a")] for nav in page.find_all("nav")]
    contents = ["#A-bench,-and-more"]
    assert links == [["index.html", "02_second.html"], contents, ["index.html", "02_second.html"]]
    assert page.find(id=contents[0][1:]).name == "h2"
    middle = BeautifulSoup((out / "02_second.html").read_text("utf-8"), "html.parser")
    links = [a["href"] for a in middle.nav.find_all("a")]
    assert links == ["01_first.html", "index.html", "03_third.html"]
    still = page.find(alt="A dot on a bench.").find_parent(class_="output_html")
    assert "ReLU: yes" in still.get_text() and "Run the notebook yourself" in still.get_text()


def test_the_index_holds_numbers_minutes_and_choices(three):
    out = three[-1]
    index = (out / "index.html").read_text("utf-8")
    for words in ("0.91", "0.80 to 0.97", "32 of 35 &lt;found&gt;", "Can you tell?", "seed: 0"):
        assert words in index
    assert "phantoms (simulated X-rays)" in index
    assert "budget: smoke" in index
    assert "stopped at code cell 2" in index
    assert "Not for medical use" in index
    assert "http" not in index
    assert index.index("Can you tell?") < index.index("0.91") < index.index("numpy")
    links = re.findall(r'href="([^"]+\.html)"', index)
    assert links == ["01_first.html", "02_second.html", "03_third.html"]
    assert all((out / link).is_file() for link in links)


def test_a_later_run_of_one_notebook_keeps_the_others(three, tmp_path):
    _, _, folder, out = three
    record = read_json(out / "run.json")
    write_notebook(folder, "03_third", "# Third", "print('anew')")
    run(folder, out, notebooks="03", budget="smoke")
    after = read_json(out / "run.json")
    assert [entry["name"] for entry in after["notebooks"]] == ["01_first", "02_second", "03_third"]
    assert after["notebooks"][0] == record["notebooks"][0]
    assert "anew" in (out / "03_third.html").read_text("utf-8")
    assert "0.91" in (out / "index.html").read_text("utf-8")


def test_another_budget_starts_a_new_record_and_drops_old_numbers(tmp_path):
    folder, out = tmp_path / "notebooks", tmp_path / "out"
    write_notebook(folder, "01_a", "# A", "1")
    write_notebook(folder, "02_b", "# B", "1")
    run(folder, out, budget="smoke")
    line = {"label": "Recall", "value": "0.9", "interval": "", "note": ""}
    numbers = [{"notebook": name, **line} for name in ("01", "02")]
    write_json(out / "workspace" / "headlines.json", numbers)
    run(folder, out, budget="class", notebooks="02")
    assert [entry["name"] for entry in read_json(out / "run.json")["notebooks"]] == ["02_b"]
    kept = read_json(out / "workspace" / "headlines.json")
    assert [line["notebook"] for line in kept] == ["01"]


def test_real_data_is_named_by_its_folder_alone(tmp_path):
    folder, out, data = tmp_path / "notebooks", tmp_path / "out", tmp_path / "my-xrays"
    data.mkdir()
    write_notebook(folder, "01_a", "# A", "import os\nprint(os.environ['CXRLAB_DATA'])")
    run(folder, out, data=data)
    done = nbformat.read(out / "notebooks" / "01_a.ipynb", 4)
    assert done.cells[1].outputs[0].text.strip() == str(data)
    index = (out / "index.html").read_text("utf-8")
    assert "real X-rays in my-xrays" in index
    assert str(tmp_path) not in index


def test_wrong_choices_are_sentences(tmp_path):
    folder = tmp_path / "notebooks"
    write_notebook(folder, "01_a", "1")
    for choices, message in (
        ({"budget": "huge"}, "no budget"),
        ({"data": tmp_path / "nowhere"}, "nowhere"),
        ({"notebooks": "02"}, "no notebook 02"),
    ):
        with pytest.raises(CXRLabError, match=message):
            run(folder, tmp_path / "out", **choices)


def test_a_kernel_that_dies_is_reported_in_plain_words(tmp_path):
    path = write_notebook(tmp_path, "01_a", "1", "import os\nos._exit(9)")
    failure = execute(path, tmp_path, {}).failure
    assert failure.startswith("stopped at code cell 2 of 2: Python stopped at once")


def test_ctrl_c_stops_the_run_and_its_kernel(tmp_path):
    started, pid = tmp_path / "started", "import os\nopen('started', 'w').write(str(os.getpid()))"
    path = write_notebook(tmp_path, "01_a", pid, "import time\ntime.sleep(120)")
    code = (
        "import os, signal, threading, time, pathlib\n"
        "from cxrlab.running.execute import execute\n"
        "def interrupt():\n"
        f"    while not pathlib.Path({str(started)!r}).exists(): time.sleep(0.1)\n"
        "    time.sleep(0.5); os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt, daemon=True).start()\n"
        "try:\n"
        f"    execute(pathlib.Path({str(path)!r}), pathlib.Path({str(tmp_path)!r}), {{}})\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "stopped", done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_refreshing_twice_gives_the_same_bytes(tmp_path):
    workspace = "import os\nprint(os.environ['CXRLAB_WORKSPACE'] + '/model')"
    cells = ["# A", workspace, FIGURE, "import ipywidgets\nipywidgets.IntSlider()"]
    path = write_notebook(tmp_path, "01_a", *cells, "1", "1")
    notebook = nbformat.read(path, 4)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.1"}
    notebook.cells[1].metadata = {"collapsed": True, "tags": ["keep"]}
    nbformat.write(notebook, path)
    console = Console(file=StringIO())
    refresh.refresh(path, tmp_path / "workspace", "smoke", console)
    first = path.read_bytes()
    refresh.refresh(path, tmp_path / "workspace", "smoke", console)
    assert path.read_bytes() == first
    stored = json.loads(first)
    assert stored["metadata"] == refresh.METADATA
    assert "cxrlab-workspace/model" in first.decode()
    assert stored["cells"][1]["metadata"] == {"tags": ["keep"]}
    assert WIDGET_NOTE in first.decode() and WIDGET_VIEW not in first.decode()
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4, 5]
    assert len({cell["id"] for cell in stored["cells"]}) == len(stored["cells"])
    assert first.endswith(b"}\n")


def test_a_progress_bar_of_keras_is_stored_as_it_ends_without_its_clock():
    bar = "\r\x1b[1m{}/2\x1b[0m \x1b[32m━━━━\x1b[0m \x1b[1m{}\x1b[0m - accuracy: 0.5 - loss: {}"
    shown = bar.format(1, "1:02 314ms/step", 3.1) + "\x08" * 9 + bar.format(2, "4s 31ms/step", 2.9)
    text = f"Epoch 1/2\n{shown}\nEpoch 2/2\n{shown}\nDone in 3s\n"
    expected = "2/2 ━━━━ accuracy: 0.5 - loss: 2.9"
    assert refresh.without_clock(text) == (
        f"Epoch 1/2\n{expected}\nEpoch 2/2\n{expected}\nDone in 3s\n"
    )


def test_clocks_of_a_search_and_tensorflows_opening_lines_are_not_stored():
    said = "Trial 4 Complete [00h 00m 21s]\nval_loss: 0.5\nTotal elapsed time: 00h 01m 20s\n"
    opening = "WARNING: All log messages before absl::InitializeLog() is called ...\n"
    opening += "I0000 00:00:17.5 4365 port.cc:153] oneDNN custom operations are on.\n"
    streams = {"stderr": opening, "stdout": said}
    outputs = [nbformat.v4.new_output("stream", name=n, text=t) for n, t in streams.items()]
    outputs.append(nbformat.v4.new_output("stream", name="stderr", text=opening + "E0000 cuInit\n"))
    cell = nbformat.v4.new_code_cell("search()", outputs=outputs)
    refresh.normalise(nbformat.v4.new_notebook(cells=[cell]), {})
    texts = [output.text for output in cell.outputs]
    assert texts == ["Trial 4 Complete\nval_loss: 0.5\n", "E0000 cuInit\n"]


def test_a_stored_quiz_shows_its_questions_and_no_note_beside_each():
    widget = nbformat.v4.new_output("display_data", {WIDGET_VIEW: {}, "text/plain": "Box()"})
    question = nbformat.v4.new_output("display_data", {"text/markdown": "Which?"})
    quiz = nbformat.v4.new_code_cell("quiz.show()", outputs=[question, widget, question, widget])
    without_widgets(nbformat.v4.new_notebook(cells=[quiz]))
    assert quiz.outputs == [question, question]


@pytest.mark.parametrize("cell", ["print('/home/ann/xrays')", "raise ValueError"])
def test_refreshing_refuses_what_only_one_machine_shows(tmp_path, cell):
    path = write_notebook(tmp_path, "01_a", "# A", cell)
    before = path.read_bytes()
    with pytest.raises(CXRLabError, match="unchanged"):
        refresh.refresh(path, tmp_path / "workspace", "smoke", Console(file=StringIO()))
    assert path.read_bytes() == before
