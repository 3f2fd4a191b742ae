"""docs/results.md: finished, and its table of repairs the one that notebook 07 replays."""

from __future__ import annotations

from pathlib import Path

from cxrlab import repairs

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "results.md").read_text(encoding="utf-8")


def test_the_page_is_finished():
    assert "@@" not in PAGE
    assert "not for medical use" in PAGE.lower()


def test_the_table_of_repairs_is_the_recorded_one():
    for row in repairs.recorded("real").table.to_dict("records"):
        found = next(line for line in PAGE.splitlines() if line.startswith(f"| {row['repair']} |"))
        if row["note"]:
            assert "skipped" in found
            continue
        for name in ("recall", "children", "adults"):
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            assert f"{row[name]:.2f} ({low:.2f} to {high:.2f})" in found


def test_the_robust_recipe_s_numbers_are_the_recorded_ones():
    row = repairs.recorded("robust").table.iloc[0]
    assert f"{row['recall']:.3f} ({row['recall_low']:.3f} to {row['recall_high']:.3f})" in PAGE
    assert f"{row['adults']:.3f} ({row['adults_low']:.3f} to {row['adults_high']:.3f})" in PAGE
    assert (
        f"With the lungs hidden its AUC against all healthy people is {row['lungs_hidden']:.2f}"
        in (PAGE)
    )
