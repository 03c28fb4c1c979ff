#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official Python client on a cluster of the test's own: python_client.py --binary KUBE-TUI

Skipped where the package `kubernetes` is missing.
"""
import argparse
import json
import sys
import threading

from cluster import Cluster, SKIP, eventually, run_steps

try:
    import kubernetes
    from kubernetes import client, config, watch
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, ResourceNotFoundError
    from kubernetes.leaderelection import electionconfig, leaderelection
    from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
except ImportError:
    kubernetes = None

GROUP = "clients.example.org"


def pod_template(image):
    return client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": "python"}),
        spec=client.V1PodSpec(containers=[client.V1Container(name="main", image=image)]))


def text_of(error):
    """An error's body: bytes or text, as the client's version has it."""
    return error.body if isinstance(error.body, str) else error.body.decode()


def refused(status, reason, call, *arguments, **more):
    try:
        call(*arguments, **more)
    except ApiException as error:
        assert error.status == status, f"{error.status}, not {status}: {error.body}"
        assert f'"reason":"{reason}"' in text_of(error), error.body
        return
    raise AssertionError(f"not refused with {status}")


def versions_and_resources(_):
    assert client.VersionApi().get_code().git_version.startswith("v1.35."), "version"
    names = {resource.name for resource in client.CoreV1Api().get_api_resources().resources}
    assert {"pods", "pods/log", "services", "nodes/status"} <= names, names
    assert "apps" in {group.name for group in client.ApisApi().get_api_versions().groups}


def typed_objects(_):
    apps, core = client.AppsV1Api(), client.CoreV1Api()
    deployment = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="python"),
        spec=client.V1DeploymentSpec(replicas=2, selector=client.V1LabelSelector(match_labels={"app": "python"}),
                                     template=pod_template("example.org/python:1")))
    made = apps.create_namespaced_deployment("default", deployment)
    assert made.metadata.uid and made.spec.strategy.type == "RollingUpdate"
    refused(409, "AlreadyExists", apps.create_namespaced_deployment, "default", deployment)
    eventually(lambda: apps.read_namespaced_deployment_status("python", "default").status.ready_replicas == 2, "2 ready")
    pods = core.list_namespaced_pod("default", label_selector="app=python", field_selector="status.phase=Running")
    assert len(pods.items) == 2, [pod.metadata.name for pod in pods.items]
    assert isinstance(core.read_namespaced_pod_log(pods.items[0].metadata.name, "default"), str)
    scale = apps.read_namespaced_deployment_scale("python", "default")
    scale.spec.replicas = 3
    assert apps.replace_namespaced_deployment_scale("python", "default", scale).spec.replicas == 3
    patched = apps.patch_namespaced_deployment("python", "default", {"metadata": {"labels": {"patched": "yes"}}})
    assert patched.metadata.labels == {"patched": "yes"} and patched.spec.replicas == 3
    made.spec.replicas = 1
    refused(409, "Conflict", apps.replace_namespaced_deployment, "python", "default", made)
    apps.delete_namespaced_deployment("python", "default", propagation_policy="Foreground")
    # in the foreground the owner goes last
    eventually(lambda: not apps.list_namespaced_deployment("default").items, "the deployment goes")
    assert not core.list_namespaced_pod("default", label_selector="app=python").items
    refused(404, "NotFound", apps.read_namespaced_deployment, "python", "default")


def pages(_):
    core = client.CoreV1Api()
    for i in range(7):
        core.create_namespaced_config_map("default", client.V1ConfigMap(
            metadata=client.V1ObjectMeta(name=f"page-{i}", labels={"page": "yes"}), data={"i": str(i)}))
    names, left, more = [], [], None
    while True:
        page = core.list_namespaced_config_map("default", limit=3, _continue=more)
        names += [item.metadata.name for item in page.items]
        left.append(page.metadata.remaining_item_count)
        more = page.metadata._continue
        if not more:
            break
    assert [name for name in names if name.startswith("page-")] == [f"page-{i}" for i in range(7)], names
    assert left[-1] is None and left[0] == len(names) - 3, left
    core.delete_collection_namespaced_config_map("default", label_selector="page")
    assert not core.list_namespaced_config_map("default", label_selector="page").items


def watches(_):
    core = client.CoreV1Api()
    start = core.list_namespaced_config_map("default").metadata.resource_version
    seen = []

    def changes():
        core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="watched")))
        core.patch_namespaced_config_map("watched", "default", {"data": {"a": "b"}})
        core.delete_namespaced_config_map("watched", "default")

    thread = threading.Thread(target=changes)
    thread.start()
    stream = watch.Watch()
    for event in stream.stream(core.list_namespaced_config_map, "default", resource_version=start, timeout_seconds=240,
                               field_selector="metadata.name=watched"):
        assert isinstance(event["object"], client.V1ConfigMap), event
        seen.append(event["type"])
        if event["type"] == "DELETED":
            stream.stop()
    thread.join()
    assert seen == ["ADDED", "MODIFIED", "DELETED"], seen


def dynamic_client(_):
    dynamic = DynamicClient(client.ApiClient())
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")

    def apply(manager, **more):
        # server_side_apply of older versions sends no body
        return dynamic.request("patch", maps.path(name="applied", namespace="default"), body=json.dumps(body),
                               content_type="application/apply-patch+yaml", field_manager=manager, **more).to_dict()

    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"color": "blue"}}
    first = apply("one")
    assert [entry["manager"] for entry in first["metadata"]["managedFields"]] == ["one"]
    body["data"]["color"] = "red"
    try:
        apply("two")
        raise AssertionError("no conflict")
    except ConflictError as error:
        assert 'conflict with \\"one\\": .data.color' in text_of(error), error.body
    second = apply("two", force_conflicts=True)
    assert second["data"]["color"] == "red"
    # what a manager no longer applies goes
    del body["data"]
    third = apply("two")
    assert "data" not in third, third
    maps.delete(name="applied", namespace="default")
    try:
        maps.get(name="applied", namespace="default")
        raise AssertionError("still there")
    except NotFoundError:
        pass


def custom_resources(_):
    dynamic = DynamicClient(client.ApiClient())
    schema = {"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1, "default": 3}}},
        "status": {"type": "object", "properties": {"ready": {"type": "integer"}}}}}
    client.ApiextensionsV1Api().create_custom_resource_definition({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"widgets.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced",
                 "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
                               "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size",
                                                                        "statusReplicasPath": ".status.ready"}}}]}})

    def served():
        dynamic.resources.invalidate_cache()
        try:
            return dynamic.resources.get(api_version=f"{GROUP}/v1", kind="Widget")
        except ResourceNotFoundError:
            return None

    widgets = eventually(served, "the new kind is served")
    made = widgets.create(namespace="default", body={"apiVersion": f"{GROUP}/v1", "kind": "Widget",
                                                     "metadata": {"name": "w"}, "spec": {"unknown": 1}})
    assert made.to_dict()["spec"] == {"size": 3}, made
    api = client.CustomObjectsApi()
    where = (GROUP, "v1", "default", "widgets", "w")
    api.patch_namespaced_custom_object_status(*where, {"status": {"ready": 2}})
    scale = api.get_namespaced_custom_object_scale(*where)
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 2), scale
    api.patch_namespaced_custom_object_scale(*where, {"spec": {"replicas": 5}})
    assert api.get_namespaced_custom_object(*where)["spec"] == {"size": 5}
    refused(422, "Invalid", api.patch_namespaced_custom_object, *where, {"spec": {"size": 0}})
    client.ApiextensionsV1Api().delete_custom_resource_definition(f"widgets.{GROUP}")
    eventually(lambda: not served(), "the kind goes")


def elects_a_leader(_):
    led, lost = threading.Event(), threading.Event()

    def lead():
        led.set()

    how = electionconfig.Config(ConfigMapLock("leader", "default", "me"), lease_duration=180, renew_deadline=120, retry_period=1,
                                onstarted_leading=lead, onstopped_leading=lost.set)
    threading.Thread(target=leaderelection.LeaderElection(how).run, daemon=True).start()
    assert led.wait(240), "nobody leads"
    held = client.CoreV1Api().read_namespaced_config_map("leader", "default").metadata.annotations
    assert '"holderIdentity": "me"' in held["control-plane.alpha.kubernetes.io/leader"], held
    assert not lost.is_set()


STEPS = (versions_and_resources, typed_objects, pages, watches, dynamic_client, custom_resources, elects_a_leader)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", required=True)
    if kubernetes is None:
        print("skipped: Python has no package `kubernetes`")
        return SKIP
    with Cluster(arguments.parse_args().binary) as cluster:
        config.load_kube_config(str(cluster.kubeconfig))
        return run_steps(STEPS, cluster)


if __name__ == "__main__":
    sys.exit(main())
