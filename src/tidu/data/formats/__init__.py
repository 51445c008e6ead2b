"""The formats that files may have, one module each; `tidu.data.format` finds them by their `FORMAT`."""
