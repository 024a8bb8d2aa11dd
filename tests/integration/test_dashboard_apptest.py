import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alerts.ending import REMOVED, end_incident
from alerts.handling import Deed, Event
from alerts.incident import Late, Unheard
from alerts.notification import Delivery, DeliveryState, Notification
from app.own_rules import rules_by_name, save_own_rule
from app.stores.incident_events import EventStore
from app.stores.outbox import OutboxStore
from core.mention import Status
from core.questions import Selection
from core.rules import RuleKind
from tests.fakes import scenario
from tests.fakes.homes import drain, empty_home, fill_home, open_scenario
from tests.fakes.marked import mark_incidents


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Leave nothing open: the pages keep the application for the whole process."""
    yield
    st.cache_resource.clear()


VIEWS = ("overview", "mentions", "alerts", "sources", "quality", "track")

# As the main script, but with one page: AppTest cannot switch to a page that is a function.
SCRIPT = """
import importlib
import streamlit as st
from dashboard import session, shell
view = importlib.import_module("dashboard.views.{view}_view")
st.session_state["pages"] = {{"mentions": "unused"}}
shell.draw(view.show)
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario, to copy."""
    return fill_home(tmp_path_factory.mktemp("scenario"))


@pytest.fixture
def folder(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scenario in a home of the test's own, named as the dashboard is told."""
    folder = tmp_path / "full"
    shutil.copytree(filled, folder)
    _name(folder, monkeypatch)
    return folder


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without topics, sources or mentions."""
    folder = empty_home(tmp_path / "bare")
    _name(folder, monkeypatch)
    return folder


def _name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDSWELL_CONFIG", str(folder / "configs"))
    monkeypatch.setenv("GROUNDSWELL_HOME", str(folder / "home"))
    monkeypatch.setenv("GROUNDSWELL_NOW", scenario.NOW.isoformat())


Open = Callable[..., AppTest]


@pytest.fixture
def open_view() -> Open:
    """Return a way to open a view at an address."""

    def opening(view: str, **parameters: str) -> AppTest:
        page = AppTest.from_string(SCRIPT.format(view=view), default_timeout=60)
        for name, value in parameters.items():
            page.query_params[name.replace("_", "-")] = value
        return page.run()

    return opening


def _html(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_with_data_draws_without_a_complaint(
    folder: Path, open_view: Open, view: str
) -> None:
    """Every page shows the scenario, and neither an error nor an empty state."""
    page = open_view(view)
    assert not page.exception
    assert not page.error
    assert "gw-empty" not in _html(page)


def test_charts_mark_what_people_pinned(folder: Path, open_view: Open) -> None:
    """On the Overview, beside volume and sentiment, and on the incident's own chart."""
    application = open_scenario(folder, writes=True)
    at = scenario.NOW - timedelta(hours=1)
    pin = Event(scenario.incident().id, at, Deed.PIN, "kim", "statement to the press")
    EventStore(application.state).add(pin)
    application.close()
    for view, charts in (("overview", 2), ("alerts", 1)):
        page = open_view(view, topic="Acme") if view == "overview" else open_view(view)
        assert not page.exception
        drawn = [element.proto for element in page.get("vega_lite_chart")]
        drawn += [element.proto for element in page.get("arrow_vega_lite_chart")]
        assert sum("statement to the press" in proto.spec for proto in drawn) == charts


