"""Files of Hadoop's formats, classic: Snappy and LZ4 blocks that real Spark has written (tests/codec/make_hadoop.py),
and the settings of a job or a context that Hadoop's formats heed.

The values are real Spark's: VONK_CLASSIC=spark runs these against it (test_classic_rdd.py)."""
import os

import pytest

from server import ROOT
from test_classic_rdd import REAL, run

DATA = os.path.join(ROOT, "tests", "data", "hadoop")
NAMES = """
        NEW, OLD, IO = "org.apache.hadoop.mapreduce.lib.", "org.apache.hadoop.mapred.", "org.apache.hadoop.io."
        INPUT, OUTPUT = "mapreduce.input.fileinputformat.", "mapreduce.output.fileoutputformat."
        CODEC, DELIMITER = IO + "compress.", "textinputformat.record.delimiter"
        sc = SparkContext("local[2]", "a")
        sc.setLogLevel("OFF")
        conf = sc._jsc.hadoopConfiguration()
        def sizes(rdd):
            return rdd.glom().map(len).collect()
        def text(path, settings={}, what="TextInputFormat"):
            return sc.newAPIHadoopFile(path, NEW + "input." + what, IO + "LongWritable", IO + "Text", conf=settings)
        def old(path, settings={}, what="TextInputFormat"):
            settings = dict(settings, **{"mapred.input.dir": path})
            return sc.hadoopRDD(OLD + what, IO + "LongWritable", IO + "Text", conf=settings)
        def fails(make):
            try:
                print("no error", make())
            except Exception as e:
                print(type(e).__name__)
"""


@pytest.mark.parametrize("codec", ["snappy", "lz4"])
def test_blocks_of_real_spark(codec):
    """By record, by block, text; nothing; a value of several chunks."""
    assert run(f"""
        codec, data = {codec!r}, {DATA!r}
        sc = SparkContext("local[2]", "a")
        lines = sc.textFile(data + "/lines." + codec).collect()
        print(lines == [f"line {{i}}, of {{i % 7 * 'a'}}" for i in range(500)] + ["long " * 60000, "end"])
        print(sc.textFile(data + "/none." + codec).collect())
        pairs = [(i, f"value {{i}}" * (i % 5)) for i in range(200)] + [(200, "long " * 60000)]
        for kind in ("record", "block"):
            print(sc.sequenceFile(f"{{data}}/{{kind}}_{{codec}}.seq").collect() == pairs)
        sc.stop()
    """) == ["True", "[]", "True", "True"]


def test_blocks_there_and_back(tmp_path):
    """Every writer, with both codecs: more than a block of text, empty partitions, by record and by block."""
    lines = run(NAMES + f"""
        folder = {str(tmp_path)!r}
        lines = sc.parallelize(range(60000), 3).map(lambda i: "line %d" % (i * i))
        pairs = sc.parallelize(range(30000), 2).map(lambda i: (i, "v%d" % (i % 50)))
        for name, ending in (("SnappyCodec", ".snappy"), ("Lz4Codec", ".lz4")):
            to = folder + "/" + name
            lines.saveAsTextFile(to + "/lines", CODEC + name)
            print(sorted(f for f in os.listdir(to + "/lines") if f[0] != ".")[1] == "part-00000" + ending)
            print(sorted(sc.textFile(to + "/lines").collect()) == sorted(lines.collect()))
            sc.parallelize([], 2).saveAsTextFile(to + "/none", CODEC + name)
            print([os.path.getsize(to + "/none/part-0000%d%s" % (i, ending)) for i in (0, 1)])
            print(sc.textFile(to + "/none").collect(), sc.textFile(to + "/none").getNumPartitions())
            pairs.saveAsSequenceFile(to + "/block", CODEC + name)
            print(sorted(sc.sequenceFile(to + "/block").collect()) == sorted(pairs.collect()))
            for how in ("RECORD", "BLOCK"):
                settings = {{OUTPUT + "compress": "true", OUTPUT + "compress.type": how,
                             OUTPUT + "compress.codec": CODEC + name}}
                pairs.saveAsNewAPIHadoopFile(to + "/" + how, NEW + "output.SequenceFileOutputFormat", conf=settings)
                print(open(to + "/" + how + "/part-r-00000", "rb").read(200).count(name.encode()))
                print(sorted(sc.sequenceFile(to + "/" + how).collect()) == sorted(pairs.collect()))
                pairs.saveAsNewAPIHadoopFile(to + "/text" + how, NEW + "output.TextOutputFormat", conf=settings)
                print(sc.textFile(to + "/text" + how + "/*" + ending).count())
            pairs.saveAsHadoopFile(to + "/old", OLD + "TextOutputFormat", compressionCodecClass=CODEC + name)
            print(sc.textFile(to + "/old/*" + ending).count())
        sc.stop()
    """)
    assert lines == ["True", "True", "[4, 4]", "[] 2", "True", "1", "True", "30000", "1", "True", "30000",
                     "30000"] * 2


