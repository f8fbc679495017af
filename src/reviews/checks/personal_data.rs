//! Addresses, numbers and names by which somebody can be reached or found.

use std::sync::LazyLock;

use super::{
    CheckCode, Finding, Read, phone,
    rules::{Compiled, Hit, Rule, always, apply, compile},
};

const EMAIL: &str = "This looks like an e-mail address. Please remove it: reviews are public and may not tell how to \
                     reach somebody.";
const HANDLE: &str = "This looks like an account on a social network or messenger. Please remove it: reviews are \
                      public and may not tell how to reach somebody.";
const DOCUMENT: &str = "This looks like the number of a passport or identity card. Please remove it.";
const PHONE: &str = "This looks like a telephone number. Please remove it: reviews are public and may not tell how to \
                     reach somebody.";

/// The rules; telephone numbers are in [`phone`].
pub const RULES: &[Rule] = &[
    Rule {
        name: "email",
        pattern: r"(?i)[a-z0-9][a-z0-9._%+'-]{0,63}\s{0,2}@\s{0,2}[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,3}\s?\.\s?[a-z]{2,24}(?-u:\b)",
        counts: always,
        detail: EMAIL,
        example: "Write to jane.doe@example.org for the packing list.",
        look_alike: "We met @ the clinic. The nurses were early.",
    },
    Rule {
        name: "email_spelt_out",
        pattern: r"(?i)[a-z0-9][a-z0-9._%+-]{0,63}\s{0,2}(?:@|[(\[{<]\s?at\s?[)\]}>]|(?-u:\b)at(?-u:\b))\s{0,2}[a-z0-9][a-z0-9-]{0,62}\s{0,2}(?:[(\[{<]\s?dot\s?[)\]}>]\s{0,2}[a-z]{2,24}|(?-u:\b)dot\s{1,2}(?:com|org|net|edu|gov|info|io|co|ac|de|uk|me|ke|ug|in))(?-u:\b)",
        counts: always,
        detail: EMAIL,
        example: "My address is jane.doe (at) example (dot) org.",
        look_alike: "We looked at the dot plot of the growth curve.",
    },
    Rule {
        name: "email_at_in_brackets",
        pattern: r"(?i)[a-z0-9][a-z0-9._%+-]{0,63}\s{0,2}[(\[{<]\s?at\s?[)\]}>]\s{0,2}[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,3}\.[a-z]{2,24}(?-u:\b)",
        counts: always,
        detail: EMAIL,
        example: "The coordinator is reached under visits[at]example.org.",
        look_alike: "We paid the fee (at the airport) in cash.",
    },
    Rule {
        name: "email_at_known_service",
        pattern: r"(?i)(?-u:\b)[a-z0-9][a-z0-9._%+-]{0,63}\s{1,2}at\s{1,2}(?:gmail|hotmail|yahoo|outlook|icloud|proton|protonmail|gmx|aol)(?:\.|\s(?:dot\s)?)(?:com|net|de|me|co)(?-u:\b)",
        counts: always,
        detail: EMAIL,
        example: "Send your questions to janedoe at gmail.com.",
        look_alike: "The orientation pack arrived at Gmail only after two weeks.",
    },
    Rule {
        name: "mailbox_named",
        pattern: r"(?i)(?-u:\b)(?:gmail|hotmail|yahoo|e-?mail|mail)(?:\s(?:address|account))?\s{0,2}(?:is|:|=)\s{0,2}(?P<at>[a-z0-9-]{0,30}[._0-9][a-z0-9._-]{0,30}[a-z0-9])(?-u:\b)",
        counts: named_like_an_account,
        detail: EMAIL,
        example: "My gmail is jane.doe.med if you want the list.",
        look_alike: "Their e-mail is answered within 24 hours.",
    },
    Rule {
        name: "handle",
        pattern: r"(?i)(?:^|[^a-z0-9._%+@/-])(?P<at>@\s?[a-z_][a-z0-9_.]{2,30})",
        counts: handle_is_not_a_place,
        detail: HANDLE,
        example: "More pictures at @jane.in.scrubs.",
        look_alike: "We met @ 7 am @home and walked to the clinic.",
    },
    Rule {
        name: "account_on_service",
        pattern: r"(?i)(?-u:\b)(?:instagram|insta|ig|tiktok|twitter|snapchat|snap|facebook|fb|telegram|linkedin|discord|wechat|weixin|line|skype|signal|viber|messenger|kakao|kakaotalk|whatsapp|zalo)(?-u:\b)\W{0,3}(?:(?:is|as|at|me|handle|id|user|username|account|name)(?-u:\b)\W{0,3}){0,3}(?P<at>[a-z][a-z0-9-]{0,30}[._0-9][a-z0-9._-]{0,30}[a-z0-9])(?-u:\b)",
        counts: named_like_an_account,
        detail: HANDLE,
        example: "Find me on Instagram: jane_doe_med.",
        look_alike: "We had a WhatsApp group of 14 people, and Facebook is how the hostel told us about covid-19.",
    },
    Rule {
        name: "account_named",
        pattern: r"(?i)(?-u:\b)(?:instagram|insta|ig|tiktok|twitter|snapchat|snap|facebook|fb|telegram|linkedin|discord|wechat|weixin|line|skype|signal|viber|messenger|kakao|kakaotalk|zalo)\s(?:id|handle|user\s?name|account|tag|name)\s{0,2}(?:is|was|:|=)\s{0,2}@?(?P<at>[a-z0-9_.-]{4,31})(?-u:\b)",
        counts: not_a_plain_word,
        detail: HANDLE,
        example: "My WeChat ID is medstudentlee.",
        look_alike: "A WeChat account is needed to pay, and the Facebook name is misleading.",
    },
    Rule {
        name: "discord_tag",
        pattern: r"(?i)(?-u:\b)(?P<at>[a-z0-9_.]{2,32}#[0-9]{4})(?-u:\b)",
        counts: not_a_numbered_thing,
        detail: HANDLE,
        example: "Ask janedoe#4821 for the reading list.",
        look_alike: "The store of protocol#2019 was locked.",
    },
    Rule {
        name: "passport",
        pattern: r"(?i)(?-u:\b)(?:passport|identity card|national id|social security)\s{0,2}(?:card\s)?(?:no\.?|number|nr\.?|#)?\s{0,2}(?:is|was|:|=)?\s{0,2}(?P<at>[a-z]{0,3}[- ]?[0-9]{6,12})(?-u:\b)",
        counts: always,
        detail: DOCUMENT,
        example: "They wrote my passport number X4821907 on the wall.",
        look_alike: "Passport number and visa page are copied at the gate, and a passport costs 100 dollars.",
    },
];

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile(RULES));