@pytest.mark.parametrize("view", VIEWS)
def test_mail_that_is_down_is_told_on_every_page(folder: Path, open_view: Open, view: str) -> None:
    """The mail that would say so does not arrive either: the page does, in the server's words."""
    at = scenario.NOW - timedelta(hours=1)
    application = open_scenario(folder, writes=True)
    told = Notification("k.opened", "opened", "Acme", "<k@x>", at, at + timedelta(days=2), "Acme")
    waiting = Delivery(told.key, "press@acme.example", DeliveryState.WAITING, at, at, content=b"x")
    store = OutboxStore(application.state)
    store.add(told, [waiting])
    store.begin(waiting)
    store.postpone(waiting, scenario.NOW, "mail.example:25 cannot be used: nobody listens")
    application.close()
    page = open_view(view)
    assert not page.exception
    (error,) = page.error
    assert error.value.startswith("1 message could not be sent since 05 Mar")
    assert "nobody listens" in error.value


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_view_says_what_to_do_next(bare: Path, open_view: Open, view: str) -> None:
    """Before anything is configured, every page leads to tracking a brand."""
    page = open_view(view)
    assert not page.exception
    assert not page.error
    if view == "track":
        assert page.button[0].label == "Start listening"
    else:
        assert "groundswell track" in _html(page)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_whose_configuration_is_wrong_lists_the_problems(
    folder: Path, open_view: Open, view: str
) -> None:
    """A page says file, key and what is allowed instead of a stack trace."""
    (folder / "configs" / "topics.yml").write_text("- name: Acme\n  quary: x\n", encoding="utf-8")
    page = open_view(view)
    assert not page.exception
    assert "mended" in page.error[0].value
    assert "topics" in page.markdown[0].value


@pytest.mark.parametrize("view", ["overview", "mentions", "alerts", "quality"])
def test_a_view_whose_store_is_down_says_so(folder: Path, open_view: Open, view: str) -> None:
    """With an index that does not answer, the page says that nothing is lost."""
    settings = "index:\n  engine: elasticsearch\n  url: http://127.0.0.1:9\n"
    (folder / "configs" / "settings.yml").write_text(settings, encoding="utf-8")
    page = open_view(view)
    assert not page.exception
    assert "cannot be reached" in page.error[0].value
    assert any("Nothing is lost" in caption.value for caption in page.caption)


def test_a_view_without_its_state_database_says_so(folder: Path, open_view: Open) -> None:
    """A state database that cannot be opened is told too."""
    settings = "state:\n  url: sqlite:////nonexistent/folder/state.sqlite3\n"
    (folder / "configs" / "settings.yml").write_text(settings, encoding="utf-8")
    page = open_view("sources")
    assert not page.exception
    assert "cannot be reached" in page.error[0].value


def test_the_overview_begins_with_the_sentence(folder: Path, open_view: Open) -> None:
    """The first thing on the page is what happens, and its parts are links."""
    first = open_view("overview", topic="Acme").get("html")[0].proto.body
    assert first.startswith('<p class="gw-lead">')
    assert "#latedelivery" in first
    assert first.count('href="mentions?') == 4


def test_filters_come_from_the_address(folder: Path, open_view: Open) -> None:
    """A link opens with its filters set and its mentions counted."""
    page = open_view("mentions", topic="Globex", window="30d", sentiment="negative")
    assert page.selectbox(key="filter-topic").value == "Globex"
    expected = sum(
        m.matched_topics == ("Globex",) and m.sentiment is not None and m.sentiment == "negative"
        for m in scenario.mentions()
    )
    assert f"<b>{expected}</b> mentions" in _html(page)


def test_filters_write_the_address(folder: Path, open_view: Open) -> None:
    """Choosing a topic and searching can be sent to a colleague as a link."""
    page = open_view("mentions")
    page.selectbox(key="filter-topic").select("Acme").run()
    page.text_input(key="filter-query").set_value("kettle").run()
    assert page.query_params["topic"] in ("Acme", ["Acme"])
    assert page.query_params["q"] in ("kettle", ["kettle"])


def test_a_wrong_address_is_told_and_shows_the_rest(folder: Path, open_view: Open) -> None:
    """A bad parameter gives a message, not an error page."""
    page = open_view("mentions", topic="Acne", q='"acme', lang="en")
    assert not page.exception
    assert len(page.warning) == 2
    assert page.text_input(key="filter-query").value == '"acme'
    assert "gw-card" in _html(page)


def _press(page: AppTest, prefix: str) -> AppTest:
    return next(b for b in page.button if str(b.key).startswith(prefix)).click().run()


def _total(page: AppTest) -> int:
    return int(_html(page).split('<p class="gw-total"><b>')[1].split("<")[0].replace(",", ""))


def test_not_us_moves_the_number_and_undo_brings_it_back(folder: Path, open_view: Open) -> None:
    """The total drops by one at once, and comes back."""
    page = open_view("mentions", window="7d")
    before = _total(page)
    _press(page, "us-")
    assert _total(page) == before - 1
    assert "Marked as not us" in _html(page)
    page.button(key="undo").click().run()
    assert _total(page) == before


