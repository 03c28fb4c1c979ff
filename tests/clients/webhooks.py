#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Admission webhooks of a real HTTPS server: webhooks.py --binary KUBE-TUI

The webhook's path says what it does. It serves with the cluster's own certificate, which is for 127.0.0.1 and
kubernetes.default.svc and not for 127.0.0.2.
"""
import argparse
import base64
import http.client
import http.server
import json
import socket
import ssl
import sys
import threading
import time

from cluster import Cluster, eventually, run_steps
from crash import Server

GROUP = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"


def patch(*operations):
    text = json.dumps([dict(zip(("op", "path", "value"), operation)) for operation in operations])
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(text.encode()).decode()}


def append_letter(review, letter):
    """Shows in which order webhooks are asked, and how often."""
    before = review["request"]["object"].get("data", {}).get("order", "")
    if not review["request"]["object"].get("data"):
        return patch(("add", "/data", {"order": letter}))
    return patch(("add", "/data/order", before + letter))


def answer_of(path, review):
    """(status, response) where response is bytes, or the `response` of the review."""
    words = path.strip("/").split("/")
    simple = {
        "allow": {"allowed": True},
        "deny": {"allowed": False, "status": {"message": "not today"}},
        "silent": {"allowed": False},
        "reason": {"allowed": False, "status": {"reason": "Moon", "code": 200}},
        "teapot": {"allowed": False, "status": {"code": 403, "message": "no tea", "reason": "Forbidden",
                                                "details": {"causes": [{"field": "data.tea", "message": "cold"}]}}},
        "warn": {"allowed": True, "warnings": ["mind the gap"], "auditAnnotations": {"seen": "yes"}},
        "wrong-uid": {"allowed": True, "uid": "somebody-else"},
        "missing-path": patch(("remove", "/data/none")),
        "no-type": {"allowed": True, "patch": base64.b64encode(b"[]").decode()},
        "no-base": {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(b"{").decode()},
        "wrong-type": patch(("add", "/data", {"a": 1})),
        "label": patch(("add", "/metadata/labels", {"touched": "yes"})),
        "unlabel": patch(("remove", "/metadata/labels")),
        "managed": patch(("replace", "/metadata/managedFields", [{"operation": "Rubbish"}])),
        "sidecar": patch(("add", "/spec/containers/-", {"name": "side", "image": "side"})),
        "status": patch(("add", "/status", {"replicas": 99})),
        "scale": patch(("replace", "/spec/replicas", 7)),
        "rename": patch(("replace", "/metadata/namespace", "elsewhere")),
    }
    if words[0] == "append":
        return 200, append_letter(review, words[1])
    if words[0] in simple:
        return 200, simple[words[0]]
    raw = {"garbage": b"<html>", "empty": b"", "list": b"[]", "absent": json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}).encode(), "unnamed": json.dumps(
        {"response": {"uid": review["request"]["uid"], "allowed": True}}).encode()}
    if words[0] in raw:
        return 200, raw[words[0]]
    return int(words[1]), b"broken\n"


def convert(request):
    """v1 has spec.hostPort where v2 has spec.host and spec.port. It also tries what it may not."""
    made = []
    for thing in json.loads(json.dumps(request["objects"])):
        spec = thing.get("spec", {})
        if thing["apiVersion"].endswith("/v1") and "hostPort" in spec:
            host, _, port = spec.pop("hostPort").partition(":")
            spec.update(host=host, port=port)
        elif thing["apiVersion"].endswith("/v2") and "host" in spec:
            spec["hostPort"] = f"{spec.pop('host')}:{spec.pop('port')}"
        thing["apiVersion"] = request["desiredAPIVersion"]
        thing["metadata"]["finalizers"] = ["example.com/never"]
        thing["metadata"].setdefault("annotations", {})["converted"] = "to " + request["desiredAPIVersion"][-2:]
        made.append(thing)
    return made


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path, _, query = self.path.partition("?")
        self.server.seen.append((path, query, review, dict(self.headers)))
        if review["kind"] == "ConversionReview":
            return self.reply(200, json.dumps({"apiVersion": review["apiVersion"], "kind": "ConversionReview", "response": {
                "uid": review["request"]["uid"], "convertedObjects": convert(review["request"]),
                "result": {"status": "Success"} if path == "/convert" else {
                    "status": "Failed", "message": "no way"}}}).encode())
        if path == "/slow":
            self.server.asked.set()
            self.server.ending.wait()
            return None
        if path == "/both":  # answers when two are there
            self.server.both.wait(timeout=10)
        status, response = answer_of("/allow" if path == "/both" else path, review)
        if isinstance(response, dict):
            response = json.dumps({"apiVersion": review["apiVersion"], "kind": "AdmissionReview",
                                   "response": {"uid": review["request"]["uid"], **response}}).encode()
        return self.reply(status, response)

    def reply(self, status, response):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if status != 200 else "application/json")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_):
        pass


class HookServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate, key):
        super().__init__(("0.0.0.0", 0), Hook)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server_address[1]
        self.seen, self.asked, self.ending, self.both = [], threading.Event(), threading.Event(), threading.Barrier(2)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass


class Bench:
    """A cluster, a webhook server and the ways to speak with both."""

    def __init__(self, cluster):
        self.cluster, self.api = cluster, Server(cluster)
        folder = next(cluster.dir.glob("state/**/server.crt")).parent
        self.hooks = HookServer(folder / "server.crt", folder / "server.key")
        self.ca = (folder / "ca.crt").read_text(encoding="utf-8")
        self.other = (folder / "admin.crt").read_text(encoding="utf-8")
        self.connection, self.made, self.number = self.api.connect(), [], 0
        self.create("default", path="/api/v1/namespaces/default/serviceaccounts")  # no controller makes it

    def call(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        self.warnings = answer.headers.get_all("Warning") or []
        # a path that is not served yet is answered with plain text
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else {"message": text.decode()}

    def hook(self, path, **fields):
        """A webhook of that path for writes of configmaps of the default namespace."""
        self.number += 1
        client = {"url": f"https://127.0.0.1:{self.hooks.port}/{path}", "caBundle": self.bundle(self.ca)}
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
        return {"name": f"h{self.number}.example.com", "clientConfig": client, "rules": [rule], "sideEffects": "None",
                "admissionReviewVersions": ["v1"], "timeoutSeconds": 10, **fields}

    @staticmethod
    def bundle(pem):
        return base64.b64encode(pem.encode()).decode()

    def configure(self, kind, *hooks, name=None):
        self.number += 1
        name = name or f"c{self.number}"
        plural = f"{GROUP}/{kind}webhookconfigurations"
        status, answer = self.call("POST", plural, {"metadata": {"name": name}, "webhooks": list(hooks)})
        assert status == 201, answer
        self.made.append(f"{plural}/{name}")

    def reset(self):
        while self.made:
            assert self.call("DELETE", self.made.pop())[0] == 200
        self.hooks.seen.clear()

    def create(self, name=None, query="", path=MAPS, **fields):
        self.number += 1
        body = {"metadata": {"name": name or f"m{self.number}", **fields.pop("metadata", {})}, **fields}
        return self.call("POST", path + query, body)

    def says(self, kind, hook, status, message, **how):
        """What the creation of a configmap is answered with one such webhook."""
        self.reset()
        self.configure(kind, hook)
        got, answer = self.create(**how)
        wanted = message.replace("NAME", hook["name"]).replace("URL", str(hook["clientConfig"].get("url")))
        assert (got, answer.get("message")) == (status, wanted), f"{got} {answer}\nwanted {status} {wanted}"
        return answer


FAILED = 'Internal error occurred: failed calling webhook "NAME": '
CALL = FAILED + "failed to call webhook: "


def denies(bench):
    answer = bench.says("validating", bench.hook("deny"), 400,
                        'admission webhook "NAME" denied the request: not today')
    # paths are joined as kube-apiserver's client does, which controller-runtime's envtest counts on
    bench.says("validating", bench.hook("/deny"), 400, 'admission webhook "NAME" denied the request: not today')
    bench.says("validating", bench.hook("allow/.././deny/"), 400, 'admission webhook "NAME" denied the request: not today')
    assert answer["status"] == "Failure" and "details" not in answer and "reason" not in answer, answer
    bench.says("validating", bench.hook("silent"), 400, 'admission webhook "NAME" denied the request without explanation')
    bench.says("validating", bench.hook("reason"), 400, 'admission webhook "NAME" denied the request: Moon')
    answer = bench.says("mutating", bench.hook("teapot"), 403, 'admission webhook "NAME" denied the request: no tea')
    assert answer["reason"] == "Forbidden" and answer["details"]["causes"][0]["field"] == "data.tea", answer
    # Ignore is about calls that fail, not about answers
    bench.says("validating", bench.hook("deny", failurePolicy="Ignore"), 400,
               'admission webhook "NAME" denied the request: not today')


def is_shown_the_write(bench):
    bench.configure("validating", bench.hook("warn"))
    status, made = bench.create("shown", "?fieldManager=me", data={"a": "b"})
    assert status == 201 and bench.warnings == ['299 - "mind the gap"'], (made, bench.warnings)
    path, query, review, headers = bench.hooks.seen[0]
    request = review["request"]
    assert (path, query, review["apiVersion"], review["kind"]) == (
        "/warn", "timeout=10s", "admission.k8s.io/v1", "AdmissionReview")
    assert headers["User-Agent"] == "kube-apiserver-admission" and headers["Content-Type"] == "application/json"
    assert request["kind"] == request["requestKind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (request["name"], request["namespace"], request["operation"], request["dryRun"]) == (
        "shown", "default", "CREATE", False)
    assert request["object"] == {**made, "metadata": {
        key: value for key, value in made["metadata"].items() if key != "resourceVersion"}}, request["object"]
    assert request["oldObject"] is None and "system:masters" in request["userInfo"]["groups"]
    assert request["options"] == {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me"}
    status, patched = bench.call("PATCH", f"{MAPS}/shown", {"data": {"a": "c"}}, "application/merge-patch+json")
    request = bench.hooks.seen[1][2]["request"]
    assert status == 200 and request["operation"] == "UPDATE" and request["options"]["kind"] == "PatchOptions"
    assert request["oldObject"]["data"] == {"a": "b"} and request["object"]["data"] == {"a": "c"}, patched
    assert bench.call("DELETE", f"{MAPS}/shown?gracePeriodSeconds=0")[0] == 200
    request = bench.hooks.seen[2][2]["request"]
    assert request["operation"] == "DELETE" and request["object"] is None and request["oldObject"]["data"] == {"a": "c"}
    assert request["options"]["kind"] == "DeleteOptions" and request["options"]["gracePeriodSeconds"] == 0
    assert len(bench.hooks.seen) == 3, bench.hooks.seen


def refuses_deletes(bench):
    bench.create("kept")
    bench.configure("validating", bench.hook("deny"))
    status, answer = bench.call("DELETE", f"{MAPS}/kept")
    assert status == 400 and "denied the request: not today" in answer["message"], answer
    bench.reset()
    bench.configure("mutating", bench.hook("label"))
    status, answer = bench.call("DELETE", f"{MAPS}/kept")
    assert status == 500 and "which is not supported for this operation" in answer["message"], answer
    bench.reset()
    assert bench.call("DELETE", f"{MAPS}/kept")[0] == 200


def asks_once_about_a_pod(bench):
    """A pod that nobody runs is deleted in two steps; that is one request."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["pods"]}
    bench.configure("validating", bench.hook("allow", rules=[rule]))
    pods = "/api/v1/namespaces/default/pods"
    status, made = bench.create("one", path=pods, spec={"containers": [{"name": "c", "image": "i"}]})
    assert status == 201, made
    assert bench.call("DELETE", f"{pods}/one")[0] == 200
    assert [seen[2]["request"]["operation"] for seen in bench.hooks.seen] == ["DELETE"], bench.hooks.seen


