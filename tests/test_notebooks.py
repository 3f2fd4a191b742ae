"""The notebooks as they are committed: executed, clean, readable, and pointing home."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from test_publish import badges, colab

from cxrlab.publish import repository, stamped
from cxrlab.running.refresh import KEPT, METADATA

TOP = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 25
# Paths and memory addresses, which only one machine has.
PRIVATE = re.compile(
    r"(?:/home/|/Users/|/root/|/work/|/tmp/|/var/folders/|[A-Z]:\\\\?Users\\)\S*"
    r"|\b0x[0-9a-f]{6,}\b"
)
# What a session of 60 to 90 minutes holds.
MOST_CELLS, MOST_WORDS, LONGEST_PASSAGE = 80, 2_700, 120
# What a reader meets in each of them, and can write the next morning.
FIELD_CALLS = {
    "01": """
        pd.crosstab( keras.saving.load_model( .predict( recall_score(
    """,
    "02": """
        pd.read_csv( .value_counts( .groupby( .sample( pd.crosstab( train_test_split(
        StratifiedGroupKFold( KNeighborsClassifier( sns.
    """,
    "03": """
        keras.Sequential( layers.Conv2D( layers.MaxPooling2D( layers.Dropout( model.summary(
        tf.data.Dataset.from_tensor_slices( keras.mixed_precision.set_global_policy(
        model.compile( model.fit( keras.callbacks.EarlyStopping(
        keras.callbacks.ModelCheckpoint( keras.optimizers.schedules.CosineDecay( keras.Model(
        sns.lineplot( .evaluate( .predict(
    """,
    "04": """
        DummyClassifier( accuracy_score( recall_score( precision_score( f1_score(
        zero_division=np.nan metrics.confusion_matrix( metrics.classification_report(
        metrics.precision_recall_curve( metrics.roc_auc_score(
        metrics.ConfusionMatrixDisplay.from_predictions(
        metrics.PrecisionRecallDisplay.from_predictions(
        metrics.RocCurveDisplay.from_predictions( .predict( binomtest(
        .proportion_ci(method="wilson") .nlargest(9 sns.histplot( sns.lineplot(
    """,
    "05": """
        hp.Choice( keras.Sequential( model.compile( keras_tuner.RandomSearch(
        keras_tuner.BayesianOptimization .search_space_summary( tuner.search( .results_summary(
        .get_best_hyperparameters( precision_recall_curve( roc_curve( mcnemar( binomtest(
        sns.lineplot(
    """,
    "06": """
        StandardScaler( LogisticRegression( StratifiedGroupKFold( cross_val_predict(
        model.compile( model.fit( .predict( tf.GradientTape( tape.watch( keras.Sequential(
        keras.models.clone_model( .set_weights( spearmanr( sns.catplot(
    """,
    "07": """
        confusion_matrix( roc_auc_score( OneHotEncoder calibration_curve( brier_score_loss(
        sm.Logit( LogisticRegression( precision_recall_curve( layers.RandomTranslation(
        layers.RandomContrast( .predict( sns.lineplot(
    """,
}


def test_the_notebooks_are_there_and_numbered():
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in range(1, 8)]


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(code):
    return [(cell, output) for cell in code for output in cell.outputs]


def test_it_was_executed_from_top_to_bottom(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell, output in outputs(code):
        if output.output_type == "execute_result":
            assert output.execution_count == cell.execution_count


def test_it_shows_no_error_and_no_warning(code):
    for cell, output in outputs(code):
        assert output.output_type != "error", cell.source
        assert output.get("name") != "stderr", f"{cell.source}\n{output.text}"


def test_every_figure_has_a_text_alternative(code):
    for cell, output in outputs(code):
        shown = output.get("data", {})
        alts = [output.metadata.get(kind, {}).get("alt", "") for kind in shown if "image/" in kind]
        html = BeautifulSoup(shown.get("text/html", ""), "html.parser")
        alts += [image.get("alt", "") for image in html.find_all("img")]
        for alt in alts:
            assert len(alt) > 10, f"no text alternative (plots.show):\n{cell.source}"


def test_no_cell_that_nbval_compares_shows_a_picture(code):
    """Its bytes change with every version of Matplotlib; print the numbers in the next cell."""
    for cell, output in outputs(code):
        if "nbval-check-output" in cell.metadata.get("tags", []):
            assert "<img" not in output.get("data", {}).get("text/html", ""), cell.source


def test_it_says_that_it_is_not_for_medical_use(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "not for medical use" in text.lower()


def test_it_opens_with_its_own_badges_and_links_as_the_setting_says(path, notebook):
    assert badges(path.stem) in notebook.cells[0].source
    assert stamped(path, repository()) == path.read_text(encoding="utf-8")


def test_its_cells_are_short(code):
    for cell in code:
        lines = cell.source.strip().splitlines()
        assert 0 < len(lines) <= LONGEST_CELL, cell.source


def test_a_lesson_fits_into_its_session(notebook):
    text = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert len(notebook.cells) <= MOST_CELLS
    assert sum(len(cell.source.split()) for cell in text) <= MOST_WORDS
    passage, began = 0, False  # what stands before the first code cell is the header
    for cell in notebook.cells:
        passage = passage + len(cell.source.split()) if cell.cell_type == "markdown" else 0
        began = began or cell.cell_type == "code"
        last = cell is notebook.cells[-1]  # further reading
        assert not began or last or passage <= LONGEST_PASSAGE, cell.source


def test_a_lesson_uses_the_fields_own_calls(path, code):
    calls = FIELD_CALLS[path.stem[:2]].split()
    source = "\n".join(cell.source for cell in code)
    assert [call for call in calls if call not in source] == []
    assert "input(" not in source.replace("keras.Input(", "")
    assert sum("my_guess = ..." in cell.source for cell in code) >= 3


def test_it_is_stored_as_make_notebooks_stores_it(path, notebook):
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["metadata"] == METADATA
    assert text.endswith("}\n")
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert all(set(cell.metadata) <= set(KEPT) for cell in notebook.cells)
    assert "application/vnd.jupyter.widget" not in text
    outputs = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert PRIVATE.findall(outputs) == []
    assert len(text) < 3_000_000  # small enough to read on GitHub


def test_the_readme_lists_every_notebook_and_agrees_with_the_setting():
    readme = TOP / "README.md"
    text = readme.read_text(encoding="utf-8")
    home = repository()
    assert stamped(readme, home) == text
    assert f"github.com/{home.path}" in text
    for path in NOTEBOOKS:
        assert f"(notebooks/{path.name})" in text
        assert colab(path.stem) in text
    listed = re.findall(r"\(notebooks/([^)]+)\)", text)
    assert listed == [path.name for path in NOTEBOOKS]
