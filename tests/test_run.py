"""cxrlab run: which notebooks, how they are executed, what the pages and the index show."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from threading import Thread

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
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
import os, pathlib
from cxrlab.files import write_json
line = {"notebook": "01", "label": "Recall on the test set", "value": "0.91",
        "interval": "0.80 to 0.97", "note": "32 of 35 <found>"}
_ = write_json(pathlib.Path(os.environ["CXRLAB_WORKSPACE"]) / "headlines.json", [line])"""


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


def run(folder, out, wanted=None, budget="smoke", data=None):
    """Run the notebooks of ``folder``: those that stopped early, and what was printed."""
    said = StringIO()
    with redirect_stdout(said):
        return run_course(wanted, budget, data, out, folder), said.getvalue()


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
    return (*run(folder, out), folder, out)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, "01 02 03 10"),
        ("03", "03"),
        ("1-2, 10,02-03", "01 02 03 10"),
        ("", "no notebook ''. There are 01, 02, 03, 10."),
        ("03,first", "no notebook 'first'"),
        ("01-05", "no notebook 04, 05"),
        ("3-1", "no notebook '3-1'"),
        ("01-999999999", "no notebook '01-999999999'"),
    ],
)
def test_notebooks_are_chosen_by_number(wanted, chosen, tmp_path):
    for name in ("02_b", "01_a", "10_d", "03_c", "draft"):
        (tmp_path / f"{name}.ipynb").touch()
    found = find_notebooks(tmp_path)
    if "no notebook" in chosen:
        with pytest.raises(CXRLabError, match=chosen):
            select_notebooks(found, wanted)
    else:
        assert " ".join(path.stem[:2] for path in select_notebooks(found, wanted)) == chosen


def test_a_failing_cell_stops_its_notebook_and_no_other(three):
    stopped, said, _, out = three
    assert stopped == ["02_second"]
    assert re.search(r"02_second  0:\d\d  stopped at code cell 2 of 3: KeyError: 'heart'\n", said)
    assert "Traceback" not in said and str(out / "index.html") in said
    second = nbformat.read(out / "notebooks" / "02_second.ipynb", 4)
    assert [cell.execution_count for cell in second.cells[1:]] == [1, 2, None]
    assert "stopped at code cell 2" in (out / "02_second.html").read_text("utf-8")
    assert "went on" in (out / "03_third.html").read_text("utf-8")
    done = nbformat.read(out / "notebooks" / "01_first.ipynb", 4)
    assert done.cells[1].outputs[0].text.split() == ["smoke", sys.executable]


def test_pages_fetch_nothing_and_say_what_they_show(three):
    text = (three[-1] / "01_first.html").read_text("utf-8")
    fetches = r"(?:src|srcset|data)=[\"']?(?!data:)[^\"' >]+|<link[^>]+href=.(?!data:)|<script"
    assert re.findall(fetches, text) == []
    assert "colab-badge.svg" not in text and f'href="{colab("01_first")}"' in text
    for words in (WIDGET_NOTE, "Not for medical use", '<html lang="en">', 'name="viewport"'):
        assert words in text
    page = BeautifulSoup(text, "html.parser")
    assert page.find(alt="One grey <dot>.")
    still = page.find(alt="A dot on a bench.").find_parent(class_="output_html")
    assert "ReLU: yes" in still.get_text() and "Run the notebook yourself" in still.get_text()


def test_pages_have_contents_and_neighbours(three):
    pages = [
        BeautifulSoup((three[-1] / f"{name}.html").read_text("utf-8"), "html.parser")
        for name in ("01_first", "02_second")
    ]
    first, second = ([[a["href"] for a in nav("a")] for nav in page("nav")] for page in pages)
    ways, contents = ["index.html", "02_second.html"], "#A-bench,-and-more"
    assert first == [ways, [contents], ways]
    assert pages[0].find(id=contents[1:]).name == "h2"
    assert second[0] == ["01_first.html", "index.html", "03_third.html"]


def test_the_index_holds_numbers_minutes_and_choices(three):
    out = three[-1]
    index = (out / "index.html").read_text("utf-8")
    for words in ("0.91", "0.80 to 0.97", "32 of 35 &lt;found&gt;", "Can you tell?", "seed: 0"):
        assert words in index
    for words in ("phantoms (simulated X-rays)", "budget: smoke", "stopped at code cell 2"):
        assert words in index
    assert "Not for medical use" in index and "http" not in index
    links = re.findall(r'href="([^"]+\.html)"', index)
    assert links == ["01_first.html", "02_second.html", "03_third.html"]
    assert all((out / link).is_file() for link in links)


def test_a_later_run_of_one_notebook_keeps_the_others(three, tmp_path):
    _, _, folder, out = three
    record = read_json(out / "run.json")
    write_notebook(folder, "03_third", "# Third", "print('anew')")
    run(folder, out, "03")
    after = read_json(out / "run.json")
    assert [entry["name"] for entry in after["notebooks"]] == ["01_first", "02_second", "03_third"]
    assert after["notebooks"][0] == record["notebooks"][0]
    assert "anew" in (out / "03_third.html").read_text("utf-8")
    assert "0.91" in (out / "index.html").read_text("utf-8")


def test_another_budget_starts_a_new_record_and_drops_old_numbers(tmp_path):
    folder, out = tmp_path / "notebooks", tmp_path / "out"
    for name in ("01_a", "02_b"):
        write_notebook(folder, name, "# A", "1")
    run(folder, out)
    numbers = out / "workspace" / "headlines.json"
    line = {"label": "Recall", "value": "0.9", "interval": "", "note": ""}
    write_json(numbers, [{"notebook": name, **line} for name in ("01", "02")])
    run(folder, out, "02", "class")
    assert [entry["name"] for entry in read_json(out / "run.json")["notebooks"]] == ["02_b"]
    assert [line["notebook"] for line in read_json(numbers)] == ["01"]


