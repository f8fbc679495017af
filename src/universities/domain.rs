//! Mail domains.

use std::{collections::BTreeSet, str::FromStr};

/// The text is not a domain name in ASCII form with at least two labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain name such as example.edu (no scheme, no path; letters beyond ASCII in their xn-- form)")]
pub struct InvalidDomain;

/// Second levels that country registries sell names under: `ac.uk` is no university's domain, and every British
/// mail address would be below it.
const REGISTRY_LABELS: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "org", "sch"];

/// A mail domain in lower case: at most 253 characters, two or more labels of letters, digits and inner hyphens, the
/// last of which is no number (RFC 1123 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain and its parents down to two labels, longest first: where a university may be found by an address
    /// like `a@student.example.edu`.
    #[must_use]
    pub fn with_parents(&self) -> Vec<&str> {
        let labels = self.0.split('.').count();
        std::iter::successors(Some(self.as_str()), |rest| rest.split_once('.').map(|(_, parent)| parent))
            .take(labels - 1)
            .collect()
    }

    /// Without a leading `www.`, which names a web server and not where mail goes.
    #[must_use]
    pub fn without_www(self) -> Self {
        match self.0.strip_prefix("www.") {
            Some(rest) if rest.contains('.') => Self(rest.to_owned()),
            _ => self,
        }
    }

    /// Whether this is a level below which a registry sells names, such as `edu.au`.
    #[must_use]
    pub fn is_registry(&self) -> bool {
        let labels = self.0.split_once('.');
        labels.is_some_and(|(second, top)| top.len() == 2 && REGISTRY_LABELS.contains(&second))
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    /// Capitals are read as small letters.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let top_is_name = |top: &str| !top.bytes().all(|byte| byte.is_ascii_digit());
        let valid = text.len() <= 253
            && text.split('.').all(label)
            && text.rsplit_once('.').is_some_and(|(_, top)| top_is_name(top));
        if valid { Ok(Self(text)) } else { Err(InvalidDomain) }
    }
}

/// Domains in the order they are stored and shown in.
pub(super) type Domains = BTreeSet<String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_domain_names_are_read() {
        for (text, domain) in
            [("EXAMPLE.edu", "example.edu"), ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a.b", "a.b")]
        {
            assert_eq!(text.parse::<Domain>().unwrap().as_str(), domain);
        }
        let long = format!("{}.edu", "a.".repeat(125));
        for text in [
            "",
            "edu",
            ".edu",
            "a..edu",
            "a.edu.",
            "-a.edu",
            "a_b.edu",
            "https://a.edu",
            "a.edu/x",
            "x@a.edu",
            "10.0.0.1",
            "bücher.example",
            &long,
        ] {
            assert_eq!(text.parse::<Domain>(), Err(InvalidDomain), "{text}");
        }
    }

    #[test]
    fn a_domain_lies_below_its_parents() {
        let domain: Domain = "mail.student.example.edu".parse().unwrap();
        assert_eq!(domain.with_parents(), ["mail.student.example.edu", "student.example.edu", "example.edu"]);
    }

    #[test]
    fn web_servers_and_registries_are_told_apart() {
        let domain = |text: &str| text.parse::<Domain>().unwrap();
        assert_eq!(domain("www.example.edu").without_www().as_str(), "example.edu");
        assert_eq!(domain("www.edu").without_www().as_str(), "www.edu");
        assert!(domain("ac.uk").is_registry() && !domain("ox.ac.uk").is_registry() && !domain("mil.lv").is_registry());
    }
}
