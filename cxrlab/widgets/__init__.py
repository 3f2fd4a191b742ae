"""Interactive parts of the notebooks: each a thin skin of ipywidgets on a plain function."""
