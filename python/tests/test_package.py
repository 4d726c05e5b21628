# SPDX-License-Identifier: Apache-2.0
"""What pip builds: the source archive builds a wheel, the wheel runs in an empty environment, the types are right."""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import ketpk
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **keywords):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def quick(source):
    """An environment in which a compiler cache, where there is one, knows sources again in another folder, if the flags
    are those of `./dev test`."""
    cache = {"CCACHE_BASEDIR": str(source), "CCACHE_NOHASHDIR": "1", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    return {**os.environ, **(cache if shutil.which("ccache") else {})}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source archive, the wheel that is built from it, and an environment with nothing but that wheel."""
    folder = tmp_path_factory.mktemp("package")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, ROOT)
    (archive,) = folder.glob("ketpk-*.tar.gz")
    (folder / "source").mkdir()
    run("tar", "-xzf", archive, "-C", folder / "source")
    (source,) = (folder / "source").iterdir()
    flags = ("-C", "cmake.define.KETPK_STRICT=ON", "-C", "cmake.define.CMAKE_COLOR_DIAGNOSTICS=OFF")
    command = (sys.executable, "-m", "build", "--wheel", "--no-isolation", *flags, "--outdir", folder, source)
    run(*command, env=quick(source))
    (wheel,) = folder.glob("ketpk-*.whl")
    run(sys.executable, "-m", "venv", folder / "empty")
    python = folder / "empty/bin/python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)
    return archive, wheel, python, folder


def test_the_archives_hold_what_they_should(built):
    archive, wheel, _, _ = built
    version = ketpk.__version__
    assert archive.name == f"ketpk-{version}.tar.gz"
    with tarfile.open(archive) as tar:
        names = {n.partition("/")[2] for n in tar.getnames()}
    assert {"CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml", "include/ketpk/ketpk.hpp"} <= names
    assert not [n for n in names if n.startswith(("build/", ".git/")) or n.endswith(".so")]
    with zipfile.ZipFile(wheel) as zipped:
        members = zipped.namelist()
    assert {"ketpk/__init__.py", "ketpk/_core.pyi", "ketpk/py.typed"} <= set(members)
    assert len([n for n in members if n.startswith("ketpk/_core.") and n.endswith(".so")]) == 1
    assert [n for n in members if not n.startswith(("ketpk/", f"ketpk-{version}.dist-info/"))] == []


def test_the_compiled_half_needs_nothing_that_a_system_may_lack(built):
    _, wheel, _, folder = built
    with zipfile.ZipFile(wheel) as zipped:
        (core,) = [n for n in zipped.namelist() if n.startswith("ketpk/_core.") and n.endswith(".so")]
        zipped.extract(core, folder)
    needed = [
        line.split("[")[1].rstrip("]") for line in run("readelf", "-d", folder / core).splitlines() if "NEEDED" in line
    ]
    base = ("libstdc++.so", "libm.so", "libgcc_s.so", "libc.so", "libpthread.so", "ld-linux")
    assert needed and [n for n in needed if not n.startswith(base)] == []


def test_the_wheel_runs_in_an_empty_environment(built):
    _, _, python, folder = built
    packages = run(python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check", cwd=folder)
    assert {line.partition("==")[0] for line in packages.split()} <= {"ketpk", "numpy", "pip", "setuptools"}
    code = (
        "import ketpk, sys; r = ketpk.simulate(ketpk.Patient(weight_kg=70), ketpk.infusion(dose_mg_per_kg=0.5,"
        "duration_min=40), model='kamp2020', analyte='racemic-ketamine', form='base', drug_free=True, at_min=[40]);"
        "print(r.summary.cmax_ng_per_mL.hex()); assert r._repr_html_();"
        "assert not {'pandas', 'matplotlib', 'pyarrow', 'tqdm'} & set(sys.modules)"
    )
    here = ketpk.simulate(
        ketpk.Patient(weight_kg=70),
        ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
        model="kamp2020",
        analyte="racemic-ketamine",
        form="base",
        drug_free=True,
    )
    assert run(python, "-I", "-c", code, cwd=folder).strip() == here.summary.cmax_ng_per_mL.hex()
    assert run(python, "-m", "ketpk", "version", cwd=folder) == f"ketpk {ketpk.__version__}\n"
    assert run(python.parent / "ketpk", "version", cwd=folder) == f"ketpk {ketpk.__version__}\n"


@pytest.mark.parametrize(
    ("call", "package"),
    [
        ("r.to_pandas()", "pandas"),
        ("r.to_arrow()", "pyarrow"),
        ("r.to_polars()", "polars"),
        ("r.plot()", "matplotlib"),
        ("ketpk.simulate_frame({'weight_kg': [70.0], 'bolus_mg': [1.0]}, progress=True, **w)", "tqdm"),
    ],
)
def test_a_missing_extra_says_how_to_get_it(built, call, package):
    _, _, python, folder = built
    code = f"""
import ketpk
w = dict(model='kamp2020', analyte='racemic-ketamine', form='base', drug_free=True)
r = ketpk.simulate(ketpk.Patient(weight_kg=70), ketpk.bolus(dose_mg=1), at_min=[1], **w)
try:
    {call}
except ImportError as error:
    print(error)
"""
    assert f"this needs {package}, which is not installed; accepted: pip install {package}" in run(
        python, "-I", "-c", code, cwd=folder
    )


def test_the_stub_of_the_core_is_the_one_that_is_checked_in(tmp_path):
    stub = tmp_path / "_core.pyi"
    run(sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "ketpk._core", "-o", stub)
    assert stub.read_text() == (ROOT / "python/src/ketpk/_core.pyi").read_text()


def test_the_package_has_types_that_hold_strictly():
    environment = {**os.environ, "MYPYPATH": str(ROOT / "python/src")}
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "-p", "ketpk", cwd=ROOT, env=environment)


def test_a_caller_sees_the_types(tmp_path):
    (tmp_path / "right.py").write_text(
        "import ketpk\n"
        "r = ketpk.simulate(ketpk.Patient(weight_kg=70), ketpk.bolus(dose_mg=1), model='kamp2020',\n"
        "                   analyte='racemic-ketamine', form='base', drug_free=True)\n"
        "peak: float = r.summary.cmax_ng_per_mL\n"
    )
    (tmp_path / "wrong.py").write_text("import ketpk\nketpk.Patient(weight_kg='70')\nketpk.bolus(10)\n")
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, tmp_path / "right.py", cwd=tmp_path)
    wrong = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "wrong.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert wrong.returncode == 1
    assert "arg-type" in wrong.stdout and "Too many positional arguments" in wrong.stdout


def test_importing_brings_in_nothing_heavy_but_numpy():
    code = "import sys, ketpk; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    modules = set(run(sys.executable, "-c", code).split())
    assert "numpy" in modules
    assert not modules & {"pandas", "matplotlib", "pyarrow", "tqdm", "polars", "scipy", "IPython"}


def test_the_version_is_that_of_the_headers():
    header = (ROOT / "include/ketpk/ketpk.hpp").read_text()
    numbers = [header.partition(f"KETPK_VERSION_{part} ")[2].split("\n")[0] for part in ("MAJOR", "MINOR", "PATCH")]
    assert ketpk.__version__ == ".".join(numbers)
