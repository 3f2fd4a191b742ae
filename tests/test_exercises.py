"""The engine and the judge of the exercises, the quiz, and what holds for every exercise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.exercises.engine import (
    PROGRESS,
    Exercise,
    NotAttempted,
    State,
    holds_dots,
    remember,
    remembered,
)
from cxrlab.exercises.judge import FunctionExercise, called, close
from cxrlab.exercises.quiz import Question, Quiz, exercises_by_notebook, module_of, overview
from cxrlab.files import workspace_root

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
COURSE = exercises_by_notebook()
OWN = [e for exercises in COURSE.values() for e in exercises if ".quiz" not in e.key]
QUESTIONS = [q for n in COURSE for q in module_of(n).quiz]


# The engine

TEXTS = {"title": "Half of it", "hints": ["Divide.", "By 2."], "otherwise": "divide by 2."}
TEXTS |= {"praise": "Half of it.", "if_it_stops": "Columns, too."}


def a_half():
    return FunctionExercise(
        key="99.half",
        answer="def half_of(x):\n    return x / 2",
        texts=TEXTS,
        cases=[(1,), (4,), (0.5,), (np.array([1.0, 4.0]),)],
        slips={"2 * x": "that is double.", "/ 2 -> / (x - 1)": "that is inverse."},
        is_share=True,
    )


@pytest.fixture
def half_of():
    return a_half()


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (lambda x: x / 2, State.CORRECT, "Half of it"),
        (lambda x: 2 * x, State.WRONG, "`half_of(1)` is 2, but should be 0.5: that is double"),
        (lambda x: 2 + 0 * x, State.WRONG, "is 2, but should be 0.5: divide by 2"),
        (lambda x: 50 * x, State.WRONG, "a percentage"),
        (lambda x: "0,5", State.WRONG, "a str ('0,5')"),
        (lambda x: str(x / 2), State.WRONG, "is a str ('0.5'), but should be 0.5"),
        (lambda x: None, State.WRONG, "is None, but should be 0.5: did you `return` it?"),
        (lambda x: float("nan"), State.WRONG, "is nan"),
        (lambda x: [x], State.WRONG, "is a list ([1]), but should be 0.5"),
        (lambda x: float(x) / 2, State.WRONG, "(array([1., 4.])). Columns, too."),
        (lambda x: x / 0, State.WRONG, "stops with ZeroDivisionError"),
        (lambda: 1, State.WRONG, "stops with TypeError"),
        (0.5, State.WRONG, "`half_of` is a float (0.5); it should be a function"),
        (lambda x: ..., State.UNTOUCHED, "replace the dots in `half_of`"),
        (lambda x: ... / 2, State.UNTOUCHED, "replace the dots"),
        (..., State.UNTOUCHED, "replace the dots"),
    ],
)
def test_a_verdict_says_what_was_seen_and_what_is_wrong(half_of, answer, state, words):
    verdict = half_of.judge(answer)
    assert verdict.state is state, verdict
    assert words in verdict.message, verdict


def test_a_judge_that_breaks_is_a_wrong_answer_and_no_traceback(half_of):
    half_of.judge_answer = lambda answer: answer.no_such_thing
    verdict = half_of.judge([1, 2])
    assert verdict.state is State.WRONG
    assert "`half_of` is a list ([1, 2]), which cannot be checked" in verdict.message


def test_dots_are_found_inside_containers():
    assert holds_dots([1, (2, {"a": ...})])
    assert not holds_dots([1, (2, {"a": 3})])
    with pytest.raises(NotAttempted):
        called("f", lambda: {"tp": ...})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(...),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(ANYTHING)
def test_any_answer_gets_a_verdict_and_no_traceback(answer):
    of_words = next(e for e in OWN if e.key == "03.curves")
    for exercise, judged in ((a_half(), answer), (a_half(), lambda x: answer), (of_words, answer)):
        verdict = exercise.judge(judged)
        assert verdict.state is not State.CORRECT
        assert "cannot be checked" not in verdict.message


def test_tables_agree_with_their_rows_and_columns():
    table = pd.DataFrame({"a": ["x", "y"]})
    assert close(table, table.copy()) and not close(table, table[:1])
    assert close(pd.DataFrame({1: [2.0]}), pd.DataFrame({1: [2]}))
    assert not close(table["a"], table) and not close({"a": 1}, {"b": 1})
    assert close({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 2.001]}) and not close(3, [3])
    assert close(float("nan"), np.nan) and not close(None, 0)


def test_hints_come_in_stages_and_the_last_one_stays(half_of, capsys):
    for _ in range(3):
        half_of.hint()
    said = capsys.readouterr().out.splitlines()
    assert ["Divide." in said[0], "By 2." in said[1], "By 2." in said[2]] == [True] * 3
    half_of.solution()
    assert "return x / 2" in capsys.readouterr().out


def test_a_right_answer_is_handed_on_as_it_is(half_of, capsys):
    def answer(x):
        return 0.5 * x

    assert half_of.or_solution(answer) is answer
    assert capsys.readouterr().out == ""
    assert remembered() == {}


@pytest.mark.parametrize("answer", [..., 0.25, lambda x: x])
def test_without_a_right_answer_the_solution_takes_its_place(half_of, answer, capsys):
    assert half_of.or_solution(answer)(8) == 4
    said = "Going on with the course's solution in place of `half_of`.\n"
    assert capsys.readouterr().out == said


def test_only_attempts_are_remembered_and_what_was_solved_stays_solved(half_of, capsys):
    half_of.check(...)
    assert remembered() == {}
    for answer in (0.1, lambda x: x / 2, 0.2):
        half_of.check(answer)
    assert remembered() == {"99.half": {"attempts": 3, "solved": True}}
    said = capsys.readouterr().out
    assert "… Not attempted" in said and "✗ Not yet." in said and "✓ Correct." in said


@pytest.mark.parametrize("content", ["", "{", "[]", '{"99.half": 3}', '{"99.half": {}}'])
def test_a_damaged_memory_is_an_empty_one(half_of, content):
    path = workspace_root() / PROGRESS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert remembered() == {}
    half_of.check(lambda x: x / 2)
    assert json.loads(path.read_text())["99.half"]["solved"]


def test_a_workspace_that_cannot_be_written_does_not_stop_a_check(half_of, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path / "file" / "workspace"))
    half_of.check(0.5)


# The quiz


@pytest.fixture
def quiz():
    options = [{"text": "red", "reply": "No, red."}, {"text": "blue", "reply": "Yes, `blue`."}]
    blue = {"texts": {"title": "Which?"}, "variable": "question", "answer": "'b'", "right": "b"}
    return Quiz(Question(key=f"99.quiz{n}", options=options, **blue) for n in (1, 2))


def test_a_question_answers_each_option_in_its_own_words(quiz):
    question = quiz[0]
    assert question.judge("b").state is State.CORRECT
    assert "No, red" in question.judge(" A ").message
    for other in ("c", "", "ab", 1, ["a"]):
        assert "one of the letters a, b" in question.judge(other).message


def test_a_quiz_can_be_answered_without_a_mouse(quiz, capsys):
    quiz.check("b", ...)
    said = capsys.readouterr().out
    assert "Question 1: Correct." in said and "Question 2: Not attempted" in said
    assert list(remembered()) == ["99.quiz1"]


def test_the_buttons_of_a_quiz_answer_so_that_a_screen_reader_says_it(quiz):
    buttons, reply = quiz[0].buttons().children
    buttons.value = "a"
    assert "No, red" in reply.value and 'role="status"' in reply.value
    buttons.value = "b"
    assert "Correct." in reply.value and "<code>blue</code>" in reply.value
    assert remembered()["99.quiz1"] == {"attempts": 2, "solved": True}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_every_option_of_a_quiz_has_a_reply_of_its_own(question):
    verdicts = [question.judge(letter) for letter in question.letters]
    assert [verdict.state for verdict in verdicts].count(State.CORRECT) == 1
    assert len({verdict.message for verdict in verdicts}) == len(verdicts) >= 3
    assert all(len(option["reply"]) > 15 for option in question.options)


# The course


def cells_of(number: str) -> list[str]:
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def handed_in(exercise: Exercise, code: str):
    """What the reader's code leaves in the variable of the exercise."""
    names = {"np": np, "pd": pd}
    exec(exercise.imports + code, names)
    values = tuple(names[name] for name in exercise.variable.split(", "))
    return values if len(values) > 1 else values[0]


