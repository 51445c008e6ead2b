"""What a program is: specs, nodes, graphs, the record of a primitive, and how one is applied.

Nothing here evaluates with NumPy, emits code or knows the name of an operation beyond the few
structural ones that differentiation itself needs (`tidu.core.structural`).
"""
