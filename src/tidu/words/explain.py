"""The phrases of `explain`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "value": {"en": "value", "zh": "值"},
    "gradient": {"en": "gradient", "zh": "梯度"},
    "forward": {
        "en": "Forward: every value from the ones before it",
        "zh": "前向：由已知的值逐个算出后面的值",
    },
    "backward": {
        "en": "Backward: start with {start} = {one}; at every node, upstream x local = downstream",
        "zh": "反向：从 {start} = {one} 出发，在每个节点上：上游梯度 × 局部导数 = 下游梯度",
    },
    "result": {"en": "Gradient", "zh": "梯度"},
    "data": {"en": "data, held fixed", "zh": "数据，固定不变"},
    "via": {"en": "via {name}", "zh": "经由 {name}"},
    "paths": {
        "en": "{n} paths meet, their gradients add up",
        "zh": "{n} 条路径在此汇合，梯度相加",
    },
    "left_out": {
        "en": "... {n:,} more steps left out (limit = {limit:,})",
        "zh": "……还有 {n:,} 步未列出（limit = {limit:,}）",
    },
    "unused": {
        "en": "{f} does not depend on {name}, so its gradient is 0",
        "zh": "{f} 不依赖 {name}，所以梯度为 0",
    },
    "array": {
        "en": "{f} has shape {shape}; what follows is the gradient of the sum of its elements (upstream: ones)",
        "zh": "{f} 的形状是 {shape}；下面求的是它所有元素之和的梯度（上游梯度全为 1）",
    },
    "several": {
        "en": "{n} results; what follows is the gradient of their sum (upstream of each: ones)",
        "zh": "共有 {n} 个结果；下面求的是它们之和的梯度（每个结果的上游梯度全为 1）",
    },
    "summed": {
        "en": "{name} {shape} was repeated {n} times to fit {whole}, so the gradients of all its uses are summed",
        "zh": "{name} {shape} 被重复使用了 {n} 次以配合 {whole}，所以把每次使用的梯度加起来",
    },
    "batch": {
        "en": "the same {name} is added to each of the {n} rows of the batch, so the gradients of all rows are summed",
        "zh": "批次中的 {n} 行用的是同一个 {name}，所以把各行的梯度加起来",
    },
    "fixed": {
        "en": "{f} is here a function of {variables}; {data} given and fixed. Training changes the variables, "
        "never the data",
        "zh": "这里把 {f} 看作 {variables} 的函数；{data}给定不变。训练改变的是变量，而不是数据",
    },
    "is": {"en": "{names} is", "zh": "{names} 是数据，"},
    "are": {"en": "{names} are", "zh": "{names} 是数据，"},
    "integers": {
        "en": "{name} holds integers or truth values, which have no gradient; pass floats (2.0, not 2) to vary it",
        "zh": "{name} 是整数或真值，没有梯度；若要把它当变量，请传入浮点数（写 2.0，不写 2）",
    },
    "tie": {
        "en": "a tie: there is no derivative here; by convention the local ones are {partials} ({because})",
        "zh": "并列：此处导数不存在；按约定局部导数取 {partials}（{because}）",
    },
    "kink": {
        "en": "exactly at a kink: there is no derivative here; by convention the local one is {partials} ({because})",
        "zh": "恰在不可导点：此处导数不存在；按约定局部导数取 {partials}（{because}）",
    },
    "edge": {
        "en": "exactly at the edge of the derivative's domain: there is no finite derivative here; by convention the "
        "local one is {partials} ({because})",
        "zh": "恰在导数定义域的边缘：此处没有有限的导数；按约定局部导数取 {partials}（{because}）",
    },
    "border": {
        "en": "exactly on the border of the condition {name}: the derivative shown is that of the chosen side",
        "zh": "恰在条件 {name} 的分界点上：这里的导数取自被选中的一侧",
    },
    "meaning": {
        "en": "if {name} grows by a small h, {f} changes by about {slope} h",
        "zh": "若 {name} 增加一个很小的 h，{f} 约变化 {slope} h",
    },
    "no_value": {
        "en": "{f} has no finite value here ({value}), so it has no gradient here either; the numbers above are only "
        "what the rules give",
        "zh": "{f} 在此处没有有限的值（{value}），因此也没有梯度；上面的数只是按规则算出的结果",
    },
    "no_values": {
        "en": "{n:,} of the {size:,} elements of {f} have no finite value here, so they have no gradient either; the "
        "numbers above are only what the rules give",
        "zh": "{f} 的 {size:,} 个元素中有 {n:,} 个在此处没有有限的值，因此也没有梯度；上面的数只是按规则算出的结果",
    },
    "no_gradient": {
        "en": "{f} has no finite gradient here: {symbols}",
        "zh": "{f} 在此处没有有限的梯度：{symbols}",
    },
    "everywhere": {"en": "all {value}", "zh": "全为 {value}"},
    "each": {"en": "element by element", "zh": "逐元素"},
    "use": {"en": "via {name}, operand {n}", "zh": "经由 {name} 的第 {n} 个操作数"},
    "empty": {"en": "empty", "zh": "空"},
    "statistics": {
        "en": "mean {mean}, from {low} to {high}",
        "zh": "均值 {mean}，范围 {low} 到 {high}",
    },
    "own": {
        "en": "{name} has a derivative of its own, given with the function",
        "zh": "{name} 的导数由函数自己给出",
    },
    "picture": {"en": "Value above, gradient below every edge", "zh": "每条边：上方是值，下方是梯度"},
    "too_large": {
        "en": "{n:,} nodes are too many for a picture that can be read (at most {limit:,}); use .text(), or explain a "
        "smaller part",
        "zh": "共有 {n:,} 个节点，画成图无法阅读（最多 {limit:,} 个）；请用 .text()，或只解释其中一部分",
    },
}
