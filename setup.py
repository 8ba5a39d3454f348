"""Builds the compiled core: kernels once per CPU target, one static archive, an extension and a C library.

The metadata is in pyproject.toml. The only reason to skip the build is a machine without a C++ compiler or
without Python's headers (FASTEMO_REQUIRE_NATIVE=1 makes that an error too); any compile error fails the
installation.
"""

import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
CORE = Path("csrc/fastemo")
X86 = platform.machine().lower() in {"x86_64", "amd64"}
WINDOWS, MACOS = sys.platform == "win32", sys.platform == "darwin"
LIBRARY = "fastemo.dll" if WINDOWS else "libfastemo.dylib" if MACOS else "libfastemo.so"

if WINDOWS:
    FLAGS = ["/std:c++20", "/O2", "/fp:precise", "/EHsc", "/utf-8"]
    TARGETS = {"baseline": [], "v3": ["/arch:AVX2"], "v4": ["/arch:AVX512"]}
else:
    FLAGS = [
        "-std=c++20",
        "-O3",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-fvisibility=hidden",
        "-g0",
    ]
    FLAGS += ["-Wall", "-Wextra", "-fno-semantic-interposition"] if not MACOS else ["-Wall", "-Wextra"]
    TARGETS = {
        "baseline": [],
        "v3": ["-march=x86-64-v3"],
        "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
    }
if not X86:
    TARGETS = {"baseline": []}
if os.environ.get("FASTEMO_CXXFLAGS"):  # for sanitizers
    FLAGS += os.environ["FASTEMO_CXXFLAGS"].split()


PKG_CONFIG = """prefix=${{pcfiledir}}/../..
Name: fastemo
Description: Runs trained decoders of emotional states from brain signals
Version: {version}
Cflags: -I${{prefix}}/include
Libs: -L${{prefix}}/lib -lfastemo
"""
CMAKE_CONFIG = """# find_package(fastemo) gives the target fastemo::fastemo.
get_filename_component(_fastemo "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
if(NOT TARGET fastemo::fastemo)
  add_library(fastemo::fastemo SHARED IMPORTED)
  set_target_properties(fastemo::fastemo PROPERTIES
    IMPORTED_LOCATION "${{_fastemo}}/lib/{library}"
    IMPORTED_IMPLIB "${{_fastemo}}/lib/fastemo.lib"
    INTERFACE_INCLUDE_DIRECTORIES "${{_fastemo}}/include")
endif()
"""
CMAKE_VERSION = """set(PACKAGE_VERSION {release})
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
"""
CONFIGS = {
    "pkgconfig/fastemo.pc": PKG_CONFIG,
    "cmake/fastemo/fastemoConfig.cmake": CMAKE_CONFIG,
    "cmake/fastemo/fastemoConfigVersion.cmake": CMAKE_VERSION,
}


