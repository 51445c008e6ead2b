"""The phrases of `report`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "title": {"en": "What was learned from {name}", "zh": "从 {name} 学到了什么"},
    "lead_classification": {
        "en": "Best is the {model}: of {n:,} rows that no model had seen it puts {score} into the right class "
        "(95 % interval {low} to {high}). Always saying the most frequent class gives {baseline}.",
        "zh": "表现最好的是{model}：在 {n:,} 行任何模型都没有见过的数据中，它把 {score} 归入了正确的类别"
        "（95 % 置信区间 {low} 到 {high}）。总是猜最常见的类别只有 {baseline}。",
    },
    "lead_regression": {
        "en": "Best is the {model}: on {n:,} rows that no model had seen it reaches R² = {score} "
        "(95 % interval {low} to {high}). Always saying the mean gives {baseline}; 1 would be perfect.",
        "zh": "表现最好的是{model}：在 {n:,} 行任何模型都没有见过的数据上，R² = {score}"
        "（95 % 置信区间 {low} 到 {high}）。总是猜均值得 {baseline}；满分为 1。",
    },
    "data": {"en": "The data", "zh": "数据"},
    "images": {
        "en": ", images of {rows} x {columns} pixels, {channels} channel(s)",
        "zh": "，图像 {rows} × {columns} 像素，{channels} 个通道",
    },
    "scores": {"en": "How well each model does", "zh": "各模型的表现"},
    "accuracy_percent": {"en": "accuracy in %", "zh": "准确率（%）"},
    "no_minimum": {
        "en": "Network: its loss has many minima, and nothing is known that would certify the one found as global.",
        "zh": "神经网络：它的损失有许多极小值，没有方法能证明找到的是全局最小值。",
    },
    "learning": {"en": "How the models learned", "zh": "模型是怎样学习的"},
    "losses_note": {
        "en": "The loss falls on the rows that are fitted. Where it rises again on the validation rows, the model "
        "begins to learn by heart; the network is taken from the epoch where it was lowest there.",
        "zh": "损失在用于拟合的行上逐步下降。若在验证行上重新上升，说明模型开始死记硬背；网络取验证损失最低的那一轮。",
    },
    "fitting_rows": {"en": "rows to fit", "zh": "拟合行"},
    "validation_rows": {"en": "validation rows", "zh": "验证行"},
    "loss": {"en": "loss", "zh": "损失"},
    "epoch": {"en": "epoch", "zh": "轮次"},
    "iteration": {"en": "iteration", "zh": "迭代次数"},
    "epoch_or_iteration": {"en": "epoch (linear model: iteration)", "zh": "轮次（线性模型为迭代次数）"},
    "validation_scores": {"en": "Score on the validation rows", "zh": "验证行上的得分"},
    "gradients": {"en": "Size of the gradient, layer by layer", "zh": "各层梯度的大小"},
    "gradients_note": {
        "en": "Euclidean norm of the gradient of each layer's weights, mean over the steps of an epoch. Where a "
        "layer's line lies far below the others, that layer hardly learns (vanishing gradient).",
        "zh": "每层权重梯度的欧几里得范数，取一轮中各步的平均。"
        "若某一层的曲线远低于其他层，说明该层几乎没有在学习（梯度消失）。",
    },
    "gradient_norm": {"en": "gradient norm", "zh": "梯度范数"},
    "layer": {"en": "layer {number}", "zh": "第 {number} 层"},
    "templates": {"en": "What the linear model looks for", "zh": "线性模型在寻找什么"},
    "templates_note": {
        "en": "The weights of each class as a picture: light pixels speak for the class, dark ones against it.",
        "zh": "把每个类别的权重画成图像：亮的像素支持该类别，暗的像素反对它。",
    },
    "errors": {"en": "Where they err", "zh": "错在哪里"},
    "confusion": {"en": "Which class is taken for which", "zh": "哪些类别被混淆"},
    "confusion_note": {
        "en": "Rows are true classes, columns predicted ones; the shade is the share of the row.",
        "zh": "行是真实类别，列是预测类别；颜色深浅表示占该行的比例。",
    },
    "against": {"en": "Predicted against true", "zh": "预测值与真实值"},
    "against_note": {
        "en": "Each point is a held-out row; on the dashed line the prediction is right.",
        "zh": "每个点是留出的一行；落在虚线上表示预测准确。",
    },
    "true": {"en": "true", "zh": "真实"},
    "predicted": {"en": "predicted", "zh": "预测"},
    "caption": {"en": "true {true}\n→ {predicted}", "zh": "真实 {true}\n→ {predicted}"},
    "worst": {"en": "Most wrong, by the best model ({model})", "zh": "最好的模型（{model}）错得最离谱的样本"},
    "no_mistakes": {"en": "It made no mistake on the held-out rows.", "zh": "它在留出的数据上没有犯错。"},
    "row": {"en": "row of the data", "zh": "数据行号"},
    "sureness": {"en": "how sure it was", "zh": "它的把握"},
    "difference": {"en": "difference", "zh": "差"},
    "plan": {"en": "The memory plan of k-NN", "zh": "k 近邻的内存计划"},
    "plan_note": {
        "en": "Distances are never all in memory: a block of queries meets a block of data, and only the k nearest so "
        "far are kept. The blocks are chosen before the search, so that the peak is known.",
        "zh": "距离从不全部放入内存：每次只比较一块查询与一块数据，只保留目前最近的 k 个。"
        "块的大小在搜索前选定，因此峰值内存事先已知。",
    },
    "stop": {"en": ". ", "zh": "。"},
    "repeat": {"en": "To repeat it", "zh": "如何重现"},
    "surroundings": {"en": "Surroundings", "zh": "运行环境"},
    "no_limit": {"en": "none", "zh": "无"},
    "by_batch": {"en": "none, rows are read batch by batch", "zh": "无，逐批读取"},
    "loss_softmax": {"en": "softmax cross-entropy", "zh": "softmax 交叉熵"},
    "loss_squared_error": {"en": "half the squared error", "zh": "平方误差的一半"},
    "votes_uniform": {"en": "equal for all neighbors", "zh": "各邻居权重相同"},
    "fact_rows": {"en": "rows", "zh": "行数"},
    "fact_features": {"en": "features", "zh": "特征"},
    "fact_target": {"en": "target", "zh": "目标"},
    "fact_classes": {"en": "classes (training rows)", "zh": "类别（训练行数）"},
    "fact_range": {"en": "range", "zh": "取值范围"},
    "fact_division": {"en": "split", "zh": "划分"},
    "fact_scaling": {"en": "scaling", "zh": "缩放"},
    "fact_layers": {"en": "layer sizes", "zh": "各层大小"},
    "fact_loss": {"en": "loss", "zh": "损失"},
    "fact_penalty": {"en": "L2 penalty (alpha)", "zh": "L2 惩罚（alpha）"},
    "fact_optimizer": {"en": "optimizer", "zh": "优化器"},
    "fact_batch_size": {"en": "batch size", "zh": "批大小"},
    "fact_why_batches": {"en": "why batch by batch", "zh": "逐批训练的原因"},
    "why_batches_limit": {
        "en": "L-BFGS over all rows at once does not fit into the memory limit",
        "zh": "对全部数据使用 L-BFGS 超出内存上限",
    },
    "fact_epochs": {"en": "epochs or iterations / at most", "zh": "轮次或迭代次数 / 上限"},
    "fact_best_epoch": {"en": "best epoch", "zh": "最佳轮次"},
    "fact_in_memory": {"en": "features in memory", "zh": "内存中的特征"},
    "fact_k": {"en": "neighbors (k)", "zh": "邻居数（k）"},
    "fact_metric": {"en": "distance", "zh": "距离"},
    "fact_votes": {"en": "votes", "zh": "投票"},
    "fact_memory_limit": {"en": "memory limit", "zh": "内存上限"},
    "fact_versions": {"en": "versions", "zh": "版本"},
    "fact_python": {"en": "Python", "zh": "Python"},
    "fact_machine": {"en": "machine", "zh": "机器"},
    "footer": {
        "en": "Made by tidu. This page needs no network and no other file.",
        "zh": "由 tidu 生成。本页无需网络，也不依赖其他文件。",
    },
}
