"""CXRLab: what a network can, and cannot, learn from chest X-rays. Not for medical use."""

import logging
import os

__version__ = "1.0.0"

# What TensorFlow's core logs, on its build, on drivers that a machine lacks, on large arrays, means
# nothing to a reader; what stops a training is raised in Python. Set to 0 to see it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Its Python side warns of retracing whenever several networks predict one after the other. A
# filter, because TensorFlow sets the level of its logger anew when a notebook imports it.
logging.getLogger("tensorflow").addFilter(
    lambda record: "triggered tf.function retracing" not in record.getMessage()
)