class BuildCore(build_ext):
    """Compiles the core and links it twice: for Python, and for everybody else."""

    def build_extension(self, ext):
        reason = self.why_not()
        if reason:
            if os.environ.get("FASTEMO_REQUIRE_NATIVE") == "1":
                raise RuntimeError(f"cannot build the compiled core: {reason}")
            self.warn(f"fastemo is installed without its compiled core, and will be slow: {reason}")
            self.forget_earlier_build(Path(self.get_ext_fullpath(ext.name)))
            return
        import pybind11

        macros = [("FASTEMO_X86", None)] if X86 else []
        jobs = []
        per_target = [os.path.relpath(p, ROOT) for p in sorted((ROOT / CORE / "targets").glob("target*.cpp"))]
        for target, flags in TARGETS.items():
            jobs += [([p], target, [*macros, ("FASTEMO_NS", target)], flags, []) for p in per_target]
        core = [str(p) for d in ("engine", "ops", "targets") for p in sorted((ROOT / CORE / d).glob("*.cpp"))]
        core = [p for p in (os.path.relpath(p, ROOT) for p in core) if p not in per_target]
        jobs += [([source], "core", macros, [], []) for source in core]
        jobs += [([str(CORE / "c_api.cpp")], "c_api", [*macros, ("FASTEMO_BUILD", None)], [], [])]
        includes = [pybind11.get_include(), *self.include_dirs, sysconfig.get_path("include")]
        jobs += [([source], "bindings", macros, [], includes) for source in ext.sources]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = dict(zip([job[1] + job[0][0] for job in jobs], pool.map(self.compile_one, jobs)))

        pick = lambda *kinds: [o for key, out in objects.items() if key.startswith(kinds) for o in out]  # noqa: E731
        archive_dir = Path(self.build_temp).resolve()
        archive_objects = pick("core", *TARGETS)
        archive = self.compiler.library_filename(
            "fastemo_core", lib_type="static", output_dir=str(archive_dir)
        )
        Path(archive).unlink(missing_ok=True)  # it may hold objects of sources that are gone
        self.compiler.create_static_lib(archive_objects, "fastemo_core", output_dir=str(archive_dir))

        threads = [] if WINDOWS else ["-pthread"]
        path = Path(self.get_ext_fullpath(ext.name))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.compiler.link_shared_object(
            [*pick("bindings"), archive], str(path), libraries=self.get_libraries(ext), extra_postargs=self.link_flags(threads),
            export_symbols=self.get_export_symbols(ext), build_temp=self.build_temp, target_lang="c++",
        )  # fmt: skip
        self.link_library(path.parent, [*pick("c_api"), archive], threads)
        self.copy_headers(path.parent / "include")
        self.write_configs(path.parent / "lib")

    def compile_one(self, job):
        sources, where, macros, flags, includes = job
        output_dir = str(Path(self.build_temp) / where)
        flags = FLAGS + flags + ([] if WINDOWS else ["-MMD"])  # lists the headers of each object beside it
        objects = self.compiler.object_filenames(sources, output_dir=output_dir)
        if not self.force and all(map(self.is_fresh, objects, sources)):
            return objects
        return self.compiler.compile(
            sources, output_dir=output_dir, macros=macros, include_dirs=includes, extra_postargs=flags
        )

    def is_fresh(self, built, source):
        """Whether an object is newer than its source, its headers (all, where none are listed) and this file."""
        built = Path(built)
        listed = built.with_suffix(".d")
        if listed.exists():
            names = listed.read_text().partition(":")[2].replace("\\\n", " ").split()
            needs = [ROOT / name for name in names if name.startswith("csrc")]
        else:
            needs = [ROOT / source, *(ROOT / "csrc").rglob("*.h*")]
        changed = [p.stat().st_mtime if p.exists() else inf for p in (*needs, ROOT / "setup.py")]
        return built.exists() and built.stat().st_mtime > max(changed)

    def link_flags(self, flags):
        return flags + [f for f in FLAGS if f.startswith("-fsanitize")]

    def link_library(self, package, objects, flags):
        """The C library: exports fastemo_* and nothing else."""
        lib = package / "lib"
        lib.mkdir(exist_ok=True)
        if MACOS:
            flags = [*flags, "-Wl,-exported_symbol,_fastemo_*", "-Wl,-install_name,@rpath/" + LIBRARY]
        elif not WINDOWS:
            script = Path(self.build_temp) / "exports.map"
            script.write_text("{ global: fastemo_*; local: *; };\n")
            flags = [*flags, f"-Wl,--version-script={script}", "-Wl,-soname," + LIBRARY]
        self.compiler.link_shared_object(
            objects,
            str(lib / LIBRARY),
            extra_postargs=self.link_flags(flags),
            build_temp=self.build_temp,
            target_lang="c++",
        )

    def copy_extensions_to_source(self):
        if not all(map(os.path.exists, self.get_outputs())):
            return
        super().copy_extensions_to_source()
        for directory in ("lib", "include"):
            built = Path(self.build_lib) / "fastemo" / directory
            if built.exists():
                shutil.copytree(built, ROOT / "fastemo" / directory, dirs_exist_ok=True)

    def copy_headers(self, include):
        include.mkdir(exist_ok=True)
        for header in ("fastemo.h", "fastemo.hpp"):
            shutil.copyfile(ROOT / CORE / header, include / header)

    def write_configs(self, lib):
        """What pkg-config and CMake ask for; relocatable, as the package may be anywhere."""
        version = self.distribution.get_version()
        for name, template in CONFIGS.items():
            (lib / name).parent.mkdir(parents=True, exist_ok=True)
            text = template.format(version=version, release=version.split(".dev")[0], library=LIBRARY)
            (lib / name).write_text(text)

    def forget_earlier_build(self, extension):
        """Whatever lies in the build folder goes into the package, so a core from before must not lie there."""
        extension.unlink(missing_ok=True)
        for folder in ("lib", "include"):
            shutil.rmtree(extension.parent / folder, ignore_errors=True)

    def why_not(self):
        """The reason why nothing can be compiled here, or None. FASTEMO_WITHOUT_NATIVE=1 is one."""
        if os.environ.get("FASTEMO_WITHOUT_NATIVE") == "1":
            return "FASTEMO_WITHOUT_NATIVE=1 is set"
        if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
            return f"Python.h is not in {sysconfig.get_path('include')}"
        if WINDOWS:
            return None
        command = getattr(self.compiler, "compiler_cxx", None) or ["c++"]
        if shutil.which(command[0]) is None:
            return f"there is no C++ compiler ({command[0]})"
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory) / "empty.cpp"
            source.write_text("int main() { return 0; }\n")
            try:
                self.compiler.compile([str(source)], output_dir=directory)
            except Exception as error:
                return f"{command[0]} does not compile an empty program ({error})"
        return None


setup(
    ext_modules=[
        Extension(
            "fastemo._core",
            sorted(str(p.relative_to(ROOT)) for p in (ROOT / "csrc/bindings").glob("*.cpp")),
            language="c++",
        )
    ],
    cmdclass={"build_ext": BuildCore},
)
