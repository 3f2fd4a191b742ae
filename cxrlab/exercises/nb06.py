"""Exercises and quiz of notebook 06: did it learn disease or data source?"""

from __future__ import annotations

from typing import Any

from cxrlab.exercises import Exercise
from cxrlab.exercises import toy_sources as toy
from cxrlab.exercises.about_sources import (
    hides_boxes,
    is_adults_called,
    makes_frames,
    names_set,
    names_verdicts,
)
from cxrlab.exercises.quiz06 import quiz
from cxrlab.exercises.toy_sources import claim, fifty_people, four_networks

__all__ = [
    "adults_called",
    "claim",
    "fifty_people",
    "four_networks",
    "frame_mask",
    "hidden_boxes",
    "missing_controls",
    "quiz",
    "what_it_reads",
]


def _check_frame(answer: Any) -> str:
    makes_frames("frame_mask", answer)
    return "With `picture[frame_mask(32, 3)]` you have the inputs of the frame probe."


def _check_verdicts(answer: Any) -> str:
    names_verdicts("verdicts", answer)
    return "C is the one that is most often published: the lungs are needed, and nobody asked why."


def _check_boxes(answer: Any) -> None:
    hides_boxes("hide_boxes", answer)


def _check_adults(answer: Any) -> str:
    is_adults_called("share_of_adults", answer, toy.fifty_people())
    return "Against children alone the specificity of this network is 0.95, and nobody noticed."


def _check_controls(answer: Any) -> str:
    names_set("missing", answer, toy.MISSING, toy.CONTROLS, lambda letter: toy.CONTROLS[letter][2])
    return "Each of the three could have come out against the claim. That makes it a control."


frame_mask = Exercise(
    key="06.frame",
    title="A mask of the frame",
    variable="frame_mask",
    judge_answer=_check_frame,
    hints=(
        "Begin with everything marked, and take the middle out.",
        "`mask = np.ones((size, size), bool)` marks everything. Which slice is the middle?",
        "`mask[width:-width, width:-width] = False`, then `return mask`.",
    ),
    answer="""
        def frame_mask(size, width):
            mask = np.ones((size, size), bool)
            mask[width:-width, width:-width] = False
            return mask
    """,
)

what_it_reads = Exercise(
    key="06.verdicts",
    title="Source, disease, or open",
    variable="verdicts",
    judge_answer=_check_verdicts,
    hints=(
        "For each network: which experiment could have shown the source, and what did it show?",
        "An interval that includes 0.5 and 0.9 shows nothing. An experiment that was not done "
        "shows nothing either.",
        "Two of the four are open, for two different reasons.",
    ),
    answer="""
        verdicts = {"A": "source", "B": "disease", "C": "open", "D": "open"}
    """,
)

hidden_boxes = Exercise(
    key="06.boxes",
    title="Hide boxes in an X-ray",
    variable="hide_boxes",
    judge_answer=_check_boxes,
    hints=(
        "The picture that you are given must stay as it is: work on a copy.",
        "A box is `top, bottom, left, right`; go through them with "
        "`for top, bottom, left, right in boxes:`.",
        "`hidden[top:bottom, left:right] = grey` fills a box; return after the loop.",
    ),
    answer="""
        def hide_boxes(picture, boxes, grey):
            hidden = picture.copy()
            for top, bottom, left, right in boxes:
                hidden[top:bottom, left:right] = grey
            return hidden
    """,
)

adults_called = Exercise(
    key="06.adults",
    title="How many healthy adults are called positive",
    variable="share_of_adults",
    judge_answer=_check_adults,
    hints=(
        "Of whom is this a share? Keep their rows first.",
        '`people[people["group"] == "adult"]` keeps the adults.',
        "The mean of a column of True and False is the share of True.",
    ),
    answer="""
        people = nb06.fifty_people()
        share_of_adults = people.loc[people["group"] == "adult", "called"].mean()
    """,
    imports="from cxrlab.exercises import nb06\n",
)

missing_controls = Exercise(
    key="06.controls",
    title="Which controls are missing",
    variable="missing",
    judge_answer=_check_controls,
    hints=(
        "Strike out what they did, and what asks no question about this network.",
        "A control is an experiment that could come out against the claim. Which are left?",
        "Three are left: one about hospitals with the disease, one about healthy strangers, and "
        "one about the maps.",
    ),
    answer="""
        missing = {"b", "d", "f"}
    """,
)
