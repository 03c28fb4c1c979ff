#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client lives through over plain HTTP/1.1: endure.py --binary KUBE-TUI

Pages of a long list while it changes, a watcher that does not read, a watch that goes on where it was cut, also after the
server was killed, and large bodies.
"""
import argparse
import base64
import gzip
import http.client
import json
import re
import socket
import ssl
import sys
import threading
import time

from cluster import Cluster, run_steps

N_OBJECTS, N_WRITERS = 300, 4
MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = {"Content-Type": "application/merge-patch+json"}


class Api:
    """HTTP/1.1 with the kubeconfig's client certificate; a connection for each thread that asks for one."""

    def __init__(self, cluster):
        self.cluster = cluster
        text = cluster.kubeconfig.read_text(encoding="utf-8")
        names = ("certificate-authority-data", "client-certificate-data", "client-key-data")
        ca, cert, key = (cluster.file(name, base64.b64decode(re.search(rf"{name}: (\S+)", text).group(1)).decode())
                         for name in names)
        self.find_server()
        self.tls = ssl.create_default_context(cafile=ca)
        self.tls.load_cert_chain(cert, key)

    def find_server(self):
        text = self.cluster.kubeconfig.read_text(encoding="utf-8")
        self.server = re.search(r"server: https://(\S+)", text).group(1)

    def connect(self):
        return http.client.HTTPSConnection(self.server, context=self.tls, timeout=60)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """Status, headers and the body as it came."""
        connection = connection or self.connect()
        connection.request(method, path, None if body is None else json.dumps(body),
                           {**({} if body is None else {"Content-Type": "application/json"}), **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def get(self, path):
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def watch(self, path):
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer

    def write_all(self, method, path_of, body_of, headers=None):
        """One write for each of the objects, from several threads; all must succeed."""
        wrong = []

        def write(first):
            connection = self.connect()
            for i in range(first, N_OBJECTS, N_WRITERS):
                status, _, body = self.ask(method, path_of(i), body_of(i), headers, connection)
                if status not in (200, 201):
                    wrong.append(body)

        threads = [threading.Thread(target=write, args=(first,)) for first in range(N_WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[0]


def name_of(i):
    return f"map-{i:04}"


def event(answer):
    line = answer.readline()
    assert line, "the watch ended"
    return json.loads(line)


def pages_are_of_one_moment(api):
    api.write_all("POST", lambda _: MAPS,
                  lambda i: {"metadata": {"name": name_of(i), "labels": {"even": str(i % 2 == 0)}}, "data": {"n": str(i)}})
    names, revisions, more, n_pages = [], set(), "", 0
    while True:
        page = api.get(f"{MAPS}?labelSelector=even&limit=100{more}")
        names += [item["metadata"]["name"] for item in page["items"]]
        revisions.add(page["metadata"]["resourceVersion"])
        n_pages += 1
        if n_pages == 1:
            # what changes meanwhile is not seen
            assert api.ask("DELETE", f"{MAPS}/{name_of(N_OBJECTS - 1)}")[0] == 200
            assert api.ask("POST", MAPS, {"metadata": {"name": "map-zzzz", "labels": {"even": "no"}}})[0] == 201
        if "continue" not in page["metadata"]:
            break
        more = f"&continue={page['metadata']['continue']}"
    assert names == [name_of(i) for i in range(N_OBJECTS)], names[-3:]
    assert n_pages == N_OBJECTS // 100 and len(revisions) == 1, (n_pages, revisions)
    half = api.get(f"{MAPS}?labelSelector=even%3DTrue")["items"]
    assert [item["metadata"]["name"] for item in half] == [name_of(i) for i in range(0, N_OBJECTS, 2)]
    assert api.ask("POST", MAPS, {"metadata": {"name": name_of(N_OBJECTS - 1)}})[0] == 201


def who_reads_late_misses_nothing(api):
    late = api.watch(f"{MAPS}?watch=1&resourceVersion={api.get(MAPS + '?limit=1')['metadata']['resourceVersion']}")
    # far more than the buffers on the way hold
    api.write_all("PATCH", lambda i: f"{MAPS}/{name_of(i)}", lambda i: {"data": {"n": str(i) * 14000}}, MERGE)
    seen, last = set(), 0
    while len(seen) < N_OBJECTS:
        change = event(late)
        assert change["type"] == "MODIFIED", change["type"]
        meta = change["object"]["metadata"]
        assert meta["name"] not in seen and int(meta["resourceVersion"]) > last, meta
        seen.add(meta["name"])
        last = int(meta["resourceVersion"])


def a_watch_goes_on_after_a_crash(api):
    first = api.watch(f"{MAPS}?watch=1&resourceVersion={api.get(MAPS + '?limit=1')['metadata']['resourceVersion']}")
    assert api.ask("POST", MAPS, {"metadata": {"name": "before"}})[0] == 201
    revision = event(first)["object"]["metadata"]["resourceVersion"]
    assert api.ask("PATCH", f"{MAPS}/before", {"data": {"not": "seen"}}, MERGE)[0] == 200
    api.cluster.kill()
    api.cluster.up().ok()
    api.find_server()
    assert api.ask("DELETE", f"{MAPS}/before")[0] == 200
    again = api.watch(f"{MAPS}?watch=1&resourceVersion={revision}")
    changes = [event(again), event(again)]
    assert [change["type"] for change in changes] == ["MODIFIED", "DELETED"], changes
    assert changes[0]["object"]["data"] == {"not": "seen"}
    # a revision that is still to come is no excuse for silence or a wrong answer
    status, _, body = api.ask("GET", f"{MAPS}?resourceVersion=999999999")
    assert status == 504 and b"Too large resource version" in body, body


def large_bodies(api):
    most = "x" * 1000000
    assert api.ask("POST", MAPS, {"metadata": {"name": "large"}, "data": {"a": most}})[0] == 201
    status, headers, body = api.ask("GET", f"{MAPS}/large", headers={"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] == "gzip" and len(body) < 100000, headers
    assert json.loads(gzip.decompress(body))["data"] == {"a": most}
    status, _, body = api.ask("POST", MAPS, {"metadata": {"name": "larger"}, "data": {"a": most + most}})
    assert status == 422 and b"may not be more than 1048576 bytes" in body, body
    status, _, body = api.ask("POST", MAPS, {"metadata": {"name": "largest"}, "data": {"a": most * 4}})
    assert status == 413 and b"limit is 3145728" in body, body
    # what is no JSON at all is refused with a reason
    connection = api.connect()
    connection.request("POST", MAPS, gzip.compress(b"{}"), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 400 and json.loads(answer.read())["message"], answer.status


def who_sends_slowly_reads_the_answer(api):
    """The refusal comes before the body's end; what is still on its way must not reset it."""
    host, _, port = api.server.rpartition(":")
    with api.tls.wrap_socket(socket.create_connection((host, int(port)), 60), server_hostname=host) as s:
        s.sendall(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n".encode())
        for _ in range(20):
            s.sendall(b" " * 1000)
            time.sleep(0.1)  # a slow line, not a wait
        answer = s.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:100]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    with Cluster(arguments.parse_args().binary) as cluster:
        return run_steps((pages_are_of_one_moment, who_reads_late_misses_nothing, a_watch_goes_on_after_a_crash, large_bodies,
                          who_sends_slowly_reads_the_answer),
                         Api(cluster))


if __name__ == "__main__":
    sys.exit(main())
