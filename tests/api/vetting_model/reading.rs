//! What is read of a world: in words that do not depend on the database, and what must hold of it.

use preceptor::programs;
use serde_json::Value;

use super::World;

impl World {
    pub(super) fn named(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| "?".to_owned())
    }

    /// The same in words that do not depend on the database: ids by name, and what is ordered by ids in order of name.
    pub(super) fn comparable(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4 => {
                Value::String(self.named(text))
            }
            Value::String(text) if text.starts_with("/v1/") => Value::Null,
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(|item| self.comparable(item)).collect();
                items.sort_by_cached_key(Value::to_string);
                Value::Array(items)
            }
            Value::Object(members) => {
                let hidden = ["person", "pseudonym", "author", "next_cursor", "version", "listing_version"];
                let kept = members.iter().filter(|(name, _)| !hidden.contains(&name.as_str()));
                Value::Object(kept.map(|(name, value)| (name.clone(), self.comparable(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// What everyone reads, and what moderators read of signals.
    pub(super) async fn crawl(&self) -> Vec<(String, Value)> {
        let anyone = self.app.client();
        let mut read = Vec::new();
        let lists = [
            "",
            "&verdict=not_recommended",
            "&verdict=insufficient_evidence",
            "&verdict=meets_with_conditions",
            "&verdict=meets_standard",
        ];
        for filter in lists {
            let answer = anyone.get(&format!("/v1/programs?limit=100{filter}")).await.expect(200);
            read.push((format!("programs {filter}"), self.comparable(&answer.json())));
        }
        read.push(("facets".to_owned(), self.comparable(&anyone.get("/v1/programs/facets").await.expect(200).json())));
        let entries = self.moderator.get("/v1/triage-entries?limit=100").await.expect(200);
        read.push(("triage entries".to_owned(), self.comparable(&entries.json())));
        for (number, made) in self.programs.iter().enumerate() {
            for part in [
                "",
                "/verdict",
                "/verdict-inputs",
                "/verdict-history",
                "/self-reports",
                "/coverage",
                "/assessments",
                "/red-flag-reports",
                "/reviews?limit=100",
            ] {
                let answer = anyone.get(&format!("{}{part}", made.path)).await.expect(200);
                read.push((format!("program {number}{part}"), self.comparable(&answer.json())));
            }
        }
        read
    }

    /// Product invariants that any state must keep.
    pub(super) async fn look(&self) {
        let now = self.app.state.clock.now();
        assert_eq!(
            programs::rebuild(&mut self.app.connect(), true, now).unwrap(),
            0,
            "what is kept is what the tables give"
        );
        let anyone = self.app.client();
        for made in &self.programs {
            let verdict = anyone.get(&format!("{}/verdict", made.path)).await.expect(200).json();
            let detail = anyone.get(&made.path).await.expect(200).json();
            assert_eq!(verdict["verdict"], detail["verdict"]["verdict"]);
            assert_eq!(verdict["notices"], detail["verdict"]["notices"]);
            let decisive = &verdict["reasons"][0];
            assert_eq!(decisive["limits_to"], verdict["verdict"]);
            if detail["reports"]["critical"].as_i64().unwrap() > 0 {
                assert_eq!(verdict["verdict"], "not_recommended");
            }
            for reason in verdict["reasons"].as_array().unwrap() {
                for id in
                    reason["review_ids"].as_array().unwrap().iter().filter(|_| reason["code"] != "signal_confirmed")
                {
                    anyone.get(&format!("/v1/reviews/{}", id.as_str().unwrap())).await.expect(200);
                }
                if let Some(id) = reason["assessment_id"].as_str() {
                    let text = anyone.get(&format!("/v1/assessments/{id}")).await.expect(200).text();
                    for evidence in reason["evidence_ids"].as_array().unwrap() {
                        assert!(text.contains(evidence.as_str().unwrap()), "evidence of {reason}");
                    }
                }
            }
        }
    }
}
