#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in a folder of the user's choice: who has it, what is damaged, and a disk that is full: disk.py --binary KUBE-TUI

The full disk is a small one in memory, mounted in a mount namespace of the test's own; skipped where there may be none.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from cluster import Cluster, alive, eventually, run_steps

IN_NAMESPACE = "KT_TEST_NAMESPACE"
DISK_BYTES = 8 << 20
BIG_BYTES = 100_000


class Folder(Cluster):
    """Lives in --data-dir; `again` starts it without a word about that."""

    def __init__(self, binary):
        super().__init__(binary, "disk")
        self.data = self.dir / "data"
        self.options = ["--data-dir", self.data]

    def again(self):
        return self.tui("up", self.name, "--port", "0")

    def make(self, name, size=10):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"},
                "data": {"text": "x" * size}}
        return self.tui("create", "-f", "-", "--kubeconfig", self.kubeconfig, stdin=json.dumps(body))

    def names(self):
        said = self.tui("get", "configmaps", "-o", "name", "--kubeconfig", self.kubeconfig).ok()
        return set(re.findall(r"configmap/(\S+)", said.out))


def folder_is_remembered(cluster):
    cluster.tui("down", cluster.name).ok()
    cluster.again().ok(" ready at ")
    cluster.tui("list").ok(rf"^{cluster.name}\s+Running")
    pid = cluster.pid()
    cluster.tui("down", cluster.name).ok(f"^{cluster.name} stopped$")
    assert not alive(pid), "it goes on after down"
    cluster.again().ok(" ready at ")


def folder_is_in_use(cluster):
    pid = cluster.pid()
    said = cluster.tui("up", "other", "--data-dir", cluster.data, "--kubeconfig", cluster.kubeconfig, "--port", "0")
    said.fails(1, rf"{cluster.data} is in use by process {pid}$")
    listed = cluster.tui("list").ok(rf"^{cluster.name}\s+Running")
    listed.wants("other" not in listed.out, "a refused `up` leaves a cluster")


def folder_is_one_clusters(cluster):
    """Another name for it is refused; of two that have it all the same (an old state), one runs."""
    cluster.tui("down", cluster.name).ok()
    said = cluster.tui("up", "other", "--data-dir", cluster.data, "--kubeconfig", cluster.kubeconfig, "--port", "0")
    said.fails(1, rf"{cluster.data} has the data of cluster {cluster.name}; ")
    said.wants("other" not in cluster.tui("list").out, "a refused `up` leaves a cluster")
    state = cluster.dir / "state/kube-tui/clusters/other/state.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"dataDir": str(cluster.data)}), encoding="utf-8")
    state.parent.rename(state.parent.with_name("hidden_"))
    cluster.again().ok(" ready at ")
    state.parent.with_name("hidden_").rename(state.parent)
    cluster.tui("list").ok(rf"^{cluster.name}\s+Running", r"^other\s+Stopped")
    cluster.tui("down", "other").ok("^other does not run$")
    cluster.tui("delete", "other").ok(rf"^{cluster.data} stays: cluster {cluster.name} has its data there$", "^other deleted$")
    cluster.tui("list").ok(rf"^{cluster.name}\s+Running")
    assert (cluster.data / "store").is_dir()


def folder_is_removed(cluster):
    """Nobody could find the process any more: it ends by itself."""
    pid = cluster.pid()
    shutil.rmtree(cluster.data)
    eventually(lambda: not alive(pid), "the cluster without its folder ends")
    log = (cluster.dir / f"state/kube-tui/clusters/{cluster.name}/log").read_text(encoding="utf-8")
    assert f"cluster {cluster.name} stops: {cluster.data}/lock was removed" in log, log
    cluster.tui("list").ok(rf"^{cluster.name}\s+Stopped")
    cluster.again().ok(" ready at ")


def started_at_once(cluster):
    """Several at the same moment: one starts it, the others wait and say so."""
    cluster.tui("down", cluster.name).ok()
    several = [cluster.start(cluster.binary, "up", cluster.name, "--port", "0") for _ in range(4)]
    said = sorted(process.communicate(timeout=60)[0] for process in several)
    assert sum(" ready at " in text for text in said) == 1 and sum("already" in text for text in said) == 3, said
    assert len({re.search(r"https://\S+", text).group(0) for text in said}) == 1, said


def found_without_state(cluster):
    """A damaged state.json: the lock still tells which process it is."""
    pid = cluster.pid()
    cluster.tui("down", cluster.name).ok()
    state = cluster.dir / f"state/kube-tui/clusters/{cluster.name}/state.json"
    state.write_text("junk", encoding="utf-8")
    cluster.up().ok(" ready at ")
    kept = json.loads(state.read_text(encoding="utf-8"))
    state.write_text(json.dumps({"dataDir": kept["dataDir"]}), encoding="utf-8")
    cluster.tui("list").ok(rf"^{cluster.name}\s+Running.*\s{kept['pid']}$")
    cluster.tui("down", cluster.name).ok("stopped")
    assert not alive(kept["pid"]) and kept["pid"] != pid
    cluster.up().ok(" ready at ")


