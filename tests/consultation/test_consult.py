"""The consultation: one question, one to_dict, whatever the face."""

import enum
import json
import re
import sys

import jsonschema
import numpy as np
import pytest
from command_line import BEST, SEED, run

import riskmodel as rm
from riskmodel.cli import main
from riskmodel.report import render as report


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(rm.schema())


@pytest.fixture(scope="module")
def seed():
    return rm.consult(detail="all", **SEED).to_dict()


# ---------------------------------------------------------------- the seed article's question


def test_the_seed_question_has_branches_bounds_and_the_step_that_separates_them(seed):
    good = next(risk for risk in seed["risks"] if risk["outcome"] == "good_outcome")
    assert good["probability"] is None
    assert good["reason"]
    assert 0 < good["bounds"][0] < good["bounds"][1] < 1
    assert [branch["given"] for branch in seed["branches"]] == [{"anatomy": "isolated"}, {"anatomy": "associated"}]
    due = [step["step"] for step in seed["workup"] if step["state"] == "due"]
    assert due[0] == "anatomy-survey"
    assert {step["state"] for step in seed["workup"]} == {"due", "blocked"}


def test_what_has_no_counts_is_echoed_and_named_as_not_moving_the_number(seed):
    assert seed["described"] == {"weeks": 20.0, "size": [5.5, 4.4, 3.4], "location": "umbilical-vein", "foci": 1}
    text = next(one["text"] for one in seed["cautions"] if one["key"] == "not-modelled")
    for word in ("gestational age", "size", "location", "number of foci"):
        assert word in text
    plain = rm.consult().to_dict()
    assert [risk["probability"] for risk in seed["risks"]] == [risk["probability"] for risk in plain["risks"]]


def test_location_and_number_of_foci_enter_the_differential_where_the_article_uses_them(seed):
    remarks = {one["key"]: one["remarks"] for one in seed["differential"]}
    assert "beside the umbilical vein" in remarks["vascular-thrombi"][0]
    assert "single focus" in remarks["vascular-tumour"][0]
    other = rm.consult(foci=3, location="capsule").to_dict()
    remarks = {one["key"]: one["remarks"] for one in other["differential"]}
    assert remarks["vascular-thrombi"] == []
    assert "several foci" in remarks["vascular-tumour"][0]
    assert all(not one["remarks"] for one in rm.consult().to_dict()["differential"])


def test_pitfalls_come_with_what_the_counts_say_of_them(seed):
    pitfalls = {one["key"]: one for one in seed["cautions"] if one["kind"] == "pitfall"}
    assert len(pitfalls) == 3
    counts = {(c["source"], c["events"], c["total"]) for c in pitfalls["benign-without-work-up"]["counts"]}
    assert {("Simchen 2002", 11, 61), ("Simchen 2002", 1, 21)} <= counts
    # Achiron's 4 of 4 that did well are 0 of 4 abnormal; Avni's 0 of 6 infected says nothing of it.
    expected = rm.pool([1, 0, 0, 0], [21, 11, 14, 4], prior=rm.BetaMixture.beta(1 / 6, 5 / 6)).average.mean
    assert pitfalls["benign-without-work-up"]["risk"]["probability"] == pytest.approx(expected, abs=1e-8)


def test_what_each_test_would_change(seed):
    survey = next(step for step in seed["workup"] if step["step"] == "anatomy-survey")
    change = next(one for one in survey["changes"] if one["outcome"] == "abnormal_karyotype")
    p, normal, abnormal = survey["p_abnormal"], change["if_normal"]["probability"], change["if_abnormal"]["probability"]
    assert (1 - p) * normal + p * abnormal == pytest.approx(change["before"]["probability"], abs=1e-12)
    assert 0 < change["bits"] < 1
    assert survey["if_abnormal"] is None  # no series follows continuing pregnancies with an associated anomaly
    assert survey["reason"]


