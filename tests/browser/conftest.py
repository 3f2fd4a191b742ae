"""JupyterLab in a real browser: a server with copies of the notebooks, and a page on it.

``make test-browser`` runs these tests; they need Chromium (CXRLAB_CHROMIUM names it where it is
not on the path).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from accessible import IN_JUPYTERLAB, serious

from cxrlab.running.course import copy_notebooks

TOKEN = "cxrlab-browser-test"
CHROMIUM = os.environ.get("CXRLAB_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# A run of one notebook at the smoke budget on a busy machine.
RUN_SECONDS = 600


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    wanted = os.environ.get("CXRLAB_TEST_BROWSER") == "1"
    skip = pytest.mark.skip(reason="drives a browser: runs with make test-browser")
    for item in items:
        if here in item.path.parents and not wanted:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a JupyterLab whose notebooks run on phantoms at the smoke budget."""
    folder = tmp_path_factory.mktemp("lab")
    copy_notebooks(folder / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "CXRLAB_BUDGET": "smoke",
        "CXRLAB_DATA": "",
        "CXRLAB_WORKSPACE": str(folder / "workspace"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "lab-workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "lab-settings"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"]
    command += [f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}", "--allow-root"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder / 'notebooks'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/api?token={TOKEN}", process, folder / "log")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            pytest.fail(f"JupyterLab stopped:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser():
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    assert CHROMIUM, "no Chromium found: install one, or name it in CXRLAB_CHROMIUM"
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    quiet += ["--no-first-run", "--disable-component-update", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield chromium
        chromium.close()


class Lab:
    """One notebook, open and run to its end."""

    def __init__(self, page) -> None:
        self.page = page

    def run_all(self) -> None:
        """Run every cell and wait until the kernel has nothing left to do."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            """() => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const code = notebook.widgets.filter(
                    cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim());
                return code.every(cell => cell.model.executionCount);
            }""",
            timeout=RUN_SECONDS * 1000,
        )

    def errors(self) -> list[str]:
        """The errors that cells show."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(cell => cell.model.type === 'code')
                .flatMap(cell => cell.model.outputs.toJSON())
                .filter(output => output.output_type === 'error')
                .map(output => output.ename + ': ' + output.evalue)"""
        )

    def notebook(self) -> nbformat.NotebookNode:
        """The notebook as JupyterLab would save it."""
        content = "window.jupyterapp.shell.currentWidget.content"
        saved = self.page.evaluate(f"JSON.stringify({content}.model.toJSON())")
        return nbformat.reads(saved, as_version=4)

    def violations(self, theme: str) -> list[str]:
        """What axe finds serious or critical in texts and outputs under a theme (Light, Dark)."""
        self.page.evaluate(
            """async theme => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                const config = notebook.notebookConfig;  // every cell into the page, not only
                notebook.notebookConfig = {...config, windowingMode: 'none'};  // those in sight
                await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
            }""",
            f"JupyterLab {theme}",
        )
        light = "true" if theme == "Light" else "false"
        chosen = f"body[data-jp-theme-light={light}]"
        self.page.wait_for_selector(chosen, state="attached")
        self.page.wait_for_timeout(1000)  # the theme's colours fade in
        return serious(self.page, *IN_JUPYTERLAB)

    def position(self, words: str) -> int:
        """The place of the code cell with a line that begins with these words."""
        found = self.page.evaluate(
            """words => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(
                cell => cell.model.type === 'code'
                    && ('\\n' + cell.model.sharedModel.source).includes('\\n' + words))""",
            words,
        )
        assert found >= 0, f"no code cell says {words!r}"
        return found

    def output(self, words: str):
        """What the cell with these words in its source shows, scrolled into view."""
        position = self.position(words)
        self.page.evaluate(
            """async position => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = position;
                await notebook.scrollToItem(position, 'start');
            }""",
            position,
        )
        cell = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{position}"]')
        area = cell.locator(".jp-OutputArea-output").first
        area.scroll_into_view_if_needed()
        return cell.locator(".jp-Cell-outputArea")

    def answer(self, words: str, answer: str) -> None:
        """Write an answer above these words of a cell, in place of the dots, and run it."""
        self.page.evaluate(
            """async ([position, words, answer]) => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = position;
                const source = notebook.activeCell.model.sharedModel;
                const check = source.getSource().slice(source.getSource().indexOf(words));
                source.setSource(`${answer}\n\n${check}`);
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            [self.position(words), words, answer],
        )


@pytest.fixture
def open_notebook(server, browser):
    """Opens a notebook by its number and runs it."""
    pages = []

    def opened(number: str) -> Lab:
        from cxrlab.running.course import find_notebooks, select_notebooks

        (path,) = select_notebooks(find_notebooks(), number)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        pages.append(page)
        page.set_default_timeout(120_000)
        page.goto(f"{server}/lab/tree/{path.name}?token={TOKEN}&reset")
        page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext"
            "?.session?.kernel?.status === 'idle'",
            timeout=180_000,
        )
        lab = Lab(page)
        lab.run_all()
        return lab

    yield opened
    for page in pages:  # one kernel at a time
        page.evaluate("window.jupyterapp.shell.currentWidget?.sessionContext.shutdown()")
        page.close()