def test_every_notebook_has_exercises_and_a_quiz():
    assert list(COURSE) == [path.stem[:2] for path in sorted(NOTEBOOKS.glob("0*.ipynb"))]
    assert (len(OWN), len(QUESTIONS)) == (34, 35)
    for number, exercises in COURSE.items():
        quiz = [e for e in exercises if e.key.startswith(f"{number}.quiz")]
        assert 3 <= len(quiz) <= 6 and len(exercises) - len(quiz) >= 4, number
        assert len({e.key for e in exercises}) == len(exercises)
        assert all(e.key.startswith(f"{number}.") for e in exercises)


@pytest.mark.parametrize("number", COURSE)
def test_every_exercise_stands_in_its_notebook_with_hint_and_solution(number):
    code = "\n".join(cells_of(number))
    module = module_of(number)
    names = {name for name, thing in vars(module).items() if isinstance(thing, Exercise)}
    assert set(re.findall(rf"^nb{number}\.(\w+)\.check\(", code, re.M)) == names
    assert f"nb{number}.quiz.show()" in code
    for name in names:
        assert f"# nb{number}.{name}.hint()" in code and f"# nb{number}.{name}.solution()" in code


@pytest.mark.parametrize("exercise", OWN, ids=lambda exercise: exercise.key)
def test_the_solution_is_right_and_the_notebooks_placeholder_is_not_attempted(exercise, capsys):
    assert len(set(exercise.texts["hints"])) == len(exercise.texts["hints"]) >= 2
    given = exercise.or_solution(...)
    assert "Going on with the course's solution" in capsys.readouterr().out
    verdict = exercise.judge(given)
    assert verdict.state is State.CORRECT, verdict
    checked = re.compile(rf"\.check\(\(?{re.escape(exercise.variable)}\)?\)")
    (cell,) = (cell for cell in cells_of(exercise.key[:2]) if checked.search(cell))
    placeholder = handed_in(exercise, cell[: checked.search(cell).start()].rpartition("\n")[0])
    assert exercise.judge(placeholder).state is State.UNTOUCHED


SLIPS = [(e, slip) for e in OWN if isinstance(e, FunctionExercise) for slip in e.slips]


@pytest.mark.parametrize(("exercise", "slip"), SLIPS, ids=lambda x: getattr(x, "key", str(x)))
def test_a_function_with_a_known_slip_is_told_which(exercise, slip):
    code = exercise.slip_code(slip)
    assert code != exercise.answer
    function = exercise.run(code)

    def asked(*arguments):
        try:
            return function(*arguments)
        except ZeroDivisionError:
            return float("nan")

    assert exercise.judge(asked).message.endswith(exercise.slips[slip])


def test_progress_counts_what_was_solved():
    first = next(iter(COURSE.values()))[0]
    remember(first.key, True)
    table = overview().notebooks.set_index("notebook")
    assert table.loc[first.key[:2], "exercises"].startswith("1 of ")
    assert first.texts["title"] not in overview().next_step
    said = CliRunner().invoke(app, ["progress"])
    assert said.exit_code == 0 and "Solved so far" in said.output