def test_expected_information_by_hand(model):
    import math

    from riskmodel.consultation.workup import information

    p, normal, abnormal = (
        model.risk("associated_anomaly").mean,
        model.risk("abnormal_karyotype", anatomy="isolated").mean,
        model.risk("abnormal_karyotype", anatomy="associated").mean,
    )

    def entropy(q):
        return -(q * math.log2(q) + (1 - q) * math.log2(1 - q))

    before = (1 - p) * normal + p * abnormal
    by_hand = entropy(before) - (1 - p) * entropy(normal) - p * entropy(abnormal)
    bits, most, by_definition, reason = information(model, (), "anatomy", "karyotype", "abnormal")
    assert bits == pytest.approx(by_hand, abs=1e-12)
    assert most == pytest.approx(by_hand, abs=1e-12)
    assert by_definition == 0
    assert reason == ""


# ---------------------------------------------------------------- readings, settings, robustness


def test_the_article_s_reading_shows_its_counts_and_how_far_the_answer_moves():
    answer = rm.consult(detail="all", reading="as-cited", **BEST).to_dict()
    risk = answer["risks"][0]
    assert ("Simchen 2002", 20, 21) in {(c["source"], c["events"], c["total"]) for c in risk["counts"]}
    moved = {one["reading"]: one["probability"] for one in risk["robustness"]["readings"]}
    primary = rm.consult(detail="all", **BEST).to_dict()["risks"][0]
    assert moved["primary"] == pytest.approx(primary["probability"], abs=1e-12)
    assert risk["probability"] != pytest.approx(primary["probability"], abs=1e-3)
    assert any(one["severity"] == "contradiction" for one in answer["audit"])
    karyotype = rm.consult(detail="all", reading="as-cited", anatomy="isolated").to_dict()["risks"]
    found = next(one for one in karyotype if one["outcome"] == "abnormal_karyotype")
    assert ("Simchen 2002", 11, 61) in {(c["source"], c["events"], c["total"]) for c in found["counts"]}


def test_each_series_is_left_out_once():
    prior = rm.BetaMixture.beta(1 / 2, 1 / 6)  # of this branch (docs/dirichlet-tree.md)
    risk = rm.consult(detail="all", **BEST).to_dict()["risks"][0]
    left = {one["source"]: one["probability"] for one in risk["robustness"]["left_out"]}
    assert left["Simchen 2002"] == pytest.approx(rm.pool([10, 5, 4], [11, 5, 4], prior=prior).average.mean, abs=1e-8)
    assert left["Bronshtein 1995"] == pytest.approx(rm.pool([19, 5, 4], [19, 5, 4], prior=prior).average.mean, abs=1e-8)
    assert risk["robustness"]["lowest"] <= risk["probability"] <= risk["robustness"]["highest"]


def test_one_changed_count_moves_the_answer(folder):
    before = rm.consult(detail="all", finding=folder, **BEST).to_dict()
    path = folder / "counts.csv"
    path.write_text(path.read_text().replace(",19,19,", ",15,19,"))
    after = rm.consult(detail="all", finding=folder, **BEST).to_dict()
    assert after["risks"][0]["probability"] < before["risks"][0]["probability"]
    assert after["evidence_version"] != before["evidence_version"]


# ---------------------------------------------------------------- faces


@pytest.mark.parametrize("audience", ["clinician", "patient", "researcher"])
def test_every_audience_reads_the_same_numbers(audience, validator):
    answer = rm.consult(detail="all", audience=audience, anatomy="isolated").to_dict()
    validator.validate(json.loads(report.to_json(answer)))
    same = rm.consult(detail="all", anatomy="isolated").to_dict() | {"audience": audience}
    assert answer == same
    text = report.to_markdown(answer)
    low, high = (f"{100 * end:.0f}" for end in answer["risks"][0]["bounds"])
    assert f"{low} to {high} of 100" in text
    assert not re.search(r"\b(None|nan|NaN)\b", text)
    assert "1 in " not in text


