import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInputError, UsageError
from core.mention import Mention
from crawlers.importing.dates import DateFormatDetector, named_format
from crawlers.importing.importer import ImportReport, import_file
from crawlers.importing.mapping import ImportOptions
from tests.recording import NOW, RecordingSink

Write = Callable[..., Path]
PAST = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file and returns its path."""

    def to_file(content: str | bytes, name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def _ignore(done: int, total: int) -> None:
    pass


def _take(
    path: Path, sink: RecordingSink | None = None, **options: object
) -> tuple[ImportReport, list[Mention]]:
    sink = sink or RecordingSink()
    mapping = options.pop("mapping", {})
    chosen = ImportOptions(source="export", mapping=mapping, **options)  # type: ignore[arg-type]
    report = import_file(path, chosen, sink, _ignore, lambda: NOW)
    assert report.rows == report.stored + report.duplicates + sum(report.skipped.values())
    return report, list(sink.mentions.values())


def test_rows_add_up_and_importing_again_stores_nothing(write: Write) -> None:
    """Every row is stored, a duplicate, or skipped for a reason; again, nothing changes."""
    path = write(
        "id,text,date\n1,Acme one,2024-05-06 07:08:09\n2,Acme two,2024-05-06 07:09:00\n"
        "2,Acme two,2024-05-06 07:09:00\n3,,2024-05-06 07:09:00\n4,Acme four,\n"
        "5,Acme five,yesterday\n6,other,2024-05-06 07:09:00\n"
    )
    sink = RecordingSink(only="Acme")

    report, mentions = _take(path, sink)
    again, _ = _take(path, sink)

    assert (report.rows, report.stored, report.duplicates) == (7, 2, 1)
    assert report.skipped == {"no_text": 1, "no_date": 1, "bad_date": 1, "no_topic": 1}
    assert report.examples["bad_date"] == ["row 6: yesterday"]
    assert (again.stored, again.duplicates) == (0, 3)
    assert mentions[0].published_at == PAST


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-06 07:08:09",
        "2024-05-06T07:08:09Z",
        "2024-05-06T09:08:09+02:00",
        "2024-05-06 09:08:09 +0200",
        "2024/05/06 07:08:09",
        "2024-05-06 07:08:09 UTC",
        "Mon, 06 May 2024 07:08:09 GMT",
        "6 May 2024 07:08:09 +0000",
        "Mon May 06 07:08:09 +0000 2024",
        "1714979289",
        "1714979289000",
    ],
)
def test_date_formats_are_found_out(write: Write, value: str) -> None:
    """The usual ways to write a point in time are read without being told."""
    path = write(json.dumps({"text": "Acme", "date": value}), "rows.jsonl")

    _, (mention,) = _take(path)

    assert mention.published_at == PAST


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (["6/5/2024 7:08", "13/5/2024 7:08"], datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        (["5/6/2024 7:08", "5/13/2024 7:08"], datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        (["06-05-2024 07:08", "13-05-2024 07:08"], datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        (["06.05.24", "31.05.24"], datetime(2024, 5, 6, tzinfo=UTC)),
        (["5/6/2024 7:08 PM", "5/13/2024 12:08 AM"], datetime(2024, 5, 6, 19, 8, tzinfo=UTC)),
        (["7/7/2024", "7/7/2024"], datetime(2024, 7, 7, tzinfo=UTC)),
    ],
)
def test_one_row_can_settle_the_format_of_all(
    write: Write, rows: list[str], first: datetime
) -> None:
    """A day above twelve anywhere in the file says which number is the day."""
    path = write("text,date\n" + "".join(f"Acme {n},{date}\n" for n, date in enumerate(rows)))

    _, mentions = _take(path)

    assert mentions[0].published_at == first


def test_ambiguous_dates_are_an_error_that_names_the_option(write: Write) -> None:
    """Where day and month can be swapped in every row, a person must say which is which."""
    path = write("text,date\nAcme,5/6/2024\nAcme,7/8/2024\n")

    with pytest.raises(UsageError, match=r"--date-format d/m/y or --date-format m/d/y"):
        _take(path)
    _, (mention, _) = _take(path, date_format="d/m/y")
    assert mention.published_at == datetime(2024, 6, 5, tzinfo=UTC)
    _, (mention, _) = _take(path, date_format="%m/%d/%Y")
    assert mention.published_at == datetime(2024, 5, 6, tzinfo=UTC)


def test_mixed_date_formats_are_an_error_with_rows(write: Write) -> None:
    """No format that reads some rows is used when others, readable ones, contradict it."""
    path = write("text,date\nAcme,13/5/2024\nAcme,5/13/2024\n")

    with pytest.raises(UsageError, match=r"no one date format parses every row.*row 2"):
        _take(path)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_none(value: str) -> None:
    """Reading a date never raises, whatever stands in the cell."""
    detector = DateFormatDetector()
    detector.add(1, value)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - naive
def test_written_dates_are_read_back(at: datetime) -> None:
    """Day first, month first and ISO read what they are written as."""
    at = at.replace(microsecond=0)
    for name, pattern in (("d/m/y", "%d/%m/%Y"), ("m/d/y", "%m-%d-%Y"), ("iso", "%Y-%m-%d")):
        written = at.strftime(f"{pattern} %H:%M:%S")
        assert named_format(name).parse(written) == at


def test_naive_times_are_utc_unless_a_zone_is_named(write: Write) -> None:
    """`time_zone` says what a time without a zone means, in summer and in winter."""
    path = write("text,date\nAcme s,2024-07-01 12:00:00\nAcme w,2024-01-01 12:00:00\n")

    _, utc = _take(path)
    _, berlin = _take(path, time_zone="Europe/Berlin")

    assert [m.published_at.hour for m in utc] == [12, 12]
    assert [m.published_at.hour for m in berlin] == [10, 11]
    with pytest.raises(UsageError, match="Middle/Earth"):
        _take(path, time_zone="Middle/Earth")


@pytest.mark.parametrize("value", ["0001-01-01 00:00:00", "2106-02-07 06:28:15", "1969-12-31"])
def test_impossible_years_are_bad_dates(write: Write, value: str) -> None:
    """The year 1 and the year 2106 are mistakes of the file and do not stop the import."""
    path = write(f"text,date\nAcme,2024-05-06\nAcme,{value}\n")

    report, mentions = _take(path)

    assert report.skipped == {"bad_date": 1}
    assert len(mentions) == 1


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Grüße von Acme 🚀 日本"),
        ("utf-8-sig", "Grüße von Acme 🚀"),
        ("utf-16", "Grüße von Acme 🚀"),
        ("cp1252", "Grüße von Acme, schön teuer für täglich € 5"),
        ("cp1251", "Компания Acme снова подняла цены на услуги связи"),
    ],
)
def test_encodings_are_found_out(write: Write, encoding: str, text: str) -> None:
    """The byte order mark, valid UTF-8 or the likeliest old code page is used."""
    rows = "".join(f'{n},"{text}",2024-05-06\n' for n in range(20))
    path = write(("id,text,date\n" + rows).encode(encoding))

    report, mentions = _take(path)

    assert report.stored == 20
    assert {mention.text for mention in mentions} == {text}


def test_encoding_can_be_named(write: Write) -> None:
    """`encoding` overrides what was found out; an unknown one is an error."""
    path = write("text,date\nGr\xfc\xdfe,2024-05-06\n".encode("latin-1"))

    _, (mention,) = _take(path, encoding="latin-1")

    assert mention.text == "Grüße"
    with pytest.raises(UsageError, match="klingon"):
        _take(path, encoding="klingon")


def test_few_broken_bytes_do_not_change_the_encoding(write: Write) -> None:
    """A file that is UTF-8 but for one byte is read as UTF-8, with a note."""
    rows = "".join(f"Grüße {n},2024-05-06\n" for n in range(200))
    path = write(b"text,date\n" + rows.encode() + b"bro\xffken,2024-05-06\n")

    report, mentions = _take(path)

    assert report.stored == 201
    assert mentions[0].text == "Grüße 0"
    assert any("UTF-8 but for some bytes" in note for note in report.notes)


def test_unclosed_quote_breaks_one_row(write: Write) -> None:
    """A quote that is never closed costs its own row, not the rest of the file."""
    rows = "".join(f'{n},"Acme, number {n}",2024-05-06\n' for n in range(2, 2_000))
    path = write('id,text,date\n1,"Acme never closed,2024-05-06\n' + rows)

    report, mentions = _take(path)

    assert report.skipped == {"unclosed_quote": 1}
    assert report.examples["unclosed_quote"] == ["row 1"]
    assert len(mentions) == 1_998


def test_unclosed_quote_without_another_quote_breaks_one_row(write: Write) -> None:
    """The same where no later quote closes it by accident, up to the end of the file."""
    rows = "".join(f"{n},Acme {n},2024-05-06\n" for n in range(2, 3_000))
    path = write('id,text,date\n1,"Acme never closed,2024-05-06\n' + rows)

    report, mentions = _take(path)

    assert report.skipped == {"unclosed_quote": 1}
    assert len(mentions) == 2_998


def test_unclosed_quote_does_not_swallow_the_next_row(write: Write) -> None:
    """Where the next row's quote closes it and the fields happen to fit, two rows stay two."""
    path = write('id,text,date\n1,"Acme one,2024-05-06\n2,"Acme two",2024-05-06\n')

    report, mentions = _take(path)

    assert report.skipped == {"unclosed_quote": 1}
    assert [mention.text for mention in mentions] == ["Acme two"]


