"""Native code: textual LLVM IR, machine code made of it by llvmlite, and the memory that it works in.

`text` writes instructions and loops, `scalars` answers the records' `emit`, `loops` and `distance` are
loop nests, `module` joins kernels to one function, `machine` turns text into machine code, `ledger`
counts memory. Only this package speaks to llvmlite, and only once something is compiled. It knows no
graph and no operation.
"""
