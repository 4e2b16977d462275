"""Make .venv from requirements.lock: `python3 lib/lookinside/course/build/bootstrap.py [--gpu]`.

Runs on a bare Python and uses the standard library only. The second time it finds its stamp and does nothing, offline.
A set-up that was interrupted is repeated; an environment that was moved or broken is made again. Two set-ups at once
take turns. The stamp is written when what was installed has been imported.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
LOCK, PROJECT = ROOT / "requirements.lock", ROOT / "pyproject.toml"
STAMP = "lookinside.json"
LOCK_FILE = ".set-up.lock"  # one for both environments: each install writes the library's metadata into lib/
# What is imported before an environment is called ready.
TRIED = (
    *("tensorflow", "keras", "tf_keras_vis", "sklearn", "scipy", "skimage", "matplotlib", "PIL", "pydicom", "pooch"),
    *("psutil", "jupyterlab", "ipykernel", "jupytext", "nbclient", "nbconvert", "nbval", "math_core", "pytest"),
    "lookinside",
)
OLDEST, NEWEST = (3, 11), (3, 13)


class SetUpError(Exception):
    """One line that says what is wrong and the mend."""


def refusal(version: tuple[int, ...], system: str, machine: str, gpu: bool = False, libc: str = "glibc") -> str | None:
    """The one line for a Python or computer that TensorFlow has no wheels for; None where it has."""
    if not OLDEST <= version[:2] <= NEWEST:
        have = ".".join(map(str, version[:2]))
        return f"Python {have} does not do: install 3.11, 3.12 or 3.13 and say make PYTHON=python3.11 ..."
    machine = {"AMD64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    if gpu and (system, machine) != ("Linux", "x86_64"):
        return f"GPU=1 needs Linux on x86-64 with an NVIDIA GPU, not {system} on {machine}: leave GPU=1 out."
    if (system, machine) not in {("Linux", "x86_64"), ("Linux", "arm64"), ("Windows", "x86_64"), ("Darwin", "arm64")}:
        return f"TensorFlow 2.21 has no wheel for {system} on {machine}: use Linux, Windows on x86-64 or Apple silicon."
    if system == "Linux" and libc != "glibc":
        return "TensorFlow has no wheel for a Linux without glibc (Alpine, for instance): use Debian, Ubuntu or Fedora."
    return None


def python_in(environment: Path) -> Path:
    """The environment's own Python."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(environment: Path, gpu: bool) -> str:
    """Changes when the lock, the project file, this script or the environment's place changes."""
    digest = hashlib.sha256(f"{environment} {gpu}".encode())
    for file in (LOCK, PROJECT, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the clone's set-up lock; wait, and say so once, while another set-up holds it.

    The operating system keeps the lock, so it ends with the process that holds it and no stale one is left behind. On
    Linux and macOS the commands that a set-up starts hold it too: a pip that outlives its set-up is waited for.
    """
    handle = os.open(ROOT / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        os.set_inheritable(handle, os.name != "nt")
        said = False
        while not take(handle):
            if not said:
                print("Another set-up of this clone is at work: waiting for it (Ctrl-C ends the wait)", flush=True)
            said = True
            time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def take(handle: int) -> bool:
    """Try to lock an open file without waiting; True where it worked, and where the disk knows no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
    return True


def is_ready(environment: Path, gpu: bool) -> bool:
    """True where an earlier set-up ran to its end, its Python still answers and its packages still stand there."""
    try:
        stamp = json.loads((environment / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if stamp.get("fingerprint") != fingerprint(environment, gpu) or not answers(environment):
        return False
    return set(stamp.get("packages", ())) <= set(packages(environment))


def metadata_folders(environment: Path) -> list[Path]:
    """One folder a package, `name-version.dist-info`, whole or not."""
    packages_of_any_python = "Lib/site-packages" if os.name == "nt" else "lib/python3*/site-packages"
    return sorted(environment.glob(f"{packages_of_any_python}/*.dist-info"))


def packages(environment: Path) -> list[str]:
    """`name-version.dist-info` of every package that was installed to its end: pip writes INSTALLER after the files."""
    return [folder.name for folder in metadata_folders(environment) if (folder / "INSTALLER").is_file()]


def answers(environment: Path) -> bool:
    """True where the environment's Python runs, is of a version that does, and stands where it was made."""
    code = "import os, sys, pip; print(sys.version_info[0], sys.version_info[1]); print(os.path.realpath(sys.prefix))"
    try:
        found = subprocess.run([python_in(environment), "-c", code], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    lines = found.stdout.splitlines()
    if found.returncode != 0 or len(lines) != 2 or Path(lines[1]) != environment.resolve():
        return False
    return OLDEST <= tuple(map(int, lines[0].split())) <= NEWEST and not was_moved(environment)


def was_moved(environment: Path) -> bool:
    """True where the folder was renamed or copied: its scripts then start a Python that is not its own."""
    script = environment / ("Scripts/pip.exe" if os.name == "nt" else "bin/pip")
    if os.name == "nt" or not script.is_file():
        return False
    first_lines = script.read_bytes()[:1024].decode("utf-8", "replace")
    return str(python_in(environment).parent) not in first_lines


def plain_pins(lock_text: str) -> str:
    """The lock's pins without hashes and without TensorFlow: constraints for the GPU environment."""
    pins = re.findall(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", lock_text, flags=re.MULTILINE)
    return "".join(f"{pin.strip()}\n" for pin in pins if not pin.startswith("tensorflow"))


def import_fault(environment: Path) -> str | None:
    """Import what the course needs in the environment's Python; None, or the one line that says what is wrong."""
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    tried = subprocess.run([python_in(environment), "-c", code, *TRIED], capture_output=True, text=True, cwd=ROOT)
    if tried.returncode == 0:
        return None
    lines = tried.stderr.strip().splitlines()
    if tried.returncode < 0 or not lines:  # where a processor lacks AVX, TensorFlow dies of an illegal instruction
        return f"importing the packages ended with status {tried.returncode}"
    return lines[-1]


def call(what: str, *command: object) -> None:
    """Run a command in sight of the user; raise SetUpError with `what` where it fails."""
    # close_fds=False hands the set-up's lock on, see one_at_a_time; Python keeps every other handle to itself.
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False, close_fds=os.name == "nt")
    if done.returncode != 0:
        raise SetUpError(f"{what} failed, its last lines above say why; mend that and repeat, finished downloads stay.")


def make(environment: Path, gpu: bool) -> None:
    """Build the environment up to its stamp. Raises SetUpError."""
    (environment / STAMP).unlink(missing_ok=True)
    whole = answers(environment) and any(name.startswith("pip-") for name in packages(environment))
    if environment.exists() and not whole:
        print(f"{environment.name} is broken or was moved: making it again", flush=True)
        shutil.rmtree(environment)
    while True:
        is_new = not environment.exists()
        if is_new:
            make_empty(environment, gpu)
        install(environment, gpu)
        fault = import_fault(environment)
        if not fault or is_new:
            break
        # pip takes a package for whole when its metadata is there.
        print(f"{environment.name} is damaged ({fault}): making it again", flush=True)
        shutil.rmtree(environment)
    if fault:
        raise SetUpError(f"{environment.name} is installed, but its packages cannot be imported: {fault}")
    stamp = {"fingerprint": fingerprint(environment, gpu), "packages": packages(environment)}
    (environment / STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")


def make_empty(environment: Path, gpu: bool) -> None:
    """An environment that holds pip and nothing else; no half of one is left behind. Raises SetUpError."""
    size = "about 6 GB" if gpu else "about 500 MB, 2.2 GB on the disk"
    print(f"Making {environment.name} (downloads {size}; once)", flush=True)
    what = "Making the environment (on Debian and Ubuntu it needs python3-venv)"
    try:
        call(what, sys.executable, "-m", "venv", environment)
    except BaseException:
        shutil.rmtree(environment, ignore_errors=True)
        raise


def install(environment: Path, gpu: bool) -> None:
    """Bring the packages to the lock's pins, and the library in editable form. Raises SetUpError."""
    for folder in metadata_folders(environment):
        if not (folder / "INSTALLER").is_file():  # a killed pip left it: the next one would take it for installed
            shutil.rmtree(folder)
    pip = [python_in(environment), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "5"]
    if gpu:
        pins = environment / "constraints.txt"
        pins.write_text(plain_pins(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        call("Installing the packages", *pip, "-c", pins, "-e", f"{ROOT}[gpu,course]")
    else:
        call("Installing the packages", *pip, "--require-hashes", "--no-deps", "-r", LOCK)
        call("Installing lookinside", *pip, "-q", "--no-deps", "--no-build-isolation", "--no-index", "-e", ROOT)


def main(arguments: list[str]) -> int:
    """Returns the exit status: 0 ready, 1 refused or failed, 130 interrupted."""
    gpu = "--gpu" in arguments
    libc = platform.libc_ver()[0] or "another C library"
    environment = ROOT / (".venv-gpu" if gpu else ".venv")
    try:
        wrong = refusal(tuple(sys.version_info), platform.system(), platform.machine(), gpu, libc)
        if wrong:
            raise SetUpError(wrong)
        if not is_ready(environment, gpu):
            with one_at_a_time():
                if not is_ready(environment, gpu):  # the set-up that was waited for may have made it
                    make(environment, gpu)
    except SetUpError as error:
        print(f"Set-up: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Set-up: {error}; mend that and repeat.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Set-up was interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