def test_quoted_line_breaks_delimiters_and_quotes_are_text(write: Write) -> None:
    """What is quoted is text, with line breaks, doubled quotes and delimiters in it."""
    path = write('id;text;date\r\n1;"Acme;\r\nsays ""hi""";2024-05-06\r\n2;5" Acme;2024-05-06\r\n')

    _, mentions = _take(path)

    assert [mention.text for mention in mentions] == ['Acme;\r\nsays "hi"', '5" Acme']


def test_rows_of_another_width_are_reported(write: Write) -> None:
    """Too few or too many fields are a reason; empty fields at the end are not."""
    path = write("id,text,date\n1,Acme\n2,Acme,2024-05-06,,\n3,Acme,2024-05-06,x\n")

    report, mentions = _take(path)

    assert report.skipped == {"wrong_columns": 2}
    assert len(mentions) == 1


def test_nul_and_line_separator_are_taken_out_of_texts(write: Write) -> None:
    """NUL goes, U+2028 is a line break; neither ends a row."""
    path = write("id,text,date\n1,Ac\x00me\u2028line,2024-05-06\n2,Acme,2024-05-06\n")

    _, mentions = _take(path)

    assert [mention.text for mention in mentions] == ["Acme\nline", "Acme"]


def test_columns_fill_fields(write: Write) -> None:
    """Named columns fill their fields; well-known ones are taken and noted."""
    path = write(
        "tweet,when,who,user_followers,retweets,favorites,lang,parent,tags\n"
        "Acme &amp; co…,2024-05-06,@ann,405,1,\"1,234\",en,77,\"['acme', 'launch']\"\n"
    )
    mapping = {"text": "tweet", "published_at": "when", "author": "who"}
    mapping |= {"parent_id": "parent", "hashtags": "tags"}

    report, (mention,) = _take(path, mapping=mapping)

    assert mention.text == "Acme & co…\n#acme #launch"
    assert mention.author is not None
    assert (mention.author.handle, mention.author.followers) == ("ann", 405)
    assert (mention.engagement.shares, mention.engagement.reactions) == (1, 1234)
    assert mention.engagement.views is None
    assert mention.language == "en"
    assert mention.parent_id
    assert "column retweets is taken for shares" in report.notes


