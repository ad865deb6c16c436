"""What became of each alert: who was told, who took it on, how soon, and what people thought of it."""

import pytest

pytestmark = pytest.mark.clickhouse


def asked(told, query):
    return list(told.client.query(query).named_results())


def test_every_try_is_there_and_says_what_came_of_it(told):
    rows = asked(told, "SELECT * FROM v_notifications ORDER BY at")
    assert [(row["id"], row["attempt"], row["outcome"], row["reason"]) for row in rows] == [
        ("m1", 1, "retry", "rate_limited"),
        ("m1", 2, "delivered", ""),
        ("m2", 1, "delivered", ""),
    ]
    assert rows[0]["episodes"] == ["e1"]
    assert (rows[0]["receiver"], rows[0]["target"], rows[0]["why"]) == ("water-desk", "water-desk/wecom", "first")


def test_an_episode_is_one_row_from_firing_to_what_people_thought_of_it(told):
    first, second = asked(told, "SELECT * FROM v_alert_history ORDER BY fired_at")
    assert (first["episode"], first["notified"], first["acknowledged_by"]) == ("e1", ["water-desk"], "chen")
    times = "time_to_notify_s", "time_to_acknowledge_s", "duration_s"
    assert [first[name] for name in times] == [20, 45, 1800]
    assert (first["verdict"], first["end_reason"]) == ("useful", "condition_cleared")
    assert (second["episode"], second["notified"], second["acknowledged_by"]) == ("e2", [], "")
    assert [second[name] for name in times] == [None, None, 120]
    assert second["notified_at"] is second["acknowledged_at"] is None
    assert second["verdict"] == "noise"


def test_the_precision_of_a_rule_is_of_the_last_words(told):
    (row,) = asked(told, "SELECT * FROM v_rule_precision")
    numbers = "fired", "judged", "useful", "noise", "missed", "precision", "recall", "acknowledged"
    assert [row[name] for name in numbers] == [2, 2, 1, 1, 1, 0.5, 0.5, 1]
    assert row["time_to_acknowledge_median_s"] == 45
    assert len(asked(told, "SELECT * FROM v_alert_feedback")) == 3
