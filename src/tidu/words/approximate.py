"""The phrases of `approximate`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "title": {"en": "How networks approximate {name}", "zh": "网络怎样逼近 {name}"},
    "on": {"en": "{name}, {box}", "zh": "{name}，{box}"},
    "of_data": {
        "en": "{n:,} rows of data, {box}; a third of them is held out to measure errors",
        "zh": "{n:,} 行数据，{box}；其中三分之一留出，用来测量误差",
    },
    "and_more": {"en": "and {n:,} variables more", "zh": "另有 {n:,} 个变量"},
    "bumps": {"en": "bumps", "zh": "方块"},
    "polygon": {"en": "polygon, equal knots", "zh": "折线，等距结点"},
    "curved": {"en": "polygon, by curvature", "zh": "折线，按曲率布点"},
    "towers": {"en": "towers", "zh": "塔"},
    "grid": {"en": "grid of equal size", "zh": "同样大小的网格"},
    "trained_lbfgs": {"en": "{activation} trained, L-BFGS", "zh": "{activation} 训练，L-BFGS"},
    "trained_adam": {"en": "{activation} trained, Adam", "zh": "{activation} 训练，Adam"},
    "trained_plain-adam": {"en": "{activation}, random start, Adam", "zh": "{activation} 随机初值，Adam"},
    "target": {"en": "target", "zh": "目标函数"},
    "data": {"en": "data", "zh": "数据"},
    "with_error": {"en": "{method}: {error}", "zh": "{method}：{error}"},
    "with_units": {"en": "{method}, {n} units", "zh": "{method}，{n} 个单元"},
    "method": {"en": "method", "zh": "方法"},
    "rate": {"en": "rate [95 % interval]", "zh": "速率 [95 % 置信区间]"},
    "units": {"en": "hidden units", "zh": "隐藏单元数"},
    "units_n": {"en": "n = {n}", "zh": "n = {n}"},
    "error": {"en": "error", "zh": "误差"},
    "rms": {"en": "RMS error", "zh": "均方根误差"},
    "max_error": {"en": "largest error", "zh": "最大误差"},
    "rms_table": {
        "en": "RMS error by number n of hidden units (of trained networks the median of {seeds} seeds)",
        "zh": "不同隐藏单元数 n 下的均方根误差（训练的网络取 {seeds} 个随机种子的中位数）",
    },
    "max_table": {
        "en": "Largest error by number n of hidden units",
        "zh": "不同隐藏单元数 n 下的最大误差",
    },
    "depth_table": {
        "en": "RMS error by number L of hidden layers, at about {n:,} parameters",
        "zh": "不同隐藏层数 L 下的均方根误差（参数总数均约为 {n:,} 个）",
    },
    "depth_max_table": {
        "en": "Largest error by number L of hidden layers, at about {n:,} parameters",
        "zh": "不同隐藏层数 L 下的最大误差（参数总数均约为 {n:,} 个）",
    },
    "dimension_table": {
        "en": "RMS error by number d of variables, network and grid with equally many parameters",
        "zh": "不同变量个数 d 下的均方根误差（网络与网格参数同样多）",
    },
    "layers_n": {"en": "depth {n}", "zh": "{n} 层"},
    "variables_n": {"en": "d = {n}", "zh": "d = {n}"},
    "gap": {
        "en": "With {n} units a network was built that errs by {built}. Trained from samples, networks of as many "
        "units err by {trained}.",
        "zh": "{n} 个单元时，构造出的网络误差为 {built}。用样本训练的网络，单元数相同，误差为：{trained}。",
    },
    "gap_moral": {"en": "Existence is not learning. ", "zh": "存在不等于学得到："},
    "gap_one": {
        "en": "{error} ({method}; {ratio} times as much)",
        "zh": "{error}（{method}，{ratio} 倍）",
    },
    "gap_one_exact": {"en": "{error} ({method})", "zh": "{error}（{method}）"},
    "and": {"en": ", and ", "zh": "；"},
    "picture_target": {"en": "The target and what stands for it", "zh": "目标函数与它的替身"},
    "picture_rms": {"en": "RMS error against width", "zh": "均方根误差与宽度"},
    "picture_max": {"en": "Largest error against width", "zh": "最大误差与宽度"},
    "picture_depth": {"en": "RMS and largest error against depth", "zh": "均方根误差、最大误差与深度"},
    "picture_dimension": {"en": "The same target in more variables", "zh": "同一目标，更多变量"},
    "picture_pieces": {"en": "Straight pieces against depth", "zh": "直线段数与深度"},
    "picture_polynomial": {"en": "A polynomial activation cannot", "zh": "多项式激活函数做不到"},
    "picture_jump": {"en": "A jump: the largest error stays", "zh": "有跳跃时，最大误差降不下去"},
    "picture_outside": {"en": "Outside the domain nothing was promised", "zh": "定义域之外没有任何保证"},
    "note_target": {
        "en": "Built networks have their weights written down; trained ones have seen nothing but samples.",
        "zh": "构造的网络，权重是直接写出来的；训练的网络只见过样本。",
    },
    "note_rms": {
        "en": "Lines of trained networks are medians over the seeds, bands reach from the best to the worst. The "
        "dashed line has the slope of Barron's bound, at a height that is chosen: an upper bound for the best network "
        "there is, not a prediction of any.",
        "zh": "训练所得的曲线取各随机种子的中位数，色带从最好到最坏。"
        "虚线的斜率来自 Barron 的界，高度是任取的：它是最佳网络误差的上界，不是对任何网络的预测。",
    },
    "note_max": {
        "en": "The largest error counts where the mean does not: near a kink or a jump it falls late or never.",
        "zh": "最大误差看的是均值忽略的地方：在尖点或跳跃附近，它很晚才下降，甚至不下降。",
    },
    "note_depth": {
        "en": "All networks here have about as many parameters; more layers are then narrower. A power of L from few "
        "depths has a wide interval: no theorem promises one for trained networks.",
        "zh": "这里所有网络的参数总数大致相同；层数越多，每层越窄。深度取得少，L 的幂的区间就宽："
        "没有定理保证训练所得的网络按幂律下降。",
    },
    "note_dimension": {
        "en": "The target is the sum of f over all variables, scaled to keep its spread. A grid has ever fewer nodes "
        "along each variable (the curse of dimension); a network chooses its own directions.",
        "zh": "目标是 f 对各个变量之和，并缩放以保持幅度。变量越多，网格沿每个变量的结点越少（维数灾难）；"
        "网络则自己选择方向。",
    },
    "note_pieces": {
        "en": "Two rectified units in each layer. Folding the line doubles its pieces with every layer; as many units "
        "in one layer give one piece more for each. Random weights fold rarely.",
        "zh": "每层两个 ReLU 单元。每多一层，折叠使直线段数翻倍；同样多的单元放在一层里，每个只多一段。"
        "随机权重很少折叠。",
    },
    "note_polynomial": {
        "en": "With x² as activation a hidden layer of any width is a parabola: more units change nothing "
        "(Leshno and others, 1993).",
        "zh": "以 x² 为激活函数，一个隐藏层无论多宽都只是抛物线：单元再多也没有用（Leshno 等，1993）。",
    },
    "note_jump": {
        "en": "The target with a jump as high as its range. A polygon is continuous: beside the jump it errs by half "
        "of it or more, however many units there are, while the RMS error falls, slowly.",
        "zh": "给目标函数加上一个与其值域等高的跳跃。折线是连续的：无论多少单元，跳跃旁边总有至少一半高度的误差；"
        "均方根误差则缓慢下降。",
    },
    "note_outside": {
        "en": "The theorem holds on a bounded domain. Beyond it a rectified network goes straight on, a sigmoid one "
        "levels off, and neither knows the target.",
        "zh": "定理只在有界的定义域上成立。在域外，ReLU 网络沿直线延伸，sigmoid 网络趋于常数，都不知道目标函数是什么。",
    },
    "depth": {"en": "hidden layers L", "zh": "隐藏层数 L"},
    "dimension": {"en": "variables d", "zh": "变量个数 d"},
    "pieces": {"en": "straight pieces", "zh": "直线段数"},
    "barron": {
        "en": "slope n^-1/2 of Barron's upper bound",
        "zh": "Barron 上界的斜率 n^-1/2",
    },
    "noise_floor": {"en": "noise floor", "zh": "噪声下限"},
    "tent": {"en": "tent map, folded", "zh": "帐篷映射，逐层折叠"},
    "one_layer": {"en": "one layer, as many units", "zh": "单层，单元数相同"},
    "random_weights": {"en": "random weights, median", "zh": "随机权重，中位数"},
    "parabola": {"en": "best parabola", "zh": "最佳抛物线"},
    "half_jump": {"en": "half the jump", "zh": "跳跃的一半"},
    "edge": {"en": "inside the domain", "zh": "定义域内"},
    "numbers": {"en": "The numbers", "zh": "数字"},
    "working": {"en": "Networks", "zh": "网络"},
    "measured": {
        "en": "Found and measured {n:,} approximants in {elapsed:.1f} s",
        "zh": "共得到并测量 {n:,} 个逼近函数，用时 {elapsed:.1f} 秒",
    },
}
