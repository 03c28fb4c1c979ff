#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our commands print what kubectl prints: same_text.py --binary KUBE-TUI [--kubectl KUBECTL]

Each line of same_text/reads.txt is given to both on the same cluster at rest, where same_text/objects.yaml are; output and exit
code must be the same. Each of same_text/writes.txt is done by both, each in a namespace of its own. Wants a kubectl of at least
1.35, whose texts are the ones we follow.
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import pathlib
import re
import shlex
import shutil
import sys

from cluster import Cluster, SKIP, eventually
from kubectl import MANIFEST

MINOR_MIN = 35
HERE = pathlib.Path(__file__).parent / "same_text"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: b}\n"
MANIFESTS = {
    "list.yaml": "apiVersion: v1\nkind: List\nitems:\n" +
                 "".join(f"- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}\n" for name in ("l1", "l2")),
    "dup.yaml": MAP.replace("NAME", "dup") + "data: {c: d}\n",
    "empty.yaml": "---\n# nothing\n---\n",
    "json.json": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"js"}}',
    "mixed/deep/a.yaml": MAP.replace("NAME", "deep"),
    "mixed/readme.txt": "no manifest\n",
}
NORMAL = [
    # what differs between any two moments, requests or objects
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b(\d+h)?(\d+m)?\d+m?s\b( +)?", "AGE "),
    (r"(?<=  )\d+[mhd]\b( +)?", "AGE "),
    (r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}\b", "DATE"),
    (r"\bAge +(?=From\b)", "Age "),
    (r"(?<=---) +(?=---)", " "),
    (r"\bAGE +", "AGE "),
    (r"resourceVersion: \"\d+\"", "resourceVersion: N"),
    (r"\"resourceVersion\": \"\d+\"", "resourceVersion: N"),
    (r"\b10(\.\d+){3}\b *", "IP "),
    (r"-[0-9a-f]{6,10}-[a-z0-9]{5}\b", "-HASH-NAME"),
    (r"\b(kubectl|kube-tui)\S*", "CLIENT"),
    (r"\b(ours|theirs)\b", "NS"),
    (r"\S*(LIVE|MERGED)-\d+/", r"\1/"),
    (r"^([-+]{3} .*)\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [-+]\d{4}$", r"\1"),
    (r"[ \t]+$", ""),
    # older kubectls
    (r" deleted from NS namespace$", " deleted"),
    (r" deleted from default namespace\b", " deleted"),
    (r"^ *creationTimestamp: null\n", ""),
]


def normal(text):
    for pattern, with_what in NORMAL:
        text = re.sub(pattern, with_what, text, flags=re.M)
    return text


def same(line, ours, theirs):
    """Prints where they differ."""
    mine, other = (normal(f"{r.out}--\n{r.err}exit code {r.status}\n") for r in (ours, theirs))
    if mine == other:
        return True
    print(f"DIFFERS {line}")
    diff = list(difflib.unified_diff(other.splitlines(), mine.splitlines(), "kubectl", "kube-tui", lineterm="", n=1))
    print("\n".join("    " + text for text in diff[2:40]))
    return False


