#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official JavaScript client on a cluster of the test's own: node_client.py --binary KUBE-TUI

Skipped where node or its package is missing; NODE_PATH may name the folder that has it.
"""
import argparse
import os
import pathlib
import shutil
import sys

from cluster import Cluster, SKIP


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    options = arguments.parse_args()
    node = shutil.which("node")
    if not node:
        print("skipped: no node")
        return SKIP
    with Cluster(options.binary) as cluster:
        env = {"NODE_PATH": os.environ["NODE_PATH"]} if "NODE_PATH" in os.environ else {}
        done = cluster.run(node, pathlib.Path(__file__).with_suffix(".mjs"), env=env)
        print(done.out + done.err)
        return done.status


if __name__ == "__main__":
    sys.exit(main())
