"""The phrases of `bench`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "training": {
        "en": "{name}: network {sizes}, {activation}, batch {batch}, {optimizer}, {loss}",
        "zh": "{name}：网络 {sizes}，{activation}，批量 {batch}，{optimizer}，{loss}",
    },
    "hessian": {
        "en": "{name}: Hessian of the loss of a network {sizes}, batch {batch}",
        "zh": "{name}：网络 {sizes} 的损失的 Hessian 矩阵，批量 {batch}",
    },
    "hvp": {
        "en": "{name}: Hessian times a vector, network {sizes}, batch {batch}",
        "zh": "{name}：Hessian 矩阵与向量之积，网络 {sizes}，批量 {batch}",
    },
    "product": {
        "en": "{name}: (x + y) * z with its three gradients, Python floats in and out",
        "zh": "{name}：(x + y) * z 及其三个梯度，输入输出均为 Python 浮点数",
    },
    "chain": {
        "en": "{name}: a chain of {sizes} scalar nodes with its gradients, Python floats in and out",
        "zh": "{name}：{sizes} 个标量结点的链及其梯度，输入输出均为 Python 浮点数",
    },
    "squared": {"en": "squared error", "zh": "平方误差"},
    "cross_entropy": {"en": "cross-entropy", "zh": "交叉熵"},
    "sgd": {"en": "SGD", "zh": "SGD"},
    "momentum": {"en": "SGD with momentum", "zh": "带动量的 SGD"},
    "adam": {"en": "Adam", "zh": "Adam"},
    "sigmoid": {"en": "sigmoid", "zh": "sigmoid"},
    "relu": {"en": "ReLU", "zh": "ReLU"},
    "tanh": {"en": "tanh", "zh": "tanh"},
    "peer": {"en": "Peer", "zh": "对手"},
    "steps_per_s": {"en": "steps/s", "zh": "步/秒"},
    "calls_per_s": {"en": "calls/s", "zh": "调用/秒"},
    "ratio": {"en": "tidu is", "zh": "tidu 快"},
    "times": {"en": "{ratio:.3g} x", "zh": "{ratio:.3g} 倍"},
    "goal": {"en": "goal", "zh": "目标"},
    "first": {"en": "first, s", "zh": "首次/秒"},
    "kept": {"en": "from disk, s", "zh": "从磁盘/秒"},
    "memory": {"en": "peak MB", "zh": "峰值 MB"},
    "difference": {"en": "difference", "zh": "结果差异"},
    "differs": {"en": "{difference:.1e} DIFFERS", "zh": "{difference:.1e} 不一致"},
    "note": {"en": "note", "zh": "备注"},
    "failed": {"en": "failed", "zh": "失败"},
    "why_failed": {"en": "{peer} failed: {why}", "zh": "{peer} 失败：{why}"},
    "lacks": {"en": "{peer} is left out: {lacking} is not there", "zh": "略去 {peer}：缺少 {lacking}"},
    "whole_calls": {
        "en": "tidu, whole calls of fit with checking and copying their row numbers: {per_s} steps/s more",
        "zh": "tidu，完整的 fit 调用（含检查并复制行号）：每秒可多做 {per_s} 步",
    },
    "share_of_peak": {
        "en": "tidu: {gflops:.0f} GFLOP/s, {share:.0%} of the peak on {threads} thread(s)",
        "zh": "tidu：{gflops:.0f} GFLOP/s，为 {threads} 线程峰值的 {share:.0%}",
    },
    "peak": {
        "en": "Peak of fused multiply-adds, float32: {gflops:.0f} GFLOP/s on {threads} thread(s)",
        "zh": "单精度乘加峰值：{threads} 线程 {gflops:.0f} GFLOP/s",
    },
    "imports": {"en": "Time to import", "zh": "导入时间"},
    "seconds": {"en": "seconds", "zh": "秒"},
    "own_order": {
        "en": "scikit-learn chooses its own first weights and order, so its loss is not compared.",
        "zh": "scikit-learn 自选初始权重与顺序，因此不比较其损失。",
    },
    "search": {
        "en": "{name}: {kind}, {n_queries} queries x {n_rows} rows x {n_features} {dtype}, {metric}, k = {k}",
        "zh": "{name}：{kind}，{n_queries} 个查询 x {n_rows} 行 x {n_features} 维 {dtype}，{metric}，k = {k}",
    },
    "pixels": {"en": "pixels of CIFAR-10", "zh": "CIFAR-10 像素"},
    "made_up": {"en": "MADE-UP pixels (give --data for CIFAR-10)", "zh": "合成像素（用 --data 给出 CIFAR-10）"},
    "normal": {"en": "normal random numbers", "zh": "正态随机数"},
    "duplicates": {"en": "near-duplicates", "zh": "近似重复的行"},
    "cold": {"en": "cold, s", "zh": "冷启动/秒"},
    "is": {"en": "{peer} is", "zh": "{peer} 快"},
    "since_imports": {"en": "MB over\nimports", "zh": "导入后\n增加 MB"},
    "in_call": {"en": "MB in\nthe call", "zh": "调用中\n增加 MB"},
    "wrong": {"en": "wrong\nlists", "zh": "错误\n列表"},
    "of": {"en": "{wrong} of {judged}", "zh": "{judged} 中 {wrong}"},
    "recall": {"en": "recall", "zh": "召回率"},
    "some_queries": {
        "en": "{n} of {n_queries} queries, seconds scaled",
        "zh": "仅 {n_queries} 个查询中的 {n} 个，秒数按比例放大",
    },
    "goals": {"en": "Goals", "zh": "目标"},
    "case": {"en": "case", "zh": "用例"},
    "what": {"en": "what", "zh": "内容"},
    "reached": {"en": "reached", "zh": "达到"},
    "met": {"en": "met", "zh": "达标"},
    "yes": {"en": "yes", "zh": "是"},
    "no": {"en": "NO", "zh": "否"},
    "not_measured": {"en": "not measured", "zh": "未测"},
    "or": {"en": " or ", "zh": " 或 "},
    "goal_ratio": {"en": "{peer}: times faster than {against}", "zh": "{peer}：比 {against} 快的倍数"},
    "goal_call_growth_bytes": {
        "en": "{peer}: memory in the call, at most",
        "zh": "{peer}：调用中增加的内存，至多",
    },
    "goal_wrong_lists": {"en": "{peer}: wrong lists", "zh": "{peer}：错误列表"},
    "goal_recall": {"en": "{peer}: recall", "zh": "{peer}：召回率"},
    "how_searched": {
        "en": "Seconds of one call after a warm-up, medians; tidu reads its files in the call, the others have their "
        "arrays (float32, where they take no bytes) and indices before it. Cold: the first call, nothing compiled. "
        "A list is wrong if its exact distances are not the right ones.",
        "zh": "秒数为预热后一次调用的中位数；tidu 在调用中读取文件，其他库的数组（不支持字节者为 float32）与索引"
        "事先备好。冷启动：首次调用，尚未编译。若一个列表的精确距离与正确答案不同，则为错误列表。",
    },
    "core_type": {
        "en": "FAISS has OPENBLAS_CORETYPE={core_type}, for its OpenBLAS does not know every processor; "
        "nobody else has any OPENBLAS variable.",
        "zh": "FAISS 设有 OPENBLAS_CORETYPE={core_type}，因为它自带的 OpenBLAS 不认识所有处理器；其他库均未设任何 "
        "OPENBLAS 变量。",
    },
}
