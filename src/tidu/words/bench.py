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
}
