#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session over many commands, as the prompt and `-c` have it, and deletions that are not meant: script.py --binary KUBE-TUI"""
import argparse
import pathlib
import sys

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
    established = "wait --for=condition=Established crd/shelves.example.org --timeout=30s"
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
    # an option of objects never deletes a cluster
    cluster.tui("delete", cluster.name, "--dry-run=client").fails(1, "have a resource type")
    cluster.tui("delete", "--dry-run=client").fails(1, "must provide one or more resources")
    cluster.tui("delete", cluster.name, "-n", "default").fails(1, "have a resource type")
    cluster.tui("list").ok(rf"^{cluster.name} +Running")


def delete_prefers_the_type_to_a_cluster_of_its_name(cluster):
    cluster.tui("up", "secrets", "--kubeconfig", cluster.dir / "other", "--port", "0", "--nodes", "1").ok()
    cluster.tui("delete", "secrets").fails(1, "no name was specified")
    cluster.tui("list").ok("^secrets +Running")
    cluster.tui("down", "secrets").ok()
    cluster.tui("up", "lamp", "--kubeconfig", cluster.dir / "other", "--port", "0", "--nodes", "1").ok()
    cluster.tui("delete", "lamp").ok("^lamp deleted$")


def assertions(cluster):
    cluster.tui("-c", "create cm blue; assert 'get cm/blue -o name' == configmap/blue within 2s").ok()
    cluster.tui("-c", "X=blue; assert 'get cm/$X -o name' contains blue").ok()
    cluster.tui("-c", "assert 'get cm none' fails").ok()
    cluster.tui("-c", "assert 'get cm -o name' == nosuch within 100ms").fails(1, "^assertion failed: get cm -o name$", "nosuch")
    cluster.tui("-c", "assert 'get cm | wc -l' == 3").fails(1, "more than one command")


STEPS = [kinds_that_come_during_a_session, an_unknown_kind_among_known_ones, delete_takes_no_type_for_a_cluster,
         delete_prefers_the_type_to_a_cluster_of_its_name, assertions]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    args = parser.parse_args()
    with Cluster(pathlib.Path(args.binary).resolve()) as cluster:
        sys.exit(run_steps(STEPS, cluster))


if __name__ == "__main__":
    main()
