"""The encoder is trained, exported and read back, on a tiny network and made-up texts."""

import random
from pathlib import Path

import numpy as np
import pytest

from nlp.encoder import EncoderModel
from nlp.training import corpus

pytestmark = [pytest.mark.hub, pytest.mark.timeout(600)]

WORDS = {
    "negative": ("awful", "broken", "hate", "worst", "never"),
    "neutral": ("opens", "report", "meeting", "store", "room"),
    "positive": ("great", "love", "thanks", "best", "happy"),
    "anger": ("furious", "rage", "mad"),
    "joy": ("yay", "fun", "delight"),
    "optimism": ("hope", "soon", "better"),
    "sadness": ("cry", "miss", "alone"),
    "not_offensive": ("hello", "friend", "please"),
    "offensive": ("idiot", "stupid", "trash"),
    "ironic": ("sure", "obviously", "wow"),
    "not_ironic": ("today", "we", "went"),
}
FILLING = ("acme", "phone", "my", "order", "and", "this", "new", "in", "the", "a")


def _rows(path: Path, labels: tuple[str, ...], count: int, *, target: bool = False) -> None:
    """Write a made-up data set whose labels hang on small vocabularies."""
    rng = random.Random(path.name)
    lines = ["text\ttarget\tlabel" if target else "text\tlabel"]
    for _ in range(count):
        label = rng.choice(labels)
        words = [*rng.choices(WORDS[label], k=3), *rng.choices(FILLING, k=4)]
        rng.shuffle(words)
        cells = [" ".join(words), *(["acme"] if target else []), label]
        lines.append("\t".join(cells))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder laid out like the public data."""
    folder = tmp_path_factory.mktemp("public")
    for task in ("sentiment", "emotion", "offensive", "irony"):
        _rows(folder / task / "en_train.tsv", corpus.TASKS[task], 300)
        _rows(folder / task / "en_validation.tsv", corpus.TASKS[task], 40)
    for name in ("tweets_train", "news_train"):
        _rows(folder / "target_sentiment" / f"{name}.tsv", corpus.TASKS["target"], 150, target=True)
    for name in ("streams", "themes", "entities"):
        (folder / name).mkdir()
    for name in ("vaccination_tweets", "covid19_tweets"):
        (folder / "streams" / f"{name}.csv").write_text("text\nacme opens a new store\n")
    (folder / "streams" / "hacker_news.csv").write_text("title\nThe new phone of acme\n")
    (folder / "themes" / "ag_news_half.tsv").write_text("text\tlabel\nThe report\tBusiness\n")
    return folder


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny encoder in the layout of the hub, with a vocabulary of whole words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("pretrained")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    words = sorted({word for found in WORDS.values() for word in found} | set(FILLING))
    vocabulary = {word: at for at, word in enumerate([*special, *letters, *words, "unusedword"])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{name}_token": sign for name, sign in names.items()}
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture
def data(public: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the made-up data as the public ones, and read a tiny network in larger steps."""
    monkeypatch.setenv(corpus.VARIABLE, str(public))
    return public


def test_a_trained_encoder_ships_as_it_was_trained(
    data: Path, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was learnt is there after pruning, export and quantisation, and the card says so."""
    from nlp.training import build, student

    monkeypatch.setattr(student, "RATE", 5e-3)
    monkeypatch.setattr(student, "FROZEN", ())
    monkeypatch.setattr(student, "KEEP", 0.5)
    scores = build.train_encoder(pretrained, tmp_path / "encoder-en")

    model = EncoderModel.load(tmp_path / "encoder-en")
    reading = model.read(["the worst awful phone", "a great order thanks", "the report opens"])
    assert reading.sentiment.argmax(axis=1).tolist() == [0, 2, 1]
    assert reading.emotion is not None
    assert reading.offensive is not None
    assert model.read(["stupid idiot trash"]).offensive[0] > 0.5  # type: ignore[index]
    towards = model.towards([("hate the broken phone", "acme"), ("love the best phone", "acme")])
    assert towards.argmax(axis=1).tolist() == [0, 2]
    assert scores["validation"]["macro_recall"] > 0.8
    assert scores["validation"]["n"] == 40
    assert "unusedword" not in (tmp_path / "encoder-en" / "tokenizer.json").read_text()


def test_training_repeats_itself(data: Path, pretrained: Path, tmp_path: Path) -> None:
    """The same data, encoder and seed give the same weights."""
    import torch

    from nlp.training.student import train_student

    first, second = (
        torch.load(train_student(pretrained, tmp_path / name, steps=10), weights_only=True)
        for name in ("a", "b")
    )
    assert all(np.array_equal(first[name].numpy(), second[name].numpy()) for name in first)


def test_only_the_known_weights_are_taken(pretrained: Path) -> None:
    """A package of strangers that holds other weights is refused, with what was found."""
    from core.errors import BadInputError
    from nlp.training.encoders import ENGLISH, find_encoder

    with pytest.raises(BadInputError, match="SHA-256 is"):
        find_encoder(ENGLISH, pretrained)
