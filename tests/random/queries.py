"""Random tables and SELECTs over them, from a random.Random: queries have the same answer whatever the order of work is
(sums are exact, LIMIT stands over a total order).

A query's text holds marks for what differs between dialects (DIALECTS). `portable` ones mean the same in SQLite."""

DIALECTS = {"vonk": {"@DIV": "DIV", "@TEXT": "STRING", "@D": "D"}, "sqlite": {"@DIV": "/", "@TEXT": "TEXT", "@D": ""}}
COLUMNS = [("id", "int"), ("k", "int"), ("v", "int"), ("s", "str"), ("d", "dbl")]
TYPES = {"int": "BIGINT", "str": "STRING", "dbl": "DOUBLE"}
TEXTS = ["", "a", "b", "ab", "abc", "ba", "B", "zz", "x y"]


class Query:
    """text: with marks; columns: types of the result; ordered: rows come in a total order."""

    def __init__(self, text, columns, ordered, portable):
        self.text, self.columns, self.ordered, self.portable = text, columns, ordered, portable

    def render(self, dialect):
        text = self.text
        for mark, word in DIALECTS[dialect].items():
            text = text.replace(mark, word)
        return text


def literal(value, kind):
    if value is None:
        return f"CAST(NULL AS {TYPES[kind]})"
    return f"'{value}'" if kind == "str" else f"{value}D" if kind == "dbl" else f"{value}L"


def tables(rng):
    """Rows of the tables a, b and c."""
    sizes = [rng.choice([0, 1, 5, 20, 60]) for _ in "abc"]
    if rng.random() < 0.4:
        sizes[rng.randrange(3)] = rng.choice([300, 1100])
    out = {}
    for name, n in zip("abc", sizes):
        keys, nulls = rng.choice([2, 6, 30]), rng.choice([0, 0.1, 0.5])

        def maybe(value, share=nulls):
            return None if rng.random() < share else value
        out[name] = [(i, maybe(rng.randrange(keys)), maybe(rng.randint(-9, 40)), maybe(rng.choice(TEXTS)),
                      maybe(rng.randint(-20, 60) / 4)) for i in range(n)]
    return out