def calls_that_fail(bench):
    say, hook, invalid = bench.says, bench.hook, FAILED + "received invalid webhook response: "
    answer = say("validating", hook("code/500"), 500, CALL + 'an error on the server ("broken") has prevented the '
                 "request from succeeding")
    assert answer["reason"] == "InternalError" and answer["details"]["causes"][0]["message"] == answer["message"][25:]
    say("validating", hook("code/404"), 500, CALL + "the server could not find the requested resource")
    say("validating", hook("code/503"), 500, CALL + "the server is currently unable to handle the request")
    say("validating", hook("empty"), 500,
        CALL + "0-length response with status code: 200 and content type: application/json")
    say("validating", hook("absent"), 500, invalid + "webhook response was absent")
    say("validating", hook("label"), 500, invalid + "validating webhook may not return response.patch")
    say("validating", hook("unnamed"), 500, invalid + "expected webhook response of admission.k8s.io/v1, "
        "Kind=AdmissionReview, got /, Kind=")
    say("mutating", hook("no-type"), 500, invalid + "webhook returned response.patch but not response.patchType")
    bench.reset()
    bench.configure("validating", bench.hook("wrong-uid"))
    uid = bench.create()[1]["message"].split('response.uid="')[1].split('"')[0]
    assert uid == bench.hooks.seen[0][2]["request"]["uid"]
    bench.reset()
    bench.configure("validating", bench.hook("garbage"))
    answer = bench.create()[1]["message"]
    assert "failed to call webhook: couldn't get version/kind; json parse error: " in answer, answer
    for kind in "validating", "mutating":
        bench.reset()
        bench.configure(kind, hook("garbage", failurePolicy="Ignore"), hook("code/500", failurePolicy="Ignore"))
        assert bench.create()[0] == 201 and len(bench.hooks.seen) == 2


