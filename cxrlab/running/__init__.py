"""Running the course without a browser: execution, progress, pages. No TensorFlow here."""

from cxrlab.running.course import CourseRun, run_course
from cxrlab.running.notebooks import find_notebooks, notebooks_folder, select_notebooks

__all__ = ["CourseRun", "find_notebooks", "notebooks_folder", "run_course", "select_notebooks"]
