//! What a history shows, and that it agrees with the rows on every day.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn row(changed_at: &str, verdict: Verdict, reason: ReasonCode) -> ChangeRow {
    ChangeRow {
        verdict,
        conditions_from: Day::NEVER,
        insufficient_from: Day::NEVER,
        reasons: vec![reason],
        rubric_version: 1,
        changed_at: at(changed_at),
    }
}

/// Never assessed, then the best verdict, which evidence that expires ends in two steps.
fn assessed() -> Vec<ChangeRow> {
    let best = row("2026-02-10T09:30:00.000000Z", Verdict::MeetsStandard, ReasonCode::EveryCriterionMet);
    vec![
        row("2026-01-05T08:00:00.000000Z", Verdict::InsufficientEvidence, ReasonCode::NoAssessment),
        ChangeRow { conditions_from: day("2026-05-01"), insufficient_from: day("2026-07-01"), ..best },
    ]
}

/// Verdict, first day and code of each entry, newest first.
fn shown(rows: &[ChangeRow], from: Option<&str>, now: &str) -> Vec<(Verdict, String, VerdictTurn)> {
    let entries = entries(rows, from.map(at), at(now));
    entries.into_iter().map(|entry| (entry.verdict, entry.since.to_string(), entry.code)).collect()
}

#[test]
fn what_the_clock_did_stands_between_the_rows() {
    use Verdict::{InsufficientEvidence, MeetsStandard, MeetsWithConditions};
    use VerdictTurn::{EvidenceExpired, InputsChanged};
    let entry = |verdict, since: &str, code| (verdict, since.to_owned(), code);
    let begun =
        [entry(MeetsStandard, "2026-02-10", InputsChanged), entry(InsufficientEvidence, "2026-01-05", InputsChanged)];
    let rows = assessed();
    assert_eq!(shown(&rows, None, "2026-04-30T23:59:59.999999Z"), begun);
    let mut then = begun.to_vec();
    then.insert(0, entry(MeetsWithConditions, "2026-05-01", EvidenceExpired));
    assert_eq!(shown(&rows, None, "2026-05-01T00:00:00.000000Z"), then);
    then.insert(0, entry(InsufficientEvidence, "2026-07-01", EvidenceExpired));
    assert_eq!(shown(&rows, None, "2026-12-01T00:00:00.000000Z"), then);

    // A write before the day keeps the clock from doing it.
    let mut renewed = rows;
    renewed.push(row("2026-06-30T12:00:00.000000Z", MeetsStandard, ReasonCode::EveryCriterionMet));
    then[0] = entry(MeetsStandard, "2026-06-30", InputsChanged);
    assert_eq!(shown(&renewed, None, "2026-12-01T00:00:00.000000Z"), then);
    let entries = entries(&renewed, None, at("2026-12-01T00:00:00.000000Z"));
    let until: Vec<_> = entries.iter().map(|entry| entry.until.map(|day| day.to_string())).collect();
    let expected = [None, Some("2026-06-30"), Some("2026-05-01"), Some("2026-02-10")];
    assert_eq!(until, expected.map(|day| day.map(str::to_owned)));
    assert_eq!(entries[1].reasons, [ReasonCode::EvidenceExpired]);
}

#[test]
fn equal_verdicts_one_after_another_are_one_entry() {
    let rows = [
        row("2026-01-05T08:00:00.000000Z", Verdict::InsufficientEvidence, ReasonCode::NoAssessment),
        row("2026-02-05T08:00:00.000000Z", Verdict::InsufficientEvidence, ReasonCode::CriticalCriterionUnknown),
    ];
    let entries = entries(&rows, None, at("2026-12-01T00:00:00.000000Z"));
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].since, &entries[0].reasons[..]), (day("2026-01-05"), &[ReasonCode::NoAssessment][..]));
}

