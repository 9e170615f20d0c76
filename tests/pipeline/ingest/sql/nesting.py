"""Every function and operator of the vocabulary, as a frame into which an operand can be put: again and again."""

from longstride.pipeline.ingest.sql.vocabulary import FUNCTIONS, OF_NUMBERS, PARTS_OF_TIME

__all__ = ["NUMBERS", "TEXTS", "nest"]

TWO_NUMBERS = [
    "ATAN2", "ATAN2D", "POW", "POWER", "MOD", "DIV", "LOG", "COALESCE", "GREATEST", "LEAST", "IFNULL", "NULLIF",
]  # fmt: skip
COMPARISONS = ["<", "<=", ">", ">=", "=", "==", "!=", "<>", "<=>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
PATTERNS = ["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "RLIKE", "REGEXP", "~", "~*", "!~", "!~*", "^@"]

NUMBERS = [
    *(f"{function}({{}})" for function in sorted(OF_NUMBERS - {"PI", *TWO_NUMBERS})),
    *(f"{function}({{}}, 2)" for function in TWO_NUMBERS),
    *(f"{function}(a, {{}})" for function in TWO_NUMBERS),
    *(f"{{}} {operator} a" for operator in ["+", "-", "*", "/", "//", "%"]),
    *(f"(a {operator} ({{}}))" for operator in ["+", "-", "*", "/", "//", "%"]),
    *(f"({{}} {operator} a)::DOUBLE" for operator in COMPARISONS),
    *(f"(a {operator} ({{}}))::DOUBLE" for operator in COMPARISONS),
    *(f"{function}({{}} AS {dtype})"
      for function in ("CAST", "TRY_CAST") for dtype in ("TEXT", "BIGINT", "DECIMAL(38, 2)")),
    "ROUND({}, 1)", "PI() + {}", "-({})", "- {}", "({})::DOUBLE", "{}::DOUBLE",
    "IF(({}) > 1, a, 2)", "IF(a > 1, {}, 2)", "IF(a > 1, 2, {})",
    "({} BETWEEN 0 AND 1)::DOUBLE", "({} NOT BETWEEN 0 AND 1)::DOUBLE", "(a BETWEEN ({}) AND 1)::DOUBLE",
    "(a BETWEEN 0 AND ({}))::DOUBLE", "a BETWEEN 0 AND {}", "({}) BETWEEN 0 AND 1",
    "({} IN (1, 2))::DOUBLE", "({} NOT IN (1, b))::DOUBLE", "(a IN (b, ({})))::DOUBLE",
    "({} IN (a, b, b, b, b, b))::DOUBLE", "({} IS NULL)::DOUBLE", "({} IS NOT NULL)::DOUBLE",
    "(({} > 1) IS TRUE)::DOUBLE", "(({} > 1) IS NOT FALSE)::DOUBLE", "(NOT {} > 1)::DOUBLE",
    "({} > 1 AND a > 1)::DOUBLE", "(a > 1 OR {} > 1)::DOUBLE",
    "CASE WHEN {} > 1 THEN a ELSE b END", "CASE WHEN a > 1 THEN {} END", "CASE WHEN a > 1 THEN b ELSE {} END",
    "CASE {} WHEN 1 THEN 2 WHEN 2 THEN 3 END", "CASE a WHEN {} THEN 2 WHEN 2 THEN 3 END",
    "CASE a WHEN 1 THEN {} ELSE 3 END", "CASE {} WHEN 1 THEN a WHEN 2 THEN b WHEN 3 THEN a WHEN 4 THEN b END",
]  # fmt: skip
"""Each takes a number and gives one."""

TEXTS = [
    *(f"{function}({{}})"
      for function in ("CONCAT", "INITCAP", "LOWER", "LTRIM", "REVERSE", "RTRIM", "TRIM", "UPPER")),
    *(f"{function}({{}})::TEXT"
      for function in ("BIT_LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "LENGTH", "OCTET_LENGTH")),
    *(f"{function}({{}}, {number})" for function in ("LEFT", "RIGHT") for number in ("2", "-2", "LENGTH(t)")),
    *(f"{function}(t, LENGTH({{}}))" for function in ("LEFT", "RIGHT", "SUBSTR", "SUBSTRING")),
    *(f"{function}({{}}, {number})"
      for function in ("SUBSTR", "SUBSTRING") for number in ("2", "2, 3", "-2, 3", "LENGTH(t), LENGTH(t)")),
    *(f"{function}(t, LENGTH({{}}), 2)" for function in ("SUBSTR", "SUBSTRING")),
    *(f"{function}(t, 2, LENGTH({{}}))" for function in ("SUBSTR", "SUBSTRING")),
    *(f"{function}({arguments})::TEXT"
      for function in ("ENDS_WITH", "STARTS_WITH", "REGEXP_LIKE", "STRPOS") for arguments in ("{}, 'x'", "t, {}")),
    *(f"({{}} {operator} 'x')::TEXT" for operator in PATTERNS),
    "(t ^@ {})::TEXT", "SUBSTRING({} FROM 1 FOR 2)", "TRIM(BOTH 'x' FROM {})", "LTRIM({}, 'x')", "RTRIM({}, 'x')",
    "POSITION('x' IN {})::TEXT", "POSITION({} IN t)::TEXT", "CONCAT({}, t)", "CONCAT('x', {})", "CONCAT({}, t, t)",
    "CONCAT_WS('-', {}, t)", "CONCAT_WS('-', t, {}, t)", "{} || 'x'", "('x' || {})", "{} || t",
    "REPLACE({}, 'x', 'y')", "REPLACE({}, 'x', 'xxxxxxxxxxxx')", "NULLIF({}, t)", "COALESCE({}, t)",
    *(f"EXTRACT({part} FROM STRPTIME({{}}, '%Y'))::TEXT" for part in sorted(PARTS_OF_TIME - {"TIME"})),
    "EXTRACT(TIME FROM STRPTIME({}, '%Y'))::TEXT", "DATE_PART('year', STRPTIME({}, '%Y'))::TEXT",
    "STRFTIME(STRPTIME({}, '%Y'), '%Y')", "STRFTIME(DATE({}, '%Y'), '%Y')", "STRFTIME(TIMESTAMP({}, '%Y'), '%Y')",
]  # fmt: skip
"""Each takes a text and gives one."""

assert all(any(f"{function}(" in frame for frame in NUMBERS + TEXTS) for function in FUNCTIONS)


def nest(frame: str, operand: str, depth: int) -> str:
    """The operand in so many frames."""
    for _ in range(depth):
        operand = frame.replace("{}", operand)
    return operand
