"""The exercises of notebook 02: filters that hold, patients counted, a leak found and mended."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxrlab.catalog.filters import is_covid19
from cxrlab.exercises import Exercise, Option, Question, Quiz, Wrong
from cxrlab.exercises.about_splits import leaking_patients, named_patients
from cxrlab.exercises.about_splits import repaired as is_repaired
from cxrlab.exercises.about_tables import filtered, not_silent
from cxrlab.exercises.engine import described
from cxrlab.exercises.expect import called
from cxrlab.exercises.toy_tables import VISITS, leaking_split, strangers, two_copies, visits


def check_pa(answer: Any) -> str:
    table = strangers()
    keep = table["view"].str.strip().str.upper().eq("PA").fillna(False).astype(bool)
    filtered(
        "pa_rows",
        answer,
        table,
        keep,
        "view",
        if_missing="They mean PA, too: take off the spaces (`.str.strip()`) and make all letters "
        "large (`.str.upper()`) before you compare.",
        if_extra="Compare the whole value with `==`: `.str.contains` also finds a PA inside of "
        "other words.",
    )
    return "Four rows, under their own names, and the one without a view is not among them."


def check_covid_rows(function: Any) -> str:
    copies = two_copies()
    found = {name: called("covid_rows", function, table.copy()) for name, table in copies.items()}
    not_silent("covid_rows", found)
    for name, table in copies.items():
        rows = found[name]
        filtered(
            "covid_rows(...)",
            rows,
            table,
            is_covid19(table["finding"]),
            "finding",
            if_missing=f"That is in the {name} copy: a finding may name a second one after a "
            "comma, or stand at the end of a path.",
            if_extra=f"That is in the {name} copy, and it is not COVID-19.",
        )
    return "Both spellings, and the row without a finding stays out."


def check_patients_with_several(function: Any) -> str:
    table = visits(VISITS)
    count = called("patients_with_several", function, table)
    if isinstance(count, pd.Series | pd.DataFrame | list | dict):
        raise Wrong(
            f"`patients_with_several` returns {described(count)}. Return how many there are: one "
            "number."
        )
    counts = table["patient_id"].value_counts()
    mistakes = {
        int(counts[counts > 1].sum()): "That counts the images of these patients, not the "
        "patients.",
        len(counts): "That counts all patients, those with a single image as well.",
        int(table["patient_id"].duplicated().sum()): "That counts the images after each patient's "
        "first (`duplicated` marks them), not the patients.",
        int(counts.max()): "That is the largest number of images of one patient.",
        len(table): "That is the number of all images.",
        int((counts == 1).sum()): "That counts the patients with one image: the others are asked "
        "for.",
        int((counts > 2).sum()): "Two images are several, too: use `> 1`.",
    }
    expected = int((counts > 1).sum())
    if count != expected:
        advice = mistakes.get(count, "Count the images of each patient first.")
        raise Wrong(
            f"`patients_with_several` returns {count} for a table with "
            f"{', '.join(f'{n} of {name}' for name, n in VISITS.items())}, "
            f"but should return {expected}. {advice}"
        )
    other = called("patients_with_several", function, visits({"A": 1, "B": 1}))
    if other != 0:
        raise Wrong(
            f"`patients_with_several` returns {described(other)} for a table in which nobody has "
            "two images, but should return 0. Compute it from the table that it gets."
        )
    return "Now try it on `candidates` and compare with the audit above."


def check_leaked(answer: Any) -> str:
    named_patients("leaked", answer, leaking_split())
    count = len(leaking_patients(leaking_split()))
    return f"{count} patients, and only one of them would have shown between training and test."


def check_repaired(answer: Any) -> str:
    is_repaired("repaired", answer, leaking_split())
    return "Nobody is in two parts, nothing is lost, both classes are in each."


view_filter = Exercise(
    key="02.view",
    title="Keep the PA rows",
    variable="pa_rows",
    judge_answer=check_pa,
    hints=(
        'A filter is a condition in square brackets: `rows[rows["modality"] == "X-ray"]`.',
        "Three rows mean PA and are written otherwise or with a space. Text columns have "
        "`.str.strip()` and `.str.upper()`; they can be chained.",
        'Compare the tidied column with `== "PA"` inside the brackets, and leave `rows` as it is.',
    ),
    answer='pa_rows = rows[rows["view"].str.strip().str.upper() == "PA"]',
)

two_spellings = Exercise(
    key="02.spellings",
    title="A filter for both spellings",
    variable="covid_rows",
    judge_answer=check_covid_rows,
    hints=(
        "What do `COVID-19`, `COVID-19, ARDS` and `Pneumonia/Viral/COVID-19` have in common?",
        "`.str.contains(...)` looks for a piece of text in every value of a column; its argument "
        "`na=False` says what a missing value counts as.",
    ),
    answer="""
        def covid_rows(table):
            return table[table["finding"].str.contains("COVID-19", na=False)]
    """,
)

several_images = Exercise(
    key="02.patients",
    title="Patients with several images",
    variable="patients_with_several",
    judge_answer=check_patients_with_several,
    hints=(
        "One row is one image. How many rows has each patient? `value_counts()` on the column "
        "`patient_id` knows.",
        "Compare the counts with 1: True counts as 1 in a sum.",
    ),
    answer="""
        def patients_with_several(table):
            images = table["patient_id"].value_counts()
            return int((images > 1).sum())
    """,
)

find_the_leak = Exercise(
    key="02.leak",
    title="Find the leak",
    variable="leaked",
    judge_answer=check_leaked,
    hints=(
        'A patient leaks who is in two tables. `set(suspects.train["patient_id"])` holds the '
        "patients of one of them.",
        "`a & b` is what two sets have in common. There are three pairs of tables: training and "
        "test, training and validation, validation and test.",
    ),
    answer="""
        train, validation, test = (
            set(table["patient_id"]) for table in nb02.leaking_split().parts().values()
        )
        leaked = (train & test) | (train & validation) | (validation & test)
    """,
)

repair_the_split = Exercise(
    key="02.repair",
    title="Repair the split",
    variable="repaired",
    judge_answer=check_repaired,
    hints=(
        "Two ways lead there: move the strays' images to where the rest of that patient is, or "
        "put all rows into one table and split it anew.",
        "`pd.concat(suspects.parts().values(), ignore_index=True)` is the one table.",
        "`split_by_patient(table)` from `cxrlab.splits` draws whole patients.",
    ),
    answer="""
        from cxrlab.splits import split_by_patient

        everything = pd.concat(nb02.leaking_split().parts().values(), ignore_index=True)
        repaired = split_by_patient(everything, seed=0)
    """,
)

quiz = Quiz(
    (
        Question(
            "02.quiz1",
            "A filter on a fresh copy of the table keeps no row at all and raises no error. What "
            "do you look at first?",
            (
                Option("The network: it may be too small.", "No network has seen a row yet."),
                Option(
                    "How the column spells what I compare with.",
                    "`value_counts()` on the column shows the new spelling at once. The running "
                    "tally shows the step at which all were lost.",
                    right=True,
                ),
                Option(
                    "Whether the image files are there.",
                    "A missing file is dropped at a step of its own; a filter on a column of the "
                    "table opens no file.",
                ),
            ),
        ),
        Question(
            "02.quiz2",
            "Why do all images of a patient go to the same part?",
            (
                Option(
                    "So that the parts have equal numbers of patients.",
                    "They do not: the parts differ in size on purpose.",
                ),
                Option(
                    "Because several images of a patient would make the classes unbalanced.",
                    "Balance is a matter of counts, and was settled before the split.",
                ),
                Option(
                    "Because a network that knows the patient from training has an easier test.",
                    "The test would then measure memory in part, and promise too much for the "
                    "next patient, whom nobody has seen.",
                    right=True,
                ),
            ),
        ),
        Question(
            "02.quiz3",
            "After our filters every positive is PA and every negative AP. What follows?",
            (
                Option(
                    "A high score may come from the view, and the test set cannot tell.",
                    "The test set has the same flaw as the training set. It takes other data, or "
                    "an experiment, to tell the two apart.",
                    right=True,
                ),
                Option(
                    "Nothing: view is a column of the table, and the network sees only pixels.",
                    "The view shows in the pixels: heart size, shoulder blades, the frame.",
                ),
                Option(
                    "We must filter the negatives by PA, too.",
                    "None would be left: this source has no PA X-rays. Other negatives would be "
                    "needed.",
                ),
            ),
        ),
        Question(
            "02.quiz4",
            "An image in the collection has a blank licence. May you put it into your own public "
            "repository?",
            (
                Option(
                    "Yes: what has no licence belongs to everybody.",
                    "It is the other way round: without a licence all rights stay with the author.",
                ),
                Option(
                    "Yes, if I name the collection it came from.",
                    "Naming a source is good manners, but gives no right to copy.",
                ),
                Option(
                    "No. I can name it, and the reader fetches it where I did.",
                    "That is what the manifest is for: it names images and holds none.",
                    right=True,
                ),
            ),
        ),
        Question(
            "02.quiz5",
            "Two X-rays of different patients have perceptual hashes that differ in 40 of 256 "
            "bits. What do you do?",
            (
                Option(
                    "Delete one: they are the same picture.",
                    "They may be, or only look alike. A hash raises a suspicion and proves "
                    "nothing.",
                ),
                Option(
                    "Keep both, on the same side of the split.",
                    "If they are the same picture nothing leaks, and if they are not nothing is "
                    "lost.",
                    right=True,
                ),
                Option(
                    "Nothing: the files differ, so they are different pictures.",
                    "A picture saved again has other bytes and shows the same chest.",
                ),
            ),
        ),
    )
)
