"""python setup.py build_ext --inplace"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import fastemo

library = Path(fastemo.get_library())
extension = Extension(
    "decoding",
    ["decoding.pyx"],
    include_dirs=[fastemo.get_include()],
    extra_link_args=[str(library), f"-Wl,-rpath,{library.parent}"],
)
# The .pxd lies in the package; its parent folder is where `cimport fastemo` is looked up.
setup(
    ext_modules=cythonize([extension], include_path=[str(library.parents[2])]),
    script_args=["build_ext", "--inplace"],
)
