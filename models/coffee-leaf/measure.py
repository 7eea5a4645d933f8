"""Figures with their uncertainty: accuracy, recall, precision, calibration, and where to say "not sure"."""
import math

import torch
import torch.nn.functional as F

KEPT = 0.95  # of the leaves of val must get an answer: more caution than that is of no use in a field


def confusion(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Rows are the true classes, columns the answers."""
    size = logits.shape[1]
    return torch.bincount(classes * size + logits.argmax(dim=1), minlength=size * size).view(size, size)


def summary(logits: torch.Tensor, classes: torch.Tensor):
    """(accuracy, mean of the class recalls, worst class recall)."""
    table = confusion(logits, classes).float()
    there = table.sum(dim=1) > 0
    recalls = table.diag()[there] / table.sum(dim=1)[there]
    return float(table.diag().sum() / table.sum()), float(recalls.mean()), float(recalls.min())


def share(right: int, of: int) -> dict:
    """A proportion with its Wilson 95 % interval; null where there is nothing to divide by."""
    if of == 0:
        return {"right": 0, "of": 0, "value": None, "low": None, "high": None}
    z, p = 1.959964, right / of
    middle, spread = (p + z * z / (2 * of)), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)
    return {"right": right, "of": of, "value": round(p, 4), "low": round(max(0.0, low), 4), "high": round(min(1.0, high), 4)}


def fit_temperature(logits: torch.Tensor, classes: torch.Tensor) -> float:
    """The divisor of the logits that makes the probabilities most honest (least log loss); a plain scan is exact enough."""
    candidates = [round(0.3 + 0.01 * step, 2) for step in range(271)]
    return min(candidates, key=lambda t: float(F.cross_entropy(logits / t, classes)))


def calibration_error(probabilities: torch.Tensor, classes: torch.Tensor, bins: int = 10) -> float:
    """Expected calibration error of the top answer in equal-width bins."""
    top, answer = probabilities.max(dim=1)
    right, which = (answer == classes).float(), (top * bins).long().clamp(max=bins - 1)
    gaps = [float((top[which == b].mean() - right[which == b].mean()).abs()) * int((which == b).sum())
            for b in range(bins) if (which == b).any()]
    return round(sum(gaps) / len(classes), 4)


def answered(probabilities: torch.Tensor, classes: torch.Tensor, threshold: float) -> dict:
    """What is left when answers below the threshold, and "not a leaf", become "not sure". The last class is "not a leaf"."""
    top, answer = probabilities.max(dim=1)
    given = (top >= threshold) & (answer < probabilities.shape[1] - 1)
    right = int((given & (answer == classes)).sum())
    return {"coverage": share(int(given.sum()), len(classes)), "accuracy": share(right, int(given.sum()))}


def choose_threshold(probabilities: torch.Tensor, classes: torch.Tensor) -> float:
    """The highest threshold at which nearly all leaves still get an answer."""
    candidates = [round(0.3 + 0.01 * step, 2) for step in range(70)]
    return max(t for t in candidates if answered(probabilities, classes, t)["coverage"]["value"] >= KEPT)


def of_split(logits: torch.Tensor, classes: torch.Tensor, labels, temperature: float, threshold: float) -> dict:
    table = confusion(logits, classes)
    probabilities = F.softmax(logits / temperature, dim=1)
    _, macro, worst = summary(logits, classes)
    return {
        "photos": len(classes),
        "accuracy": share(int(table.diag().sum()), len(classes)),
        "macroRecall": round(macro, 4),
        "worstRecall": round(worst, 4),
        "classes": {label: {"photos": int(table[i].sum()),
                            "recall": share(int(table[i, i]), int(table[i].sum())),
                            "precision": share(int(table[i, i]), int(table[:, i].sum()))}
                    for i, label in enumerate(labels) if int(table[i].sum()) > 0},
        "confusion": table.tolist(),
        "calibrationError": calibration_error(probabilities, classes),
        "atThreshold": answered(probabilities, classes, threshold),
    }


def report(splits: dict, labels) -> dict:
    """Figures of every split {name: (logits, classes)}; temperature and threshold come from val alone."""
    logits, classes = splits["val"]
    temperature = fit_temperature(logits, classes)
    threshold = choose_threshold(F.softmax(logits / temperature, dim=1), classes)
    return {"labels": labels, "decision": {"temperature": temperature, "threshold": threshold},
            "splits": {name: of_split(*split, labels, temperature, threshold) for name, split in splits.items()}}
