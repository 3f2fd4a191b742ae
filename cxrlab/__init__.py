"""CXRLab: what a network can, and cannot, learn from chest X-rays. Not for medical use."""

import logging
import os

__version__ = "0.1.0"

# TensorFlow opens with lines about its build that mean nothing to a reader; warnings stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
# Its Python side warns of retracing whenever several networks predict one after the other. A
# filter, because TensorFlow sets the level of its logger anew when a notebook imports it.
logging.getLogger("tensorflow").addFilter(
    lambda record: "triggered tf.function retracing" not in record.getMessage()
)