#[test]
fn the_public_reads_nothing_from_before_the_listing() {
    let rows = assessed();
    let all = shown(&rows, None, "2026-12-01T00:00:00.000000Z");
    let from = |listed: &str| shown(&rows, Some(listed), "2026-12-01T00:00:00.000000Z");
    assert_eq!(from("2026-01-01T00:00:00.000000Z"), all, "listed before there was a rubric");
    let mut later = all.clone();
    later.last_mut().unwrap().1 = "2026-02-03".to_owned();
    assert_eq!(from("2026-02-03T00:00:00.000000Z"), later);
    later.truncate(3);
    later.last_mut().unwrap().1 = "2026-03-04".to_owned();
    assert_eq!(from("2026-03-04T00:00:00.000000Z"), later);
    later.truncate(2);
    later.last_mut().unwrap().1 = "2026-06-05".to_owned();
    assert_eq!(from("2026-06-05T00:00:00.000000Z"), later);
}

#[test]
fn what_people_told_is_dated_by_its_month() {
    let rows = [
        row("2026-01-05T08:00:00.000000Z", Verdict::MeetsStandard, ReasonCode::EveryCriterionMet),
        row("2026-01-20T08:00:00.000000Z", Verdict::NotRecommended, ReasonCode::SignalCorroborated),
        row("2026-04-20T08:00:00.000000Z", Verdict::MeetsStandard, ReasonCode::EveryCriterionMet),
        row("2026-06-20T08:00:00.000000Z", Verdict::NotRecommended, ReasonCode::CriticalCriterionNotMet),
    ];
    let days: Vec<_> = shown(&rows, None, "2026-12-01T00:00:00.000000Z").into_iter().map(|(_, day, _)| day).collect();
    assert_eq!(days, ["2026-06-20", "2026-04-01", "2026-01-05", "2026-01-05"]);
}

fn any_rows() -> impl Strategy<Value = Vec<ChangeRow>> {
    let later = || proptest::option::of(1..60_i32);
    // Microseconds between the changes, mostly days, and the days until evidence expires.
    let one = (0..2_500_000_000_000_i64, select(Verdict::ALL), later(), later());
    vec(one, 1..8).prop_map(|changes| {
        let mut micros = 20_400 * 86_400_000_000_i64;
        let row = |(wait, verdict, conditions, insufficient): (i64, Verdict, Option<i32>, Option<i32>)| {
            micros += wait;
            let changed_at = Timestamp::from_micros(micros).unwrap();
            let day = |after: Option<i32>| {
                after.map_or(Day::NEVER, |after| Day::from_number(changed_at.day().number() + after).unwrap())
            };
            ChangeRow {
                verdict,
                conditions_from: day(conditions),
                insufficient_from: day(insufficient),
                reasons: vec![ReasonCode::NoAssessment],
                rubric_version: 1,
                changed_at,
            }
        };
        changes.into_iter().map(row).collect()
    })
}

proptest! {
    #[test]
    fn the_entry_in_force_at_the_end_of_a_day_is_what_the_row_in_force_says(rows in any_rows(), later in 0..400_i32) {
        let first = rows[0].changed_at.day();
        let end = Day::from_number(first.number() + later).unwrap();
        let now = Timestamp::from_micros(Day::from_number(end.number() + 1).unwrap().start().as_micros() - 1).unwrap();
        let known: Vec<_> = rows.into_iter().filter(|row| row.changed_at <= now).collect();
        let entries = entries(&known, None, now);
        for number in first.number()..=end.number() {
            let today = Day::from_number(number).unwrap();
            let row = known.iter().rev().find(|row| row.changed_at.day() <= today).unwrap();
            let entry = entries.iter().find(|entry| entry.since <= today).unwrap();
            prop_assert_eq!(entry.verdict, row.outlook().on(today), "{}", today);
        }
        for pair in entries.windows(2) {
            prop_assert_ne!(pair[0].verdict, pair[1].verdict);
            prop_assert_eq!(pair[1].until, Some(pair[0].since));
        }
    }
}
