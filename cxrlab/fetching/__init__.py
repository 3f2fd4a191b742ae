"""Bringing files from elsewhere: whole, checked, resumed, and nothing trusted.

This room knows files, archives and the network, and nothing of X-rays: which files a source needs
is decided in ``cxrlab.sources``.
"""
