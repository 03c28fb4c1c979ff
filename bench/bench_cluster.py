#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person feels: CPU of an idle cluster, the first full screen in a pty, and key press -> bytes on the pty while rows change."""
import fcntl
import multiprocessing
import os
import pathlib
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/clients"))
from cluster import Cluster
from crash import Server

ROWS, CHANGES_PER_S, KEYS, STARTS = int(os.environ.get("KT_BENCH_ROWS", "10000")), 1000, 200, 7
IDLE_S, WRITERS = 5, 8
TICKS = os.sysconf("SC_CLK_TCK")


def report(name, value, unit, peer="", peer_value=""):
    print(f"{name}\t{value:.6g}\t{unit}\t{peer}\t{peer_value}", flush=True)


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Terminal:
    """kube-tui in a pty of 200x60."""

    def __init__(self, cluster, *words):
        self.start = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cluster.dir)
            os.execve(cluster.binary, [cluster.binary, *words], {**cluster.env, "TERM": "xterm-256color"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            return os.read(self.fd, 1 << 16)
        except OSError:
            return b""

    def until(self, text, timeout=60):
        """Milliseconds since the start until text is on the screen."""
        seen, end = b"", time.monotonic() + timeout
        while text not in seen:
            if time.monotonic() > end:
                sys.exit(f"{text} is not shown; the last was {seen[-400:]}")
            seen = (seen + self.read(0.1))[-1 << 17:]
        return (time.monotonic() - self.start) * 1000

    def close(self):
        os.kill(self.pid, 15)
        end = time.monotonic() + 5
        while time.monotonic() < end and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            self.read(0.05)
        os.close(self.fd)


def first_screen(cluster):
    best = None
    for _ in range(STARTS):
        terminal = Terminal(cluster, cluster.name, "--command", "configmaps", "-n", "default")
        took = terminal.until(b"settings-")
        best = min(best or took, took)
        terminal.close()
    report("first full screen, 60 rows, attached", best, "ms", "target", 60)


class Changer(threading.Thread):
    """Changes rows all over the table, its share of CHANGES_PER_S."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.connection, self.number, self.changes, self.end = server.connect(), number, 0, False

    def run(self):
        start, i = time.monotonic(), self.number
        while not self.end:
            self.ask("PATCH", f"/settings-{i % ROWS:05d}", f'{{"data":{{"n{self.changes % 2}":"{self.changes}"}}}}')
            self.changes, i = self.changes + 1, i + WRITERS
            late = start + self.changes * WRITERS / CHANGES_PER_S - time.monotonic()
            if late > 0:
                time.sleep(late)

    def ask(self, method, path, body):
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self.connection.request(method, "/api/v1/namespaces/default/configmaps" + path, body, {"Content-Type": kind})
        answer = self.connection.getresponse()
        if answer.status >= 300:
            sys.exit(answer.read())
        answer.read()


def fill(server):
    def part(number):
        changer = Changer(server, number)
        for i in range(number, ROWS, WRITERS):
            changer.ask("POST", "", f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"settings-{i:05d}"}}}}')
    threads = [threading.Thread(target=part, args=[number]) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def change(server, end, changes):
    """In a process of its own: threads of the one that measures would take its interpreter from it."""
    changers = [Changer(server, number) for number in range(WRITERS)]
    for changer in changers:
        changer.start()
    end.wait()
    for changer in changers:
        changer.end = True
    for changer in changers:
        changer.join()
    changes.value = sum(changer.changes for changer in changers)


def keys(cluster, server):
    """By --context: the terminal UI is a client over HTTPS, the cluster another process."""
    terminal = Terminal(cluster, "--context", f"kube-tui-{cluster.name}", "--command", "configmaps", "-n", "default")
    terminal.until(b"settings-")
    end, changes = multiprocessing.Event(), multiprocessing.Value("q", 0)
    process = multiprocessing.Process(target=change, args=[server, end, changes], daemon=True)
    process.start()
    start, took = time.monotonic(), []
    for i in range(KEYS):
        quiet = time.monotonic() + 0.02
        while (left := quiet - time.monotonic()) > 0:
            terminal.read(left)
        pressed = time.monotonic()
        os.write(terminal.fd, b"j" if i % 40 < 20 else b"k")
        if not terminal.read(5):
            sys.exit("a key is not answered")
        took.append((time.monotonic() - pressed) * 1000)
    end.set()
    process.join()
    rate = changes.value / (time.monotonic() - start)
    took.sort()
    report(f"key press to bytes, {ROWS} rows, median", took[len(took) // 2], "ms")
    report(f"key press to bytes, {ROWS} rows, p99", took[len(took) * 99 // 100], "ms", "target", 10)
    report("changes meanwhile", rate, "1/s", "wanted", CHANGES_PER_S)
    terminal.close()


def main():
    binary = os.environ.get("KT_BINARY")
    if not binary or not os.access(binary, os.X_OK):
        print("KT_BINARY does not name kube-tui", file=sys.stderr)
        sys.exit(77)
    with Cluster(binary, "bench") as cluster:
        pid = cluster.pid()
        before, start = cpu_s(pid), time.monotonic()
        time.sleep(IDLE_S)
        report("CPU, idle, three nodes", 100 * (cpu_s(pid) - before) / (time.monotonic() - start), "% of a core", "target", 0.5)
        server = Server(cluster)
        fill(server)
        first_screen(cluster)
        keys(cluster, server)


if __name__ == "__main__":
    main()
