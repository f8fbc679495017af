//! Bodies made from a good one by small changes, most of which a schema forbids.

use std::collections::BTreeMap;

use fastrand::Rng;
use preceptor::openapi::document;
use serde_json::{Value, json};

/// One change: at this JSON Pointer to this value, or to nothing.
#[derive(Debug, Clone)]
struct Change {
    at: String,
    to: Option<Value>,
}

impl Change {
    fn apply(&self, body: &mut Value) {
        let Some((parent, name)) = self.at.rsplit_once('/') else {
            *body = self.to.clone().unwrap_or(Value::Null);
            return;
        };
        match (body.pointer_mut(parent), &self.to) {
            (Some(Value::Object(members)), Some(value)) => drop(members.insert(name.to_owned(), value.clone())),
            (Some(Value::Object(members)), None) => drop(members.remove(name)),
            (Some(Value::Array(items)), Some(value)) => {
                if let Some(item) = name.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                    *item = value.clone();
                }
            }
            // An earlier change has taken the place away.
            _ => {}
        }
    }
}

/// Changes by what they try, so that rare kinds are tried as often as common ones.
#[derive(Default)]
struct Changes(BTreeMap<&'static str, Vec<Change>>);

impl Changes {
    fn add(&mut self, what: &'static str, at: &str, to: impl Into<Option<Value>>) {
        self.0.entry(what).or_default().push(Change { at: at.to_owned(), to: to.into() });
    }

    fn pick(&self, rng: &mut Rng) -> &Change {
        let kinds: Vec<_> = self.0.values().collect();
        let kind = kinds[rng.usize(..kinds.len())];
        &kind[rng.usize(..kind.len())]
    }

    /// Collects the changes of `value`, which fits `schema`, and of everything in it.
    fn of(&mut self, schema: &'static Value, value: &Value, at: &str) {
        let schema = resolve(schema);
        let wrong = [Value::Null, json!(true), json!(7), json!(1.5), json!("a text"), json!([]), json!({})];
        for other in wrong {
            self.add("type", at, other);
        }
        match value {
            Value::Object(members) => {
                self.add("unknown", &format!("{at}/surprise"), json!(1));
                self.add("unknown", &format!("{at}/__proto__"), json!({}));
                for (name, member) in members {
                    let below = format!("{at}/{name}");
                    self.add("absent", &below, None::<Value>);
                    self.of(&schema["properties"][name], member, &below);
                }
            }
            Value::Array(items) => self.of_list(schema, items, at),
            Value::String(text) if schema["enum"].is_array() => {
                for word in schema["enum"].as_array().unwrap() {
                    self.add("word", at, word.clone());
                }
                for word in ["no_such_word", "", &text.to_uppercase()] {
                    self.add("no word", at, json!(word));
                }
            }
            Value::String(text) => self.of_text(schema, text, at),
            Value::Number(_) => self.of_number(schema, at),
            Value::Bool(value) => self.add("word", at, json!(!value)),
            Value::Null => {}
        }
    }

    fn of_list(&mut self, schema: &'static Value, items: &[Value], at: &str) {
        let Some(first) = items.first() else { return };
        let most = usize::try_from(schema["maxItems"].as_u64().unwrap()).unwrap();
        for count in [2, most, most + 1] {
            self.add("items", at, json!(vec![first; count]));
        }
        let mut with_null = items.to_vec();
        with_null.push(Value::Null);
        self.add("items", at, Value::Array(with_null));
        for (index, item) in items.iter().enumerate() {
            self.of(&schema["items"], item, &format!("{at}/{index}"));
        }
    }

    fn of_text(&mut self, schema: &Value, text: &str, at: &str) {
        let length = |name: &str| schema[name].as_u64().map_or(0, |length| usize::try_from(length).unwrap());
        let (least, most) = (length("minLength"), length("maxLength"));
        for count in [least.saturating_sub(1), least, most, most + 1] {
            // One of these letters has two bytes and one has four: characters are what counts.
            for letter in ["x", "é", "\u{1f3e5}"] {
                self.add("length", at, json!(letter.repeat(count)));
            }
        }
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(index, _)| index);
        let (front, back) = text.split_at(middle);
        for inside in ["\0", "\n", "\t", "\r\n", "\u{1b}", "\u{7f}", "\u{85}", "\u{202e}", "\u{2066}", "é", " ", "'"] {
            self.add("characters", at, json!(format!("{front}{inside}{back}")));
        }
        let texts = [
            "",
            "2025-13",
            "2025-00",
            "2025-02-30",
            "2025-1-1",
            "2099-01",
            "2099-01-01",
            "1900-01",
            "1900-01-01",
            "ZZ",
            "zz",
            "NP",
            "XXX",
            "eur",
            "USD",
            "es",
            "es-",
            "es-a",
            "https://",
            "https://exa mple.org",
            "http://[::1",
            "https://example.org:99999/",
            "https://example.org/\u{e9}",
            "javascript:alert(1)",
            "ftp://example.org/",
            "a@b",
            "a b@example.org",
            "office@",
            "-dash-",
            "two--dashes",
            "Capital",
            "facets",
        ];
        for form in texts {
            self.add("form", at, json!(form));
        }
    }

    fn of_number(&mut self, schema: &Value, at: &str) {
        let (least, most) = (schema["minimum"].as_i64().unwrap(), schema["maximum"].as_i64().unwrap());
        for number in [least - 1, least, most, most + 1, i64::MAX, i64::MIN] {
            self.add("number", at, json!(number));
        }
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        let whole = least as f64;
        for number in [whole, whole + 0.5, -0.0, 1e15, 1e30] {
            self.add("number", at, json!(number));
        }
        self.add("number", at, json!(least.to_string()));
    }
}

/// The schema behind references and "null or this".
fn resolve(mut schema: &'static Value) -> &'static Value {
    loop {
        if let Some(reference) = schema["$ref"].as_str() {
            schema = document().pointer(reference.trim_start_matches('#')).unwrap();
        } else if let Some(choices) = schema["oneOf"].as_array() {
            schema = choices.iter().find(|choice| choice["type"] != "null").unwrap();
        } else {
            return schema;
        }
    }
}

/// The body itself, and then `count` bodies with one change of it or, now and then, a few.
pub fn mutants(schema: &str, body: &Value, count: usize, rng: &mut Rng) -> Vec<Value> {
    let mut changes = Changes::default();
    changes.of(&document()["components"]["schemas"][schema], body, "");
    let mut bodies = vec![body.clone()];
    for _ in 0..count {
        let mut mutant = body.clone();
        for _ in 0..[1, 1, 1, 1, 3][rng.usize(..5)] {
            changes.pick(rng).apply(&mut mutant);
        }
        bodies.push(mutant);
    }
    bodies
}
