#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings src/api/kinds/*.yaml up to date from published Kubernetes schemas.

    tools/import_kinds.py [--reference DIR] [--kinds DIR]

DIR (default ../shared/reference) holds openapi-v3.json (path -> document), protobuf-tags.tsv, api-resources.tsv,
table-columns.json and wire/*.json, all taken from a running kube-apiserver and its published protobuf files. Nothing but
facts is read: names, types, numbers, merge keys, list types.

What the schemas state is overwritten on every run (the keys named in IMPORTED_* below); every other key of the YAML files
was written by hand and survives: docs, defaults, limits, `set` and `unset` flags, name formats, storage prefixes, columns'
paths and cells, selectable fields. Types, fields and kinds that the schemas no longer have are dropped and listed, unless
they are marked `keep: true`. The output is deterministic.
"""

import argparse
import json
import os
import re
import sys

import yaml

GROUP_FILES = {
    "": "core", "apps": "apps", "batch": "batch", "autoscaling": "autoscaling", "policy": "policy",
    "events.k8s.io": "events", "authentication.k8s.io": "authentication", "authorization.k8s.io": "authorization",
    "certificates.k8s.io": "certificates", "networking.k8s.io": "networking", "storage.k8s.io": "storage",
    "rbac.authorization.k8s.io": "rbac", "admissionregistration.k8s.io": "admissionregistration",
    "apiextensions.k8s.io": "apiextensions", "apiregistration.k8s.io": "apiregistration",
    "scheduling.k8s.io": "scheduling", "coordination.k8s.io": "coordination", "node.k8s.io": "node",
    "discovery.k8s.io": "discovery", "resource.k8s.io": "resource", "flowcontrol.apiserver.k8s.io": "flowcontrol",
    "metrics.k8s.io": "metrics",
}
# Messages that no path of the published documents refers to but that travel all the same.
EXTRA_MESSAGES = [
    "io.k8s.api.core.v1.PodExecOptions", "io.k8s.api.core.v1.PodAttachOptions", "io.k8s.api.core.v1.PodLogOptions",
    "io.k8s.api.core.v1.PodPortForwardOptions", "io.k8s.api.core.v1.PodProxyOptions",
    "io.k8s.api.core.v1.NodeProxyOptions", "io.k8s.api.core.v1.ServiceProxyOptions",
    "io.k8s.api.core.v1.SerializedReference", "io.k8s.api.core.v1.RangeAllocation",
    "io.k8s.api.core.v1.PodStatusResult",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.GetOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.CreateOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.UpdateOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.PatchOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata",
    "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList",
    "io.k8s.api.admission.v1.AdmissionReview",
    "io.k8s.api.apidiscovery.v2.APIGroupDiscovery", "io.k8s.api.apidiscovery.v2.APIGroupDiscoveryList",
    "io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics", "io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetricsList",
    "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics", "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetricsList",
]
# Kinds that the aggregation layer brings, not the published api-resources list.
EXTRA_RESOURCES = [
    "metrics.k8s.io v1beta1 nodes - metrics.k8s.io/v1beta1 NodeMetrics|nodes|-|-|no|get,list",
    "metrics.k8s.io v1beta1 pods - metrics.k8s.io/v1beta1 PodMetrics|pods|-|-|yes|get,list",
]
SHAPES = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "micro-time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration": "duration",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "fields-v1",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "raw",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "json",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "schema-or-array",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "schema-or-bool",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "schema-or-strings",
}
# Flags that the schemas decide. The rest come from `set` and `unset`.
IMPORTED_FIELD = ["number", "type", "flags", "enum", "list", "keys", "merge"]
IMPORTED_TYPE = ["flags", "wrapper"]
IMPORTED_KIND = ["kind", "version", "list", "type", "plural", "singular", "short", "categories", "namespaced", "verbs",
                 "returns_deleted"]
IMPORTED_SUB = ["name", "group", "version", "kind", "verbs"]
IMPORTED_COLUMN = ["name", "type", "format", "priority"]


def alias_of(package):
    """io.k8s.api.core.v1 -> core.v1"""
    parts = package.split(".")
    return ".".join(parts[-2:]) if re.match(r"v\d", parts[-1]) else parts[-1]


class Schemas:
    def __init__(self, folder):
        self.v3 = {}
        self.returns_deleted = set()  # types whose DELETE answers with the object instead of a Status
        with open(os.path.join(folder, "openapi-v3.json")) as f:
            for document in json.load(f).values():
                if isinstance(document, dict):
                    self.v3.update(document.get("components", {}).get("schemas", {}) or {})
                    self.add_deletes(document)
        self.messages = {}
        with open(os.path.join(folder, "protobuf-tags.tsv")) as f:
            next(f)
            for line in f:
                package, message, field, number, label, kind = line.rstrip("\n").split("\t")
                full = self.full_name(package + "." + message)
                self.messages.setdefault(full, []).append((field, int(number), label, kind))
        with open(os.path.join(folder, "api-resources.tsv")) as f:
            next(f)
            self.resources = [line.rstrip("\n").split("\t") for line in f]
        for text in EXTRA_RESOURCES:
            head, singular, short, categories, namespaced, verbs = text.split("|")
            group, version, plural, sub, gv, kind = head.split(" ")
            self.resources.append([group, version, "yes", plural, sub, gv + " " + kind, singular, short,
                                   categories, namespaced, verbs])
        with open(os.path.join(folder, "table-columns.json")) as f:
            self.columns = json.load(f)
        self.lists = {name for name in self.v3 if name.endswith("List")}

    def add_deletes(self, document):
        for path, operations in document["paths"].items():
            if path.endswith("/{name}") and "delete" in operations:
                content = operations["delete"]["responses"]["200"]["content"]["application/json"]
                self.returns_deleted.add(ref_of(content["schema"]))

    def full_of_kind(self, group, version, kind):
        for name, schema in self.v3.items():
            for gvk in schema.get("x-kubernetes-group-version-kind", []):
                if (gvk["group"], gvk["version"], gvk["kind"]) == (group, version, kind):
                    return name
        return None

    @staticmethod
    def full_name(proto):
        name = proto.lstrip(".").replace("k8s.io.", "io.k8s.", 1)
        return name.replace("apiextensions_apiserver", "apiextensions-apiserver").replace("kube_aggregator", "kube-aggregator")


def ref_of(schema):
    ref = schema.get("$ref") or (schema.get("allOf") or [{}])[0].get("$ref", "")
    return ref.rsplit("/", 1)[-1] or None


class Importer:
    def __init__(self, schemas):
        self.s = schemas
        self.types = {}  # full name -> entry
        self.todo = []

    def run(self):
        for name in sorted(self.s.v3):
            self.want(name)
        for name in EXTRA_MESSAGES:
            self.want(name)
        while self.todo:
            name, *rest = self.todo.pop()
            self.types[name] = self.build(name, *rest)
        return self.types

    def want(self, name, properties=None, required=()):
        if name not in SHAPES and name not in self.types:
            self.types[name] = None
            self.todo.append((name, properties, required))

    def build(self, name, properties, required):
        schema = self.s.v3.get(name, {"required": required} if required else {})
        if properties is None:
            properties = schema.get("properties", {})
        message = self.s.messages.get(name, [])
        if not schema and message == [("items", 1, "repeated", "string")]:
            return {"flags": [], "wrapper": "string"}  # a named list (ExtraValue, Verbs): an array in JSON
        entry = {"flags": [], "fields": {}}
        if schema.get("x-kubernetes-map-type") == "atomic":
            entry["flags"].append("atomic")
        rest = dict(properties)
        fields = entry["fields"]
        served = "apiVersion" in properties if schema else name in EXTRA_MESSAGES
        if served and not any(f[0] in ("apiVersion", "kind") for f in message):
            for key in ("kind", "apiVersion"):
                fields[key] = {"number": 0, "type": "string", "flags": ["omitempty"]}
                rest.pop(key, None)
        package = name.rsplit(".", 1)[0]
        for proto_name, number, label, proto_type in message:
            self.add_field(fields, rest, schema, package, (proto_name, number, label, proto_type))
        for key in sorted(rest):
            fields[key] = self.field(key, 0, rest[key], None, schema)
        return entry

    def add_field(self, fields, rest, schema, package, tag):
        proto_name, number, label, proto_type = tag
        json_name = self.json_name(proto_name, rest)
        message = self.message_name(proto_type, package)
        if json_name is None and schema and message and message not in SHAPES:
            inner = {}
            self.take_inline(message, rest, inner)
            self.want(message, inner, schema.get("required", []))
            fields[proto_name] = {"number": number, "type": self.short(message), "flags": ["inline"]}
            return
        json_name = json_name or proto_name
        fields[json_name] = self.field(json_name, number, rest.pop(json_name, None), (label, proto_type, package), schema)

    def take_inline(self, message, rest, inner):
        """The JSON properties of an embedded struct stand in its parent's schema."""
        package = message.rsplit(".", 1)[0]
        for proto_name, _, _, proto_type in self.s.messages.get(message, []):
            json_name = self.json_name(proto_name, rest)
            if json_name:
                inner[json_name] = rest.pop(json_name)
            elif self.message_name(proto_type, package):
                self.take_inline(self.message_name(proto_type, package), rest, inner)

    @staticmethod
    def json_name(proto_name, properties):
        if proto_name in properties:
            return proto_name
        dashed = "x-kubernetes-" + re.sub(r"([A-Z])", lambda m: "-" + m.group(1).lower(), proto_name[11:]).lstrip("-")
        for key in properties:
            if key.lower() == proto_name.lower() or key == "$" + proto_name or key == dashed:
                return key
        return None

    def message_name(self, proto_type, package):
        if proto_type.startswith("."):
            return self.s.full_name(proto_type)
        name = package + "." + proto_type
        return name if name in self.s.messages or name in self.s.v3 else None  # an empty message has no rows

    def short(self, full):
        if full in SHAPES:
            return SHAPES[full]
        self.want(full)
        package, name = full.rsplit(".", 1)
        return alias_of(package) + "." + name

    def type_of(self, schema, tag):
        """A type's spelling: string, int32, list(core.v1.Container), map(quantity)."""
        if tag is not None:
            return self.type_of_tag(*tag)
        ref = ref_of(schema)
        if ref:
            return self.short(ref)
        kind = schema.get("type")
        if kind == "array":
            return "list(%s)" % self.type_of(schema["items"], None)
        if kind == "object":
            return "map(%s)" % self.type_of(schema["additionalProperties"], None) if "additionalProperties" in schema else "raw"
        if kind == "string":
            return "bytes" if schema.get("format") == "byte" else "string"
        if kind == "integer":
            return "int32" if schema.get("format") == "int32" else "int64"
        return {"boolean": "bool", "number": "double"}.get(kind, "json")

    def type_of_tag(self, label, proto_type, package):
        if label == "map":
            value = proto_type[len("map<string,"):-1]
            return "map(%s)" % self.type_of_tag("optional", value, package)
        if label == "repeated":
            return "list(%s)" % self.type_of_tag("optional", proto_type, package)
        message = self.message_name(proto_type, package)
        if not message:
            return proto_type
        return self.short(message)

    def field(self, name, number, schema, tag, owner):
        published = schema is not None
        schema = schema or {}
        kind = self.type_of(schema, tag)
        entry = {"number": number, "type": kind, "flags": self.field_flags(name, schema, kind, owner, published)}
        inside = schema.get("items") or schema.get("additionalProperties") or {}
        values = schema.get("enum") or inside.get("enum")
        if values:
            entry["enum"] = values
        if schema.get("x-kubernetes-list-type") in ("set", "map"):
            entry["list"] = schema["x-kubernetes-list-type"]
        if "x-kubernetes-list-map-keys" in schema:
            entry["keys"] = schema["x-kubernetes-list-map-keys"]
        if "x-kubernetes-patch-merge-key" in schema:
            entry["merge"] = schema["x-kubernetes-patch-merge-key"]
        return entry

    @staticmethod
    def field_flags(name, schema, kind, owner, published):
        flags = []
        required = name in owner.get("required", [])
        if required:
            flags.append("required")
        container = kind.startswith(("list(", "map(")) or kind == "bytes"
        if "default" in schema:
            if schema["default"] not in ("", 0, False, {}):
                flags.append("omitempty")  # a real default: absent and empty are the same
        elif container or not published or not kind.count("."):
            if not required or kind in ("string", "int32", "int64", "bool", "double"):
                flags.append("omitempty")  # what Go always writes has its zero value as default
        else:
            flags.append("pointer")  # a struct without `default: {}`
            if not required:
                flags.append("omitempty")
        strategy = schema.get("x-kubernetes-patch-strategy", "").split(",")
        if "merge" in strategy:
            flags.append("merge")
        if "retainKeys" in strategy:
            flags.append("retainkeys")
        if "replace" in strategy:
            flags.append("replace")
        if "x-kubernetes-map-type" in schema:
            flags.append(schema["x-kubernetes-map-type"])
        return flags


def file_of(full):
    package = full.rsplit(".", 1)[0]
    if ".api." in package and not package.startswith("io.k8s.apimachinery"):
        name = package.split(".")[3]
        return {"admission": "admissionregistration", "apidiscovery": "meta"}.get(name, name)
    if "apiextensions" in package:
        return "apiextensions"
    if "kube-aggregator" in package:
        return "apiregistration"
    return "metrics" if ".metrics." in package else "meta"


def import_kinds(schemas):
    """file name -> list of kind entries in discovery order."""
    out, ranks, named = {}, {}, {}
    for row in schemas.resources:
        group, version, _, plural, sub, gvk, singular, short, categories, namespaced, verbs = row
        group = "" if group == "core" else group
        ranks.setdefault(GROUP_FILES[group], len(ranks) + 1)
        gv, kind = gvk.split(" ")
        verbs = verbs.split(",")
        if sub != "-":
            sub_group, sub_version = gv.split("/") if gv.count("/") else ("", gv)
            named[group, version, plural]["subresources"].append(
                {"name": sub, "group": sub_group, "version": sub_version, "kind": kind, "verbs": verbs})
            continue
        entry = {"kind": kind, "version": version, "list": kind + "List" if "list" in verbs else "",
                 "type": type_of_kind(schemas, group, version, kind), "plural": plural, "singular": singular,
                 "short": [] if short == "-" else short.split(","),
                 "categories": [] if categories == "-" else categories.split(","),
                 "namespaced": namespaced == "yes", "verbs": verbs, "subresources": [],
                 "returns_deleted": returns_deleted(schemas, group, version, kind),
                 "columns": [dict(c) for c in schemas.columns.get("%s/%s %s" % (group, version, plural), [])]}
        named[group, version, plural] = entry
        out.setdefault(GROUP_FILES[group], []).append(entry)
    return out, ranks


def returns_deleted(schemas, group, version, kind):
    return schemas.full_of_kind(group, version, kind) in schemas.returns_deleted or None


def type_of_kind(schemas, group, version, kind):
    full = schemas.full_of_kind(group, version, kind)
    if full:
        package, short = full.rsplit(".", 1)
        return alias_of(package) + "." + short
    return "%s.%s.%s" % (group.split(".")[0], version, kind)


def merged(old, new, imported):
    """Hand-written keys of old, imported keys of new."""
    entry = {k: v for k, v in (old or {}).items() if k not in imported}
    return {**{k: new[k] for k in imported if k in new and new[k] not in ([], "", None)}, **entry}


def merge_list(old, new, imported, key="name"):
    by_key = {e[key]: e for e in old or []}
    kept = [e for e in old or [] if e.get("keep") and e[key] not in {n[key] for n in new}]
    return [merged(by_key.get(e[key]), e, imported) for e in new] + kept


def merge_kind(old, new):
    entry = merged(old, new, IMPORTED_KIND)
    entry["subresources"] = merge_list((old or {}).get("subresources"), new["subresources"], IMPORTED_SUB)
    entry["columns"] = merge_list((old or {}).get("columns"), new["columns"], IMPORTED_COLUMN)
    return entry


def merge_type(old, new, report):
    entry = merged(old, new, IMPORTED_TYPE)
    entry.pop("fields", None)
    old_fields = (old or {}).get("fields", {})
    if "fields" in new:
        entry["fields"] = {k: merged(old_fields.get(k), v, IMPORTED_FIELD) for k, v in new["fields"].items()}
    for name, field in old_fields.items():
        if name not in new.get("fields", {}):
            if field.get("keep"):
                entry["fields"][name] = field
            else:
                report("field " + name)
    return entry


# --- writing: one line per field, so that a person can read, search and review it ---

def scalar(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if re.fullmatch(r"[A-Za-z./$_-][A-Za-z0-9./$_()-]*", value) and value.lower() not in (
            "true", "false", "null", "yes", "no", "on", "off", "y", "n") and not value.startswith("-"):
        return value
    return json.dumps(value, ensure_ascii=False)


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join("%s: %s" % (scalar(k), flow(v)) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


KIND_ORDER = IMPORTED_KIND + ["flags", "name_format", "storage", "storage_version", "default_delete", "doc"]


def write_kind(out, kind):
    keys = [k for k in KIND_ORDER if k in kind]
    keys += sorted(k for k in kind if k not in KIND_ORDER and k not in ("subresources", "columns", "selectable"))
    for i, key in enumerate(keys):
        out.append("%s%s: %s" % ("- " if i == 0 else "  ", key, flow(kind[key])))
    for key in ("subresources", "columns", "selectable"):
        if kind.get(key):
            out.append("  %s:" % key)
            out.extend("  - " + flow(e) for e in kind[key])


FIELD_ORDER = ["number", "type", "flags", "set", "unset", "list", "keys", "merge", "enum", "default"]


def write_type(out, name, entry):
    out.append("  %s:" % name)
    for key in sorted(k for k in entry if k != "fields"):
        out.append("    %s: %s" % (key, flow(entry[key])))
    if "fields" in entry:
        out.append("    fields:" if entry["fields"] else "    fields: {}")
    for field, value in entry.get("fields", {}).items():
        ordered = {k: value[k] for k in FIELD_ORDER if k in value}
        ordered.update({k: value[k] for k in sorted(value) if k not in FIELD_ORDER and k != "doc"})
        if "doc" in value:
            ordered["doc"] = value["doc"]
        out.append("      %s: %s" % (scalar(field), flow(ordered)))


def write_file(path, data):
    out = ["# SPDX-License-Identifier: GPL-3.0-or-later",
           "# Brought up to date by tools/import_kinds.py, which keeps all keys it does not import; see its head for which is which."]
    for key in sorted(k for k in data if k not in ("kinds", "types")):
        out.append("%s: %s" % (key, flow(data[key])))
    if data.get("kinds"):
        out.append("kinds:")
        for kind in data["kinds"]:
            write_kind(out, kind)
    out.append("types:")
    for name in sorted(data["types"]):
        write_type(out, name, data["types"][name])
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


def load_file(path):
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return yaml.load(f, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}


def update_file(path, name, kinds, ranks, types):
    def report(what):
        print("%s: dropped %s" % (os.path.basename(path), what), file=sys.stderr)

    data = load_file(path)
    groups = [g for g, f in GROUP_FILES.items() if f == name]
    if groups and name in ranks:
        data["group"], data["rank"] = groups[0], ranks[name]
    old_kinds = {(k["version"], k["plural"]): k for k in data.get("kinds", [])}
    data["kinds"] = [merge_kind(old_kinds.pop((k["version"], k["plural"]), None), k) for k in kinds.get(name, [])]
    for key, kind in old_kinds.items():
        if kind.get("keep"):
            data["kinds"].append(kind)
        else:
            report("kind %s" % kind["kind"])
    old_types = data.get("types", {})
    packages, fresh = dict(data.get("packages", {})), {}
    for full, entry in types.items():
        package, short = full.rsplit(".", 1)
        packages[alias_of(package)] = package
        key = alias_of(package) + "." + short
        fresh[key] = merge_type(old_types.get(key), entry, lambda what, key=key: report("%s of %s" % (what, key)))
    for key, entry in old_types.items():
        if key not in fresh:
            if entry.get("keep"):
                fresh[key] = entry
            else:
                report("type " + key)
    data["packages"], data["types"] = dict(sorted(packages.items())), fresh
    write_file(path, data)


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--reference", default=os.path.join(root, "..", "shared", "reference"))
    parser.add_argument("--kinds", default=os.path.join(root, "src", "api", "kinds"))
    options = parser.parse_args()
    schemas = Schemas(options.reference)
    types = Importer(schemas).run()
    kinds, ranks = import_kinds(schemas)
    files = {}
    for full, entry in types.items():
        files.setdefault(file_of(full), {})[full] = entry
    os.makedirs(options.kinds, exist_ok=True)
    for name in sorted(files):
        update_file(os.path.join(options.kinds, name + ".yaml"), name, kinds, ranks, files[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
