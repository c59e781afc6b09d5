#!/usr/bin/env python3
"""Facts about Spark's configuration keys, asked from the classes that declare them. Needs Java 17.

  tools/gen/conf.py VENV OUT_DIR

Writes conf.tsv:
  default       as `SET -v` and conf.get show it; <undefined>: none; <value of KEY>: another key's value; <zone>: the
                machine's time zone; <folder>: where the server was started; <repository>: an address we do not keep
  type          boolean, int, long, double, string, strings (comma separated), regex, or as an error about a wrong
                value names it: "bytes in BYTE" (also MiB, KiB), "time in SECONDS" (...): the unit of a bare number
  options       the allowed values, comma separated; empty: not a closed list
  folds         upper or lower: how a value's letters are folded before they are compared with the options
  scope         runtime (may be set in a session), static (may not), core (no SQL key)
  public        1 when SET -v lists it
  alternatives  older keys that are read too, comma separated
and conf_removed.tsv: keys that may be set to nothing but the value that they always had.
"""
import os
import re
import sys

import client_python

# Objects whose initialisation registers keys; those of resource managers are left out on purpose.
DECLARED_IN = """org.apache.spark.internal.config.package org.apache.spark.internal.config.Deploy
org.apache.spark.internal.config.History org.apache.spark.internal.config.Kryo org.apache.spark.internal.config.Network
org.apache.spark.internal.config.Python org.apache.spark.internal.config.Status
org.apache.spark.internal.config.Streaming org.apache.spark.internal.config.UI
org.apache.spark.internal.config.Worker org.apache.spark.sql.internal.SQLConf
org.apache.spark.sql.internal.StaticSQLConf org.apache.spark.sql.connect.config.Connect
org.apache.spark.sql.connect.common.config.ConnectCommon org.apache.spark.sql.hive.HiveUtils
org.apache.spark.streaming.StreamingConf""".split()


def module(gateway, name):
    """The one instance of a Scala object."""
    found = gateway.jvm
    for part in (name + "$").split("."):
        found = getattr(found, part)
    return getattr(found, "MODULE$")


def takes(entry, text):
    from py4j.protocol import Py4JJavaError
    try:
        entry.valueConverter().apply(text)
    except Py4JJavaError:
        return False
    return True


def type_of(entry):
    """(type, allowed values, folding), by what the entry's own conversion makes of a text that means nothing."""
    from py4j.protocol import Py4JJavaError
    from py4j.java_gateway import JavaObject
    text = "no-Such-value"
    try:
        value, refusal = entry.valueConverter().apply(text), ""
    except Py4JJavaError as error:
        value, refusal = None, str(error.java_exception.getMessage())
    except ValueError:
        sys.exit(f"{entry.key()}: the gateway cannot carry what the conversion gave")
    seen = text if value is None and text in refusal else str(value) if value is not None else refusal
    folds = "upper" if text.upper() in seen else "lower" if text.lower() in seen else ""
    told = re.search(r"It should be a/an '([^']+)' value", refusal)
    if told:
        return told.group(1), "", ""
    told = re.search(r"It should be one of '([^']+)'", refusal)
    if told:
        options = told.group(1).replace(", ", ",")
        return "string", options, folds or ("upper" if takes(entry, options.split(",")[0].swapcase()) else "")
    if isinstance(value, JavaObject) and value.getClass().getName() == "scala.Some":
        value = value.get()
    if isinstance(value, JavaObject):
        kind = value.getClass().getName()
        kinds = (("Seq", "strings"), ("List", "strings"), ("Nil", "strings"), ("Regex", "regex"))
        return next((name for part, name in kinds if part in kind), "other"), "", ""
    if "For input string" in refusal:
        default = entry.defaultValueString()
        return ("boolean" if default in ("true", "false") else "int"), "", ""
    return "string", "", folds


def fallback_of(entry):
    """The key that an entry without its own default reads, following declarations."""
    text = entry.defaultValueString()
    return text[len("<value of "):-1] if text.startswith("<value of ") else None


def rows_of(gateway, here, zone):
    sql = module(gateway, "org.apache.spark.sql.internal.SQLConf")
    entries = module(gateway, "org.apache.spark.internal.config.ConfigEntry").knownConfigs()
    known = {key: entries.get(key) for key in list(entries.keySet())}
    types = {}

    def typed(key):
        if key not in types:
            types[key] = ("", "", "")
            other = fallback_of(known[key])
            types[key] = typed(other) if other in known else type_of(known[key])
        return types[key]

    for key in sorted(known):
        entry = known[key]
        default = entry.defaultValueString()
        default = default.replace("file:" + here, "file:<folder>").replace(here, "<folder>")
        if key == "spark.sql.session.timeZone" and default == zone:
            default = "<zone>"
        if default.startswith("https://"):
            default = "<repository>"
        if sql.containsConfigEntry(entry):
            scope = "static" if sql.isStaticConfigKey(key) else "runtime"
        else:
            scope = "core"
        alternatives = entry.alternatives()
        names = [alternatives.apply(i) for i in range(alternatives.size())]
        default = default.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        yield key, default, *typed(key), scope, int(entry.isPublic()), ",".join(names)


def removed_of(gateway):
    removed = module(gateway, "org.apache.spark.sql.internal.SQLConf").removedSQLConfigs()
    each = removed.valuesIterator()
    while each.hasNext():
        config = each.next()
        yield config.key(), config.version(), config.defaultValue()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    venv, out = sys.argv[1:]
    client_python.enter(venv)
    from pyspark.conf import SparkConf
    from pyspark.java_gateway import launch_gateway
    gateway = launch_gateway(SparkConf())
    try:
        for name in DECLARED_IN:
            module(gateway, name)
            gateway.jvm.java.lang.Class.forName(name + "$")
        zone = gateway.jvm.java.util.TimeZone.getDefault().getID()
        rows = sorted(rows_of(gateway, os.getcwd(), zone))
        removed = sorted(removed_of(gateway))
    finally:
        gateway.shutdown()
        gateway.proc.stdin.close()
    header = ("key", "default", "type", "options", "folds", "scope", "public", "alternatives")
    client_python.write_rows(os.path.join(out, "conf.tsv"), header, rows)
    client_python.write_rows(os.path.join(out, "conf_removed.tsv"), ("key", "version", "default"), removed)


if __name__ == "__main__":
    main()
