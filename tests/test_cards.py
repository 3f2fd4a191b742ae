"""Model cards are made of what a run holds, and say what it does not hold."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxrlab import cards, runs
from cxrlab.budgets import Budget
from cxrlab.cards.blocks import Card, Link, Rows, Section, Text, make_card
from cxrlab.cards.facts import count_weights, read_run
from cxrlab.cards.provenance import SOURCES, provenance_page
from cxrlab.cards.reporting import ANSWERED, ITEMS, OPEN, PARTLY
from cxrlab.errors import CXRLabError
from cxrlab.evaluation import external_report
from cxrlab.files import read_json, write_json
from cxrlab.sources import EXTERNAL
from cxrlab.sources import SOURCES as FOLDERS

DATA_PAGE = Path(__file__).resolve().parent.parent / "docs" / "data.md"
BUDGET = Budget("class", 16, 1, 1, 2, 1, 1, 100)


def toy_cases(seed: int = 0) -> pd.DataFrame:
    """60 positives of 30 patients and 40 children, with scores that part them mostly."""
    rng = np.random.default_rng(seed)
    ill = pd.DataFrame({"n": np.arange(60)})
    ill["image_id"] = "covid-chestxray-dataset/" + ill["n"].astype(str) + ".png"
    ill["patient_id"] = "covid-chestxray-dataset/" + (ill["n"] // 2).astype(str)
    ill = ill.assign(source="covid-chestxray-dataset", sex="F", age=50.0, view="PA", label=1)
    ill.loc[ill["n"] >= 40, ["sex", "age"]] = [None, np.nan]
    well = pd.DataFrame({"n": np.arange(40)})
    well["image_id"] = "chest_xray/" + well["n"].astype(str) + ".png"
    well["patient_id"] = well["image_id"]
    well = well.assign(source="chest_xray", sex=None, age=np.nan, view="AP", label=0)
    cases = pd.concat([ill, well], ignore_index=True).drop(columns="n")
    cases["score"] = np.clip(rng.normal(0.3 + 0.4 * cases["label"], 0.2), 0, 1)
    return cases


def make_run(folder: Path, **settings) -> Path:
    """A finished run without a network: all that a card needs."""
    known = {"command": "train", "seed": 0, "simulated": False, "folds": 0}
    runs.claim(folder, {**known, **settings})
    cases = toy_cases()
    parts = np.resize(["train", "train", "validation", "test"], cases["patient_id"].nunique())
    part = dict(zip(cases["patient_id"].unique(), parts, strict=True))
    split = cases[["image_id", "patient_id", "label"]]
    runs.write_table(split.assign(part=split["patient_id"].map(part)), folder / "split.csv")
    runs.finish(folder, cases, 0.5, "validation", BUDGET, 0)
    return folder


@pytest.fixture
def run(tmp_path) -> Path:
    return make_run(tmp_path / "run")


def section(card: Card, heading: str) -> str:
    """The Markdown under a heading of a card."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", card.markdown, re.M | re.S)
    assert found, heading
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, heads included and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and ":--" not in line]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def status_of(card: Card, topic: str) -> str:
    return next(row[2] for row in rows(section(card, "Reporting items")) if row[0] == topic)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_metrics_are_those_of_the_run(run):
    content = read_json(run / "metrics.json")
    shown = {row[0]: row[1:] for row in rows(section(cards.model_card(run), "Metrics"))}
    for name, words in [("recall", "recall"), ("roc_auc", "ROC AUC"), ("f1", "F1")]:
        low, high = content[name]["interval"]
        assert shown[words] == [f"{content[name]['value']:.3f}", f"{low:.3f} to {high:.3f}"]
    assert shown["COVID-19"] == [f"{content['tp']} (true positives)", f"{content['fn']} (missed)"]


def test_the_counts_of_the_parts_and_the_digest_are_those_of_the_split(run):
    text = section(cards.model_card(run), "Data")
    split = pd.read_csv(run / "split.csv")
    test = split[(split["part"] == "test") & (split["label"] == 1)]
    counts = [str(len(test)), str(test["patient_id"].nunique())]
    assert ["test", "COVID-19", "covid-chestxray-dataset", *counts] in rows(text)
    digest = hashlib.sha256((run / "split.csv").read_bytes()).hexdigest()
    assert ["split.csv", digest] in rows(text)
    assert SOURCES["chest_xray"].licence in text
    assert SOURCES["nih-no-finding"].title not in text


def test_a_run_on_phantoms_says_so_loudly(tmp_path):
    card = cards.model_card(make_run(tmp_path / "run", simulated=True, confounding=1.0))
    assert "> **SIMULATED" in card.markdown
    assert "dial at 1" in card.markdown
    loud = re.findall(r'<p class="loud">(.*?)</p>', card.html, re.S)
    assert any("SIMULATED" in words for words in loud)
    assert SOURCES["phantoms"].title in section(card, "Data")
    assert "github.com/ieee8023" not in card.markdown


