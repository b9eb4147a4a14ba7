"""Builds a page that speaks pictures in the browser, with no server behind it.

    python -m experiments.build_page --output=runs/page
    python -m experiments.build_page --pretrained=cifar10_ad --output=runs/page
    python -m experiments.build_page --run_dir=runs/joe --output=runs/page
    python -m http.server --directory runs/page

The folder can be put on any static host. It holds the page, the network, ONNX Runtime Web, and some
test pictures to try. ONNX Runtime Web is fetched from the npm registry, so building needs npm; the
page itself loads nothing from elsewhere.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

from absl import flags

from experiments import program
from mtnet_tf.exporting import QUANTIZATIONS

if TYPE_CHECKING:
    import numpy as np

_OUTPUT = flags.DEFINE_string("output", None, "Folder of the page.", required=True)
_QUANTIZE = flags.DEFINE_enum(
    "quantize", None, QUANTIZATIONS, "Smaller weights, for a page that loads faster."
)
program.define_data_path_flag()
program.define_network_flags()
program.define_system_module_flag()

_RUNTIME = "onnxruntime-web@^1.30.0"
# {file of the package: its name in the page}; the readme names the licence.
_RUNTIME_FILES = {
    "dist/ort.wasm.min.mjs": "ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
    "README.md": "onnxruntime-web.md",
}
_EXAMPLES = 10
_PAGE = pathlib.Path(__file__).parent / "page"
_NETWORK, _METADATA = "model.onnx", "metadata.json"


def main(argv: list[str]) -> None:
    """Builds the page in a folder beside, and moves it into place."""
    del argv
    run, _ = program.open_run(program.network_dir())
    # The folder itself, where --output is "." or a link: the page is built beside it.
    output = pathlib.Path(os.path.realpath(_OUTPUT.value))
    _check_output(output)

    from mtnet_tf.exporting.export import export
    from mtnet_tf.exporting.network import Exported
    from mtnet_tf.files import read_npz, replacing, write_json
    from mtnet_tf.runs import devices
    from mtnet_tf.runs.data_set import load_data
    from mtnet_tf.studies.pretraining import EXAMPLES

    devices.select_device("cpu")
    exported = Exported(run)
    if flags.FLAGS.data_path or not (run / EXAMPLES).is_file():
        pairs = load_data(run, flags.FLAGS.data_path).test
        images, labels = pairs.images, pairs.labels
    else:
        images, labels = read_npz(run / EXAMPLES, {"image": ("u", 4), "label": ("i", 1)}).values()
    with replacing(output) as page:
        shutil.copytree(_PAGE, page)
        _copy_runtime(page)
        found = export(exported, page / _NETWORK, "onnx", _QUANTIZE.value)
        metadata = json.loads(exported.metadata)
        metadata["examples"] = _write_examples(images, labels, metadata["words"], page)
        write_json(page / _METADATA, metadata)
    size = sum(path.stat().st_size for path in output.iterdir())
    print(
        f"The page is {output}, {size / 1e6:.1f} MB, {found['num_bytes'] / 1e6:.1f} of them the"
        f" network. Look at it with: cd {output} && python -m http.server"
    )


def _check_output(output: pathlib.Path) -> None:
    """Checks that nothing but an earlier page would be lost.

    Raises:
        InputError: something else is there, or the page cannot be written.
    """
    from mtnet_tf.errors import InputError
    from mtnet_tf.files import check_writable, writing

    if os.path.lexists(output):
        with writing(output):
            found = set(os.listdir(output)) if output.is_dir() else {""}
        if found and not found >= {"page.js", _NETWORK, _METADATA}:
            raise InputError(
                f"{output} is there and is no page. Give --output a folder of its own."
            )
        own = {*os.listdir(_PAGE), *_RUNTIME_FILES.values(), _NETWORK, _METADATA}
        own |= {_example(place) for place in range(1, _EXAMPLES + 1)}
        if others := sorted(found - own):
            raise InputError(
                f"{output} holds {', '.join(others)} beside the page, which would be lost. Move it"
                " away, or give --output another folder."
            )
    check_writable(output.with_name("page.js"))  # It is built beside its place.


def _copy_runtime(output: pathlib.Path) -> None:
    """Copies ONNX Runtime Web.

    Raises:
        InputError: npm is missing or fails, or the package lacks a file.
    """
    from mtnet_tf.errors import InputError

    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", _RUNTIME]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            # Its last line names a log.
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            raise InputError(
                f"npm cannot fetch {_RUNTIME} ({'; '.join(said[:2]) or error}). Install Node.js"
                " with npm, and look at the network connection."
            ) from error
        package = pathlib.Path(folder) / "node_modules/onnxruntime-web"
        for file, name in _RUNTIME_FILES.items():
            if not (package / file).is_file():
                raise InputError(
                    f"{_RUNTIME}, as npm fetches it, has no {file}, which the page needs. Name an"
                    f" earlier version in {__file__}."
                )
            shutil.copyfile(package / file, output / name)


def _write_examples(
    images: "np.ndarray", labels: "np.ndarray", words: list[str], output: pathlib.Path
) -> list[dict[str, str]]:
    """Writes the first picture of some words, and returns their files and names."""
    import numpy as np

    from mtnet_tf.data.images import encode_png

    examples = []
    for place, first in enumerate(np.unique(labels, return_index=True)[1][:_EXAMPLES], 1):
        file = _example(place)
        (output / file).write_bytes(encode_png(images[first]))
        examples.append({"file": file, "name": words[labels[first]]})
    return examples


def _example(place: int) -> str:
    """Returns the name of an example's file; `place` counts from 1."""
    return f"example_{place}.png"


if __name__ == "__main__":
    program.run(main)
