import xml.etree.ElementTree as ElementTree

from longstride.storage.html import MAX_ROWS, html_table


def cells(html: str) -> list[list[str]]:
    table = ElementTree.fromstring(html)
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


def test_texts_and_numbers() -> None:
    html = html_table("Channels", ["name", "rows", "mean"], [("flow", 1234567, 0.123456789), ("level", 0, None)])
    assert cells(html) == [["name", "rows", "mean"], ["flow", "1,234,567", "0.123457"], ["level", "0", ""]]
    assert html.count("text-align: right") == 3
    assert "color" not in html


def test_every_text_is_escaped() -> None:
    nasty = "<script>\"&'</script>"
    html = html_table(nasty, [nasty], [[nasty]])
    assert "<script>" not in html
    assert cells(html) == [[nasty], [nasty]]
    assert ElementTree.fromstring(html).findtext("caption/b") == nasty


def test_no_header_without_columns() -> None:
    assert cells(html_table("Store", [], [("rows", 3)])) == [["rows", "3"]]
    assert "<thead>" not in html_table("Store", [], [])


def test_many_rows_are_counted() -> None:
    shown = cells(html_table("Store", ["number"], [(number,) for number in range(MAX_ROWS + 1200)]))
    assert len(shown) == 1 + MAX_ROWS + 1
    assert shown[-1] == ["and 1,200 more"]