def test_real_and_unsaid_are_told_apart(tmp_path):
    real = cards.model_card(make_run(tmp_path / "real"))
    unsaid = cards.model_card(make_run(tmp_path / "unsaid", simulated=None))
    assert "SIMULATED" not in real.markdown + unsaid.markdown
    sentence = "does not say whether its X-rays are real or simulated"
    assert sentence not in real.markdown
    assert sentence in unsaid.markdown


@pytest.mark.parametrize("simulated", [True, False])
def test_every_card_says_that_it_is_not_for_medical_use(tmp_path, simulated):
    card = cards.model_card(make_run(tmp_path / "run", simulated=simulated))
    assert "Not for medical use" in card.markdown
    assert "Not for medical use" in card.html


def test_the_smoke_budget_is_called_meaningless(tmp_path):
    card = cards.model_card(make_run(tmp_path / "run", budget={"name": "smoke", "images": 48}))
    assert "these numbers mean nothing" in card.markdown
    assert "at most 48 X-rays" in card.markdown


def test_subgroups_are_silent_where_small_or_unstated(run):
    table = {tuple(row[:2]): row[4:] for row in rows(section(cards.model_card(run), "Subgroups"))}
    assert re.fullmatch(r"\d\.\d\d \(.+ to .+\)", table["sex", "F"][0])
    assert table["sex", "F"][1] == "too few"  # there are no healthy women
    assert table["sex", "not stated"] == ["not stated", "not stated"]


def test_the_status_of_an_item_follows_the_run(run):
    card = cards.model_card(run)
    assert status_of(card, "Performance on data from elsewhere") == OPEN
    assert "It has not been tested on X-rays from anywhere else" in section(card, "Limits")
    report = external_report(toy_cases(1), 0.5, name="Hospital B", resamples=50)
    write_json(run / "external.json", report.to_json())
    card = cards.model_card(run)
    assert status_of(card, "Performance on data from elsewhere") == PARTLY
    assert "Hospital B" in section(card, "Other cases")
    write_json(run / "external.json", report.to_json() | {"threshold": 0.4})
    card = cards.model_card(run)  # another threshold: not this run's frozen one
    assert status_of(card, "Performance on data from elsewhere") == OPEN


def test_shortcuts_are_open_in_part_or_answered(run):
    topic = "What the network looks at: checks against shortcuts"
    (run / "by_source.csv").unlink()
    card = cards.model_card(run)
    assert status_of(card, topic) == OPEN
    assert "Not examined in this run" in section(card, "Shortcuts")

    scored = toy_cases()
    hidden = scored.assign(frame_only=scored["score"], lungs_hidden=0.5)
    runs.finish(run, hidden, 0.5, "validation", BUDGET, 0)
    card = cards.model_card(run)
    assert status_of(card, topic) == PARTLY  # no healthy adults
    assert "healthy adults ill was not tested" in section(card, "Limits")
    shown = {row[0]: row[1] for row in rows(section(card, "Shortcuts"))}
    assert shown["the lungs are filled in"] == "0.500"
    auc = read_json(run / "metrics.json")["roc_auc"]["value"]
    assert shown["only the outer tenth of the X-ray is left"] == f"{auc:.3f}"

    adults = scored[scored["label"] == 0].assign(source="nih-no-finding")
    for name in ("image_id", "patient_id"):
        adults[name] = "nih-no-finding/" + adults[name]
    more = pd.concat([scored, adults]).assign(frame_only=0.5, lungs_hidden=0.5)
    runs.finish(run, more, 0.5, "validation", BUDGET, 0)
    card = cards.model_card(run)
    assert status_of(card, topic) == ANSWERED
    assert "was not tested" not in section(card, "Limits")


def test_different_sources_of_the_classes_are_a_limit_unless_phantoms_look_alike(tmp_path):
    sentence = "Positives and negatives come from different sources"
    for name, settings, said in [
        ("real", {"simulated": False}, True),
        ("alike", {"simulated": True, "confounding": 0.0}, False),
        ("confounded", {"simulated": True, "confounding": 1.0}, True),
    ]:
        card = cards.model_card(make_run(tmp_path / name, **settings))
        assert (sentence in card.markdown) is said, name


def test_folds_are_pooled_and_have_a_digest_each(tmp_path):
    run = make_run(tmp_path / "run", folds=2)
    for number in (1, 2):
        runs.write_table(pd.DataFrame({"fold": [number]}), run / f"fold-{number}" / "split.csv")
    card = cards.model_card(run)
    assert "2 folds by patient" in section(card, "Metrics")
    files = [row[0] for row in rows(section(card, "Data"))]
    assert {"split.csv", "fold-1/split.csv", "fold-2/split.csv"} <= set(files)
    assert "one a fold" in section(card, "Calibration")