@pytest.mark.parametrize("reading", ["primary", "strict", "as-cited"])
@pytest.mark.parametrize(
    "known",
    [{}, {"anatomy": "isolated"}, {"anatomy": "associated", "karyotype": "abnormal"}, BEST, {"infection": "positive"}],
)
def test_the_json_is_what_the_schema_says(reading, known, validator):
    answer = rm.consult(detail="all", reading=reading, **known).to_dict()
    validator.validate(json.loads(report.to_json(answer)))


def test_the_schema_refuses_what_is_wrong(validator):
    answer = json.loads(report.to_json(rm.consult(detail="all", **BEST).to_dict()))
    for spoil in (
        lambda body: body["risks"][0].update(probability=1.2),
        lambda body: body["risks"][0].update(probability=None, reason=""),
        lambda body: body.pop("cautions"),
        lambda body: body["workup"][0].update(state="maybe"),
        lambda body: body.update(extra=1),
    ):
        body = json.loads(json.dumps(answer))
        spoil(body)
        assert not validator.is_valid(body)


def test_python_and_the_command_line_give_one_answer():
    code, out, _ = run("consult", "--anatomy", "isolated", "--weeks", "20", "--json")
    assert code == 0
    assert json.loads(out) == json.loads(report.to_json(rm.consult(anatomy="isolated", weeks="20").to_dict()))


@pytest.mark.parametrize("name", ["anatomy", "location", "setting", "reading", "audience", "detail", "test_errors"])
def test_texts_of_numpy_and_of_enumerations_are_texts(name):
    text = {"anatomy": "pending", "location": "umbilical-vein", "setting": "routine", "reading": "strict"}.get(name)
    text = text or {"audience": "patient", "detail": "settings", "test_errors": "published"}[name]
    member = enum.Enum("Word", {"ONE": text}, type=str).ONE
    plain = rm.consult(**{name: text}).to_dict()
    assert rm.consult(**{name: np.str_(text)}).to_dict() == rm.consult(**{name: member}).to_dict() == plain


def test_the_terminal_answers_the_seed_question_on_one_screen():
    asked = "consult", "--weeks", "20", "--size", "5.5x4.4x3.4", "--location", "umbilical-vein", "--foci", "1"
    code, out, _ = run(*asked)
    assert code == 0
    assert len(out.splitlines()) <= 30
    assert max(map(len, out.splitlines())) <= 80
    for words in (
        "not known, within 48-83 of 100",
        "5.5 x 4.4 x 3.4 mm",
        "Next",
        "--detail evidence, workup, robustness, sources",
    ):
        assert words in out
    code, more, _ = run(*asked, "--detail", "all")
    assert code == 0
    assert more.startswith("\n".join(out.splitlines()[:-1]))
    for words in (
        "The risks now",
        "The work-up, in order",
        "Pitfalls",
        "How far the answer moves",
        "Simchen 2002",
        "Review",
    ):
        assert words in more
        assert words not in out


@pytest.mark.parametrize(
    ("name", "section"),
    [("evidence", "The risks now"), ("settings", "By setting"), ("neighbours", "To weigh this against"), ("sources", "Review"),
     ("workup", "The work-up, in order"), ("changes", "What it looks for"), ("robustness", "How far the answer moves")],
)  # fmt: skip
def test_a_page_is_asked_for_by_section_or_by_what_a_section_needs(name, section):
    code, out, _ = run("consult", "--anatomy", "isolated", "--detail", name)
    assert code == 0
    assert section in out
    assert ("The risks now" in out) == (name in ("evidence", "settings", "neighbours"))
    assert ("Review" in out) == (name == "sources")
    page = run("consult", "--anatomy", "isolated", "--markdown", "--detail", name)[1]
    assert section in page
    assert page.startswith("# Fetal hepatic calcification")


@pytest.mark.parametrize(
    ("names", "detail"),
    [((), []), (("settings",), ["settings"]), (("evidence",), ["settings", "neighbours"]), (("sources",), []),
     (("workup", "robustness"), ["robustness", "changes"]), (("all",), ["robustness", "settings", "neighbours", "changes"])],
)  # fmt: skip
def test_json_has_what_was_asked_for_by_name_and_no_more(names, detail):
    options = [word for name in names for word in ("--detail", name)]
    assert json.loads(run("consult", "--anatomy", "isolated", "--json", *options)[1])["detail"] == detail


