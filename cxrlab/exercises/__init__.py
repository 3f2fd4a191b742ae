"""Exercises and quizzes: an engine, a judge, and one module per notebook with its exercises."""
