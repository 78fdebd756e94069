/** Statements and expressions, good and bad, that the embedded DynamoDB and AWS's DynamoDB Local must take alike. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export const S = (text: string): AttributeValue => ({ S: text });
export const N = (number: number | string): AttributeValue => ({ N: `${number}` });

/** The item that each case begins with, besides its key. */
export const ITEM: Record<string, AttributeValue> = {
  a: S("x"),
  n: N(5),
  nul: { NULL: true },
  f: { BOOL: true },
  blank: S(""),
  u: S("é😀"),
  l: { L: [N(1), N(2), N(3), S("four")] },
  m: { M: { q: { M: { r: { L: [N(7)] } } }, "a b": N(1) } },
  s: { SS: ["a", "b"] },
  ns: { NS: ["1", "2"] },
  b: { B: Buffer.from("bytes") },
};

/** A text in PartiQL, and the parameters for its question marks. */
type Case = readonly [text: string, parameters: readonly AttributeValue[]];

function lines(texts: string): Case[] {
  return texts
    .trim()
    .split("\n")
    .map((text) => [text.trim(), []]);
}

/** Conditions in PartiQL, with their parameters. */
export const CONDITIONS: readonly Case[] = [
  ...lines(`
    a='x'
    'x'=a
    a != 'y'
    a <> 'x'
    n = 5
    n = 5.0
    n='5'
    n > -5 AND n < +6
    NOT n > 4
    NOT (n > 4 AND a='x')
    NOT NOT a='x'
    ((a='x'))
    (((a='x') AND (n=5)))
    n BETWEEN 1 AND 5
    n NOT BETWEEN 1 AND 4
    n BETWEEN 5 AND 1
    a BETWEEN 'a' AND 'z'
    a IN ['x', 'y']
    a IN ('x')
    a NOT IN ['x']
    a IN []
    a IN 'x'
    n IN [4, l[0], 5]
    zz IS MISSING
    a IS NOT MISSING
    l[9] IS MISSING
    m.zz.y IS MISSING
    nul IS NULL
    zz IS NULL
    a IS NOT NULL
    zz IS NOT NULL
    zz = MISSING
    MISSING
    begins_with(a, 'x')
    begins_with(n, 5)
    begins_with(a)
    contains(a, 'x')
    contains(n, 5)
    contains(s, 'a')
    contains(s, 'z')
    contains(ns, 2)
    contains(l, 2)
    contains(l, 'four')
    attribute_type(a, 'S')
    attribute_type(a, 'Q')
    attribute_type(zz, 'S')
    exists(a)
    size(a) = 1
    SIZE(l) >= 3
    size(zz) > 0
    size(n) = 1
    size(u) = 3
    size(blank) = 0
    size(m) = 2
    size(a, n) = 1
    size(a) IN [1]
    size(a) BETWEEN 1 AND 2
    size(a)
    m.q.r[0] = 7
    m['q'].r[0] = 7
    "m"."a b" = 1
    m.'q' = 7
    l[1] = 2
    m.q = {'r':[7]}
    l = [1, 2, 3, 'four']
    l = [1]
    s = <<'b', 'a'>>
    s = <<1>>
    a = a
    a = n
    n = l[1]
    zz = yy
    zz <> yy
    zz <> 1
    NOT zz = 1
    zz < 1
    n + 1 = 6
    n = 4+1
    a LIKE 'x%'
    true
    a
    f = true
    f
    1
    a='x' AND
    a > n
    a < 5
    a = "x"
    a = \`x\`
    a='x' -- comment
    a='x' /* c */
    n=05
    n=.5
    n=5e0
    n=1E400
    n=123456789012345678901234567890123456789012
    a = ''
    blank = ''
    pk = 'other'
    sk > '0'
    u > 'é'
    u < '\uff5e'
    a='x' OR n=5
  `),
  ["? IS MISSING", [N(1)]],
  ["l[?] = 1", [N(0)]],
  ["m.q = ?", [{ M: { r: { L: [N(7)] } } }]],
  ["m.q = ?", [{ M: { r: { L: [N(8)] } } }]],
  ["s = ?", [{ SS: ["b", "a"] }]],
  ["? = ?", [N(1), N(1)]],
  ["b = ?", [{ B: Buffer.from("bytes") }]],
  ["begins_with(b, ?)", [{ B: Buffer.from("by") }]],
];

