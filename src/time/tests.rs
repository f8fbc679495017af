//! Written forms, ranges and database forms of the time types.

use super::*;
use proptest::prelude::*;

#[test]
fn a_timestamp_has_six_fraction_digits_and_z() {
    let moment = Timestamp::from_micros(1_740_832_200_000_001).unwrap();
    assert_eq!(moment.to_string(), "2025-03-01T12:30:00.000001Z");
    assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2025-03-01T12:30:00.000001Z\"");
    assert_eq!(moment.day().to_string(), "2025-03-01");
    assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00.000000Z");
    assert_eq!(Timestamp::from_micros(-1).unwrap().day().to_string(), "1969-12-31");
    let first = Timestamp::EPOCH.plus_seconds(i64::MIN);
    let last = Timestamp::EPOCH.plus_seconds(i64::MAX);
    assert_eq!(first.to_string(), "0000-01-01T00:00:00.000000Z");
    assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(Timestamp::EPOCH.plus_seconds(86_400).day().number(), 1);
}

#[test]
fn only_the_written_form_is_read() {
    for text in
        ["2025-03-01T12:30:00Z", "2025-03-01T12:30:00.000001+00:00", "2025-03-01t12:30:00.000001z", "", "2025-03-01"]
    {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
    for text in ["2025-3-1", "2025-02-29", "02025-03-01", "+2025-03-01", "2025-03-01 ", "25-03-01"] {
        assert!(text.parse::<Day>().is_err(), "{text}");
    }
    for text in ["2025-3", "2025-13", "2025-00", "+025-03", "2025", "2025-+3", "-2025-03"] {
        assert!(text.parse::<Month>().is_err(), "{text}");
    }
    for text in ["2025-H3", "2025-H0", "2025-h1", "2025H1", "025-H1"] {
        assert!(text.parse::<HalfYear>().is_err(), "{text}");
    }
}

#[test]
fn a_month_lies_in_its_half_year() {
    for (month, half, last) in [
        ("2025-01", "2025-H1", "2025-06-30"),
        ("2025-06", "2025-H1", "2025-06-30"),
        ("2025-07", "2025-H2", "2025-12-31"),
        ("2024-12", "2024-H2", "2024-12-31"),
    ] {
        let half_year = HalfYear::from(month.parse::<Month>().unwrap());
        assert_eq!(half_year.to_string(), half);
        assert_eq!(half_year.last_day().to_string(), last);
    }
    let month: Month = "2025-03".parse().unwrap();
    assert_eq!(month.number(), 2025 * 12 + 2);
    assert_eq!("2025-H2".parse::<HalfYear>().unwrap().number(), 2025 * 2 + 1);
    assert_eq!(month.minus_months(120).to_string(), "2015-03");
    assert_eq!("2025-03-31".parse::<Day>().unwrap().month(), month);
}

#[test]
fn the_database_form_is_the_number() {
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Integer};
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    let month: Month = diesel::select(24_302.into_sql::<Integer>()).get_result(&mut conn).unwrap();
    assert_eq!(month.to_string(), "2025-03");
    let back: i32 = diesel::select(month.into_sql::<Integer>()).get_result(&mut conn).unwrap();
    assert_eq!(back, 24_302);
    let outside: QueryResult<Month> = diesel::select((-1).into_sql::<Integer>()).get_result(&mut conn);
    assert!(outside.is_err());
    let moment: Timestamp = diesel::select(Timestamp::EPOCH.into_sql::<BigInt>()).get_result(&mut conn).unwrap();
    assert_eq!(moment, Timestamp::EPOCH);
}

proptest! {
    #[test]
    fn text_and_number_agree(
        month in 0..120_000, half in 0..20_000, day in -719_528..2_932_896,
        micros in FIRST_MICRO..=LAST_MICRO,
    ) {
        let month = Month::from_number(month).unwrap();
        prop_assert_eq!(month.to_string().parse::<Month>().unwrap(), month);
        let half = HalfYear::from_number(half).unwrap();
        prop_assert_eq!(half.to_string().parse::<HalfYear>().unwrap(), half);
        prop_assert_eq!(half.last_day().month().half_year(), half);
        let day = Day::from_number(day).unwrap();
        prop_assert_eq!(day.to_string().parse::<Day>().unwrap(), day);
        let moment = Timestamp::from_micros(micros).unwrap();
        prop_assert_eq!(moment.to_string().len(), 27);
        prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
    }
}
