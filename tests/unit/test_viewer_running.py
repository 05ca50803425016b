"""The form of a step, its command, and the child process."""

import sys
import threading

import pytest

from fsl_mrs_dl.errors import MissingDependencyError, OptionError
from fsl_mrs_dl.steps.registry import steps
from fsleyes_plugin import running
from fsleyes_plugin.running import ChildRun, arguments, checked_interpreter, for_pasting, form_of


@pytest.mark.parametrize("name", steps())
def test_every_step_has_a_form_of_all_its_options(name):
    step = steps()[name]
    fields = {field.flag: field for field in form_of(step)}
    assert {f"--{option.name}" for option in step.options} <= set(fields)
    for option in step.options:
        assert fields[f"--{option.name}"].required == option.required
        assert fields[f"--{option.name}"].help


def test_what_the_form_holds_becomes_the_command():
    step = steps()["quantify"]
    values = {field.flag: field.default for field in form_of(step)}
    with pytest.raises(OptionError, match="--data is empty"):
        arguments(step, values)
    values |= {"--data": "a b.nii.gz", "--output": "out", "--basis": "press_3t_te30"}
    plain = "fsl_mrs_dl quantify --data 'a b.nii.gz' --output out --basis press_3t_te30"
    assert for_pasting(["fsl_mrs_dl", *arguments(step, values)]) == plain
    values |= {"--ppmlim": "0.5 4", "--combine": "Cr PCr; NAA NAAG", "--conj_fid": "no", "--report": "yes"}
    given = "--ppmlim 0.5 4 --combine Cr PCr --combine NAA NAAG --no_conj_fid --report"
    assert arguments(step, values)[7:] == given.split()


def heard_of(script: str, cancel: bool) -> tuple[list[str], int]:
    """Run a script as a child; cancel it when it first speaks."""
    lines, spoke, ended, status = [], threading.Event(), threading.Event(), []

    def heard(line: str) -> None:
        lines.append(line)
        spoke.set()

    child = ChildRun([sys.executable, "-c", script], heard, lambda code: (status.append(code), ended.set()))
    if cancel:
        assert spoke.wait(30)
        child.cancel()
    assert ended.wait(30)
    child.stop()
    return lines, status[0]


def test_a_child_is_heard_line_by_line():
    script = "import sys; print('one'); sys.stderr.write('10%\\r20%\\r\\n'); sys.exit(2)"
    assert heard_of(script, cancel=False) == (["one", "10%", "20%"], 2)


@pytest.mark.parametrize("deaf", [False, True], ids=["hears", "ignores interrupts"])
def test_a_child_is_cancelled(deaf, monkeypatch):
    monkeypatch.setattr(running, "_INTERRUPT_TIMEOUT_S", 0.2 if deaf else 60.0)
    # Said either way, for these tests may themselves have been started deaf.
    handler = "SIG_IGN" if deaf else "default_int_handler"
    hear = f"import signal, time; signal.signal(signal.SIGINT, signal.{handler}); "
    lines, status = heard_of(hear + "print('begun', flush=True); time.sleep(60)", cancel=True)
    assert lines[0] == "begun"
    assert status != 0


def test_a_python_without_the_package_is_refused(tmp_path):
    assert checked_interpreter(sys.executable)
    with pytest.raises(MissingDependencyError, match="cannot be run"):
        checked_interpreter(str(tmp_path / "python"))
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(MissingDependencyError, match="has no fsl_mrs_dl"):
        checked_interpreter(str(bare))