def test_sizes_of_splits(tmp_path):
    """The old API: max(minsize, min(whole / wanted, block)); the new one: max(minsize, min(maxsize, block))."""
    with open(tmp_path / "a.txt", "w") as file:
        file.writelines(f"key{i}=v{i}|tail\n" for i in range(2000))
    (tmp_path / "fix.bin").write_bytes(bytes(250) * 40)
    assert run(NAMES + f"""
        path = {str(tmp_path)!r} + "/a.txt"
        for settings in ({{}}, {{INPUT + "split.maxsize": "9000"}}, {{INPUT + "split.maxsize": " 0x2000 "}},
                         {{INPUT + "split.maxsize": "5000", INPUT + "split.minsize": "9000"}},
                         {{"mapred.max.split.size": "9000"}},
                         {{"mapred.min.split.size": "30000", "mapred.max.split.size": "10"}},
                         {{INPUT + "split.minsize": "-7"}}):
            print(sizes(text(path, settings)), sizes(old(path, settings)))
        print(sizes(sc.newAPIHadoopRDD(NEW + "input.TextInputFormat", IO + "LongWritable", IO + "Text",
                                       conf={{INPUT + "inputdir": path, INPUT + "split.maxsize": "9000"}})))
        fails(lambda: sizes(text(path, {{INPUT + "split.maxsize": "10k"}})))
        # hadoopFile takes a conf, which Spark does not look at.
        print(sizes(sc.hadoopFile(path, OLD + "TextInputFormat", IO + "LongWritable", IO + "Text",
                                  conf={{INPUT + "split.minsize": "30000"}})))
        conf.set(INPUT + "split.maxsize", "9000")
        fixed = {str(tmp_path)!r} + "/fix.bin"
        print(sizes(text(path)), sizes(text(path, {{INPUT + "split.maxsize": "20000"}})), sizes(sc.textFile(path)),
              sizes(sc.wholeTextFiles(path)), sizes(sc.binaryFiles(path)), sizes(sc.binaryRecords(fixed, 10)))
        conf.unset(INPUT + "split.maxsize")
        conf.set(INPUT + "split.minsize", "30000")
        print(sizes(text(path)), sizes(sc.textFile(path, 9)), sizes(old(path)), sizes(sc.binaryRecords(fixed, 10)))
        conf.unset(INPUT + "split.minsize")
        many = sc.parallelize(range(60000), 1).map(lambda i: (i, "v%d" % i))
        many.saveAsSequenceFile({str(tmp_path)!r} + "/many")
        def sequence(settings):
            return sizes(sc.newAPIHadoopFile({str(tmp_path)!r} + "/many", NEW + "input.SequenceFileInputFormat",
                                             IO + "IntWritable", IO + "Text", conf=settings))
        print(sequence({{}}), sequence({{INPUT + "split.maxsize": "300000"}}))
        print(sequence({{INPUT + "split.maxsize": "10"}}))
        conf.set(INPUT + "split.minsize", "500000")
        print(sizes(sc.sequenceFile({str(tmp_path)!r} + "/many", minSplits=9)))
        sc.stop()
    """) == [
        "[2000] [1059, 941]", "[543, 522, 473, 462] [1059, 941]", "[495, 482, 434, 431, 158] [1059, 941]",
        "[543, 522, 473, 462] [1059, 941]", "[543, 522, 473, 462] [1059, 941]", "[1696, 304] [1696, 304]",
        "[2000] [1059, 941]", "[543, 522, 473, 462]", "Py4JJavaError", "[1059, 941]",
        "[543, 522, 473, 462] [1170, 830] [1059, 941] [1] [1] [900, 100]",
        "[2000] [1696, 304] [1696, 304] [1000]",
        "[60000] [16750, 16170, 16170, 10910]",
        "[5746, 5614, 5390, 5390, 5390, 5390, 5390, 5390, 5390, 5390, 5520]", "[27530, 26950, 5520]"]