def test_done_reaches_the_index_through_the_spool(folder: Path, open_view: Open) -> None:
    """What a person does on the page is what the enricher stores."""
    page = open_view("mentions", status="open")
    before = _total(page)
    _press(page, "done-")
    assert _total(page) == before - 1
    application = open_scenario(folder, writes=True)
    assert drain(application) == 1
    done = [m for m in application.index.scan(Selection()) if m.status is Status.DONE]
    application.close()
    assert len(done) == 1
    assert done[0].overlay.status is not None
    assert done[0].overlay.status.by == "dashboard"


def test_not_us_offers_a_term_and_shows_what_it_removes(folder: Path, open_view: Open) -> None:
    """The query is shown with its effect before it is saved."""
    page = open_view("mentions", q="sunday", window="30d", topic="Acme")
    before = _total(page)
    _press(page, "us-")
    page.session_state["shut-term"] = "Sunday evening"
    page.button(key="shut-out").click().run()
    assert page.code[0].value == '(acme OR @acme) AND NOT "Sunday evening"'
    assert f"removes **{before}**" in "".join(m.value for m in page.markdown)
    assert not next(b for b in page.button if b.label == "Save the query").disabled
    text = (folder / "configs" / "topics.yml").read_text(encoding="utf-8")
    assert "AND NOT" not in text


def test_show_more_brings_more(folder: Path, open_view: Open) -> None:
    """The list grows by a page."""
    page = open_view("mentions", window="30d")
    before = _html(page).count("<article")
    page.button(key="more").click().run()
    assert _html(page).count("<article") == 2 * before


def test_alerts_tell_what_fired_and_why(folder: Path, open_view: Open) -> None:
    """An incident says how much, how unusual, since when and what grew; rules say their state."""
    shown = _html(open_view("alerts"))
    assert "is firing" in shown
    assert "41 mentions in 2 hours, 18 times what is usual, 0-5" in shown
    assert "latedelivery" in shown
    assert "watching" in shown


def test_an_incident_that_was_told_late_says_why(folder: Path, open_view: Open) -> None:
    """How late, and who was down when."""
    application = open_scenario(folder)
    (told,) = application.state.incidents()
    at = told.opened_at
    gap = Unheard(source="City feed", start=at - timedelta(hours=3), end=at)
    late = Late(due_at=at - timedelta(hours=2), last_at=at, gaps=(gap,))
    first = told.first.model_copy(update={"late": late})
    application.state.save_incident(told.model_copy(update={"first": first}))
    application.close()
    assert "It was told 2 h late: the source City feed was down " in _html(open_view("alerts"))


def test_an_incident_whose_rule_was_removed_says_so(folder: Path, open_view: Open) -> None:
    """It counts as ended, not as resolved; card and timeline give the reason."""
    application = open_scenario(folder, writes=True)
    ended = end_incident(scenario.incident(), REMOVED, scenario.NOW)
    application.state.save_incident(ended)
    application.close()
    shown = _html(open_view("alerts"))
    assert '<span class="gw-chip ended">ended</span>' in shown
    assert "It ended because the rule was removed." in shown
    assert "It ended: the rule was removed." in shown
    assert "It was over" not in shown
    assert "is firing" not in shown


def test_assigning_on_the_page_mails_that_person(folder: Path, open_view: Open) -> None:
    """The form's address gets a mail in the outbox, and the incident says whose it is."""
    page = open_view("alerts")
    page.text_input(key="assign-text-incident-1").set_value("anna@acme.example")
    page.text_input(key="who-assign-incident-1").set_value("Ben Ode")
    (save,) = [
        one
        for one in page.button
        if one.label == "Save" and "assign-form-incident-1" in str(one.proto.form_id)
    ]
    save.click().run()
    assert not page.exception
    assert "assigned to anna@acme.example" in _html(page)
    application = open_scenario(folder)
    (told, (letter,)) = OutboxStore(application.state).of_incident("incident-1")[-1]
    application.close()
    assert (told.step, letter.recipient) == ("assigned", "anna@acme.example")
    assert told.subject.startswith("[synthetic] Ben Ode gave you this incident: ")