def lines_of(name, only):
    """The command lines of a file: not the empty ones and comments, and with --only those that match."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#") and (not only or re.search(only, line))]


def settle(cluster, kubectl):
    cluster.file("web.yaml", MANIFEST)
    cluster.file("objects.yaml", (HERE / "objects.yaml").read_text(encoding="utf-8"))
    cluster.file("broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n")
    cluster.file("unknown.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, nmae: b}\ndata: {a: b}\n")
    cluster.file("env.txt", "A=1\n# remark\n\n  B=two words  \nHOME\nD=\"q\"\n")
    cluster.file("bad.env", "1A=x y\n")
    cluster.file("bad2.env", "a b=1\n")
    cluster.file("cols.txt", "NAME STATUS\nmetadata.name status.phase\n")
    cluster.file("jp.txt", "{.items[*].metadata.name}")
    cluster.file("gt.txt", "{{len .items}}")
    (cluster.dir / "manifests" / "mixed" / "deep").mkdir(parents=True)
    for name, text in MANIFESTS.items():
        cluster.file(f"manifests/{name}", text)
    (cluster.dir / "bin.dat").write_bytes(b"\xff\xfe\x00bin")
    (cluster.dir / "dir" / "inner").mkdir(parents=True)
    for name in ("f1", "f2", "inner/f3"):
        cluster.file(f"dir/{name}", f"{name}\n")
    for name in ("volumes.yaml", "nokind.yaml", "nocrd.yaml", "two.yaml", "invalid.yaml", "bare.yaml", "diff.yaml"):
        cluster.file(name, (HERE / name).read_text(encoding="utf-8"))
    cluster.run(kubectl, "apply", "-f", "web.yaml").ok()
    cluster.run(kubectl, "rollout", "status", "deployment/web", "--timeout=200s").ok()
    cluster.run(kubectl, "apply", "-f", "volumes.yaml").ok()
    cluster.run(kubectl, "wait", "--for=jsonpath={.status.phase}=Bound", "pvc/data", "--timeout=200s").ok()
    # the quota comes last: pods that say nothing of requests are made before it
    objects = (HERE / "objects.yaml").read_text(encoding="utf-8").split("---\n")
    cluster.file("first.yaml", "---\n".join(text for text in objects if "kind: ResourceQuota" not in text))
    cluster.run(kubectl, "apply", "-f", "first.yaml").ok()
    cluster.run(kubectl, "wait", "--for=condition=Ready", "pod/full", "--timeout=200s").ok()
    cluster.run(kubectl, "wait", "--for=condition=Complete", "job/once", "--timeout=200s").ok()
    cluster.run(kubectl, "rollout", "status", "statefulset/db", "--timeout=200s").ok()
    cluster.run(kubectl, "rollout", "status", "daemonset/agent", "--timeout=200s").ok()
    cluster.run(kubectl, "apply", "-f", "objects.yaml").ok()
    eventually(lambda: "<unknown>" not in cluster.run(kubectl, "get", "hpa", "web").ok().out, "the autoscaler has a number")
    eventually(lambda: cluster.run(kubectl, "logs", "deployment/web").out.count("\n") >= 2, "the pods say something")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--kubectl")
    parser.add_argument("--only", help="only lines that match")
    args = parser.parse_args()
    kubectl = shutil.which(args.kubectl or os.environ.get("KUBECTL") or "kubectl")
    if not kubectl:
        print("skipped: no kubectl; name one in $KUBECTL")
        sys.exit(SKIP)
    with Cluster(pathlib.Path(args.binary).resolve()) as cluster:
        version = json.loads(cluster.run(kubectl, "version", "--client", "-o", "json").ok().out)["clientVersion"]
        if int(re.match(r"v1\.(\d+)", version["gitVersion"]).group(1)) < MINOR_MIN:
            print(f"skipped: kubectl {version['gitVersion']} is older than 1.{MINOR_MIN}")
            sys.exit(SKIP)
        settle(cluster, kubectl)
        bad, lines = 0, 0
        # both at once: what they read does not change, and it takes half the time
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            for line in lines_of("reads.txt", args.only):
                words = shlex.split(line)
                lines += 1
                theirs = other.submit(cluster.run, kubectl, *words)
                bad += not same(line, cluster.tui(*words), theirs.result())
        for namespace in ("ours", "theirs"):
            cluster.run(kubectl, "create", "namespace", namespace).ok()
        for line in lines_of("writes.txt", None):
            words = shlex.split(line)
            lines += 1
            alike = same(line, cluster.tui("-n", "ours", *words), cluster.run(kubectl, "-n", "theirs", *words))
            bad += not alike and bool(not args.only or re.search(args.only, line))
    print(f"{lines - bad} of {lines} lines are the same")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
