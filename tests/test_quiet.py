"""TensorFlow's opening lines are taken out, and nothing else."""

from __future__ import annotations

import subprocess
import sys


def stderr_of(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr


def test_tensorflow_opens_in_silence():
    said = stderr_of(
        "import cxrlab, keras, tensorflow as tf; import sys\n"
        "assert 'Quiet' not in type(tf.__loader__).__name__\n"
        "sys.stderr.write('and this is let through\\n')"
    )
    assert said == "and this is let through\n"


def test_what_is_no_chatter_is_let_through():
    said = stderr_of(
        "import os; from cxrlab.quiet import without_chatter\n"
        "with without_chatter():\n"
        "    os.write(2, b'WARNING: All log messages before absl::InitializeLog() ...\\n')\n"
        "    os.write(2, b'the driver is too old\\n')"
    )
    assert said == "the driver is too old\n"


def test_an_error_while_loading_keeps_its_words():
    said = stderr_of(
        "import os; from cxrlab.quiet import without_chatter\n"
        "try:\n"
        "    with without_chatter():\n"
        "        os.write(2, b'no such library\\n'); raise ImportError\n"
        "except ImportError: pass"
    )
    assert said == "no such library\n"