def test_an_unknown_incident_in_the_address_is_told(folder: Path, open_view: Open) -> None:
    """A link to an incident that is gone says so."""
    assert "not known" in open_view("alerts", incident="gone").warning[0].value


def test_sources_name_the_one_that_fails(folder: Path, open_view: Open) -> None:
    """The sentence and the table say which source fails and why."""
    shown = _html(open_view("sources"))
    assert "2 of 3 sources do well." in shown
    assert "answered 503 Service Unavailable" in shown
    assert shown.count('class="gw-strip"') == 3


def test_sources_tell_of_a_topic_that_matches_too_much(folder: Path, open_view: Open) -> None:
    """Above its daily budget a topic is sampled, and the page says so and what to do."""
    application = open_scenario(folder)
    application.state.spend("Acme", scenario.NOW.date().isoformat(), 500, 1234)
    application.close()
    shown = _html(open_view("sources"))
    assert "1,234 left out above its daily budget" in shown
    assert "Narrow its query" in shown


def test_the_model_s_word_shows_after_the_answer_only(folder: Path, open_view: Open) -> None:
    """Five mentions are asked about without a label; an answer shows it, and undo hides it."""
    page = open_view("quality")
    shown = _html(page)
    assert shown.count("<article") == 5
    assert "gw-chip" not in shown
    assert "the model said" not in shown
    assert "Not enough answers yet: 0 of 30." in shown
    _press(page, "say-CANNOT_TELL-")
    assert "You could not tell; the model said" in _html(page)
    assert sum(str(b.key).startswith("say-") for b in page.button) == 4 * 4
    _press(page, "undo-")
    assert "the model said" not in _html(page)


def test_answers_reach_report_and_spool(folder: Path, open_view: Open) -> None:
    """Who calls all five negative sees the table of errors, and corrects what was not so."""
    page = open_view("quality")
    for _ in range(5):
        _press(page, "say-NEGATIVE-")
    assert "gw-confusion" in _html(page)
    assert "5 of 30" in _html(page)
    application = open_scenario(folder, writes=True)
    wrong = [s for s in application.state.samples.answered() if s.predicted != "negative"]
    assert drain(application) == len(wrong) > 0
    application.close()


def test_the_overview_leads_to_the_questions(folder: Path, open_view: Open) -> None:
    """It says how many wait, and nothing once all are answered."""
    assert "5 random mentions of yesterday wait for your word" in _html(open_view("overview"))
    page = open_view("quality")
    for _ in range(5):
        _press(page, "say-CANNOT_TELL-")
    st.cache_resource.clear()
    assert "wait for your word" not in _html(open_view("overview"))


def test_a_brand_needs_a_name(bare: Path, open_view: Open) -> None:
    """The form asks for what is missing."""
    page = open_view("track")
    page.button[0].click().run()
    assert "name" in page.warning[0].value


def test_a_changed_configuration_is_read_again(folder: Path, open_view: Open) -> None:
    """Adding a topic by hand shows without a restart."""
    page = open_view("mentions")
    with (folder / "configs" / "topics.yml").open("a", encoding="utf-8") as file:
        file.write("- name: Initech\n  group: brands\n  query: initech\n")
    page.run()
    assert "Initech" in page.selectbox(key="filter-topic").options


def test_the_main_script_opens_on_the_overview(folder: Path) -> None:
    """The frame, its navigation and its first page work together."""
    main = Path(__file__).resolve().parents[2] / "dashboard" / "main.py"
    page = AppTest.from_file(str(main), default_timeout=60).run()
    assert not page.exception
    assert "gw-lead" in _html(page)


def _widget(page: AppTest, label: str, kind: str) -> Any:
    """Return the widget of a kind by its label."""
    return next(one for one in page.get(kind) if getattr(one, "label", None) == label)