class Maker:
    """Makes queries; `here` are the columns in reach, (text, type)."""

    def __init__(self, rng):
        self.rng, self.portable, self.names = rng, True, 0

    # --- expressions

    def column(self, here, kind):
        fits = [text for text, its in here if its == kind]
        return self.rng.choice(fits) if fits else None

    def leaf(self, here, kind):
        column = self.column(here, kind)
        if column and self.rng.random() < 0.8:
            return column
        if kind == "int":
            return str(self.rng.randint(0, 9))
        return f"'{self.rng.choice(TEXTS)}'" if kind == "str" else f"{self.rng.randint(0, 12) / 4}@D"

    def expr(self, here, kind, depth=2):
        if depth == 0 or self.rng.random() < 0.35:
            return self.leaf(here, kind)
        a, b = self.expr(here, kind, depth - 1), self.expr(here, kind, depth - 1)
        forms = [f"coalesce({a}, {b})", f"nullif({a}, {b})",
                 f"CASE WHEN {self.test(here, depth - 1)} THEN {a} ELSE {b} END"]
        if kind == "int":
            forms += [f"({a} + {b})", f"({a} - {b})", f"({a} * {self.rng.randint(-2, 3)})", f"abs({a})",
                      f"({a} % {self.rng.randint(2, 7)})", f"({a} @DIV {self.rng.randint(2, 5)})",
                      f"length({self.expr(here, 'str', depth - 1)})"]
        elif kind == "str":
            forms += [f"({a} || {b})", f"upper({a})", f"substr({a}, 1, {self.rng.randint(1, 3)})", f"trim({a})",
                      f"CAST({self.expr(here, 'int', depth - 1)} AS @TEXT)"]
        else:
            forms += [f"({a} + {b})", f"({a} * 2)", f"(-{a})", f"({self.expr(here, 'int', depth - 1)} * 0.5@D)"]
        return self.rng.choice(forms)

    def test(self, here, depth=2):
        kind = self.rng.choice(["int", "int", "str", "dbl"])
        a, b = self.expr(here, kind, max(depth - 1, 0)), self.expr(here, kind, max(depth - 1, 0))
        forms = [f"{a} {self.rng.choice(['=', '<>', '<', '<=', '>', '>='])} {b}"] * 3
        forms += [f"{a} IS NULL", f"{a} IS NOT NULL", f"{a} IS NOT DISTINCT FROM {b}"]
        if kind == "int":
            some = ", ".join(str(self.rng.randint(0, 9)) for _ in "xyz")
            forms += [f"{a} BETWEEN {self.rng.randint(-5, 5)} AND {self.rng.randint(3, 20)}",
                      f"{a} {self.rng.choice(['IN', 'NOT IN'])} ({some})"]
        if kind == "str":
            pattern = self.rng.choice(["a%", "%b", "_", "%", "ab_"])
            forms.append(f"{a} {self.rng.choice(['LIKE', 'NOT LIKE'])} '{pattern}'")
        if depth > 0:
            x, y = self.test(here, depth - 1), self.test(here, depth - 1)
            forms += [f"({x} AND {y})", f"({x} OR {y})", f"NOT ({x})"]
        return self.rng.choice(forms)

    def where(self, here):
        """A condition that may hold a subquery."""
        kind = self.rng.random()
        if kind < 0.65:
            return self.test(here)
        alias, columns = self.alias(self.rng.choice("abc"))
        outer = self.leaf(here, "int")
        inner = self.column(columns, "int")
        tie = f"{self.column(columns, 'int')} = {self.leaf(here, 'int')}"
        more = f" AND {self.test(columns, 1)}" if self.rng.random() < 0.5 else ""
        if kind < 0.75:
            return f"{outer} {self.rng.choice(['IN', 'NOT IN'])} " \
                   f"(SELECT {inner} FROM {alias} WHERE {self.test(columns, 1)})"
        if kind < 0.87:
            return f"{self.rng.choice(['', 'NOT '])}EXISTS (SELECT 1 FROM {alias} WHERE {tie}{more})"
        function = self.rng.choice(["max", "min", "count", "sum"])
        return f"{outer} {self.rng.choice(['<', '>=', '='])} (SELECT {function}" \
               f"({inner}) FROM {alias} WHERE {tie}{more})"

    # --- FROM

    def alias(self, table):
        self.names += 1
        name = f"t{self.names}"
        return f"{table} AS {name}", [(f"{name}.{c}", kind) for c, kind in COLUMNS]

    def item(self, depth):
        if depth == 0 or self.rng.random() < 0.7:
            return self.alias(self.rng.choice("abc"))
        inner = self.select(depth - 1)
        self.names += 1
        columns = [(f"t{self.names}.c{i}", kind) for i, kind in enumerate(inner.columns)]
        return f"({inner.text}) AS t{self.names}", columns

    def sources(self, depth):
        text, here = self.item(depth)
        for _ in range(self.rng.choice([0, 0, 1, 1, 1, 2])):
            how = self.rng.choice(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN",
                                   "LEFT ANTI JOIN"])
            other, columns = self.item(depth)
            x, y = self.column(here, "int"), self.column(columns, "int")
            condition = f"{x} = {y}" if x and y and self.rng.random() < 0.85 else self.test(here + columns, 1)
            if self.rng.random() < 0.3:
                condition += f" AND {self.test(here + columns, 1)}"
            text = f"{text} {how} {other} ON {condition}"
            if "SEMI" in how or "ANTI" in how:
                self.portable = False
            else:
                here = here + columns
        return text, here

    # --- SELECT

    def kinds(self):
        return [self.rng.choice(["int", "int", "str", "dbl"]) for _ in range(self.rng.randint(1, 4))]

    @staticmethod
    def listed(items):
        return ", ".join(f"{text} AS c{i}" for i, (text, _) in enumerate(items))

    def plain(self, depth):
        text, here = self.sources(depth)
        items = [(self.expr(here, kind), kind) for kind in self.kinds()]
        where = f" WHERE {self.where(here)}" if self.rng.random() < 0.6 else ""
        distinct = "DISTINCT " if self.rng.random() < 0.2 else ""
        return f"SELECT {distinct}{self.listed(items)} FROM {text}{where}", [kind for _, kind in items]

    def aggregate(self, here):
        kind = self.rng.choice(["int", "dbl"])
        arg = self.expr(here, kind, 1)
        distinct = "DISTINCT " if self.rng.random() < 0.25 else ""
        counted = self.expr(here, self.rng.choice(["int", "str"]), 1)
        forms = [("count(*)", "int"), (f"count({distinct}{counted})", "int"),
                 (f"sum({distinct}{arg})", kind), (f"max({arg})", kind), (f"min({self.expr(here, 'str', 1)})", "str"),
                 (f"avg({distinct}{arg})", "avg")]
        text, kind = self.rng.choice(forms)
        if self.rng.random() < 0.2:
            text += f" FILTER (WHERE {self.test(here, 1)})"
        return text, kind

    def grouped(self, depth):
        text, here = self.sources(depth)
        keys = [(self.expr(here, kind, 1), kind) for kind in self.kinds()[:self.rng.choice([0, 1, 1, 2])]]
        keys = [(f"nullif({key}, {key})" if key[:1] in "0123456789'" else key, kind) for key, kind in keys]
        aggregates = [self.aggregate(here) for _ in range(self.rng.randint(1, 3))]
        where = f" WHERE {self.where(here)}" if self.rng.random() < 0.4 else ""
        group = having = ""
        if keys:
            ordinals = ", ".join(str(i + 1) for i in range(len(keys)))
            group = f" GROUP BY {ordinals}"
            if self.rng.random() < 0.2:
                self.portable = False
                group = f" GROUP BY {self.rng.choice(['ROLLUP', 'CUBE'])} ({', '.join(k for k, _ in keys)})"
            if self.rng.random() < 0.3:
                having = f" HAVING count(*) {self.rng.choice(['>', '<'])} {self.rng.randint(1, 4)}"
        items = keys + [(f"round({agg}, 6)", "dbl") if kind == "avg" else (agg, kind) for agg, kind in aggregates]
        return f"SELECT {self.listed(items)} FROM {text}{where}{group}{having}", [kind for _, kind in items]

    def windowed(self):
        text, here = self.alias(self.rng.choice("abc"))
        ident, part = here[0][0], self.expr(here, self.rng.choice(["int", "str"]), 1)
        order = self.expr(here, self.rng.choice(["int", "str"]), 1)
        value = self.expr(here, "int", 1)
        total, frame = f"ORDER BY {ident} DESC" if self.rng.random() < 0.3 else f"ORDER BY {ident}", ""
        if self.rng.random() < 0.6:
            frame = f" ROWS BETWEEN {self.rng.choice(['UNBOUNDED', '1', '3'])} PRECEDING AND " \
                    f"{self.rng.choice(['CURRENT ROW', '2 FOLLOWING', 'UNBOUNDED FOLLOWING'])}"
        by = f"PARTITION BY {part} " if self.rng.random() < 0.8 else ""
        forms = [f"row_number() OVER ({by}{total})", f"rank() OVER ({by}ORDER BY {order})",
                 f"dense_rank() OVER ({by}ORDER BY {order} DESC)", f"sum({value}) OVER ({by}{total}{frame})",
                 f"count({value}) OVER ({by}ORDER BY {order})", f"max({value}) OVER ({by}{total}{frame})",
                 f"lag({value}, {self.rng.randint(1, 3)}) OVER ({by}{total})", f"lead({value}) OVER ({by}{total})",
                 f"sum({value}) OVER ({by})", f"min({value}) OVER ({by}ORDER BY {order})"]
        items = [(ident, "int")] + [(self.rng.choice(forms), "int") for _ in range(self.rng.randint(1, 3))]
        where = f" WHERE {self.test(here, 1)}" if self.rng.random() < 0.3 else ""
        return f"SELECT {self.listed(items)} FROM {text}{where}", [kind for _, kind in items]

    def combined(self, depth):
        kinds = self.kinds()
        sides = []
        for _ in "xy":
            text, here = self.sources(depth)
            items = [(self.expr(here, kind, 1), kind) for kind in kinds]
            sides.append(f"SELECT {self.listed(items)} FROM {text} WHERE {self.test(here, 1)}")
        how = self.rng.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
        if how in ("INTERSECT ALL", "EXCEPT ALL"):
            self.portable = False
        return f"{sides[0]} {how} {sides[1]}", kinds

    def generated(self):
        self.portable = False
        text, here = self.alias(self.rng.choice("abc"))
        outer = self.rng.choice(["", "OUTER "])
        value = f"array({self.expr(here, 'int', 1)}, {self.expr(here, 'int', 1)})"
        if self.rng.random() < 0.5:
            value = f"CASE WHEN {self.test(here, 1)} THEN {value} END"
        items = [(self.expr(here + [("e", "int")], kind, 1), kind) for kind in self.kinds()]
        where = f" WHERE {self.test(here + [('e', 'int')], 1)}" if self.rng.random() < 0.5 else ""
        return f"SELECT {self.listed(items)} FROM {text} LATERAL VIEW {outer}explode({value}) g AS e{where}", \
            [kind for _, kind in items]

    def select(self, depth):
        pick = self.rng.random()
        if pick < 0.4:
            text, kinds = self.plain(depth)
        elif pick < 0.7:
            text, kinds = self.grouped(depth)
        elif pick < 0.82:
            text, kinds = self.combined(0)
        elif pick < 0.93:
            text, kinds = self.windowed()
        else:
            text, kinds = self.generated()
        return Query(text, kinds, False, self.portable)


def query(rng):
    maker = Maker(rng)
    inner = maker.select(rng.choice([0, 1, 1, 2]))
    text, ordered = inner.text, False
    if rng.random() < 0.35:
        ordered = True
        order = ", ".join(f"{i + 1}{rng.choice(['', ' DESC'])}" for i in range(len(inner.columns)))
        limit = f" LIMIT {rng.randint(0, 30)}" if rng.random() < 0.7 else ""
        limit += f" OFFSET {rng.randint(0, 5)}" if limit and rng.random() < 0.3 else ""
        text = f"SELECT * FROM ({text}) AS o ORDER BY {order}{limit}"
    return Query(text, inner.columns, ordered, maker.portable)
