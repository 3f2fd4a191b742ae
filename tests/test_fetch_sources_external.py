"""The external sources, fetched from a made upstream, as catalogs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from upstream import quiet

from cxrlab import sources
from cxrlab.catalog.schema import COLUMNS
from cxrlab.data_status import describe
from cxrlab.errors import CXRLabError
from cxrlab.sources import actualmed, covid, figure1
from cxrlab.sources.fetch_all import fetch


def test_external_sets_are_catalogs(upstream, tmp_path):
    fetch("external", tmp_path, say=quiet)
    table = sources.load_external(tmp_path)
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert table["license"].notna().all()
    figure = table[table["source"] == figure1.NAME].set_index("image_id")
    pair = figure.loc[[f"{figure1.NAME}/COVID-00003a.jpg", f"{figure1.NAME}/COVID-00003b.png"]]
    assert set(pair["patient_id"]) == {f"{figure1.NAME}/COVID-00003"}
    assert pair["path"].map(lambda path: Path(path).is_file()).all()
    assert "–" in pair["notes"].iloc[1]  # the table is not UTF-8
    ours = table[table["source"] == actualmed.NAME]
    assert ours["finding"].fillna("").tolist() == ["COVID-19", "", "No finding"]
    # The inconclusive one, and pneumonia, have not travelled.
    assert not Path(ours["path"].iloc[1]).is_file()
    assert pd.isna(figure["age"].iloc[2])  # 50+
    assert len(describe(tmp_path).sources) == 5


def test_a_patient_number_of_figure_1_cannot_leave_the_folder(tmp_path):
    folder = tmp_path / figure1.NAME
    (folder / "images").mkdir(parents=True)
    (folder / "metadata.csv").write_text(
        "patientid,finding,view,modality\n../../x,COVID-19,PA,X-ray\n,COVID-19,PA,X-ray\n"
    )
    table = figure1.load(folder)
    assert table["path"].isna().all()
    assert table["problem"].tolist() == [covid.UNSAFE, covid.UNNAMED]


def test_no_external_set_is_a_sentence(tmp_path):
    with pytest.raises(CXRLabError, match="data fetch external"):
        sources.load_external(tmp_path)