/** Changes in PartiQL, with their parameters. */
export const CHANGES: readonly Case[] = [
  ...lines(`
    SET a
    SET y=?
    SET l[1]='two'
    SET l[9]='ten'
    SET m.q.other=1
    SET m.zz.y=1
    REMOVE l[0]
    REMOVE l[0] REMOVE l[1]
    REMOVE l[2] REMOVE l[0]
    REMOVE l[9]
    REMOVE l[0] SET l[1]=0
    SET l[8]=8 REMOVE l[1]
    REMOVE l[0], l[1]
    REMOVE zz
    REMOVE m.q.r[0]
    SET a='z', n=n+1
    SET n=1+n
    SET n=n-1
    SET n=n*2
    SET n=-n
    SET n=a+1
    SET n='a'+1
    SET a='z' REMOVE n SET y=1
    SET y=if_not_exists(y, 5)
    SET y=if_not_exists(n, 7)
    SET y=if_not_exists(y, 5)+1
    SET y=if_not_exists(1, 2)
    SET l=list_append(l, [4])
    SET l=list_append([0], l)
    SET s=set_add(s, <<'c'>>)
    SET s=set_add(zz, <<'c'>>)
    SET s=set_add(s, 5)
    SET s=set_add(s, <<1>>)
    SET y=set_add(y, <<1, 2>>)
    SET m.s=set_add(m.s, <<1>>)
    SET s=set_delete(s, <<'b', 'zz'>>)
    SET s=set_delete(s, <<'a', 'b'>>)
    SET zz=set_delete(zz, <<'b'>>)
    SET a=s
    SET a=zz
    SET y=MISSING
    SET y=NULL
    SET a=a
    ADD n 1
    REMOVE a, n
    SET y=size(a)
    SET y=(1)
    SET y=(n+1)
    SET y=l[0]
    SET y={'a':1, 'c':[TRUE, null, 'it''s']}
    SET y=<<>>
    SET y=<<'a', 1>>
    SET pk='x'
    REMOVE sk
    SET a=1 SET a.b=2
    SET a=1 REMOVE a
    SET value=1
    SET "value"=1
    SET state=1
    SET "q r"=1 SET "x""y"=2
    SET $x=1 SET _y=2
    SET é=1
    SET y=foo(1)
    SET x='a' || 'b'
  `),
  ["SET y=?", [N(1)]],
  ["SET l=list_append(l, ?)", [{ L: [N(9)] }]],
  ["SET l=list_append(l, ?)", [S("x")]],
  ["SET s=set_add(s, ?)", [N(1)]],
  ["SET s=set_add(s, ?)", [{ SS: ["q"] }]],
  ["SET y={'a':?}", [N(1)]],
  ["SET y=[?]", [N(1)]],
  ["SET y=?", [{ M: { a: N(1), c: { L: [S("x")] } } }]],
];

