#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles src/api/kinds/*.yaml to the const tables of src/api/schema/schema.h.

    tools/compile_kinds.py --output FILE DIR

A mistake in a YAML file ends with `FILE:LINE: reason`. What the keys mean is said in src/api/kinds/README.md.
"""

import argparse
import json
import os
import re
import sys

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SHAPES = {
    "string": ("STRING", None, "string"), "int32": ("INT32", None, "int32"), "int64": ("INT64", None, "int64"),
    "uint32": ("UINT32", None, "uint32"), "uint64": ("UINT64", None, "uint64"), "double": ("DOUBLE", None, "float64"),
    "bool": ("BOOL", None, "bool"), "bytes": ("BYTES", None, "[]uint8"),
    "quantity": ("QUANTITY", "io.k8s.apimachinery.pkg.api.resource.Quantity", "resource.Quantity"),
    "int-or-string": ("INT_OR_STRING", "io.k8s.apimachinery.pkg.util.intstr.IntOrString", "intstr.IntOrString"),
    "time": ("TIME", "io.k8s.apimachinery.pkg.apis.meta.v1.Time", "v1.Time"),
    "micro-time": ("MICRO_TIME", "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", "v1.MicroTime"),
    "duration": ("DURATION", "io.k8s.apimachinery.pkg.apis.meta.v1.Duration", "v1.Duration"),
    "raw": ("RAW", "io.k8s.apimachinery.pkg.runtime.RawExtension", "runtime.RawExtension"),
    "fields-v1": ("FIELDS_V1", "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "v1.FieldsV1"),
    "json": ("JSON", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "v1.JSON"),
    "schema-or-array": ("SCHEMA_OR_ARRAY", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
                        "v1.JSONSchemaPropsOrArray"),
    "schema-or-bool": ("SCHEMA_OR_BOOL", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
                       "v1.JSONSchemaPropsOrBool"),
    "schema-or-strings": ("SCHEMA_OR_STRINGS",
                          "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
                          "v1.JSONSchemaPropsOrStringArray"),
}
SCHEMA_PROPS = "apiextensions.v1.JSONSchemaProps"
FIELD_FLAGS = {
    "required": "REQUIRED", "omitempty": "OMIT_EMPTY", "pointer": "POINTER", "inline": "INLINE", "merge": "PATCH_MERGE",
    "retainkeys": "PATCH_REPLACE_KEYS", "atomic": "ATOMIC", "nullable": "NULLABLE", "immutable": "IMMUTABLE",
    "embedded": "EMBEDDED", "preserve": "PRESERVE", "discriminator": "UNION_DISCRIMINATOR", "granular": "GRANULAR",
    "replace": "PATCH_REPLACE", "deprecated": "DEPRECATED",
}
KIND_FLAGS = {
    "status": "HAS_STATUS", "generation": "GENERATION", "require-rv": "REQUIRE_RV", "create-on-update": "CREATE_ON_UPDATE",
    "virtual": "VIRTUAL", "graceful": "GRACEFUL", "aggregated": "AGGREGATED",
    "returns-deleted": "RETURNS_DELETED", "status-on-create": "STATUS_ON_CREATE",
}
FIELD_KEYS = {"number", "type", "flags", "set", "unset", "list", "keys", "merge", "enum", "default", "doc", "format", "pattern",
              "minimum", "maximum", "length", "items", "properties", "keep"}
TYPE_KEYS = {"flags", "wrapper", "fields", "doc", "keep"}
KIND_KEYS = {"kind", "version", "list", "type", "plural", "singular", "short", "categories", "namespaced", "verbs", "flags",
             "name_format", "storage", "storage_version", "returns_deleted", "default_delete", "doc", "subresources", "columns", "selectable", "keep"}


class Bad(Exception):
    """A mistake at a path of keys inside one file."""

    def __init__(self, path, reason):
        super().__init__(reason)
        self.path = path


def line_of(file, path):
    """Only on failure: parse again with positions and walk to the offending key."""
    with open(file) as f:
        node = yaml.compose(f)
    line = 1
    for key in path:
        found = None
        if isinstance(node, yaml.MappingNode):
            for k, v in node.value:
                if k.value == str(key):
                    found, line = v, k.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = node.value[key]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line


def c_string(text):
    if text is None:
        return "NULL"
    out = []
    for byte in text.encode():
        if byte in (0x22, 0x5c):
            out.append("\\" + chr(byte))
        elif 0x20 <= byte < 0x7f:
            out.append(chr(byte))
        else:
            out.append("\\%03o" % byte)
    return '"' + "".join(out).replace("??", "?\\?") + '"'


def known_keys(entry, keys, path):
    if not isinstance(entry, dict):
        raise Bad(path, "expected a mapping")
    for key in entry:
        if key not in keys:
            raise Bad(path + [key], "unknown key '%s'" % key)


class Compiler:
    def __init__(self):
        self.packages, self.groups, self.rank = {}, {}, {}
        self.type_entries = {}  # alias name -> (file, entry)
        self.kinds = []  # (rank, order, file, group, entry)
        self.types = []  # (spelling)
        self.type_index = {}
        self.fields, self.indexes = [], []
        self.strings_pool, self.string_lists = {}, []
        self.limits_pool, self.limits = {}, []
        self.out = []

    # --- reading ---

    def read(self, file):
        try:
            with open(file) as f:
                data = yaml.load(f, Loader=LOADER)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            sys.exit("%s:%d: %s" % (file, mark.line + 1 if mark else 1, getattr(error, "problem", error)))
        known_keys(data, {"group", "rank", "packages", "groups", "kinds", "types"}, [])
        self.packages.update(data.get("packages", {}))
        group = data.get("group")
        for alias in data.get("packages", {}):
            self.groups[alias] = data.get("groups", {}).get(alias, group)
        for name, entry in data["types"].items():
            if name in self.type_entries:
                raise Bad(["types", name], "type '%s' is defined twice" % name)
            known_keys(entry, TYPE_KEYS, ["types", name])
            self.type_entries[name] = (file, entry)
        for i, kind in enumerate(data.get("kinds") or []):
            known_keys(kind, KIND_KEYS, ["kinds", i])
            self.kinds.append((data["rank"], i, file, group, kind))

    # --- types ---

    def type_ref(self, spelling, path):
        """Index of a type; list(...) and map(...) are made on the way."""
        if spelling in self.type_index:
            return self.type_index[spelling]
        inner = re.fullmatch(r"(list|map)\((.*)\)", str(spelling))
        if not inner and spelling not in SHAPES and spelling not in self.type_entries:
            raise Bad(path, "unknown type '%s'" % spelling)
        self.type_index[spelling] = len(self.types)
        self.types.append(spelling)
        if inner:
            self.type_ref(inner.group(2), path)
        elif spelling.startswith("schema-or-"):
            self.type_ref(SCHEMA_PROPS, path)
        elif spelling in self.type_entries and "wrapper" in self.type_entries[spelling][1]:
            self.type_ref(self.type_entries[spelling][1]["wrapper"], path)
        return self.type_index[spelling]

    def string_list(self, values):
        if not values:
            return "NULL"
        key = tuple(values)
        if key not in self.strings_pool:
            self.strings_pool[key] = len(self.string_lists)
            self.string_lists.append(values)
        return "strings_%d" % self.strings_pool[key]

    def limits_ref(self, entry, path):
        keys = ("enum", "format", "pattern", "minimum", "maximum", "length", "items", "properties")
        part = {k: entry[k] for k in keys if k in entry}
        if not part:
            return "NULL"
        key = json.dumps(part, sort_keys=True)
        if key in self.limits_pool:
            return "&limits[%d]" % self.limits_pool[key]
        members = []
        if "enum" in part:
            members.append(".enum_values = " + self.string_list(part["enum"]))
        for k in ("format", "pattern"):
            if k in part:
                members.append(".%s = %s" % (k, c_string(part[k])))
        for k in ("minimum", "maximum"):
            if k in part:
                members.append(".has_%s = true, .%s = %r" % (k, k, part[k]))
        for k in ("length", "items", "properties"):
            low, high = part.get(k, [-1, -1])
            members.append(".%s_min = %d, .%s_max = %d" % (k, -1 if low is None else low, k, -1 if high is None else high))
        self.limits_pool[key] = len(self.limits)
        self.limits.append("{%s}" % ", ".join(members))
        return "&limits[%d]" % self.limits_pool[key]

    def flag_bits(self, names, table, prefix, path):
        for name in names:
            if name not in table:
                raise Bad(path, "unknown flag '%s'" % name)
        return " | ".join(prefix + table[name] for name in names) or "0"

    def field(self, name, entry, path):
        known_keys(entry, FIELD_KEYS, path)
        if "number" not in entry or "type" not in entry:
            raise Bad(path, "field '%s' has no number or no type" % name)
        flags = [f for f in entry.get("flags", []) + entry.get("set", []) if f not in entry.get("unset", [])]
        if entry.get("unset") and any(f not in FIELD_FLAGS for f in entry["unset"]):
            raise Bad(path + ["unset"], "unknown flag in unset")
        list_type = {None: "ATOMIC", "set": "SET", "map": "MAP"}.get(entry.get("list"))
        if list_type is None:
            raise Bad(path + ["list"], "list is 'set' or 'map'")
        default = json.dumps(entry["default"], separators=(",", ":")) if "default" in entry else None
        return "{.name = %s, .type = &types[%d], .number = %d, .flags = %s, .list_type = KT_LIST_%s, .merge_key = %s, " \
            ".map_keys = %s, .default_json = %s, .limits = %s, .doc = %s}" % (
                c_string(name), self.type_ref(entry["type"], path + ["type"]), entry["number"],
                self.flag_bits(flags, FIELD_FLAGS, "KT_FIELD_", path), list_type, c_string(entry.get("merge")),
                self.string_list(entry.get("keys")), c_string(default), self.limits_ref(entry, path),
                c_string(entry.get("doc", "")))

    def object_type(self, spelling):
        file, entry = self.type_entries[spelling]
        try:
            return self.object_members(spelling, entry)
        except Bad as bad:
            sys.exit("%s:%d: %s" % (file, line_of(file, bad.path), bad))

    def object_members(self, spelling, entry):
        alias, short = spelling.rsplit(".", 1)
        path = ["types", spelling]
        if alias not in self.packages:
            raise Bad(path, "no package for '%s'" % alias)
        full = self.packages[alias] + "." + short
        flags = self.flag_bits(entry.get("flags", []), FIELD_FLAGS, "KT_FIELD_", path)
        head = ".name = %s, .go_name = %s, .flags = %s, .doc = %s" % (
            c_string(full), c_string(short), flags, c_string(entry.get("doc", "")))
        if "wrapper" in entry:
            return "{.shape = KT_SHAPE_LIST, %s, .elem = &types[%d]}" % (head, self.type_ref(entry["wrapper"], path))
        fields = list(entry.get("fields", {}).items())
        if not fields:
            return "{.shape = KT_SHAPE_OBJECT, %s}" % head
        first = len(self.fields)
        for name, field in fields:
            self.fields.append(self.field(name, field, path + ["fields", name]))
        numbers = [field["number"] for _, field in fields if field["number"]]
        if len(numbers) != len(set(numbers)):
            raise Bad(path, "a protobuf number is used twice")
        by_name = sorted(range(len(fields)), key=lambda i: fields[i][0].encode())
        by_number = sorted(range(len(fields)), key=lambda i: fields[i][1]["number"])
        at = len(self.indexes)
        self.indexes += by_name + by_number
        return "{.shape = KT_SHAPE_OBJECT, %s, .fields = &fields[%d], .n_fields = %d, .by_name = &indexes[%d], " \
            ".by_number = &indexes[%d]}" % (head, first, len(fields), at, at + len(fields))

    def type_initialiser(self, spelling):
        if spelling in SHAPES:
            shape, name, go = SHAPES[spelling]
            elem = ", .elem = &types[%d]" % self.type_index[SCHEMA_PROPS] if spelling.startswith("schema-or-") else ""
            return "{.shape = KT_SHAPE_%s, .name = %s, .go_name = %s, .doc = \"\"%s}" % (shape, c_string(name), c_string(go), elem)
        inner = re.fullmatch(r"(list|map)\((.*)\)", spelling)
        if inner:
            return "{.shape = KT_SHAPE_%s, .go_name = %s, .elem = &types[%d], .doc = \"\"}" % (
                inner.group(1).upper(), c_string(self.go_spelling(spelling)), self.type_index[inner.group(2)])
        return self.object_type(spelling)

    def go_spelling(self, spelling):
        inner = re.fullmatch(r"(list|map)\((.*)\)", spelling)
        if inner:
            return {"list": "[]", "map": "map[string]"}[inner.group(1)] + self.go_spelling(inner.group(2))
        if spelling in SHAPES:
            return SHAPES[spelling][2]
        return ".".join(spelling.split(".")[-2:])

    # --- kinds ---

    def kind(self, number, file, group, kind, index):
        path = ["kinds", index]
        flags = list(kind.get("flags", [])) + (["returns-deleted"] if kind.get("returns_deleted") else [])
        bits = self.flag_bits(flags, KIND_FLAGS, "KT_KIND_", path + ["flags"])
        if kind.get("namespaced"):
            bits = "KT_KIND_NAMESPACED" + ("" if bits == "0" else " | " + bits)
        out = self.out
        for what, rows in (("columns", self.columns(kind, path)), ("subresources", self.subresources(kind)),
                           ("selectable", self.selectable(kind))):
            if rows:
                struct = {"columns": "kt_column", "subresources": "kt_subresource", "selectable": "kt_selectable"}[what]
                out.append("static const struct %s %s_%d[] = {\n\t%s,\n};" % (struct, what, number, ",\n\t".join(rows)))
        def table(what):
            n = len(kind.get(what) or [])
            return ".%s = %s, .n_%s = %d" % (what, "%s_%d" % (what, number) if n else "NULL", what, n)

        return "{.group = %s, .version = %s, .kind = %s, .list_kind = %s, .plural = %s, .singular = %s, .short_names = %s, " \
            ".categories = %s, .type = &types[%d], .flags = %s, .verbs = %s, %s, %s, %s, .name_format = %s, " \
            ".storage_version = %s, .storage_prefix = %s, .default_delete = %s, .doc = %s, .index = %d, " \
            ".set = &kt_builtin_kinds}" % (
                c_string(group), c_string(kind["version"]), c_string(kind["kind"]), c_string(kind.get("list", "")),
                c_string(kind["plural"]), c_string(kind["singular"]), self.string_list(kind.get("short")),
                self.string_list(kind.get("categories")), self.type_ref(kind["type"], path + ["type"]), bits,
                self.verbs(kind["verbs"]), table("columns"), table("subresources"), table("selectable"),
                c_string(kind.get("name_format", "dns1123-subdomain")), c_string(kind.get("storage_version", kind["version"])),
                c_string(kind.get("storage", "/registry/" + kind["plural"])), c_string(kind.get("default_delete")),
                c_string(kind.get("doc", "")), number)

    @staticmethod
    def verbs(names):
        return " | ".join("KT_VERB_" + name.upper() for name in names) or "0"

    @staticmethod
    def columns(kind, path):
        rows = []
        for i, c in enumerate(kind.get("columns", [])):
            known_keys(c, {"name", "type", "format", "priority", "path", "cell", "doc", "keep"}, path + ["columns", i])
            if ("path" in c) == ("cell" in c):
                raise Bad(path + ["columns", i], "column '%s' needs either a path or a cell" % c["name"])
            rows.append("{%s, %s, %s, %d, %s, %s, %s}" % (
                c_string(c["name"]), c_string(c["type"]), c_string(c.get("format", "")), c.get("priority", 0),
                c_string(c.get("doc", "")), c_string(c.get("path")), c_string(c.get("cell"))))
        return rows

    def subresources(self, kind):
        return ["{.name = %s, .group = %s, .version = %s, .kind = %s, .verbs = %s, .replicas_path = %s, "
                ".status_replicas_path = %s, .label_selector_path = %s}" % (
                    c_string(s["name"]), c_string(s.get("group", "")), c_string(s["version"]), c_string(s["kind"]),
                    self.verbs(s["verbs"]), c_string(s.get("replicas_path")), c_string(s.get("status_replicas_path")),
                    c_string(s.get("label_selector_path"))) for s in kind.get("subresources", [])]

    @staticmethod
    def selectable(kind):
        return ["{%s, %s}" % (c_string(s["field"]), c_string(s["path"])) for s in kind.get("selectable", [])]

    # --- writing ---

    def compile(self):
        for name in sorted(self.type_entries):
            self.type_ref(name, [])
        self.kinds.sort(key=lambda k: k[:2])
        kinds = []
        for number, (_, index, file, group, kind) in enumerate(self.kinds):
            try:
                kinds.append(self.kind(number, file, group, kind, index))
            except Bad as bad:
                sys.exit("%s:%d: %s" % (file, line_of(file, bad.path), bad))
        done = []
        while len(done) < len(self.types):  # fields may name lists and maps that join the list
            done.append(self.type_initialiser(self.types[len(done)]))
        named = sorted((self.full(t), i) for i, t in enumerate(self.types) if t in self.type_entries)
        gvks = sorted((self.groups[t.rsplit(".", 1)[0]] or "", t.split(".")[-2], t.rsplit(".", 1)[1], i)
                      for i, t in enumerate(self.types) if self.is_kind(t))
        return self.render(done, kinds, named, gvks)

    def full(self, spelling):
        alias, short = spelling.rsplit(".", 1)
        return self.packages[alias] + "." + short

    def is_kind(self, spelling):
        fields = self.type_entries[spelling][1].get("fields", {}) if spelling in self.type_entries else {}
        return list(fields)[:2] == ["kind", "apiVersion"] and not fields["kind"]["number"]

    def render(self, types, kinds, named, gvks):
        head = ["/* SPDX-License-Identifier: GPL-3.0-or-later */", "/* Made by tools/compile_kinds.py from src/api/kinds; do not edit. */",
                '#include "api/schema/tables.h"', "", "static const struct kt_type types[%d];" % len(types),
                "static const struct kt_field fields[%d];" % len(self.fields)]
        for i, values in enumerate(self.string_lists):
            head.append("static const char *const strings_%d[] = {%s, NULL};" % (i, ", ".join(c_string(v) for v in values)))
        body = ["static const struct kt_limits limits[] = {\n\t%s,\n};" % ",\n\t".join(self.limits or ["{0}"]),
                "static const uint16_t indexes[] = {\n\t%s,\n};" % ", ".join(map(str, self.indexes)),
                "static const struct kt_field fields[%d] = {\n\t%s,\n};" % (len(self.fields), ",\n\t".join(self.fields)),
                "static const struct kt_type types[%d] = {\n\t%s,\n};" % (len(types), ",\n\t".join(types))]
        tail = ["static const struct kt_kind kinds[] = {\n\t%s,\n};" % ",\n\t".join(kinds),
                "const struct kt_kind_set kt_builtin_kinds = {kinds, %d};" % len(kinds),
                "const struct kt_type *const kt_table_types[] = {\n\t%s,\n};" % ",\n\t".join("&types[%d]" % i for _, i in named),
                "const size_t kt_table_types_n = %d;" % len(named),
                "const struct kt_table_gvk kt_table_gvks[] = {\n\t%s,\n};" % ",\n\t".join(
                    "{%s, %s, %s, &types[%d]}" % (c_string(g), c_string(v), c_string(k), i) for g, v, k, i in gvks),
                "const size_t kt_table_gvks_n = %d;" % len(gvks)]
        return "\n".join(head + body + self.out + tail) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("folder")
    options = parser.parse_args()
    compiler = Compiler()
    for name in sorted(os.listdir(options.folder)):
        if name.endswith(".yaml"):
            file = os.path.join(options.folder, name)
            try:
                compiler.read(file)
            except Bad as bad:
                sys.exit("%s:%d: %s" % (file, line_of(file, bad.path), bad))
    text = compiler.compile()
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output + ".new", "w") as f:
        f.write(text)
    os.replace(options.output + ".new", options.output)


if __name__ == "__main__":
    main()
