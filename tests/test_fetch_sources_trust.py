"""``cxrlab data fetch`` trusts no table, no archive and no choice of the reader's."""

from __future__ import annotations

import pytest
from upstream import images_in, quiet

from cxrlab.errors import CXRLabError
from cxrlab.sources import covid
from cxrlab.sources.fetch_all import fetch

ROW = "9,,M,50,COVID-19,PA,X-ray,{},{}"


def test_a_table_can_name_no_path_and_no_address(upstream, tmp_path):
    picture = next(
        data for path, data in upstream.files.items() if path.endswith("COVID-00003a.jpg")
    )
    rows = ["patientid,offset,sex,age,finding,view,modality,folder,filename"]
    evil = ["../../evil.png", "/etc/evil.png", "..\\evil.png", "C:evil.png"]
    evil += ["http://127.0.0.1/evil.png", "images/../../evil.png"]
    rows += [ROW.format("images", name) for name in evil]
    rows += [ROW.format("../..", "evil.png"), ROW.format("annotations", "evil.png")]
    odd = "a b?x=1#y%2e é.png"
    rows += [ROW.format("images", odd)]
    upstream.add_repository(covid.NAME, "\n".join(rows).encode(), {odd: picture})
    upstream.broken[upstream.listing(covid.NAME)] = (403, b"")
    folder = tmp_path / "deep" / "x"
    report = fetch("covid", folder, say=(said := []).append)
    assert report.complete, report
    assert images_in(tmp_path) == [f"deep/x/{covid.NAME}/images/{odd}"]
    asked = [path for path in upstream.asked if "metadata.csv" not in path and "api." not in path]
    assert asked == [f"{upstream.raw(covid.NAME)}images/{odd}"]
    assert "8 rows have no file name or an unsafe one" in "\n".join(said)


def test_an_archive_cannot_write_beside_the_folder(upstream, tmp_path):
    fetch("kermany", tmp_path / "x", say=quiet)
    assert not list(tmp_path.rglob("evil*"))
    assert not [name for name in images_in(tmp_path) if "._" in name or "MACOSX" in name]


def test_phantoms_are_not_mixed_with_real_xrays(upstream, phantom_data):
    with pytest.raises(CXRLabError, match="holds phantoms"):
        fetch("covid", phantom_data)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"what": "mimic"}, "cannot be fetched"),
        ({"limit": 0}, "at least 1"),
        ({"what": "covid", "archive": "x.zip"}, "kermany"),
        ({"what": "kermany", "commit": "master"}, "covid"),
    ],
)
def test_a_wrong_choice_is_a_sentence(tmp_path, choices, message):
    with pytest.raises(CXRLabError, match=message):
        fetch(data=tmp_path, **choices)


def test_a_file_in_the_folder_s_place_is_a_sentence(tmp_path):
    (tmp_path / "x").write_text("a file")
    with pytest.raises(CXRLabError, match="Choose a folder"):
        fetch("covid", tmp_path / "x")
