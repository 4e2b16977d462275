"""The set-up script: what it refuses, and when it repeats its work."""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "lib" / "lookinside" / "course" / "build" / "bootstrap.py"


@pytest.fixture
def bootstrap():
    """The script as a module of its own, so that a test may change its ROOT."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "system", "machine"),
    [
        ((3, 11, 2), "Linux", "x86_64"),
        ((3, 13, 0), "Windows", "AMD64"),
        ((3, 12, 1), "Darwin", "arm64"),
        ((3, 11, 9), "Linux", "aarch64"),
    ],
)
def test_what_tensorflow_has_wheels_for_is_accepted(bootstrap, version, system, machine):
    assert bootstrap.refusal(version, system, machine) is None


@pytest.mark.parametrize(
    ("version", "system", "machine", "gpu", "libc", "says"),
    [
        ((3, 10, 4), "Linux", "x86_64", False, "glibc", "Python 3.10"),
        ((3, 14, 0), "Linux", "x86_64", False, "glibc", "Python 3.14"),
        ((3, 11, 0), "Darwin", "x86_64", False, "glibc", "no wheel for Darwin on x86_64"),
        ((3, 11, 0), "Windows", "ARM64", False, "glibc", "no wheel for Windows on ARM64"),
        ((3, 11, 0), "Linux", "riscv64", False, "glibc", "no wheel for Linux on riscv64"),
        ((3, 11, 0), "Linux", "x86_64", False, "musl", "glibc"),
        ((3, 11, 0), "Darwin", "arm64", True, "glibc", "GPU=1 needs Linux"),
    ],
)
def test_what_has_no_wheels_is_refused_in_one_line(bootstrap, version, system, machine, gpu, libc, says):
    line = bootstrap.refusal(version, system, machine, gpu, libc)
    assert says in line and "\n" not in line


def test_the_script_runs_on_a_bare_python():
    """No import beyond the standard library: -I and -S hide this environment's packages."""
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='imported')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def installed(environment, name="numpy-2.0.dist-info"):
    """The metadata that pip leaves of a package."""
    folder = environment / "lib" / "python3.11" / "site-packages" / name
    folder.mkdir(parents=True)
    (folder / "INSTALLER").write_text("pip")
    return folder


@pytest.fixture
def project(bootstrap, tmp_path, monkeypatch):
    """A project folder with a finished set-up whose Python answers."""
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(bootstrap, "answers", lambda environment: True)
    environment = tmp_path / ".venv"
    environment.mkdir()
    stamp = {"fingerprint": bootstrap.fingerprint(environment, gpu=False), "packages": [installed(environment).name]}
    installed(environment, "pip-26.dist-info")
    (environment / bootstrap.STAMP).write_text(json.dumps(stamp))
    return tmp_path


def test_a_finished_set_up_is_not_repeated(bootstrap, project, monkeypatch):
    monkeypatch.setattr(bootstrap, "call", lambda *command: pytest.fail("it installed again"))
    monkeypatch.setattr(bootstrap, "refusal", lambda *machine: None)
    assert bootstrap.main([]) == 0


@pytest.mark.parametrize("change", ["lock", "project", "moved", "no stamp", "half a stamp", "broken", "half a package"])
def test_a_set_up_is_repeated_after_a_change(bootstrap, project, monkeypatch, change):
    environment = project / ".venv"
    if change == "lock":
        (project / "requirements.lock").write_text("numpy==3")
    elif change == "project":
        (project / "pyproject.toml").write_text("[project]")
    elif change == "moved":
        environment = environment.rename(project / "elsewhere")
    elif change == "no stamp":
        (environment / bootstrap.STAMP).unlink()
    elif change == "half a stamp":
        (environment / bootstrap.STAMP).write_text('{"finger')
    elif change == "half a package":
        next(environment.rglob("numpy*/INSTALLER")).unlink()
    else:
        monkeypatch.setattr(bootstrap, "answers", lambda environment: False)
    assert not bootstrap.is_ready(environment, gpu=False)


def test_a_failed_install_leaves_no_stamp_and_says_so(bootstrap, project, monkeypatch, capsys):
    (project / "requirements.lock").write_text("changed")
    monkeypatch.setattr(bootstrap, "refusal", lambda *machine: None)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1))
    assert bootstrap.main([]) == 1
    assert "Installing the packages failed" in capsys.readouterr().err
    assert not (project / ".venv" / bootstrap.STAMP).exists()


FAKE_VENV = """
import os, sys
from pathlib import Path

made = Path(sys.argv[1])
(made / "bin").mkdir(parents=True)
(made / "bin" / "python").symlink_to(sys._base_executable)
(made / "pyvenv.cfg").write_text(f"home = {os.path.dirname(sys._base_executable)}\\n")
metadata = made / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages" / "pip-1.dist-info"
metadata.mkdir(parents=True)
(metadata / "INSTALLER").touch()
"""
FAKE_PIP = """
import os, sys, sysconfig, time
from pathlib import Path

with open("log", "a") as log:
    log.write("in\\n")
here = Path(sysconfig.get_path("purelib"))
for name in os.environ["TRIED"].split():
    metadata = here / f"{name}-1.dist-info"
    if metadata.is_dir():  # as pip: a package with metadata is taken for installed
        continue
    metadata.mkdir()
    while name == os.environ.get("STOP_AT") and Path("stop").exists():
        time.sleep(0.02)
    (here / f"{name}.py").touch()
    (metadata / "INSTALLER").touch()
with open("log", "a") as log:
    log.write("out\\n")
"""


