//! Text prepared for search, the same way for what is indexed and for what is asked.
//!
//! Folding (case, diacritics, ligatures) and stemming happen here and not in the database, so that
//! both engines find the same rows. A token holds letters and digits only, never a space or a
//! quote, and is short enough for either index. Words are stemmed as English; words of other
//! languages pass the same way on both sides, so they match themselves.

use std::collections::BTreeSet;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

/// Longest token, in characters; longer ones are cut. `PostgreSQL` refuses lexemes of 2 kB.
pub const TOKEN_MAX: usize = 64;

/// Most tokens of a query; further ones are ignored.
pub const QUERY_TOKENS_MAX: usize = 10;

/// Lower case without diacritics: NFKD, marks removed, and the letters that have no decomposition
/// spelt out (ß, æ, ø, …).
///
/// Marks are the characters that reorder (combining class above 0): vowel signs of Indic and Thai
/// script are letters.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().flat_map(char::to_lowercase).nfkd().filter(|c| canonical_combining_class(*c) == 0) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ł' => folded.push('l'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    folded
}

/// Longest sort key, in characters, so that it fits an index entry; folding can make a text many
/// times longer.
const KEY_MAX: usize = 300;

/// The folded text, as a column takes it that lists are sorted or filtered by: at most 300
/// characters, and the text itself where folding leaves nothing (a text of combining marks only).
#[must_use]
pub fn sort_key(text: &str) -> String {
    let folded = fold(text);
    let key = if folded.is_empty() { text.to_owned() } else { folded };
    if key.len() <= KEY_MAX { key } else { key.chars().take(KEY_MAX).collect() }
}

/// The folded words of a text, in order: runs of letters and digits.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(TOKEN_MAX).collect())
        .collect()
}

/// The stemmed tokens of a text, in order.
fn stemmed(text: &str) -> impl Iterator<Item = String> {
    let stemmer = Stemmer::create(Algorithm::English);
    tokens(text).into_iter().map(move |token| stemmer.stem(&token).into_owned()).filter(|stem| !stem.is_empty())
}

/// What the search column holds: every stemmed token of the parts once, in bytewise order, joined
/// by one space.
#[must_use]
pub fn index_body(parts: &[&str]) -> String {
    let unique: BTreeSet<String> = parts.iter().flat_map(|part| stemmed(part)).collect();
    unique.into_iter().collect::<Vec<_>>().join(" ")
}

/// The stemmed tokens of a query, each once, at most [`QUERY_TOKENS_MAX`]. Empty when the query
/// holds no word.
#[must_use]
pub fn query_tokens(query: &str) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for token in stemmed(query) {
        if unique.len() == QUERY_TOKENS_MAX {
            break;
        }
        if !unique.contains(&token) {
            unique.push(token);
        }
    }
    unique
}

/// The FTS5 expression that finds the rows with every token: `"a" "b"`. Without tokens it is empty,
/// which FTS5 refuses: the caller answers a query without words itself.
///
/// Tokens hold letters and digits only, so nothing in them needs escaping; quoted, a token such as
/// `or` is a word and not an operator.
#[must_use]
pub fn fts5_query(tokens: &[String]) -> String {
    joined(tokens, '"', " ")
}

/// The `tsquery` text that finds the rows with every token: `'a' & 'b'`. Cast it with `::tsquery`;
/// `to_tsquery` would stem again.
#[must_use]
pub fn tsquery(tokens: &[String]) -> String {
    joined(tokens, '\'', " & ")
}

fn joined(tokens: &[String], quote: char, between: &str) -> String {
    tokens.iter().map(|token| format!("{quote}{token}{quote}")).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folding_removes_case_and_diacritics() {
        for (text, folded) in [
            ("Clínica São João", "clinica sao joao"),
            ("STRASSE Straße", "strasse strasse"),
            ("Ærø Œuvre Łódź İzmir", "aero oeuvre lodz izmir"),
            ("ﬁn ２０２５ ™", "fin 2025 tm"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn keys_fit_their_columns() {
        assert_eq!(sort_key("São João"), "sao joao");
        assert_eq!(sort_key("\u{301}\u{301}"), "\u{301}\u{301}");
        assert_eq!(sort_key(&"\u{fdfa}".repeat(140)).chars().count(), KEY_MAX);
    }

    #[test]
    fn a_query_finds_other_forms_of_the_word() {
        let body = index_body(&["Supervised surgeries in Kathmandu", "children's hospital, Nepal"]);
        for query in ["supervise", "SURGERY", "hospitals", "kathmandu nepal"] {
            let words: Vec<&str> = body.split(' ').collect();
            assert!(query_tokens(query).iter().all(|token| words.contains(&token.as_str())), "{query} in {body}");
        }
    }

    #[test]
    fn a_query_has_at_most_ten_tokens_each_once() {
        assert_eq!(query_tokens("a a a b"), ["a", "b"]);
        assert_eq!(query_tokens("1 2 3 4 5 6 7 8 9 10 11 12").len(), QUERY_TOKENS_MAX);
        assert!(query_tokens(" -- \"' ").is_empty());
    }

    #[test]
    fn each_engine_is_asked_for_every_token_as_a_word() {
        let tokens = query_tokens("Near AND far");
        assert_eq!(fts5_query(&tokens), r#""near" "and" "far""#);
        assert_eq!(tsquery(&tokens), "'near' & 'and' & 'far'");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,80}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn tokens_are_plain_and_short(text in "\\PC{0,200}") {
            let body = index_body(&[&text]);
            prop_assert!(!body.contains("  ") && body.trim() == body);
            for token in query_tokens(&text) {
                prop_assert!(!token.is_empty() && token.chars().count() <= TOKEN_MAX);
                prop_assert!(token.chars().all(char::is_alphanumeric), "{}", token);
                prop_assert!(body.split(' ').any(|word| word == token));
            }
        }
    }
}