def test_real_data_is_named_by_its_folder_alone(tmp_path):
    folder, out, data = tmp_path / "notebooks", tmp_path / "out", tmp_path / "my-xrays"
    data.mkdir()
    write_notebook(folder, "01_a", "# A", "import os\nprint(os.environ['CXRLAB_DATA'])")
    run(folder, out, data=data)
    assert str(data) in (out / "notebooks" / "01_a.ipynb").read_text("utf-8")
    index = (out / "index.html").read_text("utf-8")
    assert "real X-rays in my-xrays" in index and str(tmp_path) not in index


def test_a_kernel_that_dies_is_reported_in_plain_words(tmp_path):
    path = write_notebook(tmp_path, "01_a", "1", "import os\nos._exit(9)")
    failure = execute(path, tmp_path, {}).failure
    assert failure.startswith("stopped at code cell 2 of 2: Python stopped at once")


def test_ctrl_c_stops_the_run_and_its_kernel(tmp_path):
    pid = tmp_path / "pid"
    started = f"import os\nopen({str(pid)!r}, 'w').write(str(os.getpid()))"
    path = write_notebook(tmp_path, "01_a", started, "import time\ntime.sleep(120)")

    def interrupt():
        while not (pid.exists() and pid.read_text()):
            time.sleep(0.1)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        execute(path, tmp_path, {})
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_refreshing_twice_gives_the_same_bytes(tmp_path):
    workspace = "import os\nprint(os.environ['CXRLAB_WORKSPACE'] + '/model')"
    cells = ["# A", workspace, FIGURE, "import ipywidgets\nipywidgets.IntSlider()"]
    path = write_notebook(tmp_path, "01_a", *cells, "1", "1")
    notebook = nbformat.read(path, 4)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.1"}
    notebook.cells[1].metadata = {"collapsed": True, "tags": ["keep"]}
    nbformat.write(notebook, path)
    refresh.refresh(path, tmp_path / "workspace", "smoke")
    first = path.read_text("utf-8")
    refresh.refresh(path, tmp_path / "workspace", "smoke")
    assert path.read_text("utf-8") == first
    stored = json.loads(first)
    assert stored["metadata"] == refresh.METADATA
    assert stored["cells"][1]["metadata"] == {"tags": ["keep"]}
    assert "cxrlab-workspace/model" in first and str(tmp_path) not in first
    assert WIDGET_NOTE in first and WIDGET_VIEW not in first
    assert [cell["execution_count"] for cell in stored["cells"][1:]] == [1, 2, 3, 4, 5]
    assert len({cell["id"] for cell in stored["cells"]}) == len(stored["cells"])
    assert first.endswith("}\n")


def test_a_failing_cell_leaves_the_stored_notebook_as_it_was(tmp_path):
    path = write_notebook(tmp_path, "01_a", "# A", "raise ValueError")
    before = path.read_bytes()
    with pytest.raises(CXRLabError, match="unchanged"):
        refresh.refresh(path, tmp_path / "workspace", "smoke")
    assert path.read_bytes() == before


BAR = "\r\x1b[1m{}/2\x1b[0m \x1b[32m━━━━\x1b[0m \x1b[1m{}\x1b[0m - accuracy: 0.5 - loss: {}"
BAR = BAR.format(1, "1:02 314ms/step", 3.1) + "\x08" * 9 + BAR.format(2, "4s 31ms/step", 2.9)
OPENING = "WARNING: All log messages before absl::InitializeLog() is called ...\n"
OPENING += "I0000 00:00:17.5 4365 port.cc:153] oneDNN custom operations are on.\n"


@pytest.mark.parametrize(
    ("printed", "stored"),
    [
        (
            f"Epoch 1/2\n{BAR}\nDone in 3s\n",
            "Epoch 1/2\n2/2 ━━━━ accuracy: 0.5 - loss: 2.9\nDone in 3s\n",
        ),
        (
            "Trial 4 Complete [00h 00m 21s]\nval_loss: 0.5\nTotal elapsed time: 00h 01m 20s\n",
            "Trial 4 Complete\nval_loss: 0.5\n",
        ),
        (OPENING + "E0000 cuInit\n", "E0000 cuInit\n"),
        (OPENING, None),
    ],
    ids=["a progress bar of Keras", "Keras Tuner", "TensorFlow", "nothing else"],
)
def test_clocks_and_opening_lines_are_not_stored(printed, stored):
    output = nbformat.v4.new_output("stream", name="stderr", text=printed)
    cell = nbformat.v4.new_code_cell("search()", outputs=[output])
    refresh.normalise(nbformat.v4.new_notebook(cells=[cell]))
    assert [output.text for output in cell.outputs] == ([stored] if stored else [])


def test_a_stored_quiz_shows_its_questions_and_no_note_beside_each():
    widget = nbformat.v4.new_output("display_data", {WIDGET_VIEW: {}, "text/plain": "Box()"})
    question = nbformat.v4.new_output("display_data", {"text/markdown": "Which?"})
    quiz = nbformat.v4.new_code_cell("quiz.show()", outputs=[question, widget, question, widget])
    without_widgets(nbformat.v4.new_notebook(cells=[quiz]))
    assert quiz.outputs == [question, question]