@pytest.fixture
def clone(bootstrap, tmp_path):
    """A clone with the real script; `python -m venv` and `python -m pip` are quick fakes. Call it to start a set-up."""
    if os.name == "nt":
        pytest.skip("the fakes are made of links")
    script = tmp_path / SCRIPT.relative_to(ROOT)
    script.parent.mkdir(parents=True)
    script.write_bytes(SCRIPT.read_bytes())
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    (tmp_path / "fakes" / "pip").mkdir(parents=True)
    (tmp_path / "fakes" / "venv.py").write_text(FAKE_VENV)
    (tmp_path / "fakes" / "pip" / "__init__.py").touch()
    (tmp_path / "fakes" / "pip" / "__main__.py").write_text(FAKE_PIP)
    started = []

    def set_up(stop_at="", tried=bootstrap.TRIED):
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "fakes"), "STOP_AT": stop_at, "TRIED": " ".join(tried)}
        command = [sys.executable, script]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
        started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, **pipes))
        return started[-1]

    yield set_up
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            if process.poll() != 0:
                os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(what):
    """Wait for something that another process does."""
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def log(folder):
    """What the fake pip wrote: one run is in, out, in, out (the packages, then the library)."""
    return (folder / "log").read_text().split() if (folder / "log").exists() else []


def test_two_set_ups_at_once_take_turns(clone, tmp_path):
    (tmp_path / "stop").touch()
    first = clone(stop_at="keras")
    until(lambda: log(tmp_path))
    second = clone()
    assert "Another set-up of this clone is at work" in second.stdout.readline()
    (tmp_path / "stop").unlink()
    assert first.wait(30) == second.wait(30) == 0
    assert log(tmp_path) == ["in", "out"] * 2  # the second one found it ready
    assert second.stdout.read() == ""
    third = clone()
    assert third.wait(30) == 0 and third.stdout.read() == "" and len(log(tmp_path)) == 4


@pytest.mark.parametrize("killed", ["all", "set-up"])
def test_a_killed_set_up_is_repeated_and_heals(clone, bootstrap, tmp_path, killed):
    (tmp_path / "stop").touch()
    first = clone(stop_at="keras")
    until(lambda: list(tmp_path.rglob("keras-1.dist-info")))
    if killed == "all":
        os.killpg(first.pid, signal.SIGKILL)
        second = clone()
    else:  # its pip lives on, and is waited for
        first.kill()
        second = clone()
        assert "Another set-up" in second.stdout.readline()
        assert log(tmp_path) == ["in"]
        (tmp_path / "stop").unlink()
    assert second.wait(30) == 0
    assert "making it again" not in second.stdout.read()
    assert len(list(tmp_path.rglob("keras.py"))) == 1
    assert bootstrap.STAMP in {path.name for path in (tmp_path / ".venv").iterdir()}


def test_ready_means_that_the_imports_were_tried(clone, bootstrap, tmp_path):
    assert clone().wait(30) == 0
    next(tmp_path.rglob("tensorflow.py")).unlink()  # the metadata stays, as where two pips ran side by side
    (tmp_path / ".venv" / bootstrap.STAMP).unlink()
    second = clone()
    assert second.wait(30) == 0
    assert "damaged (ModuleNotFoundError: No module named 'tensorflow'): making it again" in second.stdout.read()
    assert len(list(tmp_path.rglob("tensorflow.py"))) == 1
    (tmp_path / "requirements.lock").write_text("one package is missing in the lock")
    (tmp_path / ".venv" / "pyvenv.cfg").unlink()
    third = clone(tried=[name for name in bootstrap.TRIED if name != "keras"])
    assert third.wait(30) == 1
    assert "Set-up: .venv is installed, but its packages cannot be imported: Module" in third.stdout.read()
    assert not (tmp_path / ".venv" / bootstrap.STAMP).exists()


def test_a_copied_environment_is_noticed(bootstrap, tmp_path):
    scripts = tmp_path / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "pip").write_text("#!/somewhere/else/.venv/bin/python\n")
    assert bootstrap.was_moved(tmp_path / ".venv")
    (scripts / "pip").write_text(f"#!{scripts}/python\n")
    assert not bootstrap.was_moved(tmp_path / ".venv")


def test_gpu_pins_have_no_hashes_and_no_tensorflow(bootstrap):
    lock = (
        "keras==3.15.1 \\\n    --hash=sha256:00\ntensorflow-cpu==2.21.0 ; x \\\n    --hash=sha256:11\nwheel==1 ; y \\\n"
    )
    assert bootstrap.plain_pins(lock) == "keras==3.15.1\nwheel==1 ; y\n"


def test_help_lists_every_target():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "lab", "notebooks", "slides", "student", "data", "results", "bench", "lock", "clean"):
        assert f"make {target} " in listed