def test_markdown_can_be_pasted():
    code, out, _ = run("consult", "--anatomy", "isolated", "--markdown")
    assert code == 0
    assert out.startswith("# Fetal hepatic calcification")


def test_pool_on_the_command_line():
    code, out, _ = run("pool", "20/21", "10/11", "5/5", "--json")
    assert code == 0
    body = json.loads(out)
    new = next(one for one in body["estimands"] if one["estimand"] == "new_setting")
    assert new["mean"] == pytest.approx(rm.pool([20, 10, 5], [21, 11, 5]).new_setting.mean, abs=1e-12)
    assert "new setting" in run("pool", "20/21")[1]
    assert json.loads(run("pool", "20/21", "--heterogeneity", "0", "--json")[1])["method"] == "conjugate"


def test_evidence_on_the_command_line(folder):
    code, out, _ = run("evidence", "show")
    assert code == 0
    assert "Simchen" in out
    assert json.loads(run("evidence", "show", "--json")[1])["rows"] == 66
    assert "no faults" in run("evidence", "check", str(folder))[1]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["consult", "--anatomy", "isolted"], "Did you mean 'isolated'?"),
        (["consult", "--anatmy", "isolated"], "Did you mean '--anatomy'?"),
        (["consult", "--reading", "as_cited"], "Did you mean 'as-cited'?"),
        (["consult", "--anatomy", "isolated", "--anatomy", "associated"], "given as 'isolated' and as 'associated'"),
        (["consult", "--weeks", "20", "--weeks", "21"], "given as '20' and as '21'"),
        (["consult", "--anatomy", ""], "an empty name in place of a state of anatomy"),
        (["consult", "--setting="], "an empty name in place of a setting"),
        (["consult", "--setting", "clinic"], "Known: any, routine, referral"),
        (["consult", "--detail", "sorces"], "Did you mean 'sources'?"),
        (["consult", "--audience", "doctor"], "Known: clinician, patient, researcher"),
        (["consult", "--finding", "nowhere"], "unknown finding"),
        (["consult", "--weeks", "99"], "outside 4 to 45 weeks"),
        (["consult", "--weeks", "nan"], "is not a number"),
        (["consult", "--foci", "1.5"], "is not a whole number"),
        (["consult", "--size", "big"], "is not a size"),
        (["consult", "--size", "1x2x3x4"], "is not a size"),
        (["consult", "--location", "<script>"], "is not a word"),
        (["consult", "--anatomy"], "anatomy"),
        (["consult", "--finding", ""], "an empty name in place of a finding"),
        (["consult", "--weeks="], "'' is not a number"),
        (["fit-all", ""], "'' is no path: an empty name"),
        (["calibrate", "--out", " "], "' ' is no path: an empty name"),
        (["consult", "extra"], "extra"),
        (["pool", "22/21"], "22 events of 21"),
        (["pool", "20"], "is not EVENTS/TOTAL"),
        (["pool", "1.5/3"], "is not EVENTS/TOTAL"),
        (["pool", "-1/3"], ""),
        (["pool"], "Missing argument 'EVENTS/TOTAL...'. Write it as: riskmodel pool EVENTS/TOTAL..."),
        (["refit"], "riskmodel refit NEW.csv"),
        (["consult", "--width", "10-12"], "riskmodel consult --finding fetal-mild-ventriculomegaly --width 10-12"),
        (["consult", "--width=13-15", "--finding=fetal-echogenic-bowel"], "fetal-mild-ventriculomegaly --width=13-15"),
        (["consult", "--widht", "10-12"], "unknown option '--widht'"),
        (["pool", "1/2", "--prior", "flat"], "unknown prior"),
        (["evidence", "check", "nowhere"], "unknown finding"),
        (["nonsense"], "unknown command"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
def test_a_fault_of_the_caller_is_exit_2_with_one_message(args, words, as_json, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*args, "--json"] if as_json else args)
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert words in err
    assert "Traceback" not in out + err
    if as_json:
        body = json.loads(out)
        jsonschema.validate(body, rm.schema("error"))
        assert words in body["error"]["message"]
    else:
        assert out == ""