def certificates_are_checked(bench):
    verify = CALL + 'Post "URL?timeout=10s": tls: failed to verify certificate: x509: '
    url = f"https://127.0.0.1:{bench.hooks.port}/allow"
    unknown = bench.hook("allow", clientConfig={"url": url, "caBundle": bench.bundle(bench.other)})
    bench.says("validating", unknown, 500, verify + "certificate signed by unknown authority")
    bench.says("validating", bench.hook("allow", clientConfig={"url": url}), 500,
               verify + "certificate signed by unknown authority")
    bench.reset()
    elsewhere = f"https://127.0.0.2:{bench.hooks.port}/allow"
    bench.configure("validating", bench.hook("allow", clientConfig={
        "url": elsewhere, "caBundle": bench.bundle(bench.ca)}))
    status, answer = bench.create()
    assert status == 500 and "x509: certificate is valid for " in answer["message"], answer
    assert answer["message"].endswith(", not 127.0.0.2"), answer
    assert not bench.hooks.seen, "a review was sent to a server that is not the one meant"
    # a bundle that comes later counts at once, and one that goes does not linger on the connection
    bench.says("validating", unknown, 500, verify + "certificate signed by unknown authority")
    path = bench.made[0]
    good = [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": bench.bundle(bench.ca)}]
    bad = [{**good[0], "value": bench.bundle(bench.other)}]
    assert bench.call("PATCH", path, good, "application/json-patch+json")[0] == 200
    assert bench.create()[0] == 201
    assert bench.call("PATCH", path, bad, "application/json-patch+json")[0] == 200
    assert bench.create()[0] == 500


def time_is_limited(bench):
    hooks = bench.hooks
    began = time.monotonic()
    bench.says("validating", bench.hook("slow", timeoutSeconds=1), 500,
               CALL + 'Post "URL?timeout=1s": context deadline exceeded')
    assert time.monotonic() - began < 8
    # the request's own time counts too
    bench.says("mutating", bench.hook("slow", timeoutSeconds=30), 500,
               CALL + 'Post "URL?timeout=30s": context deadline exceeded', query="?timeout=1s")
    bench.reset()
    bench.configure("mutating", bench.hook("slow", timeoutSeconds=1, failurePolicy="Ignore"))
    assert bench.create()[0] == 201
    # a webhook that sleeps holds up nobody else, and a client that goes away ends its wait
    bench.reset()
    hooks.asked.clear()
    bench.configure("validating", bench.hook("slow", timeoutSeconds=30))
    waiting = bench.api.connect()
    waiting.request("POST", MAPS, json.dumps({"metadata": {"name": "waits"}}), {"Content-Type": "application/json"})
    assert hooks.asked.wait(30), "the webhook is not asked"
    for _ in range(20):
        other = bench.api.connect()
        other.request("GET", MAPS)
        assert other.getresponse().status == 200
        other.close()
    waiting.sock.close()
    waiting.close()
    bench.reset()
    assert bench.call("GET", f"{MAPS}/waits")[0] == 404


def nobody_listens(bench):
    refused = bench.hook("x", clientConfig={"url": "https://127.0.0.1:1/x"})
    bench.says("mutating", refused, 500,
               CALL + 'Post "URL?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused')
    service = {"namespace": "default", "name": "hooks", "path": "/deny"}
    of_service = bench.hook("x", clientConfig={"service": service, "caBundle": bench.bundle(bench.ca)})
    post = CALL + 'Post "https://hooks.default.svc:443/deny?timeout=10s": '
    bench.says("validating", of_service, 500, post + 'service "hooks" not found')
    services = "/api/v1/namespaces/default/services"
    assert bench.create("hooks", path=services, spec={"ports": [{"port": 444}]})[0] == 201
    bench.says("validating", of_service, 500, post + 'no service port 443 found for service "hooks"')
    ports = {"spec": {"ports": [{"port": 443}]}}
    assert bench.call("PATCH", f"{services}/hooks", ports, "application/merge-patch+json")[0] == 200
    bench.says("validating", of_service, 500, post + 'no endpoints available for service "hooks"')
    assert bench.call("DELETE", f"{services}/hooks")[0] == 200


def services_are_reached(bench):
    """The certificate is for kubernetes.default.svc: that service's endpoints become the webhook's."""
    address = own_address()
    if not address:
        print("skipped: this machine has no address but loopback, which no endpoint may have")
        return
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    service = {"namespace": "default", "name": "kubernetes", "path": "/deny", "port": 443}
    hook = bench.hook("x", clientConfig={"service": service, "caBundle": bench.bundle(bench.ca)})
    for found in bench.call("GET", slices)[1]["items"]:
        bench.call("DELETE", f"{slices}/{found['metadata']['name']}")
    number = {"name": "https", "port": bench.hooks.port, "protocol": "TCP"}
    status, answer = bench.create("hooks", path=slices, metadata={"labels": {"kubernetes.io/service-name": "kubernetes"}},
                                  addressType="IPv4", ports=[number], endpoints=[{"addresses": [address]}])
    assert status == 201, answer
    bench.says("validating", hook, 400, 'admission webhook "NAME" denied the request: not today')
    bench.reset()
    assert bench.call("DELETE", f"{slices}/hooks")[0] == 200


def own_address():
    """An address of this machine that is no loopback; None when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))  # sends nothing
        except OSError:
            return None
        return probe.getsockname()[0]


def mutates(bench):
    bench.configure("mutating", bench.hook("label"))
    status, made = bench.create("labelled", "?fieldManager=me")
    assert status == 201 and made["metadata"]["labels"] == {"touched": "yes"}, made
    # as with the real server, nobody manages what a webhook wrote
    assert "touched" not in json.dumps(made["metadata"].get("managedFields", [])), made
    assert bench.call("GET", f"{MAPS}/labelled")[1] == made
    bench.reset()
    # decoded, defaulted and validated again
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    bench.configure("mutating", bench.hook("sidecar", rules=[rule]))
    pods = "/api/v1/namespaces/default/pods"
    status, made = bench.create("two", path=pods, spec={"containers": [{"name": "c", "image": "i"}]})
    assert status == 201 and made["spec"]["containers"][1]["imagePullPolicy"] == "Always", made
    mounts = [container.get("volumeMounts") for container in made["spec"]["containers"]]
    assert mounts[0] == mounts[1] and mounts[0], "the plugins do not see what the webhook added"
    status, answer = bench.create("three", path=pods, spec={"containers": [{"name": "side", "image": "i"}]})
    assert status == 422 and 'spec.containers[1].name: Duplicate value: "side"' in answer["message"], answer
    bench.says("mutating", bench.hook("wrong-type"), 500, "Internal error occurred: " + bench_decode_error())
    bench.reset()
    bench.configure("mutating", bench.hook("managed"))
    status, made = bench.create(query="?fieldManager=me", data={"a": "b"})
    assert status == 201 and made["metadata"]["managedFields"][0]["manager"] == "me", made
    assert "managedFields was in an invalid state after admission" in bench.warnings[0]
    bench.reset()
    bench.configure("mutating", bench.hook("rename"))
    status, answer = bench.create()
    assert status == 400 and "namespace of the provided object does not match" in answer["message"], answer


def bench_decode_error():
    return "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"


def order_and_again(bench):
    bench.configure("mutating", bench.hook("append/b"), name="2-later")
    bench.configure("mutating", bench.hook("append/a", reinvocationPolicy="IfNeeded"), bench.hook("append/x"),
                    name="1-first")
    status, made = bench.create()
    # a and x of the first configuration, b of the second; then a once more, since x and b came after it
    assert status == 201 and made["data"]["order"] == "axba", made
    bench.reset()
    bench.configure("mutating", bench.hook("append/a", reinvocationPolicy="IfNeeded"))
    assert bench.create()[1]["data"]["order"] == "a", "its own change is no reason to ask it again"


def dry_runs(bench):
    bench.configure("validating", bench.hook("allow", sideEffects="NoneOnDryRun"))
    assert bench.create(query="?dryRun=All")[0] == 201
    assert bench.hooks.seen[0][2]["request"]["dryRun"] is True
    assert bench.hooks.seen[0][2]["request"]["options"]["dryRun"] == ["All"]


def matching(bench):
    def asked(configured, how, wanted):
        bench.reset()
        bench.configure("validating", bench.hook("deny", **configured))
        status, answer = bench.create(**how)
        assert (status == 400) == wanted, f"{configured} {how}: {status} {answer}"

    labelled = {"metadata": {"labels": {"team": "a"}}}
    asked({"objectSelector": {"matchLabels": {"team": "a"}}}, labelled, True)
    asked({"objectSelector": {"matchLabels": {"team": "a"}}}, {}, False)
    own = {"kubernetes.io/metadata.name": "default"}
    asked({"namespaceSelector": {"matchLabels": own}}, {}, True)
    asked({"namespaceSelector": {"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["default"]}]}}, {}, False)
    asked({"matchConditions": [{"name": "x", "expression": "object.metadata.name == 'hit'"}]}, {"name": "hit"}, True)
    asked({"matchConditions": [{"name": "x", "expression": "request.operation == 'DELETE'"}]}, {}, False)
    # a condition that cannot be judged refuses, unless failures are ignored
    broken = {"matchConditions": [{"name": "x", "expression": "object.nothing.here == 1"}]}
    bench.reset()
    bench.configure("validating", bench.hook("allow", **broken))
    status, answer = bench.create("n")
    assert status == 403 and answer["message"].startswith('configmaps "n" is forbidden: '), answer
    asked({**broken, "failurePolicy": "Ignore"}, {}, False)
    events = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["events"]}
    event = {"path": "/apis/events.k8s.io/v1/namespaces/default/events", "eventTime": "2026-01-01T00:00:00.000000Z",
             "action": "a", "reason": "r", "type": "Normal", "note": "n", "reportingController": "c.example.com/c",
             "reportingInstance": "i", "regarding": {"namespace": "default"}}
    asked({"rules": [events], "matchPolicy": "Exact"}, dict(event), False)
    asked({"rules": [events]}, dict(event), True)
    seen = bench.hooks.seen[0][2]["request"]
    assert seen["kind"]["group"] == "" and seen["requestKind"]["group"] == "events.k8s.io", seen
    assert seen["object"]["message"] == "n" and seen["object"]["apiVersion"] == "v1", seen
    # who configures webhooks is not subject to them
    bench.reset()
    every = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    bench.configure("validating", bench.hook("deny", rules=[every]))
    assert bench.create("ns", path="/api/v1/namespaces")[0] == 400
    assert bench.hooks.seen[0][2]["request"]["namespace"] == "ns", "a namespace is in itself"
    bench.reset()


def scales_are_seen_as_scales(bench):
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "d"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    status, made = bench.create("d", path=deployments, spec={"selector": {"matchLabels": labels}, "template": template})
    assert status == 201, made
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments/scale"]}
    bench.configure("mutating", bench.hook("scale", rules=[rule]))
    more = {"spec": {"replicas": 3}}
    status, scale = bench.call("PATCH", f"{deployments}/d/scale", more, "application/merge-patch+json")
    assert status == 200 and scale["kind"] == "Scale" and scale["spec"]["replicas"] == 7, scale
    request = bench.hooks.seen[0][2]["request"]
    assert request["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}, request
    assert request["resource"]["resource"] == "deployments" and request["subResource"] == "scale", request
    assert request["object"]["kind"] == "Scale" and request["object"]["spec"] == {"replicas": 3}, request
    assert request["oldObject"]["spec"] == {"replicas": 1}, request
    bench.reset()
    # the main resource's webhooks may not write the status
    rule = {**rule, "resources": ["deployments"]}
    bench.configure("mutating", bench.hook("status", rules=[rule]))
    status, made = bench.call("PATCH", f"{deployments}/d", {"metadata": {"labels": labels}}, "application/merge-patch+json")
    assert status == 200 and "replicas" not in made["status"] and bench.hooks.seen, made


def what_is_not_kept_is_shown_too(bench):
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "CONNECT"],
            "resources": ["pods/exec", "pods/eviction", "pods/binding", "serviceaccounts/token", "selfsubjectaccessreviews"]}
    pods, core = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default"
    status, made = bench.create("shy", path=pods, spec={"containers": [{"name": "c", "image": "i"}]})
    assert status == 201, made
    evict = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "shy"},
             "deleteOptions": {"gracePeriodSeconds": 0}}
    asks = [("Eviction", f"{pods}/shy/eviction", evict),
            ("Binding", f"{pods}/shy/binding", {"target": {"kind": "Node", "name": "n"}}),
            ("TokenRequest", f"{core}/serviceaccounts/default/token", {"spec": {}}),
            ("SelfSubjectAccessReview", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
                "spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}})]
    execute = f"{pods}/shy/exec?command=ls&command=-l&stdin=true&container=c"
    bench.configure("validating", bench.hook("deny", rules=[rule]))
    status, answer = bench.call("POST", execute)
    request = bench.hooks.seen[0][2]["request"]
    assert status == 400 and answer["message"].endswith("denied the request: not today"), answer
    assert request["operation"] == "CONNECT" and request["subResource"] == "exec" and request["options"] is None
    assert request["object"] == {"kind": "PodExecOptions", "apiVersion": "v1", "command": ["ls", "-l"], "stdin": True,
                                 "container": "c"}, request
    for kind, path, body in asks:
        bench.hooks.seen.clear()
        status, answer = bench.call("POST", path, body)
        assert status == 400 and answer["message"].endswith("denied the request: not today"), answer
        request = bench.hooks.seen[0][2]["request"]
        assert request["kind"]["kind"] == request["object"]["kind"] == kind and request["operation"] == "CREATE", request
        assert request.get("subResource", "") == path.split("/")[-1] or "review" in path, request
    assert bench.call("GET", f"{pods}/shy")[0] == 200
    bench.reset()
    bench.configure("validating", bench.hook("allow", rules=[rule]))
    for _, path, body in asks[1:] + asks[:1]:
        status, answer = bench.call("POST", path, body)
        assert status == 201 and len(bench.hooks.seen) == 1, answer
        bench.hooks.seen.clear()
    assert bench.call("GET", f"{pods}/shy")[0] == 404, "the eviction was let through"


def converts_versions(bench):
    """A custom resource whose versions a webhook converts, stored as v1."""
    def version(name, fields):
        spec = {"type": "object", "properties": {field: {"type": "string"} for field in fields}}
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        return {"name": name, "served": True, "storage": name == "v1", "schema": schema, "subresources": {}}

    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    client = {"url": f"https://127.0.0.1:{bench.hooks.port}/convert", "caBundle": bench.bundle(bench.ca)}
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    status, made = bench.create("things.example.com", path=definitions, spec={
        "group": "example.com", "names": names, "scope": "Namespaced", "conversion": conversion,
        "versions": [version("v1", ["hostPort"]), version("v2", ["host", "port"])]})
    assert status == 201, made
    v1, v2 = (f"/apis/example.com/{name}/namespaces/default/things" for name in ("v1", "v2"))
    eventually(lambda: bench.call("GET", v1)[0] == 200, "the definition is served")

    def thing(version, name, spec):
        path = v1 if version == "v1" else v2
        body = {"apiVersion": f"example.com/{version}", "kind": "Thing", "metadata": {"name": name}, "spec": spec}
        return bench.call("POST", path, body)

    status, made = thing("v1", "one", {"hostPort": "a:1"})
    assert status == 201 and not bench.hooks.seen, "nothing is to be converted"
    status, got = bench.call("GET", f"{v2}/one")
    assert status == 200 and got["apiVersion"] == "example.com/v2" and got["spec"] == {"host": "a", "port": "1"}, got
    assert got["metadata"] == {**made["metadata"], "annotations": {"converted": "to v2"}}, got
    request = bench.hooks.seen[0][2]["request"]
    assert request["desiredAPIVersion"] == "example.com/v2" and request["objects"] == [made], request
    watch = bench.api.connect()
    watch.request("GET", f"{v2}?watch=1&resourceVersion=0&timeoutSeconds=60")
    events = watch.getresponse()
    status, made = thing("v2", "two", {"host": "b", "port": "2"})
    assert status == 201 and made["spec"] == {"host": "b", "port": "2"} and made["apiVersion"] == "example.com/v2", made
    assert bench.call("GET", f"{v1}/two")[1]["spec"] == {"hostPort": "b:2"}
    status, made = bench.call("PATCH", f"{v2}/one", {"spec": {"port": "9"}}, "application/merge-patch+json")
    assert status == 200 and made["spec"] == {"host": "a", "port": "9"}, made
    assert bench.call("GET", f"{v1}/one")[1]["spec"] == {"hostPort": "a:9"}
    bench.hooks.seen.clear()
    found = bench.call("GET", v2)[1]["items"]
    assert [item["spec"] for item in found] == [{"host": "a", "port": "9"}, {"host": "b", "port": "2"}], found
    # the watch asks as well, one at a time
    sizes = [len(seen[2]["request"]["objects"]) for seen in bench.hooks.seen]
    assert sizes.count(2) == 1, "a list is one question"
    lines = [json.loads(events.readline()) for _ in range(3)]
    assert [(line["type"], line["object"]["apiVersion"], line["object"]["spec"]) for line in lines] == [
        ("ADDED", "example.com/v2", {"host": "a", "port": "1"}), ("ADDED", "example.com/v2", {"host": "b", "port": "2"}),
        ("MODIFIED", "example.com/v2", {"host": "a", "port": "9"})], lines
    watch.close()
    # writes that meet while they wait for the webhook are all made
    def label(i):
        connection = bench.api.connect()
        connection.request("PATCH", f"{v2}/one", json.dumps({"metadata": {"labels": {f"l{i}": "x"}}}),
                           {"Content-Type": "application/merge-patch+json"})
        answers.append(connection.getresponse().status)

    answers = []
    writers = [threading.Thread(target=label, args=(i,)) for i in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    labels = bench.call("GET", f"{v1}/one")[1]["metadata"]["labels"]
    assert answers == [200] * 8 and len(labels) == 8, (answers, labels)
    status, gone = bench.call("DELETE", f"{v2}/two")
    assert status == 200, gone
    assert bench.call("GET", f"{v1}/two")[0] == 404
    refuse = [{"op": "replace", "path": "/spec/conversion/webhook/clientConfig/url", "value": client["url"] + "-not"}]
    assert bench.call("PATCH", f"{definitions}/things.example.com", refuse, "application/json-patch+json")[0] == 200
    fails = "conversion webhook for example.com/v1, Kind=Thing failed: no way"
    status, answer = eventually(lambda: (lambda got: got if got[0] != 200 else None)(bench.call("GET", f"{v2}/one")), fails)
    assert (status, answer["message"]) == (500, fails), answer
    assert bench.call("GET", f"{v1}/one")[0] == 200
    assert bench.call("PATCH", f"{v2}/one", {"spec": {"port": "3"}}, "application/merge-patch+json")[0] == 500
    # the definition can go although its webhook says no
    assert bench.call("DELETE", f"{definitions}/things.example.com")[0] == 200
    eventually(lambda: bench.call("GET", f"{definitions}/things.example.com")[0] == 404, "the definition goes")


def other_versions(bench):
    bench.configure("mutating", bench.hook("label", admissionReviewVersions=["v9", "v1beta1", "v1"]))
    status, made = bench.create()
    assert status == 201 and made["metadata"]["labels"] == {"touched": "yes"}, made
    assert bench.hooks.seen[0][2]["apiVersion"] == "admission.k8s.io/v1beta1"


def asks_all_at_once(bench):
    """Both webhooks answer only when both have been asked."""
    bench.configure("validating", bench.hook("both"), bench.hook("both"))
    assert bench.create()[0] == 201


def ends_in_spite_of_webhooks(bench):
    """A server that is told to stop does not wait for a webhook that sleeps."""
    bench.hooks.asked.clear()
    bench.configure("validating", bench.hook("slow", timeoutSeconds=30))
    waiting = bench.api.connect()
    waiting.request("POST", MAPS, json.dumps({"metadata": {"name": "waits"}}), {"Content-Type": "application/json"})
    assert bench.hooks.asked.wait(30), "the webhook is not asked"
    began = time.monotonic()
    bench.cluster.tui("down", bench.cluster.name).ok()
    assert time.monotonic() - began < 20, "it waits"
    waiting.close()
    bench.made.clear()


STEPS = (denies, is_shown_the_write, refuses_deletes, asks_once_about_a_pod, calls_that_fail, certificates_are_checked,
         nobody_listens, services_are_reached, mutates, order_and_again, dry_runs, matching, scales_are_seen_as_scales,
         other_versions, what_is_not_kept_is_shown_too, converts_versions, asks_all_at_once, time_is_limited, ends_in_spite_of_webhooks)


def fresh(step):
    def run(bench):
        bench.reset()
        try:
            step(bench)
        except (http.client.HTTPException, OSError) as why:
            bench.connection = bench.api.connect()
            raise AssertionError(f"{type(why).__name__}: {why}") from why
        finally:
            bench.reset()
    run.__name__ = step.__name__
    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    arguments = parser.parse_args()
    with Cluster(arguments.binary, "webhooks", ["--components", "api"]) as cluster:
        bench = Bench(cluster)
        code = run_steps([fresh(step) for step in STEPS], bench)
        bench.hooks.ending.set()
        return code


if __name__ == "__main__":
    sys.exit(main())
