"""The accounts that write the demo's posts: a few write often, most write once or twice."""

from __future__ import annotations

import hashlib
import math
import random
import unicodedata
from collections.abc import Sequence
from itertools import accumulate

from demo.grammar import Filling, Writer
from demo.post import Person, Service
from demo.world import INSTANCES, SPANISH_INSTANCE

VOICES = ("plain", "terse", "rant", "teen", "formal", "engineer", "chatty")
VOICE_WEIGHTS = (40, 16, 9, 11, 6, 6, 12)
ACTIVITY_EXPONENT = 0.55
"""Weight of the n-th account is n to minus this: the busiest of 1,000 writes some 2 %."""

FOLLOWERS_MEDIAN = 140
FOLLOWERS_SPREAD = 1.5

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def base32_of(text: str, length: int) -> str:
    """Return ``length`` characters of the base-32 alphabet that ``text`` decides (at most 52)."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    chars = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        chars.append(_BASE32[digit])
    return "".join(chars)


def make_did(handle: str) -> str:
    """Return the identifier that stands for ``handle`` on Bluesky."""
    return f"did:plc:{base32_of(handle, 24)}"


def make_handle(rng: random.Random, writer: Writer, first: str, last: str) -> str:
    """Return a user name such as people pick: from the name, a hobby, or neither."""
    first, last = first.lower(), last.lower().replace("-", "")
    word, other, doing = (
        writer.fill(slot, Filling({})) for slot in ("handle_word", "handle_word", "handle_doing")
    )
    forms = (
        f"{first}{last}",
        f"{first}_{word}",
        f"{word}{rng.randint(2, 99)}",
        f"{first[0]}{last}{rng.randint(1, 9)}",
        f"{first}{doing}",
        f"{word}_and_{other}",
        f"{last}{rng.randint(51, 99)}",
        f"the_{word}_{last[:4]}",
    )
    folded = unicodedata.normalize("NFKD", rng.choice(forms))
    return folded.encode("ascii", "ignore").decode()


def make_person(rng: random.Random, writer: Writer, service: Service, language: str) -> Person:
    """Return one new account of ``service`` that writes in ``language``."""
    filling = Filling({})
    first = writer.fill("es_nombre" if language == "es" else "name", filling)
    last = writer.fill("surname", filling)
    handle = make_handle(rng, writer, first, last)
    name = rng.choice((f"{first} {last}", first, f"{first} {last[0]}.", handle, f"{first} {last}"))
    city = writer.fill("es_ciudad" if language == "es" else "city", filling)
    voice = rng.choices(VOICES, VOICE_WEIGHTS)[0] if language == "en" else "plain"
    count = round(math.exp(rng.gauss(math.log(FOLLOWERS_MEDIAN), FOLLOWERS_SPREAD)))
    return build_person(
        service,
        handle,
        name,
        home=_home(rng, service, language),
        language=language,
        voice=voice,
        city=city,
        followers=count,
    )


def _home(rng: random.Random, service: Service, language: str) -> str:
    if service is Service.MASTODON:
        return SPANISH_INSTANCE if language == "es" else rng.choice(INSTANCES)
    return {Service.BLUESKY: "bsky.example", Service.HACKERNEWS: "news.example"}.get(
        service, "forum.example"
    )


def build_person(
    service: Service,
    handle: str,
    name: str,
    *,
    home: str,
    language: str = "en",
    voice: str = "plain",
    city: str = "Leeds",
    followers: int | None = None,
) -> Person:
    """Return an account with the id, handle and page that ``service`` gives it."""
    if service is Service.MASTODON:
        number = int.from_bytes(hashlib.sha256(f"{handle}@{home}".encode()).digest()[:6], "big")
        account_id, url = str(109 * 10**15 + number), f"https://{home}/@{handle}"
    elif service is Service.BLUESKY:
        handle = f"{handle.replace('_', '-')}.{home}"
        account_id, url = make_did(handle), f"https://{home}/profile/{handle}"
    else:
        account_id, url, followers = handle, f"https://{home}/user/{handle}", None
    return Person(account_id, handle, name, url, home, language, voice, city, followers)


class Crowd:
    """The accounts of one service and language; ``pick`` draws by activity."""

    def __init__(self, people: Sequence[Person], rng: random.Random) -> None:
        """Keep ``people`` in order of activity, the busiest first."""
        self._people = people
        weights = ((n + 1) ** -ACTIVITY_EXPONENT for n in range(len(people)))
        self._cumulative = list(accumulate(weights))
        self._rng = rng

    def pick(self) -> Person:
        """Return one account."""
        return self._rng.choices(self._people, cum_weights=self._cumulative)[0]
