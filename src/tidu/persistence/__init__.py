"""How does something learned survive on disk: whole files or none, and never code in them."""

from __future__ import annotations

from tidu.persistence.atomic import atomic_write, atomic_write_text
from tidu.persistence.model import ModelHeader, SavedModel, load_model, read_model_header, save_model
from tidu.persistence.npz import write_npz
from tidu.persistence.safetensors import read_header, read_safetensors, write_safetensors
from tidu.persistence.streamed import StreamedTensor

__all__ = [
    "ModelHeader",
    "SavedModel",
    "StreamedTensor",
    "atomic_write",
    "atomic_write_text",
    "load_model",
    "read_header",
    "read_model_header",
    "read_safetensors",
    "save_model",
    "write_npz",
    "write_safetensors",
]
