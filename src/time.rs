//! Moments, days, months and half-years, as the database and the API see them.
//!
//! Each is one integer in the database, so that both engines compare and sort it alike, and one
//! fixed-width text in JSON. Only the written form is read back: two spellings of one moment would
//! make two cursors and two entity tags. [`Timestamp::now`] is the only place that reads the clock.

mod column;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Datelike, Months, NaiveDate, SecondsFormat, Utc};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat};

use self::column::integer_column;

/// The text or number is not a value of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidTime(pub &'static str);

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// 0000-01-01T00:00:00Z.
const FIRST_MICRO: i64 = -62_167_219_200_000_000;
/// The last microsecond of the year 9999.
const LAST_MICRO: i64 = 253_402_300_799_999_999;
const EPOCH: NaiveDate = NaiveDate::from_epoch_days(0).unwrap();

/// A moment: microseconds since 1970-01-01T00:00:00 UTC, years 0000 to 9999.
///
/// JSON: RFC 3339 in UTC with six fraction digits and `Z`, always 27 characters.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, which also stands for "never" in columns that lists are sorted by.
    pub const EPOCH: Self = Self(0);

    /// The present moment. The only place that reads the clock.
    #[must_use]
    pub fn now() -> Self {
        Self(Utc::now().timestamp_micros())
    }

    /// From microseconds since 1970; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        (FIRST_MICRO..=LAST_MICRO).contains(&micros).then_some(Self(micros))
    }

    fn from_number(micros: i64) -> Option<Self> {
        Self::from_micros(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The calendar day in UTC.
    #[must_use]
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX))
    }

    /// The same moment moved by a number of seconds (negative: earlier), at most to the ends of the
    /// range.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let micros = self.0.saturating_add(seconds.saturating_mul(1_000_000));
        Self(micros.clamp(FIRST_MICRO, LAST_MICRO))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moment = DateTime::<Utc>::from_timestamp_micros(self.0).ok_or(std::fmt::Error)?;
        f.write_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|moment| Self::from_micros(moment.timestamp_micros()))
            .filter(|moment| moment.to_string() == text)
            .ok_or(InvalidTime("timestamp"))
    }
}

integer_column!(Timestamp, i64, diesel::sql_types::BigInt, "timestamp", |schema| schema
    .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
    .max_length(Some(27))
    .description(Some("A moment: RFC 3339 in UTC with six fraction digits."))
    .examples([serde_json::json!("2025-03-01T12:30:00.000000Z")]));

/// Tells the present moment to whoever answers requests: that of the computer's clock, until it is [set](Self::set),
/// so that tests can travel in time. Copies tell the same.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// No moment: the computer's clock is followed.
    const FOLLOWS: i64 = i64::MIN;

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.0.load(Ordering::Relaxed) {
            Self::FOLLOWS => Timestamp::now(),
            micros => Timestamp(micros),
        }
    }

    /// Stops the clock at a moment.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_micros(), Ordering::Relaxed);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(Self::FOLLOWS)))
    }
}

/// A calendar day: days since 1970-01-01, years 0000 to 9999. JSON: `"2025-03-01"`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Integer)]
pub struct Day(i32);

impl Day {
    /// From days since 1970-01-01; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_number(days: i32) -> Option<Self> {
        let date = NaiveDate::from_epoch_days(days)?;
        (0..=9999).contains(&date.year()).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Whole days from `earlier` to this day; negative when `earlier` is later.
    #[must_use]
    pub const fn days_since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// 9999-12-31, the last day, which stands for "never" in bounds.
    pub const NEVER: Self = Self(2_932_896);

    /// Its first moment: midnight UTC.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * MICROS_PER_DAY)
    }

    /// The same day of the month a number of months later, or the last one of a shorter month; at most
    /// the last day of the year 9999.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        self.date().checked_add_months(Months::new(months)).map_or(Self::NEVER, Self::from_date).min(Self::NEVER)
    }

    /// The month that holds this day.
    #[must_use]
    pub fn month(self) -> Month {
        let date = self.date();
        Month(date.year() * 12 + i32::try_from(date.month0()).unwrap_or(0))
    }

    fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).unwrap_or(EPOCH)
    }

    fn from_date(date: NaiveDate) -> Self {
        Self(date.to_epoch_days())
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

impl std::str::FromStr for Day {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(|date| Self::from_number(date.to_epoch_days()))
            .filter(|day| day.to_string() == text)
            .ok_or(InvalidTime("date"))
    }
}

