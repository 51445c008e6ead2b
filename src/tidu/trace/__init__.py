"""From Python to a graph: stand-in arrays that record what NumPy code does to them.

`tree` flattens nested containers, `recorder` makes the nodes, `array` is the stand-in with NumPy's
operators and methods, `protocol` answers NumPy's functions, `function` traces a whole function.
"""
