"""The engine of the exercises: verdicts, hints, the quiz, and the memory of what was solved."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.exercises import (
    Exercise,
    NotAttempted,
    Option,
    Question,
    Quiz,
    State,
    Wrong,
    expect,
    progress,
)
from cxrlab.exercises.engine import holds_dots
from cxrlab.exercises.overview import exercises_by_notebook, overview
from cxrlab.files import workspace_root

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
COURSE = exercises_by_notebook()


def check_half(half):
    half = expect.number("half", half, 0, 1)
    if not expect.close(half, 0.5):
        raise Wrong(f"`half` is {half:g}. Divide 1 by 2.")
    return "One half."


@pytest.fixture
def half():
    return Exercise("99.half", "Half", "half", check_half, ("Divide.", "1 / 2."), "half = 1 / 2")


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (0.5, State.CORRECT, "One half"),
        (0.25, State.WRONG, "Divide 1 by 2"),
        (50, State.WRONG, "percentage"),
        (-1, State.WRONG, "between 0 and 1"),
        ("0,5", State.WRONG, "'0,5'"),
        (True, State.WRONG, "bool"),
        (float("nan"), State.WRONG, "number"),
        (None, State.WRONG, "number"),
        (..., State.UNTOUCHED, "replace the dots in `half`"),
    ],
)
def test_a_verdict_says_what_was_seen(half, answer, state, words):
    verdict = half.judge(answer)
    assert verdict.state is state
    assert words in verdict.message


def test_a_check_that_breaks_is_a_wrong_answer_and_no_traceback(half):
    half.judge_answer = lambda answer: answer.no_such_thing
    verdict = half.judge([1, 2])
    assert verdict.state is State.WRONG
    assert "`half` is a list ([1, 2])" in verdict.message


def test_dots_are_found_inside_containers():
    assert holds_dots([1, (2, {"a": ...})])
    assert not holds_dots([1, (2, {"a": 3})])


def test_a_function_whose_result_is_dots_was_not_attempted(half):
    half.judge_answer = lambda answer: expect.called("half", answer, 1)
    assert half.judge(lambda x: ...).state is State.UNTOUCHED
    assert half.judge(lambda x: 1 / 0).state is State.WRONG
    assert "ZeroDivisionError" in half.judge(lambda x: 1 / 0).message
    with pytest.raises(NotAttempted):
        expect.called("half", lambda: ...)


def test_hints_come_in_stages_and_the_last_one_stays(half, capsys):
    for _ in range(3):
        half.hint()
    said = capsys.readouterr().out.splitlines()
    assert ["Divide." in said[0], "1 / 2." in said[1], "1 / 2." in said[2]] == [True] * 3
    half.solution()
    assert "half = 1 / 2" in capsys.readouterr().out


def test_a_right_answer_is_handed_on_as_it_is(half, capsys):
    answer = 0.5 + 1e-12
    assert half.or_solution(answer) is answer
    assert capsys.readouterr().out == ""
    assert progress.load() == {}


@pytest.mark.parametrize("answer", [..., 0.25, "no number"])
def test_without_a_right_answer_the_solution_takes_its_place(half, answer, capsys):
    assert half.or_solution(answer) == 0.5
    said = "Going on with the course's solution in place of `half`.\n"
    assert capsys.readouterr().out == said


def test_a_solution_may_need_imports_and_give_several_things(half, capsys):
    half.judge_answer, half.variable = lambda answer: answer[2], "half, third"
    half.answer = """
        half = math.sqrt(0.25)
        third = np.float64(1 / 3)
    """
    half.imports = "import math\nimport numpy as np\n"
    assert half.or_solution((..., 1)) == (0.5, pytest.approx(1 / 3))


def test_only_attempts_are_remembered_and_what_was_solved_stays_solved(half, capsys):
    half.check(...)
    assert progress.load() == {}
    for answer in (0.1, 0.5, 0.2):
        half.check(answer)
    assert progress.load() == {"99.half": {"attempts": 3, "solved": True}}
    assert "✓ Correct." in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{", "[]", '{"99.half": 3}', '{"99.half": {}}'])
def test_a_damaged_memory_is_an_empty_one(half, content):
    path = workspace_root() / progress.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert progress.load() == {}
    half.check(0.5)
    assert json.loads(path.read_text())["99.half"]["solved"]


def test_a_workspace_that_cannot_be_written_does_not_stop_a_check(half, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file" / "workspace"))
    half.check(0.5)


@pytest.fixture
def quiz():
    options = (Option("red", "No, that is red."), Option("blue", "Yes, blue.", right=True))
    return Quiz((Question("99.quiz1", "Which?", options), Question("99.quiz2", "And?", options)))


def test_a_question_answers_each_option_in_its_own_words(quiz):
    exercise = quiz.questions[0].exercise
    assert exercise.judge("b").state is State.CORRECT
    assert "that is red" in exercise.judge(" A ").message
    assert "one of the letters a, b" in exercise.judge("c").message
    assert "one of the letters a, b" in exercise.judge(1).message


def test_a_quiz_can_be_answered_without_a_mouse(quiz, capsys):
    quiz.check("b", ...)
    said = capsys.readouterr().out
    assert "Question 1: Correct." in said and "Question 2: Not attempted" in said
    assert list(progress.load()) == ["99.quiz1"]


def test_the_buttons_of_a_quiz_answer(quiz):
    box = quiz._buttons(quiz.questions[0])
    buttons, reply = box.children
    buttons.value = "a"
    assert "that is red" in reply.value
    buttons.value = "b"
    assert "Correct." in reply.value
    assert progress.load()["99.quiz1"] == {"attempts": 2, "solved": True}


def test_a_question_has_one_right_option():
    with pytest.raises(ValueError, match="0 right"):
        Question("99.quiz1", "Which?", (Option("red", "No."), Option("blue", "No.")))


# The course


def test_every_notebook_has_exercises_and_a_quiz():
    assert list(COURSE) == [path.stem[:2] for path in sorted(NOTEBOOKS.glob("0*.ipynb"))]
    for number, exercises in COURSE.items():
        quiz = [e for e in exercises if e.key.startswith(f"{number}.quiz")]
        assert 3 <= len(quiz) <= 6, number
        assert len(exercises) - len(quiz) >= 4, number
        assert len({e.key for e in exercises}) == len(exercises)
        assert all(e.key.startswith(f"{number}.") for e in exercises)
        assert all(len(e.hints) >= 2 for e in exercises)


@pytest.mark.parametrize("number", COURSE)
def test_every_exercise_stands_in_its_notebook_with_hint_and_solution(number):
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    checked = set(re.findall(rf"^nb{number}\.(\w+)\.check\(", code, re.M))
    assert f"nb{number}.quiz.show()" in code
    module = __import__(f"cxrlab.exercises.nb{number}", fromlist=["_"])
    names = {name for name, thing in vars(module).items() if isinstance(thing, Exercise)}
    assert checked == names
    for name in names:
        for way_out in ("hint", "solution"):
            assert f"# nb{number}.{name}.{way_out}()" in code


OWN = [
    exercise
    for number in COURSE
    for exercise in vars(importlib.import_module(f"cxrlab.exercises.nb{number}")).values()
    # Its solution speaks of what the notebook has made before.
    if isinstance(exercise, Exercise) and exercise.key != "04.threshold"
]


@pytest.mark.parametrize("exercise", OWN, ids=lambda exercise: exercise.key)
def test_every_solution_runs_on_its_own_and_is_right(exercise, capsys):
    given = exercise.or_solution(...)
    assert "Going on with the course's solution" in capsys.readouterr().out
    assert exercise.judge(given).state is State.CORRECT


def test_progress_counts_what_was_solved():
    first = next(iter(COURSE.values()))[0]
    progress.remember(first.key, True)
    table = overview().notebooks.set_index("notebook")
    assert table.loc[first.key[:2], "exercises"].startswith("1 of ")
    assert first.title not in overview().next_step
    said = CliRunner().invoke(app, ["progress"])
    assert said.exit_code == 0 and "Solved so far" in said.output
