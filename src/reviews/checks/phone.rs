//! Telephone numbers, told from dates, times, prices and counts.
//!
//! A candidate is a run of digits in groups. What it is follows from the groups, from what divides
//! them, and from the words around: `0900-1700` are opening hours, `+254 712 345 678` is a number
//! anywhere, and `555-0199` is one only where somebody is to be called.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::rules::{after, before, pattern};

/// Digits in groups; a plus, a bracket around the area code, single dividers.
static RUN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:\+\s?)?\(?[0-9]{1,20}(?:\)?[ \t]?[-./(][ \t]?\(?[0-9]{1,20}|\)?[ \t]{1,2}[0-9]{1,20}){0,11}")
});

/// Seven and more digits as words.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)(?-u:\b)[\s,.-]{0,3}){7,20}",
    )
});

/// Words before a number that say that it is to be called.
static CUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:call|calling|dial|phone|tel|telephone|mobile|cell|cellphone|whatsapp|whats app|text|sms|ring|contact|reach|signal|viber|telegram|fax|hotline)(?-u:\b)[^.!?\n]{0,30}$",
    )
});

/// A currency directly before a number.
static PRICE_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:[$€£¥₹₦₵₱₫]|(?-u:\b)(?:usd|eur|gbp|chf|kes|ksh|kshs|ugx|ush|tzs|tsh|rwf|ghs|ngn|zar|inr|rs|npr|pkr|lkr|php|vnd|idr|thb|mxn|pen|cop|euro|euros))\.?\s{0,2}$",
    )
});

/// A currency or a unit directly behind a number.
static UNIT_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\s{0,2}(?:[$€£¥₹%]|/=|(?:usd|us|dollars?|eur|euros?|gbp|pounds?|chf|francs?|kes|ksh|ugx|tzs|tsh|shillings?|rwf|ghs|cedis?|ngn|naira|zar|rand|inr|rupees?|npr|pesos?|soles|vnd|dong|idr|rupiah|thb|baht|people|inhabitants|residents|patients|deliveries|births|visits|consultations|cells|copies|iu|units?|mg|ml|km|m|hours|hrs|h)(?-u:\b))",
    )
});

/// One group of digits and what stands before it.
#[derive(Debug, Clone, Copy)]
struct Group<'t> {
    digits: &'t str,
    divider: char,
}

/// The telephone numbers of a folded text, in bytes of it.
#[must_use]
pub fn find(text: &str) -> Vec<Range<usize>> {
    let runs = RUN.find_iter(text).filter(|run| is_phone(text, run.range())).map(|run| run.range());
    let words = WORDS.find_iter(text).map(|found| found.start()..found.start() + found.as_str().trim_end().len());
    runs.chain(words).collect()
}

fn is_phone(text: &str, range: Range<usize>) -> bool {
    let run = text.get(range.clone()).unwrap_or("");
    let plus = run.starts_with('+');
    let groups = groups(run);
    let digits = digits_of(&groups);
    let cued = CUE.is_match(before(text, range.start, 60));
    let glued = before(text, range.start, 4).ends_with(|c: char| c.is_alphanumeric() || c == '_');
    // A number that goes on after a comma or a point is a price or a count: 1,200,000.50.
    let goes_on = after(text, range.end, 2).starts_with([',', '.'])
        && after(text, range.end, 2).chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    let comma_before = before(text, range.start, 2).ends_with(',')
        && before(text, range.start, 2).starts_with(|c: char| c.is_ascii_digit());
    if digits.len() < 7 || (glued && !cued) || goes_on || comma_before {
        return false;
    }
    if plus {
        return digits.len() <= 15;
    }
    let priced =
        PRICE_BEFORE.is_match(before(text, range.start, 16)) || UNIT_AFTER.is_match(after(text, range.end, 20));
    if priced || is_calendar(&groups) {
        return false;
    }
    // Another number may stand before it: "24/7 0712 345 678".
    let behind_others = (1..groups.len().min(4)).any(|from| {
        let digits = digits_of(&groups[from..]);
        let begins = groups[from].divider == ' ' && digits.starts_with('0') && !digits.starts_with("00");
        begins && !is_calendar(&groups[from..]) && looks_local(&groups[from..], &digits)
    });
    (cued && digits.len() <= 15) || looks_international(&digits) || looks_local(&groups, &digits) || behind_others
}