/** Whole statements. K stands for the condition on the key, P for the partition key. */
export const STATEMENTS: readonly string[] = [
  ...[
    "SELECT * FROM T WHERE K",
    "SELECT a, n FROM T WHERE K",
    "SELECT m.q, l[0] FROM T WHERE K",
    "SELECT zz FROM T WHERE K",
  ],
  ...["SELECT a AS c FROM T WHERE K", "SELECT VALUE a FROM T WHERE K", "SELECT * FROM T WHERE K AND a='x'"],
  ...[
    "SELECT * FROM T",
    "SELECT * FROM T WHERE pk=P",
    "SELECT * FROM T WHERE pk=P AND sk='no'",
    "SELECT a, a FROM T WHERE K",
  ],
  ...[
    "SELECT count(*) FROM T WHERE K",
    "SELECT * FROM T t WHERE K",
    "SELECT * FROM nope WHERE K",
    "SELECT * FROM T WHERE K LIMIT 1",
  ],
  ...["UPDATE T SET x=1", "UPDATE T SET x=1 WHERE pk=P", "UPDATE T SET x=1 WHERE '1'=sk AND P=pk"],
  ...["UPDATE T SET x=1 WHERE (pk=P) AND (sk='1' AND a='x')", "UPDATE T SET x=1 WHERE pk=P AND sk=5"],
  ...[
    "UPDATE T SET x=1 WHERE pk=P AND sk=''",
    "UPDATE T SET x=1 WHERE pk=P AND sk=a",
    "UPDATE T SET x=1 WHERE K AND sk='2'",
  ],
  ...["UPDATE T SET x=1 WHERE K OR a='x'", "UPDATE T SET x=1 WHERE pk=P AND sk='none'", "UPDATE nope SET x=1 WHERE K"],
  ...[
    "UPDATE T WHERE K",
    "UPDATE 'ttt' SET x=1 WHERE K",
    "UPDATE T SET x=1 WHERE K RETURNING NEW *",
    "UPDATE t SET x=1 WHERE K",
  ],
  ...["UPDATE T SET x=1 WHERE K RETURNING ALL NEW x", "UPDATE T SET a='z' REMOVE n WHERE K RETURNING ALL OLD *"],
  ...[
    "UPDATE T SET a='z' REMOVE n WHERE K RETURNING MODIFIED OLD *",
    "UPDATE T SET a='z' WHERE K RETURNING MODIFIED NEW *",
  ],
  ...["UPDATE T REMOVE a WHERE K RETURNING MODIFIED NEW *", "update T set a='z' where K returning all new *;"],
  ...["DELETE FROM T WHERE K", "DELETE FROM T WHERE K AND a='y'", "DELETE FROM T WHERE pk=P AND sk='none' AND a='y'"],
  ...["DELETE FROM T WHERE K RETURNING ALL OLD *", "DELETE FROM T WHERE K RETURNING ALL NEW *", "DELETE T WHERE K"],
  ...["INSERT INTO T VALUE {'pk':P, 'sk':'1'}", "INSERT INTO T VALUE {'pk':P, 'sk':'2', 'e':'', 'l':[], 'm':{}}"],
  ...["INSERT INTO T VALUE {'pk':P}", "INSERT INTO T VALUE {'pk':P, 'sk':5}", "INSERT INTO T VALUE {'pk':P, 'sk':''}"],
  ...[
    "INSERT INTO T VALUE {'pk':P, 'sk':'2', 'sk':'3'}",
    "INSERT INTO T VALUE {\"pk\":P, 'sk':'2'}",
    "INSERT INTO T VALUE ?",
  ],
  ...[
    "INSERT INTO T VALUES {'pk':P, 'sk':'2'}",
    "INSERT INTO T {'pk':P, 'sk':'2'}",
    "INSERT INTO T VALUE <<{'pk':P, 'sk':'2'}>>",
  ],
  ...["INSERT INTO T VALUE {'pk':P, 'sk':'2'} RETURNING ALL OLD *", "INSERT INTO T VALUE {'pk':P, 'sk':'2', 'a':n}"],
  ...[
    "INSERT INTO T VALUE {'pk':P, 'sk':'2', 'm':missing}",
    "DROP TABLE T",
    "nonsense",
    "EXISTS(SELECT * FROM T WHERE K)",
  ],
];

