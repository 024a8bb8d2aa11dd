"""Puts sentences together into posts, reviews, comments and articles."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.grammar import Filling, Skeleton, Writer
from demo.post import DemoPost, Person, Service
from demo.voices import TYPO_RATE, slip, speak, stretch, swap
from demo.world import BRANDS, BY_KEY, OWN

STICKY = frozenset({"item", "city", "city2", "relative", "depot", "petname", "pet", "street"})
ARTICLE_STICKY = frozenset({"city", "city2", "role"})
EMOJI_RATE = 0.17
STRETCH_RATE = 0.04

_THEMES = {
    "negative": tuple(
        f"en:{theme}"
        for theme in ("late", "lost", "damaged", "driver", "app", "support", "fee", "sarcasm")
    ),
    "positive": tuple(
        f"en:praise_{theme}" for theme in ("driver", "fast", "support", "care", "locker")
    ),
    "neutral": ("en:question", "en:observation", "en:comparison", "en:work"),
}
_REPLIES = {
    "negative": ("en:reply_agree", "en:reply_doubt", "en:reply_help", "en:reply_joke"),
    "positive": ("en:reply_happy", "en:reply_happy", "en:reply_thanks"),
    "neutral": ("en:reply_help", "en:reply_help", "en:reply_joke"),
}
_REPLY_SENTIMENT = {
    "en:reply_agree": "negative",
    "en:reply_doubt": "neutral",
    "en:reply_help": "neutral",
    "en:reply_joke": "neutral",
    "en:reply_thanks": "positive",
    "en:reply_happy": "positive",
}
_EVENT_CORES = {
    ("strike", "negative"): "en:strike",
    ("strike", "neutral"): "en:strike_neutral",
    ("update", "negative"): "en:update",
    ("update", "neutral"): "en:update_neutral",
    ("fee_day", "negative"): "en:feeday",
    ("campaign", "positive"): "en:campaign",
}
_FEELINGS = {"negative": "en:cross", "positive": "en:warm", "neutral": "en:tail_neutral"}
_FEELING_SHARE = {
    ("negative", False): 0.18,
    ("negative", True): 0.75,
    ("positive", False): 0.7,
    ("positive", True): 0.3,
    ("neutral", False): 0.1,
    ("neutral", True): 0.1,
}
"""How often a post says its feeling outright, by what it feels and whether something happened."""

_TAG_WORDS = ("parcels", "delivery", "courier", "smallbusiness", "fail", "customerservice", "home")


@dataclass(frozen=True, slots=True)
class Draft:
    """A text with what it was made from; ``item`` and ``city`` are what a reply can pick up."""

    text: str
    skeletons: tuple[str, ...]
    item: str
    city: str
    title: str | None = None


class Scribe:
    """Writes the text of every kind of item."""

    def __init__(self, writer: Writer, rng: random.Random) -> None:
        """Share one source of randomness with the rest of the stream."""
        self._writer = writer
        self._rng = rng

    # --- fillers ------------------------------------------------------------------------------

    def _filling(self, brand: str, person: Person, service: Service, **more: str) -> Filling:
        name = BY_KEY[brand].name
        rival = self._rng.choice([b.name for b in BRANDS if b.key != brand])
        fixed = {
            "brand": self._spell(name, person, service),
            "Brand": name,
            "rival": rival if person.voice not in ("terse", "teen") else rival.lower(),
            "Rival": rival,
        }
        filling = Filling(fixed | more, STICKY)
        if self._rng.random() < 0.5:
            filling.fixed["city"] = person.city
        if person.language == "es":
            filling.fixed.pop("city", None)
        return filling

    def _spell(self, name: str, person: Person, service: Service) -> str:
        if service in (Service.FEED, Service.HACKERNEWS):
            return name
        draw = self._rng.random()
        if draw < 0.16:
            return f"#{name}"
        if draw < 0.30:
            return f"@{name.lower()}_help" if name.lower() == OWN else f"@{name.lower()}"
        if draw < 0.42 or person.voice == "teen":
            return name.lower()
        return name

    # --- short posts --------------------------------------------------------------------------

    def post(
        self, brand: str, person: Person, service: Service, sentiment: str, event: str | None
    ) -> Draft:
        """Return a post of one to four sentences."""
        filling = self._filling(brand, person, service)
        if person.language == "es":
            parts = self._spanish(filling, sentiment, event)
        else:
            parts = self._english(filling, sentiment, event)
        text = self._voiced(" ".join(parts), person, sentiment)
        return self._draft(self._with_brand(text, brand, filling), filling)

    def _english(self, filling: Filling, sentiment: str, event: str | None) -> list[str]:
        rng, writer = self._rng, self._writer
        core = _EVENT_CORES.get((event or "", sentiment))
        mixed = event == "strike" and rng.random() < 0.12
        sections = (core,) if core and not mixed else _THEMES[sentiment]
        parts = [writer.write(writer.draw_any(sections), filling)]
        if rng.random() < 0.24:
            parts.insert(0, self._say(f"en:opener_{sentiment}", filling))
        if sentiment == "negative" and rng.random() < 0.42:
            parts.append(self._say("en:consequence", filling))
        if rng.random() < 0.10 and event is None:
            parts.append(writer.write(writer.draw_any(_THEMES[sentiment]), filling))
        if rng.random() < _FEELING_SHARE[sentiment, event is not None]:
            parts.append(self._say(_FEELINGS[sentiment], filling))
        elif rng.random() < 0.25:
            parts.append(self._say(f"en:tail_{sentiment}", filling))
        return parts

    def _spanish(self, filling: Filling, sentiment: str, event: str | None) -> list[str]:
        rng = self._rng
        section = f"es:{sentiment}"
        if event == "update" and sentiment == "negative":
            section = "es:update"
        elif event == "campaign":
            section = "es:campaign"
        parts = [self._say(section, filling)]
        if rng.random() < 0.16:
            parts.insert(0, self._say("es:opener", filling))
        if rng.random() < 0.22:
            parts.append(self._say("es:tail", filling))
        return parts

    def namesake(self, event: str, person: Person) -> Draft:
        """Return a post about something else that bears the own brand's name."""
        filling = self._filling(OWN, person, Service.MASTODON)
        text = self._voiced(self._say(f"en:{event}", filling), person, "neutral")
        return self._draft(text, filling)

    def advertisement(self) -> Draft:
        """Return the bot's coupon, the same few texts again and again."""
        filling = Filling({})
        return self._draft(self._say("en:bot", filling), filling)

    # --- conversation -------------------------------------------------------------------------

    def reply(self, parent: DemoPost, person: Person) -> tuple[Draft, str]:
        """Return an answer to ``parent`` and the sentiment it was meant with."""
        filling = self._answering(parent, person)
        if person.language == "es":
            text, meant = self._say("es:reply", filling), "neutral"
        else:
            own = parent.author.id == person.id
            sections = ("en:reply_thanks",) if own else _REPLIES[parent.labels.sentiment]
            section = self._rng.choice(sections)
            text, meant = self._say(section, filling), _REPLY_SENTIMENT[section]
        return self._draft(self._voiced(text, person, meant), filling), meant

    def own_reply(self, parent: DemoPost, person: Person) -> Draft:
        """Return the help desk's answer to ``parent``."""
        filling = self._answering(parent, person)
        return self._draft(self._say("en:own_reply", filling), filling)

    def own_post(self, person: Person) -> Draft:
        """Return news from the brand's own account."""
        filling = self._filling(OWN, person, Service.MASTODON)
        return self._draft(self._say("en:own_post", filling), filling)

    def _answering(self, parent: DemoPost, person: Person) -> Filling:
        first = parent.author.name.split()[0]
        return self._filling(
            parent.brand,
            person,
            parent.service,
            parent=parent.author.handle,
            parent_first=first,
            parent_item=parent.labels.item or "parcel",
            parent_city=parent.author.city,
        )

    # --- longer forms -------------------------------------------------------------------------

    def review(self, brand: str, person: Person, sentiment: str, event: str | None) -> Draft:
        """Return a review with its title."""
        filling = self._filling(brand, person, Service.FEED)
        title = self._say(f"en:title_{sentiment}", filling)
        if sentiment == "neutral" and self._rng.random() < 0.75:
            parts = [self._say("en:review_mixed", filling)]
            parts.append(self._say("en:comparison", filling))
        else:
            parts = self._english(filling, sentiment, event)
        text = self._voiced(" ".join(parts), person, sentiment)
        return self._draft(self._with_brand(text, brand, filling), filling, title)

    def story(self, brand: str, person: Person) -> Draft:
        """Return a Hacker News title; its text is empty, as with most stories."""
        filling = self._filling(brand, person, Service.HACKERNEWS)
        title = self._say("en:hn_title", filling)
        return self._draft("", filling, title)

    def comment(self, brand: str, person: Person) -> Draft:
        """Return a Hacker News comment of one to three sentences."""
        filling = self._filling(brand, person, Service.HACKERNEWS)
        parts = [self._say("en:hn_comment", filling)]
        if self._rng.random() < 0.35:
            parts.append(self._say("en:hn_comment", filling))
        return self._draft(
            swap(self._with_brand("\n\n".join(parts), brand, filling), self._rng), filling
        )

    def article(self, brand: str, person: Person, sentences: int) -> Draft:
        """Return a news article of a headline, a lead and about ``sentences`` sentences."""
        filling = self._filling(brand, person, Service.FEED)
        filling.sticky = ARTICLE_STICKY
        filling.fixed.pop("city", None)
        title = self._say("en:headline", filling)
        paragraphs = [self._say("en:angle_lead", filling)]
        left = sentences
        while left > 0:
            length = min(left, self._rng.randint(1, 3))
            paragraphs.append(" ".join(self._say("en:body", filling) for _ in range(length)))
            left -= length
        if self._rng.random() < 0.6:
            paragraphs.append(self._say("en:closer", filling))
        if BY_KEY[brand].name not in title + "".join(paragraphs):
            title = f"{BY_KEY[brand].name}: {title}"
        return self._draft("\n\n".join(paragraphs), filling, title)

    def blog(self, brand: str, person: Person) -> Draft:
        """Return a blog post of two to five paragraphs."""
        filling = self._filling(brand, person, Service.FEED)
        filling.sticky = ARTICLE_STICKY
        title = self._say("en:blog_title", filling)
        count = self._rng.randint(2, 5)
        paragraphs = [self._say("en:blog_para", filling) for _ in range(count)]
        text = self._with_brand("\n\n".join(paragraphs), brand, filling)
        return self._draft(swap(text, self._rng), filling, title)

    def wire(self, weekday: str) -> str:
        """Return the agency's story that many sites print."""
        writer = self._writer
        return writer.write(writer.draw("en:wire"), Filling({"weekday": weekday}))

    def outlet_town(self) -> str:
        """Return the town that a local paper's name begins with."""
        return self._writer.fill("outlet_town", Filling({}))

    # --- finishing ----------------------------------------------------------------------------

    def _say(self, section: str, filling: Filling) -> str:
        return self._writer.write(self._draw(section), filling)

    def _draw(self, section: str) -> Skeleton:
        return self._writer.draw(section)

    def _voiced(self, text: str, person: Person, sentiment: str) -> str:
        rng = self._rng
        surname = self._writer.fill("surname", Filling({}))
        voice = person.voice if person.voice != "rant" or sentiment == "negative" else "plain"
        if person.language == "en":
            text = swap(text, rng)
        text = speak(text, voice, rng, surname)
        if rng.random() < STRETCH_RATE and person.language == "en":
            text = stretch(text, rng)
        if rng.random() < TYPO_RATE and voice != "formal":
            text = slip(text, rng)
        if rng.random() < EMOJI_RATE and voice not in ("formal", "engineer"):
            kind = {"negative": "emojineg", "positive": "emojipos"}.get(sentiment, "emojineu")
            text += " " + self._writer.fill(kind, Filling({})) * rng.choice((1, 1, 1, 2, 3))
        return text

    def _with_brand(self, text: str, brand: str, filling: Filling) -> str:
        if brand in text.lower():
            return text
        tag = f"#{BY_KEY[brand].name}"
        form = filling.fixed["brand"]
        return f"{text} {self._rng.choice((tag, f'({form})', form))}"

    def _draft(self, text: str, filling: Filling, title: str | None = None) -> Draft:
        fixed = filling.fixed
        return Draft(
            text, tuple(filling.used), fixed.get("item", "parcel"), fixed.get("city", ""), title
        )

    def hashtags(self, text: str, brand: str) -> str:
        """Return ``text`` with the brand's hashtag, and now and then another, as people add."""
        rng = self._rng
        extra = [f"#{rng.choice(_TAG_WORDS)}"] if rng.random() < 0.15 else []
        name = BY_KEY[brand].name
        if f"#{brand}" not in text.lower():
            extra.insert(0, f"#{name if rng.random() < 0.6 else brand}")
        if not extra:
            return text
        return f"{text}{rng.choice((' ', ' ', chr(10)))}{' '.join(extra)}"