def test_a_rule_is_made_changed_and_deleted_on_the_page(folder: Path, open_view: Open) -> None:
    """The form asks for what the kind needs, says what is wrong, and keeps what is right."""
    page = open_view("alerts")
    page.selectbox(key="rule-kind-New rule").select(RuleKind.INFLUENCER).run()
    _widget(page, "Save the rule", "button").click().run()
    assert "name" in page.error[0].value
    _widget(page, "Name", "text_input").set_value("Big accounts")
    _widget(page, "Followers", "number_input").set_value(5000)
    _widget(page, "Save the rule", "button").click().run()
    assert not page.exception
    assert "watches from now on" in page.success[0].value
    assert "made here" in _html(page)
    page.selectbox(key="rule-chosen").select("Big accounts").run()
    assert _widget(page, "Followers", "number_input").value == 5000
    _widget(page, "Delete this rule", "button").click().run()
    assert "was deleted" in page.success[0].value
    assert page.selectbox(key="rule-chosen").options == ["New rule"]


def test_a_rule_is_replayed_with_its_mails(folder: Path, open_view: Open) -> None:
    """When it would have fired stands in words, and each mail opens; a refusal names its reason."""
    application = open_scenario(folder, writes=True)
    application.state.save_own_rule("Canary", {"name": "Canary", "kind": "self_test"})
    application.close()
    page = open_view("alerts")
    page.number_input(key="gw-preview-days").set_value(7)
    page.button(key="gw-preview").click().run()
    assert not page.exception
    assert "Would have fired once in 7 days." in _html(page)
    assert len([one for one in page.expander if "Acme\\: " in one.label]) == 1
    page.selectbox(key="gw-preview-rule").select("Canary").run()
    page.button(key="gw-preview").click().run()
    assert "only the newest is kept" in page.info[0].value


def test_marks_propose_a_budget_that_can_be_used_and_taken_back(
    folder: Path, open_view: Open
) -> None:
    """A rule made here gets a button, with a way back; one of alerts.yml a line to copy."""
    application = open_scenario(folder, writes=True)
    save_own_rule(application, {"name": "Own", "kind": "volume_spike", "topic": "Acme"})
    for rule in ("Acme: volume", "Own"):
        mark_incidents(application, rule)
    page = open_view("alerts")
    words = "would have kept 5 of 6 useful and dropped 4 of 5 noise"
    assert _html(page).count(words) == 2
    assert [block.value for block in page.code] == ["false_alarms_per_week: 0.02"]
    page.button(key="budget-Own").click().run()
    assert not page.exception
    assert rules_by_name(application)["Own"].data["false_alarms_per_week"] == 0.02
    assert "0.02 from now on" in page.success[0].value
    assert _html(page).count(words) == 1
    page.button(key="budget-undo-button").click().run()
    assert "false_alarms_per_week" not in rules_by_name(application)["Own"].data
    assert _html(page).count(words) == 2
    assert not page.success
    application.close()


def test_a_deleted_rule_can_be_taken_back(folder: Path, open_view: Open) -> None:
    """As it was; not where its name was taken since, which is said."""
    application = open_scenario(folder, writes=True)
    own = {"name": "Own", "kind": "volume_spike", "topic": "Acme", "minimum": 7}
    save_own_rule(application, own)
    page = open_view("alerts")
    page.selectbox(key="rule-chosen").select("Own").run()
    page.button(key="rule-delete-Own").click().run()
    assert not page.exception
    assert "Own was deleted" in page.success[0].value
    assert "Own" not in rules_by_name(application)
    page.button(key="rule-undo").click().run()
    assert rules_by_name(application)["Own"].data == own
    assert "Own is back" in page.success[0].value
    page.selectbox(key="rule-chosen").select("Own").run()
    page.button(key="rule-delete-Own").click().run()
    save_own_rule(application, {**own, "minimum": 9})
    page.button(key="rule-undo").click().run()
    assert "another rule is called" in page.toast[0].value
    assert rules_by_name(application)["Own"].data["minimum"] == 9
    application.close()


def test_the_page_shows_a_rule_whose_topic_is_gone(folder: Path, open_view: Open) -> None:
    """It says so first, and that it rings nobody."""
    application = open_scenario(folder, writes=True)
    data = {"name": "Old", "kind": "volume_spike", "topic": "Gone"}
    application.state.save_own_rule("Old", data)
    application.close()
    shown = _html(open_view("alerts"))
    assert "no topic is named" in shown
    assert "rings nobody" in shown