def test_unknown_fields_and_columns_say_what_there_is(write: Write) -> None:
    """A wrong mapping is an error that lists the fields or the columns."""
    path = write("a,b\nAcme,2024-05-06\n")

    with pytest.raises(UsageError, match="no such field; there are id, text"):
        _take(path, mapping={"body": "a"})
    with pytest.raises(UsageError, match="columns are a, b"):
        _take(path, mapping={"text": "c"})
    with pytest.raises(UsageError, match="--map text="):
        _take(path)
    with pytest.raises(UsageError, match="--map published_at="):
        _take(path, mapping={"text": "a"})


def test_json_lines_with_nested_fields(write: Write) -> None:
    """A dotted name reaches into an object; broken lines are reported."""
    rows = [
        json.dumps({"text": "Acme\u2028one", "at": "2024-05-06", "user": {"name": "Ann"}}),
        "{broken",
        "[1]",
        json.dumps({"text": "Acme two", "at": "2024-05-07", "user": None}),
    ]
    path = write("\n".join(rows), "rows.jsonl")

    report, mentions = _take(path, mapping={"published_at": "at", "author_name": "user.name"})

    assert report.skipped == {"broken_row": 2}
    assert [m.author.name if m.author else None for m in mentions] == ["Ann", None]


def test_json_list_is_an_error(write: Write) -> None:
    """One list over the whole file cannot be streamed, and the message says so."""
    path = write('[\n{"text": "Acme", "date": "2024-05-06"}\n]', "rows.json")

    with pytest.raises(UsageError, match="one JSON object a line"):
        _take(path)


