"""The transformations users call: each takes a function and returns one.

`gradients` has grad, value_and_grad and vjp; `forward` jvp and hvp; `matrices` jacobian and hessian;
`batching` vmap; `custom` custom_vjp and checkpoint; `compiled` jit; `check` check_grads.
"""