def test_settings_of_reading(tmp_path):
    """Folders in folders, delimiters of records, separators of keys."""
    for name, content in (("in/1.txt", "a=1;b=2;\nc=3\n"), ("in/er/2.txt", "d;e"), ("in/er/_no/3.txt", "no"),
                          ("in/.no/4.txt", "no")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert run(NAMES + f"""
        folder = {str(tmp_path)!r} + "/in"
        deep = {{INPUT + "input.dir.recursive": "true"}}
        fails(lambda: sc.textFile(folder).collect())
        fails(lambda: text(folder).collect())
        print(sorted(text(folder, deep).values().collect()), sorted(old(folder, deep).values().collect()))
        print(text(folder, {{"mapred.input.dir.recursive": " TRUE"}}).count())
        print(text(folder, {{INPUT + "input.dir.nonrecursive.ignore.subdirs": "true"}}).count())
        print(sc.wholeTextFiles(folder).count(), sc.binaryFiles(folder).count())
        conf.set(INPUT + "input.dir.recursive", "true")
        print(sorted(sc.textFile(folder).collect()), sc.wholeTextFiles(folder).count(), sc.binaryFiles(folder).count())
        conf.unset(INPUT + "input.dir.recursive")
        path = folder + "/1.txt"
        for ends in (";", ";\\n", "=", "\\n", "zz"):
            print(text(path, {{DELIMITER: ends, INPUT + "split.maxsize": "3"}}).collect(),
                  old(path, {{DELIMITER: ends}}).values().collect())
        print(text(path, {{DELIMITER: ";"}}, "KeyValueTextInputFormat").count())
        fails(lambda: text(path, {{DELIMITER: ""}}).collect())
        conf.set(DELIMITER, ";")
        print(sc.textFile(path).collect(), sc.textFile(path, 7).collect(), text(path).values().collect())
        conf.unset(DELIMITER)
        for name in ("mapreduce.input.keyvaluelinerecordreader.key.value.separator",
                     "key.value.separator.in.input.line"):
            for part in ("=", ";ignored"):
                print(text(path, {{name: part}}, "KeyValueTextInputFormat").collect(),
                      old(path, {{name: part}}, "KeyValueTextInputFormat").collect())
        sc.stop()
    """) == [
        "Py4JJavaError", "Py4JJavaError", "['a=1;b=2;', 'c=3', 'd;e'] ['a=1;b=2;', 'c=3', 'd;e']", "3", "2", "1 1",
        "['a=1;b=2;', 'c=3', 'd;e'] 2 2",
        "[(0, 'a=1'), (4, 'b=2'), (8, '\\nc=3\\n')] ['a=1', 'b=2', '\\nc=3\\n']",
        "[(0, 'a=1;b=2'), (9, 'c=3\\n')] ['a=1;b=2', 'c=3\\n']",
        "[(0, 'a'), (2, '1;b'), (6, '2;\\nc'), (11, '3\\n')] ['a', '1;b', '2;\\nc', '3\\n']",
        "[(0, 'a=1;b=2;'), (9, 'c=3')] ['a=1;b=2;', 'c=3']",
        "[(0, 'a=1;b=2;\\nc=3\\n')] ['a=1;b=2;\\nc=3\\n']", "2", "Py4JJavaError",
        "['a=1', 'b=2', '\\nc=3\\n'] ['a=1', 'b=2', '\\nc=3\\n'] ['a=1', 'b=2', '\\nc=3\\n']",
    ] + ["[('a', '1;b=2;'), ('c', '3')] [('a', '1;b=2;'), ('c', '3')]",
         "[('a=1', 'b=2;'), ('c=3', '')] [('a=1', 'b=2;'), ('c=3', '')]"] * 2


def test_settings_of_writing(tmp_path):
    """Separators, names, marks, packing: from a job's conf, and from the context's for every writer."""
    lines = run(NAMES + f"""
        pairs = sc.parallelize([(1, "a"), (None, "b"), (2, None)], 1)
        whole = sc.parallelize([(i, "a" * i) for i in range(3)], 1)
        def show(save, n=[0]):
            n[0] += 1
            to = {str(tmp_path)!r} + "/%d" % n[0]
            save(to)
            names = sorted(f for f in os.listdir(to) if f[0] != ".")
            first = open(to + "/" + names[-1], "rb").read()
            print(names, first if b"b\\n2\\n" in first else first[:3] + first[63:65] if first[:3] == b"SEQ" else "")
        def new(conf, what="TextOutputFormat", of=pairs):
            show(lambda to: of.saveAsNewAPIHadoopFile(to, NEW + "output." + what, IO + "IntWritable", IO + "Text",
                                                      conf=conf))
        def before(conf, what="TextOutputFormat", of=pairs, codec=None):
            show(lambda to: of.saveAsHadoopFile(to, OLD + what, IO + "IntWritable", IO + "Text", conf=conf,
                                                compressionCodecClass=codec))
        for settings in ({{"mapreduce.output.textoutputformat.separator": ", "}},
                         {{"mapred.textoutputformat.separator": ""}}, {{"mapreduce.output.basename": "base"}},
                         {{"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}},
                         {{OUTPUT + "compress": "true"}},
                         {{OUTPUT + "compress.codec": CODEC + "BZip2Codec"}},
                         {{"mapred.output.compress": "true", "mapred.output.compression.codec": CODEC + "BZip2Codec"}}):
            new(settings)
            before(settings)
        sequence = "SequenceFileOutputFormat"
        for how in ("RECORD", "BLOCK", "NONE"):
            new({{OUTPUT + "compress": "true", OUTPUT + "compress.type": how}}, sequence, whole)
            before({{OUTPUT + "compress": "true", OUTPUT + "compress.type": how}}, sequence, whole)
        fails(lambda: new({{OUTPUT + "compress": "true", OUTPUT + "compress.type": "block"}}, sequence, whole))
        fails(lambda: new({{OUTPUT + "compress": "true", OUTPUT + "compress.codec": "no.such.Codec"}}))
        conf.set(OUTPUT + "compress", "true")
        conf.set(OUTPUT + "compress.codec", CODEC + "SnappyCodec")
        show(pairs.saveAsTextFile)
        before({{}})
        before({{}}, codec=CODEC + "BZip2Codec")
        show(whole.saveAsSequenceFile)
        show(lambda to: whole.saveAsSequenceFile(to, CODEC + "GzipCodec"))
        objects = {str(tmp_path)!r} + "/objects"
        whole.saveAsPickleFile(objects)
        print(b"SnappyCodec" in open(objects + "/part-00000", "rb").read(200), sc.pickleFile(objects).count())
        conf.unset(OUTPUT + "compress")
        conf.set("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        show(pairs.saveAsTextFile)
        sc.stop()
    """)
    plain, done = "b'1\\ta\\nb\\n2\\n'", "['_SUCCESS', "
    assert lines == [
        done + "'part-r-00000'] b'1, a\\nb\\n2\\n'", done + "'part-00000'] b'1, a\\nb\\n2\\n'",
        done + "'part-r-00000'] b'1a\\nb\\n2\\n'", done + "'part-00000'] b'1a\\nb\\n2\\n'",
        done + "'base-r-00000'] " + plain, done + "'part-00000'] " + plain,
        "['part-r-00000'] " + plain, "['part-00000'] " + plain,
        done + "'part-r-00000.deflate'] ", done + "'part-00000.deflate'] ",
        done + "'part-r-00000'] " + plain, done + "'part-00000'] " + plain,
        done + "'part-r-00000.bz2'] ", done + "'part-00000.bz2'] ",
    ] + [done + f"'{name}'] {first}" for first in (r"b'SEQ\x01\x00'", r"b'SEQ\x01\x01'", r"b'SEQ\x00\x00'")
         for name in ("part-r-00000", "part-00000")] + ["Py4JJavaError", "Py4JJavaError"] + [
        done + "'part-00000.snappy'] ",
        done + r"'part-00000.snappy'] b'\x00\x00\x00\x08\x00\x00\x00\n\x08\x1c1\ta\nb\n2\n'",
        done + "'part-00000.bz2'] ", done + r"'part-00000'] b'SEQ\x01\x00'", done + r"'part-00000'] b'SEQ\x01\x01'",
        "True 3", "['part-00000'] "]


@pytest.mark.skipif(REAL, reason="what is refused here, real Spark does")
def test_settings_that_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    assert run(NAMES + f"""
        for name in ("mapreduce.input.linerecordreader.line.maxlength", "mapreduce.input.pathFilter.class"):
            try:
                text({str(tmp_path)!r} + "/a.txt", {{name: "1"}}).collect()
            except Exception as e:
                print("UNSUPPORTED_FEATURE" in str(e) and name in str(e))
        sc.stop()
    """) == ["True", "True"]