def test_parquet_with_native_and_written_dates(tmp_path: Path) -> None:
    """Parquet columns are read as they are typed, in batches."""
    path = tmp_path / "rows.parquet"
    table = {"text": [f"Acme {n}" for n in range(2_500)], "views": [1.0] * 2_500}
    pq.write_table(pa.table({**table, "date": [PAST] * 2_500}), path)

    report, mentions = _take(path)

    assert report.stored == 2_500
    assert mentions[0].published_at == PAST
    assert mentions[0].engagement.views == 1


def test_files_that_cannot_be_read_say_why(write: Write, tmp_path: Path) -> None:
    """A missing, empty, unknown or damaged file is an error that names it."""
    with pytest.raises(UsageError, match="there is no such file"):
        _take(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="is empty"):
        _take(write(""))
    with pytest.raises(UsageError, match=r"must end in \.csv"):
        _take(write("x", "rows.xlsx"))
    with pytest.raises(BadInputError, match="cannot be read as Parquet"):
        _take(write("no parquet", "rows.parquet"))
    with pytest.raises(UsageError, match="more than once"):
        _take(write("text,text,date\na,b,2024-05-06\n"))


def test_a_line_without_end_is_not_held_in_memory(write: Write) -> None:
    """A row above the limit is skipped while the file streams."""
    path = write("id,text,date\n1," + "x" * 30_000_000 + ",2024-05-06\n2,Acme,2024-05-06\n")
    tracemalloc.start()

    report, mentions = _take(path)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.skipped == {"row_too_long": 1}
    assert len(mentions) == 1
    assert peak < 25_000_000


def test_progress_reaches_the_whole(write: Write) -> None:
    """Progress never goes back and ends at the total."""
    path = write("text,date\n" + "Acme,2024-05-06\n" * 5_000)
    seen: list[tuple[int, int]] = []
    options = ImportOptions(source="export")

    import_file(path, options, RecordingSink(), lambda *at: seen.append(at), lambda: NOW)

    assert len(seen) > 5
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == 2 * path.stat().st_size


@pytest.mark.public_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mapping", "rows", "stored"),
    [
        ("vaccination_tweets", "id=id,text=text,published_at=date,author=user_name", 9_214, 9_214),
        ("covid19_tweets", "text=text,published_at=date,author=user_name", 9_999, 9_999),
        ("vacinaja_pt", "id=id,text=texto,published_at=criado_em,author=perfil", 14_405, 14_305),
        ("hacker_news", "id=id,title=title,published_at=created_at,author=author", 20_100, 20_100),
    ],
)
def test_real_exports_add_up(
    public_data: Path, name: str, mapping: str, rows: int, stored: int
) -> None:
    """Real exports are taken whole, and the same import again stores nothing."""
    path = public_data / "streams" / f"{name}.csv"
    chosen = dict(pair.split("=") for pair in mapping.split(","))
    sink = RecordingSink()

    report, _ = _take(path, sink, mapping=chosen)
    again, _ = _take(path, sink, mapping=chosen)

    assert (report.rows, report.stored, report.duplicates) == (rows, stored, rows - stored)
    assert (again.stored, again.duplicates) == (0, rows)