def test_a_search_names_the_settings_that_it_chose(tmp_path):
    run = make_run(tmp_path / "run", command="tune", tuner="random")
    board = {"rank": [1, 2], "dense_units": [128, 64], "dropout_1": [0.2, 0.5],
             "learning_rate": [1e-4, 1e-3], "val_loss": [0.1, 0.2]}  # fmt: skip
    runs.write_table(pd.DataFrame(board), run / "leaderboard.csv")
    history = {"epoch": [1, 2, 3], "loss": [0.6, 0.4, 0.3], "val_loss": [0.5, 0.35, 0.4]}
    runs.write_table(pd.DataFrame(history), run / "history.csv")
    text = section(cards.model_card(run), "Training")
    assert "best of 2 tried settings" in text
    assert "dense units 128, dropout 1 0.2, learning rate 0.0001" in text.replace("\\_", "_")
    assert "3 epochs; the weights are those of epoch 2" in text


def test_an_unfinished_run_is_a_plain_message_and_nothing_is_written(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(CXRLabError, match="holds no finished run"):
        cards.write_model_card(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_damaged_run_is_a_plain_message(run):
    (run / "predictions.csv").unlink()
    with pytest.raises(CXRLabError, match="holds no predictions.csv"):
        cards.model_card(run)


def test_what_looks_like_markup_in_a_file_is_shown_as_it_stands(tmp_path):
    nasty = '<script>alert("x")</script> | **bold** [a](b) `c`'
    card = cards.model_card(make_run(tmp_path / "run", note=nasty))
    page = Page(card.html)
    assert "script" not in {tag for tag, _ in page.tags}
    assert nasty in page.text
    row = next(row for row in rows(card.markdown) if row[0] == "note")
    assert len(row) == 2  # its bar opens no further cell
    assert "<script>" not in re.sub(r"\\<", "", card.markdown)


def test_every_row_of_a_table_has_as_many_cells_as_its_head(run):
    for block in re.findall(r"(?:^\|.*\n)+", cards.model_card(run).markdown, re.M):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_the_page_fetches_nothing(run):
    page = Page(cards.model_card(run).html)
    for tag, attrs in page.tags:
        assert "src" not in attrs
        assert tag in {"a", "link"} or "href" not in attrs
        if tag == "link":
            assert attrs["href"] == "data:,"
    assert "url(" not in cards.model_card(run).html


def test_the_files_are_written_beside_the_run_or_where_asked(run, tmp_path):
    files = cards.write_model_card(run)
    assert [file.name for file in files] == ["model-card.md", "model-card.html"]
    assert files[0].read_text(encoding="utf-8") == cards.model_card(run).markdown
    other = cards.write_model_card(run, tmp_path / "elsewhere")
    assert other[1].read_bytes() == files[1].read_bytes()


def test_a_card_needs_no_tensorflow(run):
    code = (
        "import sys; from cxrlab.cards import model_card\n"
        f"model_card({str(run)!r}); print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_weights_are_counted_without_seeds_and_optimiser():
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        weights["layers/dense/vars/0"] = np.zeros((3, 4))
        weights["layers/dense/vars/1"] = np.zeros(4)
        weights["layers/dropout/seed_generator/vars/0"] = np.zeros(2)
        weights["optimizer/vars/0"] = np.zeros(16)
    assert count_weights(file.getvalue()) == 16


def test_a_broken_network_file_leaves_the_rest_of_the_card(run):
    with zipfile.ZipFile(run / "model.keras", "w") as archive:
        archive.writestr("config.json", "no JSON")
    assert read_run(run).network is None
    topic = "The network in enough detail to build it again"
    assert status_of(cards.model_card(run), topic) == OPEN


def test_the_reporting_table_says_that_it_is_no_full_checklist(run):
    text = section(cards.model_card(run), "Reporting items")
    assert "neither full checklist" in text
    table = rows(text)[1:]
    assert len(table) == len(ITEMS)
    assert {row[1] for row in table} == {"both", "CLAIM 2024", "TRIPOD+AI"}
    assert {row[2] for row in table} <= {ANSWERED, PARTLY, OPEN}
    assert all(row[3] for row in table)


def test_inline_links_have_both_forms():
    card = make_card("T", [Text(("see ", Link("a_b", "https://x.org"), " now"))], [])
    assert "see [a\\_b](https://x.org) now" in card.markdown
    assert 'see <a href="https://x.org">a_b</a> now' in card.html
    table = make_card("T", [], [Section("S", [Rows(("a", "b"), [("1", "2")], ("b",))])])
    assert "| :-- | --: |" in table.markdown
    assert '<td class="figure">2</td>' in table.html


def test_the_page_on_the_data_is_what_the_facts_render():
    assert DATA_PAGE.read_text(encoding="utf-8") == provenance_page(), (
        "python -m cxrlab.cards writes docs/data.md anew"
    )


def test_every_source_of_the_course_has_its_card():
    assert set(SOURCES) == {*FOLDERS, *EXTERNAL, "phantoms"}
    for source in SOURCES:
        card = cards.provenance_card(source)
        assert "Licence" in card.markdown
        assert "Known pitfalls" in card.html
    with pytest.raises(CXRLabError, match="no source called 'mimic'"):
        cards.provenance_card("mimic")
