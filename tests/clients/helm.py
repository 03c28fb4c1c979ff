#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""helm installs, upgrades, rolls back and removes a chart: helm.py --binary KUBE-TUI [--helm HELM]

The chart is what such charts are: a hook, a custom resource and its definition, RBAC, and what serves. Skipped without helm.
"""
import argparse
import json
import re
import shutil
import sys

from cluster import Cluster, SKIP, eventually, run_steps

CHART = "apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: '1'\n"
VALUES = "replicas: 2\nimage: example.org/web:1\npullError: ''\n"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sprockets.web.example.org}
spec:
  group: web.example.org
  scope: Namespaced
  names: {plural: sprockets, singular: sprocket, kind: Sprocket, listKind: SprocketList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer, default: 3}}}}}}
"""
TEMPLATE = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Release.Name }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: {{ .Release.Name }}}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: {{ .Release.Name }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .Release.Name }}}
subjects: [{kind: ServiceAccount, name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  image: {{ .Values.image }}
  minor: "{{ .Capabilities.KubeVersion.Minor }}"
  autoscales: "{{ .Capabilities.APIVersions.Has "autoscaling/v2" }}"
  looked: "{{ (lookup "v1" "Namespace" "" "default").kind }}"
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData: {password: {{ randAlphaNum 8 | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      {{- with .Values.pullError }}
      annotations: {simulated.kube-tui.io/pull-error: {{ . | quote }}}
      {{- end }}
    spec:
      serviceAccountName: {{ .Release.Name }}
      containers:
      - name: main
        image: {{ .Values.image }}
        ports: [{name: http, containerPort: 8080}]
        envFrom: [{configMapRef: {name: {{ .Release.Name }}}}]
        readinessProbe: {httpGet: {path: /, port: http}}
        resources: {requests: {cpu: 10m, memory: 16Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec:
  rules:
  - host: web.example.org
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ .Release.Name }}, port: {name: http}}}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Release.Name }}}
spec: {minAvailable: 1, selector: {matchLabels: {app: {{ .Release.Name }}}}}
---
apiVersion: web.example.org/v1
kind: Sprocket
metadata: {name: {{ .Release.Name }}}
spec: {}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  template:
    metadata: {annotations: {simulated.kube-tui.io/run-time: 50ms}}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "example.org/migrate:1"}]}
"""
TEST = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test, simulated.kube-tui.io/run-time: 50ms}
spec: {restartPolicy: Never, containers: [{name: test, image: "example.org/test:1"}]}
"""
FILES = {"Chart.yaml": CHART, "values.yaml": VALUES, "crds/crd.yaml": CRD, "templates/all.yaml": TEMPLATE,
         "templates/hook.yaml": JOB, "templates/tests/test.yaml": TEST}


class Helm:
    def __init__(self, cluster, helm):
        self.cluster, self.helm = cluster, helm
        for name, text in FILES.items():
            path = cluster.dir / "chart" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        # helm 4 calls it by what it does
        self.atomic = "--rollback-on-failure" if self("version", "--short").out.startswith("v4") else "--atomic"

    def __call__(self, *words):
        return self.cluster.run(self.helm, *words)

    def value(self, path, *words):
        return self.cluster.tui("get", *words, "-o", f"jsonpath={{{path}}}").ok().out


def installs(helm):
    helm("lint", "chart").ok()
    helm("install", "web", "chart", "--wait", "--timeout", "30s").ok("^STATUS: deployed$")
    assert helm.value(".status.readyReplicas", "deployment", "web") == "2"
    assert json.loads(helm.value(".data", "configmap", "web")) == {
        "image": "example.org/web:1", "minor": "35", "autoscales": "true", "looked": "Namespace"}
    assert helm.value(".spec.size", "sprocket", "web") == "3"
    helm("install", "web", "chart").fails(1, "cannot re-use a name that is still in use|cannot reuse a name")
    # the hook's job went when it had succeeded
    helm.cluster.tui("get", "job", "web-migrate").fails(1, "not found")


def tells(helm):
    helm("list").ok(r"^web\s+default\s+1\s.*\sdeployed\s+web-0\.1\.0")
    helm("status", "web").ok("^STATUS: deployed$")
    helm("get", "manifest", "web").ok("^kind: Deployment$", "^kind: Sprocket$")
    helm("get", "hooks", "web").ok("^kind: Job$")
    helm("test", "web", "--logs").ok(r"^Phase:\s+Succeeded$")


def upgrades_and_rolls_back(helm):
    helm("upgrade", "web", "chart", "--dry-run=server", "--set", "replicas=9").ok("^  replicas: 9$", 'looked: "Namespace"')
    helm("upgrade", "web", "chart", "--set", "replicas=3,image=example.org/web:2", "--wait", "--timeout", "30s").ok()
    assert helm.value(".status.readyReplicas", "deployment", "web") == "3"
    helm("upgrade", "web", "chart", "--set", "pullError=none,image=example.org/web:3", helm.atomic, "--timeout", "4s").fails(
        1, "has been rolled back")
    assert helm.value(".spec.template.spec.containers[0].image", "deployment", "web") == "example.org/web:2"
    helm("rollback", "web", "1", "--wait", "--timeout", "30s").ok("Rollback was a success")
    assert helm.value(".spec.template.spec.containers[0].image", "deployment", "web") == "example.org/web:1"
    states = re.findall(r"^(\d+)\s.*\s(superseded|failed|deployed)\s", helm("history", "web").ok().out, re.M)
    assert states == [("1", "superseded"), ("2", "superseded"), ("3", "failed"), ("4", "superseded"), ("5", "deployed")], states


def uninstalls(helm):
    helm("uninstall", "web", "--wait", "--timeout", "30s").ok('release "web" uninstalled')
    for kind in ("deployment", "service", "ingress", "sprocket"):
        assert helm.cluster.tui("get", kind, "web").status == 1, kind
    # definitions of the folder crds stay
    helm.cluster.tui("get", "crd", "sprockets.web.example.org").ok()
    eventually(lambda: not helm.value(".items[*].metadata.name", "pods", "-l", "app=web"), "pods go")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--helm", default=shutil.which("helm"))
    options = arguments.parse_args()
    if not options.helm:
        print("skipped: no helm")
        return SKIP
    with Cluster(options.binary) as cluster:
        return run_steps((installs, tells, upgrades_and_rolls_back, uninstalls), Helm(cluster, options.helm))


if __name__ == "__main__":
    sys.exit(main())
