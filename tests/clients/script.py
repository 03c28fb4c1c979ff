#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session over many commands, as the prompt and `-c` have it, and deletions that are not meant: script.py --binary KUBE-TUI"""
import argparse
import fcntl
import json
import os
import pathlib
import pty
import select
import subprocess
import sys
import termios

from cluster import Cluster, run_steps

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shelves.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: shelves, singular: shelf, kind: Shelf, shortNames: [sh], categories: [furniture]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
SHELF = "apiVersion: example.org/v1\nkind: Shelf\nmetadata: {name: oak}\nspec: {boards: 3}\n"


def kinds_that_come_during_a_session(cluster):
    cluster.file("crd.yaml", CRD)
    cluster.file("shelf.yaml", SHELF)
    established = "wait --for=condition=Established crd/shelves.example.org --timeout=200s"
    lines = ["get cm", "get furniture || echo none yet", "apply -f shelf.yaml || echo not yet", "apply -f crd.yaml", established,
             "apply -f shelf.yaml", "get sh -o name", "get furniture -o name", "delete shelf oak"]
    done = cluster.tui("-c", "\n".join(lines)).ok("^none yet$", "^not yet$", r"^shelf\.example\.org/oak created$")
    done.wants(done.out.count("shelf.example.org/oak\n") == 2, "not found by short name and category")
    done.wants('no matches for kind "Shelf" in version "example.org/v1"' in done.err, "the first was not refused")


def an_unknown_kind_among_known_ones(cluster):
    """What the other objects point at stays valid."""
    other = "apiVersion: example.net/v1\nkind: Lamp\nmetadata: {name: a}\n"
    maps = "".join(f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map-{i}}}\n" for i in range(3))
    cluster.file("mixed.yaml", f"{maps}---\n{other}{maps.replace('map-', 'late-')}")
    cluster.tui("-c", "get ns; apply -f mixed.yaml || echo; get cm/late-2 -o name").ok("^configmap/late-2$", "map-0 created")


def delete_takes_no_type_for_a_cluster(cluster):
    needs_name = "^error: resource.s. were provided, but no name was specified$"
    cluster.tui("delete", "pods").fails(1, needs_name)
    cluster.tui("delete", "deploy").fails(1, needs_name)
    cluster.tui("delete", "nosuch").fails(1, 'have a resource type "nosuch"', 'no cluster called "nosuch" either')
    cluster.tui("delete", "cm", "").fails(1, "resource name may not be empty")
    cluster.tui("-c", "X=default; get ns $X -o name").ok("^namespace/default$")
    # an option of objects never deletes a cluster
    cluster.tui("delete", cluster.name, "--dry-run=client").fails(1, "have a resource type")
    cluster.tui("delete", "--dry-run=client").fails(1, "must provide one or more resources")
    cluster.tui("delete", cluster.name, "-n", "default").fails(1, "have a resource type")
    cluster.tui("list").ok(rf"^{cluster.name} +Running")


def a_cluster_takes_no_name_that_means_something_else(cluster):
    for name, why in (("secrets", "kind Secret"), ("deploy", "kind Deployment"), ("get", "is a command"), ("repl", "is a command")):
        cluster.tui("up", name, "--kubeconfig", cluster.dir / "other", "--port", "0").fails(1, f'called "{name}".*{why}')
    cluster.tui("up", "lamp", "--kubeconfig", cluster.dir / "other", "--port", "0", "--nodes", "1").ok()
    cluster.tui("delete", "lamp").ok("^lamp deleted$")


def a_cluster_keeps_its_shape(cluster):
    def up(*more):
        return cluster.tui("up", "lamp", "--kubeconfig", cluster.dir / "lamp", "--port", "0", *more)

    def names(*more):
        said = cluster.tui("get", *more, "-o", "name", "--kubeconfig", cluster.dir / "lamp").ok()
        return said.out.split()

    up("--nodes", "2", "--service-cluster-ip-range", "10.9.0.0/24").ok("2 nodes")
    (cluster.dir / "lamp").unlink()
    assert not up("--nodes", "2").ok("already").err, "nothing to warn of"
    assert len(names("nodes")) == 2, "the kubeconfig is there again"
    assert "regard to --nodes, --components\n" in up("--nodes", "4", "--components", "api").ok("already").err
    up("--components", "api,nonsense").fails(1, 'unknown component "nonsense"')
    cluster.tui("down", "lamp").ok()
    up().ok("2 nodes")
    cluster.tui("get", "svc", "kubernetes", "--kubeconfig", cluster.dir / "lamp").ok(r" 10\.9\.0\.1 ")
    cluster.tui("down", "lamp").ok()
    up("--components", "api").ok("0 nodes")
    cluster.tui("down", "lamp").ok()
    up("--components", "").ok("2 nodes")
    cluster.tui("delete", "lamp").ok()