fn digits_of(groups: &[Group<'_>]) -> String {
    groups.iter().map(|group| group.digits).collect()
}

fn groups(run: &str) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let mut divider = ' ';
    let mut rest = run;
    while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
        // A sign says more than the space beside it.
        if let Some(sign) = rest.get(..from).unwrap_or("").chars().find(|c| *c != ' ' && *c != '\t') {
            divider = sign;
        }
        let tail = rest.get(from..).unwrap_or("");
        let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        groups.push(Group { digits: tail.get(..end).unwrap_or(""), divider });
        divider = ' ';
        rest = tail.get(end..).unwrap_or("");
    }
    groups
}

/// `00` and a country; codes of countries do not begin with 0.
fn looks_international(digits: &str) -> bool {
    let country = digits.strip_prefix("00").and_then(|rest| rest.chars().next());
    country.is_some_and(|c| c != '0') && (10..=17).contains(&digits.len())
}

/// Ten digits in a row; nine to twelve behind a leading zero; 3-3-4 and 2-3-3-4 as in America.
fn looks_local(groups: &[Group<'_>], digits: &str) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|group| group.digits.len()).collect();
    let fraction = groups.first().is_some_and(|group| group.digits == "0");
    let decimal = groups.len() == 2 && groups[1].divider == '.';
    let short = lengths.iter().filter(|length| **length <= 2).count();
    match lengths.as_slice() {
        [10..=13] => true,
        // A leading zero is dialled before an area code; lists of small numbers have many groups.
        _ if digits.starts_with('0') && !fraction && !decimal => {
            (9..=12).contains(&digits.len()) && (short < groups.len() || groups.len() == 5)
        }
        [3, 3, 4] | [1, 3, 3, 4] => true,
        _ => false,
    }
}

/// Whether the groups are nothing but dates, years and times of day.
fn is_calendar(groups: &[Group<'_>]) -> bool {
    let mut rest = groups;
    while !rest.is_empty() {
        let used = date(rest).or_else(|| month_of_year(rest)).or_else(|| time(rest)).or_else(|| compact(rest));
        let Some(used) = used else { return false };
        rest = &rest[used..];
    }
    true
}

fn number(group: Group<'_>) -> u32 {
    group.digits.parse().unwrap_or(u32::MAX)
}

fn is_year(group: Group<'_>) -> bool {
    group.digits.len() == 4 && (1900..=2099).contains(&number(group))
}

/// Day, month, year in either order, divided by one sign other than a space.
fn date(groups: &[Group<'_>]) -> Option<usize> {
    let [first, second, third, ..] = groups else { return None };
    let short = |group: Group<'_>| group.digits.len() <= 2;
    let day_and_month = |a: Group<'_>, b: Group<'_>| {
        let (a, b) = (number(a), number(b));
        (1..=31).contains(&a) && (1..=31).contains(&b) && a.min(b) <= 12
    };
    let divided = second.divider == third.divider && "-./".contains(second.divider);
    let day_first = short(*first)
        && short(*second)
        && day_and_month(*first, *second)
        && (is_year(*third) || third.digits.len() == 2);
    let year_first = is_year(*first) && short(*second) && short(*third) && day_and_month(*second, *third);
    (divided && (day_first || year_first)).then_some(3)
}

/// `03/2024`, `2024-03`.
fn month_of_year(groups: &[Group<'_>]) -> Option<usize> {
    let [first, second, ..] = groups else { return None };
    let month = |group: Group<'_>| group.digits.len() <= 2 && (1..=12).contains(&number(group));
    let pair = (month(*first) && is_year(*second)) || (is_year(*first) && month(*second));
    (pair && "-./".contains(second.divider)).then_some(2)
}

/// `08.30`, or `0830` and years.
fn time(groups: &[Group<'_>]) -> Option<usize> {
    let [first, rest @ ..] = groups else { return None };
    let of_day = |hour: u32, minute: u32| hour <= 24 && minute <= 59;
    if is_year(*first) || (first.digits.len() == 4 && of_day(number(*first) / 100, number(*first) % 100)) {
        return Some(1);
    }
    let minute = rest.first().filter(|minute| minute.divider == '.' && minute.digits.len() == 2)?;
    (first.digits.len() <= 2 && of_day(number(*first), number(*minute))).then_some(2)
}

/// `20240312`.
fn compact(groups: &[Group<'_>]) -> Option<usize> {
    let [first, ..] = groups else { return None };
    let value = number(*first);
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
    let is_date = (1900..=2099).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (first.digits.len() == 8 && is_date).then_some(1)
}
