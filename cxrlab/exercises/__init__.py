"""Exercises and quizzes: an engine, and one small module a notebook with its answers."""

from cxrlab.exercises.engine import Exercise, NotAttempted, State, Verdict, Wrong
from cxrlab.exercises.quiz import Option, Question, Quiz, exercises_in

__all__ = [
    "Exercise",
    "NotAttempted",
    "Option",
    "Question",
    "Quiz",
    "State",
    "Verdict",
    "Wrong",
    "exercises_in",
]
