#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An unmodified kubectl does a day's work on a cluster: kubectl.py --binary KUBE-TUI --kubectl KUBECTL"""
import argparse
import json
import os
import re
import shutil
import sys

from cluster import Cluster, SKIP, eventually, run_steps

MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: web}}
data: {color: blue, size: "3"}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: example.org/web:1
        ports: [{containerPort: 8080}]
        resources: {requests: {cpu: 10m, memory: 16Mi}}
"""
OWNED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {color: %s}\n"


class Client:
    """kubectl on one cluster."""

    def __init__(self, cluster, kubectl):
        self.cluster, self.kubectl = cluster, kubectl

    def __call__(self, *words, **how):
        return self.cluster.run(self.kubectl, *words, **how)

    def value(self, path, *words):
        return self("get", *words, "-o", f"jsonpath={{{path}}}").ok().out

    def rolled_out(self):
        self("rollout", "status", "deployment/web", "--timeout=200s").ok("successfully rolled out")


def versions(k):
    said = json.loads(k("version", "-o", "json").ok().out)
    if "serverVersion" not in said:
        raise AssertionError(f"no server version: {said}")
    k("cluster-info").ok("is running at")
    k("api-resources").ok("^deployments +deploy +apps/v1 +true +Deployment$")
    k("api-versions").ok("^apps/v1$", "^v1$")


def applies(k):
    k.manifest = k.cluster.file("web.yaml", MANIFEST)
    k("create", "--dry-run=server", "-f", k.manifest).ok(r"deployment\.apps/web created \(server dry run\)")
    k("apply", "-f", k.manifest).ok("^configmap/settings created$", "^service/web created$",
                                    r"^deployment\.apps/web created$")
    k("apply", "-f", k.manifest).ok("^configmap/settings unchanged$", "^service/web unchanged$",
                                    r"^deployment\.apps/web unchanged$")
    k("create", "-f", k.manifest).fails(1, r'\(AlreadyExists\): .*configmaps "settings" already exists')
    k.rolled_out()
    k("wait", "--for=condition=Ready", "pod", "-l", "app=web", "--timeout=200s").ok("condition met")
    k("get", "deployment", "web").ok(r"^NAME +READY +UP-TO-DATE +AVAILABLE +AGE$", r"^web +2/2 +2 +2 +\S+$")
    k("get", "pods", "-o", "wide").ok("^NAME .* IP +NODE +NOMINATED NODE +READINESS GATES$", r"^web-\S+ +1/1 +Running +0 ")


def describes(k):
    k("describe", "deployment", "web").ok(r"^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$",
                                          "^ +Image: +example.org/web:1$", "ScalingReplicaSet")
    k("describe", "service", "web").ok(r"^Endpoints: +10\.\S+:8080")
    k("describe", "pods", "-l", "app=web").ok("^Status: +Running$", "Successfully assigned default/web-")
    k("describe", "node").ok("^Conditions:$", "KubeletReady")


def scales_and_rolls(k):
    k("scale", "deployment/web", "--replicas=4").ok(r"^deployment\.apps/web scaled$")
    k.rolled_out()
    k("get", "deploy/web").ok(r"^web +4/4 ")
    k("scale", "deployment/web", "--replicas=1", "--current-replicas=2").fails(1, "Expected replicas to be 2, was 4")
    k("set", "image", "deployment/web", "main=example.org/web:2").ok("image updated$")
    k.rolled_out()
    k("rollout", "history", "deployment/web").ok("^1 ", "^2 ")
    assert k.value(".spec.template.spec.containers[0].image", "deploy", "web") == "example.org/web:2"
    k("rollout", "undo", "deployment/web").ok("rolled back$")
    k.rolled_out()
    assert k.value(".spec.template.spec.containers[0].image", "deploy", "web") == "example.org/web:1"
    k("rollout", "restart", "deployment/web").ok("restarted$")
    k.rolled_out()
    k("rollout", "pause", "deployment/web").ok("paused$")
    k("rollout", "resume", "deployment/web").ok("resumed$")


def patches(k):
    strategic = {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}]}]}}}}
    k("patch", "deploy", "web", "-p", json.dumps(strategic)).ok("patched$")
    # a strategic patch merges the container by its name, a merge patch replaces the list
    assert k.value(".spec.template.spec.containers[0].image", "deploy", "web") == "example.org/web:1"
    assert k.value(".spec.template.spec.containers[0].env[0].value", "deploy", "web") == "1"
    k("patch", "cm", "settings", "--type=merge", "-p", '{"data":{"size":null,"shape":"round"}}').ok("patched$")
    assert json.loads(k.value(".data", "cm", "settings")) == {"color": "blue", "shape": "round"}
    k("patch", "cm", "settings", "--type=json", "-p", '[{"op":"replace","path":"/data/color","value":"red"}]').ok("patched$")
    assert k.value(".data.color", "cm", "settings") == "red"
    k("patch", "cm", "settings", "--type=json", "-p", '[{"op":"test","path":"/data/color","value":"green"}]').fails(1)
    k("patch", "cm", "settings", "--type=merge", "-p", '{"data":{"color":"red"}}').ok(r"patched \(no change\)$")
    k("label", "cm", "settings", "tier=front").ok("labeled$")
    k("label", "cm", "settings", "tier=back").fails(1, "already has a value")
    k("annotate", "cm", "settings", "note=hello").ok("annotate(d)?$")


def applies_on_the_server(k):
    blue, red = k.cluster.file("blue.yaml", OWNED % "blue"), k.cluster.file("red.yaml", OWNED % "red")
    k("apply", "--server-side", "-f", blue).ok("^configmap/owned serverside-applied$")
    k("apply", "--server-side", "--field-manager=other", "-f", red).fails(
        1, r'^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.color$', "--force-conflicts")
    k("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", red).ok("serverside-applied$")
    assert k.value(".data.color", "cm", "owned") == "red"
    managers = k("get", "cm", "owned", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}").ok()
    managers.wants("other" in managers.out, "the other manager owns nothing")


def edits(k):
    editor = k.cluster.file("editor", "#!/bin/sh\nsed -i 's/color: red/color: green/' \"$1\"\n")
    editor.chmod(0o755)
    k("edit", "cm", "settings", env={"EDITOR": str(editor)}).ok("^configmap/settings edited$")
    assert k.value(".data.color", "cm", "settings") == "green"
    unchanged = k("edit", "cm", "settings", env={"EDITOR": "true"}).ok()
    unchanged.wants("Edit cancelled, no changes made." in unchanged.err, "does not say that nothing changed")


def explains_and_diffs(k):
    k("explain", "deployment.spec.strategy").ok(r"^KIND: +Deployment$", r"^ *type\t<string>")
    k("explain", "pods", "--recursive").ok("containerPort")
    changed = k("diff", "-f", k.cluster.file("other.yaml", MANIFEST.replace("replicas: 2", "replicas: 3"))).fails(1)
    changed.wants(re.search(r"^\+ +replicas: 3$", changed.out, re.M), "the diff does not show it")
    k("apply", "-f", k.manifest).ok("configured$")
    k.rolled_out()
    k("diff", "-f", k.manifest).ok()


def looks_closer(k):
    eventually(lambda: k("top", "nodes").status == 0, "usage of nodes is known")
    k("top", "nodes").ok(r"^NAME +CPU\(cores\) +CPU.* +MEMORY\(bytes\) ", r" +\d+m +\d+% +\d+Mi +\d+%")
    eventually(lambda: "web-" in k("top", "pods").out, "usage of pods is known")
    k("logs", "deployment/web", "--tail=1").ok("^.+$")
    k("logs", "-l", "app=web", "--prefix", "--tail=1").ok(r"^\[pod/web-\S+/main\] ")
    pod = k.value(".items[0].metadata.name", "pods", "-l", "app=web")
    k("logs", pod, "-c", "none").fails(1, "container none is not valid for pod")
    ran = k("exec", pod, "--", "true")
    ran.wants(ran.status != 0 and ran.err, "a simulated container ran a program")
    k("auth", "can-i", "create", "pods").ok("^yes$")
    k("auth", "can-i", "create", "pods", "--as=jane").fails(1)
    k("events", "--for", f"pod/{pod}").ok("Scheduled", "Started")
    k("get", "events").ok("Scheduled")
    k("get", "nodes", "--no-headers").ok(r"^\S+ +Ready +<none> +\S+ +v1\.")
    node = k.value(".items[0].metadata.name", "nodes")
    k("cordon", node).ok("cordoned$")
    k("get", "node", node).ok("Ready,SchedulingDisabled")
    k("drain", node, "--ignore-daemonsets", "--timeout=200s").ok("drained$")
    k("uncordon", node).ok("uncordoned$")
    k.rolled_out()


def watches(k):
    watch = k.cluster.start(k.kubectl, "get", "pods", "-w", "--no-headers")
    try:
        k("run", "once", "--image=example.org/once:1", "--restart=Never").ok("^pod/once created$")
        for line in watch.stdout:
            if re.match(r"once +1/1 +Running ", line):
                break
        else:
            raise AssertionError("the watch ended before the pod ran")
    finally:
        watch.terminate()
        watch.wait()
    k("get", "all", "-A").ok(r"^NAMESPACE +NAME +", r"^default +pod/once ", r"^default +deployment\.apps/web ",
                             r"^default +service/kubernetes ", r"^default +replicaset\.apps/web-")


def deletes(k):
    k("delete", "pod", "once").ok('^pod "once" deleted')
    k("delete", "pod", "once").fails(1, r'\(NotFound\): pods "once" not found')
    k("delete", "pod", "once", "--ignore-not-found").ok()
    k("delete", "-f", k.manifest).ok(r'^deployment\.apps "web" deleted')
    k("wait", "--for=delete", "pod", "-l", "app=web", "--timeout=200s").ok()
    left = k("get", "deploy,rs,pods").ok()
    left.wants(not left.out, "the garbage collector left something")
    k("create", "namespace", "team").ok("^namespace/team created$")
    k("-n", "team", "create", "deployment", "app", "--image=example.org/app:1").ok("created$")
    k("delete", "namespace", "team", "--timeout=200s").ok('^namespace "team" deleted')
    k("get", "namespace", "team").fails(1, "NotFound")


def forces(k):
    # the kubelet removes what it sees terminating, in a race with the request itself
    for i in range(8):
        k("run", f"hasty-{i}", "--image=example.org/hasty:1").ok()
        k("delete", "pod", f"hasty-{i}", "--grace-period=0", "--force").ok("force deleted")
        k("get", "pod", f"hasty-{i}").fails(1, "NotFound")


STEPS = [versions, applies, describes, scales_and_rolls, patches, applies_on_the_server, edits, explains_and_diffs,
         looks_closer, watches, deletes, forces]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--kubectl")
    args = parser.parse_args()
    kubectl = shutil.which(args.kubectl or os.environ.get("KUBECTL") or "kubectl")
    if not kubectl:
        print("skipped: no kubectl; name one in $KUBECTL")
        sys.exit(SKIP)
    with Cluster(args.binary) as cluster:
        sys.exit(run_steps(STEPS, Client(cluster, kubectl)))


if __name__ == "__main__":
    main()