def arguments_of_a_script(cluster):
    cluster.file("args.kt", "echo $1-$2-$3\n")
    cluster.tui("args.kt", "a", "b c").ok("^a-b c-$")
    cluster.tui("-c", "source args.kt x y z; source args.kt q").ok("^x-y-z$", "^q--$")
    cluster.tui("-c", "echo $1", "one").ok("^one ?$")


def options_of_a_session(cluster):
    context = f"kube-tui-{cluster.name}"
    cluster.file("where.kt", "get cm -o name\n")
    for words in (("-c", "get cm -o name"), ("where.kt",)):
        cluster.tui("--context", context, "-n", "kube-system", *words).ok("^configmap/extension-apiserver-authentication$")
        cluster.tui("--namespace=kube-system", f"--kubeconfig={cluster.kubeconfig}", *words).ok("^configmap/extension-")
        cluster.tui("--context", "nowhere", *words).fails(1, 'context "nowhere" does not exist')
    cluster.tui("repl", "--context=nowhere").fails(1, 'context "nowhere" does not exist')
    cluster.tui("--context", context, "repl", "-n", "kube-system", stdin="get cm -o name\n").ok("^configmap/extension-")
    cluster.tui("repl", "now").fails(2, 'error: repl takes no "now"')
    cluster.tui("--context", context, "-c").fails(2, "error: -c needs the lines to run")
    cluster.tui("-n", "kube-system", "get", "cm", "-o", "name").ok("^configmap/extension-")


def here_documents(cluster):
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: here}}"
    cluster.tui("-c", f"apply -f - <<END\n{manifest}\nEND\necho next").ok("^configmap/here created$", "^next$")
    cluster.file("here.yaml", manifest)
    cluster.tui("-c", "apply -f - < here.yaml").ok("^configmap/here unchanged$")


def outputs_of_commands(cluster):
    def run(text):
        return cluster.tui("-c", text)

    run("create cm red; x=$(get cm red -o name); echo \"<$x>\"").ok("^<configmap/red>$")
    run("x=$(get cm red -o name | tr a-z A-Z)\necho got:$x").ok("^got:CONFIGMAP/RED$")
    run("delete $(get cm red -o name | cat)").ok('^configmap "red" deleted')
    run("x=$(get cm none)\necho not here").fails(1, "not found")
    run("false || echo $(!echo from the shell)").ok("^from the shell$")
    run("echo $(echo a\necho b) $(!exit 3)c").ok("^a b c$")
    run("x=$(!exit 3)").fails(3)
    # what is not run is not replaced either
    run("get cm none -o name && echo $(create cm never)").fails(1, "not found")
    run("get cm never").fails(1, "not found")
    cluster.file("loop.kt", "echo $(source loop.kt)\n")
    assert "too deep" in cluster.tui("loop.kt").err, "a script that runs itself"


def text_that_ends_too_early(cluster):
    cluster.file("open.kt", "echo one\necho 'two\nthree\n")
    cluster.tui("open.kt").fails(1, "^error: quotes or .* are opened here and never closed$", "^open.kt:2: stopped")
    cluster.tui("-c", "echo one \\").ok("^one ?$")


def a_full_disk_behind_standard_output(cluster):
    full = cluster.run("sh", "-c", f"{cluster.binary} get clusterroles -o yaml > /dev/full")
    full.fails(1, "^error: write /dev/stdout: no space left on device$")
    cluster.run("sh", "-c", f"{cluster.binary} get pods -A -o yaml | head -n 1").ok("^apiVersion: v1$")


