#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""client-go and controller-runtime on a cluster of the test's own: go_client.py --binary KUBE-TUI

The program is that of the folder go. Building it takes minutes and hundreds of packages, so it is built by hand:
`go build -C tests/clients/go -o FILE .`, then GO_CLIENT=FILE; skipped without.
"""
import argparse
import os
import sys

from cluster import Cluster, SKIP


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    options = arguments.parse_args()
    program = os.environ.get("GO_CLIENT")
    if not program:
        print("skipped: GO_CLIENT names no program (go build -C tests/clients/go -o FILE .)")
        return SKIP
    with Cluster(options.binary) as cluster:
        done = cluster.run(program)
        print(done.out + (done.err if done.status else ""))
        return done.status


if __name__ == "__main__":
    sys.exit(main())