/// Finds personal data in the parts.
#[must_use]
pub fn find(parts: &[Read<'_>]) -> Vec<Finding> {
    let mut findings = apply(CheckCode::PersonalData, &COMPILED, parts);
    for read in parts {
        let numbers = phone::find(read.folded.as_str()).into_iter();
        findings.extend(numbers.map(|range| read.finding(CheckCode::PersonalData, range, PHONE)));
    }
    findings
}

/// What is written with `@` for "at".
const PLACES: &[&str] = &[
    "airport",
    "all",
    "bedside",
    "breakfast",
    "campus",
    "clinic",
    "dinner",
    "gate",
    "her",
    "his",
    "home",
    "hospital",
    "hostel",
    "least",
    "lunch",
    "midday",
    "midnight",
    "morning",
    "my",
    "night",
    "noon",
    "one",
    "our",
    "reception",
    "school",
    "site",
    "that",
    "the",
    "their",
    "theatre",
    "this",
    "uni",
    "university",
    "ward",
    "work",
    "your",
];

fn handle_is_not_a_place(hit: &Hit<'_>) -> bool {
    let name = hit.group("at").trim_start_matches(['@', ' ']).trim_end_matches('.').to_lowercase();
    // "@ nine" with a space is a price or a time far more often than an account.
    let spaced = hit.group("at").starts_with("@ ");
    let odd = name.contains(|c: char| c.is_ascii_digit() || c == '_' || c == '.');
    !PLACES.contains(&name.as_str()) && (!spaced || odd)
}

/// A name of an account has a letter beside a digit, a dot or an underscore; a plain number, a
/// word with a hyphen and the end of a sentence that lacks its space do not.
fn named_like_an_account(hit: &Hit<'_>) -> bool {
    let name = hit.group("at");
    let letters = name.chars().filter(char::is_ascii_alphabetic).count();
    let sentence_end = name
        .split_once('.')
        .is_some_and(|(_, next)| next.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('_'));
    let numbered_word = name.rsplit_once('-').is_some_and(|(_, number)| number.parse::<u32>().is_ok());
    letters >= 2 && name.len() >= 4 && !sentence_end && !numbered_word
}

/// Words that follow "the account is …" in a sentence about accounts.
const PLAIN: &[&str] = &[
    "active",
    "also",
    "always",
    "blocked",
    "broken",
    "called",
    "checked",
    "closed",
    "correct",
    "dead",
    "different",
    "easy",
    "empty",
    "enough",
    "fake",
    "free",
    "full",
    "given",
    "good",
    "hard",
    "helpful",
    "inactive",
    "just",
    "managed",
    "mandatory",
    "misleading",
    "needed",
    "never",
    "often",
    "only",
    "open",
    "optional",
    "private",
    "public",
    "really",
    "required",
    "run",
    "shared",
    "still",
    "that",
    "their",
    "there",
    "useful",
    "used",
    "very",
    "what",
    "wrong",
    "your",
];

fn not_a_plain_word(hit: &Hit<'_>) -> bool {
    !PLAIN.contains(&hit.group("at").trim_end_matches('.').to_lowercase().as_str())
}

fn not_a_numbered_thing(hit: &Hit<'_>) -> bool {
    let name = hit.group("at").split('#').next().unwrap_or("").to_lowercase();
    let things = ["batch", "bed", "box", "case", "cohort", "group", "no", "protocol", "room", "site", "ward"];
    !things.contains(&name.as_str()) && !name.chars().all(|c| c.is_ascii_digit())
}
