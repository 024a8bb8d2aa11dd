import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from core.errors import ModelError
from nlp.onnx_files import OnnxFile, read_onnx
from tests.fakes.models import SIZE
from tests.fakes.onnx_bert import bert


def _save(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def _read(path: Path, *, max_megabytes: int = 10, allow_neighbours: bool = True) -> OnnxFile:
    return read_onnx(path, max_megabytes=max_megabytes, allow_neighbours=allow_neighbours)


def _one_node(kind: str, domain: str = "") -> onnx.ModelProto:
    node = helper.make_node(kind, ["x"], ["y"], domain=domain)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    return helper.make_model(helper.make_graph([node], "g", [value], [result]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a sound network with one output."""
    return _save(tmp_path / "model.onnx", bert({"logits": 3}, SIZE))


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """Return a network that keeps its weights in a file beside it."""
    path = tmp_path / "model" / "model.onnx"
    path.parent.mkdir()
    onnx.save(
        bert({"logits": 3}, SIZE),
        path,
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=0,
    )
    return path


def _relocate(path: Path, location: str) -> None:
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    _save(path, model)


def test_a_sound_file_is_described(file: Path) -> None:
    """Inputs, outputs and the number of known tokens are read off the graph."""
    found = _read(file)

    assert set(found.inputs) == {"input_ids", "attention_mask", "token_type_ids"}
    assert found.outputs == ("logits",)
    assert found.word_count == SIZE.words
    assert found.content == file.read_bytes()
    assert not found.mixes_batch


@pytest.mark.parametrize("kept", [0, 1, 100, 5_000])
def test_a_truncated_file_is_refused(file: Path, kept: int) -> None:
    """Cut anywhere, the error says to fetch it again."""
    file.write_bytes(file.read_bytes()[:kept])

    with pytest.raises(ModelError, match=r"model\.onnx: .*again"):
        _read(file)


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"version https://git-lfs\n" * 3])
def test_something_else_is_refused(file: Path, content: bytes) -> None:
    """A web page or a pointer in place of a network is called what it is."""
    file.write_bytes(content)

    with pytest.raises(ModelError, match=r"no ONNX file|holds no network"):
        _read(file)


SOUND = bert({"logits": 3}, SIZE).SerializeToString()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_a_damaged_file_is_described_or_refused(
    tmp_path: Path, places: list[tuple[int, int]]
) -> None:
    """Whatever bytes are changed, nothing but the one error comes out."""
    content = bytearray(SOUND)
    for place, value in places:
        content[place] = value
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)

    with contextlib.suppress(ModelError):
        found = _read(path)
        assert ", ".join((*found.inputs, *found.outputs))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error names the file that is not there."""
    with pytest.raises(ModelError, match=r"gone\.onnx: cannot be read"):
        _read(tmp_path / "gone.onnx")


def test_an_absurd_size_is_refused(file: Path) -> None:
    """A file beyond the limit is not read into memory; its size and the limit are told."""
    with file.open("r+b") as stream:
        stream.truncate(12_000_000)

    with pytest.raises(ModelError, match="12 MB, at most 10 MB of such a file"):
        _read(file)


@pytest.mark.parametrize(
    ("kind", "domain", "message"),
    [
        ("Evil", "com.example", "com.example:Evil"),
        ("EPContext", "com.microsoft", "com.microsoft:EPContext"),
        ("StringNormalizer", "ai.onnx.contrib", "ai.onnx.contrib:StringNormalizer"),
        ("Loop", "", "Loop, whose time has no bound"),
    ],
)
def test_operators_of_unknown_origin_are_refused(
    tmp_path: Path, kind: str, domain: str, message: str
) -> None:
    """Custom operators would run code of strangers, loops run as long as a file likes."""
    path = _save(tmp_path / "model.onnx", _one_node(kind, domain))

    with pytest.raises(ModelError, match=message):
        _read(path)


def test_operators_are_found_in_nested_graphs_and_functions(tmp_path: Path) -> None:
    """Hiding a custom operator in a branch or in a function of the file does not help."""
    hidden = _one_node("Evil", "com.example").graph
    branch = helper.make_node("If", ["c"], ["y"], then_branch=hidden, else_branch=hidden)
    nested = _one_node("Relu")
    nested.graph.node.append(branch)
    function = helper.make_function(
        "own", "Twice", ["x"], ["y"], list(hidden.node), [helper.make_opsetid("com.example", 1)]
    )
    wrapped = _one_node("Twice", "own")
    wrapped.functions.append(function)

    for name, model in (("nested.onnx", nested), ("wrapped.onnx", wrapped)):
        with pytest.raises(ModelError, match=r"com\.example:Evil"):
            _read(_save(tmp_path / name, model))


def test_functions_of_standard_operators_are_accepted(tmp_path: Path) -> None:
    """A function that the file spells out in plain operators is no custom operator."""
    wrapped = _one_node("Twice", "own")
    body = [helper.make_node("Add", ["x", "x"], ["y"])]
    wrapped.functions.append(
        helper.make_function("own", "Twice", ["x"], ["y"], body, [helper.make_opsetid("", 18)])
    )

    assert _read(_save(tmp_path / "model.onnx", wrapped)).outputs == ("y",)


def test_weights_beside_the_file_are_found(divided: Path) -> None:
    """A model above the limit of one file is read by its path, with its neighbour."""
    assert _read(divided).content is None


def test_weights_beside_the_file_may_be_unwanted(divided: Path) -> None:
    """Where one file is expected, the error says to save it so."""
    with pytest.raises(ModelError, match=r"model\.onnx_data.*save the model as one file"):
        _read(divided, allow_neighbours=False)


@pytest.mark.parametrize(
    "location", ["../outside.bin", "/etc/hostname", "", "a/../../outside.bin", "..\\outside.bin"]
)
def test_weights_outside_the_folder_are_refused(divided: Path, location: str) -> None:
    """No file of the machine beyond the model's own folder is opened."""
    (divided.parent.parent / "outside.bin").write_bytes(b"\0" * 100_000)
    _relocate(divided, location)

    with pytest.raises(ModelError, match="outside its folder"):
        _read(divided)


def test_a_link_out_of_the_folder_is_refused(divided: Path) -> None:
    """A link with an innocent name that leads elsewhere counts as elsewhere."""
    data = divided.parent / "model.onnx_data"
    outside = data.rename(divided.parent.parent / "outside.bin")
    data.symlink_to(outside)

    with pytest.raises(ModelError, match="outside its folder"):
        _read(divided)


def test_the_cache_of_a_hub_is_followed(divided: Path, tmp_path: Path) -> None:
    """There the network and its weights are both links to one folder of contents."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "1"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for name in ("model.onnx", "model.onnx_data"):
        (divided.parent / name).rename(blobs / name)
        (snapshot / name).symlink_to(blobs / name)

    assert _read(snapshot / "model.onnx").content is None


def test_missing_weights_are_named(divided: Path) -> None:
    """A neighbour that was not fetched is named."""
    (divided.parent / "model.onnx_data").unlink()

    with pytest.raises(ModelError, match=r"model\.onnx_data' are missing"):
        _read(divided)


def test_neighbours_count_into_the_size(divided: Path) -> None:
    """The limit is that of all files together."""
    with (divided.parent / "model.onnx_data").open("r+b") as stream:
        stream.truncate(11_000_000)

    with pytest.raises(ModelError, match="11 MB with its weights, at most 10 MB"):
        _read(divided)


def test_weights_in_constants_are_seen(tmp_path: Path) -> None:
    """A constant's value may lie outside as well as an initialiser's: dense or sparse."""
    tensor = numpy_helper.from_array(np.zeros(3, dtype=np.float32), "c")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../c.bin")
    indices = numpy_helper.from_array(np.zeros(3, dtype=np.int64), "i")
    sparse = helper.make_sparse_tensor(tensor, indices, [9])
    dense = _one_node("Relu")
    dense.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    thin = _one_node("Relu")
    thin.graph.node.append(helper.make_node("Constant", [], ["c"], sparse_value=sparse))
    stored = _one_node("Relu")
    stored.graph.sparse_initializer.append(sparse)

    for number, model in enumerate((dense, thin, stored)):
        with pytest.raises(ModelError, match="outside its folder"):
            _read(_save(tmp_path / f"{number}.onnx", model))


def test_a_network_that_quantises_as_it_goes_is_told(tmp_path: Path) -> None:
    """Its scales come from the whole batch, so whoever runs it must read texts one by one."""
    node = helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"])
    model = _one_node("Relu")
    model.graph.node.append(node)

    assert _read(_save(tmp_path / "model.onnx", model)).mixes_batch
