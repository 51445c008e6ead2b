"""The phrases of `assess`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "verdict_function": {"en": "function", "zh": "函数"},
    "verdict_noisy_function": {"en": "noisy function", "zh": "带噪声的函数"},
    "verdict_no_dependence_found": {"en": "no dependence found", "zh": "未发现依赖关系"},
    "verdict_cannot_tell": {"en": "cannot tell", "zh": "无法判断"},
    # The spaces stand between Chinese characters and Latin ones.
    "r2": {"en": "R²", "zh": " R² "},
    "accuracy": {"en": "accuracy", "zh": "准确率"},
    "headline": {
        "en": "{verdict}: the best {measure} that any model can reach is about {score} (95 % interval {score_low} "
        "to {score_high})",
        "zh": "{verdict}：任何模型能达到的最高{measure}约为 {score}（95 % 置信区间 {score_low} 到 {score_high}）",
    },
    "headline_cannot_tell": {
        "en": "{verdict}: of the best {measure} that any model can reach, these rows show only that it lies between "
        "{score_low} and {score_high} (95 % interval)",
        "zh": "{verdict}：这些数据只能说明，"
        "任何模型能达到的最高{measure}在 {score_low} 到 {score_high} 之间（95 % 置信区间）",
    },
    # Why: a key with `_classes` is said where the target is a class.
    "reason_no_noise": {
        "en": "Hardly any noise is seen: at most {high} of the variance (95 %), and less than 2 % counts as none "
        "here. So some function of the features reaches R² = {score_low} or more.",
        "zh": "几乎看不到噪声：至多占目标方差的 {high}（95 %），而这里低于 2 % 就算作没有。因此存在特征的某个函数，"
        "其 R² 达到 {score_low} 或更高。",
    },
    "reason_no_noise_classes": {
        "en": "The features tell the classes apart: that no row need be wrong fits these rows, and an error of at "
        "most {high} (95 %) was really reached on rows that were left out.",
        "zh": "特征能够区分各类别：“没有一行必然判错”与这些数据相符，"
        "而对留出行的预测实际达到的错误率至多为 {high}（95 %）。",
    },
    "reason_noise": {
        "en": "Part of the target is noise to whoever sees these features alone: {share} of its variance (95 % "
        "interval {low} to {high}). No function of them explains that part, so R² above {score_high} is not to be "
        "expected.",
        "zh": "只看这些特征，目标中有一部分是噪声：占方差的 {share}（95 % 置信区间 {low} 到 {high}）。"
        "这些特征的任何函数都解释不了这一部分，因此不能指望 R² 高于 {score_high}。",
    },
    "reason_noise_classes": {
        "en": "The classes overlap: rows with such features belong now to one, now to another. The least error lies "
        "between {low} (a bound of Cover and Hart, from the likelihood of the rows) and {high} (95 % limit of what "
        "was really reached on rows that were left out).",
        "zh": "类别之间有重叠：特征相近的行，有时属于这一类，有时属于那一类。"
        "最低错误率在 {low}（由数据的似然得到的 Cover–Hart 界）"
        "与 {high}（对留出行的预测实际达到的错误率的 95 % 上限）之间。",
    },
    "reason_wide": {
        "en": "The target depends on the features, but how much of it is noise stays open: anything from {low} to "
        "{high} of its variance explains these rows (95 %).",
        "zh": "目标依赖于特征，但其中有多少是噪声无法确定：占方差 {low} 到 {high} 的任何比例都能解释这些数据（95 %）。",
    },
    "reason_wide_classes": {
        "en": "The class depends on the features, but how often the best model must be wrong stays open: anything "
        "from {low} to {high} of the rows explains what is seen (95 %).",
        "zh": "类别依赖于特征，但最好的模型也难免的错误率有多高，无法确定："
        "从 {low} 到 {high} 都能解释这些数据（95 %）。",
    },
    "reason_noise_or_rough": {
        "en": "Noise, or a rough function? Up to {high} of the variance may be noise (95 %), but a function without "
        "any that changes faster than these rows can show explains them as well.",
        "zh": "是噪声，还是变化剧烈的函数？方差中至多有 {high} 可能是噪声（95 %）；"
        "但一个没有噪声、只是变化得比这些数据所能显示的更快的函数，也同样能解释它们。",
    },
    "reason_noise_or_rough_classes": {
        "en": "Overlap, or a winding border? Predicting rows that were left out errs on up to {high} of them (95 "
        "%), but classes that do not overlap, with a border finer than these rows can show, explain that as well.",
        "zh": "是类别重叠，还是边界曲折？对留出行的预测，错误率至多为 {high}（95 %）；"
        "但各类别毫不重叠、只是边界比这些数据所能显示的更细密，也同样能解释。",
    },
    "reason_independent": {
        "en": "The features say nothing of the target that can be seen in these rows: between {low} and {high} of "
        "its variance is noise (95 %). A dependence too weak, or too rough, for this number of rows may still be "
        "there.",
        "zh": "在这些数据中看不出特征与目标有任何关系：方差的 {low} 到 {high} 是噪声（95 %）。"
        "对这样的行数而言过于微弱或过于曲折的依赖关系，仍有可能存在。",
    },
    "reason_independent_classes": {
        "en": "The features say nothing of the class that can be seen in these rows: the least error lies between "
        "{low} and {high} (95 %), and always saying the most frequent class errs on {whole}. A dependence too weak, "
        "or too rough, for this number of rows may still be there.",
        "zh": "在这些数据中看不出特征与类别有任何关系：最低错误率在 {low} 到 {high} 之间（95 %），"
        "而总是猜最常见的类别，错误率为 {whole}。对这样的行数而言过于微弱或过于曲折的依赖关系，仍有可能存在。",
    },
    "reason_independent_or_blind": {
        "en": "No dependence was found, but these rows could not show every one: noise of {low} to {high} of the "
        "variance explains them (95 %), and so does a function too rough, or of too many features, for so few rows.",
        "zh": "没有发现依赖关系，但这些数据也不足以排除它：占方差 {low} 到 {high} 的噪声都能解释它们（95 %），"
        "而对这样的行数来说过于曲折、或特征过多的函数，也同样能解释。",
    },
    "reason_independent_or_blind_classes": {
        "en": "No dependence was found, but these rows could not show every one: a least error of {low} to {high} "
        "explains them (95 %), and so do classes whose border is too winding, or of too many features, for so few "
        "rows.",
        "zh": "没有发现依赖关系，但这些数据也不足以排除它：最低错误率从 {low} 到 {high} 都能解释它们（95 %），"
        "而对这样的行数来说边界过于曲折、或特征过多的类别，也同样能解释。",
    },
    "reason_dependent": {
        "en": "The target does depend on the features: T = {T} (0 if independent, 1 if a function, with endlessly "
        "many rows). Shuffled targets reach it with p = {p} ({n_shuffled} tried).",
        "zh": "目标确实依赖于特征：T = {T}（行数无穷多时，独立为 0，函数为 1）。"
        "把目标打乱后达到这一数值的 p = {p}（共打乱 {n_shuffled} 次）。",
    },
    "reason_dependent_linear": {
        "en": "The target does depend on the features: a linear function explains {linear} of its variance, which "
        "shuffled targets reach with p = {linear_p} ({n_shuffled} tried). Ranks of neighbors do not see it "
        "(T = {T}, p = {p}).",
        "zh": "目标确实依赖于特征：线性函数能解释其方差的 {linear}，把目标打乱后达到这一数值的 p = {linear_p}"
        "（共打乱 {n_shuffled} 次）。近邻的秩次看不出这种关系（T = {T}，p = {p}）。",
    },
    "reason_not_dependent": {
        "en": "No test of dependence sees anything sure: by ranks of neighbors, T = {T} (0 if independent), which "
        "shuffled targets reach with p = {p} ({n_shuffled} tried).",
        "zh": "依赖性检验没有得到确定的结果：按近邻的秩次，T = {T}（独立时为 0），把目标打乱后达到这一数值的 p = "
        "{p}（共打乱 {n_shuffled} 次）。",
    },
    "reason_spread_only": {
        "en": "Perhaps the features decide how the target scatters rather than where its mean lies: its ranks "
        "depend on them, but hardly any of the variance can be predicted.",
        "zh": "特征也许决定目标怎样分散，而不是它的均值在哪里：目标的秩次依赖于特征，方差却几乎无法预测。",
    },
    "reason_branches": {
        "en": "What is left falls into two heaps, as where the same features have two possible targets (on a circle "
        "each x has two y). Such a relation is no function of the features; it can only be seen here as noise.",
        "zh": "剩余部分聚成两堆，就像同样的特征有两个可能的目标值（圆上每个 x 对应两个 y）。这种关系不是特征的函数，"
        "在这里只能表现为噪声。",
    },
    "reason_contradictions": {
        "en": "{contradicting} of {n} rows ({contradicting_share}) contradict each other: the same features, "
        "different targets. No function is right for all of them; by that alone its {measure} on these rows is at "
        "most {contradicted_score}.",
        "zh": "{n} 行中有 {contradicting} 行（{contradicting_share}）相互矛盾：特征相同，目标不同。"
        "没有函数能对所有这些行都正确；仅此一点，任何函数在这些数据上的{measure}至多为 {contradicted_score}。",
    },
    "reason_copies": {
        "en": "{copies} of {n} rows are copies of another, target included. Each is counted once: a copy tells "
        "nothing of the noise.",
        "zh": "{n} 行中有 {copies} 行是其他行的副本，目标也相同。每行只计一次：副本说明不了噪声的大小。",
    },
    "reason_dimension": {
        "en": "The features fill about {dimension} dimensions. There, even neighbors are far from each other, and a "
        "rough function is hard to tell from noise.",
        "zh": "特征大约占据 {dimension} 个维度。在这样的空间里，近邻之间也相距很远，变化剧烈的函数与噪声难以区分。",
    },
    "reason_resolution": {
        "en": "With these rows the method sees no finer: of a target without noise, as rough as this one, it would "
        "report up to {resolution} of the variance as noise.",
        "zh": "凭这些数据，方法的分辨能力只到这一步："
        "对同样粗糙、毫无噪声的目标，它也会报告至多 {resolution} 的方差为噪声。",
    },
    "reason_resolution_classes": {
        "en": "With these rows the method sees no finer: of classes that do not overlap, with a border as winding "
        "as here, it would report up to {resolution} of their variance as overlap.",
        "zh": "凭这些数据，方法的分辨能力只到这一步：对毫不重叠、边界同样曲折的类别，"
        "它也会报告至多 {resolution} 的方差为重叠。",
    },
    "reason_more_rows": {
        "en": "More rows would help a model: from {n_half} to {n} rows the error of predicting by nearest neighbors "
        "fell from {error_half} to {error}.",
        "zh": "更多的数据会对模型有帮助：从 {n_half} 行增加到 {n} 行，用最近邻预测的误差从 {error_half} 降到 {error}。",
    },
    "reason_enough_rows": {
        "en": "More rows of this kind would help little: from {n_half} to {n} rows the error of predicting by "
        "nearest neighbors went from {error_half} to {error}.",
        "zh": "再多一些这样的数据帮助不大：从 {n_half} 行增加到 {n} 行，"
        "用最近邻预测的误差从 {error_half} 变为 {error}。",
    },
    "reason_rows_unknown": {
        "en": "There are too few rows to see whether more would help.",
        "zh": "行数太少，看不出更多的数据是否有帮助。",
    },
    "reason_leakage": {
        "en": "{near} of {n_test} held-out rows lie at or next to a training row, {identical} of them exactly; "
        "about {expected} would by chance. A score on them tells memory, not understanding.",
        "zh": "{n_test} 行留出数据中有 {near} 行与某个训练行相同或几乎相同，其中 {identical} 行完全相同；若属偶然，"
        "约为 {expected} 行。在它们上的得分反映的是记忆，不是理解。",
    },
    # Numbers.
    "title": {"en": "Is there a function in {name}?", "zh": "{name} 中有函数吗？"},
    "section": {
        "en": "Is there a function, and how well can any model do?",
        "zh": "有函数吗？任何模型最好能做到多好？",
    },
    "section_note": {
        "en": "Asked of {n} of the {total} training rows, before any model was fitted.",
        "zh": "在拟合任何模型之前，对 {total} 行训练数据中的 {n} 行的考察。",
    },
    "why": {"en": "Why", "zh": "理由"},
    "numbers": {"en": "Numbers", "zh": "数值"},
    "quantity": {"en": "quantity", "zh": "量"},
    "found": {"en": "found", "zh": "结果"},
    "rows": {"en": "rows", "zh": "行数"},
    "features": {"en": "features", "zh": "特征数"},
    "classes": {"en": "classes", "zh": "类别数"},
    "contradicting": {"en": "contradicting rows", "zh": "矛盾行"},
    "contradicting_found": {
        "en": "{contradicting} ({contradicting_share}); {repeated} rows have repeated features",
        "zh": "{contradicting} 行（{contradicting_share}）；特征重复的有 {repeated} 行",
    },
    "contradicted_score": {"en": "at most possible with them", "zh": "受其限制的上限"},
    "contradicted_score_found": {
        "en": "{measure} {contradicted_score} on all rows, {repeated_score} on the repeated ones",
        "zh": "全部行上{measure}为 {contradicted_score}，重复行上为 {repeated_score}",
    },
    "dependence": {"en": "dependence T", "zh": "依赖程度 T"},
    "dependence_found": {"en": "{T}, p = {p}", "zh": "{T}，p = {p}"},
    "linear": {"en": "explained by a linear function", "zh": "线性函数所能解释的"},
    "linear_found": {"en": "{linear} of the variance, p = {linear_p}", "zh": "方差的 {linear}，p = {linear_p}"},
    "dependence_before": {"en": "T before the feature step", "zh": "特征处理前的 T"},
    "order": {"en": "features that matter (T with them)", "zh": "起作用的特征（累计 T）"},
    "alone": {"en": "features that matter (ξ alone)", "zh": "起作用的特征（单独的 ξ）"},
    "none_matters": {
        "en": "none by itself; ξ does not see features that act together",
        "zh": "没有单独起作用的；ξ 看不到共同起作用的特征",
    },
    "and_more": {"en": "and {n} more", "zh": "另有 {n} 个"},
    "feature": {"en": "feature {number}", "zh": "特征 {number}"},
    "noise_variance": {"en": "floor: variance of the noise", "zh": "下限：噪声的方差"},
    "least_error": {"en": "floor: least error", "zh": "下限：最低错误率"},
    "noise_share": {"en": "as a share of the target's", "zh": "占目标方差的比例"},
    "interval": {"en": "{value} (95 % interval {low} to {high})", "zh": "{value}（95 % 置信区间 {low} 到 {high}）"},
    "v_ratio": {"en": "V-ratio (Gamma / variance)", "zh": "V 比（Gamma / 方差）"},
    "gamma": {"en": "Gamma test", "zh": "Gamma 检验"},
    "delta": {"en": "Delta test", "zh": "Delta 检验"},
    "product": {"en": "product estimator", "zh": "乘积估计"},
    "left_out": {"en": "error of nearest neighbors", "zh": "最近邻预测的误差"},
    "left_out_found": {"en": "{error} with k = {k}, each row left out", "zh": "{error}（k = {k}，留一预测）"},
    "cover_hart": {"en": "Cover and Hart, by the nearest row", "zh": "Cover–Hart 界（按最近一行）"},
    "band": {"en": "{low} to {high}", "zh": "{low} 到 {high}"},
    "best_score": {"en": "best {measure} of any model", "zh": "任何模型的最高{measure}"},
    "resolution": {"en": "noise reported where there is none", "zh": "没有噪声时报告的噪声"},
    "resolution_found": {"en": "at most {resolution} of the variance", "zh": "至多为方差的 {resolution}"},
    "dimension": {"en": "intrinsic dimension", "zh": "内在维数"},
    "leakage": {"en": "held-out rows seen in training", "zh": "训练中见过的留出行"},
    "leakage_found": {
        "en": "{near} of {n_test}, {identical} of them exactly",
        "zh": "{n_test} 行中的 {near} 行，其中 {identical} 行完全相同",
    },
    "learning": {"en": "With fewer rows", "zh": "行数较少时"},
    "neighbors_error": {"en": "error of nearest neighbors, best k", "zh": "最近邻预测的误差（最佳 k）"},
    "nearest_error": {"en": "error of the nearest row alone", "zh": "只看最近一行的误差"},
    "worst": {"en": "Worst contradictions (rows counted from 0)", "zh": "最严重的矛盾（行号从 0 起）"},
    "worst_rows": {"en": "rows with the same features", "zh": "特征相同的行"},
    "worst_targets": {"en": "their targets", "zh": "它们的目标"},
    "seen": {
        "en": "Held-out rows and their training rows (counted from 0)",
        "zh": "留出行与对应的训练行（行号从 0 起）",
    },
    "seen_test": {"en": "held-out row", "zh": "留出行"},
    "seen_train": {"en": "training row", "zh": "训练行"},
    "method": {
        "en": "The floor comes from the likelihood of functions of every smoothness plus noise (Gaussian processes "
        "over cells of neighboring rows); Gamma, Delta and product are cross-checks. Where one set of features has "
        "several targets by nature, the spread between them counts as noise.",
        "zh": "下限来自“任意光滑程度的函数加噪声”的似然（在相邻行组成的小块上用高斯过程）；"
        "Gamma、Delta 和乘积估计用作对照。如果同样的特征本来就对应多个目标值，它们之间的差异计为噪声。",
    },
    "method_classes": {
        "en": "The lower end of the floor is Cover and Hart's bound on what the likelihood says (Gaussian processes "
        "over cells of neighboring rows); its upper end is the error really reached on rows that were left out, "
        "with its 95 % limit. Where one set of features has several classes by nature, that counts as noise.",
        "zh": "下限的低端是对似然估计（在相邻行组成的小块上用高斯过程）应用 Cover–Hart 界的结果；"
        "高端是留一预测实际达到的错误率的 95 % 上限。如果同样的特征本来就对应多个类别，则计为噪声。",
    },
    # Pictures.
    "picture_neighbors": {"en": "Are neighbors alike?", "zh": "近邻是否相似？"},
    "picture_learning": {"en": "Do more rows help?", "zh": "更多的数据有帮助吗？"},
    "picture_likelihood": {"en": "How much noise explains the rows?", "zh": "多少噪声能解释这些数据？"},
    "picture_alone": {"en": "Each feature alone", "zh": "每个特征单独的作用"},
    "note_neighbors": {
        "en": "Each dot is a row and one of its ten nearest. The line continues the means over all rows to distance "
        "zero: where it meets the axis is Gamma, the noise by this method. The farthest 5 % and the highest 5 % of "
        "the dots are left out.",
        "zh": "每个点是一行与它最近的十行之一。直线把各阶近邻的均值延伸到距离为零处：与纵轴相交处即 Gamma，"
        "即此方法估计的噪声。最远的 5 % 和最高的 5 % 的点未画出。",
    },
    "note_neighbors_classes": {
        "en": "Pairs of a row and one of its ten nearest, in groups by distance; the band is Wilson's 95 % "
        "interval. If the line does not fall to zero at its left end, classes overlap, or rows are too few.",
        "zh": "把每一行与它最近的十行之一配对，按距离分组；色带为 Wilson 95 % 置信区间。如果曲线左端不趋于零，"
        "说明类别有重叠，或者行数太少。",
    },
    "note_learning": {
        "en": "Prediction by nearest neighbors comes down towards the floor (dashed, with its 95 % interval) as "
        "rows are added; a better model comes nearer with fewer, none goes below.",
        "zh": "随着行数增加，最近邻预测的误差向下限（虚线，色带为 95 % 置信区间）靠近；"
        "更好的模型用更少的数据就能更接近，但没有模型能低于下限。",
    },
    "note_likelihood": {
        "en": "How well each amount of noise explains the rows, with the best function for it; the box spans the 95 "
        "% interval. A flat line means that the method is blind.",
        "zh": "每种噪声水平（各配上最合适的函数）对数据的解释程度；方框为 95 % 置信区间。曲线平坦说明方法在此看不清。",
    },
    "note_alone": {
        "en": "Chatterjee's ξ: 0 if the target does not depend on the feature, 1 if it is a function of it alone. "
        "Features that act only together have none.",
        "zh": "Chatterjee 的 ξ：目标与该特征无关时为 0，是它单独的函数时为 1。只有合在一起才起作用的特征，ξ 接近 0。",
    },
    "pairs": {"en": "a row and a neighbor", "zh": "一行与它的近邻"},
    "means": {"en": "mean over all rows, by neighbor", "zh": "全部行的均值，按近邻次序"},
    "regression_line": {"en": "line of the Gamma test", "zh": "Gamma 检验的直线"},
    "squared_distance": {"en": "(distance of the features)²", "zh": "（特征的距离）²"},
    "half_squared_difference": {"en": "½ (difference of targets)²", "zh": "½（目标之差）²"},
    "distance": {"en": "distance of the features", "zh": "特征的距离"},
    "different_classes": {"en": "share of pairs of different classes", "zh": "类别不同的配对所占比例"},
    "floor": {"en": "floor", "zh": "下限"},
    "error_rate": {"en": "error rate", "zh": "错误率"},
    "squared_error": {"en": "mean squared error", "zh": "均方误差"},
    "profile": {"en": "log-likelihood, its top at 0", "zh": "对数似然（最高处为 0）"},
    "noise_axis": {"en": "variance of the noise, as a share of the target's", "zh": "噪声的方差占目标方差的比例"},
    "xi": {"en": "ξ of the feature alone", "zh": "特征单独的 ξ"},
    # What `tidu fit` says.
    "fit_best": {"en": "best of any model", "zh": "任何模型的上限"},
    "fit_floor": {"en": "noise floor", "zh": "噪声下限"},
    "fit_floor_note": {
        "en": "The dashed line is the floor that noise sets (band: 95 % interval): no model can be expected below "
        "it on rows that it has not seen. A few validation rows may lie below it by chance.",
        "zh": "虚线是噪声决定的下限（色带：95 % 置信区间）：在没有见过的数据上，不能指望任何模型低于它。"
        "验证行很少时，可能碰巧低于它。",
    },
    "fit_best_note": {
        "en": "The dashed line is the best score that any model can be expected to reach (band: 95 % interval). On "
        "a few validation rows a score may lie above it by chance.",
        "zh": "虚线是任何模型有望达到的最高得分（色带：95 % 置信区间）。验证行很少时，得分可能碰巧高于它。",
    },
    "fit_ratio": {"en": "error / floor", "zh": "误差 / 下限"},
    "fit_ratio_note": {
        "en": "error / floor: mean squared error on the held-out rows over the variance of the noise; 1 is the best "
        "that any model can be expected to reach",
        "zh": "误差 / 下限：留出数据上的均方误差除以噪声的方差；1 是任何模型有望达到的最好结果",
    },
    "fit_ratio_note_classes": {
        "en": "error / floor: error rate on the held-out rows over the least error; 1 is the best that any model "
        "can be expected to reach",
        "zh": "误差 / 下限：留出数据上的错误率除以最低错误率；1 是任何模型有望达到的最好结果",
    },
    "fit_ratio_zero": {
        "en": "The floor may be zero: a ratio after ≥ is to the upper end of its interval, {high}",
        "zh": "下限可能为零：≥ 之后的比值是相对于其区间上端 {high} 的",
    },
    "fit_no_memory": {
        "en": "Not assessed whether there is a function: --memory-limit is too small for that",
        "zh": "未考察是否存在函数：--memory-limit 太小",
    },
    "fit_no_rows": {
        "en": "Not assessed whether there is a function: that takes {n} training rows at least, and different targets",
        "zh": "未考察是否存在函数：至少需要 {n} 行训练数据，且目标不能全部相同",
    },
}
