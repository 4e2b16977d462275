"""The set-up script: what it refuses, and when it repeats its work."""

import importlib.util
import json
import subprocess
import sys
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
    stamp = {"fingerprint": bootstrap.fingerprint(environment, gpu=False)}
    (environment / bootstrap.STAMP).write_text(json.dumps(stamp))
    return tmp_path


def test_a_finished_set_up_is_not_repeated(bootstrap, project, monkeypatch):
    monkeypatch.setattr(bootstrap, "call", lambda *command: pytest.fail("it installed again"))
    monkeypatch.setattr(bootstrap, "refusal", lambda *machine: None)
    assert bootstrap.main([]) == 0


@pytest.mark.parametrize("change", ["lock", "project", "moved", "no stamp", "half a stamp", "broken"])
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