/** Update expressions of UpdateItem, with their values. */
export const UPDATES: readonly (readonly [string, Record<string, AttributeValue>?])[] = [
  ["REMOVE l[1], l[2]"],
  ["REMOVE l[2], l[0], l[3]"],
  ["REMOVE l[0], m.q.r[0] SET y = l[0]"],
  ["SET l[0] = :v REMOVE l[1]", { ":v": N(9) }],
  ["SET l[7] = :v REMOVE l[0]", { ":v": N(9) }],
  ["SET n = n + :v, y = if_not_exists(y, :v)", { ":v": N("1.5") }],
  ["SET n = n - :v", { ":v": S("a") }],
  ["ADD n :v, y :v", { ":v": N(1) }],
  ["ADD s :v", { ":v": { SS: ["b", "c"] } }],
  ["ADD s :v", { ":v": N(1) }],
  ["DELETE s :v", { ":v": { SS: ["a", "b"] } }],
  ["SET l = list_append(l, :v)", { ":v": { L: [N(1)] } }],
  ["SET a = zz"],
  ["SET zz.y = :v", { ":v": N(1) }],
  ["SET a = :v, a = :v", { ":v": N(1) }],
  ["SET a = :v REMOVE a", { ":v": N(1) }],
  ["SET value = :v", { ":v": N(1) }],
  ["SET a = :v SET n = :v", { ":v": N(1) }],
  ["SET a = :absent", { ":v": N(1) }],
  ["SET"],
  ["SET pk = :v", { ":v": S("x") }],
  ["SET y = :v", { ":v": N("+1.5") }],
  ["SET y = :v", { ":v": N("1e2") }],
  ["SET y = :v", { ":v": N("one") }],
  ["SET y = :v", { ":v": { SS: [] } }],
  ["SET y = :v", { ":v": { SS: ["a", "a"] } }],
];

/** Condition expressions of UpdateItem, and filters of Query, with their values. */
export const EXPRESSIONS: readonly (readonly [string, Record<string, AttributeValue>?])[] = [
  ["attribute_exists(a) AND attribute_not_exists(zz)"],
  ["l = :v", { ":v": { L: [N(1), N(2), N(3), S("four")] } }],
  ["m.q = :v", { ":v": { M: { r: { L: [N(7)] } } } }],
  ["m.q <> :v", { ":v": { M: { r: { L: [N(7)] } } } }],
  ["m.q IN (:v)", { ":v": { M: { r: { L: [N(7)] } } } }],
  ["s = :v", { ":v": { SS: ["b", "a"] } }],
  ["ns = :v", { ":v": { NS: ["2.0", "1"] } }],
  ["contains(l, :v)", { ":v": N(2) }],
  ["contains(s, :v) OR contains(ns, :v)", { ":v": N(2) }],
  ["contains(b, :v)", { ":v": { B: Buffer.from("yte") } }],
  ["size(u) = :v", { ":v": N(3) }],
  ["size(blank) = :v", { ":v": N(0) }],
  ["size(b) = :v", { ":v": N(5) }],
  ["u < :v", { ":v": S("é\uff5e") }],
  ["a BETWEEN :v AND :w", { ":v": S("a"), ":w": S("z") }],
  ["a BETWEEN :v AND :w", { ":v": S("z"), ":w": S("a") }],
  ["a BETWEEN :v AND :w", { ":v": S("a"), ":w": N(1) }],
  ["NOT a = :v AND n > :w", { ":v": S("y"), ":w": N(4) }],
  ["zz = yy"],
  ["zz <> yy"],
  ["a = a"],
  ["((a = :v))", { ":v": S("x") }],
  ["size(a)"],
  ["attribute_exists(:v)", { ":v": S("x") }],
  ["attribute_type(a, :v)", { ":v": S("S") }],
  ["attribute_type(a, :v)", { ":v": S("Q") }],
  ["begins_with(a, :v)", { ":v": N(1) }],
  ["unknown(a)"],
  ["a = :v OR", { ":v": S("x") }],
  ["state = :v", { ":v": S("x") }],
  ["a = :v", { ":v": S("x"), ":unused": S("y") }],
];
