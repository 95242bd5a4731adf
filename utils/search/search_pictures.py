"""Pictures of a search: the scores of its trials, how much each setting matters, and where good values lie."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import optuna
from optuna.trial import FrozenTrial, TrialState

from .search_table import Result
from .spaces import Setting, Space

BLUE, RED, GRAY = "#1f3b63", "#c0504d", "#9a9a9a"
LEAST = 4  # complete trials from which the importance of settings is computed


def weigh_settings(study: optuna.Study) -> dict[str, float]:
    """The importance of each setting for the score, as shares of 1; empty for too few trials, or equal scores.

    Computed by Optuna (PED-ANOVA): how far the values of good trials differ from those of all.
    """
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(done) < LEAST or len({each.value for each in done}) < 2:
        return {}
    try:
        return optuna.importance.get_param_importances(study)
    except (ValueError, RuntimeError):  # no setting that all trials have, or none that varies
        return {}


def draw_history(trials: Sequence[FrozenTrial], score_name: str, *, lower_is_better: bool, result: Result) -> bytes:
    """A PNG of the score of each trial, the best so far, and the final runs beside them."""
    figure, ((axes,),) = _figure(8, 4)
    done = [(place, each) for place, each in enumerate(trials) if each.state == TrialState.COMPLETE]
    axes.plot([place for place, _ in done], [each.value for _, each in done], "o", color=BLUE, label="trial")
    best, line = None, []
    for _, each in done:
        better = best is None or (each.value < best if lower_is_better else each.value > best)
        best = each.value if better else best
        line.append(best)
    axes.step([place for place, _ in done], line, where="post", color=BLUE, alpha=0.6, label="best so far")
    if stopped := [place for place, each in enumerate(trials) if _is_stopped(each)]:
        axes.plot(stopped, [_last_score(trials[place]) for place in stopped], "x", color=GRAY, label="stopped early")
    step = max(1, len(trials) // 10)
    ticks = {place: str(trials[place].number) for place in range(0, len(trials), step)}
    if values := result.values():
        aside = len(trials) + max(1.0, 0.06 * len(trials))
        axes.plot([aside] * len(values), values, "D", color=RED, label="best setting, fresh seeds, validation file")
        axes.axvline(0.5 * (len(trials) - 1 + aside), color=GRAY, linewidth=0.8)
        ticks[aside] = "result"
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xlabel("trial, on data held out of the training data")
    axes.set_ylabel(score_name)
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return _png(figure)


def draw_importance(weights: Mapping[str, float], *, trials: int) -> bytes:
    """A PNG with a bar for each setting, the most important on top."""
    figure, ((axes,),) = _figure(7, 1.4 + 0.4 * len(weights))
    names = list(weights)
    axes.barh(range(len(names)), [weights[name] for name in names], color=BLUE, height=0.6)
    for place, name in enumerate(names):
        axes.text(weights[name] + 0.01, place, f"{weights[name]:.2f}", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.1)
    axes.set_xlabel(f"importance (PED-ANOVA), from {trials} complete trials")
    return _png(figure)


def draw_settings(trials: Sequence[FrozenTrial], score_name: str, space: Space, *, best: FrozenTrial) -> bytes:
    """A PNG with a panel for each setting: its values and the scores; crosses are trials that were stopped early."""
    names = list(space.settings)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, panels = _figure(4 * columns, 3 * rows, rows=rows, columns=columns)
    done = [each for each in trials if each.state == TrialState.COMPLETE]
    for axes, name in zip(panels.flat, names, strict=False):
        setting = space.settings[name]
        known = [each for each in trials if _is_stopped(each) and name in each.params]
        places = [_place(setting, each.params[name]) for each in known]
        axes.plot(places, [_last_score(each) for each in known], "x", color=GRAY)
        known = [each for each in done if name in each.params]
        places = [_place(setting, each.params[name]) for each in known]
        axes.plot(places, [each.value for each in known], "o", color=BLUE, alpha=0.7)
        if name in best.params:
            axes.plot([_place(setting, best.params[name])], [best.value], "o", color=RED)
        if setting.choices:
            labels = [label if len(label) <= 14 else f"{label[:13]}…" for label in setting.choices]
            axes.set_xticks(range(len(labels)), labels)
            axes.set_xlim(-0.5, len(labels) - 0.5)
        elif setting.distribution.log:
            low, high = setting.ends
            axes.set_xscale("log")
            axes.set_xticks(
                [low, (low * high) ** 0.5, high], [f"{tick:.1e}" for tick in (low, (low * high) ** 0.5, high)]
            )
            axes.minorticks_off()
        else:
            axes.xaxis.get_major_locator().set_params(integer=isinstance(setting.ends[0], int))
        axes.set_title(name, fontsize=10)
        axes.set_ylabel(score_name)
    for axes in list(panels.flat)[len(names) :]:
        axes.set_visible(False)
    return _png(figure)


def _is_stopped(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.PRUNED and bool(trial.intermediate_values)


def _last_score(trial: FrozenTrial) -> float:
    return trial.intermediate_values[max(trial.intermediate_values)]


def _place(setting: Setting, value) -> float:
    return list(setting.choices).index(value) if setting.choices else value


def _figure(width: float, height: float, *, rows: int = 1, columns: int = 1):
    import matplotlib  # takes a second

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False)
    for axes in panels.flat:
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _png(figure) -> bytes:
    from matplotlib import pyplot

    output = BytesIO()
    figure.savefig(output, format="png", dpi=150)
    pyplot.close(figure)
    return output.getvalue()
