#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 while clients write, and the same cluster again: crash.py --binary KUBE-TUI

What was answered with 201 must be there afterwards with the same content and revision, and revisions go on from there.
"""
import argparse
import base64
import http.client
import json
import os
import re
import socket
import ssl
import sys
import threading

from cluster import Cluster, eventually, quiet_port, run_steps

WRITERS = 8
BEFORE_KILL = 400
ROUNDS = 3


class Server:
    """HTTPS to the cluster as its kubeconfig says."""

    def __init__(self, cluster):
        text = cluster.kubeconfig.read_text(encoding="utf-8")
        self.host = re.search(r"server: https://(\S+)", text).group(1)
        self.tls = ssl.create_default_context(cadata=self.pem(text, "certificate-authority-data"))
        both = cluster.file("client.pem", self.pem(text, "client-certificate-data") + self.pem(text, "client-key-data"))
        both.chmod(0o600)
        self.tls.load_cert_chain(both)

    @staticmethod
    def pem(text, name):
        return base64.b64decode(re.search(rf"{name}: (\S+)", text).group(1)).decode()

    def connect(self):
        return http.client.HTTPSConnection(self.host, context=self.tls, timeout=30)


class Writer(threading.Thread):
    """Makes ConfigMaps until the server is gone, and keeps what was acknowledged."""

    def __init__(self, server, prefix, counter):
        super().__init__()
        self.server, self.prefix, self.counter, self.acknowledged, self.wrong = server, prefix, counter, {}, None

    def run(self):
        connection = self.server.connect()
        try:
            for i in range(1_000_000):
                name = f"{self.prefix}-{i}"
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"i": str(i)}}
                connection.request("POST", "/api/v1/namespaces/default/configmaps", json.dumps(body),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                made = json.loads(answer.read())
                if answer.status != 201:
                    self.wrong = made
                    return
                self.acknowledged[name] = made
                self.counter.release()
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the server was killed


def list_all(server):
    connection = server.connect()
    connection.request("GET", "/api/v1/namespaces/default/configmaps")
    answer = json.loads(connection.getresponse().read())
    return answer["metadata"]["resourceVersion"], {item["metadata"]["name"]: item for item in answer["items"]}


def kills_lose_nothing(cluster):
    acknowledged = {}
    for number in range(ROUNDS):
        server = Server(cluster)
        counter = threading.Semaphore(0)
        writers = [Writer(server, f"round-{number}-{i}", counter) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(BEFORE_KILL):
            assert counter.acquire(timeout=60), f"the writers hang: {[w.wrong for w in writers]}"
        cluster.kill()
        for writer in writers:
            writer.join()
            assert not writer.wrong, writer.wrong
            acknowledged.update(writer.acknowledged)
        cluster.up().ok(" ready at ")
        revision, found = list_all(Server(cluster))
        lost = sorted(set(acknowledged) - set(found))
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged objects are lost: {lost[:5]}"
        for name, made in acknowledged.items():
            same = found[name]["data"] == made["data"] and found[name]["metadata"] == made["metadata"]
            assert same, f"{name} was {made} and is {found[name]}"
        last = max(int(made["metadata"]["resourceVersion"]) for made in acknowledged.values())
        assert int(revision) >= last, f"revision {revision} after {last} was acknowledged"


def runs_already(cluster):
    port = re.search(r":(\d+)$", Server(cluster).host).group(1)
    pid = cluster.pid()
    cluster.up().ok(rf"^{cluster.name} runs at https://127\.0\.0\.1:{port} already$")
    assert cluster.pid() == pid, "another process has it"
    cluster.tui("list").ok(rf"^{cluster.name}\s.*{port}")


def comes_back_with_all(cluster):
    """down and up: the same objects, and the same client certificate."""
    before = list_all(Server(cluster))[1]
    server = Server(cluster)
    cluster.tui("down", cluster.name).ok()
    cluster.up().ok(" ready at ")
    after = list_all(Server(cluster))[1]
    assert before == after, "down and up changed objects"
    server.host = Server(cluster).host
    assert list_all(server)[1] == after, "the old client certificate is no longer good"


def port_taken(cluster):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cluster.tui("down", cluster.name).ok()
        said = cluster.tui("up", cluster.name, "--kubeconfig", cluster.kubeconfig, "--port", str(port))
        said.ok(" ready at ").wants(f":{port} " not in said.out, "says it has the taken port")
        said.wants(f"warning: port {port} is taken" in said.err, "does not say that the port is taken")
        list_all(Server(cluster))
    # without --port it has the port of its last run, or another when that is taken meanwhile
    last = quiet_port()
    cluster.tui("down", cluster.name).ok()
    cluster.tui("up", cluster.name, "--kubeconfig", cluster.kubeconfig, "--port", str(last)).ok(f":{last} ")
    cluster.tui("down", cluster.name).ok()
    cluster.tui("up", cluster.name, "--kubeconfig", cluster.kubeconfig).ok(f":{last} ")
    cluster.tui("down", cluster.name).ok()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", last))
        taken.listen()
        cluster.tui("up", cluster.name, "--kubeconfig", cluster.kubeconfig).ok(" ready at ")
        assert not Server(cluster).host.endswith(f":{last}"), "the kubeconfig names the taken port"
        list_all(Server(cluster))


def bad_names(cluster):
    for name in ["../x", "A", "-x", "a/b", "x" * 70]:
        said = cluster.tui("up", "--", name) if name.startswith("-") else cluster.tui("up", name)
        said.wants(said.status != 0 and said.err, f"{name!r} is taken for a name")


def deleted(cluster):
    pid = cluster.pid()
    cluster.tui("delete", cluster.name).ok()
    assert not os.path.exists(f"/proc/{pid}") or eventually(lambda: not os.path.exists(f"/proc/{pid}"), "the process ends")
    left = [path for path in cluster.dir.glob("state/kube-tui/clusters/*")]
    assert not left, f"delete left {left}"
    said = cluster.tui("down", cluster.name)
    said.wants(said.status != 0 or said.out + said.err, "says nothing about a cluster that is gone")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    args = parser.parse_args()
    with Cluster(args.binary, "crash") as cluster:
        sys.exit(run_steps([kills_lose_nothing, runs_already, comes_back_with_all, port_taken, bad_names, deleted], cluster))


if __name__ == "__main__":
    main()
