#!/usr/bin/env python3
"""Facts about Spark Connect's messages, read from the installed client's descriptors.

  tools/gen/connect_fields.py VENV OUT_DIR

Writes connect_fields.tsv (one row per field), connect_enums.tsv (one row per value), connect_methods.tsv (one row per
RPC). Messages: all that the services of package spark.connect reach, plus the google.rpc messages that travel in
error details. A message without fields has no row. A map field is a repeated message whose type is the map's entry
message (fields key and value), as on the wire.
"""
import importlib
import os
import pkgutil
import sys

import client_python

TYPES = dict(enumerate("double float int64 uint64 int32 fixed64 fixed32 bool string group message bytes uint32 enum "
                       "sfixed32 sfixed64 sint32 sint64".split(), start=1))
LABELS = {1: "optional", 2: "required", 3: "repeated"}
ALSO = ["google.rpc.Status", "google.rpc.ErrorInfo", "google.rpc.RetryInfo"]


def file_protos():
    """The descriptors of every module of the client's protocol package and of what these import."""
    from google.protobuf import descriptor_pb2
    import pyspark.sql.connect.proto as package
    todo = [importlib.import_module(f"{package.__name__}.{m.name}").DESCRIPTOR
            for m in pkgutil.iter_modules(package.__path__) if m.name.endswith("_pb2")]
    todo += [importlib.import_module(f"google.rpc.{m}_pb2").DESCRIPTOR for m in ("status", "error_details")]
    seen = {}
    while todo:
        file = todo.pop()
        if file.name in seen:
            continue
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        seen[file.name] = proto
        todo += list(file.dependencies)
    return seen.values()


def index(files):
    """All messages, enums and services by full name."""
    messages, enums, services = {}, {}, {}

    def walk(prefix, message):
        name = f"{prefix}.{message.name}"
        messages[name] = message
        for enum in message.enum_type:
            enums[f"{name}.{enum.name}"] = enum
        for nested in message.nested_type:
            walk(name, nested)

    for file in files:
        for message in file.message_type:
            walk(file.package, message)
        for enum in file.enum_type:
            enums[f"{file.package}.{enum.name}"] = enum
        for service in file.service:
            services[f"{file.package}.{service.name}"] = service
    return messages, enums, services


def reach(roots, messages):
    """Names of the messages and enums that the roots' fields lead to, roots included."""
    found_messages, found_enums, todo = set(), set(), list(roots)
    while todo:
        name = todo.pop()
        if name in found_messages:
            continue
        found_messages.add(name)
        for field in messages[name].field:
            target = field.type_name.lstrip(".")
            if field.type == 14:
                found_enums.add(target)
            elif target:
                todo.append(target)
    return found_messages, found_enums


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    venv, out = sys.argv[1:]
    client_python.enter(venv)
    messages, enums, services = index(file_protos())
    methods = []
    for service in sorted(s for s in services if s.startswith("spark.connect.")):
        for method in services[service].method:
            methods.append((service, method.name, method.input_type.lstrip("."), method.output_type.lstrip("."),
                            int(method.client_streaming), int(method.server_streaming)))
    roots = {m[2] for m in methods} | {m[3] for m in methods} | set(ALSO)
    found_messages, found_enums = reach(roots, messages)
    fields, empty = [], []
    for name in sorted(found_messages):
        message = messages[name]
        if not message.field:
            empty.append(name)
        for field in sorted(message.field, key=lambda f: f.number):
            real_oneof = field.HasField("oneof_index") and not field.proto3_optional
            oneof = message.oneof_decl[field.oneof_index].name if real_oneof else ""
            fields.append((name, field.name, field.number, TYPES[field.type], LABELS[field.label], oneof,
                           field.type_name.lstrip("."), int(field.proto3_optional)))
    values = [(name, v.name, v.number) for name in sorted(found_enums) for v in enums[name].value]
    header = ("message", "field", "number", "type", "label", "oneof", "type_name", "proto3_optional")
    client_python.write_rows(os.path.join(out, "connect_fields.tsv"), header, fields)
    client_python.write_rows(os.path.join(out, "connect_enums.tsv"), ("enum", "name", "number"), values)
    header = ("service", "method", "request", "response", "client_streaming", "server_streaming")
    client_python.write_rows(os.path.join(out, "connect_methods.tsv"), header, methods)
    print(len(found_messages), "messages, of them without any field:", ", ".join(empty))


if __name__ == "__main__":
    main()
