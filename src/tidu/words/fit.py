"""The phrases of `fit`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    # What the certificate of a linear model says.
    "certified": {
        "en": "Global minimum: the loss {loss} is proved to be at most {gap} above the least possible one "
        "(lower bound {bound} by duality, gradient norm {gradient}; a gap up to {tolerance} counts as none).",
        "zh": "全局最小值：已证明损失 {loss} 比可能的最小值至多高 {gap}（对偶下界 {bound}，梯度范数 {gradient}；"
        "差距不超过 {tolerance} 视为零）。",
    },
    "not_certified": {
        "en": "Not proved to be the global minimum: the loss is {loss}, and all that is known of the least possible "
        "one is that it is at least {bound}, {gap} lower (gradient norm {gradient}; a gap up to {tolerance} would "
        "count as none).",
        "zh": "未能证明是全局最小值：损失为 {loss}，关于可能的最小值只知道它不低于 {bound}，"
        "相差 {gap}（梯度范数 {gradient}；"
        "差距不超过 {tolerance} 才视为零）。",
    },
    # What `tidu fit` and its siblings print.
    "data": {
        "en": "{name}: {n:,} rows, {n_features:,} features ({dtype})",
        "zh": "{name}：{n:,} 行，{n_features:,} 个特征（{dtype}）",
    },
    "classification": {
        "en": "{target!r} is taken for a class: {reason}",
        "zh": "{target!r} 视为类别：{reason}",
    },
    "regression": {
        "en": "{target!r} is taken for a number: {reason}",
        "zh": "{target!r} 视为数值：{reason}",
    },
    "because_asked": {"en": "as you asked", "zh": "按您的要求"},
    "because_names": {
        "en": "its {n} values have names (--regress takes numbers only)",
        "zh": "它的 {n} 个取值是名称（--regress 只适用于数值）",
    },
    "because_few": {
        "en": "it has {n} different values, all whole numbers (otherwise: --regress)",
        "zh": "它只有 {n} 个不同取值，且都是整数（若要当作数值，用 --regress）",
    },
    "because_many": {
        "en": "it has {n:,} different values (otherwise: --classify)",
        "zh": "它有 {n:,} 个不同取值（若要当作类别，用 --classify）",
    },
    "split": {
        "en": "Split with seed {seed}: {fitting:,} rows to fit, {validation:,} to stop the network in time, "
        "{test:,} held out for the score",
        "zh": "按种子 {seed} 划分：{fitting:,} 行用于拟合，{validation:,} 行用于及时停止训练，{test:,} 行留作评分",
    },
    "own_test": {
        "en": "The data have their own {test:,} test rows; of the others, with seed {seed}, {fitting:,} are to fit, "
        "{validation:,} to stop the network in time",
        "zh": "数据自带 {test:,} 行测试集；其余按种子 {seed} 划分：{fitting:,} 行用于拟合，"
        "{validation:,} 行用于及时停止训练",
    },
    "scaling_standard": {
        "en": "Features are scaled to mean 0 and variance 1 over the training rows",
        "zh": "特征按训练行缩放为均值 0、方差 1",
    },
    "scaling_pixels": {"en": "Pixels are divided by {most}", "zh": "像素除以 {most}"},
    "features_held": {
        "en": "Scaled features take {size:,.1f} MB of memory (float32)",
        "zh": "缩放后的特征占用内存 {size:,.1f} MB（float32）",
    },
    "features_read": {
        "en": "Scaled features do not fit into the memory limit: rows are read batch by batch",
        "zh": "缩放后的特征超出内存上限：逐批读取各行",
    },
    "linear_by_batch": {
        "en": "L-BFGS over all rows at once does not fit into the memory limit: the linear model is trained batch by "
        "batch with Adam",
        "zh": "对全部数据使用 L-BFGS 超出内存上限：线性模型改用 Adam 逐批训练",
    },
    "epochs_chosen": {
        "en": "The network sees the rows at most {epochs} times (about 1 million samples, from 10 to 200 epochs; "
        "set it with --epochs), and stops when 10 epochs bring nothing",
        "zh": "网络最多遍历数据 {epochs} 次（约 100 万个样本，10 到 200 轮之间；可用 --epochs 设定），"
        "连续 10 轮无改进即停止",
    },
    "done": {
        "en": "Fitted the {model}: {passes} passes over the rows in {elapsed:.1f} s",
        "zh": "{model}拟合完毕：遍历数据 {passes} 次，用时 {elapsed:.1f} 秒",
    },
    "interrupted": {
        "en": "Stopped by Ctrl-C: the best so far is kept, later models are left out",
        "zh": "已用 Ctrl-C 停止：保留目前最好的结果，其余模型不再拟合",
    },
    "linear": {"en": "linear model", "zh": "线性模型"},
    "network": {"en": "network", "zh": "神经网络"},
    "knn": {"en": "k-NN", "zh": "k 近邻"},
    "left": {"en": "left", "zh": "剩余"},
    "epoch": {
        "en": "epoch {epoch}  loss {loss:.4g}  {speed:,.0f} steps/s",
        "zh": "第 {epoch} 轮  损失 {loss:.4g}  每秒 {speed:,.0f} 步",
    },
    "epoch_validated": {
        "en": "epoch {epoch}  loss {loss:.4g}  validation {validation:.4g}  {speed:,.0f} steps/s",
        "zh": "第 {epoch} 轮  损失 {loss:.4g}  验证损失 {validation:.4g}  每秒 {speed:,.0f} 步",
    },
    "table": {"en": "Scores on {n:,} held-out rows", "zh": "在 {n:,} 行留出数据上的得分"},
    "model": {"en": "model", "zh": "模型"},
    "score_accuracy": {"en": "accuracy", "zh": "准确率"},
    "score_r2": {"en": "R²", "zh": "R²"},
    "interval": {"en": "95 % interval", "zh": "95 % 置信区间"},
    "fit_time": {"en": "fit time", "zh": "拟合时间"},
    "predict_time": {"en": "predict time", "zh": "预测时间"},
    "memory": {"en": "memory growth", "zh": "内存增长"},
    "baseline_classification": {
        "en": "For comparison: always the most frequent class gives {score}",
        "zh": "作为对照：总是预测最常见的类别，得分为 {score}",
    },
    "baseline_regression": {
        "en": "For comparison: always the mean gives {score}",
        "zh": "作为对照：总是预测均值，得分为 {score}",
    },
    "interval_wilson": {
        "en": "Intervals: Wilson's, for independent held-out rows",
        "zh": "置信区间：Wilson 方法，假设留出的各行相互独立",
    },
    "interval_bootstrap": {
        "en": "Intervals: bootstrap, 1000 resamples of the held-out rows",
        "zh": "置信区间：自助法（bootstrap），对留出的各行重抽样 1000 次",
    },
    "memory_high_water": {
        "en": "Memory growth: peak of resident memory during the work, less what was resident before",
        "zh": "内存增长：工作期间常驻内存的峰值减去开始前的常驻内存",
    },
    "memory_lifetime": {
        "en": "Memory growth: rise of the process's highest resident memory so far",
        "zh": "内存增长：进程常驻内存历史最高值的上升量",
    },
    "peak": {
        "en": "Highest resident memory of the whole process meanwhile: {size:,.0f} MB",
        "zh": "其间整个进程常驻内存的最高值：{size:,.0f} MB",
    },
    "no_certificate": {
        "en": "Linear model: whether the minimum is global was not certified, since that takes its features in memory "
        "as float64",
        "zh": "线性模型：未证明是否达到全局最小值，因为这需要把特征以 float64 放入内存",
    },
    "saved": {"en": "Model saved: {path}", "zh": "模型已保存：{path}"},
    "removed": {
        "en": "Removed the model of an earlier run: {path}",
        "zh": "已删除先前运行留下的模型：{path}",
    },
    "report": {"en": "Report: {path}", "zh": "报告：{path}"},
    "wrote": {"en": "Wrote {path}", "zh": "已写入 {path}"},
    "test_part": {
        "en": "{name} has a test part of its own: its {n:,} rows are predicted",
        "zh": "{name} 自带测试集：对其中的 {n:,} 行进行预测",
    },
    "predicted": {"en": "Wrote {n:,} predictions to {path}", "zh": "已将 {n:,} 个预测写入 {path}"},
    "accuracy": {
        "en": "Accuracy on {n:,} rows: {score:.1f} % (95 % interval {low:.1f} to {high:.1f} %)",
        "zh": "在 {n:,} 行上的准确率：{score:.1f} %（95 % 置信区间 {low:.1f} 到 {high:.1f} %）",
    },
    "r2": {
        "en": "R² on {n:,} rows: {score:.3f} (95 % interval {low:.3f} to {high:.3f})",
        "zh": "在 {n:,} 行上的 R²：{score:.3f}（95 % 置信区间 {low:.3f} 到 {high:.3f}）",
    },
}
