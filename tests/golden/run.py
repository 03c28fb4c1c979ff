#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a bare API server and replays the recorded scenarios against it.

The number of answers that are as recorded must not fall below --floor, and the server must end without an error. The
folders of scenarios run side by side; those that look at the whole cluster run before the others make anything.
"""
import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

SKIP = 77
TOKENS = 'admin-token,admin,admin-uid,system:masters\nuser-token,jane,jane-uid,developers\n'
# They want a cluster in which nothing was made yet.
FIRST = ["discovery/group-list.json", "discovery/aggregated.json", "auth/bootstrap-names.json"]
LAST_LINE = re.compile(r"^(\d+) of (\d+) answers as recorded$", re.M)


def start(binary, folder):
    tokens = folder / "tokens.csv"
    tokens.write_text(TOKENS, encoding="utf-8")
    server = subprocess.Popen(
        [binary, "up", "golden", "--foreground", "--components", "api", "--port", "0", "--data-dir", folder / "data",
         "--token-auth-file", tokens, "--kubeconfig", folder / "kubeconfig"],
        stdout=subprocess.PIPE, stderr=open(folder / "log", "w", encoding="utf-8"), text=True,
        env={**os.environ, "XDG_STATE_HOME": str(folder / "state")})
    line = server.stdout.readline()
    url = re.search(r"https://\S+", line)
    if not url:
        server.kill()
        sys.exit(f"the server did not start: {line}\n{(folder / 'log').read_text(encoding='utf-8')}")
    return server, url.group()


def replay(shared, url, files):
    command = [sys.executable, shared / "golden/replay.py", "--server", url, "--token", "admin-token", "--insecure",
               "--max", "2"]
    return subprocess.Popen(command + files, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process, totals):
    output, _ = process.communicate()
    print(output)
    found = LAST_LINE.search(output)
    if not found:
        sys.exit("a replay ended without a result")
    totals[0] += int(found.group(1))
    totals[1] += int(found.group(2))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--shared", type=pathlib.Path, required=True)
    parser.add_argument("--floor", type=int, required=True)
    args = parser.parse_args()
    scenarios = args.shared / "golden/scenarios"
    if not scenarios.is_dir():
        print("skipped: ../shared/golden is not on this machine")
        sys.exit(SKIP)
    first = [scenarios / name for name in FIRST]
    families = [sorted(set(family.glob("*.json")) - set(first)) for family in sorted(scenarios.iterdir())]
    totals = [0, 0]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        server, url = start(args.binary, folder)
        finish(replay(args.shared, url, first), totals)
        for process in [replay(args.shared, url, files) for files in families if files]:
            finish(process, totals)
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=240)
        if status != 0:
            print((folder / "log").read_text(encoding="utf-8")[-4000:])
            sys.exit(f"the server ended with status {status}")
    print(f"{totals[0]} of {totals[1]} answers as recorded; at least {args.floor} are wanted")
    sys.exit(0 if totals[0] >= args.floor else 1)


if __name__ == "__main__":
    main()