integer_column!(Day, i32, diesel::sql_types::Integer, "date", |schema| {
    schema
        .format(Some(utoipa::openapi::schema::SchemaFormat::KnownFormat(utoipa::openapi::schema::KnownFormat::Date)))
        .max_length(Some(10))
        .description(Some("A calendar day."))
        .examples([serde_json::json!("2025-03-01")])
});

/// A calendar month: year * 12 + month - 1, years 0000 to 9999. JSON: `"2025-03"`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Integer)]
pub struct Month(i32);

impl Month {
    /// From the column's number; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        (0..120_000).contains(&number).then_some(Self(number))
    }

    /// year * 12 + month - 1.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The half-year that holds this month.
    #[must_use]
    pub const fn half_year(self) -> HalfYear {
        HalfYear(self.0 / 6)
    }

    /// The month's first day.
    #[must_use]
    pub fn first_day(self) -> Day {
        let month = u32::try_from(self.0 % 12 + 1).unwrap_or(1);
        let first = NaiveDate::from_ymd_opt(self.0 / 12, month, 1);
        Day::from_date(first.unwrap_or(EPOCH))
    }

    /// The month `months` earlier; the first of all months when that leaves the range.
    #[must_use]
    pub fn minus_months(self, months: u16) -> Self {
        Self((self.0 - i32::from(months)).max(0))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

impl std::str::FromStr for Month {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('-')
            .and_then(|(year, month)| Some((year.parse::<i32>().ok()?, month.parse::<i32>().ok()?)))
            .filter(|(year, month)| (0..=9999).contains(year) && (1..=12).contains(month))
            .map(|(year, month)| Self(year * 12 + month - 1))
            .filter(|month| month.to_string() == text)
            .ok_or(InvalidTime("month"))
    }
}

integer_column!(Month, i32, diesel::sql_types::Integer, "month", |schema| {
    schema
        .pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$"))
        .examples([serde_json::json!("2025-03")])
        .max_length(Some(7))
        .description(Some("A calendar month."))
        .examples([serde_json::json!("2025-03")])
});

/// Half a calendar year: year * 2 + (0 or 1), years 0000 to 9999. JSON: `"2025-H2"`.
///
/// Public answers about reviews and reports show half-years in place of months, so that a small
/// group of participants cannot be told apart by when they were there.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Integer)]
pub struct HalfYear(i32);

impl HalfYear {
    /// From the column's number; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        (0..20_000).contains(&number).then_some(Self(number))
    }

    /// year * 2 + (0 for January to June, 1 for July to December).
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// 30 June or 31 December.
    #[must_use]
    pub fn last_day(self) -> Day {
        let first_month = if self.0 % 2 == 0 { 1 } else { 7 };
        let last = NaiveDate::from_ymd_opt(self.0 / 2, first_month, 1)
            .and_then(|first| first.checked_add_months(Months::new(6)))
            .and_then(|next| next.pred_opt());
        Day::from_date(last.unwrap_or(EPOCH))
    }
}

impl From<Month> for HalfYear {
    fn from(month: Month) -> Self {
        month.half_year()
    }
}

impl std::fmt::Display for HalfYear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-H{}", self.0 / 2, self.0 % 2 + 1)
    }
}

impl std::str::FromStr for HalfYear {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once("-H")
            .and_then(|(year, half)| Some((year.parse::<i32>().ok()?, half.parse::<i32>().ok()?)))
            .filter(|(year, half)| (0..=9999).contains(year) && (1..=2).contains(half))
            .map(|(year, half)| Self(year * 2 + half - 1))
            .filter(|half_year| half_year.to_string() == text)
            .ok_or(InvalidTime("half-year"))
    }
}

integer_column!(HalfYear, i32, diesel::sql_types::Integer, "half-year", |schema| schema
    .pattern(Some("^[0-9]{4}-H[12]$"))
    .examples([serde_json::json!("2025-H2")])
    .max_length(Some(7))
    .description(Some("Half a calendar year: H1 is January to June, H2 July to December."))
    .examples([serde_json::json!("2025-H2")]));

#[cfg(test)]
mod tests;
