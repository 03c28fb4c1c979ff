#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our commands print what kubectl prints: same_text.py --binary KUBE-TUI [--kubectl KUBECTL]

Each line of READS is given to both on the same cluster at rest; output and exit code must be the same. Each of WRITES is done
by both, each in a namespace of its own. Wants a kubectl of at least 1.32, whose texts are the ones we follow.
"""
import argparse
import difflib
import json
import os
import re
import shlex
import shutil
import sys

from cluster import Cluster, SKIP, eventually
from kubectl import MANIFEST

MINOR_MIN = 32
READS = """\
get pods
get pods -A
get pods -o wide
get pods -o name
get pods -l app=web
get pods -l app=none
get pods --no-headers
get pods --show-labels
get pods -L app
get pods --sort-by=.metadata.name -o name
get pods --field-selector=status.phase=Running
get pods --field-selector=status.phase=Failed -A
get deploy,svc,cm
get all
get all -A
get nodes
get nodes -o wide
get ns
get sa
get rs -o wide
get deploy web -o yaml
get deploy web -o json
get deploy web -o yaml --show-managed-fields
get svc -o yaml
get cm settings -o json
get cm settings nothere
get pods nothere
get nosuchkind
get deploy/web svc/web
get deploy/web svc/web -o name
get deploy web -o jsonpath={.spec.replicas}
get pods -o jsonpath={.items[*].metadata.name}
get pods -o jsonpath='{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}'
get pods -o jsonpath={.nothere}
get pods -o jsonpath={.items
get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image,NONE:.a.b
get pods -o custom-columns=NAME:.metadata.name --no-headers
get --raw /version
get --raw /api/v1/namespaces/default/configmaps/settings
get events -o name
get clusterroles
get clusterrole view -o yaml
get deploy web --subresource=scale
get deploy web --subresource=status -o name
get endpointslices -o wide
get leases -A -o name
api-resources
api-resources --namespaced=false
api-resources -o wide
api-resources -o name
api-resources --api-group=apps
api-versions
explain pods
explain pods.spec.restartPolicy
explain pods.spec.nodeName
explain deploy.spec.strategy
rollout status deployment/web
rollout history deployment/web
auth can-i create pods
auth can-i create pods --as=jane
diff -f web.yaml
config current-context
config get-contexts
logs deployment/web --limit-bytes=60
wait --for=condition=Available deployment/web
wait --for=jsonpath={.status.readyReplicas}=2 deployment/web
wait --for=condition=Nothing deployment/web --timeout=1s
label --list cm settings
create configmap a --from-literal=x=y --dry-run=client -o yaml
create configmap a --from-literal=x=y --dry-run=client
create sa a --dry-run=client -o yaml
apply -f web.yaml --dry-run=server
scale deploy/web --replicas=3 --dry-run=server
delete deploy web --dry-run=server
"""
WRITES = """\
create -f web.yaml
create -f web.yaml
delete -f web.yaml --wait=false
apply -f web.yaml
apply -f web.yaml
apply --server-side -f web.yaml --force-conflicts
apply -f unknown.yaml
apply -f nothere.yaml
create deployment api --image=example.org/api:1 --replicas=2
create configmap one --from-literal=a=b
create secret generic one --from-literal=a=b
create sa robot
create job once --image=example.org/once:1
run alone --image=example.org/alone:1
scale deployment/web --replicas=3
scale deployment/web --replicas=3 --current-replicas=9
set image deployment/web main=example.org/web:2
rollout restart deployment/web
rollout pause deployment/web
rollout pause deployment/web
rollout resume deployment/web
rollout undo deployment/web
label cm settings tier=front
label cm settings tier=front
label cm settings tier=back
label cm settings tier=back --overwrite
label cm settings tier-
label cm settings tier-
annotate cm settings note=hello
annotate cm settings note-
patch cm settings --type=merge -p '{"data":{"a":"b"}}'
patch cm settings --type=merge -p '{"data":{"a":"b"}}'
patch cm settings --type=json -p '[{"op":"remove","path":"/data/none"}]'
get cm settings -o yaml
get cm,sa,secret -o name
delete cm settings
delete cm settings
delete cm settings --ignore-not-found
delete deploy,svc -l app=web
delete pod alone --grace-period=0 --force
delete job once --cascade=orphan
delete cm --all
delete nosuch x
"""
NORMAL = [
    # what differs between any two moments, requests or objects
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b(\d+h)?(\d+m)?\d+m?s\b( +)?", "AGE "),
    (r"resourceVersion: \"\d+\"", "resourceVersion: N"),
    (r"\"resourceVersion\": \"\d+\"", "resourceVersion: N"),
    (r"\b10(\.\d+){3}\b *", "IP "),
    (r"-[0-9a-f]{6,10}-[a-z0-9]{5}\b", "-HASH-NAME"),
    (r"\b(kubectl|kube-tui)\S*", "CLIENT"),
    (r"\b(ours|theirs)\b", "NS"),
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


def settle(cluster, kubectl):
    cluster.file("web.yaml", MANIFEST)
    cluster.file("broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n")
    cluster.file("unknown.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, nmae: b}\ndata: {a: b}\n")
    cluster.run(kubectl, "apply", "-f", "web.yaml").ok()
    cluster.run(kubectl, "rollout", "status", "deployment/web", "--timeout=50s").ok()
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
    with Cluster(args.binary) as cluster:
        version = json.loads(cluster.run(kubectl, "version", "--client", "-o", "json").ok().out)["clientVersion"]
        if int(re.match(r"v1\.(\d+)", version["gitVersion"]).group(1)) < MINOR_MIN:
            print(f"skipped: kubectl {version['gitVersion']} is older than 1.{MINOR_MIN}")
            sys.exit(SKIP)
        settle(cluster, kubectl)
        bad, lines = 0, 0
        for line in READS.splitlines():
            if args.only and not re.search(args.only, line):
                continue
            words = shlex.split(line)
            lines += 1
            bad += not same(line, cluster.tui(*words), cluster.run(kubectl, *words))
        for namespace in ("ours", "theirs"):
            cluster.run(kubectl, "create", "namespace", namespace).ok()
        for line in WRITES.splitlines():
            words = shlex.split(line)
            lines += 1
            bad += not same(line, cluster.tui("-n", "ours", *words), cluster.run(kubectl, "-n", "theirs", *words)) and bool(
                not args.only or re.search(args.only, line))
    print(f"{lines - bad} of {lines} lines are the same")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
