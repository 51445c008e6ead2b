"""How does something learned survive on disk: whole files or none, and never code in them."""

from __future__ import annotations

from tidu.persistence.atomic import atomic_write, atomic_write_text
from tidu.persistence.model import SavedModel, load_model, save_model
from tidu.persistence.safetensors import read_header, read_safetensors, write_safetensors

__all__ = [
    "SavedModel",
    "atomic_write",
    "atomic_write_text",
    "load_model",
    "read_header",
    "read_safetensors",
    "save_model",
    "write_safetensors",
]
