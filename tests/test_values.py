"""Finished values: they pickle, compare, hold no callable and no cache, and travel to other processes and back."""

import gc
import pickle
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

import riskmodel as rm
from riskmodel._support import kept
from riskmodel._support.kept import Shelf
from riskmodel.evidence.template import write_template

ISOLATED = {"anatomy": "isolated"}
POOLED = {
    "default": {},
    "alike": {"heterogeneity": 0},
    "alike, normal prior": {"heterogeneity": 0, "prior": ("normal", 0, 2)},
    "logit-normal": {"model": "logit-normal", "prior": "rbest", "heterogeneity": "rbest"},
    "rho": {"heterogeneity": (1, 9)},
}


def same_again(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("how", POOLED)
def test_a_posterior_comes_back_equal(how):
    post = rm.pool([20, 10, 5], [21, 11, 5], **POOLED[how])
    post.new_setting.interval()
    again = same_again(post)
    assert again == post
    assert hash(again) == hash(post)
    assert again.new_setting.interval() == post.new_setting.interval()
    assert rm.pool([20, 10, 4], [21, 11, 5], **POOLED[how]) != post


@pytest.mark.parametrize("changes", [{}, {"heterogeneity": 0}, {"setting": "referral"}, {"prior": (1, 1)}])
def test_a_tree_and_its_answers_come_back_equal(evidence, changes):
    model = rm.fit(evidence, **changes)
    for outcome, known in (("good_outcome", ISOLATED), ("good_outcome", {}), ("infection", {"karyotype": "abnormal"})):
        risk = model.risk(outcome, **known)
        again = same_again(risk)
        assert again == risk
        assert hash(again) == hash(risk)
        assert again.interval() == risk.interval()
        assert again.bounds == risk.bounds
    assert same_again(model) == model
    assert hash(same_again(model)) == hash(model)
    assert len({model.risk("good_outcome"), model.risk("infection"), model.risk("good_outcome")}) == 2
    assert same_again(model).risk("good_outcome", **ISOLATED) == model.risk("good_outcome", **ISOLATED)


def test_a_consultation_comes_back_equal_with_what_was_asked_for_by_name(evidence):
    answer = rm.consult(finding=evidence, weeks=20, size=(5.5, 4.4, 3.4), detail="all", **ISOLATED)
    assert same_again(answer) == answer
    assert hash(same_again(answer)) == hash(answer) != hash(rm.consult(finding=evidence))
    assert same_again(answer).to_dict() == answer.to_dict()
    assert rm.consult(finding=evidence, **ISOLATED) != answer
    assert rm.consult(finding=evidence, weeks=20, size=(5.5, 4.4, 3.4), **ISOLATED).with_detail("all") == answer


def test_a_folder_of_one_s_own_and_its_refit_come_back_equal(folder, tmp_path):
    new = tmp_path / "new.csv"
    rows = (folder / "counts.csv").read_text(encoding="utf-8").splitlines()
    new.write_text("\n".join([rows[0], *(row for row in rows if row.startswith("Koopman 1998,"))]) + "\n")
    (folder / "counts.csv").write_text("\n".join(row for row in rows if not row.startswith("Koopman 1998,")) + "\n")
    found = rm.refit(folder, new, updated="2026-11-25")
    assert found.moves
    for value in (found, found.after, found.record):
        assert same_again(value) == value
        assert hash(same_again(value)) == hash(value)
    write_template(tmp_path / "own")
    own = rm.consult(finding=tmp_path / "own")
    assert same_again(own) == own


def contents(value, seen):
    """Everything that a value holds in its fields, at any depth."""
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    if is_dataclass(value) and not isinstance(value, type):
        inside = [getattr(value, one.name) for one in fields(value)]
        assert set(vars(value)) <= {one.name for one in fields(value)}, type(value)
    elif isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, (tuple, list, set, frozenset)):
        inside = list(value)
    else:
        inside = []
    for one in inside:
        yield from contents(one, seen)


def test_nothing_in_a_value_can_be_called_and_nothing_is_a_cache(evidence):
    answer = rm.consult(finding=evidence, detail="all")
    for value in (answer, answer.model, *answer.risks, rm.pool([3], [4], model="logit-normal", heterogeneity="rbest")):
        for held in contents(value, set()):
            assert not callable(held), held


def test_a_variant_writes_nothing_into_its_parent(evidence):
    model = rm.fit(evidence)
    before = pickle.dumps(model)
    other = model.variant(prior="uniform", setting="referral")
    other.risk("good_outcome", **ISOLATED).interval()
    assert pickle.dumps(model) == before
    assert other != model
    assert model.variant() == model


def pooled(counts):
    return rm.pool(*counts)


def answered(known):
    return rm.fit(rm.load_evidence("fetal-hepatic-calcification")).risk("good_outcome", **known)


def test_workers_send_posteriors_and_risks(processes):
    post = processes.submit(pooled, ([20, 10, 5], [21, 11, 5])).result()
    risk = processes.submit(answered, ISOLATED).result()
    assert post == rm.pool([20, 10, 5], [21, 11, 5])
    assert risk == answered(ISOLATED)
    assert risk.interval() == answered(ISOLATED).interval()


def test_what_is_kept_goes_with_its_value():
    gc.collect()
    before = len(kept._BESIDE)
    post = rm.pool([20, 10, 5], [21, 11, 5], model="logit-normal", heterogeneity="rbest")
    post.table()
    post.predict(5)
    assert len(kept._BESIDE) > before
    del post
    gc.collect()
    assert len(kept._BESIDE) <= before


def test_a_shelf_lets_the_longest_unused_go(nothing_kept):
    shelf = Shelf(2)
    for key in (1, 2, 1, 3):
        shelf.get_or_make(key, lambda key=key: np.full(1, key))
    assert list(shelf) == [1, 3]
    kept.clear()
    assert not shelf