def apply_goes_over_to_the_server(cluster):
    """What a client-side apply owned is taken away when a server-side apply lacks it, as kubectl does."""
    def apply(data, *more):
        cluster.file("over.yaml", json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "over"}, "data": data}))
        return cluster.tui("apply", "-f", "over.yaml", *more).ok()

    def stored():
        return json.loads(cluster.tui("get", "cm", "over", "-o", "json", "--show-managed-fields").ok().out)

    apply({"a": "1", "b": "1"})
    assert apply({"a": "2"}, "--server-side", "--dry-run=server").out and set(stored()["data"]) == {"a", "b"}
    said = apply({"a": "2"}, "--server-side")
    assert said.out == "configmap/over serverside-applied\n" and not said.err, said
    after = stored()
    managers = {(entry["manager"], entry["operation"]) for entry in after["metadata"]["managedFields"]}
    assert after["data"] == {"a": "2"} and managers == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}, after
    apply({"a": "3"})
    assert stored()["data"] == {"a": "3"}


def a_mistyped_command(cluster):
    cluster.tui("delpoy").fails(1, '^error: unknown command "delpoy" for "kube-tui"$')
    cluster.tui("gte", "pods").fails(1, "^Did you mean this[?]$", "^\tget$")


def a_prompt_on_a_terminal(cluster):
    """^C drops all lines of a statement; a pasted block runs with its here-document."""
    master, slave = pty.openpty()
    prompt = subprocess.Popen([cluster.binary, "repl"], stdin=slave, stdout=slave, stderr=slave, close_fds=True,
                              env={**cluster.env, "TERM": "xterm"}, cwd=cluster.dir, start_new_session=True,
                              preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    said = b""

    def until(text):
        nonlocal said
        while text.encode() not in said:
            if not select.select([master], [], [], 20)[0]:
                raise AssertionError(f"no {text!r} in {said!r}")
            said += os.read(master, 65536)
        said = said.split(text.encode(), 1)[1]

    try:
        until("> ")
        for _ in range(30):  # also right after the prompt is there, when readline does not read yet
            os.write(master, b"echo 'half\n")
            until("... ")
            os.write(master, b"\x03")
            until("> ")
        os.write(master, b"echo who''le\n")
        until("\rwhole")
        until("> ")
        os.write(master, b"\x1b[200~apply -f - <<END\n{apiVersion: v1, kind: ConfigMap, metadata: {name: pasted}}\nEND\necho d''one\x1b[201~\n")
        until("configmap/pasted created")
        until("\ndone")
        until("> ")
        os.write(master, b"exit\n")
        prompt.wait(20)
    finally:
        prompt.kill()
        os.close(master)


def assertions(cluster):
    cluster.tui("-c", "create cm blue; assert 'get cm/blue -o name' == configmap/blue within 2s").ok()
    cluster.tui("-c", "X=blue; assert 'get cm/$X -o name' contains blue").ok()
    cluster.tui("-c", "assert 'get cm none' fails").ok()
    cluster.tui("-c", "assert 'get cm -o name' == nosuch within 100ms").fails(1, "^assertion failed: get cm -o name$", "nosuch")
    cluster.tui("-c", "assert 'get cm | wc -l' == 3").fails(1, "more than one command")


CONFIG = """\
apiVersion: v1
kind: Config
current-context: b
clusters:
- {name: zeta, cluster: {server: "https://127.0.0.1:1"}}
- {name: alpha, cluster: {server: "https://127.0.0.1:2"}}
contexts:
- {name: b, context: {cluster: alpha, user: root, namespace: x}}
- {name: a, context: {cluster: zeta, user: root}}
users:
- {name: root, user: {token: abc}}
"""


def kubeconfigs(cluster):
    path = cluster.file("config.yaml", CONFIG)

    def config(*words):
        return cluster.tui("config", *words, "--kubeconfig", path)

    assert config("get-clusters").ok().out == "NAME\nalpha\nzeta\n"
    assert config("get-users").ok().out == "NAME\nroot\n"
    assert config("get-contexts", "-o", "name").ok().out == "a\nb\n"
    config("get-contexts", "a", "none").fails(1, "context none not found")
    config("rename-context", "b", "a").fails(1, 'cannot rename the context "b", the context "a" already exists in ')
    config("rename-context", "q", "z").fails(1, 'cannot rename the context "q", it\'s not in ')
    config("rename-context", "b", "c").ok('^Context "b" renamed to "c".$')
    config("current-context").ok("^c$")
    config("use", "nosuch").fails(1, 'no context exists with the name: "nosuch"')
    config("set-context").fails(1, "you must specify a non-empty context name or --current")
    config("set-context", "a", "--current").fails(1, "you cannot specify both a context name and --current")
    config("set-context", "--current", "--namespace=foo", "--user=guest").ok('^Context "c" modified.$')
    config("set-context", "new", "--cluster=zeta").ok('^Context "new" created.$')
    wanted = "c alpha guest foo, new zeta  ,"
    template = "jsonpath={range .contexts[1:]}{.name} {.context.cluster} {.context.user} {.context.namespace}, {end}"
    config("view", "-o", template).wants(config("view", "-o", template).out.strip() == wanted, f"not {wanted!r}")
    config("set-context", "new", "--namespace=").ok("modified")
    config("delete-context", "zz").fails(1, "cannot delete context zz, not in ")
    config("delete-context", "c").ok("^deleted context c from ")
    config("delete-cluster", "alpha").ok("^deleted cluster alpha from ")
    config("view", "--minify").fails(1, "cannot locate context c")
    config("view", "--raw").ok("token: abc", "^current-context: c$").wants("alpha" not in config("view").out, "alpha is there yet")
    config("view").ok("token: REDACTED")


CSR = """\
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: NAME}
spec:
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
  request: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQ2REQ0NBVndDQVFBd0x6RVZNQk1HQTFVRUNnd01jM2x6ZEdWdE9tNXZaR1Z6TVJZd0ZBWURWUVFEREExegplWE4wWlcwNmJtOWtaVHA0TUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FROEFNSUlCQ2dLQ0FRRUF1VkxVCmdWVUJBdXhPT1A4MlJ3SzMwZVJJeXZYU3dvQ3dGazBvY0tud05ac3JYTEJrd00zeHhCUTJNOFdkaGJEQXd6RnQKME5QTzM0M1RxNXAwWGFrSXRSWHNmTFNyT0orWTlKUmc2V3Z4Q0tKQWo2YTB2UUJrSkFzb1NKL0V2R3dyRHZxVgpuNFZpeEEzUTNBSFc0bjIxZUlXNkJ6S0ZIekQ3aG5WY0FUK21QMzRwVy84UjFZVWpxRVZzM24wbDVEM1p1dVd2CkNlQXM3VjIvQnQ4V25tTWVFaldtTXFpUE9rOHlnSm8zUWZ0Y0RUbm1OajZ2SXJvN240UndXRXpGU0lxYzBEWGIKZ0ZtODdSRitqRGhJV2t4N3ZIYzErei9nOXVqUmV6ZXRLRXJ4WjhlVDFiRHRUdEhFUklsdVA2MFpzNmN0RG1RYgpLajg4S3NHaGRlWTdGOTFiMHdJREFRQUJvQUF3RFFZSktvWklodmNOQVFFTEJRQURnZ0VCQUU5ajRWOG9va0Y4ClpjRHljd3I5UTZqcDJidEVEQUxLMzRjSExZN2JMR29XWG1nUTBERkNhSnlremRlVldOczNFaUo0cG41dlI5RTcKZHJVaytrZ1dMSFNSOFhGTVBtb0sxeXcxb1lKMEViN3ZTQUU2NktzS2JJU0l0ODR1dGJkS1dvOU1zaXh2RXFPNwpZY3U5THhMcjkzRnFUVzBqTERDTlZvaHl0ZGFDdVdOMkxHaGVIVWpoTUlqR1ZjWGx1NGVEVEFOaTRxcTA1UENiCkFiS1BBUGNPbThHUFFBWjRtZXorbWoxSWIwakR2ZEYybUFkU3pyVG5tVHBMN1FoY1FQeVZTekFlMGNmU3Z0VysKV1pDR2tSQjJza3RXRUJFY2VDcG1NREo1Rkt2TEdVZzQ4c01lb0pMcHY4c015YlV5Y0ZNSDRUN01BSEdUMjlmagpUNzJoaGpqUlZYaz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==
"""


def answers_to_signing_requests(cluster):
    for name in ("good", "bad"):
        cluster.file("csr.yaml", CSR.replace("NAME", name))
        cluster.tui("create", "-f", "csr.yaml").ok()
    cluster.tui("certificate", "approve", "good").ok("^certificatesigningrequest.certificates.k8s.io/good approved$")
    cluster.tui("certificate", "approve", "good").ok("approved$")
    cluster.tui("certificate", "deny", "csr/bad", "-o", "name").ok("^certificatesigningrequest.certificates.k8s.io/bad$")
    cluster.tui("wait", "--for=jsonpath={.status.certificate}", "csr/good", "--timeout=30s").ok()
    conditions = cluster.tui("get", "csr", "bad", "-o", "jsonpath={.status.conditions[*].type}").ok()
    conditions.wants(conditions.out == "Denied", "not denied")
    cluster.tui("certificate", "approve", "none").fails(1, 'certificates.k8s.io "none" not found')
    cluster.tui("certificate", "deny").fails(1, "one or more CSRs must be specified")


def fields_of_kubeconfigs(cluster):
    path = cluster.file("fields.yaml", CONFIG)
    cluster.file("ca.pem", "a certificate\n")

    def config(*words):
        return cluster.tui("config", *words, "--kubeconfig", path)

    def view(template):
        return config("view", "--raw", "-o", f"jsonpath={template}").ok().out

    config("set-cluster", "zeta", "--server=https://x", "--certificate-authority=ca.pem", "--embed-certs").ok('^Cluster "zeta" set')
    assert view('{.clusters[?(@.name=="zeta")].cluster}') == \
        '{"certificate-authority-data":"YSBjZXJ0aWZpY2F0ZQo=","server":"https://x"}'
    config("set-cluster", "new", "--embed-certs").fails(1, "must specify a --certificate-authority to embed")
    config("set-credentials", "root", "--username=a", "--password=b").ok('^User "root" set.$')
    assert view('{.users[?(@.name=="root")].user}') == '{"password":"b","username":"a"}', "the token is there yet"
    config("set-credentials", "root", "--token=t", "--username=a").fails(1, "more than one authentication method")
    config("set-credentials", "tool", "--exec-command=x", "--exec-arg=a,b", "--exec-env=A=b", "--exec-env=C=d").ok()
    config("set-credentials", "tool", "--exec-env=A-").ok()
    assert view('{.users[?(@.name=="tool")].user.exec.args} {.users[?(@.name=="tool")].user.exec.env}') == \
        '["a","b"] [{"name":"C","value":"d"}]'
    config("set", "clusters.a.b.server", "https://y").ok('^Property "clusters.a.b.server" set.$')
    assert view('{.clusters[?(@.name=="a.b")].cluster.server}') == "https://y"
    config("set", "clusters.zeta.insecure-skip-tls-verify", "maybe").fails(1, 'ParseBool: parsing "maybe": invalid syntax')
    config("set", "clusters.zeta.certificate-authority-data", "hi", "--set-raw-bytes").ok()
    config("set", "contexts.a.namespace", "n").ok()
    config("set", "nonsense", "x").fails(1, "unable to parse nonsense after")
    config("set", "current-context", "a").ok()
    config("current-context").ok("^a$")
    config("unset", "contexts.a.namespace").ok('^Property "contexts.a.namespace" unset.$')
    config("unset", "users.tool").ok()
    assert view("{.users[*].name} {.contexts[?(@.name=='a')].context.namespace}") == "root "
    config("unset", "current-context").ok()
    config("current-context").fails(1, "current-context is not set")


def versions(cluster):
    version = json.loads(cluster.tui("version", "-o", "json").ok().out)
    assert version["clientVersion"]["gitVersion"].startswith("v" + version["clientVersion"]["major"] + "."), version
    assert version["serverVersion"]["major"] == "1", version
    cluster.tui("version", "-o", "yaml", "--client").ok("^clientVersion:$", "^  gitVersion: v")
    cluster.tui("version", "-o", "xml").fails(1, "--output must be 'yaml' or 'json'")


STEPS = [kinds_that_come_during_a_session, an_unknown_kind_among_known_ones, delete_takes_no_type_for_a_cluster,
         a_cluster_takes_no_name_that_means_something_else, a_cluster_keeps_its_shape, arguments_of_a_script, options_of_a_session, here_documents, outputs_of_commands, apply_goes_over_to_the_server,
         text_that_ends_too_early, a_full_disk_behind_standard_output, a_mistyped_command, a_prompt_on_a_terminal, assertions,
         kubeconfigs, fields_of_kubeconfigs,
         answers_to_signing_requests,
         versions]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    args = parser.parse_args()
    with Cluster(pathlib.Path(args.binary).resolve()) as cluster:
        sys.exit(run_steps(STEPS, cluster))


if __name__ == "__main__":
    main()