def damage_is_named(cluster):
    file, kept = cluster.data / "store/store.mdb", cluster.dir / "kept"
    cluster.make("precious").ok()
    cluster.tui("down", cluster.name).ok()
    shutil.copy(file, kept)
    for size, why in [(0, "store.mdb is damaged: it is empty"), (100, "not an LMDB file"), (8192, r"cut off after 2 of \d+ pages"), (65536, "cut off after 16 of")]:
        os.truncate(file, size)
        cluster.again().fails(1, why)
        cluster.tui("list").ok("Stopped")
        shutil.copy(kept, file)
    text = kept.read_bytes().replace(b"precious", b"Precious")
    file.write_bytes(text)
    cluster.again().fails(1, r"the record of revision \d+ is damaged")
    shutil.copy(kept, file)
    cluster.again().ok(" ready at ")
    assert "precious" in cluster.names()


def snapshot_comes_back(cluster):
    """Saved while it runs, restored under another name and into the same folder."""
    file, before = cluster.dir / "snapshot", cluster.names()
    cluster.tui("snapshot", "save", file, cluster.name).ok()
    cluster.make("after").ok()
    cluster.tui("down", cluster.name).ok()
    cluster.tui("snapshot", "restore", file, cluster.name).fails(1, "has data already")
    shutil.rmtree(cluster.data / "store")
    cluster.tui("snapshot", "restore", file, cluster.name).ok()
    cluster.again().ok(" ready at ")
    assert cluster.names() == before, "not what was saved"
    file.write_bytes(file.read_bytes()[:-1])
    cluster.tui("snapshot", "restore", file, "other").fails(1, "the checksum is wrong: the file is damaged or cut off")
    cluster.tui("list").wants("other" not in cluster.tui("list").out, "a refused snapshot leaves a cluster")


def full_disk(cluster):
    """Writes stop with a reason, reads and snapshots go on, deletes make room, and a restart finds the same."""
    if not os.environ.get(IN_NAMESPACE):
        print("skipped full_disk: no mount namespace", flush=True)
        return
    cluster.tui("delete", cluster.name).ok()
    cluster.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", cluster.data], check=True)
    cluster.up("--components", "api").ok(" ready at ")
    made = 0
    while made < 2 * DISK_BYTES // BIG_BYTES and (said := cluster.make(f"big-{made}", BIG_BYTES)).status == 0:
        made += 1
    said.fails(1, "No space left on device")
    assert made > DISK_BYTES // BIG_BYTES // 2, f"full after {made}"
    cluster.make("refused", BIG_BYTES).fails(1, "No space left on device")
    assert {f"big-{i}" for i in range(made)} <= cluster.names() and "refused" not in cluster.names()
    cluster.tui("snapshot", "save", cluster.dir / "full", cluster.name).ok()
    for i in range(5):
        cluster.tui("delete", "configmap", f"big-{i}", "--kubeconfig", cluster.kubeconfig).ok()
    cluster.make("small").ok()
    before = cluster.names()
    cluster.kill()
    cluster.up("--components", "api").ok(" ready at ")
    assert cluster.names() == before
    cluster.tui("down", cluster.name).ok()
    subprocess.run(["umount", cluster.data], check=True)
    cluster.up().ok(" ready at ")


def deleted(cluster):
    (cluster.data / "mine").write_text("the user's", encoding="utf-8")
    cluster.tui("delete", cluster.name).ok()
    assert [path.name for path in cluster.data.iterdir()] == ["mine"], "delete takes more or less than is the cluster's"


def enter_namespace():
    """The same program again where it may mount."""
    if os.environ.get(IN_NAMESPACE) is not None:
        return
    can = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                                                     stderr=subprocess.DEVNULL, check=False).returncode == 0
    os.environ[IN_NAMESPACE] = "1" if can else ""
    command = [sys.executable, str(pathlib.Path(__file__).resolve()), *sys.argv[1:]]
    if can:
        command = ["unshare", "-rm", *command]
    os.execvp(command[0], command)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    args = parser.parse_args()
    enter_namespace()
    with Folder(args.binary) as cluster:
        sys.exit(run_steps([folder_is_remembered, folder_is_in_use, folder_is_one_clusters, started_at_once, found_without_state, damage_is_named,
                            snapshot_comes_back, folder_is_removed, full_disk, deleted], cluster))


if __name__ == "__main__":
    main()
