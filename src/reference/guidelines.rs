//! The guidelines that the rubric's criteria rest on, and which of them a criterion's `basis` names.

use std::sync::LazyLock;

use serde::Deserialize;

/// A published guideline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guideline {
    /// Its short name here, lower case.
    pub code: String,
    /// How a `basis` that names it begins.
    pub prefix: String,
    /// Its title, or what it is where it has none.
    pub title: String,
    /// Who issued or wrote it.
    pub issuer: String,
    /// Where it can be read, where that is known for certain.
    pub url: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    guidelines: Vec<Guideline>,
}

#[expect(clippy::expect_used, reason = "the document is compiled in and a test parses it")]
static GUIDELINES: LazyLock<Vec<Guideline>> = LazyLock::new(|| {
    let document: Document =
        serde_json::from_str(include_str!("data/guidelines.json")).expect("embedded guidelines.json is well formed");
    document.guidelines
});

/// Every guideline that is known by name.
#[must_use]
pub fn guidelines() -> &'static [Guideline] {
    &GUIDELINES
}

/// The guideline that a `basis` names, and the item of it: what stands behind the prefix, `None` for the guideline as a
/// whole. `None` when no known guideline is named.
#[must_use]
pub fn named_by(basis: &str) -> Option<(&'static Guideline, Option<&str>)> {
    let items = guidelines().iter().filter_map(|guideline| {
        let rest = basis.strip_prefix(guideline.prefix.as_str())?;
        // "WMAX" is not item "X" of WMA.
        let item = if rest.is_empty() { None } else { Some(rest.strip_prefix(' ')?) };
        Some((guideline, item))
    });
    items.max_by_key(|(guideline, _)| guideline.prefix.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::criteria;

    fn named(basis: &str) -> Option<(&str, Option<&str>)> {
        named_by(basis).map(|(guideline, item)| (guideline.code.as_str(), item))
    }

    #[test]
    fn what_stands_behind_the_name_of_a_guideline_is_the_item() {
        assert_eq!(named("Brocher principle 4"), Some(("brocher", Some("principle 4"))));
        assert_eq!(named("ASDA B-8"), Some(("asda", Some("B-8"))));
        assert_eq!(named("FTC 16 CFR 465"), Some(("ftc_16_cfr_465", None)));
        assert_eq!(named("WMAX"), None);
        assert_eq!(named("A guideline of our own"), None);
    }

    #[test]
    fn every_basis_of_the_first_rubric_is_named_and_every_guideline_is_a_basis() {
        let bases: Vec<&str> = criteria().iter().flat_map(|criterion| &criterion.basis).map(String::as_str).collect();
        for basis in &bases {
            assert!(named(basis).is_some(), "{basis}");
        }
        for guideline in guidelines() {
            assert!(bases.iter().any(|basis| named(basis).is_some_and(|(code, _)| code == guideline.code)));
            assert!(guideline.title.len() <= 200 && guideline.issuer.len() <= 200, "{}", guideline.code);
            assert!(guideline.url.as_ref().is_none_or(|url| url.starts_with("https://")));
        }
    }

    #[test]
    fn codes_and_prefixes_are_unique() {
        for (index, one) in guidelines().iter().enumerate() {
            for other in &guidelines()[..index] {
                assert!(one.code != other.code && one.prefix != other.prefix, "{}", one.code);
            }
        }
    }
}
