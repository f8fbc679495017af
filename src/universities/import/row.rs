//! One row of the list: from JSON to what is stored, or the reasons why not.

use serde_json::{Map, Value};

use super::super::domain::{Domain, Domains};
use crate::{reference, search_text};

/// Characters of a name.
const NAME_MAX: usize = 200;
/// Characters of a folded name, which may be longer than the name; keeps source keys within their column.
const NAME_KEY_MAX: usize = 240;
const STATE_MAX: usize = 200;
const COUNTRY_MAX: usize = 100;
const DOMAINS_MAX: usize = 50;
const PAGES_MAX: usize = 20;
const PAGE_MAX: usize = 500;

/// What bytes 0x80 to 0x9F mean in Windows-1252; a space where they mean nothing. Lists that were once in that
/// encoding and were converted as Latin-1 have these characters as U+0080 to U+009F.
const WINDOWS_1252: [char; 32] = [
    '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', //
    ' ', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
];

/// A good row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: String,
    pub name_key: String,
    pub country: String,
    pub state_province: Option<String>,
    pub web_pages: Vec<String>,
    pub domains: Domains,
}

/// Reads a row whose texts are trimmed and in normalisation form C already; all its faults at once otherwise.
pub(super) fn read(row: Value) -> Result<Entry, Vec<String>> {
    let Value::Object(members) = row else { return Err(vec!["not an object".to_owned()]) };
    let mut reader = Reader { members, faults: Vec::new() };
    let name = reader.line("name", NAME_MAX).unwrap_or_default();
    let name_key = search_text::fold(&name);
    if !name.is_empty() && search_text::tokens(&name).is_empty() {
        reader.fault("name: no letter or digit in it");
    }
    if name_key.chars().count() > NAME_KEY_MAX {
        reader.fault("name: too long when spelt out");
    }
    // The country's name is only checked to be there: one country is spelt in more than one way in such lists.
    reader.line("country", COUNTRY_MAX);
    let country = reader.country();
    let state_province = reader.state();
    let domains = reader.list("domains", 1..=DOMAINS_MAX, domain).into_iter().collect();
    let mut web_pages = Vec::new();
    for page in reader.list("web_pages", 0..=PAGES_MAX, page) {
        if !web_pages.contains(&page) {
            web_pages.push(page);
        }
    }
    let unknown: Vec<_> = reader.members.keys().map(|name| format!("{}: no such member", quoted(name))).collect();
    reader.faults.extend(unknown);
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    Ok(Entry { name, name_key, country, state_province, web_pages, domains })
}

struct Reader {
    /// What has not been read yet.
    members: Map<String, Value>,
    faults: Vec<String>,
}

impl Reader {
    fn fault(&mut self, reason: impl Into<String>) {
        self.faults.push(reason.into());
    }

    fn take(&mut self, member: &str) -> Option<Value> {
        let value = self.members.remove(member);
        if value.is_none() {
            self.fault(format!("{member}: missing"));
        }
        value
    }

    /// A required text of one line.
    fn line(&mut self, member: &str, most: usize) -> Option<String> {
        if let Value::String(text) = self.take(member)? {
            return self.printable(member, &text, most);
        }
        self.fault(format!("{member}: not a text"));
        None
    }

    fn printable(&mut self, member: &str, text: &str, most: usize) -> Option<String> {
        let text: String = text.chars().map(repaired).collect();
        let words: Vec<_> = text.split_whitespace().collect();
        let text = words.join(" ");
        let reason = if text.is_empty() {
            "empty"
        } else if text.chars().any(|c| c.is_control() || is_direction(c)) {
            "holds control characters or overrides of text direction"
        } else if text.chars().count() > most {
            "too long"
        } else {
            return Some(text);
        };
        self.fault(format!("{member}: {reason}"));
        None
    }

    fn country(&mut self) -> String {
        let Some(code) = self.line("alpha_two_code", COUNTRY_MAX) else { return String::new() };
        let code = code.to_ascii_uppercase();
        if !reference::is_country(&code) {
            self.fault(format!("alpha_two_code: {} is not an ISO 3166-1 code", quoted(&code)));
        }
        code
    }

    /// Null, an empty text and the word "null" all say that it is not known.
    fn state(&mut self) -> Option<String> {
        match self.members.remove("state-province")? {
            Value::Null => None,
            Value::String(text) if text.is_empty() || text.eq_ignore_ascii_case("null") => None,
            Value::String(text) => self.printable("state-province", &text, STATE_MAX),
            _ => {
                self.fault("state-province: neither a text nor null");
                None
            }
        }
    }

    fn list(
        &mut self,
        member: &str,
        length: std::ops::RangeInclusive<usize>,
        item: impl Fn(&str) -> Result<String, &'static str>,
    ) -> Vec<String> {
        let items = match self.take(member) {
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(format!("{member}: not an array"));
                return Vec::new();
            }
            None => return Vec::new(),
        };
        if !length.contains(&items.len()) {
            self.fault(format!("{member}: from {} to {} items", length.start(), length.end()));
            return Vec::new();
        }
        let mut good = Vec::with_capacity(items.len());
        for (index, value) in items.iter().enumerate() {
            match value.as_str().ok_or("not a text").and_then(&item) {
                Ok(text) => good.push(text),
                Err(reason) => {
                    self.fault(format!("{member}[{index}]: {reason}: {}", quoted(&value.to_string())));
                }
            }
        }
        good
    }
}

fn repaired(c: char) -> char {
    match c {
        '\u{80}'..='\u{9f}' => match WINDOWS_1252[c as usize - 0x80] {
            ' ' => c,
            meant => meant,
        },
        other => other,
    }
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn domain(text: &str) -> Result<String, &'static str> {
    let domain: Domain = text.parse().map_err(|_| "not a domain name")?;
    let domain = domain.without_www();
    if domain.is_registry() {
        return Err("below this name everyone can have a domain");
    }
    Ok(domain.as_str().to_owned())
}

/// An address on the web; scheme and host in lower case, the rest as it is.
fn page(text: &str) -> Result<String, &'static str> {
    const NOT: &str = "not an http or https address";
    if text.len() > PAGE_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("too long, or holds blanks or characters beyond ASCII");
    }
    let (scheme, rest) = text.split_once("://").ok_or(NOT)?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let host: Domain = host.parse().map_err(|_| NOT)?;
    let port = match port {
        None => String::new(),
        Some(port) => format!(":{}", port.parse::<u16>().map_err(|_| NOT)?),
    };
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(NOT);
    }
    Ok(format!("{scheme}://{}{port}{path}", host.as_str()))
}

/// Input repeated in a fault: short and printable.
fn quoted(text: &str) -> String {
    let shown: String = text
        .chars()
        .take(60)
        .map(|c| if c.is_control() || is_direction(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if text.chars().count() > 60 { format!("{shown}…") } else { shown }
}
