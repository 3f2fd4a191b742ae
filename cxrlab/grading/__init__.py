"""Grading a folder of submitted notebooks: answers are judged again, outside of their kernel."""
