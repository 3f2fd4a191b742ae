"""``python -m cxrlab``: the command line where no script directory is on the path."""

from cxrlab.cli import main

main()
