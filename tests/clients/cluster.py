# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the test's own: `kube-tui up` in a temporary folder, with nothing of the user's, ended and removed at the end.

`with Cluster(binary) as cluster: cluster.run("kubectl", "get", "pods")`. A command's result is a Result; `ok` and `fails`
check it and return it, and print the command with all it said when it did otherwise.
"""
import os
import pathlib
import random
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

SKIP = 77
TIMEOUT_S = 240  # of one command and of what is to happen: a busy machine is slow


class Result:
    def __init__(self, command, done):
        self.command = [str(word) for word in command]
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return f"$ {' '.join(self.command)}\n{self.out}{self.err}(exit code {self.status})"

    def wants(self, true, what):
        if not true:
            raise AssertionError(f"{what}\n{self}")
        return self

    def ok(self, *patterns):
        """It ended well, and its output has each of the patterns."""
        self.wants(self.status == 0, "failed")
        for pattern in patterns:
            self.wants(re.search(pattern, self.out, re.M), f"no {pattern!r} in the output")
        return self

    def fails(self, status, *patterns):
        """It ended with this exit code, and its error has each of the patterns."""
        self.wants(self.status == status, f"did not end with exit code {status}")
        for pattern in patterns:
            self.wants(re.search(pattern, self.err, re.M), f"no {pattern!r} in the error")
        return self


class Cluster:
    def __init__(self, binary, name="clients", options=()):
        self.binary, self.name, self.options = os.path.abspath(binary), name, list(options)
        self.temporary = tempfile.TemporaryDirectory(prefix="kube-tui-clients-")
        self.dir = pathlib.Path(self.temporary.name)
        self.kubeconfig = self.dir / "kubeconfig"
        keep = {key: os.environ[key] for key in ("PATH", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS") if key in os.environ}
        self.env = {**keep, "HOME": str(self.dir), "XDG_STATE_HOME": str(self.dir / "state"), "TERM": "dumb",
                    "LC_ALL": "C.UTF-8", "TZ": "UTC", "KUBECONFIG": str(self.kubeconfig)}

    def __enter__(self):
        try:
            self.up().ok(rf"^{self.name} ready at https://127\.0\.0\.1:\d+ \(\d+ nodes\) in ")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.tui("delete", self.name)
        self.temporary.cleanup()

    def up(self, *more):
        return self.tui("up", self.name, "--kubeconfig", self.kubeconfig, "--port", "0", *self.options, *more)

    def pid(self):
        """The process that runs the cluster: the one of `list`'s state file."""
        state = next(self.dir.glob(f"state/kube-tui/clusters/{self.name}/state.json")).read_text(encoding="utf-8")
        return int(re.search(r'"pid":\s*(\d+)', state).group(1))

    def kill(self):
        """kill -9, and until the last of its threads is gone, and with it the lock."""
        pid = self.pid()
        descriptor = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGKILL)
            if not select.select([descriptor], [], [], TIMEOUT_S)[0]:
                raise AssertionError(f"process {pid} does not end")
        finally:
            os.close(descriptor)

    def run(self, *command, stdin="", env=None):
        done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, check=False,
                              timeout=TIMEOUT_S, env={**self.env, **(env or {})}, cwd=self.dir)
        return Result(command, done)

    def tui(self, *words, **how):
        return self.run(self.binary, *words, **how)

    def start(self, *command):
        """A command that goes on by itself; the caller ends it."""
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=self.env, cwd=self.dir)

    def file(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path


def quiet_port():
    """A free one that the system gives to no connection of its own accord: it is still free a moment later."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="utf-8").split()[0])
    while True:
        port = random.randrange(max(1024, lowest - 16384), lowest)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def alive(pid):
    """Whether the process still does anything; a zombie whose parent has not looked yet does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(try_once, what):
    """The first true answer; the cluster is given time, and no more than TIMEOUT_S."""
    until = time.monotonic() + TIMEOUT_S
    while not (answer := try_once()):
        if time.monotonic() > until:
            raise AssertionError(f"does not happen: {what}")
        time.sleep(0.05)
    return answer


def run_steps(steps, *arguments):
    """Runs each, says which, and gives the exit code: all are tried, so that one run shows all that is wrong."""
    failed = []
    for step in steps:
        try:
            step(*arguments)
            print(f"ok      {step.__name__}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired) as why:
            print(f"FAILED  {step.__name__}: {why}", flush=True)
            failed.append(step.__name__)
    return 1 if failed else 0
