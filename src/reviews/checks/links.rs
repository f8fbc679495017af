//! Links, however they are written.
//!
//! A bare domain is told by its ending. Endings that are English words ("the ward.It was") count
//! only with a path behind them.

use std::sync::LazyLock;

use super::{
    CheckCode, Finding, Read,
    rules::{Compiled, Hit, Rule, always, apply, compile},
};

const LINK: &str = "This looks like a link. Please remove it: reviews carry no links. The name of an organisation is \
                    fine.";

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        name: "scheme",
        pattern: r#"(?i)(?-u:\b)(?:https?|hxxps?|h\*\*ps?|h__ps?|ftp)\s{0,2}[:;]\s{0,2}/{1,3}\s{0,2}[^\s<>"]{1,300}"#,
        counts: always,
        detail: LINK,
        example: "Everything is on hxxps://example.org/reviews now.",
        look_alike: "Transfers to http or https pages were not part of the stay: we had no internet.",
    },
    Rule {
        name: "www",
        pattern: r"(?i)(?-u:\b)www\s{0,2}(?:\.|[(\[{]\s?(?:dot|\.)\s?[)\]}]|\sdot(?-u:\b))\s{0,2}[a-z0-9-]{1,63}(?:[.a-z0-9-]{0,100}[a-z0-9])?",
        counts: always,
        detail: LINK,
        example: "See www.example.org before you pay.",
        look_alike: "The www and the phone were down for a week.",
    },
    Rule {
        name: "domain",
        pattern: r"(?i)(?-u:\b)[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,3}\.(?P<end>com|org|net|edu|gov|info|biz|io|app|dev|xyz|int|eu|uk|de|fr|es|nl|ch|se|dk|fi|pl|pt|ie|ca|au|nz|ke|ug|tz|gh|ng|za|np|pe|ec|gt|bo|mx|br|ar|cl|co|cr|ph|vn|th|lk|cn|jp|kr|ru|ua|tr|il|eg|zm|zw|mw|rw)(?-u:\b)(?:/[^\s]{0,300})?",
        counts: is_a_domain,
        detail: LINK,
        example: "They sell the same trip on volunteer-trips.co.ke for half.",
        look_alike: "I hold an M.B.Ch.B. and we began at 8 a.m. sharp.It was early.",
    },
    Rule {
        name: "domain_with_path",
        pattern: r"(?:^|[^@\w.-])(?P<at>(?:[A-Za-z0-9][A-Za-z0-9-]{1,62}|[a-z])(?:\.[a-z0-9-]{1,63}){0,3}\.(?:ly|me|gl|gg|it|in|is|us|to|be|at|am|so|no|id|link|site|online|shop|club|page|live|tv|cc|ws|ru|su|ink|one|help|care|health|center|clinic|travel|tours)/[A-Za-z0-9_?=&%+~#-]{1,200})",
        counts: always,
        detail: LINK,
        example: "The form is at bit.ly/3xYzAbC for everyone.",
        look_alike: "Vital signs were taken in the a.m./p.m. rounds and noted as B.P./pulse.",
    },
    Rule {
        name: "dot_in_brackets",
        pattern: r"(?i)(?-u:\b)[a-z0-9-]{2,63}\s{0,2}(?:[(\[{<]\s?dot\s?[)\]}>]|[(\[{]\s?\.\s?[)\]}])\s{0,2}[a-z]{2,24}(?-u:\b)",
        counts: always,
        detail: LINK,
        example: "Look up medtrips [dot] org and decide.",
        look_alike: "We marked the sites (dots on the map) and drove there.",
    },
    Rule {
        name: "dot_as_word",
        pattern: r"(?i)(?-u:\b)(?P<name>[a-z0-9-]{2,63})\s{1,2}dot\s{1,2}(?:com|org|net|info|io|co)(?-u:\b)",
        counts: is_no_article,
        detail: LINK,
        example: "Search for medtrips dot com to see more.",
        look_alike: "It felt like the dot com years: promises and no staff.",
    },
    Rule {
        name: "spaced_dot",
        pattern: r"(?-u:\b)[A-Za-z0-9-]{2,63}\s{1,2}[.,]\s{0,2}(?:com|org)(?-u:\b)|(?-u:\b)[A-Za-z0-9-]{2,63}[.,]\s?(?:com|org)(?-u:\b)",
        counts: is_no_mail,
        detail: LINK,
        example: "Book with medtrips . com instead.",
        look_alike: "The ward was full . Compared with home, it was calm.",
    },
];

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile(RULES));

/// Finds links.
#[must_use]
pub fn find(parts: &[Read<'_>]) -> Vec<Finding> {
    apply(CheckCode::Links, &COMPILED, parts)
}

/// An address of mail is personal data, found there.
fn is_no_mail(hit: &Hit<'_>) -> bool {
    !hit.before(2).ends_with('@') && !hit.before(3).trim_end().ends_with('@') && !hit.after(1).starts_with('@')
}

/// The part before the ending has two characters and a letter, and the ending is no capitalised
/// beginning of a sentence.
fn is_a_domain(hit: &Hit<'_>) -> bool {
    let end = hit.group("end");
    let all = hit.groups.get_match().as_str();
    let labels = all.split('/').next().unwrap_or("");
    let name = labels.get(..labels.len().saturating_sub(end.len() + 1)).unwrap_or("").rsplit('.').next().unwrap_or("");
    let generic = ["com", "org", "net"].contains(&end.to_lowercase().as_str());
    let one_case = end.chars().all(|c| c.is_ascii_lowercase()) || end.chars().all(|c| c.is_ascii_uppercase());
    let named = name.len() >= 2 && name.chars().any(|c| c.is_ascii_alphabetic());
    // "Ch.", "U.S.A." and the like: single letters between points.
    let initials = labels.split('.').filter(|label| label.len() == 1).count() >= 2;
    let sentence =
        end.starts_with(|c: char| c.is_ascii_uppercase()) && name.ends_with(|c: char| c.is_ascii_lowercase());
    is_no_mail(hit) && !initials && !sentence && one_case && (named || generic)
}

fn is_no_article(hit: &Hit<'_>) -> bool {
    let name = hit.group("name").to_lowercase();
    !["the", "a", "an", "this", "that", "early", "red", "one", "every", "first", "of", "at"].contains(&name.as_str())
}