def test_a_bad_folder_lists_its_problems_as_json(folder, capsys):
    path = folder / "counts.csv"
    path.write_text(path.read_text().replace(",19,19,", ",20,19,"))
    with pytest.raises(SystemExit) as stop:
        main(["consult", "--finding", str(folder), "--json"])
    body = json.loads(capsys.readouterr().out)
    jsonschema.validate(body, rm.schema("error"))
    assert stop.value.code == 2
    problem = body["error"]["problems"][0]
    assert (problem["file"], problem["column"]) == ("counts.csv", "events")
    assert problem["row"] > 1


def test_a_fault_of_ours_is_exit_1_with_a_reference(monkeypatch, capsys):
    def broken(*_args, **_options):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(sys.modules["riskmodel.consultation.consult"], "load_evidence", broken)
    with pytest.raises(SystemExit) as stop:
        main(["consult", "--json"])
    out, err = capsys.readouterr()
    assert stop.value.code == 1
    assert "ZeroDivisionError at" in json.loads(out)["error"]["message"]
    assert "secret" not in out + err


def test_help_is_there_for_every_command():
    for args in ([], ["consult"], ["pool"], ["evidence"], ["evidence", "show"], ["evidence", "check"]):
        code, out, _ = run(*args, "--help")
        assert code == 0
        assert "Usage:" in out
    assert "--anatomy isolated|associated" in run("consult", "--help")[1]
    assert "any|routine|referral" in run("consult", "--help")[1]
    assert run("consult", "--anatomy", "isolated", "--anatomy", "isolated", "--json")[0] == 0


@pytest.mark.parametrize(
    ("stated", "error"),
    [
        ({"anatmy": "isolated"}, rm.UnknownNameError), ({"anatomy": 3}, rm.UnknownNameError), ({"size": (1, "x")}, rm.InputError),
        ({"size": -1}, rm.InputError), ({"size": True}, rm.InputError), ({"weeks": True}, rm.InputError), ({"weeks": [20]}, rm.InputError),
        ({"reading": 3}, rm.InputError), ({"finding": None}, rm.InputError), ({"location": ""}, rm.InputError),
        ({"audience": None}, rm.InputError), ({"prior": "flat"}, rm.UnknownNameError), ({"heterogeneity": -1}, rm.InputError),
    ],
)  # fmt: skip
def test_arguments_of_consult_are_checked(stated, error):
    with pytest.raises(error) as caught:
        rm.consult(**stated)
    assert caught.value.where


def test_consult_takes_keywords_only():
    with pytest.raises(TypeError):
        rm.consult("fetal-hepatic-calcification")


def test_size_may_be_written_in_several_ways():
    for size in ("5.5x4.4x3.4", "5.5 x 4.4 x 3.4 mm", (5.5, 4.4, 3.4)):
        assert rm.consult(size=size, **BEST).described["size"] == (5.5, 4.4, 3.4)
    assert rm.consult(size=5, **BEST).described["size"] == (5.0,)


def test_what_was_done_to_evidence_is_not_undone():
    evidence = rm.load_evidence("fetal-hepatic-calcification")
    left = evidence.without("Simchen 2002")
    expected = rm.fit(left).risk("good_outcome", anatomy="isolated").mean
    assert rm.consult(finding=left, anatomy="isolated").risks[0].mean == expected
    assert rm.consult(finding=left, reading="primary", anatomy="isolated").risks[0].mean == expected
    assert all(count.source != "Simchen 2002" for count in left.with_reading("strict").counts)
    strict = evidence.with_reading("strict")
    assert rm.consult(finding=strict).to_dict()["reading"] == "strict"
    assert rm.consult(finding=strict, reading="primary").to_dict()["reading"] == "primary"
