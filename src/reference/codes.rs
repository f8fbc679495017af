//! Codes kept by others: countries (ISO 3166-1), currencies (ISO 4217), languages (ISO 639-1, BCP 47); and
//! the plain lists of code and title that the reference endpoints answer with.

use std::sync::LazyLock;

use oxilangtag::LanguageTag;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Specialty, Track, TrainingLevel};

/// A code and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CodeInfo {
    /// The code as it stands in other documents.
    #[schema(max_length = 40, example = "tropical_medicine")]
    pub code: String,
    /// English name.
    #[schema(max_length = 100, example = "Tropical medicine")]
    pub title: String,
}

/// A currency that a fee can be stated in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CurrencyInfo {
    /// ISO 4217 code.
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub code: String,
    /// English name.
    #[schema(max_length = 100, example = "Euro")]
    pub title: String,
    /// Digits after the decimal point: an amount in minor units is divided by ten to this power.
    #[schema(format = "int32", minimum = 0, maximum = 4, example = 2)]
    pub minor_digits: u16,
}

static COUNTRIES: LazyLock<Vec<CodeInfo>> = LazyLock::new(|| {
    let mut countries: Vec<CodeInfo> = celes::Country::get_countries()
        .iter()
        .map(|country| CodeInfo { code: country.alpha2.to_owned(), title: country.long_name.to_owned() })
        .collect();
    countries.sort_by(|a, b| a.code.cmp(&b.code));
    countries
});

static CURRENCIES: LazyLock<Vec<CurrencyInfo>> = LazyLock::new(|| {
    // The crate has no list without a further dependency; asking for each three-letter code once at
    // start costs little.
    let letters = b'A'..=b'Z';
    let codes = letters.clone().flat_map(|a| {
        let third = letters.clone();
        letters
            .clone()
            .flat_map(move |b| third.clone().map(move |c| [a, b, c].map(char::from).iter().collect::<String>()))
    });
    codes
        .filter_map(|code| {
            let currency = iso_currency::Currency::from_code(&code)?;
            // Funds, metals, test codes and superseded money cannot be paid with.
            currency.flags().is_empty().then_some(())?;
            let minor_digits = currency.exponent()?;
            Some(CurrencyInfo { code, title: currency.name().to_owned(), minor_digits })
        })
        .collect()
});

static LANGUAGES: LazyLock<Vec<CodeInfo>> = LazyLock::new(|| {
    let mut languages: Vec<CodeInfo> = isolang::languages()
        .filter_map(|language| {
            Some(CodeInfo { code: language.to_639_1()?.to_owned(), title: language.to_name().to_owned() })
        })
        .collect();
    languages.sort_by(|a, b| a.code.cmp(&b.code));
    languages
});

/// Every language with a code of two letters (ISO 639-1), by code. Tags may name others too ([`is_language_tag`]).
#[must_use]
pub fn languages() -> &'static [CodeInfo] {
    &LANGUAGES
}

/// Every country by code: ISO 3166-1 alpha-2, and the user-assigned XK for Kosovo.
#[must_use]
pub fn countries() -> &'static [CodeInfo] {
    &COUNTRIES
}

/// Every currency in use, by ISO 4217 code; no funds, metals, test codes or superseded ones.
#[must_use]
pub fn currencies() -> &'static [CurrencyInfo] {
    &CURRENCIES
}

/// Whether the text is one of the codes of [`countries`], in capitals.
#[must_use]
pub fn is_country(code: &str) -> bool {
    COUNTRIES.binary_search_by(|country| country.code.as_str().cmp(code)).is_ok()
}

/// Whether the text is one of the codes of [`currencies`], in capitals.
#[must_use]
pub fn is_currency(code: &str) -> bool {
    CURRENCIES.binary_search_by(|currency| currency.code.as_str().cmp(code)).is_ok()
}

/// Whether the text is a well-formed BCP 47 tag that begins with a language of two or three
/// letters.
///
/// Registration of the subtags is not checked: the registry changes faster than this program.
#[must_use]
pub fn is_language_tag(tag: &str) -> bool {
    LanguageTag::parse(tag).is_ok_and(|tag| matches!(tag.primary_language().len(), 2 | 3))
}

/// The language of a tag without script and region, in lower case: "pt" for "pt-BR". `None` when it
/// is not a tag.
#[must_use]
pub fn primary_language(tag: &str) -> Option<String> {
    is_language_tag(tag).then(|| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase())
}

/// Every specialty with its title.
#[must_use]
pub fn specialties() -> Vec<CodeInfo> {
    Specialty::ALL.iter().map(|value| CodeInfo { code: value.to_string(), title: value.title() }).collect()
}

/// Every track with its title.
#[must_use]
pub fn tracks() -> Vec<CodeInfo> {
    Track::ALL.iter().map(|value| CodeInfo { code: value.to_string(), title: value.title() }).collect()
}

/// Every training level with its title, lowest first.
#[must_use]
pub fn training_levels() -> Vec<CodeInfo> {
    TrainingLevel::ALL
        .iter()
        .map(|value| CodeInfo { code: value.to_string(), title: value.title().to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_sorted_and_known_by_capitals_only() {
        assert_eq!(countries().len(), 250);
        assert!(countries().windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(is_country("NP") && is_country("TZ"));
        assert!(!is_country("np") && !is_country("UK") && !is_country("ZZ") && !is_country(""));
    }

    #[test]
    fn currencies_are_the_ones_that_fees_are_paid_in() {
        assert!(currencies().len() > 140);
        assert!(currencies().windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(is_currency("EUR") && is_currency("KES"));
        assert!(!is_currency("XAU") && !is_currency("XXX") && !is_currency("HRK") && !is_currency("eur"));
        let digits = |code: &str| currencies().iter().find(|c| c.code == code).unwrap().minor_digits;
        assert_eq!((digits("JPY"), digits("USD"), digits("KWD")), (0, 2, 3));
    }

    #[test]
    fn languages_are_sorted_and_each_code_is_a_tag() {
        assert!((180..=190).contains(&languages().len()), "{}", languages().len());
        assert!(languages().windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(languages().iter().all(|language| is_language_tag(&language.code)));
        let name = |code: &str| languages().iter().find(|language| language.code == code).unwrap().title.as_str();
        assert_eq!((name("es"), name("fr")), ("Spanish", "French"));
    }

    #[test]
    fn language_tags_must_begin_with_a_language() {
        for tag in ["es", "pt-BR", "zh-Hant-TW", "swh", "EN-gb"] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in ["", "e", "english", "x-private", "en_US", "en-", "i-klingon"] {
            assert!(!is_language_tag(tag), "{tag}");
        }
        assert_eq!(primary_language("PT-br").as_deref(), Some("pt"));
    }
}
