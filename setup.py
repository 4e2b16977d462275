"""The project is described in pyproject.toml; what that file cannot say: wheels are built outside the tree.

Setuptools packs whatever lies in build/lib, also modules that an earlier version has left there.
"""

import tempfile

from setuptools import setup

with tempfile.TemporaryDirectory() as outside:
    setup(options={"build": {"build_base": outside}})
